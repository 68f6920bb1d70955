//! What goes wrong on its own, how often.

use super::Random;

/// Chances, in thousandths, for each message, question or alarm.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// How long a message travels, in milliseconds: at least and at most.
    pub(crate) delay: (u64, u64),
    /// It takes up to thirty times as long.
    pub(crate) slow: u64,
    /// A message is lost; the caller waits for nothing.
    pub(crate) lose: u64,
    /// A call fails soon, and the caller knows. Its message may have arrived.
    pub(crate) fail: u64,
    /// A question arrives twice.
    pub(crate) repeat: u64,
    /// An object dies before a question or after it: the answer is lost, what it has stored is not.
    pub(crate) crash: u64,
    /// Storage fails in the middle of a question: all is undone, and the object dies.
    pub(crate) fault: u64,
    /// An object is taken out of memory after a question.
    pub(crate) evict: u64,
    /// An alarm comes early, late, or twice.
    pub(crate) alarm: u64,
}

impl Faults {
    /// No message travels longer.
    pub(crate) const SLOWEST_MS: u64 = 8_000;

    /// Nothing goes wrong, and messages take a moment.
    pub(crate) const NONE: Self =
        Self { delay: (1, 20), slow: 0, lose: 0, fail: 0, repeat: 0, crash: 0, fault: 0, evict: 0, alarm: 0 };

    /// Each kind is absent, rare or frequent, so that schedules differ in what is wrong with them.
    pub(crate) fn drawn(random: &mut Random) -> Self {
        let delay = *random.pick(&[(1, 5), (1, 60), (10, 300), (200, 900)]);
        let mut some = |frequent: u64| *random.pick(&[0, 0, frequent / 6, frequent]);
        Self {
            delay,
            slow: some(100),
            lose: some(250),
            fail: some(150),
            repeat: some(200),
            crash: some(120),
            fault: some(120),
            evict: some(200),
            alarm: some(600),
        }
    }
}
