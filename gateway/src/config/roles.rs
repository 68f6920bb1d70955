//! `[roles]`: which role includes which others. Read once, before any section, so that a route can name a role wherever
//! the table stands.
//!
//! Not here: what a caller holds (`facts::principal`), and what is refused (`stages::authz`). The Worker does without
//! this: a route is compiled with every role that satisfies it.

use std::{
    collections::{BTreeSet, HashMap},
    slice,
};

use super::{
    diagnostics::{Code, Span, nearest::nearest},
    kinds::{self, Kind},
    model::{Grammar, Shape},
    reader::Item,
    tree::{Node, Table, Value},
    values::{listed, names, quoted},
};

/// How roles are named.
pub const ROLE: Grammar = Grammar {
    name: "role",
    sentence: "visible ASCII without blanks, quotes and backslashes, exactly as tokens carry it",
    example: "engineer",
    pattern: Some(r#"^[!#-\[\]-~]+$"#),
};

/// How many names a message lists.
const SHOWN: usize = 8;

/// The roles of a configuration, in the order of the file.
#[derive(Debug, Default)]
pub struct Roles {
    roles: Vec<Role>,
    places: HashMap<String, usize>,
    /// Whether the file says anything about roles: where it does not, every name is a role.
    is_there: bool,
}

#[derive(Debug)]
struct Role {
    name: String,
    /// What it includes, and where that is said. Names that no role has are left out.
    includes: Vec<(usize, Span)>,
    included_by: Vec<usize>,
}

impl Roles {
    /// Of a whole configuration. What is wrong is left out here and reported where the section is read.
    pub(super) fn of(root: &Table) -> Self {
        let Some(section) = root.get("roles") else { return Self::default() };
        let Value::Table(table) = &section.node.value else { return Self { is_there: true, ..Self::default() } };
        let role = |name: &String| Role { name: name.clone(), includes: Vec::new(), included_by: Vec::new() };
        let roles: Vec<Role> = table.0.iter().map(|entry| role(&entry.key)).collect();
        let places = roles.iter().enumerate().map(|(at, role)| (role.name.clone(), at)).collect();
        let mut all = Self { roles, places, is_there: true };
        for (at, entry) in table.0.iter().enumerate() {
            for node in elements(&entry.node) {
                all.include(at, node);
            }
        }
        all
    }

    fn include(&mut self, at: usize, node: &Node) {
        let Value::Text(name) = &node.value else { return };
        let Some(included) = self.places.get(name).copied() else { return };
        if let Some(role) = self.roles.get_mut(at) {
            role.includes.push((included, node.span.clone()));
        }
        if let Some(role) = self.roles.get_mut(included) {
            role.included_by.push(at);
        }
    }

    /// A role and all that include it, directly or not, in the order of their names.
    #[must_use]
    pub fn holding(&self, name: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::from([name.to_owned()]);
        let mut open: Vec<usize> = self.places.get(name).copied().into_iter().collect();
        while let Some(role) = open.pop().and_then(|at| self.roles.get(at)) {
            for at in &role.included_by {
                if let Some(other) = self.roles.get(*at)
                    && found.insert(other.name.clone())
                {
                    open.push(*at);
                }
            }
        }
        found
    }

    /// Reports a role that the table does not have, if there is one.
    fn check(&self, item: &Item<'_>, name: &str) -> Option<()> {
        if !self.is_there || self.places.contains_key(name) {
            return Some(());
        }
        let names = || self.roles.iter().map(|role| role.name.as_str());
        let expected = match self.roles.len().checked_sub(SHOWN) {
            _ if self.roles.is_empty() => "a role of [roles], and there is none".to_owned(),
            None | Some(0) => listed(names()),
            Some(more) => {
                let shown: Vec<String> = names().take(SHOWN).map(quoted).collect();
                format!("{} or one of {more} others", shown.join(", "))
            }
        };
        let draft = item.draft(Code::UnknownRole, format!("no role is named {}", quoted(name)));
        let draft = draft.expected(expected).found(quoted(name));
        match nearest(name, names()) {
            Some(meant) => draft.meant(Some(meant.to_owned())).report(),
            None => draft.help(format!("write `{name} = []` in [roles] if it includes no other")).report(),
        }
        None
    }

    /// Every inclusion that makes a role include itself, with that role: each circle where a walk closes it. The walk
    /// keeps its own path instead of calling itself, because a chain can be as long as the file.
    #[must_use]
    pub fn circles(&self) -> Vec<(&str, &Span)> {
        let mut found = Vec::new();
        let mut met: HashMap<usize, Met> = HashMap::new();
        for start in 0..self.roles.len() {
            if met.contains_key(&start) {
                continue;
            }
            let mut path = vec![(start, self.enter(start, &mut met))];
            while let Some((at, includes)) = path.last_mut() {
                let Some((included, span)) = includes.next() else {
                    met.insert(*at, Met::Left);
                    path.pop();
                    continue;
                };
                match met.get(included) {
                    None => path.push((*included, self.enter(*included, &mut met))),
                    Some(Met::OnPath) => found.extend(self.roles.get(*at).map(|role| (role.name.as_str(), span))),
                    Some(Met::Left) => {}
                }
            }
        }
        found
    }

    fn enter(&self, at: usize, met: &mut HashMap<usize, Met>) -> slice::Iter<'_, (usize, Span)> {
        met.insert(at, Met::OnPath);
        self.roles.get(at).map(|role| role.includes.as_slice()).unwrap_or_default().iter()
    }
}

