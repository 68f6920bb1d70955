//! From a request to its route, or to the refusal that says what there is instead.

use crate::{
    http::{
        method::Method,
        path::{self, PathError},
        problem::{Fault, Kind, Problem},
        request::{Header, RequestHead},
    },
    routing::{
        served::SUPPORTED,
        table::{Match, Miss, Table, Wanted},
        wish::AMBIGUOUS,
    },
};

/// 400: the path could mean two things.
pub const PATH_MALFORMED: Kind =
    Kind { code: "path_malformed", status: 400, title: "The path is malformed", fault: Fault::Client };

/// 404: no route has this path.
pub const ROUTE_NOT_FOUND: Kind =
    Kind { code: "route_not_found", status: 404, title: "There is no such route", fault: Fault::Client };

/// 400: it cannot be told which version is asked for.
pub const VERSION_AMBIGUOUS: Kind =
    Kind { code: "version_ambiguous", status: 400, title: "The request names several versions", fault: Fault::Client };

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
    /// For what the path can be asked, where no route answers OPTIONS itself: the value of `Allow`. The route is that of
    /// the first of these methods, if one would serve the request.
    Options(Option<Match<'h>>, String),
}

/// Finds the route.
///
/// # Errors
/// [`PATH_MALFORMED`], [`ROUTE_NOT_FOUND`] or [`METHOD_NOT_ALLOWED`] with `Allow` (RFC 9110 section 15.5.6).
pub fn select<'h>(table: &'h Table, head: &'h RequestHead) -> Result<Selection<'h>, Problem> {
    head.check_path().map_err(malformed)?;
    let method = Method::parse(head.method());
    if head.is_preflight()
        && let Some((found, wanted)) = preflight(table, head)
    {
        return if is_disputed(table, head, wanted, &found) {
            Err(malformed(PathError::Spelling))
        } else {
            Ok(Selection::Preflight(found, wanted))
        };
    }
    let Some(method) = method else { return Err(refusal(table, head)) };
    match table.find(&wanted(table, head, method)) {
        Ok(found) if is_disputed(table, head, method, &found) => Err(malformed(PathError::Spelling)),
        Ok(found) => Ok(Selection::Route(found)),
        Err(Miss::Version(_)) if table.places.wish(head) == Some(AMBIGUOUS) => {
            let detail = "The ranges of Accept name more than one version.";
            Err(Problem::new(&VERSION_AMBIGUOUS, detail).field("accept", "one version"))
        }
        Err(Miss::Version(there)) => Err(other_versions(&there)),
        Err(Miss::Nothing) if method == Method::Options => options(table, head),
        Err(Miss::Nothing) => Err(refusal(table, head)),
    }
}

fn malformed(error: PathError) -> Problem {
    Problem::new(&PATH_MALFORMED, "The path can be read in more than one way.").field("path", error.expected())
}

/// Whether the path, read as some upstreams read it, would have another route. Where it has the same one, its policy
/// holds for whatever the upstream makes of it.
fn is_disputed(table: &Table, head: &RequestHead, method: Method, found: &Match<'_>) -> bool {
    path::other_readings(head.path()).any(|reading| {
        let wanted = Wanted { path: &reading, ..wanted(table, head, method) };
        table.find(&wanted).map(|other| other.route) != Ok(found.route)
    })
}

/// No route has the method; perhaps some have the path.
fn refusal(table: &Table, head: &RequestHead) -> Problem {
    let Some(allowed) = allow(table, head) else {
        let near = Method::parse(head.method()).map(|method| table.versions_near(&wanted(table, head, method)));
        if let Some(near) = near.filter(|near| !near.is_empty()) {
            return other_versions(&near);
        }
        return Problem::new(&ROUTE_NOT_FOUND, "No route of this gateway has this path.");
    };
    Problem::new(&METHOD_NOT_ALLOWED, format!("This path is there for: {allowed}.")).header("allow", allowed)
}

/// What a path can be asked for, `OPTIONS` included: that is answered wherever a path is there.
fn allow(table: &Table, head: &RequestHead) -> Option<String> {
    let mut allowed = table.allowed(host(table, head), head.path());
    if !allowed.is_empty() && !allowed.contains(&Method::Options) {
        allowed.push(Method::Options);
    }
    let names: Vec<&str> = allowed.into_iter().map(Method::name).collect();
    if names.is_empty() { None } else { Some(names.join(", ")) }
}

