//! `ferrogate variables`.

use serde_json::{Value, json};

use super::support::Folder;

const FILE: &str = "[gateway]\nname = 'a'\nrequires = ['ELSE']\nexplain = { secret = '${WHY}' }\n[issuers.i]\nalgorithm = 'HS256'\nissuer = 'i'\n\
                    audience = '${AUDIENCE:-api}'\nsecret = '${KEY}'\n[upstreams.u]\ntargets = ['${URL}']\n\
                    credentials = { bearer = '${TOKEN}' }\n[routes.'GET /']\nupstream = 'u'\nauth = 'i'\n";

fn folder(test: &str) -> Folder {
    let folder = Folder::new(test);
    folder.write("gw/gateway.toml", FILE);
    folder.write("gw/.dev.vars", "KEY=a-value-nobody-sees\n");
    folder.write("gw/wrangler.toml", "[vars]\nURL = 'http://u.test'\n");
    folder
}

#[test]
fn each_variable_is_told_with_what_it_is_for_and_where_its_value_is() {
    let ran = folder("variables_text").run("variables gw/gateway.toml");
    assert_eq!((ran.err.as_str(), ran.code), ("", Some(0)));
    for line in [
        "VARIABLE  WHAT FOR                   VALUE FROM",
        "KEY       key of issuer i            .dev.vars",
        "AUDIENCE  no secret                  its default",
        "URL       no secret                  wrangler.toml",
        "TOKEN     credentials of upstream u  missing",
        "WHY       key of explain             missing",
        "ELSE      secret                     missing",
    ] {
        assert!(ran.out.lines().any(|found| found == line), "{line}\n{}", ran.out);
    }
    assert!(!ran.out.contains("nobody-sees") && !ran.out.contains("u.test"));
}

#[test]
fn machines_get_an_object_for_each() {
    let folder = folder("variables_json");
    let ran =
        folder.run_words(&["variables", "gw/gateway.toml", "--format", "json"], &[("TOKEN", "a-value-nobody-sees")]);
    let lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 6, "{}", ran.out);
    for expected in [
        json!({ "name": "KEY", "role": "issuer", "of": "i", "has_default": false, "value_from": ".dev.vars" }),
        json!({ "name": "AUDIENCE", "role": "plain", "of": null, "has_default": true, "value_from": null }),
        json!({ "name": "TOKEN", "role": "credentials", "of": "u", "has_default": false, "value_from": "environment" }),
    ] {
        assert!(lines.contains(&expected), "{expected}\n{}", ran.out);
    }
    assert!(!ran.out.contains("nobody-sees"));
}

#[test]
fn a_file_without_variables_says_so() {
    let folder = Folder::new("variables_none");
    folder.write("gateway.toml", "[gateway]\nname = 'a'\n[routes.'GET /']\nrespond = 'x'\nauth = 'none'\n");
    assert_eq!(folder.run("variables").out, "the file names no variable\n");
    assert_eq!(folder.run("variables nowhere.toml").code, Some(2));
}
