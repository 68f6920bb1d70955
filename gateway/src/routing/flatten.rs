//! Writes trees of routes down as the flat lists of a [`Table`]: breadth first, so that the children of a node
//! stand in a row.

use std::collections::BTreeMap;

use super::{
    build::{Branch, Builder},
    hosts::Hosts,
    search::{CROWDED, hash, places},
    table::{Node, ROOT, Span, Table, span},
};

/// A table that is being written.
#[derive(Default)]
struct Writer<'b> {
    table: Table,
    /// The branch of each node, in the same order.
    branches: Vec<&'b Branch>,
    /// Texts that are there already.
    texts: BTreeMap<String, Span>,
    /// Trees that are there already: hosts with the same routes share one.
    trees: BTreeMap<&'b Branch, u32>,
}

/// The table of these routes.
pub(super) fn flatten(builder: &Builder) -> Table {
    let mut writer = Writer::default();
    writer.table.nodes.clear();
    writer.root(&builder.any_host);
    let mut hosts = Hosts::default();
    for (is_wildcard, names) in [(false, &builder.exact), (true, &builder.wildcards)] {
        for (name, branch) in names {
            let root = writer.root(branch);
            hosts.push(is_wildcard, writer.text(name), root);
        }
    }
    writer.nodes();
    writer.slots();
    let (versions, in_paths) = (builder.versions.clone(), builder.in_paths.clone());
    Table { hosts, versions, in_paths, ..writer.table }
}

impl<'b> Writer<'b> {
    fn root(&mut self, branch: &'b Branch) -> u32 {
        if let Some(root) = self.trees.get(branch) {
            return *root;
        }
        let root = self.push(branch, Span::default(), 0);
        self.trees.insert(branch, root);
        root
    }

    fn push(&mut self, branch: &'b Branch, label: Span, depth: u8) -> u32 {
        let index = index(self.table.nodes.len());
        self.table.nodes.push(Node { label, depth, ..Node::default() });
        self.branches.push(branch);
        index
    }

    /// Fills every node in; its children join the end of the list and come later.
    fn nodes(&mut self) {
        let mut at = 0_usize;
        while let Some(branch) = self.branches.get(at).copied() {
            let depth = self.table.nodes.get(at).map(|node| node.depth).unwrap_or_default();
            let (children, types) = (self.table.nodes.len(), self.children(branch, depth));
            let (entries, ends, rest) = (self.table.entries.len(), branch.ends.len(), branch.rest.len());
            self.table.entries.extend(branch.ends.iter().chain(&branch.rest));
            if let Some(node) = self.table.nodes.get_mut(at) {
                node.types = types;
                node.literals = index(branch.literals.len());
                (node.ends, node.rest) = (index(ends), index(rest));
                // What a node has none of begins at 0, which takes the least room.
                node.children = if branch.has_children() { index(children) } else { 0 };
                node.entries = if ends == 0 && rest == 0 { 0 } else { index(entries) };
            }
            at = at.saturating_add(1);
        }
    }

    /// Adds the children of a branch and says which types they have.
    fn children(&mut self, branch: &'b Branch, depth: u8) -> u8 {
        for (text, child) in &branch.literals {
            let (text, segments, child) = joined(text, child);
            let label = self.text(&text);
            self.push(child, label, depth.saturating_add(segments));
        }
        branch.types.iter().fold(0, |set, (kind, child)| {
            self.push(child, Span::default(), depth.saturating_add(1));
            set | kind.bit()
        })
    }

    /// The literal children of crowded nodes, each in the first free slot from its hash on. Half of the slots
    /// stay empty, so that the way to a free one is short.
    fn slots(&mut self) {
        let Table { nodes, slots, text, .. } = &mut self.table;
        let crowded = || nodes.iter().filter(|node| node.literals > CROWDED);
        let count: usize = crowded().map(|node| node.literals as usize).sum();
        if count == 0 {
            return;
        }
        slots.resize(count.saturating_mul(2).next_power_of_two(), ROOT);
        for node in crowded() {
            for child in node.children..node.children.saturating_add(node.literals) {
                let label = nodes.get(child as usize).map(|child| span(text, child.label)).unwrap_or_default();
                let first = label.split('/').next().unwrap_or_default();
                let mut free = places(hash(node.children, first), slots.len());
                let free = free.find(|place| slots.get(*place) == Some(&ROOT));
                if let Some(slot) = free.and_then(|place| slots.get_mut(place)) {
                    *slot = child;
                }
            }
        }
    }

    /// A text's place; each text is written once.
    fn text(&mut self, text: &str) -> Span {
        if let Some(known) = self.texts.get(text) {
            return *known;
        }
        let span = Span { start: index(self.table.text.len()), length: index(text.len()) };
        self.table.text.push_str(text);
        self.texts.insert(text.to_owned(), span);
        span
    }
}

/// A literal child's label and its number of segments, with those below it up to where something ends or a way
/// branches off.
fn joined<'b>(text: &str, child: &'b Branch) -> (String, u8, &'b Branch) {
    let (mut text, mut segments, mut child) = (text.to_owned(), 1_u8, child);
    while let Some((next, below)) = child.only_child() {
        text.push('/');
        text.push_str(next);
        segments = segments.saturating_add(1);
        child = below;
    }
    (text, segments, child)
}

/// 65,535 routes of 64 segments on a few hosts stay far below 32 bits; a table beyond them would find nothing.
fn index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
