//! W3C Trace Context, level 2: reading `traceparent` and `tracestate`, writing `traceparent`. Whether a request takes part
//! in a trace is decided in `stages::trace`.

/// Flag: the caller may have recorded the trace.
pub const SAMPLED: u8 = 0x01;

/// Flag: at least the last 7 bytes of the trace id are random.
pub const RANDOM: u8 = 0x02;

/// The most members that `tracestate` may have, empty ones included.
const MOST_MEMBERS: usize = 32;

/// The longest key of a member, and the longest value, in bytes.
const LONGEST: usize = 256;

/// What `traceparent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent<'a> {
    /// 32 hexadecimal digits in lower case, not all of them zero.
    pub trace_id: &'a str,
    /// 16 hexadecimal digits in lower case, not all of them zero: the span that sent the request.
    pub parent_id: &'a str,
    /// [`SAMPLED`] and [`RANDOM`]; other bits mean nothing in version 00.
    pub flags: u8,
}

impl<'a> TraceParent<'a> {
    /// Reads the field. Of a version that is not known yet only what version 00 has is read; `None` when it is malformed
    /// or stands there several times, which makes one text with commas of it.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(5, '-');
        let version = parts.next().filter(|version| is_hex(version, 2) && *version != "ff")?;
        let trace_id = parts.next().filter(|id| is_trace_id(id))?;
        let parent_id = parts.next().filter(|id| is_hex(id, 16) && !is_zero(id))?;
        let flags = parts.next().filter(|flags| is_hex(flags, 2))?;
        let has_no_more = parts.next().is_none_or(|more| version != "00" && !more.contains(','));
        let flags = u8::from_str_radix(flags, 16).ok()? & (SAMPLED | RANDOM);
        has_no_more.then_some(Self { trace_id, parent_id, flags })
    }

    /// The field as it is sent, in version 00.
    #[must_use]
    pub fn print(&self) -> String {
        let mut text = String::with_capacity(55);
        for part in ["00-", self.trace_id, "-", self.parent_id, "-"] {
            text.push_str(part);
        }
        push_hex(&mut text, &[self.flags]);
        text
    }
}

/// Whether a text is a trace id: 32 hexadecimal digits in lower case, not all of them zero.
#[must_use]
pub fn is_trace_id(text: &str) -> bool {
    is_hex(text, 32) && !is_zero(text)
}

/// Whether `tracestate` is well-formed and says something. Keys may stand twice: only who wrote a member may say which of
/// them counts.
#[must_use]
pub fn is_tracestate(text: &str) -> bool {
    let (mut members, mut says_something) = (0_usize, false);
    for member in text.split(',').map(|member| member.trim_matches([' ', '\t'])) {
        members = members.saturating_add(1);
        if members > MOST_MEMBERS || !(member.is_empty() || is_member(member)) {
            return false;
        }
        says_something |= !member.is_empty();
    }
    says_something
}

/// Whether a text is `key=value`. Blanks in front of a value belong to it, those behind it are gone already.
fn is_member(text: &str) -> bool {
    let Some((key, value)) = text.split_once('=') else { return false };
    let first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_key = |byte: u8| first(byte) || b"_-*/@".contains(&byte);
    let is_value = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'=';
    key.bytes().next().is_some_and(first)
        && key.len() <= LONGEST
        && key.bytes().all(is_key)
        && (1..=LONGEST).contains(&value.len())
        && value.bytes().all(is_value)
}

