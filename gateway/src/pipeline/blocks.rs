//! Abuse for operators: who is blocked and why, who is suspicious, and what there is in numbers; blocks by hand.

use std::{borrow::Cow, pin::Pin};

use serde::Serialize;

use crate::{
    fleet::abuse::{self, Abuse, Answer, Case, Kind, Mark, OBJECTS, Question, Stands, TOTALS, Who},
    fleet::message,
    http::{Millis, cidr::Cidr, problem::Problem, reply::Made, timestamp::rfc3339},
    pipeline::{
        abuse::{LENGTHS_OF_V4, LENGTHS_OF_V6},
        admin::{Note, body, by, on_record},
        auditors::pairs,
        exchange::Exchange,
    },
    ports::Ports,
    routing::select::ROUTE_NOT_FOUND,
    stages::admin::{ADMIN_REQUEST_INVALID, FLEET_UNREACHABLE, Place, json, switches, text},
};

/// How long an object is waited for, in milliseconds.
const ASK_MS: u32 = 1_000;

/// How many are listed when the query says nothing, and at most.
const DEFAULT_ROWS: u16 = 100;
const MOST_ROWS: u16 = 1_000;

#[derive(Serialize)]
struct Shown<'c> {
    r#type: &'static str,
    name: &'c str,
    reason: &'c str,
    by: &'c str,
    since: String,
    until: String,
}

impl<'c> Shown<'c> {
    fn new(case: &'c Case) -> Self {
        Self {
            r#type: if case.who.is_network() { "address" } else { "user" },
            name: case.who.text(),
            reason: &case.reason,
            by: if case.by.is_empty() { "gateway" } else { &case.by },
            since: rfc3339(case.since).as_str().to_owned(),
            until: rfc3339(case.until).as_str().to_owned(),
        }
    }
}

/// All that a query can say.
struct Asked {
    network: Option<Cidr>,
    limit: u16,
    /// Behind whom; as a page has said it.
    after: String,
}

/// The answer at one of these places.
pub(super) async fn answer<P: Ports>(exchange: &Exchange<'_>, place: Place, ports: &P) -> Result<Made, Problem> {
    if place == Place::Abuse {
        return totals(exchange, ports).await;
    }
    let asked = asked(exchange)?;
    match (place, exchange.head.method(), asked.network) {
        (Place::Blocks, "PUT", Some(network)) => add(exchange, network, ports).await,
        (Place::Blocks, "DELETE", Some(network)) => {
            change(exchange, network, Question::Unblock(Who::network(network)), None, ports).await?;
            Ok(Made { status: 204, ..Made::default() })
        }
        (_, "PUT" | "DELETE", _) => Err(invalid("address", ADDRESS)),
        (Place::Blocks, _, Some(network)) => {
            let who = Who::network(network);
            let Answer::Cases(cases) = ask(&who, &Question::Find(who.clone()), ports).await? else {
                return Err(unreachable());
            };
            let case = cases.iter().find(|case| ports.now() < case.until);
            let case = case.ok_or_else(|| Problem::new(&ROUTE_NOT_FOUND, "This address is not blocked."))?;
            Ok(json(200, &Shown::new(case)))
        }
        (_, _, Some(_)) => Err(invalid("query", "limit and after")),
        (Place::Blocks, ..) => listed(Mark::Blocked, "blocked", asked, ports).await,
        _ => listed(Mark::Suspicious, "suspicious", asked, ports).await,
    }
}

/// What there is in numbers.
async fn totals<P: Ports>(exchange: &Exchange<'_>, ports: &P) -> Result<Made, Problem> {
    let names = TOTALS.into_iter().chain(Kind::WORDS.map(|(word, _)| word));
    let mut all: Vec<(&str, u64)> = names.map(|name| (name, 0)).collect();
    for object in 0..OBJECTS {
        let Answer::Totals(some) = ask_object(object, &Question::Totals, ports).await? else {
            return Err(unreachable());
        };
        all.iter_mut().zip(some).for_each(|((_, sum), more)| *sum = sum.saturating_add(more));
    }
    let (numbers, events) = all.split_at_checked(TOTALS.len()).unwrap_or_default();
    let members =
        |some: &[(&str, u64)]| some.iter().map(|(name, sum)| format!("\"{name}\":{sum},")).collect::<String>();
    let whole = events.iter().fold(0_u64, |sum, (_, more)| sum.saturating_add(*more));
    let events = members(events);
    let mode = if exchange.gateway.abuse.as_ref().is_some_and(|it| it.is_shadow) { "shadow" } else { "enforce" };
    let document = format!(
        r#"{{{}"total_threats":{whole},"threats":{{{}}},"mode":"{mode}"}}"#,
        members(numbers),
        events.trim_end_matches(',')
    );
    Ok(text(200, "application/json", document))
}

async fn add<P: Ports>(exchange: &Exchange<'_>, network: Cidr, ports: &P) -> Result<Made, Problem> {
    let mut exempt = exchange.gateway.abuse.iter().flat_map(|settings| &settings.exempt);
    if exempt.any(|exempt| exempt.contains(network.address()) && exempt.length() <= network.length()) {
        return Err(invalid("address", "an address that `exempt` of [abuse] does not name"));
    }
    let body = body(ports).await?;
    let since = ports.now();
    let (reason, until) = switches::term(&body, since)?;
    let case = Case { who: Who::network(network), reason, by: by(exchange).to_owned(), since, until };
    let document = serde_json::to_string(&Shown::new(&case)).unwrap_or_default();
    change(exchange, network, Question::Block(case), Some(document.clone()), ports).await?;
    Ok(text(200, "application/json", document))
}

