//! The values of `addresses` and `countries`.

use super::{keys::Keys, origins::Config};
use crate::{
    config::{
        diagnostics::Code,
        keys::keys,
        kinds::{self, Kind},
        layers::Stack,
        model::{Grammar, Shape},
        reader::Item,
        values::{Fault, quoted},
    },
    http::cidr::Cidr,
};

/// Places that are allowed, none standing for all, and places that are not.
pub type Places<T> = (Vec<T>, Vec<T>);

keys! {
    /// The table of `addresses`.
    pub struct Addresses {
        /// Where requests may come from; without it from everywhere.
        /// Example: `allow = ["10.0.0.0/8"]`
        allow: Vec<Cidr> [Optional] = kinds::some_of(kinds::network(), "name a network, or leave `allow` out to allow all"),
        /// Where they may not come from, even if it is allowed.
        deny: Vec<Cidr> [Default("[]")] = kinds::list(kinds::network()),
    }
}

keys! {
    /// The table of `countries`.
    pub struct Countries {
        /// Where requests may come from; without it from everywhere.
        /// Example: `allow = ["DE", "FR"]`
        allow: Vec<String> [Optional] = kinds::some_of(country(), "name a country, or leave `allow` out to allow all"),
        /// Where they may not come from.
        deny: Vec<String> [Default("[]")] = kinds::list(country()),
    }
}

const COUNTRY: Grammar = Grammar {
    name: "country",
    sentence: "two capital letters as in ISO 3166-1, or one with a digit: `DE`, `T1`",
    example: "DE",
    pattern: Some("^[A-Z][A-Z0-9]$"),
};

fn country() -> Kind<'static, String> {
    kinds::parsed(COUNTRY, |text| match text.as_bytes() {
        [first, second] if first.is_ascii_uppercase() && (second.is_ascii_uppercase() || second.is_ascii_digit()) => {
            Ok(text.to_owned())
        }
        _ => {
            let fault = Fault::new(Code::BadName, format!("{} is no code of a country", quoted(text)));
            Err(fault.expected(COUNTRY.sentence))
        }
    })
}

pub(super) fn addresses() -> Kind<'static, Option<Places<Cidr>>> {
    or_false(kinds::table::<Addresses, Places<Cidr>>(|keys| {
        Some((keys.allow.or(Vec::new())?, keys.deny.or(Vec::new())?))
    }))
}

pub(super) fn countries() -> Kind<'static, Option<Places<String>>> {
    or_false(kinds::table::<Countries, Places<String>>(|keys| {
        Some((keys.allow.or(Vec::new())?, keys.deny.or(Vec::new())?))
    }))
}

fn or_false<T: 'static>(table: Kind<'static, T>) -> Kind<'static, Option<T>> {
    let table = std::rc::Rc::new(table);
    let shape = std::rc::Rc::clone(&table);
    let read = move |item: &Item<'_>| match item.as_boolean() {
        Some(false) => Some(None),
        None if item.is_table() => table.read(item).map(Some),
        _ => item.wrong_type("a table with `allow`, `deny` or both, or false"),
    };
    Kind::new(read, move || Shape::Any(vec![shape.shape(), Shape::False]))
}

/// What both keys come to.
pub(super) fn config(keys: &Stack<'_, Keys>) -> Option<Option<Box<Config>>> {
    let addresses = keys.pick(|keys| &keys.addresses).map_or(Some(None), |setting| setting.value.clone())?;
    let countries = keys.pick(|keys| &keys.countries).map_or(Some(None), |setting| setting.value.clone())?;
    let (allow, deny) = addresses.unwrap_or_default();
    let (allow_countries, deny_countries) = countries.unwrap_or_default();
    let config = Config { allow, deny, allow_countries, deny_countries };
    Some((config != Config::default()).then(|| Box::new(config)))
}
