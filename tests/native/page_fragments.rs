//! The fragments of pages about single behaviours compile: what they leave out stands here.

use std::{fs, path::Path};

use gateway::{
    blueprint::compile::compile,
    config::diagnostics::render::{Style, render},
};

/// What the fragments take for granted.
const REST: &str = r#"
[issuers.acme]
algorithm = "HS256"
issuer = "https://issuer.acme.example/"
audience = "acme-api"
secret = "${JWT_SECRET}"

[upstreams.catalog]
targets = ["https://catalog.acme.example"]

[upstreams.orders]
targets = ["https://orders.acme.example"]

[routes."GET /fragments/{path...}"]
upstream = "orders"
auth = "acme"

[routes."GET /fragments"]
upstream = "catalog"
auth = "none"
"#;

const PAGES: &[&str] = &["abuse.md", "admin.md", "audit.md", "guard.md", "signals.md", "transform.md", "well-known.md"];

/// The findings for all fragments of a page, put one after another.
fn findings(page: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
    let text = fs::read_to_string(path).unwrap();
    let fragments = text.split("```toml\n").skip(1).filter_map(|rest| rest.split_once("```")).map(|(text, _)| text);
    let mut file: String = fragments.collect();
    assert!(!file.is_empty(), "{page} shows nothing");
    if !file.contains("[gateway]") {
        file.push_str("\n[gateway]\nname = \"acme\"\n");
    }
    render(&compile(page, &(file + REST)).diagnostics, Style::Plain)
}

#[test]
fn the_fragments_of_pages_are_gateways_without_findings() {
    for page in PAGES {
        assert_eq!(findings(page), "", "{page}");
    }
}
