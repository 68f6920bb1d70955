//! What the object promises, whatever comes and whenever it dies.

use proptest::prelude::*;

use super::*;
use crate::{
    fleet::{machine::Hosted as _, message::Spoken, signals::log::Log, store::Memory},
    http::cidr::Cidr,
    ports::dependencies::Trouble,
};

const NOW: Millis = 1_800_000_000_000;

fn rule() -> Rule {
    Rule {
        threshold: 5,
        window_ms: 300_000,
        block_ms: 3_600_000,
        weights: [1, 1, 1, 3, 0, 0],
        logins: Bound { most: 10, window_ms: 3_600_000 },
        user_logins: Bound { most: 5, window_ms: 900_000 },
        addresses: Bound { most: 3, window_ms: 900_000 },
    }
}

fn address(number: u32) -> Who {
    Who::network(Cidr::of_one(std::net::Ipv4Addr::from(0x0a00_0000 + number).into()))
}

fn line(who: Who, (kind, count): (Kind, u32)) -> Line {
    Line { who, kind: kind as u8, count, from: 0, age_ms: 0 }
}

/// An object with its store.
struct Place {
    warden: Warden,
    store: Memory,
    tag: u64,
}

impl Place {
    fn new() -> Self {
        let mut store = Memory::default();
        Self { warden: Warden::restore(NOW, &mut store).unwrap(), store, tag: 0 }
    }

    fn restart(&mut self, now: Millis) {
        self.warden = Warden::restore(now, &mut self.store).unwrap();
    }

    fn ask(&mut self, now: Millis, question: Question) -> Answer {
        self.warden.apply(now, question, &mut self.store).unwrap()
    }

    fn report_as(&mut self, now: Millis, tag: u64, line: Line) -> Vec<Ruling> {
        let report = Report { tag, rule: rule(), lines: vec![line] };
        let Answer::Reported(rulings) = self.ask(now, Question::Report(report)) else {
            panic!("no answer to a report")
        };
        rulings
    }

    fn report(&mut self, now: Millis, line: Line) -> Vec<Ruling> {
        self.tag += 1;
        self.report_as(now, self.tag, line)
    }

    fn stands(&mut self, now: Millis, who: &Who) -> Stands {
        let Answer::Stands(stands) = self.ask(now, Question::Look(who.clone())) else { panic!("no answer") };
        stands
    }

    /// Tracked, blocked, suspicious, blocks ever, then events by kind.
    fn totals(&mut self, now: Millis) -> Vec<u64> {
        let Answer::Totals(totals) = self.ask(now, Question::Totals) else { panic!("no answer") };
        totals
    }

    fn list(&mut self, now: Millis, mark: Mark, after: &str, most: u16) -> Vec<Case> {
        let Answer::Cases(cases) = self.ask(now, Question::List(mark, after.to_owned(), most)) else {
            panic!("no list")
        };
        cases
    }

    /// Wakes it as often as it wants until then.
    fn pass(&mut self, until: Millis) {
        while let Some(at) = self.warden.sweep_at.filter(|at| *at <= until) {
            Machine::wake(&mut self.warden, at, &mut self.store).unwrap();
        }
    }

    /// The changes that are on their way to the log.
    fn told(&mut self, now: Millis) -> Vec<Change> {
        let Some(errand) = Machine::errand(&mut self.warden, now, &mut self.store).unwrap() else { return Vec::new() };
        let (signals::Question::Write(_, changes), _) = message::read_question::<Signals>(&errand.message).unwrap()
        else {
            panic!("no change")
        };
        changes
    }
}

