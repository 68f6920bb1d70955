//! Routes that no request reaches.

use proptest::{prelude::*, sample::select};

use super::*;
use crate::routing::{pattern::Segment, types::Type, unreachable::Unreachable};

fn unreachable(routes: &[Declared]) -> Vec<(u16, Vec<u16>)> {
    builder(routes).unreachable().into_iter().map(|Unreachable { route, by }| (route, by)).collect()
}

#[test]
fn a_rest_whose_every_tail_is_taken_is_unreachable() {
    let paths = ["/a/{r...}", "/a/", "/a/{x}", "/a/{x}/{r...}"].map(get);
    assert_eq!(unreachable(&paths), [(0, vec![1, 2, 3])]);
    let deeper = ["/a/{r...}", "/a/", "/a/{x}", "/a/{x}/", "/a/{x}/{y}", "/a/{x}/{y}/{r...}"].map(get);
    assert_eq!(unreachable(&deeper), [(0, vec![1, 2, 3, 4, 5])]);
    for missing in 1..4 {
        let mut some = paths.to_vec();
        some.remove(missing);
        assert_eq!(unreachable(&some), [], "without {missing}");
    }
}

#[test]
fn types_and_literals_leave_something_to_a_rest() {
    assert_eq!(unreachable(&["/{r...}", "/", "/{x:slug}", "/{x:int}", "/{x:uuid}", "/{x}/{r...}"].map(get)), []);
    assert_eq!(unreachable(&["/{x}", "/{x:slug}", "/{x:int}", "/7", "/a"].map(get)), []);
}

#[test]
fn another_method_takes_nothing_away_but_get_serves_head() {
    let closer = |method| ["/", "/{x}", "/{x}/{r...}"].map(|path| route(method, path)).to_vec();
    let with = |method, closer: Vec<Declared>| [vec![route(method, "/{r...}")], closer].concat();
    assert_eq!(unreachable(&with(Method::Get, closer(Method::Post))), []);
    assert_eq!(unreachable(&with(Method::Head, closer(Method::Get))), [(0, vec![1, 2, 3])]);
    assert_eq!(unreachable(&with(Method::Get, closer(Method::Head))), []);
}

#[test]
fn a_closer_host_leaves_a_route_to_other_hosts() {
    let on = |host| ["/", "/{x}", "/{x}/{r...}"].map(|path| get(path).on(host));
    assert_eq!(unreachable(&[vec![get("/{r...}")], on("a.test").to_vec(), on("*.test").to_vec()].concat()), []);
    // Bound to two hosts, it is reached on one of them.
    let mut builder = builder(&[vec![get("/{r...}").on("a.test")], on("a.test").to_vec()].concat());
    assert_eq!(builder.unreachable().len(), 1);
    get("/{r...}").on("b.test").insert(&mut builder, 0).unwrap();
    assert_eq!(builder.unreachable(), []);
}

#[test]
fn versions_are_looked_at_one_by_one() {
    let closer = |version| ["/", "/{x}", "/{x}/{r...}"].map(|path| get(path).version(version));
    let rest = || get("/{r...}");
    let routes = |rest: Declared| [vec![rest], closer("v1").to_vec()].concat();
    assert_eq!(unreachable(&routes(rest().version("v1"))), [(0, vec![1, 2, 3])]);
    assert_eq!(unreachable(&routes(rest().version("v2"))), []);
    assert_eq!(unreachable(&routes(rest().default_version("v1"))), [], "requests without a version still get it");
    assert_eq!(unreachable(&routes(rest())), [(0, vec![1, 2, 3])], "nothing is found behind closer versions");
    let defaults = ["/", "/{x}", "/{x}/{r...}"].map(|path| get(path).default_version("v1")).to_vec();
    assert_eq!(unreachable(&[vec![rest().default_version("v1")], defaults].concat()), [(0, vec![1, 2, 3])]);
}