#[derive(Clone, Copy)]
enum Met {
    OnPath,
    Left,
}

/// What stands alone or in a list.
fn elements(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(nodes) => nodes,
        _ => slice::from_ref(node),
    }
}

/// The name of a role, one that `[roles]` has if the file has that table.
#[must_use]
pub fn role() -> Kind<'static, String> {
    let read = |item: &Item<'_>| {
        let name = item.parsed(names::role)?;
        item.context().roles.check(item, &name).map(|()| name)
    };
    Kind::new(read, || Shape::Text(ROLE))
}

/// The names of roles, one or a list.
#[must_use]
pub fn some_roles() -> Kind<'static, Vec<String>> {
    kinds::one_or_more(role(), "the name of a role or a list of names")
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::*;

    fn roles(text: &str) -> Roles {
        Roles::of(&Table::of(DeTable::parse(text).unwrap().get_ref(), 0))
    }

    fn holding(roles: &Roles, name: &str) -> String {
        roles.holding(name).into_iter().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_role_is_held_by_all_that_include_it() {
        let roles = roles("[roles]\na = []\nb = \"a\"\nc = [\"b\", \"x\"]\nd = [\"a\"]\nx = []");
        assert_eq!(holding(&roles, "a"), "a b c d");
        assert_eq!(holding(&roles, "b"), "b c");
        assert_eq!(holding(&roles, "c"), "c");
        assert_eq!(holding(&roles, "x"), "c x");
    }

    #[test]
    fn without_a_table_a_role_is_held_by_itself() {
        assert_eq!(holding(&roles("[other]"), "a"), "a");
        assert_eq!(holding(&roles("roles = 1"), "a"), "a");
    }

    #[test]
    fn circles_end() {
        let roles = roles("[roles]\na = [\"b\"]\nb = [\"c\", \"a\"]\nc = [\"c\"]");
        let closed: Vec<&str> = roles.circles().into_iter().map(|(name, _)| name).collect();
        assert_eq!(closed, ["c", "b"]);
        assert_eq!(holding(&roles, "a"), "a b");
    }

    #[test]
    fn a_chain_of_roles_may_be_as_long_as_the_file() {
        let chain: String = (1..20_000).map(|index| format!("r{index} = \"r{}\"\n", index - 1)).collect();
        let roles = roles(&format!("[roles]\nr0 = []\n{chain}"));
        assert_eq!(roles.holding("r0").len(), 20_000);
        assert!(roles.circles().is_empty());
    }
}
