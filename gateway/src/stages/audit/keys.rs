//! `audit`: the key of this stage in policies and routes, and the keys of `[audit]`.

use super::{Config, Rule, Settings};
use crate::{
    config::{
        diagnostics::Code,
        keys::{Keys as _, keys},
        kinds::{self, Kind},
        layers::{RouteFacts, Stack},
        model::{Grammar, Shape},
        reader::{Item, Located},
        template::Template,
        values::{Fault, names, quoted},
    },
    fleet::audit::row,
};

keys! {
    /// What leaves a row in the audit log.
    pub struct Keys {
        /// Each finished request leaves a row in the audit log, behind its answer: this action, who asked, from where, which
        /// route, and whether it succeeded. No request waits for it or fails with it. A table names what it was done to as
        /// well. `false` takes back what a weaker layer says.
        /// Example: `audit = { action = "order.create", resource = "order", resource_id = "{path.id}" }`
        audit: Option<Written> [Optional] = audit(),
    }
}

keys! {
    /// The table of `audit`.
    pub struct Table {
        /// What was done, in words from the larger to the smaller.
        /// Example: `action = "order.create"`
        action: String [Required] = action(),
        /// To what kind of thing it was done.
        /// Example: `resource = "order"`
        resource: String [Optional] = kinds::parsed(RESOURCE, names::section),
        /// To which of them it was done. A template that a request cannot fill leaves it out.
        /// Example: `resource_id = "{path.id}"`
        resource_id: Located<Template> [Optional] = kinds::header_template(),
    }
}

keys! {
    /// What the audit log holds besides the rows of routes.
    pub struct Section {
        /// Whether refusals that matter for security leave rows. Those are tokens that are not believed, access that is
        /// denied, hosts and connections that are refused, and a kill switch. It takes the queue `EVENTS`; a Worker without
        /// it has none.
        security: bool [Default("true")] = kinds::boolean(),
    }
}

const ACTION: Grammar = Grammar {
    name: "action",
    sentence: "at most 100 lower case letters, digits and underscores, in words with dots between them",
    example: "order.create",
    pattern: Some(r"^[a-z0-9_]+(\.[a-z0-9_]+)*$"),
};

const RESOURCE: Grammar = Grammar {
    name: "resource",
    sentence: "1 to 63 lower case letters, digits, hyphens and underscores",
    example: "order",
    pattern: Some("^[a-z0-9_-]{1,63}$"),
};

/// The key as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    action: String,
    resource: Option<String>,
    resource_id: Option<Located<Template>>,
}

fn action() -> Kind<'static, String> {
    kinds::parsed(ACTION, |text| {
        if row::is_action(text) {
            return Ok(text.to_owned());
        }
        Err(Fault::new(Code::BadName, format!("{} is not an action", quoted(text))).expected(ACTION.sentence))
    })
}

fn audit() -> Kind<'static, Option<Written>> {
    let table = || kinds::table::<Table, Written>(written);
    let read = move |item: &Item<'_>| match item.as_boolean() {
        Some(false) => Some(None),
        None if item.is_text() => {
            let action = action().read(item)?;
            Some(Some(Written { action, resource: None, resource_id: None }))
        }
        None if item.is_table() => table().read(item).map(Some),
        _ => item.wrong_type("an action, a table, or false"),
    };
    Kind::new(read, move || Shape::Any(vec![action().shape(), table().shape(), Shape::False]))
}

fn written(keys: Table) -> Option<Written> {
    let (resource, resource_id) = (keys.resource.maybe(), keys.resource_id.maybe());
    Some(Written { action: keys.action.take()?, resource: resource?, resource_id: resource_id? })
}

/// This stage's part of a route's policy.
pub fn resolve(keys: &Stack<'_, Keys>, route: &mut RouteFacts<'_>) -> Option<Config> {
    let Some(setting) = keys.pick(|keys| &keys.audit) else { return Some(None) };
    let Some(Written { action, resource, resource_id }) = setting.value.as_ref()? else { return Some(None) };
    if let Some(template) = resource_id {
        route.check_template(template);
    }
    let resource_id = resource_id.as_ref().map(|template| template.value.clone());
    Some(Some(Box::new(Rule { action: action.clone(), resource: resource.clone(), resource_id })))
}

/// Reads `[audit]`.
pub fn section(item: &Item<'_>) -> Option<Settings> {
    let mut table = item.table()?;
    let keys = Section::read(&mut table);
    table.finish();
    Some(Settings { security: keys.security.or(true)? })
}
