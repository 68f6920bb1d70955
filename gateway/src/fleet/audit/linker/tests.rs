//! The object on a table in memory, cut off wherever it can be.

use proptest::prelude::*;

use super::{chain::Link, *};
use crate::{
    fleet::{audit::row::Status, store::Memory},
    ports::{dependencies::Trouble, statements::Statement},
};

const NOW: Millis = 1_800_000_000_000;

fn row(number: u64) -> Row {
    Row {
        id: format!("01980000-0000-7000-8000-{number:012}"),
        timestamp: NOW + number,
        action: "order.create".into(),
        user_id: None,
        ip_address: None,
        user_agent: None,
        resource_type: None,
        resource_id: None,
        details: None,
        status: Status::Success,
        error_message: None,
        request_id: None,
        sequence: None,
        previous_hash: None,
        hash: None,
    }
}

/// The table, as the statements of the object meet it.
#[derive(Clone, Debug, Default)]
struct Table(Vec<Row>);

impl Table {
    fn run(&mut self, errand: &Errand) -> Vec<u8> {
        let statements: Vec<serde_json::Value> = serde_json::from_slice(&errand.message).unwrap();
        let [statement] = statements.as_slice() else { panic!("{statements:?}") };
        let sql = statement["sql"].as_str().unwrap();
        let is = |known: &Statement| known.sql() == sql;
        if is(&statements::last()) {
            let last = self.0.iter().filter(|row| row.sequence.is_some()).max_by_key(|row| row.sequence);
            let last: Vec<_> =
                last.iter().map(|row| serde_json::json!({ "sequence": row.sequence, "hash": row.hash })).collect();
            serde_json::to_vec(&[last]).unwrap()
        } else if is(&statements::unlinked()) {
            let mut rows: Vec<&Row> = self.0.iter().filter(|row| row.sequence.is_none()).collect();
            rows.sort_by_key(|row| (row.timestamp, &row.id));
            rows.truncate(LINKED_AT_ONCE as usize);
            serde_json::to_vec(&[rows]).unwrap()
        } else if is(&statements::store("")) {
            let links: Vec<Link> = serde_json::from_str(statement["values"][0].as_str().unwrap()).unwrap();
            links.into_iter().for_each(|link| self.set(link));
            b"[[]]".to_vec()
        } else {
            panic!("{sql}")
        }
    }

    /// As `UPDATE OR IGNORE … WHERE sequence IS NULL` does with a sequence that is unique.
    fn set(&mut self, link: Link) {
        if self.0.iter().any(|row| row.sequence == Some(link.sequence)) {
            return;
        }
        if let Some(row) = self.0.iter_mut().find(|row| row.id == link.id && row.sequence.is_none()) {
            (row.sequence, row.previous_hash, row.hash) =
                (Some(link.sequence), Some(link.previous_hash), Some(link.hash));
        }
    }

    fn in_order(&self) -> Vec<Row> {
        let mut rows = self.0.clone();
        rows.sort_by_key(|row| row.sequence.unwrap_or(u64::MAX));
        rows
    }
}

/// Where a round is cut off.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cut {
    Nowhere,
    /// The object ends when its errand is out and the database has not heard of it.
    BeforeTheDatabase,
    /// The object ends when the database has done it.
    AfterTheDatabase,
    /// The object ends when it has taken what the database said.
    AfterTheAnswer,
    /// The database fails and the object goes on.
    Fails,
    /// The database does it and the answer is lost; the object goes on.
    AnswerIsLost,
}

struct World {
    table: Table,
    store: Memory,
    linker: Linker,
    now: Millis,
}

impl World {
    fn new() -> Self {
        Self::on(Table::default())
    }

    fn on(table: Table) -> Self {
        let mut store = Memory::default();
        let linker = Linker::restore(NOW, &mut store).unwrap();
        Self { table, store, linker, now: NOW }
    }

    fn restore(&mut self) {
        self.linker = Linker::restore(self.now, &mut self.store).unwrap();
    }

    fn ask(&mut self, question: Question) -> Answer {
        self.linker.apply(self.now, question, &mut self.store).unwrap()
    }

