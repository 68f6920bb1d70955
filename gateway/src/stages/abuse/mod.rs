//! Abuse: what of a refusal counts against a client, and the refusal of whoever is blocked.
//!
//! Not here: who adds it up and remembers it (`fleet::abuse`), and when a request is held against it (`pipeline::abuse`).

#[cfg(feature = "compiler")]
pub mod keys;

use serde::{Deserialize, Serialize};

use crate::{
    config::template::Template,
    fleet::abuse::{Kind as Event, Rule},
    http::{
        Millis,
        cidr::Cidr,
        problem::{Fault, Kind, Problem},
    },
};

/// The key `login` of routes; few have it.
pub type Config = Option<Box<Login>>;

/// That one logs in here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Login {
    /// As whom.
    pub user: Option<Template>,
}

/// The section `[abuse]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// What is too much.
    pub rule: Rule,
    /// Who is neither watched nor blocked.
    pub exempt: Vec<Cidr>,
    /// Whether nobody is refused, only counted.
    pub is_shadow: bool,
}

/// 403: nobody listens to the address for a while.
pub const ADDRESS_BLOCKED: Kind =
    Kind { code: "address_blocked", status: 403, title: "The address is blocked", fault: Fault::Client };

/// The refusal of whoever is blocked until then. It does not say why: whoever tries out what counts learns nothing.
#[must_use]
pub fn blocked(until: Millis, now: Millis) -> Problem {
    let left = until.saturating_sub(now).div_ceil(1_000).max(1);
    let detail = "Too much came from this address that the gateway had to refuse, or an operator has blocked it.";
    Problem::new(&ADDRESS_BLOCKED, detail).header("retry-after", left.to_string())
}

/// What a refusal of the gateway counts as, by its code and status; nothing for what happens to honest clients.
#[must_use]
pub fn event(code: &str, status: u16) -> Option<Event> {
    Some(match code {
        // That a token has expired happens to everybody.
        "token_invalid" | "authorization_malformed" => Event::BadToken,
        "route_not_found" => Event::NotFound,
        "text_malformed" | "host_malformed" | "path_malformed" | "length_malformed" => Event::Attack,
        "rate_limited" => Event::RateLimited,
        "admin_request_invalid" => return None,
        _ if [400, 413, 414, 415, 422].contains(&status) => Event::Validation,
        _ => return None,
    })
}

/// What is told of this stage where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(config: &Config, teller: &mut crate::config::told::Teller<'_>) {
    let Some(login) = config else { return };
    let user = login.user.as_ref().map_or("yes".into(), |user| teller.template(user));
    teller.put("login", user);
}

/// What is told of the section.
#[cfg(feature = "explain")]
pub fn settings_told(settings: Option<&Settings>, teller: &mut crate::config::told::Teller<'_>) {
    use crate::{
        config::{duration::show, told},
        fleet::abuse::Bound,
    };
    let Some(Settings { rule, exempt, is_shadow }) = settings else { return };
    teller.put("abuse.threshold", rule.threshold.to_string());
    teller.put("abuse.window", show(rule.window_ms.into()));
    teller.put("abuse.block", show(rule.block_ms.into()));
    for ((word, _), weight) in Event::WORDS.iter().zip(rule.weights) {
        teller.put(format!("abuse.weights.{word}"), weight.to_string());
    }
    let bounds = [("logins", rule.logins), ("user_logins", rule.user_logins), ("user_addresses", rule.addresses)];
    for (name, bound) in bounds {
        let text = match bound {
            Bound { most: 0, .. } => "any".to_owned(),
            Bound { most, window_ms } => format!("{most} in {}", show(window_ms.into())),
        };
        teller.put(format!("abuse.{name}"), text);
    }
    teller.put("abuse.exempt", told::sorted(exempt));
    teller.put("abuse.mode", if *is_shadow { "shadow" } else { "enforce" });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_honest_client_does_counts() {
        let cases = [
            ("token_invalid", 401, Some(Event::BadToken)),
            ("authorization_malformed", 400, Some(Event::BadToken)),
            ("token_expired", 401, None),
            ("token_missing", 401, None),
            ("route_not_found", 404, Some(Event::NotFound)),
            ("redirect_impossible", 404, None),
            ("path_malformed", 400, Some(Event::Attack)),
            ("body_too_large", 413, Some(Event::Validation)),
            ("url_too_long", 414, Some(Event::Validation)),
            ("version_ambiguous", 400, Some(Event::Validation)),
            ("rate_limited", 429, Some(Event::RateLimited)),
            ("rate_limit_unavailable", 503, None),
            ("address_blocked", 403, None),
            ("scope_missing", 403, None),
            ("upstream_timeout", 504, None),
            ("admin_request_invalid", 400, None),
        ];
        for (code, status, counts) in cases {
            assert_eq!(event(code, status), counts, "{code}");
        }
    }

    #[test]
    fn a_refusal_says_in_how_many_whole_seconds_to_come_back() {
        let after = |until, now| blocked(until, now).headers.value("retry-after").map(str::to_owned);
        let told = [after(10_000, 500), after(10_000, 9_999), after(10_000, 10_000), after(10_001, 9_001)];
        assert_eq!(told.map(Option::unwrap), ["10", "1", "1", "1"].map(String::from));
    }
}
