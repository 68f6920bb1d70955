//! Queries as pairs (`application/x-www-form-urlencoded`, WHATWG URL section 5), read where they stand: nothing is
//! decoded that need not be compared, and nothing is written anew.

/// The pieces of a query between its `&`, without the `?`. Pieces may be empty.
pub fn pieces(query: &str) -> impl Iterator<Item = &str> {
    query.split('&')
}

/// The name and the value of a piece, as sent. A piece without `=` is a name with an empty value.
#[must_use]
pub fn pair(piece: &str) -> (&str, &str) {
    piece.split_once('=').unwrap_or((piece, ""))
}

/// Whether a piece has a name, given decoded. An empty piece has none.
#[must_use]
pub fn is_named(piece: &str, name: &str) -> bool {
    !piece.is_empty() && decoded(pair(piece).0).eq(name.bytes())
}

/// The first value of a name, as sent: its percent-encodings are kept.
#[must_use]
pub fn first<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    pieces(query).find(|piece| is_named(piece, name)).map(|piece| pair(piece).1)
}

/// The text that an encoded one stands for; `None` if that is none.
#[must_use]
pub fn decode(text: &str) -> Option<String> {
    String::from_utf8(decoded(text).collect()).ok()
}

/// The bytes that an encoded text stands for. What is no percent-encoding stands for itself.
fn decoded(text: &str) -> impl Iterator<Item = u8> {
    let mut bytes = text.bytes();
    std::iter::from_fn(move || match bytes.next()? {
        b'+' => Some(b' '),
        b'%' => {
            let mut ahead = bytes.clone();
            let byte = ahead.next().zip(ahead.next()).and_then(|(high, low)| super::percent::byte(high, low));
            if byte.is_some() {
                bytes = ahead;
            }
            byte.or(Some(b'%'))
        }
        byte => Some(byte),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_compared_decoded_and_values_stay_as_sent() {
        let cases = [
            ("a=1&a=2", "a", Some("1")),
            ("b&a", "a", Some("")),
            ("a%5B%5d=%20+x", "a[]", Some("%20+x")),
            ("a+b=1", "a b", Some("1")),
            ("a%2Bb=1", "a+b", Some("1")),
            ("%zz=1", "%zz", Some("1")),
            ("%4=1", "%4", Some("1")),
            ("caf%C3%A9=1", "caf\u{e9}", Some("1")),
            ("a==b=", "a", Some("=b=")),
            ("&&=x", "", Some("x")),
            ("", "", None),
            ("A=1", "a", None),
            ("aa=1", "a", None),
        ];
        for (query, name, value) in cases {
            assert_eq!(first(query, name), value, "{query} {name}");
        }
    }

    proptest! {
        #[test]
        fn an_encoded_name_is_found_by_its_text(name in ".{0,12}", value in "[a-z]{0,4}") {
            let mut query = String::from("x=1&");
            crate::http::percent::encode(&name, &mut query);
            query.push('=');
            query.push_str(&value);
            let expected = if name == "x" { "1" } else { value.as_str() };
            prop_assert_eq!(first(&query, &name), Some(expected));
        }

        #[test]
        fn no_query_panics(query in "[a%=&+2\u{e9}]{0,20}", name in "[a%=+ ]{0,3}") {
            let _ = first(&query, &name);
        }
    }
}
