//! Abuse: who has made so much trouble that nobody listens to him for a while, known to the whole fleet.
//!
//! Isolates report what they refuse (`watch`), an object adds it up for each address and user and decides (`warden`), and
//! marks in the log of signals tell all isolates of it. Why it is made so: docs/decisions/0018. Not here: which refusals
//! count (`stages::abuse`), and what becomes of a request (`pipeline::abuse`).

pub mod tally;
pub mod warden;
pub mod watch;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    fleet::message::{self, Protocol},
    http::{Millis, cidr::Cidr},
    ports::errands::{Class, Destination, Errand},
};

/// What somebody does that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Sends a token that nobody believes.
    BadToken,
    /// Asks for a path that is not there.
    NotFound,
    /// Sends what breaks a rule of the gateway.
    Validation,
    /// Sends what no client sends by mistake.
    Attack,
    /// Is refused by an upstream where one logs in.
    FailedLogin,
    /// Asks more often than a limit allows.
    RateLimited,
}

/// How many kinds there are.
pub const KINDS: usize = 6;

impl Kind {
    /// Every kind by its name, in the order of their numbers in messages: new ones come last.
    pub const WORDS: [(&'static str, Self); KINDS] = [
        ("bad_token", Self::BadToken),
        ("not_found", Self::NotFound),
        ("validation", Self::Validation),
        ("attack", Self::Attack),
        ("failed_login", Self::FailedLogin),
        ("rate_limited", Self::RateLimited),
    ];

    /// Its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS.get(self as usize).map_or("", |(word, _)| word)
    }
}

/// Somebody who is watched: a client by its address or network, a user whom an issuer vouches for, or a name that somebody
/// logs in by, for which nobody vouches. A letter in front keeps them apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Who(pub String);

/// What [`Who`] begins with.
const NETWORK: char = 'a';
const USER: char = 'u';
const LOGIN: char = 'l';

/// The longest name that is kept as it is, in bytes.
const LONGEST_NAME: usize = 256;

impl Who {
    /// A client, or a network of many.
    #[must_use]
    pub fn network(network: Cidr) -> Self {
        let address = network.address().to_string();
        let length = if network.is_one() { String::new() } else { format!("/{}", network.length()) };
        Self(format!("{NETWORK}{address}{length}"))
    }

    /// A user of an issuer, with its length, so that no user of one is one of another.
    #[must_use]
    pub fn user(issuer: &str, name: &str) -> Self {
        Self::bounded(format!("{USER}{} {issuer} {name}", issuer.len()))
    }

    /// Whom somebody logs in as.
    #[must_use]
    pub fn login(name: &str) -> Self {
        Self::bounded(format!("{LOGIN}{name}"))
    }

    /// Long names are hashed: they are kept for many.
    fn bounded(text: String) -> Self {
        if text.len() <= LONGEST_NAME {
            return Self(text);
        }
        let hash = hashed('n', &text);
        Self(format!("{LOGIN}#{hash:016x}"))
    }

    /// Whether it is a client or a network.
    #[must_use]
    pub fn is_network(&self) -> bool {
        self.0.starts_with(NETWORK)
    }

    /// As operators read it.
    #[must_use]
    pub fn text(&self) -> &str {
        let name = self.0.get(1..).unwrap_or_default();
        if self.0.starts_with(USER) { name.split_once(' ').map_or(name, |(_, name)| name) } else { name }
    }
}

/// What a mark in the log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mark {
    /// Nobody listens to them.
    Blocked,
    /// Something about them is strange.
    Suspicious,
}

/// The hash by which the log marks somebody.
#[must_use]
pub fn mark_of(mark: Mark, who: &Who) -> u64 {
    hashed(if mark == Mark::Blocked { 'b' } else { 's' }, &who.0)
}

/// The hash that is marked while whole networks may be blocked that are not those of one client.
#[must_use]
pub fn networks_mark() -> u64 {
    hashed('w', "")
}

/// 64 bits of a hash that nobody can choose at will.
fn hashed(what: char, of: &str) -> u64 {
    let digest = Sha256::new_with_prefix([what as u8]).chain_update(of).finalize();
    digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// How many within which time is too much; none: whatever it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Bound {
    /// So many are still all right; 0 stands for any number.
    pub most: u32,
    /// Within this time, in milliseconds.
    pub window_ms: u32,
}

/// What is too much. It comes with every report: the object has no configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// With this score somebody is blocked.
    pub threshold: u32,
    /// Within this time, in milliseconds.
    pub window_ms: u32,
    /// For so long, in milliseconds.
    pub block_ms: u32,
    /// What an event of each kind adds to the score; 0: nothing.
    pub weights: [u8; KINDS],
    /// Failed logins of an address.
    pub logins: Bound,
    /// Failed logins of a user.
    pub user_logins: Bound,
    /// Addresses of a user.
    pub addresses: Bound,
}

impl Rule {
    /// Whether events of a kind are reported. Those of limits are very many, and mean nothing unless they have a weight.
    #[must_use]
    pub fn counts(&self, kind: Kind) -> bool {
        kind != Kind::RateLimited || self.weights.get(kind as usize).is_some_and(|weight| *weight > 0)
    }
}

