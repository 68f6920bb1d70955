//! The object that adds up what is reported of somebody, decides, and remembers who is blocked and why.
//!
//! Everything stands in the store, a record for each who is watched, written before it is answered; in memory is nothing that
//! is missed. An index by time says whose record is looked at next: one of which nothing counts any more goes, and of too many
//! those that would go first. Marks that the log of signals has to learn are put down with the decision and taken to it by an
//! errand of the object, as often as it takes: an isolate that dies takes no block with it.

use serde::{Deserialize, Serialize};

use super::{
    Abuse, Answer, Bound, CAME, Case, KINDS, Kind, Line, Mark, Question, Report, Rule, Ruling, Stands, TOTALS, Who,
    mark_of, networks_mark,
    tally::{Entry, Tally},
};
use crate::{
    config::duration,
    fleet::{
        isolate::ROOT,
        machine::Machine,
        message,
        signals::{self, Change, Delta, Known, Signals, Whole},
        store::{Fault, Store},
    },
    http::Millis,
    ports::errands::{Class, Destination, Errand, Returned},
};

/// The format of what is stored.
const STORED: u8 = 1;

/// Where the numbers stand, and what other keys begin with: records, the index by time, those of blocked and of suspicious ones,
/// and marks that the log has to learn.
const NUMBERS: &[u8] = b"totals";
const RECORD: u8 = b'r';
const DUE: u8 = b'd';
const BLOCKED: u8 = b'b';
const SUSPECT: u8 = b's';
const PENDING: u8 = b'p';

/// How many are remembered at most.
pub const MOST_TRACKED: u64 = 100_000;

/// Most lines of one report. Isolates send fewer.
const MOST_LINES: usize = 1_000;

/// How old what is reported may be, in milliseconds: who says more has a clock that was set.
const OLDEST_MS: u32 = 60_000;

/// The index goes by minutes.
const STEP_MS: Millis = 60_000;

/// How many records are looked at when the object is awake.
const SWEEP: usize = 500;

/// How many of those that would go first are looked at to make room for one.
const TRIES: usize = 8;

/// How many marks go to the log at once.
const MARKS_AT_ONCE: usize = 500;

/// Longer than any block, in milliseconds.
const LONGEST_BLOCK_MS: Millis = 31 * 24 * 3_600_000;

/// How long the log may take, and the first and longest pause after it did not answer, in milliseconds.
const LEASE_MS: Millis = 30_000;
const FIRST_PAUSE_MS: Millis = 500;
const LONGEST_PAUSE_MS: Millis = 60_000;

/// What is remembered of somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// When it is looked at, in steps.
    due: u32,
    /// When what was counted has no more meaning.
    idle_at: Millis,
    score: Tally,
    logins: Tally,
    addresses: Tally,
    block: Option<Case>,
    suspect: Option<Case>,
}

/// Places in [`TOTALS`].
const TRACKED: usize = 0;
const BLOCKS: usize = 1;
const SUSPECTS: usize = 2;
const EVER: usize = 3;

/// The state of the object.
#[derive(Debug)]
pub struct Warden {
    /// As [`TOTALS`] says.
    totals: Vec<u64>,
    /// When the first record is looked at.
    sweep_at: Option<Millis>,
    /// When marks go to the log.
    tell_at: Option<Millis>,
    /// Those that are on their way, as they are stored.
    out: Vec<(Vec<u8>, Vec<u8>)>,
    /// How far the log is known, so that it answers in few words.
    known: Known,
    failures: u32,
}

impl Machine for Warden {
    type Speaks = Abuse;

    fn restore(now: Millis, store: &mut dyn Store) -> Result<Self, Fault> {
        let mut totals: Vec<u64> =
            store.get(NUMBERS)?.and_then(|bytes| message::decode(STORED, &bytes)).unwrap_or_default();
        totals.resize(TOTALS.len().saturating_add(KINDS), 0);
        let has_some = !store.scan(&[PENDING], &[PENDING.saturating_add(1)], 1)?.is_empty();
        let (out, known) = (Vec::new(), Known::default());
        let mut warden = Self { totals, sweep_at: None, tell_at: has_some.then_some(now), out, known, failures: 0 };
        warden.look_ahead(store)?;
        Ok(warden)
    }

