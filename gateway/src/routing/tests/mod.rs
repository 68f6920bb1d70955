//! Tests of the whole table: what is found, among hosts and versions, and how much work it may be.

mod bounds;
mod hosts;
mod oracle;
mod paths;
mod shadows;
mod versions;

use super::{
    build::{Binding, Builder, Conflict, VersionLabel},
    pattern::Pattern,
    table::{Match, Miss, Table, Wanted},
};
use crate::http::method::Method;

/// A route for tests: method, host, path and version.
#[derive(Clone, Debug)]
struct Declared {
    method: Method,
    host: Option<&'static str>,
    pattern: Pattern,
    version: Option<VersionLabel<'static>>,
}

fn route(method: Method, path: &str) -> Declared {
    Declared { method, host: None, pattern: Pattern::parse(path).unwrap(), version: None }
}

fn get(path: &str) -> Declared {
    route(Method::Get, path)
}

impl Declared {
    fn on(self, host: &'static str) -> Self {
        Self { host: Some(host), ..self }
    }

    fn version(self, label: &'static str) -> Self {
        Self { version: Some(VersionLabel { label, default: false, in_path: false }), ..self }
    }

    fn default_version(self, label: &'static str) -> Self {
        Self { version: Some(VersionLabel { label, default: true, in_path: false }), ..self }
    }

    fn version_in_path(self, label: &'static str) -> Self {
        Self { version: Some(VersionLabel { label, default: false, in_path: true }), ..self }
    }

    fn insert(&self, builder: &mut Builder, index: usize) -> Result<(), Conflict> {
        let Self { method, host, pattern, version } = self;
        builder.insert(&Binding { pattern, method: *method, host: *host, version: *version }, index as u16)
    }
}

fn builder(routes: &[Declared]) -> Builder {
    let mut builder = Builder::default();
    for (index, route) in routes.iter().enumerate() {
        route.insert(&mut builder, index).unwrap();
    }
    builder
}

fn table(routes: &[Declared]) -> Table {
    builder(routes).finish()
}

fn wanted(method: Method, path: &str) -> Wanted<'_> {
    Wanted { method, host: None, path, version: None }
}

fn found<'t>(table: &'t Table, method: Method, path: &'t str) -> Option<(u16, Vec<&'t str>)> {
    table.find(&wanted(method, path)).ok().map(|found| (found.route, found.values))
}

#[test]
fn the_most_specific_route_wins_whatever_the_order() {
    let routes = ["/a/{rest...}", "/a/{id}", "/a/b", "/a/{id}/c"].map(get);
    let table = table(&routes);
    assert_eq!(found(&table, Method::Get, "/a/b"), Some((2, vec![])));
    assert_eq!(found(&table, Method::Get, "/a/x"), Some((1, vec!["x"])));
    assert_eq!(found(&table, Method::Get, "/a/b/c"), Some((3, vec!["b"])));
    assert_eq!(found(&table, Method::Get, "/a/b/d"), Some((0, vec!["b/d"])));
    assert_eq!(found(&table, Method::Get, "/a/"), Some((0, vec![""])));
    assert_eq!(found(&table, Method::Get, "/a"), None);
}

#[test]
fn a_literal_comes_before_an_integer_a_uuid_a_slug_and_any_segment() {
    let routes = ["/{r...}", "/{x}", "/{s:slug}", "/{u:uuid}", "/{i:int}", "/7"].map(get);
    let table = table(&routes);
    let uuid = "0190a6e0-0000-7000-8000-00000000abcd";
    let cases = [("7", 5), ("8", 4), (uuid, 3), ("a-b", 2), ("A", 1), ("A/b", 0), ("", 0)];
    for (segment, index) in cases {
        let path = format!("/{segment}");
        assert_eq!(found(&table, Method::Get, &path).map(|found| found.0), Some(index), "{segment}");
    }
}

#[test]
fn a_typed_parameter_that_leads_nowhere_is_left_again() {
    let table = table(&["/{i:int}/a", "/{s:slug}/b", "/{x}/c", "/{x}/{y}/d/{z...}"].map(get));
    assert_eq!(found(&table, Method::Get, "/1/a"), Some((0, vec!["1"])));
    assert_eq!(found(&table, Method::Get, "/1/b"), Some((1, vec!["1"])));
    assert_eq!(found(&table, Method::Get, "/1/c"), Some((2, vec!["1"])));
    assert_eq!(found(&table, Method::Get, "/1/2/d/3/4"), Some((3, vec!["1", "2", "3/4"])));
    assert_eq!(found(&table, Method::Get, "/1/e"), None);
}

#[test]
fn a_method_missing_on_the_closest_path_is_looked_for_on_the_next() {
    let table = table(&[route(Method::Post, "/a/b"), get("/a/{id}")]);
    assert_eq!(found(&table, Method::Get, "/a/b"), Some((1, vec!["b"])));
    assert_eq!(table.allowed(None, "/a/b"), [Method::Get, Method::Head, Method::Post]);
}

#[test]
fn head_is_served_by_get() {
    let table = table(&[get("/a"), get("/b"), route(Method::Head, "/b")]);
    assert_eq!(found(&table, Method::Head, "/a"), Some((0, vec![])));
    assert_eq!(found(&table, Method::Head, "/b"), Some((2, vec![])));
    assert_eq!(found(&table, Method::Post, "/a"), None);
}

