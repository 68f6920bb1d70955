//! The table of routes: a tree of path segments, made when the configuration is compiled.
//!
//! The most specific route wins whatever the order in the file: at each segment a literal before a parameter
//! before a rest. Looking a path up costs its own length, not the number of routes.

use serde::{Deserialize, Serialize};

use super::pattern::{Pattern, Segment};
use crate::http::method::Method;

/// Index of a route in the blueprint.
pub type RouteIndex = u16;

/// The root stands first and is made with the table.
const ROOT: u32 = 0;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Node {
    /// Children by literal segment, sorted.
    literals: Vec<(String, u32)>,
    parameter: Option<u32>,
    /// Routes that end here.
    routes: Vec<(Method, RouteIndex)>,
    /// Routes that take all that is left from here.
    rest: Vec<(Method, RouteIndex)>,
}

/// All routes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    nodes: Vec<Node>,
}

impl Default for Table {
    fn default() -> Self {
        Self { nodes: vec![Node::default()] }
    }
}

/// A route and the values of its parameters, in the order of the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match<'p> {
    /// Which route.
    pub route: RouteIndex,
    /// What its parameters hold, as sent.
    pub values: Vec<&'p str>,
}

/// Why a route cannot join the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// Another route has the same method and the same shape.
    Tie(RouteIndex),
    /// More nodes than an index can name.
    TooMany,
}

impl Table {
    /// Adds a route.
    ///
    /// # Errors
    /// When no rule would tell it from another route.
    pub fn insert(&mut self, pattern: &Pattern, method: Method, route: RouteIndex) -> Result<(), Conflict> {
        let mut at = ROOT;
        let mut takes_rest = false;
        for segment in &pattern.0 {
            at = match segment {
                Segment::Literal(text) => self.literal_child(at, text)?,
                Segment::Parameter(_) => self.parameter_child(at)?,
                Segment::Rest(_) => {
                    takes_rest = true;
                    at
                }
            };
        }
        let node = self.node_mut(at).ok_or(Conflict::TooMany)?;
        let list = if takes_rest { &mut node.rest } else { &mut node.routes };
        if let Some((_, other)) = list.iter().find(|(known, _)| *known == method) {
            return Err(Conflict::Tie(*other));
        }
        list.push((method, route));
        Ok(())
    }

    /// The most specific route for a method and a path that begins with `/`. `HEAD` is served by `GET` where
    /// no route of its own is closer (RFC 9110 section 9.3.2).
    #[must_use]
    pub fn find<'p>(&self, method: Method, path: &'p str) -> Option<Match<'p>> {
        let mut values = Vec::new();
        let mut pick = |routes: &[(Method, RouteIndex)]| pick(routes, method);
        let route = self.walk(ROOT, path.strip_prefix('/')?, &mut values, &mut pick)?;
        Some(Match { route, values })
    }

    /// The methods that some route has for this path, in the order of [`Method::ALL`].
    #[must_use]
    pub fn allowed(&self, path: &str) -> Vec<Method> {
        let mut found = Vec::new();
        let mut collect = |routes: &[(Method, RouteIndex)]| -> Option<RouteIndex> {
            found.extend(routes.iter().map(|(method, _)| *method));
            None
        };
        if let Some(rest) = path.strip_prefix('/') {
            self.walk(ROOT, rest, &mut Vec::new(), &mut collect);
        }
        let served =
            |method: &Method| found.contains(method) || (*method == Method::Head && found.contains(&Method::Get));
        Method::ALL.into_iter().filter(served).collect()
    }

    /// Depth first, the most specific child first; `accept` says whether the routes of a node will do.
    fn walk<'p>(
        &self,
        at: u32,
        rest: &'p str,
        values: &mut Vec<&'p str>,
        accept: &mut impl FnMut(&[(Method, RouteIndex)]) -> Option<RouteIndex>,
    ) -> Option<RouteIndex> {
        let node = self.node(at)?;
        let (segment, tail) = rest.split_once('/').map_or((rest, None), |(segment, tail)| (segment, Some(tail)));
        let held = values.len();
        let literal = node.literals.binary_search_by(|(text, _)| text.as_str().cmp(segment)).ok();
        let literal = literal.and_then(|index| node.literals.get(index)).map(|(_, child)| (*child, None));
        let parameter = node.parameter.filter(|_| !segment.is_empty()).map(|child| (child, Some(segment)));
        for (child, value) in literal.into_iter().chain(parameter) {
            values.extend(value);
            let found = match tail {
                Some(tail) => self.walk(child, tail, values, accept),
                None => self.node(child).and_then(|node| accept(&node.routes)),
            };
            if found.is_some() {
                return found;
            }
            values.truncate(held);
        }
        let found = accept(&node.rest);
        if found.is_some() {
            values.push(rest);
        }
        found
    }

    fn literal_child(&mut self, at: u32, text: &str) -> Result<u32, Conflict> {
        let place = |node: &Node| node.literals.binary_search_by(|(known, _)| known.as_str().cmp(text));
        let node = self.node(at).ok_or(Conflict::TooMany)?;
        match place(node) {
            Ok(index) => node.literals.get(index).map(|(_, child)| *child).ok_or(Conflict::TooMany),
            Err(index) => {
                let child = self.add()?;
                let node = self.node_mut(at).ok_or(Conflict::TooMany)?;
                node.literals.insert(index, (text.to_owned(), child));
                Ok(child)
            }
        }
    }

    fn parameter_child(&mut self, at: u32) -> Result<u32, Conflict> {
        if let Some(child) = self.node(at).and_then(|node| node.parameter) {
            return Ok(child);
        }
        let child = self.add()?;
        self.node_mut(at).ok_or(Conflict::TooMany)?.parameter = Some(child);
        Ok(child)
    }

    fn add(&mut self) -> Result<u32, Conflict> {
        let index = u32::try_from(self.nodes.len()).map_err(|_| Conflict::TooMany)?;
        self.nodes.push(Node::default());
        Ok(index)
    }

    fn node(&self, index: u32) -> Option<&Node> {
        self.nodes.get(usize::try_from(index).ok()?)
    }

    fn node_mut(&mut self, index: u32) -> Option<&mut Node> {
        self.nodes.get_mut(usize::try_from(index).ok()?)
    }
}