    fn apply(&mut self, now: Millis, question: Question, store: &mut dyn Store) -> Result<Answer, Fault> {
        Ok(match question {
            Question::Report(report) => Answer::Reported(self.report(now, &report, store)?),
            Question::Look(who) => Answer::Stands(read(&who, store)?.unwrap_or_default().stands(now)),
            Question::Block(block) => {
                let who = block.who.clone();
                let mut record = self.open(now, &who, store)?;
                self.block(now, &mut record, block, store)?;
                let stands = record.stands(now);
                store.put(&key_of(RECORD, &who), &message::encode(STORED, &record))?;
                self.write_totals(store)?;
                Answer::Stands(stands)
            }
            Question::Find(who) => {
                Answer::Cases(read(&who, store)?.and_then(|record| record.block).into_iter().collect())
            }
            Question::Unblock(who) => self.forgive(now, &who, store)?,
            Question::List(mark, after, most) => Answer::Cases(listed(mark, &after, most, store)?),
            Question::Totals => Answer::Totals(self.totals.clone()),
        })
    }

    fn wake(&mut self, now: Millis, store: &mut dyn Store) -> Result<(), Fault> {
        // Alarms do not overlap: what was out has ended without a word.
        if !self.out.is_empty() {
            self.out.clear();
            self.tell_at = Some(now);
        }
        if self.sweep_at.is_some_and(|at| at <= now) {
            self.sweep(now, store)?;
        }
        Ok(())
    }

    fn next_wake(&self) -> Option<Millis> {
        [self.sweep_at, self.tell_at].into_iter().flatten().min()
    }

    fn errand(&mut self, now: Millis, store: &mut dyn Store) -> Result<Option<Errand>, Fault> {
        if !self.out.is_empty() || self.tell_at.is_none_or(|at| now < at) {
            return Ok(None);
        }
        let mut changes = Vec::new();
        for (key, value) in store.scan(&[PENDING], &[PENDING.saturating_add(1)], MARKS_AT_ONCE)? {
            match change(now, &key, &value) {
                Some(change) => {
                    changes.push(change);
                    self.out.push((key, value));
                }
                None => store.delete(&key)?,
            }
        }
        self.tell_at = (!changes.is_empty()).then(|| now.saturating_add(LEASE_MS));
        Ok(self.tell_at.map(|_| {
            let question = signals::Question::Write(self.known, changes);
            let to = Destination::Object(Class::Signals, ROOT.to_owned());
            Errand { to, message: message::question::<Signals>(&question) }
        }))
    }

    fn returned(&mut self, now: Millis, returned: Returned, store: &mut dyn Store) -> Result<(), Fault> {
        let out = std::mem::take(&mut self.out);
        match returned.ok().and_then(message::read_answer::<Signals>) {
            Some(answer) => {
                self.known = position(&answer).unwrap_or_default();
                for (key, value) in out {
                    // Meanwhile it may have been decided in another way.
                    if store.get(&key)?.is_some_and(|known| known == value) {
                        store.delete(&key)?;
                    }
                }
                (self.tell_at, self.failures) = (Some(now), 0);
            }
            None => {
                let pause = FIRST_PAUSE_MS.checked_shl(self.failures.min(16)).unwrap_or(LONGEST_PAUSE_MS);
                self.failures = self.failures.saturating_add(1);
                self.tell_at = Some(now.saturating_add(pause.min(LONGEST_PAUSE_MS)));
            }
        }
        Ok(())
    }
}

impl Warden {
    fn report(&mut self, now: Millis, report: &Report, store: &mut dyn Store) -> Result<Vec<Ruling>, Fault> {
        let mut rulings = Vec::new();
        for line in report.lines.iter().take(MOST_LINES) {
            let mut record = self.open(now, &line.who, store)?;
            // Whoever is blocked has been judged; what comes yet was on its way.
            if record.stands(now).blocked == 0 {
                self.end(now, &line.who, &mut record, store)?;
                record.forget(now, &report.rule, line.who.is_network());
                rulings.extend(self.count(now, &mut record, line, report, store)?);
                store.put(&key_of(RECORD, &line.who), &message::encode(STORED, &record))?;
            }
        }
        self.write_totals(store)?;
        Ok(rulings)
    }

