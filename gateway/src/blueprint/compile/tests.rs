//! The compiler as a whole: every file under `tests/fixtures/config` and what is said about it.

use proptest::prelude::*;

use super::{Environment, compile, to_binary};
use crate::{
    blueprint::{Action, Blueprint, Policy, Route},
    config::{
        binary,
        diagnostics::{
            Code, Severity, has_errors,
            render::{Style, render},
        },
        text::Text,
    },
    http::method::Method,
    routing::table::{Table, Wanted},
    stages::{
        authn,
        forward::{Observe, upstream::Target},
        security_headers::DEFAULTS,
    },
};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/config");

const EVERYTHING: &str = include_str!("../../../../tests/fixtures/config/good/everything.toml");

/// One test for each file, named after it.
macro_rules! findings_of {
    ($($test:ident: $file:literal;)*) => {
        const FILES: &[&str] = &[$($file),*];
        $(
            #[test]
            fn $test() {
                let source = std::fs::read_to_string(format!("{FIXTURES}/bad/{}.toml", $file)).unwrap();
                let compiled = compile(concat!($file, ".toml"), &source);
                assert_eq!(compiled.environments.is_empty(), has_errors(&compiled.diagnostics));
                insta::assert_snapshot!($file, render(&compiled.diagnostics, Style::Plain));
            }
        )*
    };
}

findings_of! {
    a_control_character_never_reaches_the_terminal: "control_characters";
    a_cors_section_names_methods_and_headers_that_exist: "cors";
    a_duration_has_a_unit_and_lies_within_its_limits: "durations";
    an_empty_file_is_told_what_is_missing: "empty_file";
    a_header_change_leaves_the_connection_alone: "headers";
    an_issuer_has_an_algorithm_and_texts_that_say_something: "issuers";
    everything_that_is_missing_is_named: "missing_keys";
    names_are_plain_and_none_is_reserved: "names";
    a_route_that_does_not_say_who_may_ask_is_an_error: "no_auth";
    a_gateway_without_routes_is_warned: "no_routes";
    an_unknown_word_is_an_error: "observe";
    origins_are_exact_and_never_a_star: "origins";
    a_route_that_passes_everything_through_changes_nothing: "pass_through";
    a_policy_is_used_once: "repeated_policies";
    paths_of_the_gateway_belong_to_no_route: "reserved_paths";
    a_route_is_named_by_methods_and_a_path: "route_keys";
    scopes_need_a_token_and_follow_the_grammar: "scopes";
    a_secret_in_clear_is_refused_and_not_repeated: "secret_in_clear";
    a_misspelt_secret_is_not_repeated: "secret_with_a_typo";
    a_secret_has_no_default: "secret_with_default";
    security_headers_edit_the_defaults: "security_headers";
    every_broken_line_is_reported_once: "syntax";
    what_is_not_closed_hides_no_earlier_error: "syntax_unclosed";
    an_upstream_has_exactly_one_target: "targets";
    a_template_reads_only_what_its_route_has: "templates";
    two_routes_of_one_shape_name_both_lines: "ties";
    an_unknown_key_is_an_error_with_the_nearest_one: "unknown_keys";
    an_unknown_name_is_an_error_with_the_nearest_one: "unknown_names";
    what_nobody_uses_is_a_warning: "unused";
    an_upstream_is_an_http_url: "urls";
    a_value_of_the_wrong_type_says_what_it_must_be: "wrong_types";
}

#[test]
fn every_bad_file_has_a_test() {
    let mut files: Vec<String> = std::fs::read_dir(format!("{FIXTURES}/bad"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    files.sort();
    let mut tested = FILES.to_vec();
    tested.sort_unstable();
    assert_eq!(files, tested);
}

#[test]
fn every_rule_is_broken_by_some_bad_file() {
    let mut unbroken: Vec<Code> = Code::ALL.to_vec();
    for file in FILES {
        let source = std::fs::read_to_string(format!("{FIXTURES}/bad/{file}.toml")).unwrap();
        let found = compile(file, &source).diagnostics;
        unbroken.retain(|code| !found.iter().any(|diagnostic| diagnostic.code == *code));
    }
    // More than 65,535 of something has a test of its own: the file would be large. Then the values that no section
    // takes yet, and what has no file yet.
    let values = [Code::TooMany, Code::BadPercent, Code::BadRate, Code::BadCidr, Code::BadMediaType];
    unbroken.retain(|code| !values.contains(code) && !WITHOUT_FILE.contains(code));
    assert_eq!(unbroken, []);
}

const WITHOUT_FILE: [Code; 13] = [
    Code::BadSize,
    Code::BadHost,
    Code::BadInclude,
    Code::NotInInclude,
    Code::BadBinding,
    Code::BadCredentials,
    Code::TwoActions,
    Code::BadAddress,
    Code::Unreachable,
    Code::TooManyWays,
    Code::IdleOverlay,
    Code::ShadowedPolicy,
    Code::MissingVariable,
];

fn everything() -> Blueprint {
    let compiled = compile("everything.toml", EVERYTHING);
    assert_eq!(render(&compiled.diagnostics, Style::Plain), "");
    compiled.into_blueprint().unwrap()
}

fn route<'b>(blueprint: &'b Blueprint, key: &str) -> &'b Route {
    blueprint.routes.iter().find(|route| route.key == key).unwrap()
}

