//! What is generated from the model of `gateway.toml` is current and true: the schema for editors, the reference, and
//! the fragments of the guide.
//!
//! `UPDATE_REFERENCE=1 cargo test -p gateway --features compiler --test native reference` writes it anew.

use std::{
    fs,
    path::{Path, PathBuf},
};

use gateway::{
    blueprint::compile::{
        Around, compile_files,
        files::Files,
        model::{self, Section},
        reference, schema,
    },
    config::{
        diagnostics::render::{Style, render},
        model::{DURATION, Grammar, Key, Presence, Shape},
        tree::{Node, Table, Value as Toml},
    },
    http::method::Method,
    stages::security_headers::{API, WEB},
};
use regex_lite::Regex;
use serde_json::{Value, json};
use toml::de::DeTable;

use crate::validator::problems;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text_of(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_default()
}

/// Fails when a committed file is not what would be written, or writes it.
fn is_current(path: &str, wanted: &str) {
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        fs::create_dir_all(root().join(path).parent().unwrap()).unwrap();
        fs::write(root().join(path), wanted).unwrap();
    }
    let how = "UPDATE_REFERENCE=1 cargo test -p gateway --features compiler --test native reference";
    assert!(text_of(path) == wanted, "{path} is not what the model says: run {how}");
}

#[test]
fn the_schema_is_what_the_model_says() {
    is_current("gateway.schema.json", &schema::text());
}

#[test]
fn the_reference_is_what_the_model_says() {
    let pages = reference::pages();
    pages.iter().for_each(|(name, text)| is_current(&format!("docs/reference/{name}"), text));
    for file in fs::read_dir(root().join("docs/reference")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(pages.iter().any(|(page, _)| *page == name), "docs/reference/{name} is no page of the reference");
    }
}

// ---- the schema ----------------------------------------------------------------------------------------------------

/// A TOML text as JSON, which is what a schema speaks about.
fn json_of(text: &str) -> Value {
    let table = DeTable::parse(text).unwrap();
    json_table(&Table::of(table.get_ref(), 0))
}

fn json_table(table: &Table) -> Value {
    table.0.iter().map(|entry| (entry.key.clone(), json_value(&entry.node))).collect()
}

fn json_value(node: &Node) -> Value {
    match &node.value {
        Toml::Text(text) => json!(text),
        Toml::Integer(number) => json!(number),
        Toml::Float => json!(0.5),
        Toml::Boolean(value) => json!(value),
        Toml::Datetime(text) => json!({ "datetime": text }),
        Toml::List(list) => list.iter().map(json_value).collect(),
        Toml::Table(table) => json_table(table),
    }
}

fn good_files() -> Vec<(String, String)> {
    let mut paths: Vec<String> =
        ["gateway.toml", "bench/gateway.toml", "bench/every-stage.toml", "tests/worker/gateway.toml"]
            .map(str::to_owned)
            .to_vec();
    for file in fs::read_dir(root().join("tests/fixtures/config/good")).unwrap() {
        paths.push(format!("tests/fixtures/config/good/{}", file.unwrap().file_name().into_string().unwrap()));
    }
    assert!(paths.len() > 3);
    paths.into_iter().map(|path| (path.clone(), text_of(&path))).collect()
}

#[test]
fn the_schema_takes_every_good_configuration() {
    let schema = schema::schema();
    for (path, text) in good_files() {
        assert_eq!(problems(&schema, &json_of(&text)), Vec::<String>::new(), "{path}");
    }
    assert_eq!(problems(&schema, &json_of(&guide().main)), Vec::<String>::new(), "docs/configuration.md");
}

#[test]
fn the_schema_refuses_nothing_that_compiles() {
    let schema = schema::schema();
    let (mut taken, mut refused) = (0, 0);
    for file in fs::read_dir(root().join("tests/fixtures/config/bad")).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        if DeTable::parse(&text).is_err() {
            continue;
        }
        let found = problems(&schema, &json_of(&text));
        let compiled = compile_files("gateway.toml", &text, &Guide::default(), &Around::default());
        assert!(compiled.environments.is_empty() || found.is_empty(), "{}: {found:?}", path.display());
        if found.is_empty() { taken += 1 } else { refused += 1 }
    }
    assert!(taken > 0 && refused > 15, "{taken} {refused}");
}