    fn head(&mut self) -> Option<Head> {
        let Answer::Head(head) = self.ask(Question::Head) else { panic!("no head") };
        head
    }

    /// One errand, cut off somewhere; `false` when there is none.
    fn step(&mut self, cut: Cut) -> bool {
        let Some(errand) = self.linker.errand(self.now, &mut self.store).unwrap() else { return false };
        let done = (!matches!(cut, Cut::BeforeTheDatabase | Cut::Fails)).then(|| self.table.run(&errand));
        match cut {
            Cut::BeforeTheDatabase | Cut::AfterTheDatabase => {
                self.restore();
                return true;
            }
            Cut::Fails | Cut::AnswerIsLost => {
                self.linker.returned(self.now, Err(Trouble::Timeout), &mut self.store).unwrap();
            }
            Cut::Nowhere | Cut::AfterTheAnswer => {
                self.linker.returned(self.now, Ok(done.unwrap()), &mut self.store).unwrap();
            }
        }
        if cut == Cut::AfterTheAnswer {
            self.restore();
        }
        true
    }

    /// Lets alarms go off until the object rests.
    fn settle(&mut self) {
        for _ in 0..1_000 {
            let due = self.linker.next_wake().unwrap();
            if due >= self.now + REST_MS {
                return;
            }
            self.now = self.now.max(due);
            self.linker.wake(self.now, &mut self.store).unwrap();
            while self.step(Cut::Nowhere) {}
        }
        panic!("it never rests: {:?}", self.linker);
    }

    fn check(&mut self) {
        let (rows, head) = (self.table.in_order(), self.head());
        let verified = chain::verify(Head::default(), &rows, head).unwrap();
        assert_eq!((Some(verified.head), verified.unlinked), (head, 0));
    }
}

#[test]
fn rows_are_linked_in_the_order_of_their_time_and_then_it_rests() {
    let mut world = World::new();
    world.table.0.extend([row(2), row(1)]);
    world.settle();
    let places: Vec<_> = world.table.0.iter().map(|row| row.sequence).collect();
    assert_eq!(places, [Some(2), Some(1)]);
    world.check();
    world.table.0.push(row(0));
    world.ask(Question::Poke);
    world.settle();
    assert_eq!(world.table.0[2].sequence, Some(3), "what comes later is linked later, whatever its time");
    world.check();
}

#[test]
fn many_rows_take_several_rounds_and_others_get_their_turn() {
    let mut world = World::new();
    world.table.0.extend((0..LINKED_AT_ONCE * 25).map(row));
    world.linker.wake(NOW, &mut world.store).unwrap();
    let mut errands = 0;
    while world.step(Cut::Nowhere) {
        errands += 1;
    }
    assert_eq!((errands, world.linker.next_wake()), (ERRANDS_AT_ONCE, Some(NOW)));
    world.settle();
    world.check();
}

#[test]
fn a_poke_while_it_works_is_not_forgotten() {
    let mut world = World::new();
    world.table.0.push(row(1));
    assert!(world.step(Cut::Nowhere), "the end of the chain");
    let errand = world.linker.errand(NOW, &mut world.store).unwrap().unwrap();
    let answer = world.table.run(&errand);
    world.table.0.push(row(2));
    world.ask(Question::Poke);
    world.linker.returned(NOW, Ok(answer), &mut world.store).unwrap();
    assert!(world.step(Cut::Nowhere), "the links are set");
    assert_eq!(world.linker.next_wake(), Some(NOW));
    world.settle();
    world.check();
}

