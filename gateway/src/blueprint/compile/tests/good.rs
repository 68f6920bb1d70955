//! What right files become: snapshots, the rules of layers, and limits.

use super::{EVERYTHING, everything, names_in};
use crate::{
    blueprint::{
        Blueprint, Policy, Route,
        compile::{Environment, compile, model, to_binary},
    },
    config::{
        binary,
        diagnostics::Code,
        model::{Key, Shape},
        text::Text,
        tree,
    },
    http::method::Method,
    routing::table::{Table, Wanted},
    stages::{
        authn,
        forward::{Observe, upstream::Target},
        security_headers::{self, API, WEB},
    },
};

fn route<'b>(blueprint: &'b Blueprint, key: &str) -> &'b Route {
    blueprint.routes.iter().find(|route| route.key == key).unwrap()
}

#[test]
fn a_file_with_everything_in_it_compiles_to_what_it_says() {
    // The tree of paths has tests of its own and reads badly.
    let blueprint = Blueprint { table: Table::default(), ..everything() };
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_debug_snapshot!("everything", blueprint);
    });
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
    blueprint.policies.get(usize::from(route(blueprint, key).policy)).unwrap()
}

#[test]
fn later_policies_and_the_route_win_key_by_key() {
    let blueprint = everything();
    let orders = policy(&blueprint, "GET /v1/orders");
    assert_eq!(orders.authn, authn::Config::Token(vec![1]), "the later policy wins");
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
fn what_upstreams_are_told_is_a_matter_of_layers_too() {
    let blueprint = everything();
    let fields = |key: &str| policy(&blueprint, key).forwarded.fields();
    let fields = ["GET /v1/orders", "PATCH /v1/settings", "GET /v1/orders/count", "GET /v1/products/{id}"].map(fields);
    let told = fields.map(|fields| fields.map(|fields| (fields.x_forwarded, fields.rfc7239, fields.append)));
    assert_eq!(told, [Some((false, true, false)), Some((true, true, true)), None, Some((true, false, false))]);
    assert_eq!(policy(&blueprint, "GET /files/{path...}").forwarded.fields(), None, "nothing of it is touched");
    assert!(policy(&blueprint, "PATCH /v1/settings").via && !policy(&blueprint, "GET /v1/products/{id}").via);
    let packed = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "via"];
    assert!(packed.iter().all(|name| blueprint.headers.iter().any(|known| known == name)), "{:?}", blueprint.headers);
}

#[test]
fn equal_policies_are_kept_once() {
    let blueprint = everything();
    let index = |key: &str| route(&blueprint, key).policy;
    assert_eq!(index("GET /v1/products/{id}"), index("HEAD /v1/products/{id}"));
    assert!(policy(&blueprint, "GET /files/{path...}").security_headers.is_empty(), "nothing of it is touched");
    assert_eq!(policy(&blueprint, "PATCH /v1/settings").security_headers.len(), API.len());
    assert_eq!(policy(&blueprint, "GET /v1/orders").security_headers, blueprint.fallback.security_headers);
}

#[test]
fn a_gateway_that_says_nothing_has_the_default_security_headers() {
    let blueprint = compile("f", "[gateway]\nname = \"a\"").into_blueprint().unwrap();
    let list = blueprint.fallback.security_headers.iter();
    assert_eq!(list.map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>(), API);
}

#[test]
fn a_preset_is_named_or_edited() {
    let headers = |value: &str| {
        let file = format!("[gateway]\nname = \"a\"\nsecurity_headers = {value}");
        compile("f", &file).into_blueprint().unwrap().fallback.security_headers
    };
    let preset = security_headers::list;
    assert_eq!(headers("\"web\""), preset(WEB));
    assert_eq!((headers("true"), headers("\"off\"")), (preset(API), Vec::new()));
    let edited = headers("{ x-a = \"b\", preset = \"web\", x-frame-options = \"DENY\", referrer-policy = false }");
    assert_eq!(edited.len(), WEB.len());
    assert!(
        edited.contains(&("x-frame-options".into(), "DENY".into())) && edited.contains(&("x-a".into(), "b".into()))
    );
    assert!(!edited.iter().any(|(name, _)| name == "referrer-policy"));
    assert_eq!(headers("{ preset = \"off\", x-a = \"b\" }"), [("x-a".to_owned(), "b".to_owned())]);
}

#[test]
fn one_slash_at_the_end_of_a_target_is_taken_away() {
    let target = Target::Url(Text::literal("https://catalog.acme.example/v2"));
    assert_eq!(everything().upstreams[0].target, target);
}

