//! `explain`: who may ask how an answer came about. A key of `[gateway]` alone: it holds for all requests.

use super::{ASKS, Config};
use crate::config::{
    keys::keys,
    kinds::{self, Kind},
    reader::Item,
    text::Text,
};

keys! {
    /// The table of `explain`.
    pub struct Table {
        /// What the tokens of `ferrogate explain-token` are signed with. The Worker's secret has at least 32 bytes, or the
        /// gateway does not start.
        /// Example: `secret = "${EXPLAIN_SECRET}"`
        secret: Text [Required] = kinds::secret(),
    }
}

/// The table of `explain`.
#[must_use]
pub fn explain() -> Kind<'static, Config> {
    kinds::checked_table::<Table, Config>(|item: &Item<'_>, keys| {
        item.context().intern_header(item, ASKS)?;
        Some(Config { secret: keys.secret.take()? })
    })
}
