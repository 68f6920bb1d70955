//! `[health]`, and whether what it requires can be asked.

use crate::{
    config::{
        context::Context,
        diagnostics::Code,
        keys::Keys as _,
        reader::{Item, Located},
        values::{listed, quoted},
    },
    stages::{
        forward::upstream::Upstream,
        health::{self, keys::Keys},
    },
};

/// Reads the section.
pub(super) fn read(item: &Item<'_>) -> Option<Keys> {
    let mut section = item.table()?;
    let keys = Keys::read(&mut section);
    section.finish();
    Some(keys)
}

/// Reports what is required and can never be asked. While an upstream is wrong nobody knows.
pub(super) fn check_required(required: &[Located<String>], upstreams: &[Upstream], context: &Context<'_>) {
    let askable = upstreams.iter().filter(|upstream| upstream.health.is_some());
    let upstreams = askable.map(|upstream| health::upstream(&upstream.name));
    let known: Vec<String> = health::PLATFORM.map(|(name, _)| name.to_owned()).into_iter().chain(upstreams).collect();
    let names = || known.iter().map(String::as_str);
    for Located { value, span } in required.iter().filter(|name| !known.contains(&name.value)) {
        let message = format!("no component is named {}", quoted(value));
        let draft = context.report.draft(Code::UnknownWord, span, message);
        let draft = draft.expected(listed(names())).found(quoted(value)).nearest(value, names());
        if value.starts_with("upstream:") {
            draft.help("an upstream can be asked when it says where: health = \"/healthz\"").report();
        } else {
            draft.report();
        }
    }
}