const SMALL: &str = r#"
[gateway]
name = "acme"
[issuers.acme]
algorithm = "HS256"
issuer = "https://issuer.acme.example/"
audience = "api"
secret = "${JWT_SECRET}"
[upstreams.catalog]
targets = ["${CATALOG_URL}"]
[routes."GET /a"]
upstream = "catalog"
auth = "none"
"#;

#[test]
fn the_schema_takes_what_the_compiler_takes() {
    let schema = schema::schema();
    let good = [
        "[env.staging.issuers.acme]\nleeway = \"1m\"",
        "[env.staging.routes.\"GET /a\"]\nauth = \"acme\"",
        "[env.staging.gateway.cors]\nmax_age = \"1h\"",
        "[routes.\"ANY /b\"]\nauth = \"none\"\nmaintenance = true",
        "[routes.\"GET,HEAD /c/{id:int}\"]\nauth = \"none\"\nrespond = { status = 204 }",
        "[routes.\"GET /d\"]\nauth = \"none\"\nredirect = \"/a\"",
        "[routes.\"GET /e\"]\nauth = \"none\"\nredirect = { to = \"https://a.example/{path.x}\", status = 301 }",
        "[routes.\"GET /f\"]\nauth = \"none\"\nassets = \"ASSETS\"\nhost = [\"*.acme.example\", \"localhost\"]",
        "[routes.\"GET /g\"]\nauth = \"none\"\nrespond = \"\"\nversion = { name = \"v1\", default = true }",
        "[policies.big]\nbody_limit = false\nsecurity_headers = { x-frame-options = false, X-Robots-Tag = \"none\" }",
        "[policies.own]\ncors = false\ntimeout = { first_byte = \"1s\", try = \"2s\", whole = \"3s\" }",
        "[upstreams.x]\ntargets = [\"service:X\"]\nprefix = \"\"\ncredentials = { bearer = \"${A}${B}\" }",
    ];
    for text in good {
        assert_eq!(problems(&schema, &json_of(&format!("{SMALL}{text}"))), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn the_schema_refuses_what_the_compiler_refuses() {
    let schema = schema::schema();
    assert_eq!(problems(&schema, &json_of(SMALL)), Vec::<String>::new());
    let bad = [
        ("an unknown section", "[upstream.x]\ntargets = [\"https://a.example\"]"),
        ("an unknown key", "[upstreams.x]\ntargets = [\"https://a.example\"]\ntimout = \"1s\""),
        ("an unknown key in a table", "[policies.x]\ncors = { origins = [\"https://a.example\"], credential = true }"),
        ("an unknown key in an environment", "[env.staging.upstreams.catalog]\ntimout = \"1s\""),
        ("an environment in an environment", "[env.staging.env.x.gateway]\nname = \"x\""),
        ("a missing key", "[upstreams.x]\ntimeout = \"1s\""),
        ("a missing key in a table", "[policies.x]\ncors = { credentials = true }"),
        ("a text instead of a list", "[upstreams.x]\ntargets = \"https://a.example\""),
        ("a number instead of a duration", "[policies.x]\ntimeout = 30"),
        ("a text instead of a boolean", "[policies.x]\npass_through = \"yes\""),
        ("true where only false has a meaning", "[policies.x]\ncors = true"),
        ("a number in quotes", "[routes.\"GET /b\"]\nauth = \"none\"\nredirect = { to = \"/a\", status = \"301\" }"),
        ("a word that is none of the choice", "[policies.x]\nobserve = \"tail\""),
        ("a method in lower case", "[policies.x]\ncors = { origins = [\"https://a.example\"], methods = [\"get\"] }"),
        ("a duration without its unit", "[policies.x]\ntimeout = \"30\""),
        ("a size with a wrong unit", "[policies.x]\nbody_limit = \"1mb\""),
        ("a number out of range", "[routes.\"GET /b\"]\nauth = \"none\"\nrespond = { status = 99 }"),
        ("a secret in clear", "[upstreams.x]\ntargets = [\"${X}\"]\ncredentials = { bearer = \"abc\" }"),
        ("a scope with a blank", "[policies.x]\nscopes = [\"a b\"]"),
        ("something twice", "[policies.x]\nscopes = [\"a\", \"a\"]"),
        ("a name in upper case", "[policies.Browser]\nscopes = []"),
        ("a header name that is none", "[policies.x]\nrequest_headers = { set = { \"a b\" = \"c\" } }"),
        ("a route without a method", "[routes.\"/b\"]\nupstream = \"catalog\""),
        ("a route with an unknown method", "[routes.\"FETCH /b\"]\nupstream = \"catalog\""),
        ("a route that does two things", "[routes.\"GET /b\"]\nupstream = \"catalog\"\nrespond = \"b\""),
    ];
    for (what, text) in bad {
        let whole = format!("{SMALL}{text}");
        assert!(!problems(&schema, &json_of(&whole)).is_empty(), "the schema takes {what}");
        let compiled = compile_files("gateway.toml", &whole, &Guide::default(), &Around::default());
        assert!(compiled.environments.is_empty(), "the compiler takes {what}");
    }
    assert!(!problems(&schema, &json!({})).is_empty(), "a file has [gateway]");
}

// ---- the model -----------------------------------------------------------------------------------------------------

/// A key and where it stands: the names from the section down, `[]` for a list of tables.
struct Place {
    path: Vec<&'static str>,
    key: Key,
}

/// Every key of the sections, those of tables too, and `include`.
fn places() -> Vec<Place> {
    let mut all = vec![Place { path: vec!["include"], key: model::include() }];
    for section in model::sections() {
        let path: Vec<&str> = [section.name].into_iter().chain(section.named.map(|names| names.example)).collect();
        section.keys.into_iter().for_each(|key| with_inner(&path, key, &mut all));
    }
    all
}

fn with_inner(parent: &[&'static str], key: Key, all: &mut Vec<Place>) {
    let path = [parent, &[key.name]].concat();
    let list: &[&str] = if matches!(key.shape, Shape::List(_)) { &["[]"] } else { &[] };
    let inside = [&path, list].concat();
    for shape in shapes(&key.shape) {
        let Shape::Table(keys) = shape else { continue };
        keys.into_iter().for_each(|key| with_inner(&inside, key, all));
    }
    all.push(Place { path, key });
}

/// A form and all forms inside, except those of a table's keys.
fn shapes(shape: &Shape) -> Vec<Shape> {
    let inner: Vec<Shape> = match shape {
        Shape::List(inner) | Shape::Map(_, inner) => shapes(inner),
        Shape::Any(any) => any.iter().flat_map(shapes).collect(),
        _ => Vec::new(),
    };
    [vec![shape.clone()], inner].concat()
}

fn grammars() -> Vec<Grammar> {
    let names = model::sections().into_iter().filter_map(|section: Section| section.named);
    let shapes = places().into_iter().flat_map(|place| shapes(&place.key.shape));
    let texts = shapes.filter_map(|shape| match shape {
        Shape::Text(grammar) | Shape::Map(grammar, _) => Some(grammar),
        _ => None,
    });
    [DURATION].into_iter().chain(names).chain(texts).collect()
}

#[test]
fn every_pattern_means_the_same_to_everybody_and_takes_its_example() {
    for grammar in grammars() {
        let Some(pattern) = grammar.pattern else { continue };
        assert!(pattern.starts_with('^') && !pattern.contains("(?") && !pattern.contains("[["), "{pattern}");
        let pairs = pattern.replace("\\\\", "");
        let escapes = pairs.split('\\').skip(1).filter_map(|behind| behind.chars().next());
        escapes.for_each(|c| assert!("$.*+?()[]{}|^\\/dwsSt".contains(c), "\\{c} in {pattern}"));
        assert!(Regex::new(pattern).unwrap().is_match(grammar.example), "{}: {}", grammar.name, grammar.example);
    }
}

#[test]
fn a_grammar_has_one_name_and_a_name_one_grammar() {
    for one in grammars() {
        assert!(grammars().iter().all(|other| other.name != one.name || *other == one), "{}", one.name);
    }
}

#[test]
fn the_pattern_of_routes_knows_every_method() {
    let route = model::sections().into_iter().find(|section| section.name == "routes").unwrap().named.unwrap();
    let pattern = Regex::new(route.pattern.unwrap()).unwrap();
    for method in Method::ALL {
        assert!(pattern.is_match(&format!("{},GET /a", method.name())));
    }
}

#[test]
fn every_key_says_what_it_is_for_in_sentences() {
    for Place { path, key } in places() {
        let text = key.text();
        assert!(text.ends_with('.') && text.len() > 20, "{path:?}: {text}");
        assert!(key.summary().len() <= 160, "{path:?}: {}", key.summary());
    }
}

/// An environment in which a key has a value: nothing is required there, so that the key stands alone.
fn alone(path: &[&str], value: Value) -> Value {
    let inside = |value, name: &&str| if *name == "[]" { json!([value]) } else { json!({ *name: value }) };
    let value = path.iter().rev().fold(value, inside);
    json!({ "gateway": { "name": "acme" }, "env": { "staging": value } })
}

#[test]
fn every_default_and_every_example_is_a_value_that_its_key_takes() {
    let schema = schema::schema();
    for Place { path, key } in places().into_iter().filter(|place| place.path != ["include"]) {
        let default = match key.presence {
            Presence::Default(text) => Some(format!("{} = {text}", key.name)),
            _ => None,
        };
        for line in default.into_iter().chain(key.example()) {
            let value = json_of(&line)[key.name].clone();
            assert!(!value.is_null(), "{line}");
            assert_eq!(problems(&schema, &alone(&path, value)), Vec::<String>::new(), "{path:?}: {line}");
        }
        if let Presence::Default(text) = key.presence {
            assert!(serde_json::from_str::<Value>(text).is_ok(), "{path:?}: {text} is not JSON");
        }
    }
}

// ---- the guide -----------------------------------------------------------------------------------------------------

/// The files that the fragments of the guide make. A fragment that begins with `# PATH` is an included file.
#[derive(Default)]
struct Guide {
    main: String,
    others: Vec<(String, String)>,
}

impl Files for Guide {
    fn read(&self, path: &str) -> Result<String, String> {
        let found = self.others.iter().find(|(name, _)| name == path);
        found.map(|(_, text)| text.clone()).ok_or_else(|| "it is not in the guide".to_owned())
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, String> {
        let names = self.others.iter().filter_map(|(name, _)| name.strip_prefix(folder)?.strip_prefix('/'));
        Ok(names.map(str::to_owned).collect())
    }
}

fn guide() -> Guide {
    let page = text_of("docs/configuration.md");
    let mut guide = Guide::default();
    for fragment in page.split("```toml\n").skip(1).filter_map(|rest| rest.split_once("```")).map(|(text, _)| text) {
        let path = fragment.lines().next().and_then(|line| line.strip_prefix("# ")).filter(|it| it.ends_with(".toml"));
        match path {
            Some(path) => guide.others.push((path.to_owned(), fragment.to_owned())),
            None => guide.main.push_str(fragment),
        }
    }
    guide
}

#[test]
fn the_fragments_of_the_guide_are_a_gateway_without_findings() {
    let guide = guide();
    let compiled = compile_files("gateway.toml", &guide.main, &guide, &Around::default());
    assert_eq!(render(&compiled.diagnostics, Style::Plain), "");
    assert!(compiled.environments.len() > 1 && !guide.others.is_empty(), "the guide shows environments and includes");
}

#[test]
fn the_page_of_security_headers_lists_the_presets() {
    let page = text_of("docs/security-headers.md");
    let (_, tables) = page.split_once("### `api`").unwrap();
    let (api, web) = tables.split_once("### `web`").unwrap();
    for (table, preset) in [(api, API), (web, WEB)] {
        for (name, value) in preset {
            assert!(table.contains(&format!("| `{name}` | `{value}` |")), "{name}");
        }
    }
}

#[test]
fn links_into_the_reference_lead_somewhere() {
    let mut pages = reference::pages();
    pages.push(("../configuration.md".to_owned(), text_of("docs/configuration.md")));
    let link = Regex::new(r"\]\(([^)#]*)#([^)]+)\)").unwrap();
    let mut followed = 0;
    for (page, text) in &pages {
        for found in link.captures_iter(text) {
            let (target, heading) = (found[1].trim_start_matches("reference/"), &found[2]);
            let target = if target.is_empty() { page } else { target };
            let Some((_, text)) = pages.iter().find(|(name, _)| name == target) else { continue };
            assert!(anchors(text).iter().any(|it| it == heading), "{page}: no {heading} in {target}");
            followed += 1;
        }
    }
    assert!(followed > 100);
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(page: &str) -> Vec<String> {
    let headings = page.lines().filter_map(|line| line.strip_prefix('#')).map(|line| line.trim_start_matches('#'));
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
    headings.map(|it| it.trim().chars().filter(kept).collect::<String>().to_lowercase().replace(' ', "-")).collect()
}
