//! The table beside the slow, obvious search: all routes that fit, sorted.

use proptest::{prelude::*, sample::select};

use super::*;
use crate::routing::{pattern::Segment, types::Type};

const UUID: &str = "0190a6e0-0000-7000-8000-00000000abcd";
const VERSIONS: [&str; 3] = ["v1", "v2", "v3"];
const HOSTS: [&str; 5] = ["a.test", "b.a.test", "*.test", "*.a.test", "*.b.a.test"];
const ASKED: [&str; 7] = ["a.test", "b.a.test", "x.b.a.test", "c.a.test", "test", "x.test", "other"];
const METHODS: [Method; 3] = [Method::Get, Method::Head, Method::Post];

fn segments() -> impl Strategy<Value = Vec<Segment>> {
    let literal = select(vec!["a", "b", "c", "d", "e", "f", "7", "a-b", UUID]);
    let segment = prop_oneof![
        4 => literal.prop_map(|text| Segment::Literal(text.to_owned())),
        3 => select(Type::ALL.to_vec()).prop_map(|takes| Segment::Parameter { name: "p".to_owned(), takes }),
    ];
    let last = prop_oneof![
        3 => Just(None),
        1 => Just(Some(Segment::Literal(String::new()))),
        2 => Just(Some(Segment::Rest("r".to_owned()))),
    ];
    (proptest::collection::vec(segment, 0..4), last).prop_map(|(mut segments, last)| {
        let root = segments.is_empty().then(|| Segment::Literal(String::new()));
        segments.extend(last.or(root));
        segments
    })
}

fn version() -> impl Strategy<Value = Option<VersionLabel<'static>>> {
    let label = (select(VERSIONS[..2].to_vec()), any::<bool>(), proptest::bool::weighted(0.2));
    let label = label.prop_map(|(label, default, in_path)| VersionLabel { label, default, in_path });
    proptest::option::weighted(0.4, label)
}

fn declared() -> impl Strategy<Value = Declared> {
    let host = proptest::option::weighted(0.5, select(HOSTS.to_vec()));
    (select(METHODS.to_vec()), host, segments(), version()).prop_map(|(method, host, segments, version)| Declared {
        method,
        host,
        pattern: Pattern(segments),
        version,
    })
}

fn path() -> impl Strategy<Value = String> {
    let segment = select(vec!["a", "b", "c", "d", "7", "8", "a-b", "z-9", "A", "a.b", UUID]);
    let end = select(vec!["", "", "/", "/x/y"]);
    let whole = (proptest::collection::vec(segment, 0..5), end);
    whole.prop_map(|(segments, end)| format!("/{}{end}", segments.join("/")))
}

/// The values of a pattern's parameters, if it fits.
fn fits<'p>(pattern: &Pattern, path: &'p str) -> Option<Vec<&'p str>> {
    let (mut values, mut rest) = (Vec::new(), path.strip_prefix('/'));
    for segment in &pattern.0 {
        let left = rest?;
        let (part, tail) = left.split_once('/').map_or((left, None), |(part, tail)| (part, Some(tail)));
        match segment {
            Segment::Literal(text) if text == part => {}
            Segment::Parameter { takes, .. } if takes.takes(part) => values.push(part),
            Segment::Rest(_) => {
                values.push(left);
                return Some(values);
            }
            _ => return None,
        }
        rest = tail;
    }
    rest.is_none().then_some(values)
}

/// How close a host pattern is to a host: the lower the closer.
fn host_rank(pattern: Option<&str>, host: &str) -> Option<usize> {
    let Some(pattern) = pattern else { return Some(usize::MAX) };
    match pattern.strip_prefix('*') {
        None => (pattern == host).then_some(0),
        Some(suffix) => (host.len() > suffix.len() && host.ends_with(suffix)).then(|| 1000 - suffix.len()),
    }
}

fn path_rank(pattern: &Pattern) -> Vec<usize> {
    let rank = |segment: &Segment| match segment {
        Segment::Literal(_) => 0,
        Segment::Parameter { takes, .. } => 1 + Type::ALL.iter().position(|kind| kind == takes).unwrap(),
        Segment::Rest(_) => 9,
    };
    pattern.0.iter().map(rank).collect()
}

/// The places that fit, the closest first, each with its routes.
fn places<'r>(routes: &'r [Declared], wanted: &Wanted<'_>) -> Vec<Vec<(usize, &'r Declared)>> {
    let fitting = routes.iter().enumerate().filter_map(|(index, route)| {
        let host = host_rank(route.host, wanted.host.unwrap_or_default())?;
        fits(&route.pattern, wanted.path)?;
        Some(((host, path_rank(&route.pattern)), (index, route)))
    });
    let mut places = std::collections::BTreeMap::<_, Vec<_>>::new();
    for (rank, route) in fitting {
        places.entry(rank).or_default().push(route);
    }
    places.into_values().collect()
}

/// The version that requests have to ask for.
fn asked(route: &Declared) -> Option<VersionLabel<'static>> {
    route.version.filter(|version| !version.in_path)
}

