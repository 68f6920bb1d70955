//! The one form of a path that is matched, forwarded and logged.
//!
//! The rule: what could be read in two ways is refused, so that a policy and the upstream can never disagree
//! about which resource a request names. Refused are dot segments, empty segments inside the path, encoded
//! slashes and backslashes, encodings of characters that need none, encodings that are broken or no UTF-8, control
//! characters and bytes outside ASCII. Nothing is rewritten. `docs/paths.md` tells the whole rule.
//!
//! Two things have several spellings that clients do send: characters such as `@` and `:`, plain or encoded, and what
//! stands behind a `;`. They pass, and [`other_readings`] says what else such a path could mean; routing refuses it
//! where that would be another route.

use super::percent::{self, is_unreserved};

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathError {
    /// It does not begin with `/`.
    NotAbsolute,
    /// A byte that has no place in a path (RFC 3986 section 3.3), a backslash among them.
    Character,
    /// A `%` without two hexadecimal digits, or an encoded slash, backslash or control character.
    Encoding,
    /// An encoded letter, digit, hyphen, dot, underscore or tilde: two spellings of one path (RFC 3986 section 6.2.2.2).
    Needless,
    /// Encoded bytes that are no UTF-8: readers differ in what they make of them.
    Utf8,
    /// `.` or `..` as a segment, also before a `;`.
    DotSegment,
    /// Two slashes in a row, or nothing but a `;` and what follows between two.
    EmptySegment,
    /// Another spelling of the same path has another route.
    Spelling,
}

impl PathError {
    /// What was expected, for the problem document.
    #[must_use]
    pub fn expected(self) -> &'static str {
        match self {
            Self::NotAbsolute => "a path that begins with a slash",
            Self::Character => "only characters that RFC 3986 allows in a path",
            Self::Encoding => {
                "percent-encodings of two hexadecimal digits that hide no slash, backslash or control character"
            }
            Self::Needless => "letters, digits and -._~ without percent-encoding",
            Self::Utf8 => "percent-encodings of UTF-8",
            Self::DotSegment => "no segment that is \".\" or \"..\", plain or encoded",
            Self::EmptySegment => "no empty segment",
            Self::Spelling => {
                "upper-case hexadecimal digits, !$&'()*+,;=:@ plain, and no parameters behind a semicolon"
            }
        }
    }
}

/// Checks that a path has one meaning only, but for its [`other_readings`].
///
/// # Errors
/// The first rule that the path breaks.
pub fn check(path: &str) -> Result<(), PathError> {
    let rest = path.strip_prefix('/').ok_or(PathError::NotAbsolute)?;
    if is_ordinary(path) { Ok(()) } else { check_segments(rest) }
}

fn check_segments(path: &str) -> Result<(), PathError> {
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        if segment.is_empty() && segments.peek().is_some() {
            return Err(PathError::EmptySegment);
        }
        check_segment(segment)?;
    }
    Ok(())
}

/// Letters, digits, `-`, `_` and `~` between single slashes: nearly every path, and quickly seen to break no rule.
fn is_ordinary(path: &str) -> bool {
    let mut pairs = path.bytes().zip(path.bytes().skip(1).chain([b'-']));
    pairs.all(|(byte, next)| match byte {
        b'/' => next != b'/',
        _ => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~'),
    })
}

fn check_segment(segment: &str) -> Result<(), PathError> {
    let mut bytes = segment.bytes();
    let mut is_ascii = true;
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            is_ascii &= decode(bytes.next(), bytes.next())?.is_ascii();
        } else if !is_plain(byte) {
            return Err(PathError::Character);
        }
    }
    check_name(segment)?;
    if is_ascii { Ok(()) } else { check_utf8(segment) }
}

/// What stands before a `;` is the segment to those who know parameters (RFC 3986 section 3.3).
fn check_name(segment: &str) -> Result<(), PathError> {
    match name(segment) {
        "." | ".." => Err(PathError::DotSegment),
        "" if !segment.is_empty() => Err(PathError::EmptySegment),
        _ => Ok(()),
    }
}

