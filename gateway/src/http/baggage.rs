//! W3C Baggage: whether the field is well-formed and small enough to be handed on. What it says is nobody's business here.

/// The most bytes that are handed on: as many as everybody has to take.
pub const LONGEST: usize = 8_192;

/// The most members that the grammar knows.
const MOST_MEMBERS: usize = 180;

/// Whether `baggage` is well-formed and has at most [`LONGEST`] bytes.
#[must_use]
pub fn is_baggage(text: &str) -> bool {
    let is_short = || text.split(',').nth(MOST_MEMBERS).is_none();
    text.len() <= LONGEST && is_short() && text.split(',').all(is_member)
}

/// `key = value; property; key = value`, with blanks wherever parts meet.
fn is_member(text: &str) -> bool {
    let mut parts = text.split(';');
    let is_pair = |(key, value): (&str, &str)| is_key(key) && is_value(value);
    let entry = parts.next().and_then(|entry| entry.split_once('='));
    entry.is_some_and(is_pair)
        && parts.all(|property| property.split_once('=').map_or_else(|| is_key(property), is_pair))
}

/// A token (RFC 9110 section 5.6.2).
fn is_key(text: &str) -> bool {
    let key = blanks_off(text);
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn is_value(text: &str) -> bool {
    blanks_off(text).bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte))
}

fn blanks_off(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn members(count: usize) -> String {
        (0..count).map(|index| format!("k{index}=v")).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn well_formed_baggage_is_kept() {
        let cases = [
            "userId=alice,serverNode=DF%2028,isProduction=false",
            "key1=value1;property1;property2, key2 = value2, key3=value3; propertyKey=propertyValue",
            "SomeKey \t = \t SomeValue \t ; \t SomeProp \t , \t SomeKey2 \t = \t SomeValue2 \t ; \t ValueProp \t = \t PropVal",
            "SomeKey=SomeValue=equals",
            "SomeKey=SomeValue;SomeProp;SomeProp=PropValue;SomeProp=AnotherPropValue",
            "a=",
            "!#$%&'*+-.^_`|~=!#$%&'()*+-./:<=>?@[]^_`{|}~",
            &members(180),
            &format!("k={}", "v".repeat(LONGEST - 2)),
        ];
        for text in cases {
            assert!(is_baggage(text), "{text}");
        }
    }

    #[test]
    fn malformed_or_large_baggage_is_not_kept() {
        let cases = [
            "",
            "a",
            "=a",
            "a=1,",
            "a=1,,b=2",
            "a=1;",
            "a=1;=2",
            "a b=1",
            "a=1 2",
            "a=\"1\"",
            "a=\\",
            "a=\u{e9}",
            "\u{e9}=a",
            "a=\u{fffd}",
            "(a)=1",
            &members(181),
            &format!("k={}", "v".repeat(LONGEST - 1)),
        ];
        for text in cases {
            assert!(!is_baggage(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_or_left_without_a_panic(text in "([a-z]{0,2}[=;, \t\"]{0,2}|\\PC){0,40}") {
            let _ = is_baggage(&text);
        }
    }
}
