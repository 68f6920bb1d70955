//! Turns as words and text, the form in which they cross into JavaScript.
//!
//! Words say what the turn is and how long each field is; the text holds the fields one after another. Nothing
//! is separated by a character, so no field can pretend to be two. `src/entry/plan.mjs` reads the same layout:
//!
//! | word | meaning |
//! |---|---|
//! | 0 | kind: see [`Kind`] |
//! | 1, 2 | slot and generation |
//! | 3 | flags: see [`ASCII`], [`UNTOUCHED`], [`ASKS`], [`FLUSHES`], [`FLUSHES_NOW`], [`REPLENISHES`], [`COUNTS`] |
//! | 4 | status of an answer made here, or a deadline in milliseconds: of the head of a forward, of the body of a delivery (0: none), of a body to read, of an errand; or a key: see [`key_number`] |
//! | 5 | length of the text in bytes |
//! | 6 | number of words, these included |
//! | 7 | the most bytes that the body of a forward may have (0: it need not be counted), or one to read; or the status of an answer that is handed on (0: the upstream's); or who does an errand: see [`place_of`] |
//! | 8… | fields, by kind |
//!
//! Fields: a log line is its length (0: none). Edits are constant list + 1 (0: none), number of removals, sets
//! and appends, then the lengths of the names and values. *Made*: log, body, edits. *Relay*: log, edits.
//! *Closed*: log. *Forward*: url, binding (empty: the network), header whose number is asked for (empty: none), edits of the request, edits of the answer. *Deliver*:
//! edits. *Verify*: what was signed, signature. *Run*: the name of the object; its message is in [`Written::message`].
//! *Replenish*: the object that is waited for, a slash, what for. *Digest*, *Read* and *Refresh*: none.

use crate::{
    driver::{Turn, effects::Effect, slots::Handle},
    fleet::isolate::Due,
    http::{
        edits::{Edits, Field},
        reply::Reply,
    },
    pipeline::gateway::Gateway,
    ports::{
        errands::{Class, Destination},
        signatures::Key,
        upstream::{Delivery, Forward},
    },
};

/// What a turn asks JavaScript to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// Answer with what the plan holds.
    Made = 0,
    /// Hand the upstream's answer on.
    Relay = 1,
    /// The request has been answered before; write its log line.
    Closed = 2,
    /// Send a request.
    Forward = 3,
    /// Hand the upstream's answer on and report the end of its body.
    Deliver = 4,
    /// Wait to be woken.
    Parked = 5,
    /// The handle is old.
    Stale = 6,
    /// Check a signature.
    Verify = 7,
    /// Read the body of the request and answer with its digest.
    Digest = 8,
    /// Read the body of the request and answer with it.
    Read = 9,
    /// Have an errand done.
    Run = 10,
    /// Have the log of signals asked.
    Refresh = 11,
    /// Have those asked who count.
    Replenish = 12,
}

/// Flag: the text is ASCII, so its bytes are its characters.
pub const ASCII: u32 = 1;
/// Flag: leave the head of the message alone.
pub const UNTOUCHED: u32 = 2;
/// Flag: there is a question to send behind the response.
pub const ASKS: u32 = 4;
/// Flag: what the isolate has to tell is to be sent a while behind the response.
pub const FLUSHES: u32 = 8;
/// Flag: it is to be sent at once.
pub const FLUSHES_NOW: u32 = 16;
/// Flag: the bytes of the body are counted.
pub const COUNTS: u32 = 64;
/// Flag: there are questions to those who count.
pub const REPLENISHES: u32 = 32;

const HEADER_WORDS: usize = 8;

/// A turn, written. Buffers are kept and used again.
#[derive(Debug, Default)]
pub struct Written {
    /// See the table above.
    pub words: Vec<u32>,
    /// The fields.
    pub text: String,
    /// What an errand is told.
    pub message: Vec<u8>,
}

impl Written {
    /// Writes a turn over whatever was there, with the flags of what is due behind the response.
    pub fn write(&mut self, turn: Turn, due: u32) {
        self.words.clear();
        self.words.resize(HEADER_WORDS, 0);
        self.text.clear();
        let (kind, flags, number) = self.body(&turn);
        let limit = limit(&turn);
        let handle = handle(&turn);
        self.message = match turn {
            Turn::Effect(_, Effect::Run(errand, _)) => errand.message,
            _ => Vec::new(),
        };
        let flags = flags | due;
        let flags = if self.text.is_ascii() { flags | ASCII } else { flags };
        let count = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        let header = [kind as u32, handle.index, handle.generation, flags, number, length(&self.text), count, limit];
        for (word, value) in self.words.iter_mut().zip(header) {
            *word = value;
        }
    }

