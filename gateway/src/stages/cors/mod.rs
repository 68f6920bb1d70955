//! Cross-origin requests from browsers (Fetch standard, section 3.2 "CORS protocol").

#[cfg(feature = "compiler")]
pub mod keys;

use serde::{Deserialize, Serialize};

use crate::{
    config::text::{Text, Values},
    http::{
        edits::Edits,
        method::Method,
        origin::OriginPattern,
        problem::{Fault, Kind, Problem},
        reply::Made,
    },
};

/// The key of this stage: `cors`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Config {
    /// Origins that may ask: exact, or all below one host (see [`OriginPattern`]).
    pub origins: Vec<Text>,
    /// Methods that a preflight may ask for.
    pub methods: Vec<Method>,
    /// Request headers that a preflight may ask for, in lower case.
    pub headers: Vec<String>,
    /// Response headers that pages may read, in lower case.
    pub expose: Vec<String>,
    /// How long a browser may remember a preflight, in seconds; 0 to 86,400.
    pub max_age_s: u32,
    /// Whether cookies and `Authorization` may be sent along.
    pub credentials: bool,
}

/// 403: the page is on no list of this route.
pub const ORIGIN_REFUSED: Kind =
    Kind { code: "cors_origin_refused", status: 403, title: "This origin may not ask", fault: Fault::Client };

/// 403: the page asks for a method or header that the route does not allow across origins.
pub const PREFLIGHT_REFUSED: Kind = Kind {
    code: "cors_preflight_refused",
    status: 403,
    title: "The preflight asks for too much",
    fault: Fault::Client,
};

/// Headers by which an upstream would speak for itself about CORS. With a policy, the gateway alone speaks.
const UPSTREAM_HEADERS: [&str; 3] =
    ["access-control-allow-origin", "access-control-allow-credentials", "access-control-expose-headers"];

/// A policy made ready for an isolate: values resolved, lists joined.
#[derive(Debug)]
pub struct Cors {
    origins: Vec<OriginPattern>,
    methods: Vec<Method>,
    headers: Vec<String>,
    allow_methods: String,
    allow_headers: String,
    expose: String,
    max_age: String,
    credentials: bool,
}

/// What a request's `Origin` means under a policy. Decided before the request is served, applied to whatever
/// becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// The answer may be read by this origin.
    Allowed(String),
    /// The answer may be read by no page.
    Refused,
}

impl Cors {
    /// Resolves a configured policy.
    #[must_use]
    pub fn new(config: &Config, values: &Values) -> Self {
        let names: Vec<&str> = config.methods.iter().map(|method| method.name()).collect();
        Self {
            // What a variable brings and is no origin lets nobody in.
            origins: config.origins.iter().filter_map(|origin| OriginPattern::new(&origin.resolve(values))).collect(),
            methods: config.methods.clone(),
            headers: config.headers.clone(),
            allow_methods: names.join(", "),
            allow_headers: config.headers.join(", "),
            expose: config.expose.join(", "),
            max_age: config.max_age_s.to_string(),
            credentials: config.credentials,
        }
    }

    /// Who may read the answer.
    #[must_use]
    pub fn grant(&self, origin: Option<&str>) -> Grant {
        match origin {
            Some(origin) if self.origins.iter().any(|known| known.matches(origin)) => Grant::Allowed(origin.to_owned()),
            _ => Grant::Refused,
        }
    }

    /// Answers a preflight (Fetch standard, section 4.8 "CORS-preflight fetch"). No method is one that the path does not
    /// have, whatever the policy would allow.
    ///
    /// # Errors
    /// [`ORIGIN_REFUSED`] or [`PREFLIGHT_REFUSED`], naming the header at fault.
    pub fn preflight(&self, grant: &Grant, method: Option<Method>, headers: Option<&str>) -> Result<Made, Problem> {
        if *grant == Grant::Refused {
            let detail = "The origin of this page is not on the list of this route.";
            return Err(Problem::new(&ORIGIN_REFUSED, detail).field("origin", "an origin that the route allows"));
        }
        let Some(method) = method else { return Err(refused("access-control-request-method", "methods of this path")) };
        if !self.methods.contains(&method) {
            return Err(refused("access-control-request-method", &self.allow_methods));
        }
        let asked = headers.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
        if !asked.into_iter().all(|name| self.headers.iter().any(|known| known.eq_ignore_ascii_case(name))) {
            return Err(refused("access-control-request-headers", &self.allow_headers));
        }
        let mut head = Edits::default();
        head.set("access-control-allow-methods", self.allow_methods.clone());
        if !self.allow_headers.is_empty() {
            head.set("access-control-allow-headers", self.allow_headers.clone());
        }
        head.set("access-control-max-age", self.max_age.clone());
        head.append("vary", "Access-Control-Request-Method, Access-Control-Request-Headers");
        Ok(Made { status: 204, head, body: "".into() })
    }

