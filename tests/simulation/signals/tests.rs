//! The promises of the log under thousands of schedules, and that breaking them would be seen.

use super::{Defect, play};
use crate::kit::{Counts, explore, find};

/// How many schedules are played every day.
const SCHEDULES: u64 = 1_500;

/// What has to happen, or the schedules have shown nothing.
const MUST: [&str; 24] = [
    "delta",
    "nothing new",
    "whole with a table",
    "whole without a table",
    "refused",
    "burst of marks",
    "relay answered",
    "relay passed on",
    "relay lost",
    "isolate lost",
    "request went at once",
    "request waited",
    "request without knowledge",
    "request refused",
    "clock set back",
    "storage wiped",
    "evicted",
    "alarm early or late",
    "before a question",
    "in a question, which is undone",
    "with an answer",
    "question repeated",
    "answer late",
    "message lost",
];

#[test]
fn every_promise_of_the_log_holds_whatever_goes_wrong() {
    let test = "signals::tests::every_promise_of_the_log_holds_whatever_goes_wrong";
    let counts = explore(test, SCHEDULES, &MUST, |run| play(run, Defect::None));
    let (other, taken) = (counts.of("other hash"), counts.of("other hash taken for marked"));
    assert!(taken * 100 <= other, "{taken} of {other} hashes were taken for marked");
}

#[test]
fn planted_defects_are_found() {
    for defect in Defect::ALL {
        let found = find(SCHEDULES, |run| play(run, defect));
        println!("{defect:?}: {found:?}");
        assert!(found.is_some(), "{defect:?} was not found in {SCHEDULES} schedules");
    }
}

#[test]
fn a_seed_plays_the_same_schedule_again() {
    let play = |seed| {
        let trace = std::rc::Rc::default();
        let run = crate::kit::Run { seed, trace: Some(std::rc::Rc::clone(&trace)) };
        let counts: Result<Counts, String> = play(&run, Defect::None);
        (format!("{counts:?}"), trace.take())
    };
    let [once, twice, other] = [7, 7, 8].map(play);
    assert!(once == twice && once != other && once.1.len() > 100);
}
