//! What a parameter of a path takes: `{id:int}`, `{id:uuid}`, `{id:slug}`, or `{id}` for any segment.
//!
//! A type looks at the segment as it was sent. It decodes nothing: `%31` is not the integer 1.

/// The longest integer: every number of 19 digits fits 64 bits without a sign.
const LONGEST_INT: usize = 19;

/// Where a UUID has its hyphens (RFC 9562 section 4).
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// The length of a UUID.
const UUID: usize = 36;

/// The longest slug.
const LONGEST_SLUG: usize = 128;

/// What a parameter takes, the most specific first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// `int`: 1 to 19 decimal digits.
    Int,
    /// `uuid`: 8-4-4-4-12 hexadecimal digits in either case.
    Uuid,
    /// `slug`: lower case letters, digits and single hyphens between them, 1 to 128 characters.
    Slug,
    /// Any segment that is not empty.
    Any,
}

impl Type {
    /// Every type, the most specific first.
    pub const ALL: [Self; 4] = [Self::Int, Self::Uuid, Self::Slug, Self::Any];

    /// The names that a pattern may use.
    pub const NAMES: [&str; 3] = ["int", "uuid", "slug"];

    /// The type of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == Some(name))
    }

    /// Its name in a pattern; any segment has none.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Int => Some("int"),
            Self::Uuid => Some("uuid"),
            Self::Slug => Some("slug"),
            Self::Any => None,
        }
    }

    /// Whether a segment is of this type.
    #[must_use]
    pub fn takes(self, segment: &str) -> bool {
        match self {
            Self::Int => is_int(segment),
            Self::Uuid => is_uuid(segment),
            Self::Slug => is_slug(segment),
            Self::Any => !segment.is_empty(),
        }
    }

    /// Its place in a set of types.
    pub(super) const fn bit(self) -> u8 {
        match self {
            Self::Int => 1,
            Self::Uuid => 2,
            Self::Slug => 4,
            Self::Any => 8,
        }
    }
}

/// The types that take a segment, as a set.
pub(super) fn taking(segment: &str) -> u8 {
    Type::ALL.into_iter().filter(|kind| kind.takes(segment)).fold(0, |set, kind| set | kind.bit())
}

fn is_int(segment: &str) -> bool {
    (1..=LONGEST_INT).contains(&segment.len()) && segment.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_uuid(segment: &str) -> bool {
    let fits = |(at, byte): (usize, u8)| if HYPHENS.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() };
    segment.len() == UUID && segment.bytes().enumerate().all(fits)
}

fn is_slug(segment: &str) -> bool {
    let mut between = false;
    let fits = |byte: u8| {
        let hyphen = byte == b'-';
        let good = if hyphen { between } else { byte.is_ascii_lowercase() || byte.is_ascii_digit() };
        between = !hyphen;
        good
    };
    segment.len() <= LONGEST_SLUG && segment.bytes().all(fits) && between
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_segment_is_of_the_types_that_it_looks_like() {
        let uuid = "0190a6e0-0000-7000-8000-00000000aBcD";
        let cases: [(&str, &[Type]); 18] = [
            ("", &[]),
            ("0", &[Type::Int, Type::Slug, Type::Any]),
            ("9999999999999999999", &[Type::Int, Type::Slug, Type::Any]),
            ("10000000000000000000", &[Type::Slug, Type::Any]),
            ("-1", &[Type::Any]),
            ("+1", &[Type::Any]),
            ("%31", &[Type::Any]),
            ("1.0", &[Type::Any]),
            (uuid, &[Type::Uuid, Type::Any]),
            ("0190a6e0-0000-7000-8000-00000000abcd", &[Type::Uuid, Type::Slug, Type::Any]),
            ("0190a6e000007000800000000000abcd", &[Type::Slug, Type::Any]),
            ("0190a6e0-0000-7000-8000-00000000abcg", &[Type::Slug, Type::Any]),
            ("0190a6e0-0000-7000-80000-0000000abcd", &[Type::Slug, Type::Any]),
            ("a-b-1", &[Type::Slug, Type::Any]),
            ("a--b", &[Type::Any]),
            ("-a", &[Type::Any]),
            ("a-", &[Type::Any]),
            ("A", &[Type::Any]),
        ];
        for (segment, types) in cases {
            let found: Vec<Type> = Type::ALL.into_iter().filter(|kind| kind.takes(segment)).collect();
            assert_eq!(found, types, "{segment}");
        }
        assert!(Type::Slug.takes(&"a".repeat(128)) && !Type::Slug.takes(&"a".repeat(129)));
    }

    #[test]
    fn every_name_is_read_back() {
        assert_eq!(Type::NAMES.map(|name| Type::parse(name).and_then(Type::name)), Type::NAMES.map(Some));
        assert_eq!(Type::parse("any"), None);
    }

    proptest! {
        /// The counting of ways in `build` rests on it.
        #[test]
        fn no_segment_is_an_integer_and_a_uuid(segment in "[0-9a-f-]{0,40}") {
            prop_assert!(!(Type::Int.takes(&segment) && Type::Uuid.takes(&segment)));
        }
    }
}
