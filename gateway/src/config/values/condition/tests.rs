//! Conditions: what is read, what is refused, and what requests make of them.

use std::borrow::Cow;

use proptest::{prelude::*, sample::select};
use serde_json::{Map, Value, json};

use super::*;
use crate::config::condition::Facts;

/// A request whose claims are these, to `/acme/a%62c` as a route `/{tenant}/{id}`.
struct Request(Map<String, Value>);

impl Facts for Request {
    fn is_suspicious(&self) -> Option<bool> {
        Some(true)
    }

    fn claim(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        [("tenant", "acme"), ("id", "a%62c"), ("same", "a%62c"), ("more", "acme;x=1")]
            .into_iter()
            .find(|it| it.0 == name)
            .map(|it| it.1)
    }

    fn request(&self, field: Field) -> Cow<'_, str> {
        match field {
            Field::Method => "GET".into(),
            Field::Host => "api.test".into(),
            Field::Path => "/acme/a%62c".into(),
            Field::Id => "r-1".into(),
        }
    }
}

fn request() -> Request {
    let claims = json!({
        "sub": "u1", "tenant": "acme", "level": 3, "half": 2.5, "big": 9_007_199_254_740_993_u64, "staff": true,
        "nothing": null, "groups": ["a", "b"], "mixed": ["a", {}], "none": [], "address": { "country": "de" },
        "empty": "", "base": "/acme", "encoded": "a%62c", "plain": "abc",
    });
    Request(claims.as_object().unwrap().clone())
}

fn truth(text: &str) -> Option<bool> {
    parse(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}")).condition.truth(&request())
}

#[test]
fn what_is_there_is_compared() {
    let yes = [
        "claims.tenant == path.tenant",
        "claims.tenant != 'other'",
        "claims.level == 3 && claims.level >= 3 && claims.level <= 3 && claims.level > 2 && claims.level < 4",
        "claims.half > 2 && claims.half < 3 && claims.level > claims.half && -1 < claims.level",
        "claims.staff == true && claims.staff != false",
        "request.method == 'GET' && request.method in ['GET', 'HEAD']",
        "request.host == 'api.test' && request.id == 'r-1'",
        "claims.groups contains 'b' && 'a' in claims.groups && !('c' in claims.groups)",
        "claims.tenant in ['x', 'acme'] && !(claims.level in [1, 2]) && path.tenant in ['acme']",
        "!(claims.none contains 'a')",
        "request.path starts_with '/acme/' && request.path starts_with claims.base && claims.sub starts_with 'u'",
        "has(claims.sub) && !has(claims.other) && !has(claims.nothing)",
        "claims.tenant == 'x' || (claims.tenant == 'acme' && claims.level == 3)",
        "path.id == path.same && path.more starts_with 'acm' && 'it''s' != claims.sub",
    ];
    for text in yes {
        assert_eq!(truth(text), Some(true), "{text}");
        assert_eq!(truth(&format!("!({text})")), Some(false), "{text}");
    }
}

#[test]
fn what_is_missing_or_of_another_type_is_unknown_and_so_is_its_opposite() {
    let unknown = [
        "claims.other == 'a'",
        "claims.other != 'a'",
        "claims.nothing == 'a'",
        "claims.level == '3'",
        "claims.tenant == 3",
        "claims.staff == 'true'",
        "claims.groups == 'a'",
        "claims.address != 'a'",
        "claims.tenant < 3",
        "claims.tenant contains 'ac'",
        "claims.groups contains 3",
        "claims.mixed contains 'b'",
        "claims.address contains 'country'",
        "'a' in claims.tenant",
        "claims.other in ['a']",
        "claims.level starts_with '3'",
        "claims.tenant starts_with claims.empty",
        "claims.big == claims.big",
        "claims.big > 1",
        "claims.other == claims.other",
        "claims.tenant == 'x' || claims.other == 'a'",
        "claims.tenant == 'acme' && claims.other == 'a'",
    ];
    for text in unknown {
        assert_eq!(truth(text), None, "{text}");
        assert_eq!(truth(&format!("!({text})")), None, "{text}");
        assert!(!parse(text).unwrap().condition.holds(&request()), "{text}");
    }
    assert_eq!(truth("claims.mixed contains 'a'"), Some(true), "what is there is there");
    assert_eq!(truth("claims.tenant == 'acme' || claims.other == 'a'"), Some(true), "one is enough");
    assert_eq!(truth("claims.tenant == 'x' && claims.other == 'a'"), Some(false), "one is too few");
}

