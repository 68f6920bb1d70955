//! Plays many seeds, and tells how to see a failure again.
//!
//! `FERROGATE_SEED=17` plays that seed alone and shows its trace. `FERROGATE_SIMULATIONS=100000` plays so many in each
//! test, from a seed that nobody has chosen: the first ones are played every day.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

/// How many of the last lines of a trace are shown.
const LINES: usize = 250;

/// How often things have happened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts(BTreeMap<&'static str, u64>);

impl Counts {
    /// It has happened once more.
    pub(crate) fn add(&mut self, what: &'static str) {
        self.many(what, 1);
    }

    /// It has happened so many times more.
    pub(crate) fn many(&mut self, what: &'static str, times: u64) {
        *self.0.entry(what).or_default() += times;
    }

    /// How often it has happened.
    pub(crate) fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }

    fn join(&mut self, other: Self) {
        for (what, times) in other.0 {
            self.many(what, times);
        }
    }
}

/// One schedule to be played.
pub(crate) struct Run {
    /// What decides all of it.
    pub(crate) seed: u64,
    /// Where its trace is written, if at all.
    pub(crate) trace: Option<Rc<RefCell<Vec<String>>>>,
}

/// How many schedules a test plays that usually plays so many.
pub(crate) fn schedules(usually: u64) -> u64 {
    number("FERROGATE_SIMULATIONS").unwrap_or(usually)
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {text}")))
}

/// Plays so many seeds, or those that the environment names. `test` is the test's own path; each of `must` has to happen in
/// one schedule at least, or they have shown nothing.
pub(crate) fn explore(
    test: &str,
    usually: u64,
    must: &[&str],
    play: impl Fn(&Run) -> Result<Counts, String>,
) -> Counts {
    if let Some(seed) = number("FERROGATE_SEED") {
        return again(test, seed, &play).unwrap_or_else(|report| panic!("{report}"));
    }
    let first = number("FERROGATE_SIMULATIONS").map_or(0, |_| RandomState::new().hash_one(test) >> 16);
    let mut counts = Counts::default();
    for seed in first..first + schedules(usually) {
        match guarded(&Run { seed, trace: None }, &play) {
            Ok(more) => counts.join(more),
            Err(_) => panic!("{}", again(test, seed, &play).err().unwrap_or_default()),
        }
    }
    println!("{test}: {} schedules, {:?}", schedules(usually), counts.0);
    for what in must {
        assert!(counts.of(what) > 0, "{test}: it never came to this: {what}");
    }
    counts
}

/// The first of so many seeds that fails, and why.
pub(crate) fn find(schedules: u64, play: impl Fn(&Run) -> Result<Counts, String>) -> Option<(u64, String)> {
    (0..schedules).find_map(|seed| Some((seed, guarded(&Run { seed, trace: None }, &play).err()?)))
}

/// Plays a seed with its trace.
fn again(test: &str, seed: u64, play: &impl Fn(&Run) -> Result<Counts, String>) -> Result<Counts, String> {
    let trace = Rc::new(RefCell::new(Vec::new()));
    let outcome = guarded(&Run { seed, trace: Some(Rc::clone(&trace)) }, play);
    outcome.map_err(|reason| {
        let trace = trace.borrow();
        let shown = trace[trace.len().saturating_sub(LINES)..].join("\n");
        format!(
            "{shown}\n{test}: seed {seed}: {reason}\nagain: FERROGATE_SEED={seed} cargo test -p gateway --features compiler \
             --test simulation {test}\n"
        )
    })
}

fn guarded(run: &Run, play: &impl Fn(&Run) -> Result<Counts, String>) -> Result<Counts, String> {
    catch_unwind(AssertUnwindSafe(|| play(run))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("a panic: {}", text.unwrap_or_default()))
    })
}