    /// Adds what was seen of somebody, and decides.
    fn count(
        &mut self,
        now: Millis,
        record: &mut Record,
        line: &Line,
        Report { tag, rule, .. }: &Report,
        store: &mut dyn Store,
    ) -> Result<Option<Ruling>, Fault> {
        let at = now.saturating_sub(line.age_ms.min(OLDEST_MS).into());
        if line.kind == CAME {
            let entry = Entry { at, amount: 1, kind: CAME, tag: line.from };
            return self.suspect(now, record, line, rule.addresses, entry, store);
        }
        // One report has several lines of somebody, one for each kind.
        let entry = Entry { at, amount: line.count, kind: line.kind, tag: tag.wrapping_shl(3) ^ u64::from(line.kind) };
        if record.score.has(entry.tag) || record.logins.has(entry.tag) {
            return Ok(None);
        }
        let (is_client, kind) = (line.who.is_network(), usize::from(line.kind));
        let weight = rule.weights.get(kind).copied().unwrap_or_default();
        if is_client {
            self.total(TOTALS.len().saturating_add(kind), line.count.into());
        }
        if is_client && weight > 0 {
            let amount = line.count.saturating_mul(weight.into());
            record.score.add(Entry { amount, ..entry }, entries(rule.threshold));
            record.keep(record.score.ends(rule.window_ms));
        }
        if is_client && rule.threshold > 0 && record.score.sum() >= rule.threshold {
            let case = rule.case(now, &line.who, record);
            let ruling = Ruling { who: line.who.clone(), mark: Mark::Blocked, until: case.until };
            self.block(now, record, case, store)?;
            return Ok(Some(ruling));
        }
        let is_login = [Kind::BadToken, Kind::FailedLogin].iter().any(|login| *login as usize == kind);
        let bound = if is_client { rule.logins } else { rule.user_logins };
        if is_login { self.suspect(now, record, line, bound, entry, store) } else { Ok(None) }
    }

    /// Blocks somebody. What has led there is forgotten with it.
    fn block(&mut self, now: Millis, record: &mut Record, case: Case, store: &mut dyn Store) -> Result<(), Fault> {
        if record.block.is_none() {
            self.total(BLOCKS, 1);
            store.put(&key_of(BLOCKED, &case.who), &[])?;
        }
        self.total(EVER, 1);
        self.tell(now, mark_of(Mark::Blocked, &case.who), case.until, store)?;
        // What the gateway blocks by itself is one client. A mark that is there for too long costs little.
        if !case.by.is_empty() && case.who.text().contains('/') {
            self.tell(now, networks_mark(), now.saturating_add(LONGEST_BLOCK_MS), store)?;
        }
        record.score = Tally::default();
        record.keep(case.until);
        record.block = Some(case);
        Ok(())
    }

    /// Counts what makes somebody suspicious, and marks them if there are too many; again before that ends.
    fn suspect(
        &mut self,
        now: Millis,
        record: &mut Record,
        line: &Line,
        bound: Bound,
        entry: Entry,
        store: &mut dyn Store,
    ) -> Result<Option<Ruling>, Fault> {
        if bound.most == 0 {
            return Ok(None);
        }
        let came = entry.kind == CAME;
        let tally = if came { &mut record.addresses } else { &mut record.logins };
        tally.add(entry, entries(bound.most).saturating_add(1));
        let (count, ends) = (tally.sum(), tally.ends(bound.window_ms));
        record.keep(ends);
        if count <= bound.most {
            return Ok(None);
        }
        let known = record.suspect.take();
        if known.is_none() {
            self.total(SUSPECTS, 1);
            store.put(&key_of(SUSPECT, &line.who), &[])?;
        }
        let (since, told) = known.map_or((now, 0), |known| (known.since, known.until));
        let is_due = told <= now.saturating_add(Millis::from(bound.window_ms).div_euclid(2));
        let until = if is_due { now.saturating_add(bound.window_ms.into()) } else { told };
        let reason = format!("{count} {}", if came { "addresses" } else { "failed logins" });
        record.keep(until);
        record.suspect = Some(Case { who: line.who.clone(), reason, by: String::new(), since, until });
        if !is_due {
            return Ok(None);
        }
        self.tell(now, mark_of(Mark::Suspicious, &line.who), until, store)?;
        Ok(Some(Ruling { who: line.who.clone(), mark: Mark::Suspicious, until }))
    }

    /// Takes back a block and a suspicion, and forgets what was before.
    fn forgive(&mut self, now: Millis, who: &Who, store: &mut dyn Store) -> Result<Answer, Fault> {
        if let Some(record) = read(who, store)? {
            self.drop(who, &record, store)?;
            self.write_totals(store)?;
        }
        for mark in [Mark::Blocked, Mark::Suspicious] {
            self.tell(now, mark_of(mark, who), 0, store)?;
        }
        Ok(Answer::Stands(Stands::default()))
    }

    /// Puts down that the log has to learn a mark; until 0: that it is taken off.
    fn tell(&mut self, now: Millis, hash: u64, until: Millis, store: &mut dyn Store) -> Result<(), Fault> {
        store.put(&[&[PENDING][..], &hash.to_be_bytes()].concat(), &until.to_le_bytes())?;
        if self.out.is_empty() && self.failures == 0 {
            self.tell_at = Some(now);
        }
        Ok(())
    }