#[test]
fn the_fifth_event_within_the_window_blocks_and_says_why() {
    let mut place = Place::new();
    for second in 0..4 {
        assert_eq!(place.report(NOW + second * 1_000, line(address(1), (Kind::BadToken, 1))), []);
    }
    let rulings = place.report(NOW + 299_999, line(address(1), (Kind::NotFound, 1)));
    let until = NOW + 299_999 + 3_600_000;
    assert_eq!(rulings, [Ruling { who: address(1), mark: Mark::Blocked, until }]);
    assert_eq!(place.stands(NOW + 300_000, &address(1)).blocked, until);
    assert_eq!(place.stands(until, &address(1)).blocked, 0, "it ends by itself");
    assert_eq!(place.list(NOW, Mark::Blocked, "", 10)[0].reason, "bad_token 4, not_found 1 within 5m");
    assert_eq!(place.totals(NOW), [1, 1, 0, 1, 4, 1, 0, 0, 0, 0]);
}

#[test]
fn events_that_are_too_far_apart_block_nobody() {
    let mut place = Place::new();
    for step in 0..50 {
        let at = NOW + step * 75_000;
        assert_eq!(place.report(at, line(address(1), (Kind::Attack, u32::from(step == 0)))), []);
        assert_eq!(place.report(at, line(address(2), (Kind::NotFound, 1))), [], "four in 300 s");
    }
}

#[test]
fn kinds_have_weights() {
    let mut place = Place::new();
    assert_eq!(place.report(NOW, line(address(1), (Kind::Attack, 1))), []);
    assert_eq!(place.report(NOW, line(address(1), (Kind::Attack, 1))).len(), 1);
    assert_eq!(place.report(NOW, line(address(2), (Kind::FailedLogin, 9))), []);
    assert_eq!(place.report(NOW, line(address(3), (Kind::Validation, 7))).len(), 1, "several at once");
}

#[test]
fn what_is_reported_twice_counts_once() {
    let mut place = Place::new();
    for tag in [1, 1, 2, 2, 2, 3, 4, 4] {
        assert_eq!(place.report_as(NOW, tag, line(address(1), (Kind::BadToken, 1))), []);
    }
    place.restart(NOW);
    assert_eq!(place.report_as(NOW, 4, line(address(1), (Kind::BadToken, 1))), []);
    assert_eq!(place.totals(NOW)[4], 4);
    assert_eq!(place.report_as(NOW, 5, line(address(1), (Kind::BadToken, 1))).len(), 1);
}

#[test]
fn what_was_seen_a_while_ago_counts_from_then() {
    let mut place = Place::new();
    let old = Line { age_ms: 30_000, ..line(address(1), (Kind::BadToken, 4)) };
    place.report(NOW, old);
    assert_eq!(place.report(NOW + 270_000, line(address(1), (Kind::BadToken, 1))), []);
    let mut place = Place::new();
    let too_old = Line { age_ms: u32::MAX, ..line(address(1), (Kind::BadToken, 4)) };
    place.report(NOW, too_old);
    assert_eq!(place.report(NOW + 230_000, line(address(1), (Kind::BadToken, 1))).len(), 1, "a minute at most");
}

#[test]
fn blocks_scores_and_what_the_log_has_to_learn_outlive_the_object() {
    let mut place = Place::new();
    place.report(NOW, line(address(1), (Kind::BadToken, 5)));
    place.report(NOW, line(address(2), (Kind::BadToken, 4)));
    place.restart(NOW + 1);
    assert_eq!(place.stands(NOW + 1, &address(1)).blocked, NOW + 3_600_000);
    assert_eq!(Machine::next_wake(&place.warden), Some(NOW + 1));
    let hash = mark_of(Mark::Blocked, &address(1));
    let mark = Change::Mark(signals::Mark { hash, until: NOW + 3_600_000 });
    assert_eq!(place.told(NOW + 1), [mark]);
    assert_eq!(place.report(NOW + 2, line(address(2), (Kind::BadToken, 1))).len(), 1);
}

