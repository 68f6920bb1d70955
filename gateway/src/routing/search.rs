//! The walk through the table: depth first, the closest child first.
//!
//! A node is reached by one way only, so no node is entered twice and there is nothing to remember between
//! branches that failed. How many can be entered is counted when the table is made: `build::MOST_WAYS`.

use super::{
    pieces::Pieces,
    table::{Node, Span, Table, span},
    types::Type,
    versions::Entry,
};

/// A node with more literal children than this finds them by hash; with fewer, comparing is cheaper.
pub(super) const CROWDED: u32 = 8;

/// A search for one path.
pub(super) struct Search<'t, 'p, 'a, A> {
    table: &'t Table,
    pieces: Pieces<'p>,
    /// Says whether the entries of a node will do.
    accept: &'a mut A,
    /// The values of the parameters, from the last to the first; nothing before something is found.
    values: Vec<&'p str>,
    /// How many nodes have been entered, for tests of the bound.
    #[cfg(test)]
    pub(super) steps: u32,
}

impl<'t, 'p, 'a, A: FnMut(&'t [Entry]) -> Option<&'t Entry>> Search<'t, 'p, 'a, A> {
    /// `None` when the path is none.
    pub(super) fn new(table: &'t Table, path: &'p str, accept: &'a mut A) -> Option<Self> {
        let pieces = Pieces::new(path)?;
        Some(Self {
            table,
            pieces,
            accept,
            values: Vec::new(),
            #[cfg(test)]
            steps: 0,
        })
    }

    /// Searches one tree. A search that has found something is over.
    pub(super) fn run(&mut self, root: u32) -> Option<&'t Entry> {
        self.enter(root, 1, 0)
    }

    /// The values of the parameters, in the order of the path.
    pub(super) fn into_values(mut self) -> Vec<&'p str> {
        self.values.reverse();
        self.values
    }

    /// Enters a node behind `held` parameters; the next segment begins at `start`.
    fn enter(&mut self, node: u32, start: usize, held: usize) -> Option<&'t Entry> {
        #[cfg(test)]
        {
            self.steps += 1;
        }
        let node = self.table.node(node)?;
        if self.pieces.is_over(start) {
            let entry = (self.accept)(self.table.ends(node))?;
            self.values.reserve_exact(held);
            return Some(entry);
        }
        let literal = self.literal(node, start).and_then(|(child, next)| self.enter(child, next, held));
        let found = literal.or_else(|| self.typed(node, start, held));
        if found.is_some() || node.rest == 0 {
            return found;
        }
        let entry = (self.accept)(self.table.rest(node))?;
        self.values.reserve_exact(held.saturating_add(1));
        self.values.push(self.pieces.from(start));
        Some(entry)
    }

    /// Enters the children for the types of the next segment.
    fn typed(&mut self, node: &Node, start: usize, held: usize) -> Option<&'t Entry> {
        if node.types == 0 {
            return None;
        }
        let index = usize::from(node.depth);
        let end = self.pieces.end(index, start)?;
        let fitting = self.pieces.types(node.types, index, start, end);
        let mut child = node.children.saturating_add(node.literals);
        for kind in Type::ALL.into_iter().filter(|kind| node.types & kind.bit() != 0) {
            if fitting & kind.bit() != 0
                && let Some(entry) = self.enter(child, end.saturating_add(1), held.saturating_add(1))
            {
                self.values.push(self.pieces.piece(start, end));
                return Some(entry);
            }
            child = child.saturating_add(1);
        }
        None
    }

    /// The literal child that fits, and where the segment behind its label begins.
    fn literal(&mut self, node: &Node, start: usize) -> Option<(u32, usize)> {
        let (child, label) = match node.literals {
            0 => return None,
            few if few <= CROWDED => self.by_comparing(node, start),
            _ => self.by_hash(node, start),
        }?;
        Some((child, start.saturating_add(label.length as usize).saturating_add(1)))
    }

    fn by_comparing(&self, node: &Node, start: usize) -> Option<(u32, Span)> {
        let mut children = node.children..node.children.saturating_add(node.literals);
        children.find_map(|child| self.fitting(child, start))
    }

    fn by_hash(&mut self, node: &Node, start: usize) -> Option<(u32, Span)> {
        let end = self.pieces.end(usize::from(node.depth), start)?;
        let hash = hash(node.children, self.pieces.piece(start, end));
        let children = node.children..node.children.saturating_add(node.literals);
        let slots = &self.table.slots;
        let taken = places(hash, slots.len()).map_while(|place| slots.get(place).filter(|child| **child != 0));
        taken.filter(|child| children.contains(child)).find_map(|child| self.fitting(*child, start))
    }

    /// A child, if whole segments from `start` on are its label.
    fn fitting(&self, child: u32, start: usize) -> Option<(u32, Span)> {
        let label = self.table.node(child)?.label;
        self.pieces.has(start, span(&self.table.text, label)).then_some((child, label))
    }
}

/// The hash of a segment below a parent. It needs no secret: the table does not grow by what clients send.
pub(super) fn hash(salt: u32, segment: &str) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash.rotate_left(26) ^ word).wrapping_mul(FACTOR);
    let (words, tail) = segment.as_bytes().as_chunks::<8>();
    let last = tail.iter().fold(tail.len() as u64, |word, byte| (word << 8) | u64::from(*byte));
    let hash = words.iter().fold(mix(0, u64::from(salt)), |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let hash = mix(hash, last);
    hash ^ (hash >> 32)
}

/// The slots in which a hash is looked for, one after another. There are a power of two of them.
pub(super) fn places(hash: u64, slots: usize) -> impl Iterator<Item = usize> {
    let mask = slots.wrapping_sub(1);
    (0..slots).map(move |step| (hash as usize).wrapping_add(step) & mask)
}
