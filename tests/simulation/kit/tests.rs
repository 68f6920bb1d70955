//! The kit itself: a machine that counts, and everything that may happen to it.

use std::{cell::RefCell, panic, rc::Rc};

use gateway::{
    fleet::{
        machine::Machine,
        message::{self, Protocol},
        store::{Fault, Store},
    },
    http::Millis,
};

use super::{explore::schedules, *};

struct Numbers;

impl Protocol for Numbers {
    type Question = u64;
    type Answer = u64;
    const FORMAT: u8 = 1;
}

/// Adds up what it is told, and keeps the sum in two places. Wants to be woken half a second after each question.
struct Tally {
    sum: u64,
    due: Option<Millis>,
}

impl Machine for Tally {
    type Speaks = Numbers;

    fn restore(_: Millis, store: &mut dyn Store) -> Result<Self, Fault> {
        let sum = store.get(b"a")?.map_or(0, |value| value.len() as u64);
        assert_eq!(store.get(b"b")?.map_or(0, |value| value.len() as u64), sum, "half of a question is stored");
        Ok(Self { sum, due: store.get(b"due")?.map(|value| Millis::from_le_bytes(value.try_into().unwrap())) })
    }

    fn apply(&mut self, now: Millis, question: u64, store: &mut dyn Store) -> Result<u64, Fault> {
        self.sum += question;
        let value = vec![0; self.sum as usize];
        store.put(b"a", &value)?;
        store.put(b"b", &value)?;
        store.put(b"due", &(now + 500).to_le_bytes())?;
        self.due = Some(now + 500);
        Ok(self.sum)
    }

    fn wake(&mut self, now: Millis, store: &mut dyn Store) -> Result<(), Fault> {
        if self.due.is_some_and(|due| due <= now) {
            self.due = None;
            store.delete(b"due")?;
        }
        Ok(())
    }

    fn next_wake(&self) -> Option<Millis> {
        self.due
    }
}

#[derive(Default)]
struct Adding {
    /// What has been stored, by what was seen at the object.
    stored: u64,
    /// The largest sum that was answered.
    answered: u64,
}

fn add(run: &Run) -> Result<Counts, String> {
    let mut sim = Sim::new(run, Adding::default());
    let tally = sim.object("tally", restored::<Tally>);
    let callers: Vec<Actor> = (0..3).map(|number| sim.actor(&format!("caller {number}"))).collect();
    sim.observe(tally, |sim, _, answer| {
        sim.world.stored += 1;
        let sum = message::read_answer::<Numbers>(answer.to_vec());
        if sum != Some(sim.world.stored) {
            sim.fail(format!("{} are stored, and it says {sum:?}", sim.world.stored));
        }
    });
    sim.faults = Faults::drawn(&mut sim.random);
    for number in 0..40 {
        let (at, caller) = (sim.random.below(4_000), callers[number % callers.len()]);
        sim.after(at, move |sim| ask(sim, caller, tally));
    }
    sim.run(60_000);
    sim.faults = Faults::NONE;
    sim.after(0, move |sim| ask(sim, callers[0], tally));
    sim.run(120_000);
    if sim.world.answered != sim.world.stored || sim.store_of(tally).0.contains_key(&b"due"[..]) {
        sim.fail("the last answer is not the sum, or nobody woke it".to_owned());
    }
    sim.outcome()
}

fn ask(sim: &mut Sim<Adding>, caller: Actor, tally: Actor) {
    sim.call(caller, tally, message::question::<Numbers>(&1), Some(2_000), |sim, came| {
        if let Came::Answer(answer) | Came::Late(answer) = came {
            let sum = message::read_answer::<Numbers>(answer).unwrap();
            sim.world.answered = sim.world.answered.max(sum);
        }
    });
}

/// Everything that may happen to a question, an answer and an alarm.
const ALL: [&str; 11] = [
    "question repeated",
    "message lost",
    "call failed",
    "answer late",
    "before a question",
    "in a question, which is undone",
    "with an answer",
    "evicted",
    "alarm",
    "alarm early or late",
    "alarm failed",
];

