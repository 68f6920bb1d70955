//! `[issuers.NAME]`: whose tokens are believed.

use std::ops::RangeInclusive;

use super::{named::Register, texts};
use crate::{
    config::{
        diagnostics::Code,
        reader::{Item, Reader},
        text::{Text, Variables},
        values::variables::{self, Part},
    },
    stages::authn::{Algorithm, Issuer},
};

/// Clocks of servers on the internet rarely differ by more.
const DEFAULT_LEEWAY_S: u32 = 30;
const LEEWAY_S: RangeInclusive<u32> = 0..=300;

const ALGORITHMS: [(&str, Algorithm); 1] = [("HS256", Algorithm::Hs256)];

/// Reads `[issuers]`.
pub(super) fn read(root: &mut Reader<'_>, variables: &mut Variables) -> Register<Issuer> {
    if let Some(item) = root.item("issuers").and_then(|item| item.table()?.item("none")) {
        let draft = item.report().draft(Code::BadName, item.key_span(), "no issuer can be named `none`");
        draft.help("`auth = \"none\"` means that a route is public; choose another name").report();
    }
    Register::read(root, "issuers", "issuer", |name, section| issuer(name, section, variables))
}

fn issuer(name: String, section: &mut Reader<'_>, variables: &mut Variables) -> Option<Issuer> {
    let algorithm = section.required("algorithm", |item| item.one_of(&ALGORITHMS));
    let issuer = section.required("issuer", |item| texts::not_empty(item, variables));
    let audience = section.required("audience", |item| texts::not_empty(item, variables));
    let secret = section.required("secret", |item| secret(item, variables));
    let leeway = section.optional("leeway", |item| item.seconds(&LEEWAY_S));
    Some(Issuer {
        name,
        algorithm: algorithm?,
        issuer: issuer?,
        audience: audience?,
        secret: secret?,
        leeway_s: leeway.unwrap_or(DEFAULT_LEEWAY_S),
    })
}

/// A secret consists of variables without defaults. No message repeats what stands there instead.
fn secret(item: &Item<'_>, variables: &mut Variables) -> Option<Text> {
    let help =
        "write `secret = \"${JWT_SECRET}\"` and give the Worker that secret: `npx wrangler secret put JWT_SECRET`";
    let text = item.text()?;
    let Ok(written) = variables::parse(text) else {
        item.draft(Code::BadVariable, "the variable of the secret is broken").help(help).report();
        return None;
    };
    if written.0.is_empty() || written.0.iter().any(|part| matches!(part, Part::Literal(_))) {
        item.draft(Code::SecretInClear, "the secret stands in the file").expected("a variable").help(help).report();
        return None;
    }
    if written.literals().next().is_some() {
        let draft = item.draft(Code::SecretDefault, "the variable of the secret has a default");
        draft.expected("a variable without a default").help(help).report();
        return None;
    }
    texts::intern(item, &written, variables)
}