    fn body(&mut self, turn: &Turn) -> (Kind, u32, u32) {
        match turn {
            Turn::Done(finished) => {
                self.field(&finished.log);
                match &finished.reply {
                    Some(Reply::Made(made)) => {
                        self.field(&made.body);
                        self.edits(&made.head);
                        (Kind::Made, 0, u32::from(made.status))
                    }
                    Some(reply @ Reply::Relay(_)) => (Kind::Relay, self.relay(reply), 0),
                    None => (Kind::Closed, 0, 0),
                }
            }
            Turn::Effect(_, Effect::Forward(plan)) => (Kind::Forward, self.forward(plan), plan.timeout_ms),
            Turn::Effect(_, Effect::Deliver(Delivery { reply, within_ms, counts })) => {
                let within = within_ms.map_or(0, |within| u32::try_from(within).unwrap_or(u32::MAX).max(1));
                (Kind::Deliver, self.relay(reply) | if *counts { COUNTS } else { 0 }, within)
            }
            Turn::Effect(_, Effect::Verify(verify)) => {
                self.field(&verify.signed);
                self.field(&verify.signature);
                (Kind::Verify, 0, key_number(verify.key))
            }
            Turn::Effect(_, Effect::Digest(_, within_ms)) => (Kind::Digest, 0, *within_ms),
            Turn::Effect(_, Effect::Read(_, within_ms)) => (Kind::Read, 0, *within_ms),
            Turn::Effect(_, Effect::Refresh(within_ms)) => (Kind::Refresh, 0, *within_ms),
            Turn::Effect(_, Effect::Replenish(what, within_ms)) => {
                self.field(what);
                (Kind::Replenish, 0, *within_ms)
            }
            Turn::Effect(_, Effect::Run(errand, within_ms)) => {
                if let Destination::Object(_, name) = &errand.to {
                    self.field(name);
                }
                (Kind::Run, 0, *within_ms)
            }
            Turn::Parked(_) => (Kind::Parked, 0, 0),
            Turn::Stale => (Kind::Stale, 0, 0),
        }
    }

    fn forward(&mut self, plan: &Forward) -> u32 {
        self.field(&plan.url);
        self.field(&plan.binding);
        self.field(&plan.asks);
        self.edits(&plan.head);
        self.edits(&plan.answer);
        if plan.untouched { UNTOUCHED } else { 0 }
    }

    fn relay(&mut self, reply: &Reply) -> u32 {
        let Reply::Relay(relay) = reply else { return 0 };
        self.edits(&relay.head);
        if relay.untouched { UNTOUCHED } else { 0 }
    }

    fn edits(&mut self, edits: &Edits) {
        let count = |list: usize| u32::try_from(list).unwrap_or(u32::MAX);
        self.words.push(edits.constant.map_or(0, |index| u32::from(index).saturating_add(1)));
        self.words.extend([count(edits.remove.len()), count(edits.set.len()), count(edits.append.len())]);
        for name in &edits.remove {
            self.field(name);
        }
        for (name, value) in edits.set.iter().chain(&edits.append) {
            self.pair(name, value);
        }
    }

    fn pair(&mut self, name: &Field, value: &Field) {
        self.field(name);
        self.field(value);
    }

    fn field(&mut self, text: &str) {
        self.words.push(length(text));
        self.text.push_str(text);
    }
}

/// A key in one word: its issuer in the upper half, its place there in the lower one.
#[must_use]
pub fn key_number(key: Key) -> u32 {
    u32::from(key.issuer).wrapping_shl(16) | u32::from(key.key)
}

/// The key that a number stands for.
#[must_use]
pub fn key_of(number: u32) -> Key {
    let half = |bits: u32| u16::try_from(bits & 0xffff).unwrap_or_default();
    Key { issuer: half(number.wrapping_shr(16)), key: half(number) }
}

/// Who does an errand, as a number: the place in the list of bindings that JavaScript is given at the start, but for the
/// relay, which has the binding of the log.
#[must_use]
pub fn place_of(to: &Destination) -> u32 {
    match to {
        Destination::Relay => RELAY,
        Destination::Object(Class::Signals, _) => 0,
        Destination::Database => 1,
        Destination::Queue => 2,
        Destination::Object(Class::Audit, _) => 3,
        Destination::Object(Class::Metrics, _) => 4,
        Destination::Object(Class::Limits, _) => 5,
        Destination::Object(Class::Abuse, _) => 6,
    }
}

/// The name of the object that does an errand; empty where none does.
#[must_use]
pub fn name_of(to: &Destination) -> &str {
    match to {
        Destination::Object(_, name) => name,
        Destination::Relay | Destination::Database | Destination::Queue => "",
    }
}

/// The flags of what is due behind the response of a turn.
#[must_use]
pub fn due(gateway: &Gateway) -> u32 {
    let asks = if gateway.fleet.asks() { ASKS } else { 0 };
    let asks = if gateway.fleet.limits.is_low() { asks | REPLENISHES } else { asks };
    match gateway.fleet.due() {
        Due::Never => asks,
        Due::Soon => asks | FLUSHES,
        Due::Now => asks | FLUSHES_NOW,
    }
}