    /// Puts the decision on an answer; `relayed` when an upstream may have put its own there.
    pub fn finish(&self, head: &mut Edits, grant: &Grant, relayed: bool) {
        // Also when refused: a cache must not give one origin's answer to another.
        head.append("vary", "Origin");
        if relayed {
            UPSTREAM_HEADERS.into_iter().for_each(|name| head.remove(name));
        }
        let Grant::Allowed(origin) = grant else { return };
        head.set("access-control-allow-origin", origin.clone());
        if self.credentials {
            head.set("access-control-allow-credentials", "true");
        }
        if !self.expose.is_empty() {
            head.set("access-control-expose-headers", self.expose.clone());
        }
    }
}

fn refused(field: &'static str, allowed: &str) -> Problem {
    Problem::new(&PREFLIGHT_REFUSED, format!("The header {field} asks for more than this route allows."))
        .field(field, format!("only: {allowed}"))
}

/// What is told of this stage where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(config: &Option<Config>, teller: &mut crate::config::told::Teller<'_>) {
    let Some(Config { origins, methods, headers, expose, max_age_s, credentials }) = config else { return };
    let variables = teller.variables;
    let origins = origins.iter().map(|origin| crate::config::told::text(origin, variables));
    teller.put("cors.origins", crate::config::told::sorted(origins));
    teller.put("cors.methods", crate::config::told::sorted(methods.iter().map(|method| method.name())));
    teller.put("cors.headers", crate::config::told::sorted(headers));
    teller.put("cors.expose", crate::config::told::sorted(expose));
    teller.put("cors.max_age", crate::config::told::seconds(*max_age_s));
    teller.put("cors.credentials", crate::config::told::yes(*credentials));
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "https://app.test";

    fn cors() -> Cors {
        let config = Config {
            origins: vec![Text::literal(PAGE)],
            methods: vec![Method::Get, Method::Put],
            headers: vec!["authorization".into()],
            expose: vec!["x-request-id".into()],
            max_age_s: 600,
            credentials: true,
        };
        Cors::new(&config, &Values::default())
    }

    #[test]
    fn only_a_listed_origin_is_allowed() {
        assert_eq!(cors().grant(Some(PAGE)), Grant::Allowed(PAGE.into()));
        for origin in [
            None,
            Some("null"),
            Some("https://app.test.evil"),
            Some("http://app.test"),
            Some("https://APP.test"),
            Some(""),
        ] {
            assert_eq!(cors().grant(origin), Grant::Refused, "{origin:?}");
        }
    }

    #[test]
    fn a_good_preflight_gets_204_with_what_is_allowed() {
        let cors = cors();
        let reply = cors.preflight(&cors.grant(Some(PAGE)), Some(Method::Put), Some("Authorization")).unwrap();
        assert_eq!(reply.status, 204);
        assert_eq!(reply.head.value("access-control-allow-methods"), Some("GET, PUT"));
        assert_eq!(reply.head.value("access-control-allow-headers"), Some("authorization"));
        assert_eq!(reply.head.value("access-control-max-age"), Some("600"));
    }

    #[test]
    fn a_disallowed_origin_method_or_header_is_refused_on_preflight() {
        let cors = cors();
        let allowed = cors.grant(Some(PAGE));
        let code = |result: Result<Made, Problem>| result.unwrap_err().kind.code;
        assert_eq!(code(cors.preflight(&Grant::Refused, Some(Method::Put), None)), "cors_origin_refused");
        assert_eq!(code(cors.preflight(&allowed, Some(Method::Delete), None)), "cors_preflight_refused");
        assert_eq!(code(cors.preflight(&allowed, None, None)), "cors_preflight_refused");
        assert_eq!(
            code(cors.preflight(&allowed, Some(Method::Put), Some("authorization, x-other"))),
            "cors_preflight_refused"
        );
    }

    #[test]
    fn a_refused_origin_gets_vary_but_no_allow_header() {
        let mut head = Edits::default();
        cors().finish(&mut head, &Grant::Refused, true);
        assert_eq!(head.value("vary"), Some("Origin"));
        assert_eq!(head.value("access-control-allow-origin"), None);
        assert!(head.remove.iter().any(|name| name == "access-control-allow-origin"));
    }

    #[test]
    fn an_allowed_origin_is_named_on_the_answer() {
        let mut head = Edits::default();
        cors().finish(&mut head, &Grant::Allowed(PAGE.into()), false);
        assert_eq!(head.value("access-control-allow-origin"), Some(PAGE));
        assert_eq!(head.value("access-control-allow-credentials"), Some("true"));
        assert_eq!(head.value("access-control-expose-headers"), Some("x-request-id"));
    }
}
