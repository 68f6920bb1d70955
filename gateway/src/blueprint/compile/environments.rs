//! `[env.NAME]`: what is different in an environment. Every key of the file can stand there; tables are merged key by
//! key, everything else is replaced.

use std::collections::{BTreeMap, BTreeSet};

use super::{Compiled, Environment, Reading};
use crate::config::{
    context::Context,
    diagnostics::{Code, Diagnostic, has_errors, in_order},
    reader::{Item, Reader},
    tree::{Entry, Table, Value},
    values::{names, quoted},
};

/// The overlays of a table that holds `env` or nothing.
pub(super) fn overlays(environments: &Table) -> &[Entry] {
    match environments.get("env").map(|entry| &entry.node.value) {
        Some(Value::Table(table)) => &table.0,
        _ => &[],
    }
}

/// The file with an overlay on it.
pub(super) fn with(root: &Table, overlay: &Entry) -> Table {
    let mut root = root.clone();
    if let Value::Table(over) = &overlay.node.value {
        root.overlay(over, &mut |_, _| ());
    }
    root
}

/// Reports overlays that have no name or change nothing.
pub(super) fn check(environments: &Table, root: &Table, context: &Context<'_>) {
    let mut reader = Reader::root(environments, context);
    let entries = reader.optional("env", Item::table).map(|table| table.entries()).unwrap_or_default();
    for item in &entries {
        let named = item.parsed_key(names::section).and(item.table());
        let Some(overlay) = overlays(environments).iter().find(|entry| named.is_some() && entry.key == item.key())
        else {
            continue;
        };
        let Value::Table(over) = &overlay.node.value else { continue };
        root.clone().overlay(over, &mut |below, entry| {
            let message = format!("{} is the same without this environment", quoted(&entry.key));
            let draft = context.report.draft(Code::IdleOverlay, &entry.key_span, message);
            let draft = draft.related(&below.key_span, "it is said here already");
            draft.help("take it out, or say what is different here").report();
        });
    }
}

/// What all readings have come to. A finding that several of them make is told once.
pub(super) fn together(readings: Vec<Reading>) -> Compiled {
    let mut diagnostics = told_once(&readings);
    in_order(&mut diagnostics);
    let environment = |reading: Reading| {
        let (blueprint, resolved) = reading.gateway?;
        Some(Environment { name: reading.name, blueprint, resolved })
    };
    let wanted = readings.into_iter().filter(|_| !has_errors(&diagnostics));
    let environments = wanted.filter_map(environment).collect();
    Compiled { environments, diagnostics }
}

/// Each finding with the environments that make it. Some count only if all readings make them.
fn told_once(readings: &[Reading]) -> Vec<Diagnostic> {
    let mut made: BTreeMap<_, (&Diagnostic, BTreeSet<usize>)> = BTreeMap::new();
    for (reading, findings) in readings.iter().map(|it| &it.diagnostics).enumerate() {
        for finding in findings {
            let same = (&finding.place, finding.code, &finding.message);
            made.entry(same).or_insert((finding, BTreeSet::new())).1.insert(reading);
        }
    }
    let everywhere = |by: &BTreeSet<usize>| by.len() == readings.len();
    let told = made.into_values().filter(|(finding, by)| !finding.code.counts_everywhere() || everywhere(by));
    told.map(|(finding, by)| {
        // Outside of any environment means in all of them that do not say otherwise.
        let environments: Option<_> = by.into_iter().map(|reading| readings.get(reading)?.name.clone()).collect();
        Diagnostic { environments: environments.unwrap_or_default(), ..finding.clone() }
    })
    .collect()
}
