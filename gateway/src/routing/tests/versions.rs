//! Routes with versions.

use super::*;

fn asking<'t>(table: &'t Table, path: &'t str, version: Option<&'t str>) -> Result<(u16, Option<&'t str>), Miss<'t>> {
    let Match { route, version, .. } = table.find(&Wanted { version, ..wanted(Method::Get, path) })?;
    Ok((route, version))
}

#[test]
fn a_request_gets_the_version_that_it_asks_for() {
    let table = table(&[get("/a").version("v1"), get("/a").default_version("2026-01-01"), get("/b")]);
    assert_eq!(asking(&table, "/a", Some("v1")), Ok((0, Some("v1"))));
    assert_eq!(asking(&table, "/a", Some("2026-01-01")), Ok((1, Some("2026-01-01"))));
    assert_eq!(asking(&table, "/a", None), Ok((1, Some("2026-01-01"))), "the default, and it says so");
    assert_eq!(asking(&table, "/a", Some("v9")), Err(Miss::Version(vec!["v1", "2026-01-01"])));
    assert_eq!(asking(&table, "/b", Some("v9")), Ok((2, None)), "a route without versions takes every wish");
    assert_eq!(asking(&table, "/c", Some("v1")), Err(Miss::Nothing));
}

#[test]
fn without_a_wish_the_route_without_a_version_is_preferred() {
    let table = table(&[get("/a").default_version("v1"), get("/a")]);
    assert_eq!(asking(&table, "/a", None), Ok((1, None)));
    assert_eq!(asking(&table, "/a", Some("v1")), Ok((0, Some("v1"))));
    assert_eq!(asking(&table, "/a", Some("v2")), Err(Miss::Version(vec!["v1"])));
}

#[test]
fn without_a_wish_and_a_default_the_versions_are_named() {
    let table = table(&[get("/a").version("v2"), get("/a").version("v1")]);
    assert_eq!(asking(&table, "/a", None), Err(Miss::Version(vec!["v2", "v1"])), "in the order of the file");
}

#[test]
fn two_defaults_of_one_place_are_refused() {
    let mut builder = builder(&[get("/a").default_version("v1")]);
    assert_eq!(get("/a").default_version("v2").insert(&mut builder, 1), Err(Conflict::TwoDefaults(0)));
    assert_eq!(route(Method::Post, "/a").default_version("v2").insert(&mut builder, 1), Ok(()));
}

#[test]
fn a_version_is_looked_for_on_the_next_path_and_the_next_host() {
    let table = table(&[
        get("/users/me").version("v2"),
        get("/users/{name}").version("v1"),
        get("/users/{name}").version("v3").on("a.test"),
    ]);
    assert_eq!(asking(&table, "/users/me", Some("v1")), Ok((1, Some("v1"))), "v2 changes nothing for v1");
    let on = |version| Wanted { host: Some("a.test"), version: Some(version), ..wanted(Method::Get, "/users/me") };
    assert_eq!(table.find(&on("v2")).map(|found| found.route), Ok(0));
    assert_eq!(table.find(&on("v3")).map(|found| found.route), Ok(2));
    assert_eq!(table.find(&on("v4")), Err(Miss::Version(vec!["v2", "v1", "v3"])));
}

#[test]
fn a_request_for_a_version_that_is_gone_ends_in_no_other_route() {
    let table = table(&[get("/orders").version("v2"), get("/{rest...}")]);
    assert_eq!(asking(&table, "/orders", Some("v1")), Err(Miss::Version(vec!["v2"])));
    assert_eq!(asking(&table, "/orders", None), Err(Miss::Version(vec!["v2"])));
    assert_eq!(asking(&table, "/other", Some("v1")), Ok((1, None)));
}

#[test]
fn versions_of_other_methods_and_hosts_are_not_named() {
    let table = table(&[
        get("/a").version("v1"),
        route(Method::Post, "/a").version("v2"),
        get("/a").version("v3").on("a.test"),
        get("/b").version("v4"),
    ]);
    assert_eq!(asking(&table, "/a", Some("v9")), Err(Miss::Version(vec!["v1"])));
    let head = Wanted { version: Some("v9"), ..wanted(Method::Head, "/a") };
    assert_eq!(table.find(&head), Err(Miss::Version(vec!["v1"])), "HEAD has the versions of GET");
    assert_eq!(table.find(&wanted(Method::Put, "/a")), Err(Miss::Nothing));
    assert_eq!(table.allowed(None, "/a"), [Method::Get, Method::Head, Method::Post]);
}

#[test]
fn a_version_in_the_path_is_chosen_by_the_path_whatever_is_asked_for() {
    let table = table(&[get("/v1/a").version_in_path("v1"), get("/v2/a").version_in_path("v2")]);
    for wish in [None, Some("v1"), Some("v2"), Some("v9")] {
        assert_eq!(asking(&table, "/v1/a", wish), Ok((0, Some("v1"))), "{wish:?}");
        assert_eq!(asking(&table, "/v2/a", wish), Ok((1, Some("v2"))), "{wish:?}");
    }
    let mut builder = builder(&[get("/v1/a").version_in_path("v1")]);
    assert_eq!(get("/v1/a").insert(&mut builder, 1), Err(Conflict::Tie(0)), "nothing tells the two apart");
}

#[test]
fn a_number_is_the_version_with_a_v_unless_there_is_one_of_its_own() {
    let both =
        table(&[get("/a").version("v2"), get("/a").version("2"), get("/a").version("v3"), get("/a").version("vault")]);
    assert_eq!(asking(&both, "/a", Some("2")), Ok((1, Some("2"))));
    assert_eq!(asking(&both, "/a", Some("v2")), Ok((0, Some("v2"))));
    assert_eq!(asking(&both, "/a", Some("3")), Ok((2, Some("v3"))));
    assert!(asking(&both, "/a", Some("ault")).is_err());
}

#[test]
fn a_path_with_another_version_is_near_those_that_there_are() {
    let table = table(&[
        get("/api/v1/a").version_in_path("v1"),
        get("/api/v2/a").version_in_path("v2"),
        get("/api/v2/b").version_in_path("v2"),
        get("/v2/c/{id}").version_in_path("v2"),
    ]);
    let near = |method, path| table.versions_near(&wanted(method, path));
    assert_eq!(near(Method::Get, "/api/v9/a"), ["v1", "v2"]);
    assert_eq!(near(Method::Head, "/api/v10/a"), ["v1", "v2"]);
    assert_eq!(near(Method::Get, "/api/v1/b"), ["v2"]);
    assert_eq!(near(Method::Get, "/v1/c/7"), ["v2"]);
    for path in ["/api/x/a", "/api/v9/c", "/v9/a", "/api/v9", "/", ""] {
        assert_eq!(near(Method::Get, path), [""; 0], "{path}");
    }
    assert_eq!(near(Method::Post, "/api/v9/a"), [""; 0]);
}
