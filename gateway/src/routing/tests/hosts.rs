//! Routes that are bound to hosts.

use super::*;

fn on_host(table: &Table, host: &str, method: Method, path: &str) -> Option<u16> {
    table.find(&Wanted { host: Some(host), ..wanted(method, path) }).ok().map(|found| found.route)
}

#[test]
fn the_closest_host_that_has_the_route_wins() {
    let table = table(&[
        get("/a"),
        get("/a").on("*.example"),
        get("/a").on("*.acme.example"),
        get("/a").on("api.acme.example"),
        get("/a").on("*.api.acme.example"),
    ]);
    let cases = [
        ("api.acme.example", 3),
        ("API.Acme.Example", 3),
        ("api.acme.example.", 3),
        ("x.acme.example", 2),
        ("x.y.acme.example", 2),
        ("x.api.acme.example", 4),
        ("acme.example", 1),
        (".acme.example", 1),
        ("xacme.example", 1),
        ("example", 0),
        (".example", 0),
        ("a.test", 0),
        ("", 0),
        ("[::1]", 0),
    ];
    for (host, index) in cases {
        assert_eq!(on_host(&table, host, Method::Get, "/a"), Some(index), "{host}");
    }
    assert_eq!(found(&table, Method::Get, "/a"), Some((0, vec![])), "no host finds the routes of every host");
}

#[test]
fn a_closer_host_wins_over_a_closer_path() {
    let table = table(&[get("/a/b"), get("/a/{rest...}").on("a.test")]);
    assert_eq!(on_host(&table, "a.test", Method::Get, "/a/b"), Some(1));
    assert_eq!(on_host(&table, "b.test", Method::Get, "/a/b"), Some(0));
}

#[test]
fn what_the_closer_host_does_not_have_the_next_one_may() {
    let table =
        table(&[get("/a").on("a.test"), route(Method::Post, "/a").on("*.test"), route(Method::Put, "/a"), get("/b")]);
    assert_eq!(on_host(&table, "a.test", Method::Get, "/a"), Some(0));
    assert_eq!(on_host(&table, "a.test", Method::Post, "/a"), Some(1));
    assert_eq!(on_host(&table, "a.test", Method::Put, "/a"), Some(2));
    assert_eq!(on_host(&table, "a.test", Method::Get, "/b"), Some(3));
}

#[test]
fn allow_tells_nothing_of_other_hosts() {
    let table = table(&[
        get("/a").on("a.test"),
        route(Method::Post, "/a").on("*.test"),
        route(Method::Put, "/a"),
        route(Method::Delete, "/a").on("secret.example"),
        get("/b").on("secret.example"),
    ]);
    let allowed = |host| table.allowed(Some(host), "/a");
    assert_eq!(allowed("a.test"), [Method::Get, Method::Head, Method::Post, Method::Put]);
    assert_eq!(allowed("b.test"), [Method::Post, Method::Put]);
    assert_eq!(allowed("other"), [Method::Put]);
    assert_eq!(allowed("secret.example"), [Method::Put, Method::Delete]);
    assert_eq!(table.allowed(None, "/a"), [Method::Put]);
    assert_eq!(table.allowed(Some("a.test"), "/b"), []);
    assert_eq!(on_host(&table, "a.test", Method::Get, "/b"), None);
}

#[test]
fn hosts_with_the_same_routes_share_one_tree() {
    let on = |host: &'static str| {
        ["/a/{id}", "/b/c"].into_iter().enumerate().map(move |(index, path)| (index, get(path).on(host)))
    };
    let nodes = |hosts: &[&'static str]| {
        let mut builder = Builder::default();
        for (index, route) in hosts.iter().flat_map(|host| on(host)) {
            route.insert(&mut builder, index).unwrap();
        }
        let table = builder.finish();
        assert!(hosts.iter().all(|host| on_host(&table, &host.replace('*', "x"), Method::Get, "/a/1") == Some(0)));
        table.nodes.len()
    };
    assert_eq!(nodes(&["a.test"]), nodes(&["a.test", "b.test", "*.test"]));
}

#[test]
fn a_host_of_many_labels_costs_no_more_than_the_longest_wildcard_allows() {
    let table = table(&[get("/a").on("*.a.a.a.test"), get("/a")]);
    let host = format!("{}test", "a.".repeat(100_000));
    assert_eq!(on_host(&table, &host, Method::Get, "/a"), Some(0));
    assert_eq!(on_host(&table, &host.replace("test", "tent"), Method::Get, "/a"), Some(1));
}