#[test]
fn what_can_be_read_in_two_ways_is_neither_equal_nor_different() {
    for text in [
        "path.id == 'abc'",
        "path.id != 'abc'",
        "path.id == claims.encoded",
        "path.id == claims.plain",
        "path.id in ['x', 'y']",
        "path.id != path.tenant",
        "path.more != 'acme'",
        "path.more == 'acme;x=1'",
        "path.more != path.tenant",
        "!(path.more in ['acme'])",
        "path.more starts_with 'acme;'",
        "request.path == '/acme/abc'",
        "request.path starts_with '/acme/ab'",
        "request.path starts_with '/acme/a%62'",
        "claims.encoded starts_with path.id",
    ] {
        assert_eq!(truth(text), None, "{text}");
    }
}

#[test]
fn and_binds_more_than_or() {
    assert_eq!(truth("claims.level == 3 || claims.level == 4 && claims.sub == 'x'"), Some(true));
    assert_eq!(truth("(claims.level == 3 || claims.level == 4) && claims.sub == 'x'"), Some(false));
}

#[test]
fn what_is_no_condition_is_underlined() {
    let cases = [
        ("claims.a = 'b'", "=", Some("two values are compared with `==`")),
        ("claims.a == 'b' & claims.c == 1", "&", Some("`and` is written `&&`")),
        ("claims.a == 'b' and claims.c == 1", "and", Some("`and` is written `&&`")),
        ("not claims.a == 'b'", "not", Some("these are written `&&`, `||` and `!(…)`")),
        ("claims.a == \"b\"", "\"", Some("texts stand in single quotes: 'text'")),
        ("claims.a == 'b", "'b", Some("end it with a single quote; one inside a text is written twice")),
        ("claims.a == 1.5", "1.5", None),
        ("claims.a == ", "==", None),
        ("claims.a", "claims.a", Some("write `claims.a == true` for what is true or false")),
        ("claims.a == 'b' )", ")", None),
        ("(claims.a == 'b'", "'b'", None),
        ("!claims.a == 'b'", "claims.a", None),
        ("claims.a equals 'b'", "equals", None),
        ("claims.a == 'b' == 'c'", "==", None),
        ("has(path.id)", "path.id", None),
        ("claims.a in []", "[]", None),
        ("claims.a in ['b'", "'b'", None),
        ("claims.a in ['b',]", "]", None),
        ("claims. == 'b'", "claims.", None),
        ("claims.a..b == 'c'", "claims.a..b", None),
        ("user.id == 'c'", "user.id", None),
        ("has claims.a", "claims.a", None),
        ("{claims.a} == 'b'", "{", Some("here a place has no braces: `claims.sub`")),
    ];
    for (text, part, help) in cases {
        let fault = parse(text).unwrap_err();
        assert_eq!(fault.code, Code::BadCondition, "{text}");
        assert_eq!(fault.part.clone().and_then(|part| text.get(part)), Some(part), "{text} {fault:?}");
        assert_eq!(fault.help.as_deref(), help, "{text}");
    }
    let nearest = |text: &str| parse(text).unwrap_err().nearest;
    assert_eq!(nearest("claim.sub == 'a'").as_deref(), Some("claims.sub"));
    assert_eq!(nearest("request.hots == 'a'").as_deref(), Some("request.host"));
    assert_eq!(nearest("claims.a contians 'a'").as_deref(), Some("contains"));
    assert_eq!(parse("").map_err(|fault| fault.code).err(), Some(Code::BadCondition));
}