/// OPTIONS for a path whose routes are for other methods.
fn options<'h>(table: &'h Table, head: &'h RequestHead) -> Result<Selection<'h>, Problem> {
    let Some(allowed) = allow(table, head) else { return Err(refusal(table, head)) };
    let find = |method: Method| Some((table.find(&wanted(table, head, method)).ok()?, method));
    match Method::ALL.into_iter().find_map(find) {
        Some((found, method)) if is_disputed(table, head, method, &found) => Err(malformed(PathError::Spelling)),
        found => Ok(Selection::Options(found.map(|(found, _)| found), allowed)),
    }
}

/// The path is there, but not in the version that is asked for.
fn other_versions(there: &[&str]) -> Problem {
    let there = there.join(", ");
    let problem = Problem::new(&ROUTE_NOT_FOUND, format!("This path is there in the versions: {there}."));
    problem.field("version", there.clone()).header(SUPPORTED, there)
}

/// What a request asks the table for.
fn wanted<'h>(table: &Table, head: &'h RequestHead, method: Method) -> Wanted<'h> {
    let version = if table.knows_versions() { table.places.wish(head) } else { None };
    Wanted { method, host: host(table, head), path: head.path(), version }
}

/// The host, where it makes a difference.
fn host<'h>(table: &Table, head: &'h RequestHead) -> Option<&'h str> {
    table.knows_hosts().then(|| head.host())
}

/// A CORS preflight is an OPTIONS request with `Origin` and `Access-Control-Request-Method` (Fetch standard,
/// section 3.2.2). It belongs to the route that the announced request would take.
fn preflight<'h>(table: &'h Table, head: &'h RequestHead) -> Option<(Match<'h>, Method)> {
    let method = Method::parse(head.header(Header::AccessControlRequestMethod)?)?;
    Some((table.find(&wanted(table, head, method)).ok()?, method))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        http::request::ABSENT,
        routing::{
            build::{Binding, Builder, VersionLabel},
            pattern::Pattern,
        },
    };

    fn table(routes: &[(Method, Option<&str>, &str, Option<VersionLabel<'_>>)]) -> Table {
        let mut builder = Builder::default();
        for (index, (method, host, path, version)) in routes.iter().enumerate() {
            let pattern = Pattern::parse(path).unwrap();
            let binding = Binding { pattern: &pattern, method: *method, host: *host, version: *version };
            builder.insert(&binding, index as u16).unwrap();
        }
        builder.finish()
    }

    fn head(method: &str, url: &str) -> RequestHead {
        let lengths = [method.len() as u32, url.len() as u32].into_iter().chain(Header::ALL.map(|_| ABSENT));
        let lengths: Vec<u32> = lengths.collect();
        RequestHead::read(format!("{method}{url}"), &lengths, 0).unwrap()
    }

    fn route(table: &Table, head: &RequestHead) -> Result<u16, (&'static str, Option<String>)> {
        match select(table, head) {
            Ok(Selection::Route(found) | Selection::Preflight(found, _)) => Ok(found.route),
            Ok(Selection::Options(found, allow)) => {
                Err(("options", found.map(|found| format!("{}: {allow}", found.route))))
            }
            Err(problem) => Err((problem.kind.code, problem.headers.value("allow").map(str::to_owned))),
        }
    }

    #[test]
    fn the_host_of_the_url_chooses_among_routes() {
        let table = table(&[
            (Method::Get, None, "/a", None),
            (Method::Get, Some("api.acme.example"), "/a", None),
            (Method::Delete, Some("api.acme.example"), "/a", None),
        ]);
        assert_eq!(route(&table, &head("GET", "https://u:p@API.acme.example:8443/a?b")), Ok(1));
        assert_eq!(route(&table, &head("GET", "https://acme.example/a")), Ok(0));
        let refused = |allow: &str| Err(("method_not_allowed", Some(allow.to_owned())));
        assert_eq!(route(&table, &head("PUT", "https://api.acme.example/a")), refused("GET, HEAD, DELETE, OPTIONS"));
        assert_eq!(route(&table, &head("DELETE", "https://acme.example/a")), refused("GET, HEAD, OPTIONS"));
        assert_eq!(route(&table, &head("GET", "https://acme.example/b")), Err(("route_not_found", None)));
    }

    #[test]
    fn a_path_that_is_there_in_other_versions_only_is_not_found_and_says_which() {
        let version = |label| Some(VersionLabel { label, default: false, in_path: false });
        let table = table(&[(Method::Get, None, "/a", version("v1")), (Method::Get, None, "/a", version("v2"))]);
        let problem = select(&table, &head("GET", "https://acme.example/a")).unwrap_err();
        assert_eq!(
            (problem.kind.code, &*problem.detail),
            ("route_not_found", "This path is there in the versions: v1, v2.")
        );
    }
}