#[test]
fn a_trailing_slash_is_another_path() {
    let table = table(&["/a/", "/"].map(get));
    assert_eq!(found(&table, Method::Get, "/a"), None);
    assert_eq!(found(&table, Method::Get, "/a/"), Some((0, vec![])));
    assert_eq!(found(&table, Method::Get, "/"), Some((1, vec![])));
    assert_eq!(found(&table, Method::Get, ""), None);
    assert_eq!(found(&table, Method::Get, "a/"), None);
}

#[test]
fn a_literal_ends_where_its_segment_ends() {
    let table = table(&["/ab/cd/ef", "/ab/cd/{x}", "/abc"].map(get));
    for path in ["/ab/cd/efg", "/ab/cd/e"] {
        assert_eq!(found(&table, Method::Get, path).map(|found| found.0), Some(1), "{path}");
    }
    for path in ["/ab", "/abcd", "/ab/c", "/ab/cd", "/ab/cd/", "/ab/cd/ef/", "/ab/cdx/ef", "//ab/cd/ef"] {
        assert_eq!(found(&table, Method::Get, path), None, "{path}");
    }
}

#[test]
fn two_routes_of_one_shape_are_a_tie() {
    let mut builder = builder(&[get("/a/{id}")]);
    assert_eq!(get("/a/{name}").insert(&mut builder, 1), Err(Conflict::Tie(0)));
    assert_eq!(get("/a/{name:slug}").insert(&mut builder, 1), Ok(()));
    assert_eq!(route(Method::Post, "/a/{name}").insert(&mut builder, 2), Ok(()));
    assert_eq!(get("/a/{id}").on("a.test").insert(&mut builder, 3), Ok(()));
    assert_eq!(get("/a/{id}").on("a.test").insert(&mut builder, 4), Err(Conflict::Tie(3)));
    assert_eq!(get("/a/{id}").version("v1").insert(&mut builder, 5), Ok(()));
    assert_eq!(get("/a/{id}").version("v1").insert(&mut builder, 6), Err(Conflict::Tie(5)));
}

#[test]
fn crowded_nodes_find_each_of_their_children() {
    let paths: Vec<String> = (0..500).map(|index| format!("/x/{}/{index}", "s".repeat(index % 20))).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).filter(|path| !path.contains("//")).collect();
    let routes: Vec<Declared> = paths.iter().map(|path| get(path)).collect();
    let table = table(&routes);
    assert!(!table.slots.is_empty());
    for (index, path) in paths.iter().enumerate() {
        assert_eq!(found(&table, Method::Get, path), Some((index as u16, vec![])), "{path}");
        assert_eq!(found(&table, Method::Get, &format!("{path}x")), None);
    }
}

#[test]
fn a_way_without_branches_is_one_node() {
    let table = table(&["/api/v1/orders/{id}/lines", "/api/v1/orders/{id}/notes/"].map(get));
    // The root, `api/v1/orders`, the parameter, `lines` and `notes/`.
    assert_eq!(table.nodes.len(), 5);
    assert_eq!(found(&table, Method::Get, "/api/v1/orders/7/notes/"), Some((1, vec!["7"])));
}

#[test]
fn a_way_is_left_where_something_ends_or_branches_off() {
    let table = table(&["/a/b/c/d", "/a", "/a/b/{x}/y", "/a/b/c/{rest...}", "/{x}/b/c/z"].map(get));
    let cases = [("/a", 1), ("/a/b/c/d", 0), ("/a/b/c/y", 3), ("/a/b/x/y", 2), ("/a/b/c/", 3), ("/b/b/c/z", 4)];
    for (path, index) in cases {
        assert_eq!(found(&table, Method::Get, path).map(|found| found.0), Some(index), "{path}");
    }
    assert_eq!(found(&table, Method::Get, "/a/b"), None);
}

#[test]
fn the_same_routes_in_any_order_are_the_same_table_but_for_their_numbers() {
    let table = |paths: [&str; 3]| {
        let mut table = table(&paths.map(get));
        table.entries.clear();
        table
    };
    assert_eq!(table(["/a/{id}", "/b/c/d", "/b/{x:int}"]), table(["/b/{x:int}", "/b/c/d", "/a/{id}"]));
}

#[test]
fn what_is_written_is_read() {
    let table = table(&[get("/a/{id:int}").on("*.a.test").default_version("v1"), get("/b"), get("/c/{rest...}")]);
    let bytes = postcard::to_allocvec(&table).unwrap();
    assert_eq!(postcard::from_bytes::<Table>(&bytes).unwrap(), table);
}

#[test]
fn an_empty_table_finds_nothing() {
    for table in [Table::default(), Builder::default().finish()] {
        assert_eq!(table, Table::default());
        let wanted = Wanted { host: Some("a.test"), version: Some("v1"), ..wanted(Method::Get, "/a") };
        assert_eq!(table.find(&wanted), Err(Miss::Nothing));
        assert_eq!(table.allowed(Some("a.test"), "/a"), []);
    }
}
