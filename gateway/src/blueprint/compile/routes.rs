//! `[routes."METHOD /path"]`: which requests go where, under which policy.

use super::{layer::Layer, named::Register, policy::Layers, security_headers::Lists};
use crate::{
    blueprint::{Route, Upstream},
    config::{
        diagnostics::{Code, Report},
        reader::{Item, Located, Reader},
        text::Variables,
        values::{Fault, listed, quoted},
    },
    http::method::Method,
    routing::{
        build::{Binding, Builder, Conflict, MOST_WAYS},
        pattern::{Pattern, PatternError, Segment},
        table::Table,
    },
    stages::authn::Issuer,
};

/// The first segment of every path that the gateway keeps for itself.
const OWN_SEGMENT: &str = "__ferrogate";

/// Paths that the gateway answers itself.
const OWN_PATHS: [&str; 2] = ["/health/live", "/health/ready"];

/// A route as declared; it may stand for several methods.
pub(super) struct Declared {
    key: Located<String>,
    /// `None` when the key is wrong, which has been reported.
    target: Option<Target>,
    upstream: Option<u16>,
    uses: Vec<u16>,
    layer: Layer,
}

/// What the key of a route says.
struct Target {
    methods: Vec<Method>,
    path: String,
    pattern: Pattern,
}

/// The routes of the blueprint.
#[derive(Default)]
pub(super) struct Built {
    /// One for each method and path.
    pub(super) routes: Vec<Route>,
    /// The same by method and path.
    pub(super) table: Table,
}

/// Reads `[routes]`, in the order of the file.
pub(super) fn read(
    root: &mut Reader<'_>,
    issuers: &Register<Issuer>,
    upstreams: &Register<Upstream>,
    policies: &Register<Layer>,
    variables: &mut Variables,
) -> Vec<Declared> {
    let entries = root.optional("routes", Item::table).map(|table| table.entries()).unwrap_or_default();
    if entries.is_empty() {
        let draft = root.report().draft(Code::NoRoutes, &(0..0), "the gateway has no routes");
        draft.help("write [routes.\"GET /path\"] with `upstream` and `auth`").report();
    }
    let declare = |item: &Item<'_>| {
        let target = item.parsed_key(target);
        let mut section = item.table()?;
        let upstream = section.required("upstream", |item| upstreams.find(item, Code::UnknownUpstream));
        let uses = section.optional("use", |item| uses(item, policies)).unwrap_or_default();
        let layer = Layer::read(&mut section, issuers, variables);
        section.finish();
        let key = Located { value: item.key().to_owned(), span: item.key_span().clone() };
        Some(Declared { key, target, upstream, uses, layer })
    };
    entries.iter().filter_map(declare).collect()
}

/// `use = "NAME"` or `use = ["NAME", …]`.
fn uses(item: &Item<'_>, policies: &Register<Layer>) -> Option<Vec<u16>> {
    let find = |item: &Item<'_>| policies.find(item, Code::UnknownPolicy);
    match () {
        () if item.is_list() => item.list_of(find),
        () if item.is_text() => Some(vec![find(item)?]),
        () => item.wrong_type("the name of a policy or a list of names"),
    }
}

/// Reads `METHOD /path` or `METHOD,METHOD /path`.
fn target(key: &str) -> Result<Target, Fault> {
    let Some((methods, path)) = key.split_once(' ') else {
        let fault = Fault::new(Code::BadRouteKey, format!("{} is not the name of a route", quoted(key)));
        return Err(fault.expected("methods, one blank and a path, for example \"GET,HEAD /v1/products/{id}\""));
    };
    let methods = methods_of(methods)?;
    let start = key.len().saturating_sub(path.len());
    let pattern = Pattern::parse(path).map_err(|error| bad_path(path, &error).part(start, path.len()))?;
    check_reserved(path, &pattern).map_err(|fault| fault.part(start, path.len()))?;
    Ok(Target { methods, path: path.to_owned(), pattern })
}

