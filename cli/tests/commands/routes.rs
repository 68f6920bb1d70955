//! `ferrogate routes`.

use serde_json::Value;

use super::support::{Folder, Ran};

const FILE: &str = r#"
[gateway]
name = "a"

[upstreams.u]
targets = ["https://u.example"]

[issuers.i]
algorithm = "HS256"
issuer = "i"
audience = "a"
secret = "${S}"

[policies.p]
auth = "i"
scopes = [
  "read",
  "write",
]

[routes."GET /v1/{rest...}"]
upstream = "u"
auth = "none"

[routes."GET /v1/{any}"]
respond = "x"
auth = "none"

[routes."GET /v1/{slug:slug}"]
maintenance = true
auth = "none"

[routes."GET /v1/{uuid:uuid}"]
redirect = "/v2/{path.uuid}"
auth = "none"

[routes."GET /v1/{int:int}"]
assets = "ASSETS"
auth = "none"

[routes."POST,GET /v1/literal"]
upstream = "u"
use = "p"
tags = ["orders", "core"]

[routes."GET /z"]
upstream = "u"
auth = "none"
host = ["*.acme.example"]

[routes."GET /y"]
upstream = "u"
auth = "none"
host = "api.acme.example"
version = "v2"

[env.staging.policies.p]
scopes = ["other"]
"#;

fn run(test: &str, line: &str) -> Ran {
    let folder = Folder::new(test);
    folder.write("gateway.toml", FILE);
    folder.run(line)
}

#[test]
fn the_most_specific_routes_come_first() {
    let ran = run("routes_table", "routes");
    assert_eq!((ran.err.as_str(), ran.code), ("", Some(0)));
    let expected = "\
METHOD  HOST              PATH             VERSION  WHERE TO                      AUTH            TAGS
GET     api.acme.example  /y               v2       upstream u                    none
GET     *.acme.example    /z                        upstream u                    none
GET                       /v1/literal               upstream u                    i (read write)  orders,core
POST                      /v1/literal               upstream u                    i (read write)  orders,core
GET                       /v1/{int:int}             assets ASSETS                 none
GET                       /v1/{uuid:uuid}           redirect 308 /v2/{path.uuid}  none
GET                       /v1/{slug:slug}           closed                        none
GET                       /v1/{any}                 respond 200                   none
GET                       /v1/{rest...}             upstream u                    none
";
    assert_eq!(ran.out, expected);
}

#[test]
fn columns_in_which_nothing_stands_are_left_out() {
    let folder = Folder::new("routes_columns");
    folder.write("g.toml", "[gateway]\nname = 'a'\n[routes.'GET /']\nrespond = 'x'\nauth = 'none'\n");
    let ran = folder.run("routes g.toml");
    assert_eq!(ran.out, "METHOD  PATH  WHERE TO     AUTH\nGET     /     respond 200  none\n");
}

#[test]
fn resolved_says_which_layer_says_what_where() {
    let ran = run("routes_resolved", "routes gateway.toml --resolved");
    let under: Vec<&str> = ran
        .out
        .lines()
        .skip_while(|line| !line.starts_with("GET                       /v1/literal"))
        .skip(1)
        .take(2)
        .collect();
    assert_eq!(
        under,
        [
            "    auth = \"i\"                     # policies.p, gateway.toml:15",
            "    scopes = [ \"read\", \"write\", ]  # policies.p, gateway.toml:16"
        ]
    );
    assert!(ran.out.contains("    auth = \"none\"  # the route, gateway.toml:"), "{}", ran.out);
}

#[test]
fn an_environment_has_routes_of_its_own() {
    let ran = run("routes_env", "routes --env staging");
    assert!(ran.out.contains("i (other)") && !ran.out.contains("i (read write)"), "{}", ran.out);
    let ran = run("routes_env", "routes --env production");
    assert_eq!((ran.out.as_str(), ran.code), ("", Some(2)));
    assert!(ran.err.contains("gateway.toml has no environment production; there are: staging"), "{}", ran.err);
}