/// A segment without its parameters. A semicolon may be encoded: there are readers that decode first.
fn name(segment: &str) -> &str {
    let plain = segment.split(';').next().unwrap_or_default();
    let encoded = plain.find("%3").filter(|at| matches!(plain.as_bytes().get(at.saturating_add(2)), Some(b'B' | b'b')));
    encoded.and_then(|at| plain.get(..at)).unwrap_or(plain)
}

/// A byte that stands for itself: unreserved, sub-delims, `:` and `@`.
fn is_plain(byte: u8) -> bool {
    is_unreserved(byte) || b"!$&'()*+,;=:@".contains(&byte)
}

fn decode(high: Option<u8>, low: Option<u8>) -> Result<u8, PathError> {
    let byte = high.zip(low).and_then(|(high, low)| percent::byte(high, low)).ok_or(PathError::Encoding)?;
    match byte {
        b'/' | b'\\' => Err(PathError::Encoding),
        _ if byte.is_ascii_control() => Err(PathError::Encoding),
        _ if is_unreserved(byte) => Err(PathError::Needless),
        _ => Ok(byte),
    }
}

/// Few segments hold bytes beyond ASCII, so they are decoded once more instead of all others being collected.
fn check_utf8(segment: &str) -> Result<(), PathError> {
    let mut bytes = segment.bytes();
    let mut decoded = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' { decode(bytes.next(), bytes.next())? } else { byte });
    }
    std::str::from_utf8(&decoded).map(|_| ()).map_err(|_| PathError::Utf8)
}

/// What else a path that was checked could be read as: with everything plain that may be plain and the digits of the
/// rest in upper case, and that without what stands behind semicolons. Nothing for nearly every path.
pub fn other_readings(path: &str) -> impl Iterator<Item = String> {
    let has_several = path.bytes().any(|byte| matches!(byte, b'%' | b';'));
    let plain = has_several.then(|| respelt(path));
    let bare = plain.as_ref().filter(|plain| plain.contains(';')).map(|plain| without_parameters(plain));
    plain.into_iter().chain(bare).filter(move |reading| reading != path)
}

fn respelt(path: &str) -> String {
    let mut bytes = path.bytes();
    let mut spelt = String::with_capacity(path.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            spelt.push(char::from(byte));
            continue;
        }
        let (high, low) = (bytes.next(), bytes.next());
        match high.zip(low).and_then(|(high, low)| percent::byte(high, low)).filter(|byte| is_plain(*byte)) {
            Some(plain) => spelt.push(char::from(plain)),
            None => {
                spelt.push('%');
                spelt.extend([high, low].into_iter().flatten().map(|digit| char::from(digit.to_ascii_uppercase())));
            }
        }
    }
    spelt
}