#[test]
fn what_is_never_equal_is_refused() {
    let cases = [
        ("path.id == 3", "path.id == 3"),
        ("request.method == true", "request.method == true"),
        ("path.id < 3", "path.id"),
        ("claims.a >= '3'", "'3'"),
        ("path.id contains 'a'", "path.id"),
        ("claims.a in 'a'", "'a'"),
        ("claims.a in path.id", "path.id"),
        ("path.id in [1, 'a']", "[1, 'a']"),
        ("claims.a == ['b']", "['b']"),
        ("claims.a starts_with 3", "3"),
        ("1 == 1", "1 == 1"),
        ("'a' in ['a']", "'a' in ['a']"),
    ];
    for (text, part) in cases {
        let fault = parse(text).unwrap_err();
        assert_eq!(fault.code, Code::ConditionTypes, "{text}");
        assert_eq!(fault.part.and_then(|part| text.get(part)), Some(part), "{text}");
    }
    for text in ["request.method != 'get'", "request.method in ['GET', 'TRACE']", "'Post' == request.method"] {
        assert_eq!(parse(text).map_err(|fault| fault.code).err(), Some(Code::BadMethod), "{text}");
    }
    for text in ["claims.a == 9007199254740992", "claims.a < 99999999999999999999"] {
        assert_eq!(parse(text).map_err(|fault| fault.code).err(), Some(Code::OutOfRange), "{text}");
    }
}

#[test]
fn depth_and_size_are_bounded() {
    let nested = |depth: usize| format!("{}claims.a == 1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(
        parse(&nested(DEEPEST)).is_ok() && parse(&nested(DEEPEST + 1)).is_err() && parse(&nested(100_000)).is_err()
    );
    let negated = |depth: usize| format!("{}claims.a == 1{}", "!(".repeat(depth), ")".repeat(depth));
    assert!(parse(&negated(DEEPEST)).is_ok() && parse(&negated(DEEPEST + 1)).is_err());
    let long = |parts: usize| vec!["claims.a == 1"; parts].join(" && ");
    assert!(parse(&long(MOST_PARTS - 1)).is_ok() && parse(&long(MOST_PARTS)).is_err());
    let list = |values: usize| format!("claims.a in [{}]", vec!["1"; values].join(","));
    assert!(parse(&list(MOST_VALUES)).is_ok() && parse(&list(MOST_VALUES + 1)).is_err());
}

#[test]
fn claims_and_parameters_are_found_with_their_places() {
    let text = "has(claims.a.b) || path.id in ['x'] || claims.https://a.example/c == 1";
    let uses = parse(text).unwrap().uses;
    let found: Vec<(&str, String)> =
        uses.iter().map(|(slot, part)| (&text[part.clone()], format!("{slot:?}"))).collect();
    let claim = |name: &str| format!("Claim({name:?})");
    let expected = [
        ("claims.a.b", claim("a.b")),
        ("path.id", "PathParameter(\"id\")".to_owned()),
        ("claims.https://a.example/c", claim("https://a.example/c")),
    ];
    assert_eq!(found, expected);
}

const CLAIMS: [&str; 4] = ["sub", "level", "groups", "staff"];

fn texts() -> impl Strategy<Value = Literal> {
    prop_oneof![4 => "[ab]", 1 => "\\PC{0,4}", 1 => "['%]{1,3}"].prop_map(Literal::Text)
}

fn literals() -> impl Strategy<Value = Literal> {
    prop_oneof![texts(), (-3_i64..3).prop_map(Literal::Number), any::<bool>().prop_map(Literal::Boolean)]
}

fn claims() -> impl Strategy<Value = Operand> {
    select(CLAIMS.to_vec()).prop_map(|name| Operand::Claim(name.to_owned()))
}

fn sent() -> impl Strategy<Value = Operand> {
    let parameter = select(vec!["tenant", "id"]).prop_map(|name| Operand::Parameter(name.to_owned()));
    prop_oneof![parameter, select(vec![Field::Host, Field::Path, Field::Id]).prop_map(Operand::Request)]
}

fn lists() -> impl Strategy<Value = Operand> {
    prop::collection::vec(literals(), 1..4).prop_map(Operand::List)
}

/// Comparisons without a mistake in their types.
fn comparisons() -> impl Strategy<Value = Condition> {
    use Operator::{Contains, Equal, Greater, GreaterOrEqual, In, Less, LessOrEqual, StartsWith, Unequal};
    let equal = || select(vec![Equal, Unequal]);
    let orders = select(vec![Less, LessOrEqual, Greater, GreaterOrEqual]);
    let number = (-3_i64..3).prop_map(|number| Operand::Literal(Literal::Number(number)));
    let any = prop_oneof![literals().prop_map(Operand::Literal), claims(), sent()];
    let text = || texts().prop_map(Operand::Literal);
    prop_oneof![
        (claims(), equal(), any),
        (sent(), equal(), prop_oneof![text(), claims(), sent()]),
        (claims(), orders, number),
        (claims(), Just(In), prop_oneof![lists(), claims()]),
        (prop_oneof![claims(), lists()], Just(Contains), claims()),
        (prop_oneof![claims(), sent()], Just(StartsWith), prop_oneof![text(), claims(), sent()]),
    ]
    .prop_map(|(left, operator, right)| Condition::Compare(left, operator, right))
}

