//! `[upstreams.NAME]`: where requests go.

use std::ops::RangeInclusive;

use super::{named::Register, texts};
use crate::{
    blueprint::Upstream,
    config::{
        diagnostics::Code,
        reader::{Item, Reader},
        text::{Text, Variables},
        values::{url, variables},
    },
};

const DEFAULT_TIMEOUT_MS: u32 = 30_000;
const TIMEOUT_MS: RangeInclusive<u32> = 1..=600_000;

/// Reads `[upstreams]`.
pub(super) fn read(root: &mut Reader<'_>, variables: &mut Variables) -> Register<Upstream> {
    Register::read(root, "upstreams", "upstream", |name, section| upstream(name, section, variables))
}

fn upstream(name: String, section: &mut Reader<'_>, variables: &mut Variables) -> Option<Upstream> {
    let target = section.required("targets", |item| only_target(item, variables));
    let timeout = section.optional("timeout", |item| item.milliseconds(&TIMEOUT_MS));
    Some(Upstream { name, target: target?, timeout_ms: timeout.unwrap_or(DEFAULT_TIMEOUT_MS) })
}

/// Every target is checked, although only one is allowed so far.
fn only_target(item: &Item<'_>, variables: &mut Variables) -> Option<Text> {
    let targets = item.list()?;
    let texts: Vec<Option<Text>> = targets.iter().map(|target| self::target(target, variables)).collect();
    if let [text] = texts.as_slice() {
        return text.clone();
    }
    let draft = item.draft(Code::TargetCount, format!("`targets` names {} targets", targets.len()));
    let draft = draft.expected("exactly one target");
    let several = "balancing between several targets arrives later; name one for now";
    draft.help(if targets.is_empty() { "name the URL of the upstream" } else { several }).report();
    None
}

fn target(item: &Item<'_>, variables: &mut Variables) -> Option<Text> {
    let written = item.parsed(|text| {
        let written = variables::parse(text)?;
        url::check_upstream(&written)?;
        Ok(written)
    })?;
    texts::intern(item, &written.without_trailing_slash(), variables)
}
