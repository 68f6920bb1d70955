//! `principal_headers`: the key of this stage in policies and routes.

use std::collections::BTreeSet;

use super::Config;
use crate::config::{
    diagnostics::Code,
    keys::keys,
    kinds::{self, Kind},
    layers::{RouteFacts, Stack},
    model::Shape,
    reader::{Item, Located},
    template::Template,
    values::{Fault, names, quoted},
};

/// How many hyphens and underscores a name can have: each doubles the spellings that every request is rid of.
const MOST_HYPHENS: usize = 4;

keys! {
    /// What upstreams are told of the caller.
    pub struct Keys {
        /// Headers that tell the upstream who asks, each with a template for its value, on routes with a token. No client
        /// gets one through on any route of the gateway, however it is spelt: `X-User-Id` and `x_user_id` are one name.
        /// A template that a request cannot fill leaves the header out.
        /// Example: `principal_headers = { x-user-id = "{claims.sub}", x-tenant = "{claims.tenant}" }`
        principal_headers: Vec<(String, Located<Template>)> [Optional] = headers(),
    }
}

fn headers() -> Kind<'static, Vec<(String, Located<Template>)>> {
    let read = |item: &Item<'_>| {
        let entries = item.table()?.entries();
        let read = |entry: &Item<'_>| {
            let template = kinds::header_template().read(entry);
            Some((entry.parsed_key(name)?, template?))
        };
        let pairs = entries.iter().filter_map(read).collect();
        kinds::each_header_once(&entries);
        Some(pairs)
    };
    Kind::new(read, || Shape::Map(kinds::HEADER_NAME, Box::new(Shape::Text(kinds::TEMPLATE))))
}

fn name(text: &str) -> Result<String, Fault> {
    let name = names::changed_header(text)?;
    if spellings(&name).len() <= 1 << MOST_HYPHENS {
        return Ok(name);
    }
    let message = format!("{} has too many hyphens for a header of the caller", quoted(text));
    let fault = Fault::new(Code::OutOfRange, message).expected(format!("at most {MOST_HYPHENS} hyphens"));
    Err(fault.help("every spelling with underscores is taken out of every request, and there would be too many"))
}

/// A name with every hyphen and underscore written either way: upstreams that know headers as variables (CGI, RFC 3875
/// section 4.1.18) take them for one. Of a name with too many of them, more than can be used.
#[must_use]
pub fn spellings(name: &str) -> BTreeSet<String> {
    let mut spellings = BTreeSet::from([String::new()]);
    for letter in name.chars() {
        let more = |start: &String, letter: char| [start.as_str(), letter.encode_utf8(&mut [0; 4])].concat();
        let letters = if matches!(letter, '-' | '_') { vec!['-', '_'] } else { vec![letter] };
        let longer = |start: String| letters.iter().map(move |letter| more(&start, *letter)).collect::<Vec<_>>();
        spellings = spellings.into_iter().take((1 << MOST_HYPHENS) + 1).flat_map(longer).collect();
    }
    spellings
}

/// This stage's part of a route's policy.
pub fn resolve(keys: &Stack<'_, Keys>, route: &mut RouteFacts<'_>) -> Option<Config> {
    if route.passes_through {
        keys.refuse_pass_through(route);
        return Some(Vec::new());
    }
    let Some(setting) = keys.pick(|keys| &keys.principal_headers) else { return Some(Vec::new()) };
    let written = setting.value.as_ref()?;
    // A public route knows no caller: there the names are only taken out, as everywhere.
    if route.is_public == Some(true) {
        return Some(Vec::new());
    }
    written.iter().for_each(|(_, template)| route.check_template(template));
    Some(written.iter().map(|(name, template)| (name.clone(), template.value.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_out_in_every_spelling() {
        let all = |name: &str| spellings(name).into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(all("user"), "user");
        assert_eq!(all("x-user"), "x-user x_user");
        assert_eq!(all("x_user-id"), "x-user-id x-user_id x_user-id x_user_id");
        assert!(name("a-b-c-d-e").is_ok() && name("a-b-c-d-e-f").is_err());
        assert!(name(&"-".repeat(5_000)).is_err());
    }
}
