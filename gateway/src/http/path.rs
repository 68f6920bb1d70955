//! The one form of a path that is matched, forwarded and logged.
//!
//! The rule: what could be read in two ways is refused, so that a policy and the upstream can never disagree
//! about which resource a request names. Refused are dot segments, empty segments inside the path, encoded
//! slashes, backslashes and dots in any spelling that would make a dot segment, broken percent-encodings,
//! control characters and bytes outside ASCII. Nothing is rewritten.

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathError {
    /// It does not begin with `/`.
    NotAbsolute,
    /// A byte that has no place in a path (RFC 3986 section 3.3), a backslash among them.
    Character,
    /// A `%` without two hexadecimal digits, or an encoded slash, backslash or control character.
    Encoding,
    /// `.` or `..` as a segment, plain or encoded.
    DotSegment,
    /// Two slashes in a row.
    EmptySegment,
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
            Self::DotSegment => "no segment that is \".\" or \"..\", plain or encoded",
            Self::EmptySegment => "no empty segment",
        }
    }
}

/// Checks that a path has one meaning only.
///
/// # Errors
/// The first rule that the path breaks.
pub fn check(path: &str) -> Result<(), PathError> {
    let rest = path.strip_prefix('/').ok_or(PathError::NotAbsolute)?;
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        if segment.is_empty() && segments.peek().is_some() {
            return Err(PathError::EmptySegment);
        }
        check_segment(segment)?;
    }
    Ok(())
}

fn check_segment(segment: &str) -> Result<(), PathError> {
    let mut bytes = segment.bytes();
    let (mut dots, mut others) = (0_u32, false);
    while let Some(byte) = bytes.next() {
        let decoded = if byte == b'%' { decode(bytes.next(), bytes.next())? } else { plain(byte)? };
        if decoded == b'.' {
            dots = dots.saturating_add(1);
        } else {
            others = true;
        }
    }
    if !others && (dots == 1 || dots == 2) { Err(PathError::DotSegment) } else { Ok(()) }
}

/// A byte that stands for itself: unreserved, sub-delims, `:` and `@`.
fn plain(byte: u8) -> Result<u8, PathError> {
    let allowed = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte);
    if allowed { Ok(byte) } else { Err(PathError::Character) }
}

fn decode(high: Option<u8>, low: Option<u8>) -> Result<u8, PathError> {
    let digit = |byte: Option<u8>| {
        byte.and_then(|byte| char::from(byte).to_digit(16)).and_then(|value| u8::try_from(value).ok())
    };
    let (Some(high), Some(low)) = (digit(high), digit(low)) else { return Err(PathError::Encoding) };
    let byte = (high << 4) | low;
    if byte.is_ascii_control() || byte == b'/' || byte == b'\\' { Err(PathError::Encoding) } else { Ok(byte) }
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
            ("/a/%2e%2E/b", PathError::DotSegment),
            ("/a/.%2e", PathError::DotSegment),
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

    proptest! {
        #[test]
        fn no_accepted_path_changes_when_it_is_decoded_and_its_dot_segments_are_removed(path in "/[a-c./%2eEfF5\\\\]{0,12}") {
            if check(&path).is_ok() {
                let decoded = path.replace("%2e", ".").replace("%2E", ".");
                prop_assert!(!decoded.split('/').any(|segment| segment == "." || segment == ".."), "{path}");
                prop_assert!(!path.to_ascii_lowercase().contains("%2f") && !path.contains('\\'));
            }
        }
    }
}