fn pick(routes: &[(Method, RouteIndex)], method: Method) -> Option<RouteIndex> {
    let of = |wanted: Method| routes.iter().find(|(known, _)| *known == wanted).map(|(_, route)| *route);
    of(method).or_else(|| if method == Method::Head { of(Method::Get) } else { None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(routes: &[(&str, Method)]) -> Table {
        let mut table = Table::default();
        for (index, (pattern, method)) in routes.iter().enumerate() {
            table.insert(&Pattern::parse(pattern).unwrap(), *method, index as u16).unwrap();
        }
        table
    }

    fn found<'p>(table: &Table, method: Method, path: &'p str) -> Option<(u16, Vec<&'p str>)> {
        table.find(method, path).map(|found| (found.route, found.values))
    }

    #[test]
    fn the_most_specific_route_wins_whatever_the_order() {
        let routes = [
            ("/a/{rest...}", Method::Get),
            ("/a/{id}", Method::Get),
            ("/a/b", Method::Get),
            ("/a/{id}/c", Method::Get),
        ];
        let table = table(&routes);
        assert_eq!(found(&table, Method::Get, "/a/b"), Some((2, vec![])));
        assert_eq!(found(&table, Method::Get, "/a/x"), Some((1, vec!["x"])));
        assert_eq!(found(&table, Method::Get, "/a/b/c"), Some((3, vec!["b"])));
        assert_eq!(found(&table, Method::Get, "/a/b/d"), Some((0, vec!["b/d"])));
        assert_eq!(found(&table, Method::Get, "/a/"), Some((0, vec![""])));
        assert_eq!(found(&table, Method::Get, "/a"), None);
    }

    #[test]
    fn a_method_missing_on_the_closest_path_is_looked_for_on_the_next() {
        let table = table(&[("/a/b", Method::Post), ("/a/{id}", Method::Get)]);
        assert_eq!(found(&table, Method::Get, "/a/b"), Some((1, vec!["b"])));
        assert_eq!(table.allowed("/a/b"), [Method::Get, Method::Head, Method::Post]);
    }

    #[test]
    fn head_is_served_by_get() {
        let table = table(&[("/a", Method::Get), ("/b", Method::Get), ("/b", Method::Head)]);
        assert_eq!(found(&table, Method::Head, "/a"), Some((0, vec![])));
        assert_eq!(found(&table, Method::Head, "/b"), Some((2, vec![])));
        assert_eq!(found(&table, Method::Post, "/a"), None);
    }

    #[test]
    fn a_trailing_slash_is_another_path() {
        let table = table(&[("/a/", Method::Get), ("/", Method::Get)]);
        assert_eq!(found(&table, Method::Get, "/a"), None);
        assert_eq!(found(&table, Method::Get, "/a/"), Some((0, vec![])));
        assert_eq!(found(&table, Method::Get, "/"), Some((1, vec![])));
    }

    #[test]
    fn two_routes_of_one_shape_are_a_tie() {
        let mut table = table(&[("/a/{id}", Method::Get)]);
        let again = Pattern::parse("/a/{name}").unwrap();
        assert_eq!(table.insert(&again, Method::Get, 1), Err(Conflict::Tie(0)));
        assert_eq!(table.insert(&again, Method::Post, 1), Ok(()));
    }

    fn segment_strategy() -> impl Strategy<Value = Segment> {
        prop_oneof![
            3 => "[abc]{1}".prop_map(Segment::Literal),
            1 => Just(Segment::Parameter("p".into())),
        ]
    }

    /// The slow, obvious way: of all patterns that fit, the one whose segments are the most specific, from the left.
    fn oracle(patterns: &[Pattern], path: &str) -> Option<usize> {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let fits = |pattern: &Pattern| {
            pattern.0.len() == parts.len()
                && pattern.0.iter().zip(&parts).all(|(segment, part)| match segment {
                    Segment::Literal(text) => text == part,
                    _ => !part.is_empty(),
                })
        };
        let rank = |pattern: &Pattern| -> Vec<bool> {
            pattern.0.iter().map(|segment| !matches!(segment, Segment::Literal(_))).collect()
        };
        (0..patterns.len()).filter(|index| fits(&patterns[*index])).min_by_key(|index| rank(&patterns[*index]))
    }

    proptest! {
        #[test]
        fn the_tree_finds_what_the_obvious_search_finds(
            shapes in proptest::collection::vec(proptest::collection::vec(segment_strategy(), 1..4), 1..12),
            path in "(/[abcd]{1}){1,4}",
        ) {
            let mut table = Table::default();
            let mut kept = Vec::new();
            for shape in shapes {
                let pattern = Pattern(shape);
                if table.insert(&pattern, Method::Get, kept.len() as u16).is_ok() {
                    kept.push(pattern);
                }
            }
            let found = table.find(Method::Get, &path).map(|found| usize::from(found.route));
            prop_assert_eq!(found, oracle(&kept, &path));
        }
    }
}
