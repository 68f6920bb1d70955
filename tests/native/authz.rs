//! Who may do what: whole requests against roles.

use gateway::http::request::Header;
use serde_json::{Value, json};

use crate::fixture::{CONFIG, Fixture, Memory, bearer_of};

const ROLES: &str = r#"
[roles]
viewer = []
engineer = ["viewer"]
exec = ["engineer"]
auditor = []

[routes."GET /staff/{id}"]
upstream = "shop"
auth = "main"
scopes = ["staff"]
roles = ["engineer", "auditor"]
"#;

fn gateway(more: &str) -> Fixture {
    Fixture::of(&format!("{CONFIG}{more}"), Memory::default())
}

/// Why a request was refused: status, code and challenge.
fn refused(gateway: &mut Fixture, target: &str, authorization: Option<&str>) -> (u16, String, Option<String>) {
    let headers: Vec<(Header, &str)> = authorization.map(|value| (Header::Authorization, value)).into_iter().collect();
    let (answer, log) = gateway.refused("GET", target, &headers);
    let challenge = answer.head.value("www-authenticate").map(str::to_owned);
    (answer.status, log["code"].as_str().unwrap_or_default().to_owned(), challenge)
}

fn passes(gateway: &mut Fixture, target: &str, claims: Value) {
    let _ = gateway.forwarded("GET", target, &[(Header::Authorization, &bearer_of(claims))]);
}

#[test]
fn a_role_holds_through_all_that_include_it() {
    let mut gateway = gateway(ROLES);
    for roles in ["engineer", "exec", "viewer auditor"] {
        passes(&mut gateway, "/staff/1", json!({ "scope": "staff", "roles": roles }));
        passes(&mut gateway, "/staff/1", json!({ "scope": "staff", "roles": roles.split(' ').collect::<Vec<_>>() }));
    }
    for roles in [json!("viewer"), json!([]), json!(null), json!("Engineer"), json!(["engineer viewer"])] {
        let token = bearer_of(json!({ "scope": "staff", "roles": roles }));
        let (status, code, challenge) = refused(&mut gateway, "/staff/1", Some(&token));
        assert_eq!((status, &*code), (403, "role_missing"), "{roles}");
        assert_eq!(challenge.as_deref(), Some(r#"Bearer realm="test", error="insufficient_scope""#));
    }
}

#[test]
fn the_first_that_is_missing_refuses_and_a_token_comes_before_all() {
    let mut gateway = gateway(ROLES);
    let code = |gateway: &mut Fixture, token: Option<&str>| {
        let (status, code, _) = refused(gateway, "/staff/1", token);
        (status, code)
    };
    assert_eq!(code(&mut gateway, None), (401, "token_missing".into()));
    assert_eq!(code(&mut gateway, Some("Bearer x.y.z")), (401, "token_invalid".into()));
    let expired = bearer_of(json!({ "exp": 1, "roles": "viewer" }));
    assert_eq!(code(&mut gateway, Some(&expired)), (401, "token_expired".into()));
    assert_eq!(code(&mut gateway, Some(&bearer_of(json!({})))), (403, "scope_missing".into()));
    assert_eq!(code(&mut gateway, Some(&bearer_of(json!({ "scope": "staff" })))), (403, "role_missing".into()));
}

#[test]
fn roles_come_from_the_claim_of_the_issuer_and_from_no_other() {
    let config =
        format!("{CONFIG}{ROLES}").replace(r#"audience = "api""#, "audience = \"api\"\nroles = \"realm.roles\"");
    let mut gateway = Fixture::of(&config, Memory::default());
    passes(&mut gateway, "/staff/1", json!({ "scope": "staff", "realm": { "roles": ["exec"] } }));
    let token = bearer_of(json!({ "scope": "staff", "roles": ["exec"] }));
    assert_eq!(refused(&mut gateway, "/staff/1", Some(&token)).1, "role_missing");
}
