//! Percent-encoding (RFC 3986 section 2.1), for what is put into a URL that was not part of one.

/// Whether a byte stands for itself wherever it stands (RFC 3986 section 2.3).
#[must_use]
pub fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Adds a text, everything but unreserved characters encoded: it is data there, whatever it holds.
pub fn encode(text: &str, into: &mut String) {
    encode_but(text, is_unreserved, into);
}

/// Adds a text, every byte encoded that `stays` does not let stand for itself. Beyond ASCII all are.
pub fn encode_but(text: &str, stays: impl Fn(u8) -> bool, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii() && stays(byte) {
            into.push(char::from(byte));
        } else {
            into.push('%');
            into.extend([digit(byte >> 4), digit(byte & 0xf)]);
        }
    }
}

fn digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).unwrap_or('0').to_ascii_uppercase()
}

/// The byte of two hexadecimal digits.
#[must_use]
pub fn byte(high: u8, low: u8) -> Option<u8> {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    Some((value(high)? << 4) | value(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_unreserved_characters_is_encoded() {
        let mut text = String::new();
        encode("aZ09-._~/ %&=+#?\u{e9}\u{7f}'", &mut text);
        assert_eq!(text, "aZ09-._~%2F%20%25%26%3D%2B%23%3F%C3%A9%7F%27");
        assert_eq!((byte(b'2', b'f'), byte(b'2', b'g')), (Some(b'/'), None));
    }
}