/// What an isolate has seen of somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Of whom.
    pub who: Who,
    /// The number of a kind of event, or [`CAME`].
    pub kind: u8,
    /// How often.
    pub count: u32,
    /// Of [`CAME`]: a hash of the address.
    pub from: u64,
    /// How long ago that began, in milliseconds.
    pub age_ms: u32,
}

/// The kind of a line that says from where a user has come.
pub const CAME: u8 = 255;

/// What an isolate reports at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// A number that no other report has: it may come twice.
    pub tag: u64,
    /// What is too much.
    pub rule: Rule,
    /// What was seen.
    pub lines: Vec<Line>,
}

/// Somebody who is blocked, or suspicious.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Who.
    pub who: Who,
    /// Why.
    pub reason: String,
    /// Who has decided it; empty for the gateway itself.
    pub by: String,
    /// Since when.
    pub since: Millis,
    /// Until when.
    pub until: Millis,
}

/// Until when somebody is what; 0: not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stands {
    /// Until when blocked.
    pub blocked: Millis,
    /// Until when suspicious.
    pub suspicious: Millis,
}

/// That somebody is marked from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// Who.
    pub who: Who,
    /// As what.
    pub mark: Mark,
    /// Until when.
    pub until: Millis,
}

/// What there is in numbers, in this order; behind them how many events of each kind there were.
pub const TOTALS: [&str; 4] = ["tracked_addresses", "blocked_addresses", "suspicious", "total_blocks"];

/// What the object is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// This was seen.
    Report(Report),
    /// How somebody stands.
    Look(Who),
    /// An operator blocks somebody.
    Block(Case),
    /// An operator takes a block back, and forgives what was before.
    Unblock(Who),
    /// The block of somebody.
    Find(Who),
    /// Who is marked as this, behind somebody in their order, so many at most.
    List(Mark, String, u16),
    /// What there is in numbers.
    Totals,
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// What follows from a report.
    Reported(Vec<Ruling>),
    /// How somebody stands.
    Stands(Stands),
    /// Those who are listed.
    Cases(Vec<Case>),
    /// As [`TOTALS`] says.
    Totals(Vec<u64>),
}

/// The messages of the object `Abuse`.
#[derive(Debug)]
pub struct Abuse;

impl Protocol for Abuse {
    type Question = Question;
    type Answer = Answer;
    const FORMAT: u8 = 1;
}

/// How many objects there are: each keeps some of all that are watched.
pub const OBJECTS: u8 = 4;

/// The number of the object that keeps somebody.
#[must_use]
pub fn object_of(who: &Who) -> u8 {
    let hash = hashed('o', &who.0);
    u8::try_from(hash & u64::from(OBJECTS.saturating_sub(1))).unwrap_or_default()
}

/// A question on its way to an object.
#[must_use]
pub fn errand(object: u8, question: &Question) -> Errand {
    let to = Destination::Object(Class::Abuse, format!("part:{object}"));
    Errand { to, message: message::question::<Abuse>(question) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str, length: u8) -> Who {
        Who::network(Cidr::around(text.parse().unwrap(), length).unwrap())
    }

    #[test]
    fn marks_of_one_are_not_those_of_another_or_of_another_kind() {
        let (one, other) = (network("192.0.2.1", 32), network("192.0.2.2", 32));
        let marks = [
            mark_of(Mark::Blocked, &one),
            mark_of(Mark::Suspicious, &one),
            mark_of(Mark::Blocked, &other),
            networks_mark(),
            mark_of(Mark::Suspicious, &Who::user("a", "bc")),
            mark_of(Mark::Suspicious, &Who::user("ab", "c")),
            mark_of(Mark::Suspicious, &Who::user("a b", "c")),
            mark_of(Mark::Suspicious, &Who::user("a", "b c")),
            mark_of(Mark::Suspicious, &Who::login("1 a bc")),
        ];
        let all: std::collections::BTreeSet<u64> = marks.into_iter().collect();
        assert_eq!(all.len(), marks.len());
    }

    #[test]
    fn long_names_of_users_are_hashed_and_stay_apart() {
        let long = "x".repeat(300);
        let (one, other) = (Who::user("i", &long), Who::user("j", &long));
        assert!(one != other && one.text().len() == 17, "{}", one.text());
        assert_eq!(Who::user("https://i/", "ada").text(), "https://i/ ada");
        assert_eq!(Who::login("ada").text(), "ada");
        assert!(!Who::login("ada").is_network() && network("::", 64).is_network());
    }

    #[test]
    fn an_address_is_told_without_its_length_and_a_network_with_it() {
        let text = |text: &str, length| network(text, length).text().to_owned();
        assert_eq!(text("192.0.2.1", 32), "192.0.2.1");
        assert_eq!(text("192.0.2.1", 24), "192.0.2.0/24");
        assert_eq!(text("2001:db8::1", 64), "2001:db8::/64");
        assert_eq!(text("2001:db8::1", 128), "2001:db8::1");
        assert_eq!(text("2001:db8::1", 32), "2001:db8::/32", "as many bits as an IPv4 address has");
    }

    #[test]
    fn every_kind_has_its_number() {
        for (number, (word, kind)) in Kind::WORDS.iter().enumerate() {
            assert_eq!((kind.word(), *kind as usize), (*word, number));
        }
    }
}
