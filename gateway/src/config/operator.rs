//! `operator`: who may see what is for operators alone, on paths that are no routes.

use serde::{Deserialize, Serialize};

/// Who may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// Whose tokens are taken, by the index of the issuer.
    pub issuer: u16,
    /// Scopes that the token must carry, all of them.
    pub scopes: Vec<String>,
}

/// What is told of one where configurations are compared: the names of its keys begin with `section`.
#[cfg(feature = "explain")]
pub fn told(operator: Option<&Operator>, section: &str, teller: &mut super::told::Teller<'_>) {
    if let Some(Operator { issuer, scopes }) = operator {
        teller.put(format!("{section}.operator.auth"), (teller.issuer)(*issuer));
        teller.put(format!("{section}.operator.scopes"), super::told::sorted(scopes));
    }
}

#[cfg(feature = "compiler")]
pub use keys::operator;

/// The keys of the table.
#[cfg(feature = "compiler")]
mod keys {
    use super::Operator;
    use crate::config::{
        keys::keys,
        kinds::{self, Kind},
        model::Grammar,
        values::names,
    };

    keys! {
        /// The table of `operator`.
        pub(super) struct Table {
            /// The issuer whose tokens are taken.
            /// Example: `auth = "acme"`
            auth: u16 [Required] = kinds::name("issuers", |context| &context.issuers),
            /// Scopes that the token must carry, all of them.
            /// Example: `scopes = ["gateway:operate"]`
            scopes: Vec<String> [Required] = kinds::some_of(scope(), "name a scope that only operators have"),
        }
    }

    fn scope() -> Kind<'static, String> {
        let sentence = "a scope-token of RFC 6749 section 3.3: visible ASCII without blanks, quotes and backslashes";
        let pattern = Some(r#"^[!#-\[\]-~]+$"#);
        kinds::parsed(Grammar { name: "scope", sentence, example: "orders:read", pattern }, names::scope)
    }

    /// The table `operator`.
    #[must_use]
    pub fn operator() -> Kind<'static, Operator> {
        kinds::table::<Table, Operator>(|keys| {
            Some(Operator { issuer: keys.auth.take()?, scopes: keys.scopes.take()? })
        })
    }
}
