//! JSON in one line of visible ASCII: what logs are made of.

/// JSON with everything but visible ASCII and blanks escaped (RFC 8259 section 7). Only texts can hold such characters.
#[must_use]
pub fn visible(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    for unit in json.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte @ b' '..=b'~') => line.push(char::from(byte)),
            _ => line.push_str(&format!("\\u{unit:04x}")),
        }
    }
    line
}
