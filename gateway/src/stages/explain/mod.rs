//! `explain`: an answer that says how it came about, for whoever holds a token that the operator has made.
//!
//! Here is who may ask, and how the answer is written. What is told of each stage is the pipeline's (`account`); what
//! `ferrogate explain` does without a request is the room of that name.

#[cfg(feature = "compiler")]
pub mod keys;

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::{
    config::text::{Text, Values},
    http::{Millis, problem, reply::Reply, structured::write_quoted},
    ports::witness::{Decision, Outcome},
};

/// The request header that asks: a token, and `;body` behind it where problems are to hold the explanation too.
pub const ASKS: &str = "x-ferrogate-explain";

/// The response header that tells, a list (RFC 9651 section 3.1): one token for each stage, with what it came to as
/// parameters, and `cost` at its end.
pub const TELLS: &str = "ferrogate-explain";

/// The key `explain` of `[gateway]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// What tokens are signed with; at least [`SHORTEST_SECRET`] bytes once resolved.
    pub secret: Text,
}

/// The shortest secret, in bytes.
pub const SHORTEST_SECRET: usize = 32;

/// The longest that a token may still be good for, in seconds: what is to expire soon cannot be made to last.
pub const LONGEST_LIFE_S: u64 = 86_400;

/// The most bytes of the header that tells: servers and clients take 8 KiB as a rule. What does not fit is left out.
const LONGEST_FIELD: usize = 6 * 1024;

/// The version of the token's form.
const VERSION: &str = "v1";

/// Bytes of an HMAC-SHA-256.
const MAC: usize = 32;

/// Makes and checks tokens for one gateway.
pub struct Explainer {
    mac: Hmac<Sha256>,
}

/// How somebody who may ask wants to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// In the document of a problem too.
    pub in_body: bool,
}

/// What a request cost, beyond what its stages decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// From its head to its answer's, in milliseconds. A Worker's clock stands still while it computes.
    pub total_ms: u64,
    /// Of these, waiting for the upstream.
    pub upstream_ms: Option<u64>,
}

impl Explainer {
    /// For the gateway of a name; tokens of another are not taken. `None` when the secret is too short.
    #[must_use]
    pub fn new(config: &Config, values: &Values, gateway: &str) -> Option<Self> {
        let secret = config.secret.resolve(values);
        let mut mac = Hmac::new_from_slice(secret.as_bytes()).ok()?;
        mac.update(format!("ferrogate explain {VERSION}\n{gateway}\n").as_bytes());
        (secret.len() >= SHORTEST_SECRET).then_some(Self { mac })
    }

    /// A token that is good until a time, in seconds since 1970.
    #[must_use]
    pub fn token(&self, expires_s: u64) -> String {
        let expires = expires_s.to_string();
        let mac = self.mac.clone().chain_update(&expires).finalize().into_bytes();
        format!("{VERSION}.{expires}.{}", Base64UrlUnpadded::encode_string(&mac))
    }

    /// Whether a request is to be explained. A token that is wrong, of another gateway or too old explains nothing, and
    /// says nothing about why.
    #[must_use]
    pub fn asked(&self, sent: Option<&str>, now: Millis) -> Option<Asked> {
        let sent = sent?;
        let (token, in_body) = sent.strip_suffix(";body").map_or((sent, false), |token| (token, true));
        let (expires, mac) = token.strip_prefix(VERSION)?.strip_prefix('.')?.split_once('.')?;
        let mut bytes = [0_u8; MAC];
        let mac = Base64UrlUnpadded::decode(mac, &mut bytes).ok()?;
        self.mac.clone().chain_update(expires).verify_slice(mac).ok()?;
        let left_s = expires.parse::<u64>().ok()?.checked_sub(now / 1000)?;
        (1..=LONGEST_LIFE_S).contains(&left_s).then_some(Asked { in_body })
    }
}

/// Tells it on an answer, and in the document of a problem where that was asked for.
pub fn tell(reply: &mut Reply, asked: Asked, decisions: &[Decision], cost: Cost) {
    match reply {
        Reply::Made(made) if asked.in_body && made.head.value("content-type") == Some(problem::MEDIA_TYPE) => {
            made.body = with_member(&made.body, decisions).into();
        }
        Reply::Made(_) => {}
        // Even what passes as it is gets this one header.
        Reply::Relay(relay) => relay.untouched = false,
    }
    reply.head_mut().set(TELLS, field(decisions, cost));
}

/// A JSON object with one more member, `explain`.
fn with_member(document: &str, decisions: &[Decision]) -> String {
    match (document.strip_suffix('}'), serde_json::to_string(decisions)) {
        (Some(members), Ok(told)) => format!("{members},\"explain\":{told}}}"),
        _ => document.to_owned(),
    }
}

/// The value of the header that tells.
#[must_use]
pub fn field(decisions: &[Decision], cost: Cost) -> String {
    let mut field = String::new();
    for decision in decisions {
        let item = item(decision);
        if field.len().saturating_add(item.len()) > LONGEST_FIELD {
            field.push_str("truncated, ");
            break;
        }
        field.push_str(&item);
    }
    field.push_str(&format!("cost;total_ms={}", cost.total_ms));
    if let Some(upstream_ms) = cost.upstream_ms {
        field.push_str(&format!(";upstream_ms={upstream_ms}"));
    }
    field
}

