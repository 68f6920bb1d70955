//! Who may do what, and who is told: whole requests against roles, conditions and `principal_headers`.

use gateway::{
    blueprint::compile::compile,
    explain::{diff, explain, request::Request},
    http::{edits::Edits, request::Header},
    ports::upstream::Forward,
};
use serde_json::{Value, json};

use crate::fixture::{CONFIG, Fixture, Memory, NOW, bearer_of};

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

const CONDITIONS: &str = r#"
[routes."GET /tenants/{tenant}/orders"]
upstream = "shop"
auth = "main"
condition = ["claims.tenant == path.tenant", "claims.level >= 2 || claims.act.level >= 2"]

[routes."GET /offers"]
upstream = "shop"
auth = { issuers = ["main"], optional = true }
condition = "!has(claims.sub) || claims.plan == 'paid'"

[routes."GET /offers/best"]
upstream = "shop"
auth = { issuers = ["main"], optional = true }
condition = "claims.plan == 'paid'"

[routes."GET,POST /inside"]
upstream = "shop"
auth = "none"
condition = "request.host == 'api.test' && !(request.method == 'POST')"
"#;

#[test]
fn a_condition_compares_claims_with_the_request() {
    let mut gateway = gateway(CONDITIONS);
    passes(&mut gateway, "/tenants/acme/orders?x", json!({ "tenant": "acme", "level": 2 }));
    passes(&mut gateway, "/tenants/acme/orders", json!({ "tenant": "acme", "act": { "level": 7.5 } }));
    for (target, claims) in [
        ("/tenants/other/orders", json!({ "tenant": "acme", "level": 2 })),
        ("/tenants/acme/orders", json!({ "tenant": "acme", "level": 1 })),
        ("/tenants/acme/orders", json!({ "tenant": "acme", "level": "2" })),
        ("/tenants/acme/orders", json!({ "tenant": ["acme"], "level": 2 })),
        ("/tenants/acme/orders", json!({ "level": 2 })),
        ("/tenants/a%40b/orders", json!({ "tenant": "a@b", "level": 2 })),
        ("/tenants/a%40b/orders", json!({ "tenant": "a%40b", "level": 2 })),
        ("/tenants/acme;x/orders", json!({ "tenant": "acme", "level": 2 })),
        ("/tenants/acme;x/orders", json!({ "tenant": "acme;x", "level": 2 })),
    ] {
        let (status, code, challenge) = refused(&mut gateway, target, Some(&bearer_of(claims.clone())));
        assert_eq!((status, &*code), (403, "condition_failed"), "{target} {claims}");
        assert_eq!(challenge.as_deref(), Some(r#"Bearer realm="test", error="insufficient_scope""#));
    }
    assert_eq!(refused(&mut gateway, "/tenants/acme/orders", None).1, "token_missing");
}

#[test]
fn a_failed_condition_is_told_to_nobody_who_asks() {
    let token = bearer_of(json!({ "tenant": "claim-of-acme", "level": 2 }));
    let (answer, _) = gateway(CONDITIONS).refused("GET", "/tenants/x/orders", &[(Header::Authorization, &token)]);
    for secret in ["claim-of-acme", "claims.", "tenant ==", "level"] {
        assert!(!answer.body.contains(secret), "{}", answer.body);
    }
}

#[test]
fn a_public_route_may_have_conditions_and_asks_for_no_token() {
    let mut gateway = gateway(CONDITIONS);
    let _ = gateway.forwarded("GET", "/inside", &[]);
    let (answer, log) = gateway.refused("POST", "/inside", &[]);
    assert_eq!((answer.status, &log["code"]), (403, &"condition_failed".into()));
    assert_eq!(answer.head.value("www-authenticate"), None);
}

#[test]
fn where_a_token_is_optional_a_condition_can_ask_only_those_who_send_one() {
    let mut gateway = gateway(CONDITIONS);
    let _ = gateway.forwarded("GET", "/offers", &[]);
    passes(&mut gateway, "/offers", json!({ "plan": "paid" }));
    let free = bearer_of(json!({ "plan": "free" }));
    assert_eq!(refused(&mut gateway, "/offers", Some(&free)).1, "condition_failed");
    assert_eq!(refused(&mut gateway, "/offers", Some("Bearer x.y.z")).1, "token_invalid");
    // Who sends none might be let in with one.
    let (status, code, challenge) = refused(&mut gateway, "/offers/best", None);
    assert_eq!((status, &*code, challenge.as_deref()), (401, "token_missing", Some(r#"Bearer realm="test""#)));
}

#[test]
fn the_witness_is_told_which_condition_failed() {
    let started = crate::explain::started(&format!("{CONFIG}{CONDITIONS}"));
    let told = |target: &str, claims: Value| {
        let url = format!("https://api.test{target}");
        let request = Request { claims: claims.as_object().cloned(), ..Request::new("GET", &url) };
        explain(&started, &request, NOW, &[]).to_string()
    };
    let text = told("/tenants/x/orders", json!({ "tenant": "claim-of-acme" }));
    assert!(text.contains("claims.tenant == path.tenant") && text.contains("false"), "{text}");
    assert!(!text.contains("claim-of-acme") && !text.contains("claims.level"), "{text}");
    let text = told("/tenants/x/orders", json!({ "tenant": "x" }));
    assert!(text.contains("claims.level >= 2 || claims.act.level >= 2") && text.contains("unknown"), "{text}");
    let text = told("/offers/best", Value::Null);
    assert!(
        text.contains("code = token_missing") && text.contains("condition = ") && text.contains("unknown"),
        "{text}"
    );
}

#[test]
fn the_name_of_a_parameter_makes_no_difference_to_a_condition() {
    let differences = |new: &str| {
        let blueprint = |more: &str| compile("f", &format!("{CONFIG}{more}")).into_blueprint().unwrap();
        diff(&blueprint(CONDITIONS), &blueprint(new)).len()
    };
    assert_eq!(differences(&CONDITIONS.replace("{tenant}", "{t}").replace("path.tenant", "path.t")), 0);
    assert_eq!(differences(&CONDITIONS.replace("claims.level >= 2", "claims.level >= 3")), 1);
}

const HEADERS: &str = r#"
[policies.told]
principal_headers = { x-user-id = "{claims.sub}", x-groups = "{claims.groups}", x-country = "{claims.address.country}" }

[routes."GET /told"]
upstream = "shop"
auth = "main"
use = "told"
request_headers = { set = { x-groups = "nobody", x-other = "kept" } }

[routes."GET /told/perhaps"]
upstream = "shop"
auth = { issuers = ["main"], optional = true }
principal_headers = { x-user-id = "user {claims.sub}", x-groups = "known" }

[routes."GET /told/public"]
upstream = "shop"
auth = "none"
use = "told"

[routes."GET /told/assets"]
assets = "ASSETS"
auth = "none"
"#;

const TAKEN_OUT: [&str; 8] =
    ["x-country", "x-groups", "x-user-id", "x-user_id", "x_country", "x_groups", "x_user-id", "x_user_id"];

/// Which of these a plan takes out of what the client sent; other stages take out others.
fn taken_out(plan: &Forward) -> Vec<&str> {
    plan.head.remove.iter().map(|name| &**name).filter(|name| TAKEN_OUT.contains(name)).collect()
}

#[test]
fn upstreams_are_told_who_asks_and_nobody_else_tells_them() {
    let mut gateway = gateway(HEADERS);
    let token = bearer_of(json!({ "groups": ["a", "b"], "address": { "country": "de" } }));
    let (_, plan) = gateway.forwarded("GET", "/told", &[(Header::Authorization, &token)]);
    assert_eq!(plan.head.value("x-user-id"), Some("u1"));
    assert_eq!(plan.head.value("x-groups"), Some("a b"));
    assert_eq!(plan.head.value("x-country"), Some("de"));
    assert_eq!(plan.head.value("x-other"), Some("kept"));
    assert_eq!(taken_out(&plan), TAKEN_OUT);
    let (_, plan) =
        gateway.forwarded("GET", "/told", &[(Header::Authorization, &bearer_of(json!({ "groups": "a\nb" })))]);
    assert_eq!((plan.head.value("x-groups"), plan.head.value("x-country")), (None, None));
    let (_, plan) = gateway.forwarded("GET", "/told/perhaps", &[(Header::Authorization, &token)]);
    assert_eq!((plan.head.value("x-user-id"), plan.head.value("x-groups")), (Some("user u1"), Some("known")));
    assert_eq!(taken_out(&plan), TAKEN_OUT);
}

#[test]
fn what_says_who_asks_is_taken_out_on_every_route() {
    let mut gateway = gateway(HEADERS);
    for (target, is_pass_through) in [
        ("/told/public", false),
        ("/told/perhaps", false),
        ("/public/x", false),
        ("/raw/x", true),
        ("/watched", false),
        ("/told/assets", false),
    ] {
        let (_, plan) = gateway.forwarded("GET", target, &[]);
        assert_eq!(taken_out(&plan), TAKEN_OUT, "{target}");
        assert!(!plan.untouched, "{target}");
        assert!(plan.head.set.iter().all(|(name, _)| !TAKEN_OUT.contains(&&**name) && !is_pass_through), "{target}");
        assert!(!is_pass_through || plan.answer == Edits::default(), "{target}");
    }
    let asks = [(Header::Origin, "https://app.test"), (Header::AccessControlRequestMethod, "GET")];
    let (_, plan) = gateway.forwarded("OPTIONS", "/raw/a", &asks);
    assert_eq!(taken_out(&plan), TAKEN_OUT, "a preflight that passes through");
}

#[test]
fn claims_in_headers_are_hidden_where_a_request_is_explained() {
    let started = crate::explain::started(&format!("{CONFIG}{HEADERS}"));
    let claims = json!({ "sub": "u1", "groups": "claim-that-nobody-sees" });
    let request = Request { claims: claims.as_object().cloned(), ..Request::new("GET", "https://api.test/told") };
    let text = explain(&started, &request, NOW, &[]).to_string();
    assert!(text.contains("{claims.groups}") && text.contains("u1"), "{text}");
    assert!(!text.contains("claim-that-nobody-sees"), "{text}");
}