#[test]
fn the_order_of_routes_has_no_meaning_and_is_that_of_the_file() {
    let keys: Vec<String> = everything().routes.iter().map(|route| route.key.clone()).collect();
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

/// The paths of all keys of a table, tables inside it included; `*` stands for free names.
fn keys_of(prefix: &str, keys: &[Key]) -> Vec<String> {
    let paths = |key: &Key| {
        let path = format!("{prefix}.{}", key.name);
        let mut paths = keys_of_shape(&path, &key.shape);
        paths.push(path);
        paths
    };
    keys.iter().flat_map(paths).collect()
}

fn keys_of_shape(path: &str, shape: &Shape) -> Vec<String> {
    match shape {
        Shape::Table(keys) => keys_of(path, keys),
        Shape::List(element) => keys_of_shape(path, element),
        Shape::Any(shapes) => shapes.iter().flat_map(|shape| keys_of_shape(path, shape)).collect(),
        _ => Vec::new(),
    }
}

/// The paths of all keys that a text sets, names of sections replaced by `*`.
fn keys_in(text: &str) -> Vec<String> {
    let parsed = toml::de::DeTable::parse(text).unwrap();
    let mut paths = Vec::new();
    for section in tree::Table::of(parsed.get_ref(), 0).0 {
        let tree::Value::Table(table) = &section.node.value else { continue };
        let once = ["abuse", "admin", "audit", "gateway", "health", "metrics", "versions", "well_known"];
        if once.contains(&section.key.as_str()) {
            add_keys(&section.key, table, &mut paths);
            continue;
        }
        for entry in &table.0 {
            let tree::Value::Table(inner) = &entry.node.value else { continue };
            add_keys(&section.key, inner, &mut paths);
        }
    }
    paths
}

fn add_keys(prefix: &str, table: &tree::Table, paths: &mut Vec<String>) {
    for entry in &table.0 {
        let path = format!("{prefix}.{}", entry.key);
        if let tree::Value::Table(inner) = &entry.node.value {
            add_keys(&path, inner, paths);
        }
        if let tree::Value::List(elements) = &entry.node.value {
            for element in elements {
                if let tree::Value::Table(inner) = &element.value {
                    add_keys(&path, inner, paths);
                }
            }
        }
        paths.push(path);
    }
}

fn good(name: &str) -> String {
    std::fs::read_to_string(super::bad_files(&format!("good/{name}"))).unwrap()
}

#[test]
fn every_key_of_the_model_stands_in_a_good_file() {
    let written: Vec<String> = names_in("good").iter().flat_map(|name| keys_in(&good(name))).collect();
    let known = model::sections().into_iter().flat_map(|section| keys_of(section.name, &section.keys));
    let absent: Vec<String> = known.filter(|path| !written.contains(path)).collect();
    assert_eq!(absent, Vec::<String>::new());
}

#[test]
fn good_files_compile_without_findings() {
    for name in names_in("good") {
        assert_eq!(super::text(&compile(&name, &good(&name))), "", "{name}");
    }
}

#[test]
fn what_one_environment_uses_is_used() {
    let file = good("environments.toml");
    assert_eq!(super::text(&compile("f", &file)), "");
    let without = file.replace("use = \"maintained\"", "tags = [\"shop\"]");
    let codes: Vec<Code> = compile("f", &without).diagnostics.iter().map(|it| it.code).collect();
    assert_eq!(codes, [Code::UnusedPolicy]);
}

#[test]
fn a_policy_is_put_on_top_of_what_it_is_made_of() {
    let file = |uses: &str| {
        format!(
            r#"
            [gateway]
            name = "a"
            [policies.base]
            auth = "none"
            observe = "head"
            body_limit = "1KB"
            [policies.watched]
            use = "base"
            observe = "body"
            [policies.small]
            use = ["base"]
            body_limit = "4B"
            [routes."GET /x"]
            use = {uses}
            respond = "x"
            "#
        )
    };
    let holds = |uses: &str| {
        let blueprint = compile("f", &file(uses)).into_blueprint().unwrap();
        let policy = policy(&blueprint, "GET /x").clone();
        (policy.forward.observe, policy.guard.body_limit.map(|limit| limit.0))
    };
    assert_eq!(holds(r#""watched""#), (Observe::Body, Some(1_000)), "its own keys win");
    assert_eq!(holds(r#"["watched", "small"]"#), (Observe::Body, Some(4)), "what both are made of stands before both");
    assert_eq!(
        holds(r#"["watched", "small", "base"]"#),
        (Observe::Head, Some(1_000)),
        "what is named stands where it is"
    );
}

#[test]
fn policies_that_use_each_other_by_many_ways_are_soon_put_together() {
    let diamond = |index: usize| {
        format!(
            "[policies.a{index}]\nuse = [\"a{0}\", \"b{0}\"]\n[policies.b{index}]\nuse = [\"a{0}\", \"b{0}\"]\n",
            index - 1
        )
    };
    let layers: String = (1..60).map(diamond).collect();
    let end = "[policies.a0]\nauth = \"none\"\n[policies.b0]\nobserve = \"body\"\n";
    let route = "[routes.\"GET /x\"]\nuse = [\"a59\", \"b59\"]\nrespond = \"x\"\n";
    let blueprint = compile("f", &format!("[gateway]\nname = \"a\"\n{end}{layers}{route}")).into_blueprint().unwrap();
    assert_eq!(policy(&blueprint, "GET /x").forward.observe, Observe::Body);
}

#[test]
fn a_chain_of_policies_may_be_as_long_as_the_file() {
    let link = |index: u32| format!("[policies.a{index}]\nuse = \"a{}\"\n", index - 1);
    let chain: String = (1..20_000).map(link).collect();
    let ends = "[policies.a0]\nauth = \"none\"\n[routes.\"GET /x\"]\nuse = \"a19999\"\nrespond = \"x\"\n";
    let compiled = compile("f", &format!("[gateway]\nname = \"a\"\n{chain}{ends}"));
    assert!(policy(&compiled.into_blueprint().unwrap(), "GET /x").authn == crate::stages::authn::Config::Public);
}