fn item(decision: &Decision) -> String {
    let outcome = match decision.outcome {
        Outcome::Passed => "passed",
        Outcome::Decided => "decided",
        Outcome::Refused => "refused",
    };
    let mut item = format!("{};outcome={outcome};why=", decision.stage);
    write_quoted(&mut item, &decision.why);
    for fact in &decision.facts {
        item.push_str(&format!(";{}=", key(&fact.name)));
        write_quoted(&mut item, &fact.value);
    }
    item + ", "
}

/// The name of a fact as the key of a parameter (RFC 9651 section 3.1.2), which has no capitals.
fn key(name: &str) -> String {
    let start = if name.starts_with(|c: char| c.is_ascii_alphabetic()) { "" } else { "x-" };
    let letter = |c: char| match c {
        'a'..='z' | '0'..='9' | '_' | '-' | '.' => c,
        'A'..='Z' => c.to_ascii_lowercase(),
        _ => '_',
    };
    start.chars().chain(name.chars().map(letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_800_000_000_000;
    const NOW_S: u64 = NOW / 1000;
    const TEAPOT: problem::Kind =
        problem::Kind { code: "teapot", status: 418, title: "Short and stout", fault: problem::Fault::Client };

    fn explainer(secret: &str, gateway: &str) -> Option<Explainer> {
        Explainer::new(&Config { secret: Text::literal(secret) }, &Values::default(), gateway)
    }

    fn own() -> Explainer {
        explainer("a secret of thirty-two bytes or so", "shop").unwrap()
    }

    #[test]
    fn a_good_token_asks_until_it_expires() {
        let token = own().token(NOW_S + 60);
        assert_eq!(own().asked(Some(&token), NOW), Some(Asked { in_body: false }));
        assert_eq!(own().asked(Some(&format!("{token};body")), NOW), Some(Asked { in_body: true }));
        assert!(own().asked(Some(&token), NOW + 59_999).is_some());
        assert_eq!(own().asked(Some(&token), NOW + 60_000), None);
        assert_eq!(own().asked(None, NOW), None);
    }

    #[test]
    fn no_token_is_good_for_longer_than_a_day() {
        assert!(own().asked(Some(&own().token(NOW_S + LONGEST_LIFE_S)), NOW).is_some());
        assert_eq!(own().asked(Some(&own().token(NOW_S + LONGEST_LIFE_S + 1)), NOW), None);
    }

    #[test]
    fn what_others_made_asks_for_nothing() {
        let token = own().token(NOW_S + 60);
        let later = token.replacen(&(NOW_S + 60).to_string(), &(NOW_S + 61).to_string(), 1);
        let another_secret = explainer("another secret of thirty-two bytes", "shop").unwrap().token(NOW_S + 60);
        let another_gateway = explainer("a secret of thirty-two bytes or so", "ship").unwrap().token(NOW_S + 60);
        let cut = &token[..token.len() - 1];
        for sent in [&*later, &another_secret, &another_gateway, cut, &format!("{token}A"), "", "v1", "v1..", ";body"] {
            assert_eq!(own().asked(Some(sent), NOW), None, "{sent}");
        }
        assert!(explainer("short", "shop").is_none());
    }

    #[test]
    fn an_explanation_is_a_structured_list() {
        let decisions = [
            Decision::passed("routing", "It is \"the\" route.").fact("route", "GET /a").fact("path.userId", "\u{e9}1"),
            Decision::refused("authn", "No.").fact("1st", ""),
        ];
        let field = field(&decisions, Cost { total_ms: 12, upstream_ms: Some(7) });
        let expected = "routing;outcome=passed;why=\"It is \\\"the\\\" route.\";route=\"GET /a\";path.userid=\"1\", \
                        authn;outcome=refused;why=\"No.\";x-1st=\"\", cost;total_ms=12;upstream_ms=7";
        assert_eq!(field, expected);
    }

    #[test]
    fn a_problem_gets_one_more_member_if_asked() {
        let problem = problem::Problem::new(&TEAPOT, "No.").into_reply("r", None);
        let decisions = [Decision::refused("authn", "No.").fact("code", "teapot")];
        let told = |in_body| {
            let mut reply = Reply::Made(problem.clone());
            tell(&mut reply, Asked { in_body }, &decisions, Cost::default());
            let Reply::Made(made) = reply else { panic!("it stays an answer of the gateway") };
            assert!(made.head.value(TELLS).unwrap().starts_with("authn;outcome=refused"));
            serde_json::from_str::<serde_json::Value>(&made.body).unwrap()
        };
        assert_eq!(told(true)["explain"][0]["facts"][0], serde_json::json!({ "name": "code", "value": "teapot" }));
        assert_eq!((told(true)["code"].as_str(), told(false).get("explain")), (Some("teapot"), None));
    }

    #[test]
    fn an_explanation_has_a_bound() {
        let decisions = vec![Decision::passed("routing", "x".repeat(1000)); 20];
        let field = field(&decisions, Cost::default());
        assert!(field.len() < LONGEST_FIELD + 100 && field.ends_with(", truncated, cost;total_ms=0"), "{field}");
    }
}
