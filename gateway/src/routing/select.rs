//! From a request to its route, or to the refusal that says what there is instead.

use crate::{
    http::{
        method::Method,
        problem::{Fault, Kind, Problem},
        request::{Header, RequestHead},
    },
    routing::table::{Match, Table},
};

/// 400: the path could mean two things.
pub const PATH_MALFORMED: Kind =
    Kind { code: "path_malformed", status: 400, title: "The path is malformed", fault: Fault::Client };

/// 404: no route has this path.
pub const ROUTE_NOT_FOUND: Kind =
    Kind { code: "route_not_found", status: 404, title: "There is no such route", fault: Fault::Client };

/// 405: the path is known, the method is not.
pub const METHOD_NOT_ALLOWED: Kind =
    Kind { code: "method_not_allowed", status: 405, title: "The route has no such method", fault: Fault::Client };

/// What a request asks for.
#[derive(Debug)]
pub enum Selection<'h> {
    /// To be served by this route.
    Route(Match<'h>),
    /// A browser asks beforehand whether it may send a request to this route, with this method.
    Preflight(Match<'h>, Method),
}

/// Finds the route.
///
/// # Errors
/// [`PATH_MALFORMED`], [`ROUTE_NOT_FOUND`] or [`METHOD_NOT_ALLOWED`] with `Allow` (RFC 9110 section 15.5.6).
pub fn select<'h>(table: &Table, head: &'h RequestHead) -> Result<Selection<'h>, Problem> {
    head.check_path().map_err(|error| {
        Problem::new(&PATH_MALFORMED, "The path can be read in more than one way.").field("path", error.expected())
    })?;
    let path = head.path();
    let method = Method::parse(head.method());
    if method == Some(Method::Options)
        && let Some((found, wanted)) = preflight(table, head)
    {
        return Ok(Selection::Preflight(found, wanted));
    }
    if let Some(found) = method.and_then(|method| table.find(method, path)) {
        return Ok(Selection::Route(found));
    }
    let allowed: Vec<&str> = table.allowed(path).into_iter().map(Method::name).collect();
    if allowed.is_empty() {
        return Err(Problem::new(&ROUTE_NOT_FOUND, "No route of this gateway has this path."));
    }
    let allowed = allowed.join(", ");
    Err(Problem::new(&METHOD_NOT_ALLOWED, format!("This path is there for: {allowed}.")).header("allow", allowed))
}

/// A CORS preflight is an OPTIONS request with `Origin` and `Access-Control-Request-Method` (Fetch standard,
/// section 3.2.2). It belongs to the route that the announced request would take.
fn preflight<'h>(table: &Table, head: &'h RequestHead) -> Option<(Match<'h>, Method)> {
    head.header(Header::Origin)?;
    let wanted = Method::parse(head.header(Header::AccessControlRequestMethod)?)?;
    Some((table.find(wanted, head.path())?, wanted))
}
