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
    explanation::{Asked, Explanation, Head, Maker, Plan},
    recorded::Recorded,
};
use crate::{http::Millis, ports::witness::Outcome};

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
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    let differing = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
    differing.map(|key| Change { key: key.clone(), old: old.get(key).cloned(), new: new.get(key).cloned() }).collect()
}

/// Everything about an explanation that is compared, each under a name.
type Points = BTreeMap<String, String>;

fn points(explanation: &Explanation) -> Points {
    let mut points = Points::from([("ended".to_owned(), explanation.ended.word().to_owned())]);
    for decision in &explanation.decisions {
        if decision.outcome == Outcome::Refused {
            points.insert("refused by".to_owned(), decision.stage.to_owned());
        }
        let facts = decision.facts.iter();
        for fact in facts.filter(|fact| is_compared(decision.stage, &fact.name)) {
            // A route is a route, whichever stage speaks of it.
            let key =
                if fact.name == "route" { "route".to_owned() } else { format!("{}.{}", decision.stage, fact.name) };
            points.insert(key, fact.value.clone());
        }
    }
    explanation.effects.iter().for_each(|asked| add_asked(&mut points, asked));
    if let Some(answer) = &explanation.answer {
        points.insert("status".to_owned(), answer.status.to_string());
        if answer.from == Maker::Gateway {
            add_head(&mut points, "answer", &answer.head);
            points.extend(answer.body.clone().map(|body| ("body".to_owned(), body)));
        }
    }
    points
}

/// Plan and answer are compared as a whole, and the client's own words are the same on both sides. The name of a
/// parameter is no decision.
fn is_compared(stage: &str, fact: &str) -> bool {
    !matches!(stage, "plan" | "forward") && !fact.starts_with("path.") && !(stage == "finish" && fact != "route")
}

fn add_asked(points: &mut Points, asked: &Asked) {
    match asked {
        Asked::Forward { plan, .. } => add_plan(points, plan),
        Asked::Deliver { within_ms, .. } => {
            let within = within_ms.map_or_else(|| "no end".to_owned(), |within| within.to_string());
            points.insert("body is watched for ms".to_owned(), within);
        }
    }
}

fn add_plan(points: &mut Points, plan: &Plan) {
    let mut put = |name: &str, value: String| points.insert(format!("plan.{name}"), value);
    put("url", plan.url.clone());
    put("timeout_ms", plan.timeout_ms.to_string());
    put("untouched", plan.untouched.to_string());
    if let Some(binding) = &plan.binding {
        put("binding", binding.clone());
    }
    if let Some(limit) = plan.body_limit {
        put("body_limit", limit.to_string());
    }
    add_head(points, "request", &plan.request);
    add_head(points, "answer", &plan.response);
}

fn add_head(points: &mut Points, of: &str, head: &Head) {
    for name in &head.remove {
        points.insert(format!("{of} header {name}"), "removed".to_owned());
    }
    for field in &head.set {
        points.insert(format!("{of} header {}", field.name), format!("set to {}", field.value));
    }
    for field in &head.append {
        let added = points.entry(format!("{of} header {}", field.name)).or_default();
        *added = format!("{added} appends {}", field.value).trim_start().to_owned();
    }
}