#[test]
fn a_file_with_everything_in_it_compiles_to_what_it_says() {
    // The tree of paths has tests of its own and reads badly.
    insta::assert_debug_snapshot!("everything", Blueprint { table: Table::default(), ..everything() });
}

#[test]
fn what_is_compiled_can_be_written_and_read() {
    let blueprint = everything();
    let environment = Environment { name: None, blueprint: blueprint.clone(), resolved: Vec::new() };
    let file = to_binary(&[environment]).unwrap();
    assert_eq!(binary::decode::<Blueprint>(&file, None), Ok(blueprint));
}

#[test]
fn the_same_text_always_gives_the_same_bytes() {
    let bytes = || to_binary(&compile("everything.toml", EVERYTHING).environments);
    assert_eq!(bytes(), bytes());
}

#[test]
fn routes_are_found_under_every_method_that_they_name() {
    let blueprint = everything();
    let key = |method, path| {
        let found = blueprint.table.find(&Wanted { method, path, host: None, version: None }).ok()?;
        blueprint.routes.get(usize::from(found.route)).map(|route| route.key.as_str())
    };
    assert_eq!(key(Method::Get, "/v1/products/7"), Some("GET /v1/products/{id}"));
    assert_eq!(key(Method::Head, "/v1/products/7"), Some("HEAD /v1/products/{id}"));
    assert_eq!(key(Method::Post, "/v1/products/7"), None);
    assert_eq!(key(Method::Get, "/v1/orders/count"), Some("GET /v1/orders/count"));
}

fn policy<'b>(blueprint: &'b Blueprint, key: &str) -> &'b Policy {
    &blueprint.policies[usize::from(route(blueprint, key).policy)]
}

#[test]
fn later_policies_and_the_route_win_key_by_key() {
    let blueprint = everything();
    let orders = policy(&blueprint, "GET /v1/orders");
    assert_eq!(orders.authn, authn::Config::Token(1), "the later policy wins");
    assert_eq!(orders.authz.scopes, ["orders:read"], "a key that the later one does not set stays");
    assert!(orders.cors.as_ref().is_some_and(|cors| cors.credentials));
    assert_eq!(orders.forward.observe, Observe::Body);
    let count = policy(&blueprint, "GET /v1/orders/count");
    assert_eq!(count.authn, authn::Config::Public, "the route's own key wins");
    assert!(
        count.authz.scopes.is_empty() && count.transform.request.set.is_empty(),
        "a whole key replaces a whole key"
    );
}

#[test]
fn equal_policies_are_kept_once() {
    let blueprint = everything();
    let index = |key: &str| route(&blueprint, key).policy;
    assert_eq!(index("GET /v1/products/{id}"), index("HEAD /v1/products/{id}"));
    assert!(policy(&blueprint, "GET /files/{path...}").security_headers.is_empty(), "nothing of it is touched");
    assert_eq!(policy(&blueprint, "PATCH /v1/settings").security_headers.len(), DEFAULTS.len());
    assert_eq!(policy(&blueprint, "GET /v1/orders").security_headers, blueprint.fallback.security_headers);
}

#[test]
fn a_gateway_that_says_nothing_has_the_default_security_headers() {
    let blueprint = compile("f", "[gateway]\nname = \"a\"").into_blueprint().unwrap();
    let list = blueprint.fallback.security_headers.iter();
    assert_eq!(list.map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>(), DEFAULTS);
}

#[test]
fn one_slash_at_the_end_of_a_target_is_taken_away() {
    let target = Target::Url(Text::literal("https://catalog.acme.example/v2"));
    assert_eq!(everything().upstreams[0].target, target);
}

#[test]
fn the_order_of_routes_has_no_meaning_and_is_that_of_the_file() {
    let keys: Vec<String> = everything().routes.into_iter().map(|route| route.key).collect();
    assert_eq!(keys[..3], ["GET /v1/products/{id}", "HEAD /v1/products/{id}", "GET /v1/orders"]);
}