#[test]
fn a_database_that_fails_is_asked_less_and_less_often_and_pokes_change_nothing_about_that() {
    let mut world = World::new();
    let mut pauses = Vec::new();
    for _ in 0..12 {
        world.linker.wake(world.now, &mut world.store).unwrap();
        assert!(world.step(Cut::Fails));
        world.ask(Question::Poke);
        let due = world.linker.next_wake().unwrap();
        pauses.push((due - world.now) / 1_000);
        world.now = due;
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
}

#[test]
fn an_errand_that_never_returns_is_done_anew() {
    let mut world = World::new();
    assert!(world.linker.errand(NOW, &mut world.store).unwrap().is_some());
    assert!(world.linker.errand(NOW, &mut world.store).unwrap().is_none());
    assert_eq!(world.linker.next_wake(), Some(NOW + LEASE_MS));
    world.table.0.push(row(1));
    world.settle();
    world.check();
}

#[test]
fn an_object_whose_storage_is_new_goes_on_where_the_database_ends() {
    let mut world = World::new();
    world.table.0.extend([row(1), row(2)]);
    world.settle();
    let mut other = World::on(world.table.clone());
    assert_eq!(other.head(), None);
    other.table.0.push(row(3));
    other.settle();
    assert_eq!(other.head().unwrap().sequence, 3);
    other.check();
}

#[test]
fn rows_that_vanish_from_the_end_are_missed_and_the_chain_goes_on_behind_the_gap() {
    let mut world = World::new();
    world.table.0.extend([row(1), row(2), row(3)]);
    world.settle();
    let head = world.head();
    world.table.0.pop();
    let broken = chain::verify(Head::default(), &world.table.in_order(), head).unwrap_err();
    assert_eq!((broken.sequence, broken.why), (3, chain::Why::Anchor));
    world.table.0.push(row(4));
    world.ask(Question::Poke);
    world.settle();
    let broken = chain::verify(Head::default(), &world.table.in_order(), world.head()).unwrap_err();
    assert_eq!((broken.sequence, broken.why), (3, chain::Why::Gap));
}

#[test]
fn a_place_that_somebody_has_taken_by_hand_stops_nothing_and_is_found() {
    let mut world = World::new();
    world.table.0.push(row(1));
    world.settle();
    world.table.0.push(Row { sequence: Some(2), hash: Some("x".into()), ..row(9) });
    world.table.0.push(row(2));
    world.ask(Question::Poke);
    world.settle();
    world.now += REST_MS;
    world.settle();
    assert!(world.table.0.iter().all(|row| row.sequence.is_some()));
    let broken = chain::verify(Head::default(), &world.table.in_order(), world.head()).unwrap_err();
    assert_eq!((broken.sequence, broken.why), (2, chain::Why::Previous));
}

#[test]
fn what_is_stored_is_read_by_every_later_version() {
    let mut store = Memory::default();
    store.put(HEAD, &[vec![1, 5], vec![7; 32]].concat()).unwrap();
    store.put(PENDING, &[&[1, 6][..], &[8; 32], &[1, 2], b"[]"].concat()).unwrap();
    let linker = Linker::restore(NOW, &mut store).unwrap();
    let pending = Pending { head: Head { sequence: 6, hash: [8; 32] }, count: 1, links: "[]".into() };
    assert_eq!((linker.head, linker.pending), (Some(Head { sequence: 5, hash: [7; 32] }), Some(pending)));
    assert_eq!(message::question::<Audit>(&Question::Poke), [1, 0]);
    assert_eq!(message::question::<Audit>(&Question::Head), [1, 1]);
}

fn cut() -> impl Strategy<Value = Cut> {
    prop::sample::select(vec![
        Cut::Nowhere,
        Cut::BeforeTheDatabase,
        Cut::AfterTheDatabase,
        Cut::AfterTheAnswer,
        Cut::Fails,
        Cut::AnswerIsLost,
    ])
}

proptest! {
    #[test]
    fn wherever_it_is_cut_off_the_chain_is_whole_in_the_end(
        steps in prop::collection::vec((0_u64..3, cut(), any::<bool>()), 1..40)
    ) {
        let mut world = World::new();
        let mut rows = 0;
        for (more, cut, poked) in steps {
            world.table.0.extend((rows..rows + more).map(row));
            rows += more;
            if poked {
                world.ask(Question::Poke);
            }
            world.now = world.now.max(world.linker.next_wake().unwrap().min(world.now + LONGEST_PAUSE_MS));
            world.linker.wake(world.now, &mut world.store).unwrap();
            world.step(cut);
            let verified = chain::verify(Head::default(), &world.table.in_order(), world.head());
            prop_assert!(verified.is_ok(), "{:?}", verified);
        }
        world.ask(Question::Poke);
        world.settle();
        prop_assert_eq!(world.table.0.len() as u64, rows);
        world.check();
    }
}