/// Makes a change, which holds here at once and everywhere a moment later, and is on record.
async fn change<P: Ports>(
    exchange: &Exchange<'_>,
    network: Cidr,
    question: Question,
    details: Option<String>,
    ports: &P,
) -> Result<(), Problem> {
    let who = Who::network(network);
    let action = if details.is_some() { "block.add" } else { "block.remove" };
    let note = Note { action, kind: "address", id: who.text().to_owned(), details };
    let making = async {
        let Answer::Stands(Stands { blocked, suspicious }) = ask(&who, &question, ports).await? else {
            return Err(unreachable());
        };
        let known = &exchange.gateway.fleet.abuse;
        known.learn(abuse::mark_of(Mark::Blocked, &who), blocked);
        known.learn(abuse::mark_of(Mark::Suspicious, &who), suspicious);
        if blocked > 0 && !network.is_one() {
            known.learn(abuse::networks_mark(), Millis::MAX);
        }
        Ok(())
    };
    on_record(exchange, note, super::boxed(making), ports).await
}

fn ask<'p, P: Ports>(who: &Who, question: &Question, ports: &'p P) -> Asking<'p> {
    ask_object(abuse::object_of(who), question, ports)
}

/// An answer that is waited for; in a box, so that there is one copy of the waiting.
type Asking<'p> = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + 'p>>;

#[inline(never)]
fn ask_object<'p, P: Ports>(object: u8, question: &Question, ports: &'p P) -> Asking<'p> {
    let errand = abuse::errand(object, question);
    super::boxed(async move {
        let answer = ports.run(errand, ASK_MS).await;
        answer.ok().and_then(message::read_answer::<Abuse>).ok_or_else(unreachable)
    })
}

/// A page of what the objects list, one object after the other, and where the next page begins.
async fn listed<P: Ports>(mark: Mark, name: &str, asked: Asked, ports: &P) -> Result<Made, Problem> {
    let Asked { mut limit, mut after, .. } = asked;
    let mut object = if after.is_empty() { 0 } else { abuse::object_of(&Who(after.clone())) };
    let (mut all, mut next) = (Vec::new(), None);
    while object < OBJECTS && next.is_none() {
        let question = Question::List(mark, std::mem::take(&mut after), limit);
        let Answer::Cases(some) = ask_object(object, &question, ports).await? else { return Err(unreachable()) };
        limit = limit.saturating_sub(u16::try_from(some.len()).unwrap_or(u16::MAX));
        next = some.last().filter(|_| limit == 0).map(|last| last.who.0.clone());
        all.extend(some);
        object = object.saturating_add(1);
    }
    let shown: Vec<Shown<'_>> = all.iter().filter(|case| ports.now() < case.until).map(Shown::new).collect();
    let written = (serde_json::to_string(&shown).unwrap_or_default(), serde_json::to_string(&next).unwrap_or_default());
    Ok(text(200, "application/json", format!(r#"{{"{name}":{},"next":{}}}"#, written.0, written.1)))
}

const ADDRESS: &str = "an address, or a network of 8, 16 or 24 bits (IPv4), 32, 48, 56 or 64 (IPv6)";

fn asked(exchange: &Exchange<'_>) -> Result<Asked, Problem> {
    let prefix = exchange.gateway.ipv6_prefix;
    let mut asked = Asked { network: None, limit: DEFAULT_ROWS, after: String::new() };
    for (name, value) in pairs(exchange)? {
        match name.as_str() {
            "address" => asked.network = Some(network(&value, prefix).ok_or_else(|| invalid("address", ADDRESS))?),
            "limit" => {
                let read = value.parse().ok().filter(|limit| (1..=MOST_ROWS).contains(limit));
                asked.limit = read.ok_or_else(|| invalid("limit", "1 to 1000"))?;
            }
            "after" => asked.after = value,
            _ => return Err(invalid("query", "address, or limit and after")),
        }
    }
    Ok(asked)
}

/// What an operator names: of an IPv6 address the network of its customer.
fn network(text: &str, ipv6_prefix: u8) -> Option<Cidr> {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let address = address.parse::<std::net::IpAddr>().ok()?.to_canonical();
    let (own, lengths): (u8, &[u8]) =
        if address.is_ipv4() { (32, &LENGTHS_OF_V4) } else { (ipv6_prefix, &LENGTHS_OF_V6) };
    let length = length.map_or(Some(own), |length| length.parse().ok())?;
    let length = if length == 128 { own } else { length };
    (length == own || lengths.contains(&length)).then(|| Cidr::around(address, length))?
}

fn unreachable() -> Problem {
    let detail = "The object that remembers abuse did not answer, or this gateway has none. Whether a change was made is not \
                  known: ask again.";
    Problem::new(&FLEET_UNREACHABLE, detail).header("retry-after", "1")
}

fn invalid(field: impl Into<Cow<'static, str>>, expected: &'static str) -> Problem {
    Problem::new(&ADMIN_REQUEST_INVALID, "The request names or says something that this path does not take.")
        .field(field, expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_names_addresses_and_some_networks() {
        let cases = [
            ("192.0.2.1", Some("192.0.2.1")),
            ("192.0.2.1/24", Some("192.0.2.0/24")),
            ("192.0.2.1/32", Some("192.0.2.1")),
            ("::ffff:192.0.2.1", Some("192.0.2.1")),
            ("2001:db8::1", Some("2001:db8::/64")),
            ("2001:db8::1/128", Some("2001:db8::/64")),
            ("2001:db8:1::/48", Some("2001:db8:1::/48")),
            ("192.0.2.0/20", None),
            ("0.0.0.0/0", None),
            ("2001:db8::/20", None),
            ("example", None),
            ("192.0.2.1/x", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let found = network(text, 64).map(|network| Who::network(network).text().to_owned());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
