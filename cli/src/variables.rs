//! The names of the variables that the Worker will have, as far as the files beside a `gateway.toml` tell: `[vars]` of
//! `wrangler.toml` and its environments, `.dev.vars`, `.dev.vars.example`.
//!
//! Names only. What the variables say is asked in `values`, by commands that start a gateway.

use gateway::blueprint::compile::Around;
use toml::de::{DeTable, DeValue};

use crate::{Failure, files, host::Host, output};

/// The variables and secrets of local runs.
pub(crate) const LOCAL: &str = ".dev.vars";
const LISTS: [&str; 2] = [LOCAL, ".dev.vars.example"];
/// How the Worker is deployed.
pub(crate) const WRANGLER: &str = "wrangler.toml";

/// What stands around a `gateway.toml`; `more` are further files with variables, which must be there.
///
/// Nothing is known when none of the files is there, or one of them cannot be understood: a warning of a missing
/// variable must be worth reading.
pub(crate) fn around(host: &dyn Host, file: &str, more: &[&str]) -> Result<Around, Failure> {
    let mut texts: Vec<(String, String)> = Vec::new();
    for path in more {
        texts.push(((*path).to_owned(), files::read(host, path)?));
    }
    for name in LISTS.into_iter().chain([WRANGLER]) {
        let path = files::beside(file, name);
        if let Some(text) = files::read_optional(host, &path)? {
            texts.push((path, text));
        }
    }
    let mut names: Vec<String> = Vec::new();
    for (path, text) in &texts {
        match names_in(path, text) {
            Some(found) => names.extend(found),
            None => {
                output::error(host, &format!("ferrogate: {path} is not TOML, so variables are not looked for"));
                return Ok(Around::default());
            }
        }
    }
    names.sort();
    names.dedup();
    Ok(Around { variables: (!texts.is_empty()).then_some(names) })
}

/// The names in one file; `None` when it cannot be understood.
fn names_in(path: &str, text: &str) -> Option<Vec<String>> {
    if path.ends_with(".toml") { wrangler(text) } else { Some(text.lines().filter_map(assigned).collect()) }
}

/// The name in a line `NAME=value`.
pub(crate) fn assigned(line: &str) -> Option<String> {
    let (name, _) = line.split_once('=')?;
    let name = name.trim();
    let name = name.strip_prefix("export ").map_or(name, str::trim_start);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (!name.is_empty() && name.bytes().all(is_name)).then(|| name.to_owned())
}

/// The names of `[vars]` and `[env.*.vars]`.
fn wrangler(text: &str) -> Option<Vec<String>> {
    let root = DeTable::parse(text).ok()?.into_inner();
    let mut names = vars(&root);
    let environments = root.get("env").and_then(|env| env.get_ref().as_table());
    for environment in environments.into_iter().flat_map(|table| table.values()) {
        names.extend(environment.get_ref().as_table().map(vars).unwrap_or_default());
    }
    Some(names)
}

fn vars(table: &DeTable<'_>) -> Vec<String> {
    let vars = table.get("vars").map(|value| value.get_ref());
    let Some(DeValue::Table(vars)) = vars else { return Vec::new() };
    vars.keys().map(|name| name.get_ref().to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrangler_names_variables_for_itself_and_for_each_environment() {
        let text = "name = 'x'\n[vars]\nA = '1'\n'B' = { c = 1 }\n[env.staging.vars]\nC = ''\n[env.empty]\n";
        assert_eq!(names_in("wrangler.toml", text), Some(vec!["A".into(), "B".into(), "C".into()]));
        assert_eq!(names_in("wrangler.toml", "vars = 1\nenv = 2"), Some(Vec::new()));
        assert_eq!(names_in("wrangler.toml", "= 1"), None);
    }

    #[test]
    fn lists_name_variables_line_by_line() {
        let text = "# A=1\n\nB=2\n export C = 3\nnot a line\nD E=4\nF_1=";
        assert_eq!(names_in(".dev.vars", text), Some(vec!["B".into(), "C".into(), "F_1".into()]));
    }
}