/// Conditions in which `has` is never negated, or negated only.
fn conditions(has_is_negated: bool, depth: u32) -> BoxedStrategy<Condition> {
    let has = select(CLAIMS.to_vec()).prop_map(|name| Condition::Has(name.to_owned())).boxed();
    let leaf = if has_is_negated { comparisons().boxed() } else { prop_oneof![4 => comparisons(), 1 => has].boxed() };
    if depth == 0 {
        return leaf;
    }
    let inner = conditions(has_is_negated, depth - 1);
    let several = || prop::collection::vec(inner.clone(), 2..4);
    let opposite = conditions(!has_is_negated, depth - 1);
    prop_oneof![
        1 => leaf,
        1 => several().prop_map(Condition::All),
        1 => several().prop_map(Condition::Any),
        3 => opposite.prop_map(|inner| Condition::Not(Box::new(inner))),
    ]
    .boxed()
}

fn values() -> impl Strategy<Value = Value> {
    let scalar = || {
        prop_oneof![
            4 => "[ab]".prop_map(Value::from),
            2 => "[a%]{0,2}".prop_map(Value::from),
            2 => (-3_i64..3).prop_map(Value::from),
            1 => any::<f64>().prop_map(|number| json!(number)),
            1 => any::<u64>().prop_map(Value::from),
            2 => any::<bool>().prop_map(Value::from),
            1 => Just(Value::Null),
            1 => Just(json!({ "a": 1 })),
        ]
    };
    prop_oneof![3 => scalar(), 1 => prop::collection::vec(scalar(), 0..3).prop_map(Value::from)]
}

fn tokens() -> impl Strategy<Value = Map<String, Value>> {
    let claims = prop::collection::hash_map(select(CLAIMS.to_vec()), values(), 0..CLAIMS.len() + 1);
    claims.prop_map(|claims| claims.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn what_is_printed_is_read_back(condition in prop_oneof![conditions(false, 2), conditions(true, 2)]) {
        let printed = condition.to_string();
        let read = parse(&printed);
        prop_assert_eq!(read.map(|parsed| parsed.condition), Ok(condition), "{}", printed);
    }

    /// What passes without a claim passes with it, whatever it says: nobody gets in by leaving something out.
    #[test]
    fn a_missing_claim_lets_nobody_in(condition in conditions(false, 2), less in tokens(), value in values(), missing in select(CLAIMS.to_vec())) {
        let (mut less, mut token) = (less.clone(), less);
        less.remove(missing);
        token.insert(missing.to_owned(), value);
        let (with, without) = (condition.holds(&Request(token)), condition.holds(&Request(less)));
        prop_assert!(with || !without, "{}", condition);
    }

    #[test]
    fn a_condition_and_its_opposite_never_both_hold(condition in conditions(true, 3), token in tokens()) {
        let opposite = Condition::Not(Box::new(condition.clone()));
        let request = Request(token);
        prop_assert!(!(condition.holds(&request) && opposite.holds(&request)), "{}", condition);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,20}|([a-z.]{1,8}|==|!|\\(|\\)|\\[|\\]|,|'| |&&|has|claims\\.a|in|1|-){0,16}") {
        let parsed = parse(&text);
        if let Err(fault) = &parsed {
            let part = fault.part.clone().map_or(Some(text.as_str()), |part| text.get(part));
            prop_assert!(part.is_some_and(|part| !part.is_empty() || text.trim().is_empty()), "{:?} {:?}", text, fault);
        }
        for (_, part) in parsed.into_iter().flat_map(|parsed| parsed.uses) {
            prop_assert!(text.get(part).is_some_and(|part| part.starts_with("claims.") || part.starts_with("path.")));
        }
    }

    #[test]
    fn the_compiled_file_keeps_conditions(condition in conditions(false, 2)) {
        let bytes = postcard::to_allocvec(&condition).unwrap();
        prop_assert_eq!(postcard::from_bytes::<Condition>(&bytes), Ok(condition));
    }
}
