//! Findings as SARIF 2.1.0 (OASIS), the form that GitHub's code scanning and many editors read.
//!
//! Columns count characters, as everywhere in Ferrogate; SARIF is told so.

use gateway::config::diagnostics::{Code, Diagnostic, Place, Related, Severity};
use serde_json::{Value, json};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
const HOME: &str = "https://github.com/ferrogate/ferrogate";

/// One log with one run: every rule there is, and these findings.
pub(crate) fn log(diagnostics: &[Diagnostic]) -> Value {
    let driver = json!({
        "name": "ferrogate",
        "informationUri": HOME,
        "version": env!("CARGO_PKG_VERSION"),
        "rules": Code::ALL.iter().copied().map(rule).collect::<Vec<_>>(),
    });
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": driver },
            "columnKind": "unicodeCodePoints",
            "results": diagnostics.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.number(),
        "name": format!("{code:?}"),
        "shortDescription": { "text": code.title() },
        "fullDescription": { "text": code.title() },
        "help": { "text": format!("{} See {}", code.title(), code.page()) },
        "helpUri": code.page(),
        "defaultConfiguration": { "level": level(code.severity()) },
    })
}

fn result(it: &Diagnostic) -> Value {
    let mut result = json!({
        "ruleId": it.code.number(),
        "level": level(it.severity),
        "message": { "text": message(it) },
        "locations": [{ "physicalLocation": location(&it.place) }],
    });
    if let Some(members) = result.as_object_mut() {
        if let Some(index) = Code::ALL.iter().position(|code| *code == it.code) {
            members.insert("ruleIndex".to_owned(), index.into());
        }
        if !it.related.is_empty() {
            let related = it.related.iter().enumerate().map(related);
            members.insert("relatedLocations".to_owned(), related.collect());
        }
        if !it.environments.is_empty() {
            members.insert("properties".to_owned(), json!({ "environments": it.environments }));
        }
    }
    result
}

/// Everything that is said about a finding: viewers show this text and no other.
fn message(it: &Diagnostic) -> String {
    let nearest = it.nearest.as_ref().map(|name| format!("`{name}`"));
    let environments = (!it.environments.is_empty()).then(|| format!("environment {}", it.environments.join(", ")));
    let parts = [
        ("Expected", it.expected.as_ref()),
        ("Found", it.found.as_ref().filter(|found| !it.message.contains(found.as_str()))),
        ("Nearest", nearest.as_ref()),
        ("Help", it.help.as_ref()),
        ("Only in", environments.as_ref()),
    ];
    let said = parts.iter().filter_map(|(label, text)| text.map(|text| format!("\n{label}: {text}")));
    std::iter::once(it.message.clone()).chain(said).collect()
}

fn related((index, it): (usize, &Related)) -> Value {
    json!({
        "id": index.saturating_add(1),
        "message": { "text": it.message },
        "physicalLocation": location(&it.place),
    })
}

fn location(place: &Place) -> Value {
    let (line, column) = (place.line.max(1), place.column.max(1));
    json!({
        "artifactLocation": { "uri": uri(&place.file) },
        "region": {
            "startLine": line,
            "startColumn": column,
            "endLine": line,
            // The first column behind it.
            "endColumn": column.saturating_add(place.length),
        },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// A path as a reference (RFC 3986): relative paths stay relative, to the root of the repository as a rule.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let start = if path.starts_with('/') { "file://" } else { "" };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let encoded =
        path.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    std::iter::once(start.to_owned()).chain(encoded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("./a b/gateway.toml"), "a%20b/gateway.toml");
        assert_eq!(uri("/a/\u{e9}.toml"), "file:///a/%C3%A9.toml");
        assert_eq!(uri("../c:d"), "../c%3Ad");
    }
}