/// What one place does for one method: the route, or whether it has that method in other versions.
fn at_place(place: &[(usize, &Declared)], method: Method, wish: Option<&str>) -> Result<usize, bool> {
    let of: Vec<_> = place.iter().filter(|(_, route)| route.method == method).collect();
    let versioned = of.iter().any(|(_, route)| asked(route).is_some());
    let by = |wanted: &dyn Fn(&Option<VersionLabel<'_>>) -> bool| {
        of.iter().find(|(_, route)| wanted(&asked(route))).map(|(index, _)| *index)
    };
    let plain = by(&|version| version.is_none());
    let route = match wish {
        None => plain.or(by(&|version| version.is_some_and(|version| version.default))),
        Some(wish) => {
            by(&|version| version.is_some_and(|version| version.label == wish)).or(plain.filter(|_| !versioned))
        }
    };
    route.ok_or(versioned)
}

/// The index of the route, or the versions that exist.
fn oracle(routes: &[Declared], wanted: &Wanted<'_>) -> Result<usize, Vec<&'static str>> {
    let methods: &[Method] =
        if wanted.method == Method::Head { &[Method::Head, Method::Get] } else { &[wanted.method] };
    let (mut seen, mut there) = (false, Vec::new());
    for place in places(routes, wanted) {
        let choices = methods.iter().map(|method| at_place(&place, *method, wanted.version));
        let choices: Vec<Result<usize, bool>> = choices.collect();
        let chosen = choices.iter().find_map(|choice| choice.as_ref().ok());
        if let Some(index) = chosen.filter(|index| asked(&routes[**index]).is_some() || !seen) {
            return Ok(*index);
        }
        // A place that serves, but not behind versions, hides nothing.
        seen |= chosen.is_none() && choices.contains(&Err(true));
        let serving = place.iter().filter(|(_, route)| methods.contains(&route.method));
        there.extend(serving.filter_map(|(_, route)| asked(route)).map(|version| version.label));
    }
    let mut order: Vec<&str> = Vec::new();
    for version in routes.iter().filter_map(|route| route.version).map(|version| version.label) {
        if seen && there.contains(&version) && !order.contains(&version) {
            order.push(version);
        }
    }
    Err(order)
}

fn allowed(routes: &[Declared], wanted: &Wanted<'_>) -> Vec<Method> {
    let methods: Vec<Method> = places(routes, wanted).iter().flatten().map(|(_, route)| route.method).collect();
    let has = |method| methods.contains(&method);
    Method::ALL.into_iter().filter(|method| has(*method) || *method == Method::Head && has(Method::Get)).collect()
}

/// The table of those routes that could be inserted, and these routes.
fn built(routes: Vec<Declared>) -> (Table, Vec<Declared>) {
    let (mut builder, mut kept) = (Builder::default(), Vec::new());
    for route in routes {
        if route.insert(&mut builder, kept.len()).is_ok() {
            kept.push(route);
        }
    }
    (builder.finish(), kept)
}

/// The answer of the table, in the words of the oracle.
fn answer<'t>(found: Result<Match<'t>, Miss<'t>>) -> Result<usize, Vec<&'t str>> {
    match found {
        Ok(found) => Ok(usize::from(found.route)),
        Err(Miss::Version(there)) => Err(there),
        Err(Miss::Nothing) => Err(Vec::new()),
    }
}

/// A path that a pattern fits.
fn instance(pattern: &Pattern) -> String {
    let part = |segment: &Segment| match segment {
        Segment::Literal(text) => text.clone(),
        Segment::Parameter { takes: Type::Int, .. } => "7".to_owned(),
        Segment::Parameter { takes: Type::Uuid, .. } => UUID.to_owned(),
        Segment::Parameter { takes: Type::Slug, .. } => "a-b".to_owned(),
        Segment::Parameter { takes: Type::Any, .. } => "a".to_owned(),
        Segment::Rest(_) => "b/c".to_owned(),
    };
    pattern.0.iter().flat_map(|segment| ["/".to_owned(), part(segment)]).collect()
}

fn compare(table: &Table, routes: &[Declared], wanted: &Wanted<'_>) -> Result<(), TestCaseError> {
    let found = table.find(wanted);
    if let Ok(found) = &found {
        let route = &routes[usize::from(found.route)];
        prop_assert_eq!(&found.values, &fits(&route.pattern, wanted.path).unwrap());
        prop_assert_eq!(found.version, route.version.map(|version| version.label));
    }
    prop_assert_eq!(answer(found), oracle(routes, wanted), "{:?}", wanted);
    prop_assert_eq!(table.allowed(wanted.host, wanted.path), allowed(routes, wanted));
    let loud = wanted.host.map(|host| host.to_uppercase() + ".");
    prop_assert_eq!(table.find(&Wanted { host: loud.as_deref(), ..*wanted }), table.find(wanted));
    Ok(())
}

proptest! {
    #[test]
    fn the_table_finds_what_the_obvious_search_finds(
        routes in proptest::collection::vec(declared(), 1..30),
        method in select(METHODS.to_vec()),
        host in proptest::option::of(select(ASKED.to_vec())),
        paths in proptest::collection::vec(path(), 8),
        version in proptest::option::of(select(VERSIONS.to_vec())),
    ) {
        let (table, routes) = built(routes);
        let instances: Vec<String> = routes.iter().map(|route| instance(&route.pattern)).collect();
        for path in paths.iter().chain(&instances) {
            compare(&table, &routes, &Wanted { method, host, path, version })?;
        }
    }
}
