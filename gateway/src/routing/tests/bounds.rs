//! How much work a request can make.

use proptest::prelude::*;

use super::*;
use crate::routing::{build::MOST_WAYS, pattern::Segment, search::Search, table::ROOT, versions::Entry};

/// How many nodes a search enters that takes nothing.
fn steps(table: &Table, path: &str) -> u32 {
    let mut accept = |_: &[Entry]| None;
    let mut search = Search::new(table, path, &mut accept).unwrap();
    assert!(search.run(ROOT).is_none());
    search.steps
}

/// At each of 20 levels a literal goes on, and an integer and any segment branch off and go on to the end.
fn twenty_levels() -> Vec<Declared> {
    let branch = |level: usize, parameter: &str| {
        let mut segments = ["1"; 20];
        segments[level] = parameter;
        get(&format!("/{}/end", segments.join("/")))
    };
    (0..20).flat_map(|level| [branch(level, "{x:int}"), branch(level, "{x}")]).chain([get(&"/1".repeat(20))]).collect()
}

#[test]
fn twenty_levels_of_a_literal_an_integer_and_any_segment_stay_small() {
    let routes = twenty_levels();
    let table = table(&routes);
    let path = "/1".repeat(20);
    assert_eq!(found(&table, Method::Get, &path), Some((40, vec![])));
    // Ways without branches are one node, so 41 routes are about as many steps, not 3^20.
    for tail in ["/no", "/", "/end/", "/1/1/1"] {
        let path = format!("{path}{tail}");
        assert_eq!(found(&table, Method::Get, &path), None);
        assert!(steps(&table, &path) <= 150, "{}", steps(&table, &path));
    }
    assert_eq!(found(&table, Method::Get, &format!("{path}/end")).unwrap().0, 38, "the longest literal way");
}

/// Every path of so many segments, each of which is one of three.
fn every_way(levels: u32, choices: [&str; 3]) -> Vec<Declared> {
    let path = |mut number: usize| {
        let mut path = String::new();
        for level in 0..levels {
            path.push('/');
            path.push_str(&choices[number % 3].replace('x', &format!("x{level}")));
            number /= 3;
        }
        path
    };
    (0..3_usize.pow(levels)).map(|number| get(&path(number))).collect()
}

#[test]
fn a_table_in_which_all_ways_are_open_is_refused_before_it_is_slow() {
    let choices = ["1", "{x:int}", "{x}"];
    // 1 + 3 + 9 + … + 3^5 = 364 nodes for one path; with one level more they are 1,093.
    assert_eq!(steps(&table(&every_way(5, choices)), "/1/1/1/1/1/1"), 364);
    let mut builder = Builder::default();
    let mut routes = every_way(6, choices).into_iter().enumerate();
    assert_eq!(routes.find_map(|(index, route)| route.insert(&mut builder, index).err()), Some(Conflict::TooManyWays));
}

#[test]
fn children_that_exclude_each_other_are_not_counted_twice() {
    // Never an integer and a UUID: 1 + 2 + 4 + … + 2^6 nodes.
    let builder = builder(&every_way(6, ["{x:uuid}", "{x:int}", "{x}"]));
    assert_eq!(builder.any_host.ways(), 127);
    let uuid = "/0190a6e0-0000-7000-8000-00000000ABCD";
    for segment in ["/1", uuid] {
        assert_eq!(steps(&builder.finish(), &segment.repeat(7)), 127);
    }
    assert_eq!(super::builder(&["/{x:uuid}/{y}", "/{x:int}"].map(get)).any_host.ways(), 3);
    // One literal at a time.
    let literals: Vec<String> = (0..2_000).map(|index| format!("/{{a}}/l{index}/{{b:int}}")).collect();
    let literals: Vec<Declared> = literals.iter().map(|path| get(path)).collect();
    assert_eq!(super::builder(&literals).any_host.ways(), 4);
}

#[test]
fn long_paths_are_looked_at_as_far_as_routes_go() {
    let deepest = "/{x}".to_owned() + &"/1".repeat(63);
    let table = table(&[get(&deepest), get("/a/{rest...}"), get(&"/b".repeat(64))]);
    assert_eq!(found(&table, Method::Get, &format!("/7{}", "/1".repeat(63))), Some((0, vec!["7"])));
    assert_eq!(found(&table, Method::Get, &format!("/7{}", "/1".repeat(64))), None);
    assert_eq!(found(&table, Method::Get, &"/b".repeat(64)), Some((2, vec![])));
    assert_eq!(found(&table, Method::Get, &"/b".repeat(65)), None);
    let long = format!("/a{}", "/x".repeat(100_000));
    assert_eq!(found(&table, Method::Get, &long), Some((1, vec![&long[3..]])));
    assert!(steps(&table, &long) <= 3);
    assert!(steps(&table, &"/1".repeat(100_000)) <= 3);
}

#[test]
fn a_pattern_of_too_many_segments_does_not_join() {
    let pattern = Pattern(vec![Segment::Literal("a".to_owned()); 65]);
    let binding = Binding { pattern: &pattern, method: Method::Get, host: None, version: None };
    assert_eq!(Builder::default().insert(&binding, 0), Err(Conflict::TooMany));
}

proptest! {
    #[test]
    fn no_path_makes_more_steps_than_were_counted(
        routes in proptest::collection::vec("(/(1|a|7|\\{x:int\\}|\\{x:uuid\\}|\\{x:slug\\}|\\{x\\})){1,5}", 1..60),
        path in "(/(1|a|7|A||0190a6e0-0000-7000-8000-00000000abcd)){1,6}",
    ) {
        let mut builder = Builder::default();
        for (index, route) in routes.iter().enumerate() {
            // A name may stand there once only.
            let names = route.matches('{').enumerate();
            let route = names.fold(route.clone(), |route, (at, _)| route.replacen("{x", &format!("{{y{at}"), 1));
            let _ = get(&route).insert(&mut builder, index);
        }
        let (table, ways) = (builder.finish(), builder.any_host.ways());
        prop_assert!(ways <= MOST_WAYS);
        prop_assert!(steps(&table, &path) <= ways, "{} > {}", steps(&table, &path), ways);
    }
}
