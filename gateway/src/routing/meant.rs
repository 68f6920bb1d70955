//! What somebody meant who wrote a pattern that is none. Only the compiler asks.

use super::{pattern::PatternError, types::Type};
use crate::config::diagnostics::nearest::nearest;

/// What an unknown type was to be.
enum Meant {
    Type(&'static str),
    Any,
    Unclear,
}

impl PatternError {
    /// What was probably meant, where that can be said.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Type(name, found) => match meant(found) {
                Meant::Type(kind) => Some(format!("did you mean `{{{name}:{kind}}}`?")),
                Meant::Any => Some(format!("`{{{name}}}` takes any segment")),
                Meant::Unclear => None,
            },
            Self::TypedRest(name) => Some(format!("write `{{{name}...}}`")),
            _ => None,
        }
    }
}

/// First the words of other tools, which no count of letters brings near, then slips of the pen.
fn meant(found: &str) -> Meant {
    match found.to_ascii_lowercase().as_str() {
        "integer" | "number" | "num" | "digits" | "long" | "int32" | "int64" | "i64" | "u64" => Meant::Type("int"),
        "guid" | "uuidv4" | "uuidv7" => Meant::Type("uuid"),
        "" | "any" | "str" | "string" | "text" | "segment" => Meant::Any,
        other => nearest(other, Type::NAMES).map_or(Meant::Unclear, Meant::Type),
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern::Pattern;

    #[test]
    fn an_unknown_type_gets_the_nearest_one() {
        let help = |text: &str| Pattern::parse(text).unwrap_err().help();
        assert_eq!(help("/{id:itn}").as_deref(), Some("did you mean `{id:int}`?"));
        assert_eq!(help("/{id:integer}").as_deref(), Some("did you mean `{id:int}`?"));
        assert_eq!(help("/{id:INT}").as_deref(), Some("did you mean `{id:int}`?"));
        assert_eq!(help("/{id:GUID}").as_deref(), Some("did you mean `{id:uuid}`?"));
        assert_eq!(help("/{id:slugs}").as_deref(), Some("did you mean `{id:slug}`?"));
        assert_eq!(help("/{id:string}").as_deref(), Some("`{id}` takes any segment"));
        assert_eq!(help("/{id:}").as_deref(), Some("`{id}` takes any segment"));
        assert_eq!(help("/{id:int...}").as_deref(), Some("write `{id...}`"));
        assert_eq!(help("/{id:colour}"), None);
        assert_eq!(help("/{Id}"), None);
    }
}