/// Writes bytes as hexadecimal digits in lower case.
pub fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 0x0f] {
            text.extend(char::from_digit(u32::from(digit), 16));
        }
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn is_zero(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TRACE: &str = "12345678901234567890123456789012";
    const PARENT: &str = "1234567890123456";

    /// The cases of the W3C test suite for implementations (`test_traceparent_*`), by its names.
    #[test]
    fn what_is_no_traceparent_begins_a_new_trace() {
        let cases = [
            ("missing", String::new()),
            ("duplicated", format!("00-{TRACE}-{PARENT}-01, 00-{TRACE}-{PARENT}-01")),
            ("duplicated, of a later version", format!("cc-{TRACE}-{PARENT}-01-x, 00-{TRACE}-{PARENT}-01")),
            ("version_0x00", format!("00-{TRACE}-{PARENT}-01.")),
            ("version_0x00", format!("00-{TRACE}-{PARENT}-01-")),
            ("version_0x00", format!("00-{TRACE}-{PARENT}-01-what-the-future-will-be-like")),
            ("version_0xcc", format!("cc-{TRACE}-{PARENT}-01.what-the-future-will-be-like")),
            ("version_0xcc", format!("cc-{TRACE}-{PARENT}")),
            ("version_0xff", format!("ff-{TRACE}-{PARENT}-01")),
            ("version_illegal_characters", format!(".0-{TRACE}-{PARENT}-01")),
            ("version_illegal_characters", format!("0.-{TRACE}-{PARENT}-01")),
            ("version_illegal_characters", format!("CC-{TRACE}-{PARENT}-01")),
            ("version_too_long", format!("000-{TRACE}-{PARENT}-01")),
            ("version_too_long", format!("0000-{TRACE}-{PARENT}-01")),
            ("version_too_short", format!("0-{TRACE}-{PARENT}-01")),
            ("trace_id_all_zero", format!("00-{}-{PARENT}-01", "0".repeat(32))),
            ("trace_id_illegal_characters", format!("00-.{}-{PARENT}-01", &TRACE[1..])),
            ("trace_id_illegal_characters", format!("00-{}.-{PARENT}-01", &TRACE[1..])),
            ("trace_id_illegal_characters", format!("00-{}A-{PARENT}-01", &TRACE[1..])),
            ("trace_id_too_long", format!("00-{TRACE}3-{PARENT}-01")),
            ("trace_id_too_short", format!("00-{}-{PARENT}-01", &TRACE[1..])),
            ("parent_id_all_zero", format!("00-{TRACE}-{}-01", "0".repeat(16))),
            ("parent_id_illegal_characters", format!("00-{TRACE}-.{}-01", &PARENT[1..])),
            ("parent_id_illegal_characters", format!("00-{TRACE}-{}.-01", &PARENT[1..])),
            ("parent_id_illegal_characters", format!("00-{TRACE}-{}F-01", &PARENT[1..])),
            ("parent_id_too_long", format!("00-{TRACE}-{PARENT}7-01")),
            ("parent_id_too_short", format!("00-{TRACE}-{}-01", &PARENT[1..])),
            ("trace_flags_illegal_characters", format!("00-{TRACE}-{PARENT}-.0")),
            ("trace_flags_illegal_characters", format!("00-{TRACE}-{PARENT}-0.")),
            ("trace_flags_illegal_characters", format!("00-{TRACE}-{PARENT}-+1")),
            ("trace_flags_too_long", format!("00-{TRACE}-{PARENT}-001")),
            ("trace_flags_too_short", format!("00-{TRACE}-{PARENT}-1")),
            ("other separators", format!("00_{TRACE}_{PARENT}_01")),
        ];
        for (case, text) in cases {
            assert_eq!(TraceParent::parse(&text), None, "{case}: {text}");
        }
    }

    #[test]
    fn a_later_version_is_read_like_the_first_and_sent_as_that() {
        let sent = |text: String| TraceParent::parse(&text).map(|parent| parent.print());
        for more in ["", "-", "-what-the-future-will-be-like", "-00"] {
            assert_eq!(
                sent(format!("cc-{TRACE}-{PARENT}-01{more}")),
                Some(format!("00-{TRACE}-{PARENT}-01")),
                "{more}"
            );
        }
        assert_eq!(sent(format!("00-{TRACE}-{PARENT}-01")), Some(format!("00-{TRACE}-{PARENT}-01")));
    }

    #[test]
    fn flags_without_a_meaning_become_zero() {
        for (flags, kept) in [("00", 0), ("01", 1), ("02", 2), ("03", 3), ("ff", 3), ("fc", 0), ("09", 1)] {
            let text = format!("00-{TRACE}-{PARENT}-{flags}");
            assert_eq!(TraceParent::parse(&text).map(|parent| parent.flags), Some(kept), "{flags}");
        }
    }

    /// Every character that may stand in a value.
    fn every_character() -> String {
        (' '..='~').filter(|character| !",=".contains(*character)).collect()
    }

    fn members(count: usize) -> String {
        (0..count).map(|index| format!("bar{index:02}={index:02}")).collect::<Vec<_>>().join(",")
    }

    /// The cases of the W3C test suite for implementations (`test_tracestate_*`), by its names.
    #[test]
    fn a_well_formed_tracestate_is_kept() {
        let cases = [
            ("traceparent_included", "foo=1,bar=2".to_owned()),
            ("empty_header", "foo=1, ".to_owned()),
            ("empty_header", ", foo=1".to_owned()),
            ("empty_header", "foo=1,,,bar=2".to_owned()),
            ("multiple_headers_different_keys", "foo=1,bar=2, rojo=1,congo=2, baz=3".to_owned()),
            ("duplicated_keys", "foo=1,foo=1".to_owned()),
            ("duplicated_keys", "foo=1,foo=2".to_owned()),
            ("all_allowed_characters", format!("abcdefghijklmnopqrstuvwxyz0123456789_-*/={}", every_character())),
            ("all_allowed_characters", format!("0a_-*/@a-z0-9_-*/={}", every_character())),
            ("ows_handling", "foo=1 \t , \t bar=2, \t baz=3".to_owned()),
            ("ows_handling", "foo=1\t \t,\t \tbar=2,\t \tbaz=3".to_owned()),
            ("ows_handling", "\t foo=1 \t".to_owned()),
            ("key_illegal_vendor_format", "foo@=1,bar=2".to_owned()),
            ("key_illegal_vendor_format", "foo@@bar=1,foo@bar@baz=2".to_owned()),
            ("member_count_limit", members(32)),
            ("key_length_limit", format!("foo=1,{}=1", "z".repeat(256))),
            ("key_length_limit", format!("foo=1,{}@v=1", "t".repeat(242))),
            ("key_length_limit", format!("foo=1,t@{}=1", "v".repeat(15))),
            ("the longest value", format!("foo={}", "v".repeat(256))),
            ("blanks in front of a value", "foo=  1".to_owned()),
            ("more than 512 characters", format!("a={0},b={0},c={0}", "v".repeat(256))),
        ];
        for (case, text) in cases {
            assert!(is_tracestate(&text), "{case}: {text}");
        }
    }

    #[test]
    fn a_malformed_or_empty_tracestate_is_not_kept() {
        let cases = [
            ("empty_header", String::new()),
            ("empty_header", " , ,\t".to_owned()),
            ("key_illegal_characters", "foo =1".to_owned()),
            ("key_illegal_characters", "FOO=1".to_owned()),
            ("key_illegal_characters", "foo.bar=1".to_owned()),
            ("key_illegal_characters", "_foo=1".to_owned()),
            ("key_illegal_vendor_format", "@foo=1,bar=2".to_owned()),
            ("member_count_limit", members(33)),
            ("member_count_limit", ",".repeat(32) + "a=1"),
            ("key_length_limit", format!("foo=1,{}=1", "z".repeat(257))),
            ("value_illegal_characters", "foo=bar=baz".to_owned()),
            ("value_illegal_characters", "foo=,bar=3".to_owned()),
            ("value_illegal_characters", "foo=a\tb".to_owned()),
            ("value_illegal_characters", "foo=\u{e9}".to_owned()),
            ("the longest value", format!("foo={}", "v".repeat(257))),
            ("no value", "foo".to_owned()),
            ("no key", "=1".to_owned()),
        ];
        for (case, text) in cases {
            assert!(!is_tracestate(&text), "{case}: {text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(trace in "[0-9a-f]{31}[1-9]", parent in "[1-9a-f][0-9a-f]{15}", flags in 0_u8..4) {
            let written = TraceParent { trace_id: &trace, parent_id: &parent, flags };
            let text = written.print();
            prop_assert_eq!(text.len(), 55);
            prop_assert_eq!(TraceParent::parse(&text), Some(written));
        }

        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "([0-9a-f]{0,33}[-., ]?|\\PC){0,6}") {
            if let Some(parent) = TraceParent::parse(&text) {
                let printed = parent.print();
                prop_assert_eq!(TraceParent::parse(&printed), Some(parent));
            }
            let _ = is_tracestate(&text);
        }

        /// Whatever is kept is a list that a strict reader on the other side takes too: between commas, with blanks around
        /// it taken away, nothing or one key with its value.
        #[test]
        fn whatever_is_kept_follows_the_grammar(text in "([a-z@]{0,3}[= \t,]{0,2}[A-Z0-9 ]{0,3},?){0,40}") {
            let pattern = regex_lite::Regex::new(
                "^[ \t]*([a-z0-9][a-z0-9_*/@-]{0,255}=[ -+\\--<>-~]{0,255}[!-+\\--<>-~])?[ \t]*$",
            ).unwrap();
            let fits = text.split(',').count() <= 32 && text.split(',').all(|member| pattern.is_match(member));
            prop_assert_eq!(is_tracestate(&text), fits && text.contains('='));
        }
    }
}
