//! Where requests may come from: addresses and countries.

use serde::{Deserialize, Serialize};

use crate::{
    facts::address::Address,
    http::{
        cidr::Cidr,
        problem::{Fault, Kind, Problem},
    },
};

/// The keys `addresses` and `countries`. Where none is allowed, all are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Config {
    /// Networks that are allowed.
    pub allow: Vec<Cidr>,
    /// Networks that are not, even if they are allowed.
    pub deny: Vec<Cidr>,
    /// The same of countries, by their codes.
    pub allow_countries: Vec<String>,
    /// See [`Config::deny`].
    pub deny_countries: Vec<String>,
}

/// Under this name the entry packs the country that the platform knows; no client's header gets there
/// (`src/entry/pack.mjs`).
pub const COUNTRY: &str = "cf-ipcountry";

/// 403: the route takes no requests from this address.
pub const ADDRESS_REFUSED: Kind =
    Kind { code: "address_refused", status: 403, title: "Not from this address", fault: Fault::Client };

/// 403: the route takes no requests from this country.
pub const COUNTRY_REFUSED: Kind =
    Kind { code: "country_refused", status: 403, title: "Not from this country", fault: Fault::Client };

/// Refuses a request by where it comes from.
///
/// # Errors
/// [`ADDRESS_REFUSED`] or [`COUNTRY_REFUSED`].
pub fn check(config: &Config, address: Option<Address>, country: Option<&str>) -> Result<(), Problem> {
    let inside = |networks: &[Cidr]| address.is_some_and(|at| networks.iter().any(|network| network.contains(at.ip())));
    if !is_welcome(config.allow.is_empty() || inside(&config.allow), inside(&config.deny)) {
        return Err(Problem::new(&ADDRESS_REFUSED, "This route takes no requests from this address."));
    }
    let among = |codes: &[String]| country.is_some_and(|country| codes.iter().any(|code| code == country));
    if !is_welcome(config.allow_countries.is_empty() || among(&config.allow_countries), among(&config.deny_countries)) {
        return Err(Problem::new(&COUNTRY_REFUSED, "This route takes no requests from this country."));
    }
    Ok(())
}

fn is_welcome(is_allowed: bool, is_denied: bool) -> bool {
    is_allowed && !is_denied
}

impl Config {
    /// Whether it has to be known from which address a request comes.
    #[must_use]
    pub fn reads_address(&self) -> bool {
        !self.allow.is_empty() || !self.deny.is_empty()
    }

    /// The same of the country.
    #[must_use]
    pub fn reads_country(&self) -> bool {
        !self.allow_countries.is_empty() || !self.deny_countries.is_empty()
    }
}

/// What is told of it where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(config: Option<&Config>, teller: &mut crate::config::told::Teller<'_>) {
    use crate::config::told::sorted;
    let Some(config) = config else { return };
    let allowed = |words: String| if words.is_empty() { "any".to_owned() } else { words };
    if config.reads_address() {
        teller.put("addresses.allow", allowed(sorted(&config.allow)));
        teller.put("addresses.deny", sorted(&config.deny));
    }
    if config.reads_country() {
        teller.put("countries.allow", allowed(sorted(&config.allow_countries)));
        teller.put("countries.deny", sorted(&config.deny_countries));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<Address> {
        text.parse().ok().map(Address::from_trusted_header)
    }

    fn code(config: &Config, from: &str, country: Option<&str>) -> &'static str {
        check(config, address(from), country).map_or_else(|problem| problem.kind.code, |()| "welcome")
    }

    /// Catalogue row B5: an allow-list of addresses, and countries.
    #[test]
    fn addresses_are_allowed_and_denied() {
        let network = |first: &str, length| Cidr::around(first.parse().unwrap(), length).unwrap();
        let allow = vec![network("10.0.0.0", 8), network("2001:db8::", 32)];
        let deny = vec![network("10.6.6.0", 24)];
        let config = Config { allow, deny: deny.clone(), ..Config::default() };
        for (from, expected) in [
            ("10.1.2.3", "welcome"),
            ("::ffff:10.1.2.3", "welcome"),
            ("2001:db8::7", "welcome"),
            ("10.6.6.6", "address_refused"),
            ("192.0.2.1", "address_refused"),
            ("unknown", "address_refused"),
        ] {
            assert_eq!(code(&config, from, None), expected, "{from}");
        }
        let config = Config { deny, ..Config::default() };
        let told = ["192.0.2.1", "unknown", "10.6.6.6"].map(|from| code(&config, from, None));
        assert_eq!(told, ["welcome", "welcome", "address_refused"]);
    }

    #[test]
    fn countries_are_allowed_and_denied() {
        let of = |allow: &[&str], deny: &[&str]| {
            let words = |list: &[&str]| list.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>();
            Config { allow_countries: words(allow), deny_countries: words(deny), ..Config::default() }
        };
        let told = |config: &Config| [Some("DE"), Some("T1"), None].map(|country| code(config, "192.0.2.1", country));
        assert_eq!(told(&of(&["DE", "FR"], &[])), ["welcome", "country_refused", "country_refused"]);
        assert_eq!(told(&of(&[], &["T1"])), ["welcome", "country_refused", "welcome"]);
    }
}
