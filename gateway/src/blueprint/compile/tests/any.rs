//! Property tests: whatever stands in the files, the compiler says what it thinks of it and never panics.

use proptest::prelude::*;

use super::{EVERYTHING, Folder};
use crate::{
    blueprint::{
        Action, Route,
        compile::{Around, Compiled, Environment, compile, compile_files},
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
        "bearer = \"hunter2\"",
        "pasword = \"hunter2\"",
        "value = \"hunter2",
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
    check(&compile("any.toml", text), |_| Some(text))
}

/// Whatever was compiled: places are in the files, nothing steers a terminal, and blueprints hold together.
fn check<'t>(compiled: &Compiled, text: impl Fn(&str) -> Option<&'t str>) -> Result<(), TestCaseError> {
    prop_assert_eq!(compiled.environments.is_empty(), has_errors(&compiled.diagnostics));
    let _ = render(&compiled.diagnostics, Style::Coloured);
    for diagnostic in &compiled.diagnostics {
        let related = diagnostic.related.iter().map(|related| &related.place);
        for place in related.chain([&diagnostic.place]) {
            prop_assert!(place.line >= 1 && place.column >= 1 && place.length >= 1, "{diagnostic:?}");
            let lines = text(&place.file).map(|text| text.split('\n').count());
            prop_assert!(usize::try_from(place.line).ok() <= lines, "{diagnostic:?}");
            prop_assert!(!place.excerpt.chars().any(char::is_control), "{diagnostic:?}");
        }
        prop_assert!(!diagnostic.message.chars().any(char::is_control), "{diagnostic:?}");
        prop_assert_eq!(diagnostic.severity == Severity::Warning, diagnostic.code.number().starts_with("FG09"));
    }
    compiled.environments.iter().try_for_each(check_blueprint)
}

fn check_blueprint(environment: &Environment) -> Result<(), TestCaseError> {
    let blueprint = &environment.blueprint;
    let routes = &blueprint.routes;
    let exists = |route: &Route| match route.action {
        Action::Forward(upstream) => usize::from(upstream) < blueprint.upstreams.len(),
        Action::Assets(_) | Action::Respond(_) | Action::Closed => true,
    };
    prop_assert!(routes.iter().all(exists));
    prop_assert!(routes.iter().all(|route| usize::from(route.policy) < blueprint.policies.len()));
    Ok(())
}

/// An overlay: some sections of a file, each below an environment.
fn overlay() -> impl Strategy<Value = String> {
    let section = |line: &str| line.strip_prefix('[').map(str::to_owned);
    (fragments(), proptest::sample::select(vec!["staging", "production", "no name", ""])).prop_map(
        move |(text, name)| {
            let moved =
                |line: &str| section(line).map_or_else(|| line.to_owned(), |rest| format!("[env.{name:?}.{rest}"));
            text.lines().map(|line| moved(line) + "\n").collect()
        },
    )
}

/// A main file and files that it may include, some of them more than once or not there.
fn folders() -> impl Strategy<Value = Folder> {
    let pattern =
        proptest::sample::select(vec!["a.toml", "parts/*.toml", "*.toml", "*", "none/*", "../x", "parts/b.toml"]);
    let include = proptest::collection::vec(pattern, 0..4);
    let main = prop_oneof![fragments(), damaged(), Just(EVERYTHING.to_owned())];
    let part = || prop_oneof![fragments(), overlay(), any::<String>()];
    (include, main, overlay(), part(), part()).prop_map(|(include, main, overlay, first, second)| {
        let files = [
            ("gateway.toml", format!("include = {include:?}\n{main}{overlay}")),
            ("a.toml", first),
            ("parts/b.toml", second),
            ("parts/c.toml", overlay),
        ];
        Folder(files.map(|(name, text)| (name.to_owned(), text)).into())
    })
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

    #[test]
    fn no_folder_panics_the_compiler(folder in folders(), known in proptest::option::of(Just(vec!["A".to_owned()]))) {
        let compiled = compile_files("gateway.toml", &folder.main(), &folder, &Around { variables: known });
        check(&compiled, |name| folder.0.get(name).map(String::as_str))?;
    }

    #[test]
    fn an_environment_that_says_nothing_new_is_the_same_gateway(name in "[a-z]{1,8}") {
        let text = format!("{EVERYTHING}\n[env.{name}.upstreams.catalog]\ntimeout = \"250ms\"\n");
        let compiled = compile("any.toml", &text);
        let blueprints: Vec<_> = compiled.environments.iter().map(|it| &it.blueprint).collect();
        prop_assert_eq!(blueprints.len(), 2);
        prop_assert_eq!(blueprints[0], blueprints[1]);
    }
}
