//! What an isolate keeps, tells and knows.

use super::*;
use crate::{
    fleet::{
        abuse::{Bound, KINDS, Ruling},
        message::Spoken,
    },
    http::cidr::Cidr,
};

fn rule() -> Rule {
    let addresses = Bound { most: 3, window_ms: 900_000 };
    let (weights, none) = ([1; KINDS], Bound::default());
    Rule { threshold: 5, window_ms: 300_000, block_ms: 1, weights, logins: none, user_logins: none, addresses }
}

fn open() -> Watch {
    let watch = Watch::default();
    watch.open(rule(), 7);
    watch
}

fn address(number: u32) -> Who {
    Who::network(Cidr::of_one(std::net::Ipv4Addr::from(number).into()))
}

fn reports(watch: &Watch, now: Millis) -> Vec<Report> {
    let report = |errand: Errand| match message::read_question::<Abuse>(&errand.message) {
        Some((Question::Report(report), _)) => report,
        other => panic!("{other:?}"),
    };
    std::iter::from_fn(|| watch.flush(now)).map(|(_, errand)| report(errand)).collect()
}

#[test]
fn where_there_is_nobody_to_tell_nothing_is_kept() {
    let watch = Watch::default();
    watch.note(0, address(1), Kind::Attack);
    watch.learn(1, 2);
    assert!(!watch.is_due() && watch.flush(0).is_none() && !watch.knows_some());
}

#[test]
fn events_of_one_come_together_and_are_due_once() {
    let watch = open();
    watch.note(1_000, address(1), Kind::Attack);
    assert!(watch.is_due());
    watch.note(1_500, address(1), Kind::Attack);
    watch.note(1_600, address(1), Kind::NotFound);
    assert!(!watch.is_due(), "a flush is to come");
    let sent = reports(&watch, 3_000);
    assert_eq!(sent.len(), 1);
    let lines: Vec<_> = sent[0].lines.iter().map(|line| (line.kind, line.count, line.age_ms)).collect();
    assert_eq!(lines, [(Kind::NotFound as u8, 1, 1_400), (Kind::Attack as u8, 2, 2_000)]);
    watch.note(4_000, address(1), Kind::Attack);
    assert!(watch.is_due());
    assert_ne!(reports(&watch, 4_000)[0].tag, sent[0].tag);
}

#[test]
fn a_flush_that_has_not_come_is_due_again() {
    let watch = open();
    watch.note(1_000, address(1), Kind::Attack);
    assert!(watch.is_due());
    watch.note(5_999, address(1), Kind::Attack);
    assert!(!watch.is_due());
    watch.note(6_000, address(1), Kind::Attack);
    assert!(watch.is_due());
}

#[test]
fn each_object_gets_its_own_and_of_too_many_some_are_lost_and_counted() {
    let watch = open();
    (0..700).for_each(|number| watch.note(0, address(number), Kind::NotFound));
    let sent = reports(&watch, 0);
    assert_eq!(sent.iter().map(|report| report.lines.len()).sum::<usize>(), MOST_LINES);
    assert!(sent.len() <= usize::from(super::super::OBJECTS));
    for report in &sent {
        let object = object_of(&report.lines[0].who);
        assert!(report.lines.iter().all(|line| object_of(&line.who) == object));
    }
    assert_eq!((watch.lost(), watch.lost()), (200, 0));
}

#[test]
fn where_a_user_comes_from_is_told_now_and_then() {
    let watch = open();
    let came = |now, pair, from| watch.came(now, pair, || (Who::user("i", "ada"), from));
    came(0, 1, 11);
    came(0, 2, 12);
    let sent = reports(&watch, 0);
    let lines: Vec<_> = sent[0].lines.iter().map(|line| (line.kind, line.from)).collect();
    assert_eq!(lines, [(CAME, 11), (CAME, 12)]);
    came(1, 1, 11);
    assert!(reports(&watch, 1).is_empty());
    came(299_999, 2, 12);
    assert!(reports(&watch, 299_999).is_empty());
    came(300_000, 1, 11);
    assert_eq!(reports(&watch, 300_000).len(), 1);
}

#[test]
fn what_follows_from_a_report_holds_here_at_once() {
    let watch = open();
    let ruling = Ruling { who: address(1), mark: super::super::Mark::Blocked, until: 99 };
    watch.answered(message::answer::<Abuse>(&Answer::Reported(vec![ruling]), Spoken::Newest));
    watch.answered(vec![9, 9]);
    assert_eq!(watch.known(mark_of(super::super::Mark::Blocked, &address(1))), Some(99));
}

#[test]
fn what_the_log_says_is_known_with_its_end() {
    let watch = open();
    watch.learn(1, 0);
    watch.heard(&[Change::Mark(Mark { hash: 1, until: 50 }), Change::Mark(Mark { hash: 2, until: 60 })]);
    assert_eq!((watch.known(1), watch.known(2), watch.known(3)), (Some(50), Some(60), None));
    watch.heard(&[Change::Unmark(2), Change::Mark(Mark { hash: 3, until: 70 })]);
    assert_eq!(watch.known(2), Some(0));
    watch.forget(|hash| hash == 3);
    assert_eq!((watch.known(1), watch.known(2), watch.known(3)), (Some(50), None, None), "the whole may say anything");
}

#[test]
fn it_remembers_only_so_many() {
    let watch = open();
    (0..30_000).for_each(|hash| watch.learn(hash, 1));
    assert!(watch.inside.borrow().as_ref().unwrap().known.len() <= MOST_KNOWN);
    assert_eq!(watch.known(29_999), Some(1));
}

#[test]
fn objects_that_do_not_answer_are_left_alone_for_a_while() {
    let watch = open();
    watch.missed(10_000);
    assert_eq!([10_000, 14_999, 15_000].map(|now| watch.is_away(now)), [true, true, false]);
    assert!(!watch.is_away(1_000), "the clock was set back");
}