#[test]
fn the_log_is_told_until_it_has_answered() {
    let mut place = Place::new();
    let mut log_store = Memory::default();
    let mut log = Log::restore(NOW, &mut log_store).unwrap();
    place.report(NOW, line(address(1), (Kind::BadToken, 5)));
    let errand = Machine::errand(&mut place.warden, NOW, &mut place.store).unwrap().unwrap();
    assert!(place.told(NOW).is_empty(), "one at a time");
    Machine::returned(&mut place.warden, NOW, Err(Trouble::Failed), &mut place.store).unwrap();
    assert_eq!(Machine::next_wake(&place.warden), Some(NOW + FIRST_PAUSE_MS));
    assert!(place.told(NOW).is_empty(), "not at once");
    // While the next one is out the decision is another.
    let at = NOW + FIRST_PAUSE_MS;
    assert_eq!(place.told(at).len(), 1);
    place.ask(at, Question::Unblock(address(1)));
    let answer = log.serve(at, &errand.message, &mut log_store).unwrap();
    Machine::returned(&mut place.warden, at, Ok(answer), &mut place.store).unwrap();
    let hash = mark_of(Mark::Blocked, &address(1));
    let changes = place.told(at);
    assert!(changes.contains(&Change::Unmark(hash)), "{changes:?}");
    let delta = signals::Answer::Delta(Delta { log: 1, after: 4, changes, age_ms: 0 });
    Machine::returned(&mut place.warden, at, Ok(message::answer::<Signals>(&delta, Spoken::Newest)), &mut place.store)
        .unwrap();
    assert_eq!((place.told(at), place.warden.known), (Vec::new(), Known { log: 1, sequence: 6 }));
    assert!(place.warden.tell_at.is_none());
}