/// The number of the nearest relay.
pub const RELAY: u32 = 255;

fn handle(turn: &Turn) -> Handle {
    match turn {
        Turn::Effect(handle, _) | Turn::Parked(handle) => *handle,
        Turn::Done(_) | Turn::Stale => Handle { index: u32::MAX, generation: 0 },
    }
}

/// A limit beyond 32 bits counts as the largest of them; none is that large yet. A status is never 0.
fn limit(turn: &Turn) -> u32 {
    let reply = match turn {
        Turn::Effect(_, Effect::Forward(plan)) => {
            return plan.body_limit.map_or(0, |limit| u32::try_from(limit.0).unwrap_or(u32::MAX).max(1));
        }
        Turn::Effect(_, Effect::Digest(limit, _) | Effect::Read(limit, _)) => {
            return u32::try_from(limit.0).unwrap_or(u32::MAX);
        }
        Turn::Effect(_, Effect::Run(errand, _)) => return place_of(&errand.to),
        Turn::Effect(_, Effect::Deliver(delivery)) => Some(&delivery.reply),
        Turn::Done(finished) => finished.reply.as_ref(),
        _ => None,
    };
    match reply {
        Some(Reply::Relay(relay)) => relay.status.map_or(0, u32::from),
        _ => 0,
    }
}

fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::size::Size,
        http::reply::{Made, Relay},
        pipeline::run::Finished,
    };

    fn written(turn: Turn) -> Written {
        let mut written = Written::default();
        written.write(turn, 0);
        written
    }

    #[test]
    fn an_answer_is_laid_out_as_the_table_says() {
        let mut head = Edits { constant: Some(0), ..Edits::default() };
        head.remove("a");
        head.set("bb", "ccc");
        head.append("vary", "Origin");
        let reply = Reply::Made(Made { status: 404, head, body: "body".into() });
        let written = written(Turn::Done(Finished { reply: Some(reply), log: "{}".into() }));
        assert_eq!(written.text, "{}bodyabbcccvaryOrigin");
        assert_eq!(written.words, [0, u32::MAX, 0, ASCII, 404, 22, 19, 0, 2, 4, 1, 1, 1, 1, 1, 2, 3, 4, 6]);
    }

    #[test]
    fn a_forward_carries_both_edits_and_its_handle() {
        let body_limit = Some(Size(77));
        let (url, binding) = ("http://o/".into(), "B".into());
        let plan = Forward {
            url,
            binding,
            asks: "xc".into(),
            body_limit,
            timeout_ms: 900,
            untouched: true,
            ..Forward::default()
        };
        let written = written(Turn::Effect(Handle { index: 3, generation: 7 }, Effect::Forward(plan)));
        assert_eq!(written.words, [3, 3, 7, ASCII | UNTOUCHED, 900, 12, 19, 77, 9, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_signature_is_checked_with_the_key_of_its_number() {
        use crate::ports::signatures::Verify;
        let key = Key { issuer: 2, key: 65_535 };
        let verify = Verify { key, signed: "a.b".into(), signature: "xy".into() };
        let written = written(Turn::Effect(Handle { index: 3, generation: 7 }, Effect::Verify(verify)));
        assert_eq!(
            (written.text.as_str(), &*written.words),
            ("a.bxy", &[7, 3, 7, ASCII, 0x2_ffff, 5, 10, 0, 3, 2][..])
        );
        assert_eq!(key_of(0x2_ffff), key);
    }

    #[test]
    fn an_answer_that_is_handed_on_may_get_another_status() {
        let relay = |status| Reply::Relay(Relay { status, ..Relay::default() });
        let done = |status| written(Turn::Done(Finished { reply: Some(relay(status)), log: String::new() })).words[7];
        assert_eq!((done(None), done(Some(410))), (0, 410));
        let handle = Handle { index: 3, generation: 7 };
        let delivered = written(Turn::Effect(
            handle,
            Effect::Deliver(Delivery { reply: relay(Some(502)), within_ms: Some(9), counts: true }),
        ))
        .words;
        assert_eq!((delivered[3], delivered[4], delivered[7]), (ASCII | COUNTS, 9, 502));
    }

    #[test]
    fn a_digest_carries_its_limit_and_its_time() {
        let digest = Effect::Digest(Size(77), 900);
        let written = written(Turn::Effect(Handle { index: 3, generation: 7 }, digest));
        assert_eq!(written.words, [8, 3, 7, ASCII, 900, 0, 8, 77]);
    }

    #[test]
    fn text_beyond_ascii_is_flagged_and_measured_in_bytes() {
        let written = written(Turn::Done(Finished { reply: None, log: "\u{e9}".into() }));
        assert_eq!(written.words, [2, u32::MAX, 0, 0, 0, 2, 9, 0, 2]);
    }
}
