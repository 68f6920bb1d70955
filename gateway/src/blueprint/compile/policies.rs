//! `[policies.NAME]`: keys of routes under a name, on top of those of the policies that it uses.

use std::{collections::BTreeMap, slice};

use super::{super::policy::Layer, sections::Sections};
use crate::config::{
    context::Context,
    diagnostics::Code,
    keys::{Key as Set, Keys, Written, keys},
    model::Key,
    reader::{Located, Reader},
    values::quoted,
};

keys! {
    /// What a policy is made of besides its own keys.
    pub(super) struct Used {
        /// Policies that this one is made of: the name of one or a list. Its own keys win over theirs, and of two that set
        /// the same key the later wins.
        /// Example: `use = ["browser", "customer"]`
        r#use: Vec<Located<u16>> [Default("[]")] = super::route_keys::uses(),
    }
}

/// A policy.
#[derive(Clone, Debug, Default)]
pub(super) struct Policy {
    used: Used,
    pub(super) layer: Layer,
}

impl Keys for Policy {
    fn read(table: &mut Reader<'_>) -> Self {
        Self { used: Keys::read(table), layer: Keys::read(table) }
    }

    fn model() -> Vec<Key> {
        [Used::model(), Layer::model()].concat()
    }

    fn written(&self) -> Vec<Written> {
        self.layer.written()
    }
}

impl Policy {
    fn uses(&self) -> &[Located<u16>] {
        let uses: &Set<Vec<Located<u16>>> = &self.used.r#use;
        uses.get().map_or(&[], Vec::as_slice)
    }
}

/// Policies as they are named, each behind those that it is made of, the weakest first. What two of them are made of
/// stands before the first, so that it does not take back what that one says; what is named stands where it is named.
pub(super) fn expanded(policies: &Sections<Policy>, named: impl IntoIterator<Item = u16>) -> Vec<u16> {
    let mut walk = Walk::of(policies);
    named.into_iter().for_each(|index| walk.from(index));
    walk.left
}

/// Reports policies that are made of themselves, each circle where the walk closes it.
pub(super) fn check_circles(policies: &Sections<Policy>, context: &Context<'_>) {
    let mut walk = Walk::of(policies);
    for index in 0..policies.count() {
        if !walk.met.contains_key(&index) {
            walk.from(index);
        }
    }
    for (index, used) in walk.circles {
        let name = context.policies.name(index).unwrap_or_default();
        let message = format!("the policy {} is made of itself", quoted(name));
        let draft = context.report.draft(Code::PolicyCircle, &used.span, message);
        draft.help("take one `use` out of the circle").report();
    }
}

/// A walk from policies to what they are made of, depth first, each met once. It keeps its own path instead of calling
/// itself: a chain can be as long as the file, the stack of the command line in Node cannot.
struct Walk<'a> {
    policies: &'a Sections<Policy>,
    met: BTreeMap<u16, Met>,
    /// Policies in the order in which the walk left them: what one is made of comes before it.
    left: Vec<u16>,
    /// A `use` that leads back to the path, and the policy that it stands in.
    circles: Vec<(u16, &'a Located<u16>)>,
}

#[derive(Clone, Copy)]
enum Met {
    OnPath,
    Left,
}

impl<'a> Walk<'a> {
    fn of(policies: &'a Sections<Policy>) -> Self {
        Self { policies, met: BTreeMap::new(), left: Vec::new(), circles: Vec::new() }
    }

    /// Walks from a policy. It is left (again) even if it was met before; what it is made of is not.
    fn from(&mut self, start: u16) {
        let mut path = vec![(start, self.enter(start))];
        while let Some((index, uses)) = path.last_mut() {
            let Some(used) = uses.next() else {
                self.met.insert(*index, Met::Left);
                self.left.push(*index);
                path.pop();
                continue;
            };
            match self.met.get(&used.value) {
                None => path.push((used.value, self.enter(used.value))),
                Some(Met::OnPath) => self.circles.push((*index, used)),
                Some(Met::Left) => {}
            }
        }
    }

    fn enter(&mut self, index: u16) -> slice::Iter<'a, Located<u16>> {
        self.met.insert(index, Met::OnPath);
        self.policies.get(index).map(Policy::uses).unwrap_or_default().iter()
    }
}