#[test]
fn json_is_one_object_for_each_route() {
    let lines = |line: &str| -> Vec<Value> {
        let ran = run("routes_json", line);
        assert_eq!(ran.code, Some(0));
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let routes = lines("routes --format json");
    assert_eq!(routes.len(), 9);
    let expected = serde_json::json!({
        "method": "GET", "hosts": ["api.acme.example"], "path": "/y", "version": "v2",
        "action": { "kind": "upstream", "to": "u" }, "auth": "none", "issuers": [], "scopes": [], "roles": [],
        "conditions": [], "cors": null, "body_limit": 1_048_576, "pass_through": false, "tags": [],
        "file": "gateway.toml", "line": 51,
    });
    assert_eq!(routes[0], expected);
    let resolved = lines("routes --format json --resolved");
    let key = serde_json::json!({
        "name": "scopes", "value": "[ \"read\", \"write\", ]", "from": "policies.p", "file": "gateway.toml", "line": 16,
    });
    assert_eq!(resolved[2]["keys"][1], key);
}

#[test]
fn a_file_with_errors_has_no_routes() {
    let folder = Folder::new("routes_errors");
    folder.write("gateway.toml", "[gateway]\n");
    let ran = folder.run("routes");
    assert_eq!((ran.out.as_str(), ran.code), ("", Some(1)));
    assert!(ran.err.contains("error[FG0103]"), "{}", ran.err);
    std::fs::remove_file(folder.0.join("gateway.toml")).unwrap();
    assert_eq!(folder.run("routes").code, Some(2));
}

const GUARDED: &str = r#"
[gateway]
name = "a"

[upstreams.u]
targets = ["https://u.example"]

[issuers.main]
algorithm = "HS256"
issuer = "https://${HOST}/"
audience = ["a", "b"]
secret = "${S}"

[routes."GET /roles"]
upstream = "u"
auth = "main"
roles = ["editor", "admin"]

[routes."GET /tenants/{tenant}"]
upstream = "u"
auth = { issuers = ["main"], optional = true }
condition = ["claims.tenant == path.tenant", "request.method == 'GET'"]
pass_through = true

[routes."POST /all"]
upstream = "u"
auth = "main"
scopes = ["read", "write"]
roles = "admin"
condition = "has(claims.sub)"
body_limit = false
cors = { origins = ["https://app.example", "${PAGE}"], methods = ["POST"], headers = ["Content-Type"], credentials = true }
"#;

#[test]
fn what_callers_must_show_stands_behind_whose_tokens_are_taken() {
    let folder = Folder::new("routes_guarded");
    folder.write("g.toml", GUARDED);
    let ran = folder.run("routes g.toml");
    let expected = "\
METHOD  PATH               WHERE TO    AUTH
POST    /all               upstream u  main (read write; role admin; if has(claims.sub))
GET     /roles             upstream u  main (role editor or admin)
GET     /tenants/{tenant}  upstream u  main or none (if claims.tenant == path.tenant; if request.method == 'GET')
";
    assert_eq!((ran.out.as_str(), ran.err.as_str()), (expected, ""));
}

#[test]
fn json_says_who_may_ask_and_what_for() {
    let folder = Folder::new("routes_guarded_json");
    folder.write("g.toml", GUARDED);
    let ran = folder.run("routes g.toml --format json");
    let routes: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let issuer = serde_json::json!({
        "name": "main", "algorithm": "HS256", "issuer": "https://${HOST}/", "audiences": ["a", "b"],
    });
    let cors = serde_json::json!({
        "origins": ["https://app.example", "${PAGE}"], "methods": ["POST"], "headers": ["content-type"],
        "credentials": true,
    });
    let expected = [
        ("issuers", serde_json::json!([issuer])),
        ("roles", serde_json::json!(["admin"])),
        ("conditions", serde_json::json!(["has(claims.sub)"])),
        ("cors", cors),
        ("body_limit", Value::Null),
    ];
    for (name, value) in expected {
        assert_eq!(routes[0][name], value, "{name}");
    }
    assert_eq!((&routes[1]["cors"], &routes[1]["body_limit"]), (&Value::Null, &serde_json::json!(1_048_576)));
    assert_eq!((&routes[1]["pass_through"], &routes[2]["pass_through"]), (&false.into(), &true.into()));
}
