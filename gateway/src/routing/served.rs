//! What answers say of versions: which one served, which there are, and that it made a difference how one asked.
//!
//! All of it is put together when the file is compiled. Not here: which version a request gets (`versions`).

use serde::{Deserialize, Serialize};

use crate::http::edits::Edits;

/// The versions at the place of a route: of its path, method and hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// The route's own; a route without one may stand beside others that have some.
    pub name: Option<String>,
    /// All of them, in the order of the file: `v1, v2`.
    pub supported: String,
    /// The one whose name is the highest.
    pub latest: String,
    /// Whether requests ask for them; else they stand in the path.
    pub is_asked: bool,
}

/// What holds for all answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The header that names the version, in lower case.
    pub header: String,
    /// Where requests name a version, for `Vary`.
    pub vary: String,
    /// Whether headers of older gateways are sent too.
    pub legacy_headers: bool,
}

/// The header that lists the versions that there are.
pub const SUPPORTED: &str = "x-supported-versions";

/// Tells it on an answer.
pub fn finish(head: &mut Edits, served: &Served, config: &Config) {
    if let Some(name) = &served.name {
        head.set(config.header.clone(), name.clone());
    }
    head.set(SUPPORTED, served.supported.clone());
    if config.legacy_headers {
        head.set("x-latest-version", served.latest.clone());
    }
    // Also where the default served: a cache must not give it to who asks for another.
    if served.is_asked && !config.vary.is_empty() {
        head.append("vary", config.vary.clone());
    }
}

/// What is told of all answers where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(config: &Config, teller: &mut crate::config::told::Teller<'_>) {
    teller.put("versions.header", config.header.as_str());
    teller.put("versions.by", if config.vary.is_empty() { "path" } else { config.vary.as_str() });
    teller.put("versions.legacy_headers", crate::config::told::yes(config.legacy_headers));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_which_version_served_and_which_there_are() {
        let served =
            Served { name: Some("v1".into()), supported: "v1, v2".into(), latest: "v2".into(), is_asked: true };
        let config =
            Config { header: "x-api-version".into(), vary: "Accept, x-api-version".into(), ..Config::default() };
        let told = |served: &Served, config: &Config| {
            let mut head = Edits::default();
            finish(&mut head, served, config);
            ["x-api-version", SUPPORTED, "x-latest-version", "vary"].map(|name| head.value(name).map(str::to_owned))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(told(&served, &config), [some("v1"), some("v1, v2"), None, some("Accept, x-api-version")]);
        let (plain, legacy) =
            (Served { name: None, is_asked: false, ..served }, Config { legacy_headers: true, ..config });
        assert_eq!(told(&plain, &legacy), [None, some("v1, v2"), some("v2"), None]);
    }
}