fn methods_of(text: &str) -> Result<Vec<Method>, Fault> {
    let mut methods: Vec<Method> = Vec::new();
    let mut start = 0_usize;
    for name in text.split(',') {
        let method = Method::parse(name).ok_or_else(|| bad_method(name).part(start, name.len()))?;
        if methods.contains(&method) {
            return Err(Fault::new(Code::Repeated, format!("{name} stands here twice")).part(start, name.len()));
        }
        methods.push(method);
        start = start.saturating_add(name.len()).saturating_add(1);
    }
    Ok(methods)
}

fn bad_method(name: &str) -> Fault {
    let fault = Fault::new(Code::BadMethod, format!("{} is not a method that a route can have", quoted(name)));
    let fault = fault.expected(listed(Method::ALL.map(Method::name)));
    match name.trim().to_ascii_uppercase().as_str() {
        "CONNECT" | "TRACE" => fault.help("a gateway neither tunnels nor echoes credentials"),
        "" | "*" | "ANY" | "ALL" => {
            fault.help("name each method, separated by commas without blanks: \"GET,POST /path\"")
        }
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

fn check_reserved(path: &str, pattern: &Pattern) -> Result<(), Fault> {
    let is_own = matches!(pattern.0.first(), Some(Segment::Literal(first)) if first == OWN_SEGMENT);
    if !is_own && !OWN_PATHS.contains(&path) {
        return Ok(());
    }
    let fault = Fault::new(Code::ReservedPath, format!("the gateway answers {} itself", quoted(path)));
    Err(fault.expected(format!("a path other than {} and those below `/{OWN_SEGMENT}/`", listed(OWN_PATHS))))
}

/// Puts the routes together, each with its policy resolved.
pub(super) fn build(
    declared: &[Declared],
    gateway: &Layer,
    policies: &Register<Layer>,
    lists: &mut Lists,
    report: &Report<'_>,
) -> Built {
    let mut built = Built::default();
    let mut table = Builder::default();
    let mut places: Vec<&Declared> = Vec::new();
    for route in declared {
        let parameters: Vec<String> =
            route.target.iter().flat_map(|target| target.pattern.parameters()).map(str::to_owned).collect();
        let used = route.uses.iter().filter_map(|index| policies.get(*index));
        let layers: Vec<&Layer> = std::iter::once(gateway).chain(used).chain([&route.layer]).collect();
        let policy = Layers { layers: &layers, route: &route.key, parameters: &parameters }.resolve(lists, report);
        let Some(target) = &route.target else { continue };
        for method in &target.methods {
            if !insert(&mut table, &mut places, route, target, *method, report) {
                return built;
            }
            built.routes.push(Route {
                key: format!("{} {}", method.name(), target.path),
                upstream: route.upstream.unwrap_or_default(),
                parameters: parameters.clone(),
                policy: policy.clone().unwrap_or_default(),
            });
        }
    }
    built.table = table.finish();
    built
}

/// Adds a route to the table under the next index; `false` when there are too many to go on.
fn insert<'d>(
    table: &mut Builder,
    places: &mut Vec<&'d Declared>,
    route: &'d Declared,
    target: &Target,
    method: Method,
    report: &Report<'_>,
) -> bool {
    let binding = Binding { pattern: &target.pattern, method, host: None, version: None };
    let conflict = match u16::try_from(places.len()) {
        Ok(index) if index < u16::MAX => table.insert(&binding, index).err(),
        _ => Some(Conflict::TooMany),
    };
    places.push(route);
    match conflict {
        None => true,
        Some(Conflict::Tie(other) | Conflict::TwoDefaults(other)) => {
            let message = format!("{} {} takes the same requests as another route", method.name(), target.path);
            let mut draft = report.draft(Code::Tie, &route.key.span, message);
            if let Some(other) = places.get(usize::from(other)) {
                draft = draft.related(&other.key.span, "the other route");
            }
            draft.help("the names of parameters make no difference; take one of the two out").report();
            true
        }
        Some(Conflict::TooManyWays) => {
            let message = format!("with this route, more than {MOST_WAYS} places have to be looked at for one path");
            let help = "give some of the parameters literal segments of their own, or take their types out";
            report.draft(Code::TooMany, &route.key.span, message).help(help).report();
            false
        }
        Some(Conflict::TooMany) => {
            report.draft(Code::TooMany, &route.key.span, "this is more than 65,535 routes").report();
            false
        }
    }
}