#[test]
fn an_operator_blocks_and_forgives() {
    let mut place = Place::new();
    let network = Who::network(Cidr::around("10.0.0.0".parse().unwrap(), 24).unwrap());
    let block =
        Case { who: network.clone(), reason: "Scans.".into(), by: "ada".into(), since: NOW, until: NOW + 60_000 };
    place.ask(NOW, Question::Block(block.clone()));
    assert_eq!(place.ask(NOW, Question::Find(network.clone())), Answer::Cases(vec![block]));
    let marks: Vec<u64> = place
        .told(NOW)
        .iter()
        .map(|change| match change {
            Change::Mark(mark) => mark.hash,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(marks.contains(&networks_mark()) && marks.contains(&mark_of(Mark::Blocked, &network)));
    place.report(NOW, line(address(300), (Kind::BadToken, 5)));
    place.ask(NOW, Question::Unblock(address(300)));
    assert_eq!(place.stands(NOW, &address(300)), Stands::default());
    assert_eq!(place.report(NOW, line(address(300), (Kind::BadToken, 4))), [], "what was before is forgotten");
    assert_eq!(place.totals(NOW)[..2], [2, 1]);
}

#[test]
fn too_many_failed_logins_and_too_many_addresses_are_suspicious() {
    let mut place = Place::new();
    let failed = |who: Who, count| line(who, (Kind::FailedLogin, count));
    assert_eq!(place.report(NOW, failed(address(1), 10)), []);
    let rulings = place.report(NOW + 1, failed(address(1), 1));
    assert_eq!((rulings.len(), rulings[0].mark, rulings[0].until), (1, Mark::Suspicious, NOW + 1 + 3_600_000));
    assert_eq!(place.report(NOW + 2, failed(address(1), 1)), [], "the log knows it");
    let ada = Who::login("ada");
    assert_eq!(place.report(NOW, failed(ada.clone(), 5)), []);
    assert_eq!(place.report(NOW, failed(ada.clone(), 1)).len(), 1);
    let bob = Who::user("https://i/", "bob");
    let from = |from| Line { who: bob.clone(), kind: CAME, count: 1, from, age_ms: 0 };
    for (minute, origin) in [(0, 1), (1, 2), (2, 2), (3, 3), (16, 4), (17, 1)] {
        assert_eq!(place.report(NOW + minute * 60_000, from(origin)), [], "{minute}");
    }
    assert_eq!(place.report(NOW + 17 * 60_000 + 1, from(5)).len(), 1);
    let suspects = place.list(NOW, Mark::Suspicious, "", 9);
    let told: Vec<_> = suspects.iter().map(|case| (case.who.text(), case.reason.as_str())).collect();
    assert_eq!(told, [("10.0.0.1", "12 failed logins"), ("ada", "6 failed logins"), ("https://i/ bob", "4 addresses")]);
    assert_eq!(place.totals(NOW)[4..], [0, 0, 0, 0, 12, 0], "a user's are those of an address too");
}

#[test]
fn everything_is_forgotten_when_it_has_no_meaning() {
    let mut place = Place::new();
    place.report(NOW, line(address(1), (Kind::BadToken, 5)));
    place.report(NOW, line(address(2), (Kind::NotFound, 1)));
    place.report(NOW, line(Who::login("ada"), (Kind::FailedLogin, 6)));
    place.pass(NOW + 3_600_000 - 120_000);
    assert_eq!(place.totals(NOW)[..2], [1, 1]);
    place.restart(NOW + 3_600_000);
    place.told(NOW + 3_600_000);
    place.pass(NOW + 3_600_000 + 120_000);
    assert_eq!((&place.totals(NOW)[..3], Machine::next_wake(&place.warden)), (&[0, 0, 0][..], None));
    assert_eq!(place.store.0.keys().collect::<Vec<_>>(), [NUMBERS], "nothing is left");
}

#[test]
fn of_too_many_those_go_that_would_be_forgotten_first() {
    let mut place = Place::new();
    place.report(NOW, line(address(1), (Kind::BadToken, 5)));
    place.report(NOW, line(address(2), (Kind::NotFound, 1)));
    // As if there were many more.
    place.warden.totals[TRACKED] = MOST_TRACKED;
    place.report(NOW + 200_000, line(address(3), (Kind::NotFound, 1)));
    assert_eq!(place.totals(NOW)[0], MOST_TRACKED);
    assert!(place.stands(NOW + 200_000, &address(1)).blocked > 0, "a block is meant to stay for longer");
    assert_eq!(place.report(NOW + 200_000, line(address(2), (Kind::NotFound, 4))), [], "it was forgotten");
}

#[test]
fn lists_come_in_pages() {
    let mut place = Place::new();
    for number in 0..25 {
        place.report(NOW, line(address(number), (Kind::BadToken, 5)));
    }
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = place.list(NOW, Mark::Blocked, &after, 10);
        let is_last = page.len() < 10;
        all.extend(page.into_iter().map(|case| case.who.0));
        if is_last {
            break;
        }
        after = all.last().unwrap().clone();
    }
    all.dedup();
    assert_eq!(all.len(), 25);
}

proptest! {
    /// Blocked is exactly who has a score of five or more within some window.
    #[test]
    fn whoever_has_enough_within_a_window_is_blocked_and_nobody_else(
        mut reports in proptest::collection::vec((0_u64..2_000_000, 0_u32..4, 0_usize..4, 1_u32..3), 1..80),
        restarts in any::<u64>(),
    ) {
        reports.sort_unstable();
        let mut place = Place::new();
        let mut scores: std::collections::BTreeMap<u32, Vec<(Millis, u32)>> = std::collections::BTreeMap::new();
        for (number, (at, who, kind, count)) in reports.iter().enumerate() {
            let now = NOW + at;
            place.pass(now);
            if restarts >> (number % 64) & 1 == 1 {
                place.restart(now);
            }
            let kind = Kind::WORDS[*kind].1;
            let seen = scores.entry(*who).or_default();
            // Nobody is blocked for an hour here: blocks outlast the test.
            let is_blocked = seen.last().is_some_and(|(at, _)| *at == Millis::MAX);
            let rulings = place.report(now, line(address(*who), (kind, *count)));
            seen.push((now, count * u32::from(rule().weights[kind as usize])));
            let sum: u32 = seen.iter().filter(|(at, _)| at.saturating_add(300_000) > now).map(|(_, score)| score).sum();
            let blocks = rulings.iter().any(|ruling| ruling.mark == Mark::Blocked);
            prop_assert_eq!(blocks, !is_blocked && sum >= 5);
            if is_blocked || blocks {
                seen.clear();
                seen.push((Millis::MAX, 0));
            }
        }
    }
}