#[test]
fn more_routes_than_an_index_can_name_are_an_error() {
    let head = "[gateway]\nname = \"a\"\n[upstreams.u]\ntargets = [\"http://u\"]\n";
    let methods = Method::ALL.map(Method::name).join(",");
    let section = |index: usize| format!("[routes.\"{methods} /{index}\"]\nupstream = \"u\"\nauth = \"none\"\n");
    let file = |routes: usize| -> String { std::iter::once(head.to_owned()).chain((0..routes).map(section)).collect() };
    let most = 65_535 / Method::ALL.len();
    assert_eq!(
        compile("f", &file(most)).into_blueprint().map(|blueprint| blueprint.routes.len()),
        Some(most * Method::ALL.len())
    );
    let codes: Vec<Code> = compile("f", &file(most + 1)).diagnostics.iter().map(|it| it.code).collect();
    assert_eq!(codes, [Code::TooMany]);
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_change_nothing() {
    let windows = format!("\u{feff}{}", EVERYTHING.replace('\n', "\r\n"));
    assert_eq!(compile("f", &windows).into_blueprint(), Some(everything()));
}

#[test]
fn no_finding_repeats_a_secret() {
    for line in [
        "secret = \"hunter2\"",
        "secret = \"${A:-hunter2}\"",
        "secret = \"hunter2",
        "secret = 'hunter2'\nx",
        "secert = \"hunter2\"",
    ] {
        for shape in [format!("[issuers.a]\n{line}"), format!("[gateway]\n{line}"), format!("issuers.a = {{ {line} }}")]
        {
            let text = render(&compile("f", &shape).diagnostics, Style::Plain);
            let known = line.starts_with("secret") || shape.contains("issuers");
            assert!(!known || !text.contains("hunter2"), "{shape}\n{text}");
        }
    }
}

/// Pieces of configurations, so that random files are nearly right.
fn fragments() -> impl Strategy<Value = String> {
    let lines: Vec<String> = EVERYTHING.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    let words = [
        "[", "]", "{", "}", "=", "\"", "'", "\"\"\"", "${", "}}", "{{", "*", "\n", ",", ".", "[[", "secret", "\u{e9}",
        "\t", "\r", "1e9",
    ];
    let piece = prop_oneof![
        4 => proptest::sample::select(lines).prop_map(|line| format!("{line}\n")),
        2 => proptest::sample::select(words.to_vec()).prop_map(str::to_owned),
        1 => ".{0,8}",
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// The file with everything in it, a part of it replaced.
fn damaged() -> impl Strategy<Value = String> {
    let length = EVERYTHING.chars().count();
    (0..length, 0_usize..40, fragments()).prop_map(|(start, cut, piece)| {
        let head = EVERYTHING.chars().take(start);
        head.chain(piece.chars()).chain(EVERYTHING.chars().skip(start + cut)).collect()
    })
}

fn check_any(text: &str) -> Result<(), TestCaseError> {
    let compiled = compile("any.toml", text);
    prop_assert_eq!(compiled.environments.is_empty(), has_errors(&compiled.diagnostics));
    let _ = render(&compiled.diagnostics, Style::Coloured);
    for diagnostic in &compiled.diagnostics {
        let place = &diagnostic.place;
        prop_assert!(place.line >= 1 && place.column >= 1 && place.length >= 1, "{diagnostic:?}");
        prop_assert!(usize::try_from(place.line).unwrap() <= text.split('\n').count(), "{diagnostic:?}");
        prop_assert!(!place.excerpt.chars().any(char::is_control), "{diagnostic:?}");
        prop_assert!(!diagnostic.message.chars().any(char::is_control), "{diagnostic:?}");
        prop_assert_eq!(diagnostic.severity == Severity::Warning, diagnostic.code.number().starts_with("FG09"));
    }
    for Environment { blueprint, .. } in compiled.environments {
        let routes = &blueprint.routes;
        let exists = |route: &Route| match route.action {
            Action::Forward(upstream) => usize::from(upstream) < blueprint.upstreams.len(),
            Action::Assets(_) | Action::Respond(_) => true,
        };
        prop_assert!(routes.iter().all(exists));
        prop_assert!(routes.iter().all(|route| usize::from(route.policy) < blueprint.policies.len()));
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_text_panics_the_compiler(text in any::<String>()) {
        check_any(&text)?;
    }

    #[test]
    fn no_pile_of_fragments_panics_the_compiler(text in fragments()) {
        check_any(&text)?;
    }

    #[test]
    fn no_damaged_file_panics_the_compiler(text in damaged()) {
        check_any(&text)?;
    }
}
