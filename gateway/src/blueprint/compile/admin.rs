//! `[admin]`, and whether some route would stand where its paths are.

use super::routes::Declared;
use crate::{
    config::{
        context::Context,
        diagnostics::Code,
        keys::Keys as _,
        reader::{Item, Reader},
        values::quoted,
    },
    stages::admin::{Config, PATH, keys, keys::Keys},
};

/// Reads the section, if it is there.
pub(super) fn read(root: &mut Reader<'_>) -> Option<Keys> {
    root.optional("admin", |item: &Item<'_>| {
        let mut section = item.table()?;
        let keys = Keys::read(&mut section);
        section.finish();
        Some(keys)
    })
}

/// What it says; `None` when something about it is wrong.
pub(super) fn config(keys: Option<Keys>, context: &Context<'_>) -> Option<Config> {
    keys.map_or(Some(None), |keys| keys::config(keys, &context.roles))
}

/// Reports routes that no request reaches because the operator's paths are there.
pub(super) fn check(keys: Option<&Keys>, routes: &[Declared], context: &Context<'_>) {
    let Some(keys) = keys else { return };
    let own = keys.path.get().map_or(PATH, String::as_str);
    let is_own = |path: &str| path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    for route in routes {
        let path = route.key.value.split_once(' ').map_or("", |(_, path)| path);
        if is_own(path) {
            let message = format!("the gateway answers {} itself", quoted(path));
            let draft = context.report.draft(Code::ReservedPath, &route.key.span, message);
            draft.expected(format!("a path that does not begin with {}", quoted(own))).report();
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::blueprint::compile::compile;

    #[test]
    fn roles_that_include_one_of_the_operator_count_whether_it_is_named_or_not() {
        let file = "[gateway]\nname = 'a'\n[issuers.i]\nalgorithm = 'HS256'\nissuer = 'i'\naudience = 'a'\nsecret = '${S}'\n\
                    [roles]\nsre = ['operator']\noperator = []\nviewer = []\nadmin = []\n\
                    [routes.'GET /']\nrespond = 'x'\nauth = 'none'\n[admin]\nauth = 'i'\n";
        for named in ["", "operator = 'operator'\n"] {
            let blueprint = compile("f", &format!("{file}{named}")).into_blueprint().unwrap();
            assert_eq!(blueprint.admin.unwrap().operator, ["operator", "sre"], "{named}");
        }
    }
}
