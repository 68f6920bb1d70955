//! How many requests in how much time, and who shares the count: `60/min per principal and route`. Reading one is
//! left to `values::rate`, which the Worker does without.
//!
//! Not here: how requests are counted, and what a key is for a request.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::duration;

/// A limit on requests over time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rate {
    /// How many requests, 1 to 1,000,000,000.
    pub limit: u32,
    /// In how much time.
    pub window: Window,
    /// What has a count of its own, in the order of [`Key`] and each once; empty when the rate does not say.
    pub keys: Vec<Key>,
}

/// The time over which requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Window {
    /// So many seconds, never zero. A day is 24 hours wherever it begins.
    Seconds(u32),
    /// A calendar month. Apart from the others because months differ in length.
    Month,
}

impl Window {
    /// The windows that have a word of their own.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("s", Self::Seconds(1)),
        ("min", Self::Seconds(60)),
        ("hour", Self::Seconds(3_600)),
        ("day", Self::Seconds(86_400)),
        ("month", Self::Month),
    ];
}

/// What requests have in common that share a count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Key {
    /// `address`: the address of the client.
    Address,
    /// `principal`: who the verified credentials say is asking.
    Principal,
    /// `tenant`: the customer that the principal belongs to.
    Tenant,
    /// `api_key`: the API key.
    ApiKey,
    /// `plan`: the plan of the principal.
    Plan,
    /// `route`: the route.
    Route,
    /// `global`: nothing; all requests share one count.
    Global,
    /// `header:NAME`: a request header, its name in lower case.
    Header(String),
    /// `path.NAME`: a parameter of the path.
    Path(String),
    /// `claim:NAME`: a claim of the verified token.
    Claim(String),
}

impl Key {
    /// The keys that are one word.
    pub const WORDS: [(&'static str, Self); 7] = [
        ("address", Self::Address),
        ("principal", Self::Principal),
        ("tenant", Self::Tenant),
        ("api_key", Self::ApiKey),
        ("plan", Self::Plan),
        ("route", Self::Route),
        ("global", Self::Global),
    ];
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.limit, self.window)?;
        let mut before = " per ";
        self.keys.iter().try_for_each(|key| write!(f, "{}{key}", std::mem::replace(&mut before, " and ")))
    }
}

/// Prints the word of the window, or else its duration.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::WORDS.iter().find(|(_, window)| window == self).map(|(word, _)| *word);
        match (word, self) {
            (Some(word), _) => f.write_str(word),
            (None, Self::Seconds(seconds)) => f.write_str(&duration::show(u64::from(*seconds).saturating_mul(1_000))),
            (None, Self::Month) => f.write_str("month"),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("address"),
            Self::Principal => f.write_str("principal"),
            Self::Tenant => f.write_str("tenant"),
            Self::ApiKey => f.write_str("api_key"),
            Self::Plan => f.write_str("plan"),
            Self::Route => f.write_str("route"),
            Self::Global => f.write_str("global"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Path(name) => write!(f, "path.{name}"),
            Self::Claim(name) => write!(f, "claim:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_reads_like_a_sentence() {
        let rate = |window, keys| Rate { limit: 60, window, keys };
        assert_eq!(rate(Window::Seconds(60), Vec::new()).to_string(), "60/min");
        assert_eq!(rate(Window::Month, vec![Key::Plan]).to_string(), "60/month per plan");
        let keys = vec![Key::Principal, Key::Header("x-shop".into()), Key::Path("id".into()), Key::Claim("sub".into())];
        let text = "60/5m per principal and header:x-shop and path.id and claim:sub";
        assert_eq!(rate(Window::Seconds(300), keys).to_string(), text);
    }

    #[test]
    fn a_word_is_printed_as_itself() {
        assert!(Window::WORDS.iter().all(|(word, window)| window.to_string() == *word));
        assert!(Key::WORDS.iter().all(|(word, key)| key.to_string() == *word));
    }
}
