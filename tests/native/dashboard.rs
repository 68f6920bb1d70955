//! The dashboard in `monitoring/`: what it asks for is there, and its panels have places of their own.

use std::collections::BTreeSet;

use gateway::{
    fleet::metrics::family::{Family, Kind},
    stages::metrics::{About, Format, exposition},
};
use serde_json::Value;

const DASHBOARD: &str = include_str!("../../monitoring/grafana-dashboard.json");

fn dashboard() -> Value {
    serde_json::from_str(DASHBOARD).unwrap()
}

fn panels(dashboard: &Value) -> &[Value] {
    dashboard["panels"].as_array().unwrap()
}

fn expressions(dashboard: &Value) -> Vec<&str> {
    let targets = panels(dashboard).iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().unwrap()).collect()
}

/// The words of a text that begin as all our metrics do.
fn metrics_in(text: &str) -> impl Iterator<Item = &str> {
    let is_inside = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.split(move |letter| !is_inside(letter)).filter(|word| word.starts_with("ferrogate_"))
}

/// The names of all samples that there can be.
fn known() -> BTreeSet<String> {
    let of = |family: &Family| {
        let about = family.about();
        let suffixes: &[&str] = match about.kind {
            Kind::Counter => &["_total"],
            Kind::Histogram => &["_bucket", "_sum", "_count"],
            Kind::Top => &["", "_error"],
        };
        suffixes.iter().map(|suffix| format!("{}{suffix}", about.name)).collect::<Vec<_>>()
    };
    let about = About { name: "test", environment: None, release: 0 };
    let page = exposition(&about, &[None], Format::Text);
    let others = page.lines().filter(|line| !line.starts_with('#')).flat_map(metrics_in).map(str::to_owned);
    let gauges = ["ferrogate_isolates".to_owned()];
    assert!(page.contains("# TYPE ferrogate_isolates gauge"));
    Family::ALL.iter().flat_map(of).chain(others).chain(gauges).collect()
}

#[test]
fn every_metric_that_is_asked_for_exists_and_every_one_that_exists_is_asked_for() {
    let dashboard = dashboard();
    let text = expressions(&dashboard).join(" ");
    let asked: BTreeSet<String> = metrics_in(&text).map(str::to_owned).collect();
    let unknown: Vec<_> = asked.difference(&known()).cloned().collect();
    assert_eq!(unknown, Vec::<String>::new());
    for family in Family::ALL {
        let name = family.about().name;
        assert!(asked.iter().any(|asked| asked.starts_with(name)), "nobody asks for {name}");
    }
}

#[test]
fn every_label_that_is_asked_for_exists() {
    let labels: BTreeSet<&str> = Family::ALL.iter().flat_map(|family| family.about().labels).copied().collect();
    let dashboard = dashboard();
    for expression in expressions(&dashboard) {
        let grouped = expression
            .match_indices("by (")
            .flat_map(|(at, _)| expression[at + 4..].split(')').next().unwrap().split(',').map(str::trim));
        let matched = expression.match_indices('{').flat_map(|(at, _)| {
            let inner = expression[at + 1..].split('}').next().unwrap();
            inner.split(',').map(|part| part.split(['=', '!']).next().unwrap())
        });
        for label in grouped.chain(matched) {
            assert!(labels.contains(label) || label == "le", "{label} in {expression}");
        }
    }
}

#[test]
fn panels_have_ids_and_places_of_their_own() {
    let dashboard = dashboard();
    let mut taken = BTreeSet::new();
    let ids: BTreeSet<u64> = panels(&dashboard).iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels(&dashboard).len());
    for panel in panels(&dashboard) {
        let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        let (x, y, width, height) = (place("x"), place("y"), place("w"), place("h"));
        assert!(width > 0 && height > 0 && x + width <= 24, "{}", panel["title"]);
        for cell in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "{} stands on another at {cell:?}", panel["title"]);
        }
    }
}

#[test]
fn the_data_source_is_chosen_by_whoever_looks() {
    let dashboard = dashboard();
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    assert!(variables.iter().any(|one| one["name"] == "datasource" && one["type"] == "datasource"));
    let targets = panels(&dashboard).iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    for one in panels(&dashboard).iter().filter(|panel| panel["type"] != "row").chain(targets) {
        assert_eq!(one["datasource"]["uid"], "${datasource}", "{one}");
    }
}