    /// The record of somebody; a new one, for which there is room, if there is none.
    fn open(&mut self, now: Millis, who: &Who, store: &mut dyn Store) -> Result<Record, Fault> {
        if let Some(known) = read(who, store)? {
            return Ok(known);
        }
        if self.totals.get(TRACKED).is_some_and(|tracked| *tracked >= MOST_TRACKED) {
            self.make_room(now, store)?;
        }
        self.total(TRACKED, 1);
        let due = step_of(now).saturating_add(1);
        store.put(&due_key(due, who), &[])?;
        let at = Millis::from(due).saturating_mul(STEP_MS);
        self.sweep_at = Some(self.sweep_at.map_or(at, |known| known.min(at)));
        Ok(Record { due, idle_at: now, ..Record::default() })
    }

    fn write_totals(&self, store: &mut dyn Store) -> Result<(), Fault> {
        store.put(NUMBERS, &message::encode(STORED, &self.totals))
    }

    /// Takes somebody out of everything but what the log has to learn.
    fn drop(&mut self, who: &Who, record: &Record, store: &mut dyn Store) -> Result<(), Fault> {
        for key in [key_of(RECORD, who), due_key(record.due, who), key_of(BLOCKED, who), key_of(SUSPECT, who)] {
            store.delete(&key)?;
        }
        self.total(TRACKED, -1);
        self.total(BLOCKS, if record.block.is_some() { -1 } else { 0 });
        self.total(SUSPECTS, if record.suspect.is_some() { -1 } else { 0 });
        Ok(())
    }

    fn total(&mut self, place: usize, more: i64) {
        if let Some(total) = self.totals.get_mut(place) {
            *total = total.saturating_add_signed(more);
        }
    }

    /// Looks at what is due: what has no meaning any more goes, the rest is looked at again when it may have none.
    fn sweep(&mut self, now: Millis, store: &mut dyn Store) -> Result<(), Fault> {
        let end = due_bound(step_of(now).saturating_add(1));
        for (key, _) in store.scan(&[DUE], &end, SWEEP)? {
            self.look_at(now, &key, store)?;
        }
        self.write_totals(store)?;
        self.look_ahead(store)
    }

    /// Looks at an entry of the index. Says whether the record is gone.
    fn look_at(&mut self, now: Millis, key: &[u8], store: &mut dyn Store) -> Result<bool, Fault> {
        let who = who_of(key);
        let record = who.as_ref().map(|who| read(who, store)).transpose()?.flatten();
        let (Some(who), Some(mut record)) = (who, record) else {
            // Of another format, or left behind by nothing that is known.
            self.total(TRACKED, -1);
            store.delete(key)?;
            return Ok(true);
        };
        if record.idle_at <= now {
            self.drop(&who, &record, store)?;
            return Ok(true);
        }
        store.delete(key)?;
        record.due = step_of(record.idle_at).saturating_add(1);
        store.put(&due_key(record.due, &who), &[])?;
        self.end(now, &who, &mut record, store)?;
        store.put(&key_of(RECORD, &who), &message::encode(STORED, &record))?;
        Ok(false)
    }

    /// Ends what is over of somebody of whom something else still counts.
    fn end(&mut self, now: Millis, who: &Who, record: &mut Record, store: &mut dyn Store) -> Result<(), Fault> {
        if record.block.as_ref().is_some_and(|block| block.until <= now) {
            record.block = None;
            self.total(BLOCKS, -1);
            store.delete(&key_of(BLOCKED, who))?;
        }
        if record.suspect.as_ref().is_some_and(|suspect| suspect.until <= now) {
            record.suspect = None;
            self.total(SUSPECTS, -1);
            store.delete(&key_of(SUSPECT, who))?;
        }
        Ok(())
    }

    /// Forgets one of those that would be forgotten first.
    fn make_room(&mut self, now: Millis, store: &mut dyn Store) -> Result<(), Fault> {
        for _ in 0..TRIES {
            let first = store.scan(&[DUE], &[DUE.saturating_add(1)], 1)?;
            let Some((key, _)) = first.first() else { return Ok(()) };
            if self.look_at(now, key, store)? {
                return Ok(());
            }
        }
        let first = store.scan(&[DUE], &[DUE.saturating_add(1)], 1)?;
        let who = first.first().and_then(|(key, _)| who_of(key));
        let Some(who) = who else { return Ok(()) };
        let record = read(&who, store)?.unwrap_or_default();
        self.drop(&who, &record, store)
    }

