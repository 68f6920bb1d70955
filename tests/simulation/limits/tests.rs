//! The guarantees under thousands of schedules, and that breaking them would be seen.

use super::{Defect, play};
use crate::kit::{explore, find};

/// How many schedules are played every day.
const SCHEDULES: u64 = 1_200;

/// What has to happen, or the schedules have shown nothing.
const MUST: [&str; 20] = [
    "deployed",
    "admitted first",
    "ended",
    "admitted",
    "admitted alone",
    "object away",
    "refused",
    "refused by the object",
    "refused with nobody else",
    "asked behind a response",
    "settled",
    "waited together",
    "given back",
    "isolate lost",
    "before a question",
    "in a question, which is undone",
    "with an answer",
    "evicted",
    "question repeated",
    "answer late",
];

#[test]
fn no_window_admits_more_than_the_limit_whatever_goes_wrong() {
    let test = "limits::tests::no_window_admits_more_than_the_limit_whatever_goes_wrong";
    explore(test, SCHEDULES, &MUST, |run| play(run, Defect::None));
}

#[test]
fn a_lease_that_comes_late_does_no_harm() {
    let found = find(SCHEDULES / 4, |run| play(run, Defect::TakesLate));
    assert!(found.is_none(), "{found:?}");
}

#[test]
fn planted_defects_are_found() {
    for defect in Defect::ALL {
        let found = find(SCHEDULES, |run| play(run, defect));
        println!("{defect:?}: {found:?}");
        assert!(found.is_some(), "{defect:?} was not found in {SCHEDULES} schedules");
    }
}
