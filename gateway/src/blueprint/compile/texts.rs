//! Texts with variables, as items of the file: read, checked, and their variables collected.

use crate::config::{
    diagnostics::Code,
    reader::Item,
    text::{Text, Variables},
    values::{
        Fault,
        variables::{self, Written},
    },
};

/// A text with variables whose form `check` looks at.
pub(super) fn checked(
    item: &Item<'_>,
    variables: &mut Variables,
    check: impl FnOnce(&Written) -> Result<(), Fault>,
) -> Option<Text> {
    let written = item.parsed(|text| {
        let written = variables::parse(text)?;
        check(&written)?;
        Ok(written)
    })?;
    intern(item, &written, variables)
}

/// A text with variables that says something.
pub(super) fn not_empty(item: &Item<'_>, variables: &mut Variables) -> Option<Text> {
    checked(item, variables, |written| {
        let is_empty = written.0.is_empty();
        let fault = || Fault::new(Code::EmptyText, format!("`{}` is empty", item.key()));
        if is_empty { Err(fault()) } else { Ok(()) }
    })
}

/// The text for the compiled file.
pub(super) fn intern(item: &Item<'_>, written: &Written, variables: &mut Variables) -> Option<Text> {
    let text = written.intern(variables);
    if text.is_none() {
        item.draft(Code::TooMany, "this is more than 65,535 variables").report();
    }
    text
}