#[test]
fn a_machine_that_keeps_its_word_survives_everything_that_may_happen_to_it() {
    explore("kit::tests::a_machine_that_keeps_its_word_survives_everything_that_may_happen_to_it", 300, &ALL, add);
}

#[test]
fn a_failure_names_its_seed_and_the_command_that_repeats_it_and_shows_the_trace() {
    let play = |run: &Run| {
        let mut sim = Sim::new(run, ());
        sim.after(5, |sim| sim.note(|_| "something happens".to_owned()));
        sim.after(7, |sim| match sim.random.below(4) {
            0 => sim.fail("this must not be".to_owned()),
            1 => panic!("a machine breaks"),
            _ => {}
        });
        sim.run(10);
        sim.outcome()
    };
    let found = find(100, play);
    let (seed, reason) = found.unwrap();
    let report = panic::catch_unwind(panic::AssertUnwindSafe(|| explore("some::test", 100, &[], play))).unwrap_err();
    if schedules(100) != 100 || std::env::var_os("FERROGATE_SEED").is_some() {
        return;
    }
    let report = report.downcast_ref::<String>().unwrap();
    let again = format!(
        "seed {seed}: {reason}\nagain: FERROGATE_SEED={seed} cargo test -p gateway --features compiler --test simulation some::test"
    );
    assert!(report.contains(&again) && report.contains("5 something happens"), "{report}");
    let reasons: Vec<_> = (0..20).filter_map(|from| find_from(from * 5, play)).collect();
    for kind in ["this must not be", "a panic: a machine breaks"] {
        assert!(reasons.iter().any(|reason| reason == kind), "{kind}");
    }
}

fn find_from(seed: u64, play: impl Fn(&Run) -> Result<Counts, String>) -> Option<String> {
    find(1, |_: &Run| play(&Run { seed, trace: None })).map(|(_, reason)| reason)
}

#[test]
fn a_schedule_that_never_rests_fails() {
    fn again(sim: &mut Sim<()>) {
        sim.after(0, again);
    }
    let run = Run { seed: 1, trace: None };
    let mut sim = Sim::new(&run, ());
    sim.after(0, again);
    sim.run(1);
    assert!(sim.outcome().is_err());
}

#[test]
fn a_call_without_a_limit_may_wait_for_ever_and_one_with_a_limit_may_not() {
    let run = Run { seed: 1, trace: None };
    let mut sim = Sim::new(&run, Rc::new(RefCell::new(Vec::new())));
    let (caller, deaf) = (sim.actor("caller"), sim.actor("deaf"));
    for limit in [None, Some(700)] {
        sim.call(caller, deaf, vec![1], limit, move |sim, came| {
            let now = sim.now();
            sim.world.borrow_mut().push((now, limit, came));
        });
    }
    sim.run(1_000_000);
    assert_eq!(*sim.world.borrow(), [(700, Some(700), Came::Nothing)]);
}

#[test]
fn a_clock_is_off_and_runs_wrong_within_its_bounds_and_shows_when_it_was_set_back() {
    let mut random = Random::new(3);
    for _ in 0..200 {
        let mut clock = Clock::drawn(&mut random);
        let hour = 3_600_000;
        let ran = clock.reading(hour) - clock.reading(0);
        let most = hour * Clock::MOST_DRIFT_PPM / 1_000_000 + 1;
        assert!(ran.abs_diff(hour) <= most, "{ran}");
        let before = clock.reading(hour);
        clock.set(hour, -500);
        assert_eq!(
            (clock.reading(hour), clock.latest(hour), clock.set_back()),
            (before - 500, before, &[(hour, 500)][..])
        );
        clock.set(hour, 900);
        assert_eq!((clock.latest(hour), clock.set_back().len()), (before + 400, 1));
    }
}
