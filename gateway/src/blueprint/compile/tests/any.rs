//! Property tests: whatever stands in the files, the compiler says what it thinks of it and never panics.

use proptest::prelude::*;

use super::EVERYTHING;
use crate::{
    blueprint::{
        Action, Route,
        compile::{Environment, compile},
    },
    config::diagnostics::{
        Severity, has_errors,
        render::{Style, render},
    },
};

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
