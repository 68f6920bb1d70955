//! `ferrogate token`.

use jwt_compact::{
    AlgorithmExt, UntrustedToken,
    alg::{Hs256, Hs256Key},
};
use serde_json::{Map, Value};

use super::support::{Folder, err, ferrogate, fixture, out, text};

const SECRET: &str = "a secret of thirty-two bytes or so";

/// The claims of a token, once its signature has been checked.
fn claims(token: &str) -> Map<String, Value> {
    let token = UntrustedToken::new(token.trim_end()).unwrap();
    Hs256.validator::<Map<String, Value>>(&Hs256Key::new(SECRET)).validate(&token).unwrap();
    let claims = token.deserialize_claims_unchecked::<Map<String, Value>>().unwrap();
    let mut all = claims.custom;
    all.insert("life".into(), (claims.expiration.unwrap() - claims.issued_at.unwrap()).num_seconds().into());
    all
}

#[test]
fn token_signs_with_the_secret_of_the_environment() {
    let config = fixture("good/everything.toml");
    let arguments = ["token", "--config", text(&config), "--issuer", "partner"];
    let output = ferrogate(&arguments, &[("PARTNER_SECRET", SECRET)]);
    assert_eq!((err(&output).as_str(), output.status.code()), ("", Some(0)));
    let expected = serde_json::json!({ "iss": "partner", "aud": "api", "sub": "demo", "life": 3_600 });
    assert_eq!(Value::Object(claims(&out(&output))), expected);
}

#[test]
fn token_says_what_it_is_told_to_say() {
    let config = fixture("good/everything.toml");
    let more =
        ["--issuer", "acme", "--sub", "ada", "--scope", "a b", "--ttl", "5m", "--aud", "else", "--claim", "tier=gold"];
    let arguments = [&["token", "--config", text(&config)], more.as_slice()].concat();
    let output = ferrogate(&arguments, &[("JWT_SECRET", SECRET), ("AUDIENCE", "api"), ("ISSUER_HOST", "here.example")]);
    let expected = serde_json::json!({
        "iss": "https://here.example/", "aud": "else", "sub": "ada", "scope": "a b", "tier": "gold", "life": 300,
    });
    assert_eq!(Value::Object(claims(&out(&output))), expected);
}

#[test]
fn token_names_the_variable_that_is_missing() {
    let config = fixture("good/everything.toml");
    let output = ferrogate(&["token", "--config", text(&config), "--issuer", "partner"], &[]);
    assert_eq!((out(&output).as_str(), output.status.code()), ("", Some(1)));
    let expected = "set these environment variables, or write them into .dev.vars beside the file: PARTNER_SECRET\n";
    assert_eq!(err(&output), format!("ferrogate: {expected}"));
}

#[test]
fn token_asks_which_issuer_when_there_are_several() {
    let config = fixture("good/everything.toml");
    let output = ferrogate(&["token", "--config", text(&config)], &[("JWT_SECRET", SECRET)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("--issuer: acme, partner"), "{}", err(&output));
}

#[test]
fn token_is_for_the_issuer_as_it_is_in_an_environment() {
    let folder = Folder::new("token_env");
    let file = folder.write(
        "gateway.toml",
        "[gateway]\nname = 'a'\n[issuers.i]\nalgorithm = 'HS256'\nissuer = 'i'\naudience = 'here'\nsecret = '${S}'\n\
         [routes.'GET /']\nrespond = 'x'\nauth = 'i'\n[env.staging.issuers.i]\naudience = 'there'\n",
    );
    let audience = |more: &[&str]| {
        let output = ferrogate(&[&["token", "--config", text(&file)], more].concat(), &[("S", SECRET)]);
        (output.status.code() == Some(0)).then(|| claims(&out(&output))["aud"].clone())
    };
    assert_eq!(audience(&[]), Some("here".into()));
    assert_eq!(audience(&["--env", "staging"]), Some("there".into()));
    assert_eq!(audience(&["--env", "production"]), None);
    let ran = folder.run("token --config gateway.toml --env stagin");
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("no environment stagin; there are: staging; did you mean staging?"), "{}", ran.err);
}

const WITH_FILES: &str = "[gateway]\nname = 'a'\n[issuers.i]\nalgorithm = 'HS256'\nissuer = 'https://${HOST}/'\n\
                          audience = 'here'\nsecret = '${S}'\n[routes.'GET /']\nrespond = 'x'\nauth = 'i'\n";

#[test]
fn token_finds_the_secret_in_the_files_beside_the_configuration() {
    let folder = Folder::new("token_dev_vars");
    folder.write("gw/gateway.toml", WITH_FILES);
    folder.write("gw/.dev.vars", &format!("S=\"{SECRET}\"\n"));
    folder.write("gw/wrangler.toml", "[vars]\nHOST = 'here.example'\n");
    let ran = folder.run("token --config gw/gateway.toml");
    assert_eq!((ran.err.as_str(), ran.code), ("", Some(0)));
    assert_eq!(claims(&ran.out)["iss"], "https://here.example/");
    let other = folder.run_words(&["token", "--config", "gw/gateway.toml"], &[("S", &SECRET.replace('a', "b"))]);
    assert_ne!(ran.out.rsplit('.').next(), other.out.rsplit('.').next(), "the environment comes first");
}

#[test]
fn token_says_numbers_lists_and_objects_as_they_are() {
    let config = fixture("good/everything.toml");
    let given = r#"{"level": 3, "roles": ["a", "b"], "org": {"id": null}, "exp": 9999999999}"#;
    let arguments = ["token", "--config", text(&config), "--issuer", "partner", "--claims", given, "--claim", "x=3"];
    let all = claims(&out(&ferrogate(&arguments, &[("PARTNER_SECRET", SECRET)])));
    let expected = serde_json::json!([3, ["a", "b"], { "id": null }, "3"]);
    assert_eq!(serde_json::json!([all["level"], all["roles"], all["org"], all["x"]]), expected);
    assert!(all["life"].as_i64().unwrap() > 3_600);
}

#[test]
fn token_says_no_claim_twice() {
    let config = fixture("good/everything.toml");
    let arguments =
        ["token", "--config", text(&config), "--issuer", "partner", "--claim", "roles=a", "--claim", "roles=b"];
    let output = ferrogate(&arguments, &[("PARTNER_SECRET", SECRET)]);
    assert_eq!((out(&output).as_str(), output.status.code()), ("", Some(2)));
    assert!(err(&output).contains("the claim `roles` is given twice"), "{}", err(&output));
}
