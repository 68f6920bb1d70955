//! What would become of the same requests under two configurations: the decisions that differ.
//!
//! Compared is what a request meets and what comes of it. Request ids and durations are the same on both sides, since
//! nothing here is random and no time passes. Secrets count as equal: they are hidden before they are compared.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Started,
    diff::Change,
    explain,
    explanation::{Asked, Ended, Explanation, Field, Head, Maker, Plan},
    recorded::Recorded,
    words,
};
use crate::{
    config::{duration, size::Size},
    http::Millis,
    ports::witness::Outcome,
};

/// A request that would be served differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The line of the request, from 1.
    pub line: usize,
    /// Its method.
    pub method: String,
    /// Its URL.
    pub url: String,
    /// What differs.
    pub changes: Vec<Change>,
}

/// The requests that the two gateways serve differently.
#[must_use]
pub fn what_if(old: &Started, new: &Started, requests: &[Recorded], now: Millis) -> Vec<Changed> {
    let changed = |recorded: &Recorded| {
        let explained = |started: &Started| explain(started, &recorded.request, now, &recorded.answers);
        let changes = changes(&explained(old), &explained(new));
        let (method, url) = (recorded.request.method.clone(), recorded.request.url.clone());
        (!changes.is_empty()).then_some(Changed { line: recorded.line, method, url, changes })
    };
    requests.iter().filter_map(changed).collect()
}

fn changes(old: &Explanation, new: &Explanation) -> Vec<Change> {
    let (old, new) = (points(old), points(new));
    let mut changes: Vec<Change> = Vec::new();
    // What only one side has follows from the outcome, which both have.
    for (about, old) in &old {
        // A refusal and another answer have nothing in common that is worth telling.
        if *about == ANSWER && changes.iter().any(|change| change.key == "outcome") {
            continue;
        }
        changes.extend(new.get(about).into_iter().flat_map(|new| differing(old, new)));
    }
    changes.retain(|change| !is_renamed(change));
    changes
}

/// Whether only parameters of the route have other names.
fn is_renamed(change: &Change) -> bool {
    let route = |key: &Option<String>| key.as_deref().map(words::without_names);
    change.key == "route" && route(&change.old) == route(&change.new)
}

fn differing(old: &Points, new: &Points) -> Vec<Change> {
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    let differing = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
    differing.map(|key| Change { key: key.clone(), old: old.get(key).cloned(), new: new.get(key).cloned() }).collect()
}

/// Things that are compared, each under a name.
type Points = BTreeMap<String, String>;

/// Where it ended and which route it took. It comes first.
const OUTCOME: (u8, &str) = (0, "outcome");

/// An answer that the gateway made. It comes last.
const ANSWER: (u8, &str) = (4, "answer");

/// What is compared, by what it is about, in the order in which it is told.
fn points(explanation: &Explanation) -> BTreeMap<(u8, &'static str), Points> {
    let mut points = BTreeMap::from([(OUTCOME, outcome(explanation))]);
    let passed = explanation.decisions.iter().filter(|decision| decision.outcome != Outcome::Refused);
    for decision in passed.filter(|decision| COMPARED.contains(&decision.stage)) {
        let facts = decision.facts.iter().filter(|fact| fact.name != "route" && !fact.name.starts_with("path."));
        let facts = facts.map(|fact| (format!("{}.{}", decision.stage, fact.name), fact.value.clone()));
        points.insert((1, decision.stage), facts.collect());
    }
    for asked in &explanation.effects {
        let asked = match asked {
            Asked::Forward { plan, .. } => ((2, "plan"), plan_points(plan)),
            // How a signature is checked shows in who is believed.
            Asked::Verify { .. } => continue,
            Asked::Platform { .. } => continue,
            Asked::Digest { body_limit, .. } => ((2, "digest"), digest_points(*body_limit)),
            Asked::Deliver { within_ms, .. } => ((3, "body"), body_points(*within_ms)),
        };
        points.extend([asked]);
    }
    if let Some(answer) = explanation.answer.as_ref().filter(|answer| answer.from == Maker::Gateway) {
        let mut of_answer = head_points("answer", &answer.head);
        of_answer.extend(answer.body.clone().map(|body| ("body".to_owned(), body)));
        points.insert(ANSWER, of_answer);
    }
    points
}

/// The stages whose facts are compared. Names of parameters are no decisions, and those of other stages show in the
/// plan and the answer.
const COMPARED: [&str; 6] = ["routing", "cors", "guard", "authn", "authz", "preflight"];

fn outcome(explanation: &Explanation) -> Points {
    let of = |stage: &str, name: &str| {
        let decision = explanation.decisions.iter().find(|decision| decision.stage == stage)?;
        decision.facts.iter().find(|fact| fact.name == name).map(|fact| fact.value.clone())
    };
    let refused = explanation.decisions.iter().find(|decision| decision.outcome == Outcome::Refused);
    let asks = |asked: &Asked| !matches!(asked, Asked::Verify { .. });
    let sends = explanation.effects.iter().any(asks);
    let delivers = explanation.effects.iter().any(|asked| matches!(asked, Asked::Deliver { .. }));
    let came_to = match (refused, sends) {
        (Some(refused), _) => format!("refused by {}", refused.stage),
        (None, true) if delivers => "sent, and its body watched".to_owned(),
        (None, true) => "sent".to_owned(),
        (None, false) if !explanation.effects.is_empty() && explanation.ended == Ended::WouldBeSent => {
            "its signature checked".to_owned()
        }
        (None, false) => explanation.ended.word().to_owned(),
    };
    let code = refused.and_then(|refused| of(refused.stage, "code"));
    let status = explanation.answer.as_ref().map(|answer| answer.status.to_string());
    let route = of("routing", "route");
    let named = [("outcome", Some(came_to)), ("code", code), ("status", status), ("route", route)];
    named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn digest_points(body_limit: u64) -> Points {
    Points::from([("body is signed up to".to_owned(), Size(body_limit).to_string())])
}

fn body_points(within_ms: Option<u64>) -> Points {
    let within = within_ms.map_or_else(|| "no limit".to_owned(), duration::show);
    Points::from([("body is watched for".to_owned(), within)])
}

fn plan_points(plan: &Plan) -> Points {
    let mut points = head_points("request", &plan.request);
    points.extend(head_points("answer", &plan.response));
    let named = [
        ("url", Some(plan.url.clone())),
        ("timeout", Some(duration::show(u64::from(plan.timeout_ms)))),
        ("untouched", Some(plan.untouched.to_string())),
        ("binding", plan.binding.clone()),
        ("body_limit", plan.body_limit.map(|limit| Size(limit).to_string())),
    ];
    points.extend(named.into_iter().filter_map(|(name, value)| Some((format!("plan.{name}"), value?))));
    points
}

/// Headers whose values are sets: their order is no difference.
const SETS: [&str; 4] =
    ["allow", "access-control-allow-headers", "access-control-allow-methods", "access-control-expose-headers"];

fn in_order(field: &Field) -> String {
    if SETS.contains(&&*field.name) { words::sorted(field.value.split(", ")) } else { field.value.clone() }
}

fn head_points(of: &str, head: &Head) -> Points {
    let key = |name: &String| format!("{of} header {name}");
    let mut points: Points = head.remove.iter().map(|name| (key(name), "removed".to_owned())).collect();
    points.extend(head.set.iter().map(|field| (key(&field.name), format!("set to {}", in_order(field)))));
    for field in &head.append {
        let added = points.entry(key(&field.name)).or_default();
        *added = format!("{added} appends {}", field.value).trim_start().to_owned();
    }
    points
}