fn segments() -> impl Strategy<Value = Vec<Segment>> {
    let parameter = |takes| Segment::Parameter { name: "p".to_owned(), takes };
    let segment = prop_oneof![
        1 => Just(Segment::Literal("a".to_owned())),
        4 => Just(parameter(Type::Any)),
        1 => select(Type::ALL.to_vec()).prop_map(parameter),
    ];
    let last = prop_oneof![
        1 => Just(None),
        1 => Just(Some(Segment::Literal(String::new()))),
        2 => Just(Some(Segment::Rest("r".to_owned()))),
    ];
    (proptest::collection::vec(segment, 0..3), last).prop_map(|(mut segments, last)| {
        let root = segments.is_empty().then(|| Segment::Literal(String::new()));
        segments.extend(last.or(root));
        segments
    })
}

fn declared() -> impl Strategy<Value = Declared> {
    let version = (select(vec!["v1", "v2"]), any::<bool>());
    let version = version.prop_map(|(label, default)| VersionLabel { label, default, in_path: false });
    let parts = (
        select(vec![Method::Get, Method::Get, Method::Head]),
        proptest::option::weighted(0.2, Just("*.test")),
        segments(),
        proptest::option::of(version),
    );
    parts.prop_map(|(method, host, segments, version)| Declared { method, host, pattern: Pattern(segments), version })
}

/// Paths that fit a pattern and, if possible, nothing closer.
fn witnesses(pattern: &Pattern) -> Vec<String> {
    let mut path = String::new();
    for segment in &pattern.0 {
        let value = match segment {
            Segment::Literal(text) => text,
            Segment::Parameter { takes: Type::Int, .. } => "424242",
            Segment::Parameter { takes: Type::Uuid, .. } => "0190A6E0-0000-7000-8000-00000000ABCD",
            Segment::Parameter { takes: Type::Slug, .. } => "zz-top",
            Segment::Parameter { takes: Type::Any, .. } => "~",
            Segment::Rest(_) => {
                let tails = ["", "~", "~/", "~/~", "~/~/", "~/~/~", "~/~/~/", "~/~/~/~"];
                return tails.map(|tail| format!("{path}/{tail}")).to_vec();
            }
        };
        path = format!("{path}/{value}");
    }
    vec![path]
}

/// Whether some request reaches a route.
fn is_reached(table: &Table, route: &Declared, index: usize) -> bool {
    let host = route.host.map(|host| host.replace('*', "new"));
    let wishes = [route.version.map(|version| version.label), None, Some("v1"), Some("v2"), Some("v9")];
    let paths = witnesses(&route.pattern);
    paths.iter().any(|path| {
        wishes.into_iter().any(|version| {
            let wanted = Wanted { method: route.method, host: host.as_deref(), path, version };
            table.find(&wanted).is_ok_and(|found| usize::from(found.route) == index)
        })
    })
}

proptest! {
    #[test]
    fn without_versions_exactly_the_unreachable_routes_are_reported(
        routes in proptest::collection::vec(declared().prop_map(|route| Declared { version: None, ..route }), 1..24),
    ) {
        let (mut builder, mut kept) = (Builder::default(), Vec::new());
        for route in routes {
            if route.insert(&mut builder, kept.len()).is_ok() {
                kept.push(route);
            }
        }
        let table = builder.finish();
        let reported: Vec<usize> = builder.unreachable().iter().map(|found| usize::from(found.route)).collect();
        let lost = kept.iter().enumerate().filter(|(index, route)| !is_reached(&table, route, *index));
        prop_assert_eq!(reported, lost.map(|(index, _)| index).collect::<Vec<_>>());
    }

    #[test]
    fn with_versions_only_unreachable_routes_are_reported(routes in proptest::collection::vec(declared(), 1..30)) {
        let (mut builder, mut kept) = (Builder::default(), Vec::new());
        for route in routes {
            if route.insert(&mut builder, kept.len()).is_ok() {
                kept.push(route);
            }
        }
        let table = builder.finish();
        for found in builder.unreachable() {
            let index = usize::from(found.route);
            prop_assert!(!is_reached(&table, &kept[index], index), "{:?}", kept[index]);
        }
    }
}