    fn look_ahead(&mut self, store: &dyn Store) -> Result<(), Fault> {
        let first = store.scan(&[DUE], &[DUE.saturating_add(1)], 1)?;
        let step = first.first().and_then(|(key, _)| Some(u32::from_be_bytes(key.get(1..5)?.try_into().ok()?)));
        self.sweep_at = step.map(|step| Millis::from(step).saturating_mul(STEP_MS));
        Ok(())
    }
}

impl Record {
    fn stands(&self, now: Millis) -> Stands {
        let holding = |until: Option<Millis>| until.filter(|until| now < *until).unwrap_or_default();
        Stands {
            blocked: holding(self.block.as_ref().map(|block| block.until)),
            suspicious: holding(self.suspect.as_ref().map(|suspect| suspect.until)),
        }
    }

    /// It means something until then, at least.
    fn keep(&mut self, until: Millis) {
        self.idle_at = self.idle_at.max(until);
    }

    fn forget(&mut self, now: Millis, rule: &Rule, is_client: bool) {
        self.score.forget(now, rule.window_ms);
        self.logins.forget(now, if is_client { rule.logins } else { rule.user_logins }.window_ms);
        self.addresses.forget(now, rule.addresses.window_ms);
    }
}

impl Rule {
    fn case(&self, now: Millis, who: &Who, record: &Record) -> Case {
        let some = (0_usize..).zip(Kind::WORDS).map(|(kind, (word, _))| (word, record.score.sum_of(kind)));
        let some: Vec<String> = some.filter(|(_, sum)| *sum > 0).map(|(word, sum)| format!("{word} {sum}")).collect();
        let reason = format!("{} within {}", some.join(", "), duration::show(self.window_ms.into()));
        let until = now.saturating_add(self.block_ms.into());
        Case { who: who.clone(), reason, by: String::new(), since: now, until }
    }
}

fn entries(bound: u32) -> usize {
    usize::try_from(bound).unwrap_or(usize::MAX)
}

fn read(who: &Who, store: &dyn Store) -> Result<Option<Record>, Fault> {
    Ok(store.get(&key_of(RECORD, who))?.and_then(|bytes| message::decode(STORED, &bytes)))
}

/// Who is marked as this, behind somebody in the order of the index.
fn listed(mark: Mark, after: &str, most: u16, store: &dyn Store) -> Result<Vec<Case>, Fault> {
    let index = if mark == Mark::Blocked { BLOCKED } else { SUSPECT };
    let mut from = [&[index], after.as_bytes()].concat();
    if !after.is_empty() {
        from.push(0);
    }
    let mut cases = Vec::new();
    for (key, _) in store.scan(&from, &[index.saturating_add(1)], most.into())? {
        let bytes = store.get(&[&[RECORD], key.get(1..).unwrap_or_default()].concat())?;
        let record = bytes.and_then(|bytes| message::decode::<Record>(STORED, &bytes)).unwrap_or_default();
        cases.extend(if mark == Mark::Blocked { record.block } else { record.suspect });
    }
    Ok(cases)
}

fn step_of(at: Millis) -> u32 {
    u32::try_from(at.div_euclid(STEP_MS)).unwrap_or(u32::MAX)
}

fn key_of(prefix: u8, who: &Who) -> Vec<u8> {
    [&[prefix], who.0.as_bytes()].concat()
}

fn due_bound(step: u32) -> Vec<u8> {
    [&[DUE][..], &step.to_be_bytes()].concat()
}

fn due_key(step: u32, who: &Who) -> Vec<u8> {
    [due_bound(step).as_slice(), who.0.as_bytes()].concat()
}

/// Whom an entry of the index by time is about.
fn who_of(key: &[u8]) -> Option<Who> {
    Some(Who(String::from_utf8(key.get(5..)?.to_vec()).ok()?))
}

/// The change that a pending mark is; `None` when its time is over.
fn change(now: Millis, key: &[u8], value: &[u8]) -> Option<Change> {
    let hash = u64::from_be_bytes(key.get(1..)?.try_into().ok()?);
    match Millis::from_le_bytes(value.try_into().ok()?) {
        0 => Some(Change::Unmark(hash)),
        until => (now < until).then_some(Change::Mark(signals::Mark { hash, until })),
    }
}

/// How far the log has come, as its answer says.
fn position(answer: &signals::Answer) -> Option<Known> {
    match answer {
        signals::Answer::Delta(Delta { log, after, changes, .. }) => {
            Some(Known { log: *log, sequence: after.saturating_add(changes.len() as u64) })
        }
        signals::Answer::Whole(Whole { log, sequence, .. }) => Some(Known { log: *log, sequence: *sequence }),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
