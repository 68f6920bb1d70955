//! What everybody asks for: `robots.txt`, an icon, `security.txt`, and `/`.

use gateway::{
    blueprint::compile::compile,
    config::diagnostics::Code,
    http::{reply::Made, request::Header},
};

use crate::fixture::{CONFIG, Fixture, Memory};

const SECTION: &str = r#"
[well_known]
robots = "deny"
favicon = true
index = { docs = "https://docs.acme.example" }

[well_known.security_txt]
contact = ["mailto:security@acme.example", "tel:+1-201-555-0123"]
expires = "2027-06-30T00:00:00Z"
policy = "https://acme.example/policy"
languages = ["en", "de"]
hiring = "https://acme.example/jobs"
"#;

fn gateway(keys: &str, more: &str) -> Fixture {
    let config = CONFIG.replacen("[gateway]\n", &format!("[gateway]\n{keys}\n"), 1);
    Fixture::of(&format!("{config}{more}"), Memory::default())
}

fn answer(path: &str) -> Made {
    gateway("", SECTION).refused("GET", path, &[]).0
}

#[test]
fn each_has_its_type_and_may_be_kept_for_a_day() {
    let cases = [
        ("/robots.txt", 200, Some("text/plain; charset=utf-8"), "User-agent: *\nDisallow: /\n"),
        ("/favicon.ico", 204, None, ""),
        (
            "/.well-known/security.txt",
            200,
            Some("text/plain; charset=utf-8"),
            "Contact: mailto:security@acme.example\nContact: tel:+1-201-555-0123\nExpires: 2027-06-30T00:00:00Z\n\
             Preferred-Languages: en, de\nPolicy: https://acme.example/policy\nHiring: https://acme.example/jobs\n",
        ),
        (
            "/",
            200,
            Some("application/json"),
            r#"{"docs":"https://docs.acme.example","health":"/health/live","name":"test"}"#,
        ),
    ];
    for (path, status, content_type, body) in cases {
        let answer = answer(path);
        assert_eq!((answer.status, &*answer.body), (status, body), "{path}");
        assert_eq!(answer.head.value("content-type"), content_type, "{path}");
        assert_eq!(answer.head.value("cache-control"), Some("public, max-age=86400"), "{path}");
        assert_eq!(answer.head.constant, Some(0), "security headers");
    }
}

#[test]
fn nobody_is_asked_for_a_token_and_nothing_closes_them() {
    let config = r#"
        [gateway]
        name = "test"
        auth = "main"
        scopes = ["all"]
        maintenance = true
        request_headers = { set = { x-user = "{claims.sub}" } }
        [issuers.main]
        algorithm = "HS256"
        issuer = "i"
        audience = "a"
        secret = "${JWT_SECRET}"
        [routes."GET /closed"]
        respond = "never"
    "#;
    let mut gateway = Fixture::of(&format!("{config}{SECTION}"), Memory::default());
    assert_eq!(gateway.refused("GET", "/closed", &[]).0.status, 503);
    for path in ["/robots.txt", "/.well-known/security.txt", "/"] {
        assert_eq!(gateway.refused("GET", path, &[]).0.status, 200, "{path}");
    }
}

#[test]
fn they_are_routes_like_any_other() {
    let mut gateway = gateway("cors = { origins = [\"https://app.test\"] }", SECTION);
    let (answer, log) = gateway.refused("GET", "/robots.txt", &[(Header::Origin, "https://app.test")]);
    assert_eq!(log["route"], "GET /robots.txt");
    assert_eq!(answer.head.value("access-control-allow-origin"), Some("https://app.test"));
    let (answer, _) = gateway.refused("POST", "/", &[]);
    assert_eq!((answer.status, answer.head.value("allow")), (405, Some("GET, HEAD, OPTIONS")));
}

#[test]
fn what_is_not_set_is_not_there() {
    let mut gateway = gateway("", "[well_known]\nfavicon = false\nindex = false\n");
    for path in ["/robots.txt", "/favicon.ico", "/.well-known/security.txt", "/"] {
        assert_eq!(gateway.refused("GET", path, &[]).0.status, 404, "{path}");
    }
}

#[test]
fn the_file_may_write_its_own_robots() {
    let mut gateway = gateway("", "[well_known]\nrobots = \"User-agent: a\\nDisallow: /x\\n\\n\"\nindex = true\n");
    assert_eq!(gateway.refused("GET", "/robots.txt", &[]).0.body, "User-agent: a\nDisallow: /x\n");
    assert_eq!(gateway.refused("GET", "/", &[]).0.body, r#"{"health":"/health/live","name":"test"}"#);
}

#[test]
fn a_route_for_the_same_path_is_an_error_unless_it_is_bound_to_a_host() {
    let route = |more: &str| format!("[routes.\"GET /robots.txt\"]\nauth = \"none\"\nrespond = \"own: 1\"\n{more}");
    let findings = compile("f", &format!("{CONFIG}{SECTION}{}", route("")));
    let codes: Vec<Code> = findings.diagnostics.iter().map(|it| it.code).collect();
    assert_eq!(codes, [Code::Tie]);
    let mut gateway = gateway("", &format!("{SECTION}{}", route("host = \"api.test\"\n")));
    assert_eq!(gateway.refused("GET", "/robots.txt", &[]).0.body, "own: 1");
}
