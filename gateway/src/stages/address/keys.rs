//! `[gateway] address_from`: the value of this stage's key, which stands in the section of the gateway alone.

use super::Source;
use crate::config::{
    keys::keys,
    kinds::{self, Kind},
    model::Shape,
    reader::Item,
};

keys! {
    /// The table of `address_from`.
    pub struct Table {
        /// The header that tells it: one that a trusted proxy sets or adds to.
        /// Example: `header = "x-forwarded-for"`
        header: String [Required] = kinds::changed_header(),
        /// How many trusted proxies add to the list in that header: the address is so many elements from its right.
        /// Without it the header has one address and nothing else.
        trusted: i64 [Optional] = kinds::integer(1..=16),
    }
}

/// `address_from = "cf-connecting-ip"` or a table.
#[must_use]
pub fn source() -> Kind<'static, Source> {
    let table = || kinds::table::<Table, Source>(of_table);
    let read = move |item: &Item<'_>| match () {
        () if item.is_text() => Some(Source { header: kinds::changed_header().read(item)?, trusted: None }),
        () if item.is_table() => table().read(item),
        () => item.wrong_type("the name of a header or a table"),
    };
    Kind::new(read, move || Shape::Any(vec![kinds::changed_header().shape(), table().shape()]))
}

fn of_table(keys: Table) -> Option<Source> {
    let trusted = keys.trusted.maybe()?;
    Some(Source { header: keys.header.take()?, trusted: trusted.and_then(|trusted| u8::try_from(trusted).ok()) })
}