fn without_parameters(path: &str) -> String {
    let names: Vec<&str> = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default()).collect();
    names.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_paths_pass() {
        for path in
            ["/", "/a", "/a/", "/v1/products/42", "/a%20b", "/...", "/a.b/..c", "/caf%C3%A9", "/x;y=1,2:@!$&'()*+~"]
        {
            assert_eq!(check(path), Ok(()), "{path}");
        }
        for path in ["/%40me", "/a%3ab", "/...;x", "/a;", "/%22%25%5E", "/%e2%82%ac", "/%F0%9F%A6%80", "/a%2540"] {
            assert_eq!(check(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn what_has_two_meanings_is_refused() {
        let cases = [
            ("", PathError::NotAbsolute),
            ("a", PathError::NotAbsolute),
            ("/a//b", PathError::EmptySegment),
            ("//a", PathError::EmptySegment),
            ("/a/../b", PathError::DotSegment),
            ("/./a", PathError::DotSegment),
            ("/a/%2e%2E/b", PathError::Needless),
            ("/a/.%2e", PathError::Needless),
            ("/a/..;/b", PathError::DotSegment),
            ("/a/.;x=1", PathError::DotSegment),
            ("/a/..%3b/b", PathError::DotSegment),
            ("/a/..%3Bx", PathError::DotSegment),
            ("/a/;x/b", PathError::EmptySegment),
            ("/;", PathError::EmptySegment),
            ("/%3B", PathError::EmptySegment),
            ("/%61dmin", PathError::Needless),
            ("/a%7E", PathError::Needless),
            ("/a%2D", PathError::Needless),
            ("/%ff", PathError::Utf8),
            ("/%C3", PathError::Utf8),
            ("/%C3a", PathError::Utf8),
            ("/%C3/%A9", PathError::Utf8),
            ("/%C0%AF", PathError::Utf8),
            ("/%E0%80%AF", PathError::Utf8),
            ("/%ED%A0%80", PathError::Utf8),
            ("/%F5%80%80%80", PathError::Utf8),
            ("/a%2fb", PathError::Encoding),
            ("/a%5Cb", PathError::Encoding),
            ("/a%00", PathError::Encoding),
            ("/a%7f", PathError::Encoding),
            ("/a%2", PathError::Encoding),
            ("/a%zz", PathError::Encoding),
            ("/a\\b", PathError::Character),
            ("/a b", PathError::Character),
            ("/caf\u{e9}", PathError::Character),
        ];
        for (path, error) in cases {
            assert_eq!(check(path), Err(error), "{path}");
        }
    }

    #[test]
    fn few_paths_can_be_read_in_another_way() {
        let cases: [(&str, &[&str]); 9] = [
            ("/a/b", &[]),
            ("/caf%C3%A9/a%20b", &[]),
            ("/a@b", &[]),
            ("/a%40b%3a", &["/a@b:"]),
            ("/caf%c3%a9", &["/caf%C3%A9"]),
            ("/a;x=1/b;y", &["/a/b"]),
            ("/a%3Bx", &["/a;x", "/a"]),
            ("/a%3bx%2Fy", &["/a;x%2Fy", "/a"]),
            ("/%", &[]),
        ];
        for (path, readings) in cases {
            assert_eq!(other_readings(path).collect::<Vec<_>>(), readings, "{path}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_path_hides_nothing_from_who_decodes_it(path in "/([a-c./;]|%[2-7CcEe][0-9A-Fa-f]){0,9}") {
            if check(&path).is_ok() {
                let decoded = percent_decoded(&path);
                let is_hidden = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
                prop_assert!(!decoded.split('/').any(is_hidden), "{path}");
                prop_assert_eq!(decoded.matches('/').count(), path.matches('/').count());
                let is_lost = decoded.contains(['\\', '\0', char::REPLACEMENT_CHARACTER]);
                prop_assert!(!is_lost, "{path}");
            }
        }

        #[test]
        fn what_is_quickly_seen_to_be_ordinary_breaks_no_rule(path in "/([a-bZ9_~.;%-]|/){0,12}") {
            if is_ordinary(&path) {
                prop_assert_eq!(check_segments(&path[1..]), Ok(()));
            }
        }

        #[test]
        fn the_other_readings_of_an_accepted_path_decode_to_the_same(path in "/([a-c;@]|%[2-7][0-9A-Fa-f]){0,9}") {
            if check(&path).is_ok() {
                let without = |text: &str| {
                    text.split('/').map(|segment| segment.split(';').next().unwrap().to_owned()).collect::<Vec<_>>()
                };
                let decoded = without(&percent_decoded(&path));
                for reading in other_readings(&path) {
                    prop_assert_eq!(without(&percent_decoded(&reading)), &*decoded);
                    prop_assert_ne!(&reading, &path);
                }
            }
        }
    }

    /// What a server does that decodes once: an oracle that shares nothing with the code above.
    fn percent_decoded(path: &str) -> String {
        let (mut bytes, mut rest) = (Vec::new(), path);
        while let Some((before, after)) = rest.split_once('%') {
            bytes.extend(before.bytes());
            bytes.push(u8::from_str_radix(&after[..2], 16).unwrap());
            rest = &after[2..];
        }
        bytes.extend(rest.bytes());
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
