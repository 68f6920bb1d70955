//! The key of a route: `METHOD /path`, `METHOD,METHOD /path` or `ANY /path`.

use crate::{
    config::{
        diagnostics::Code,
        values::{Fault, listed, quoted},
    },
    http::method::Method,
    routing::pattern::{Pattern, PatternError, Segment},
    stages::health,
};

/// The first segment of every path that the gateway keeps for itself.
const OWN_SEGMENT: &str = "__ferrogate";

/// Paths that the gateway answers itself.
pub(super) const OWN_PATHS: [&str; 6] =
    [health::SUMMARY, health::LIVE, health::READY, health::STARTUP, health::DETAILED, health::MIGRATIONS];

/// What stands for every method.
const ANY: &str = "ANY";

/// What the key of a route says.
pub(super) struct Target {
    pub(super) methods: Vec<Method>,
    pub(super) path: String,
    pub(super) pattern: Pattern,
}

/// Reads the key of a route.
///
/// # Errors
/// [`Code::BadRouteKey`], [`Code::BadMethod`], [`Code::Repeated`], [`Code::BadPath`] or [`Code::ReservedPath`].
pub(super) fn parse(key: &str) -> Result<Target, Fault> {
    let Some((methods, path)) = key.split_once(' ') else {
        let fault = Fault::new(Code::BadRouteKey, format!("{} is not the name of a route", quoted(key)));
        return Err(fault.expected("methods, one blank and a path, for example \"GET,HEAD /v1/products/{id}\""));
    };
    let methods = methods_of(methods)?;
    let start = key.len().saturating_sub(path.len());
    let pattern = Pattern::parse(path).map_err(|error| {
        let (at, length) = culprit(path, &error);
        bad_path(path, &error).part(start.saturating_add(at), length)
    })?;
    check_reserved(path, &pattern).map_err(|fault| fault.part(start, path.len()))?;
    Ok(Target { methods, path: path.to_owned(), pattern })
}

fn methods_of(text: &str) -> Result<Vec<Method>, Fault> {
    if text == ANY {
        return Ok(Method::ALL.to_vec());
    }
    let mut methods: Vec<Method> = Vec::new();
    let mut start = 0_usize;
    for name in text.split(',') {
        let method = Method::parse(name).ok_or_else(|| bad_method(name).part(start, name.len()))?;
        if methods.contains(&method) {
            return Err(
                Fault::new(Code::Repeated, format!("{} stands here twice", quoted(name))).part(start, name.len())
            );
        }
        methods.push(method);
        start = start.saturating_add(name.len()).saturating_add(1);
    }
    Ok(methods)
}

fn bad_method(name: &str) -> Fault {
    let fault = Fault::new(Code::BadMethod, format!("{} is not a method that a route can have", quoted(name)));
    let fault = fault.expected(format!("{}, or `{ANY}` alone for all of them", listed(Method::ALL.map(Method::name))));
    let fault = fault.nearest(name.trim(), Method::ALL.map(Method::name).into_iter().chain([ANY]));
    match name.trim().to_ascii_uppercase().as_str() {
        "CONNECT" | "TRACE" => fault.help("a gateway neither tunnels nor echoes credentials"),
        "" => fault.help("separate methods by commas without blanks: \"GET,POST /path\""),
        "*" | "ALL" | ANY => fault.help("write \"ANY /path\" for a route that takes every method"),
        upper if upper != name && Method::parse(upper).is_some() => {
            fault.help(format!("methods are case-sensitive: write {upper}"))
        }
        _ => fault,
    }
}

fn bad_path(path: &str, error: &PatternError) -> Fault {
    match error {
        PatternError::Path(rule) => {
            let fault = Fault::new(Code::BadPath, format!("{} is not a path that requests can have", quoted(path)));
            fault.expected(rule.expected())
        }
        other => {
            let fault = Fault::new(Code::BadPath, other.message());
            let fault = fault.expected("a path like /v1/products/{id} or /files/{path...}");
            other.help().into_iter().fold(fault, Fault::help)
        }
    }
}

/// Where in a path the parameter stands that is wrong, and how long it is; the whole path when it is not one segment.
fn culprit(path: &str, error: &PatternError) -> (usize, usize) {
    let is_it = |segment: &str| {
        let inner = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let name = inner.map(|inner| inner.trim_end_matches("...").split(':').next().unwrap_or_default());
        match error {
            PatternError::Braces(found) => segment == found,
            PatternError::Name(found) | PatternError::Type(found, _) | PatternError::TypedRest(found) => {
                name == Some(found)
            }
            PatternError::RestNotLast(found) => name == Some(found) && segment.ends_with("...}"),
            PatternError::Repeated(found) => name == Some(found),
            PatternError::Path(_) | PatternError::TooLong(_) => false,
        }
    };
    let mut start = 0_usize;
    let mut found = None;
    for segment in path.split('/') {
        // Of a name that stands twice the second is one too many.
        if is_it(segment) && (found.is_none() || matches!(error, PatternError::Repeated(_))) {
            found = Some((start, segment.len()));
        }
        start = start.saturating_add(segment.len()).saturating_add(1);
    }
    found.unwrap_or((0, path.len()))
}

fn check_reserved(path: &str, pattern: &Pattern) -> Result<(), Fault> {
    let is_own = matches!(pattern.0.first(), Some(Segment::Literal(first)) if first == OWN_SEGMENT);
    if !is_own && !OWN_PATHS.contains(&path) {
        return Ok(());
    }
    let fault = Fault::new(Code::ReservedPath, format!("the gateway answers {} itself", quoted(path)));
    Err(fault.expected(format!("a path other than {} and those below `/{OWN_SEGMENT}/`", listed(OWN_PATHS))))
}
