//! The configured gateway with the values of its variables: everything that is built once per isolate.

use std::cell::{OnceCell, RefCell};

use base64ct::{Base64, Encoding};

use crate::{
    blueprint::{Action, Blueprint, Policy, Route},
    config::{condition::Condition, operator::Operator, packed::Packed, text::Values},
    fleet::isolate::Isolate,
    http::{edits::is_field_value, request::Header},
    pipeline::{
        health::Health,
        metrics::Metrics,
        start::{self, CannotStart, Place, Reason},
        violations::Violations,
    },
    ports::{dependencies::Probe, signatures::Key},
    routing::{
        served,
        table::{RouteIndex, Table},
        wish::Source,
    },
    stages::{
        self, address,
        admin::{Admin, On},
        audit, authn,
        authn::Verifier,
        authz,
        cors::Cors,
        deprecation,
        drain::Drain,
        explain::{self, Explainer},
        forward,
        forward::{
            signature::Signer,
            upstream::{self, Credentials, Timeouts, Upstream},
        },
        freshness,
        guard::before,
        log::{self, Logging},
        maintenance::Maintenance,
        rate_limit::{Limit, Plan},
        security_headers, trace,
    },
};

/// A gateway that can serve.
pub struct Gateway {
    /// The name; also the realm of challenges.
    pub name: String,
    /// Whether it runs outside of any environment: then it may name its routes to whoever asks for one that is not there.
    /// Whoever starts it knows; it is false until they say so.
    pub development: bool,
    /// Routes by method and path.
    pub table: Table,
    /// Constant lists of response headers, each once. The first is for answers that belong to no route; the others come
    /// with the policies that name them.
    header_lists: RefCell<Vec<security_headers::Config>>,
    /// For answers that belong to no route.
    pub cors: Option<Cors>,
    /// How long an answer may take, where route, policies and upstream say nothing.
    pub timeout: Timeouts,
    /// Which requests get their log line.
    pub logging: Logging,
    /// For requests that no route takes.
    pub trace: trace::Config,
    reads: Vec<Header>,
    /// What answers say of versions.
    pub versions: served::Config,
    /// What is refused before there is a route; `None` for nothing.
    pub before: Option<before::Config>,
    /// Where the addresses of clients are told.
    pub address: address::Source,
    /// Knows who may ask how an answer came about.
    pub explainer: Option<Explainer>,
    /// The request headers that the configuration names, in lower case, as they are packed.
    pub named_headers: Vec<String>,
    /// Headers that tell upstreams who asks: no client's gets through.
    pub principal_headers: Vec<String>,
    policies: Packed<Policy>,
    /// What requests under each policy need, made for the first of them.
    ready: Vec<OnceCell<Ready>>,
    routes: Packed<Route>,
    issuers: Vec<Verifier>,
    /// What callers may do by their plans.
    pub plans: Vec<Plan>,
    /// How long the prefix of an IPv6 address is that stands for one client, in bits.
    pub ipv6_prefix: u8,
    targets: Vec<Target>,
    values: Values,
    drain: Option<Drain>,
    signals: freshness::Signals,
    /// Where the operator's paths are, if they are there.
    pub(super) admin: Option<Admin>,
    /// Which refusals leave rows in the audit log.
    pub audit: audit::Settings,
    /// What counts against clients; `None`: nothing does.
    pub(super) abuse: Option<Box<stages::abuse::Settings>>,
    /// Problems that come too often.
    pub(super) violations: Violations,
    /// Its part in the fleet: what is known here of what all isolates share.
    pub fleet: Isolate,
    pub(super) health: Health,
    /// Who may read what is counted, and where; `None`: nothing is counted.
    pub(super) metrics: Option<Metrics>,
    pub(super) place: Place,
    warnings: Vec<Reason>,
}

/// What requests under a policy need besides it.
struct Ready {
    cors: Option<Cors>,
    is_closed: bool,
    reads_suspicious: bool,
    header_list: u16,
}

/// A route and the policy that its requests are under.
#[derive(Clone, Copy)]
pub struct ReadyRoute<'g> {
    /// As configured.
    pub route: &'g Route,
    index: RouteIndex,
    policy: &'g Policy,
    ready: &'g Ready,
}

/// Where an upstream is, and what it gets of every request.
#[derive(Debug)]
pub struct Target {
    /// What the path of a request is put behind: an absolute URL without a slash at its end, with the prefix.
    pub base: String,
    /// The binding that is asked instead of the network; empty for the network.
    pub binding: String,
    /// How long its answers may take, where route and policies say nothing.
    pub timeout: Option<Timeouts>,
    /// The name in the file.
    pub name: String,
    /// The header that proves who sends.
    pub credential: Option<Credential>,
    /// What signs each request.
    pub signer: Option<Signer>,
    /// How often it may be asked.
    pub quota: Option<Limit>,
}

/// A header that proves who sends.
pub struct Credential {
    /// In lower case.
    pub name: String,
    /// Secret.
    pub value: String,
}

/// A secret is not for printing.
impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Gateway {
    /// Resolves a blueprint on a developer's machine, with the values of its variables in the order of
    /// [`Variables`](crate::config::text::Variables).
    ///
    /// # Errors
    /// All reasons why it cannot serve.
    pub fn start(blueprint: Blueprint, environment: &[Option<String>]) -> Result<Self, CannotStart> {
        Self::start_at(blueprint, environment, Place::default())
    }

    /// Resolves a blueprint somewhere. In an environment, secrets of examples are refused; on a developer's machine they
    /// are [`warnings`](Self::warnings).
    ///
    /// # Errors
    /// All reasons why it cannot serve.
    pub fn start_at(blueprint: Blueprint, environment: &[Option<String>], place: Place) -> Result<Self, CannotStart> {
        let Blueprint { name, variables, upstreams, issuers, fallback, before, address, .. } = blueprint;
        let Blueprint { headers, principal_headers, reads, policies, routes, table, versions, .. } = blueprint;
        let values = variables.values(environment);
        let (mut reasons, warnings) = checked(start::check(&variables, &values), &place);
        let issuers = verifiers(&issuers, &values, &mut reasons);
        let mut targets = targets(&upstreams, &values, &mut reasons);
        for (target, quota) in targets.iter_mut().zip(blueprint.quotas) {
            target.quota = quota;
        }
        let logging = logging(&fallback.log, &values, &mut reasons);
        let explainer = blueprint.explain.as_ref().map(|config| explainer(config, &values, &name, &mut reasons));
        let metrics = blueprint.metrics.and_then(|config| metrics(config, &values, &mut reasons));
        let Some(logging) = logging.filter(|_| reasons.is_empty()) else {
            return Err(CannotStart::new(reasons, &place));
        };
        Ok(Self {
            health: health(blueprint.health, &upstreams, &targets),
            metrics,
            fleet: Isolate::default(),
            signals: blueprint.signals,
            admin: admin(blueprint.admin, &values, &place),
            audit: blueprint.audit,
            abuse: blueprint.abuse,
            violations: Violations::default(),
            drain: blueprint.drain.filter(|drain| drain.on.is_on(&values)),
            cors: fallback.cors.map(|config| Cors::new(&config, &values)),
            ready: std::iter::repeat_with(OnceCell::new).take(policies.len()).collect(),
            header_lists: RefCell::new(vec![fallback.security_headers]),
            timeout: fallback.timeout,
            trace: fallback.trace,
            reads,
            before: Some(before).filter(|before| *before != before::Config::default()),
            plans: blueprint.plans,
            ipv6_prefix: blueprint.ipv6_prefix,
            logging,
            targets,
            issuers,
            name,
            development: false,
            table,
            versions,
            explainer: explainer.flatten(),
            address,
            named_headers: headers,
            principal_headers,
            policies,
            routes,
            values,
            warnings,
            place,
        })
    }

    /// Takes part in what its fleet shares, unless the file says that it does not.
    pub fn join_fleet(&self) {
        if self.signals.on {
            self.fleet.join(self.signals.relays);
        }
    }

    /// What would keep it from starting in an environment.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.iter().map(|reason| reason.message(self.place.environment.as_deref())).collect()
    }

    /// How it drains, if it does.
    #[must_use]
    pub fn draining(&self) -> Option<&Drain> {
        self.drain.as_ref()
    }

    /// A route, with its policy made ready if this is the first request under it.
    #[must_use]
    pub fn route(&self, index: RouteIndex) -> Option<ReadyRoute<'_>> {
        let route = self.routes.get(usize::from(index))?;
        let policy = self.policies.get(usize::from(route.policy))?;
        let ready = self.ready.get(usize::from(route.policy))?.get_or_init(|| self.make_ready(policy));
        Some(ReadyRoute { route, index, policy, ready })
    }

    fn make_ready(&self, policy: &Policy) -> Ready {
        let cors = policy.cors.as_ref().map(|config| Cors::new(config, &self.values));
        let list = [&policy.security_headers, deprecation::constant(&policy.deprecation)].concat();
        let is_closed = policy.maintenance.as_ref().is_some_and(|closed| closed.on.is_on(&self.values));
        let reads_suspicious = policy.authz.conditions.iter().any(Condition::reads_suspicious);
        let header_list = intern(&mut self.header_lists.borrow_mut(), &list);
        Ready { cors, is_closed, reads_suspicious, header_list }
    }

    /// How many routes and upstreams there are.
    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.routes.len(), self.targets.len())
    }

    /// The method and path of a route as configured.
    pub(super) fn route_key(&self, index: RouteIndex) -> Option<&str> {
        self.routes.get(usize::from(index)).map(|route| route.key.as_str())
    }

    /// The methods and paths of routes as configured.
    pub fn route_keys(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(|route| route.key.as_str())
    }

    /// All limits that requests of routes may meet: of the route, of each plan where plans hold, of its upstream. Each with
    /// the method and path of the route and the name of the plan, which is empty for none.
    pub(super) fn limits(&self) -> impl Iterator<Item = (&str, &str, &Limit)> {
        self.routes.iter().flat_map(move |route| {
            let config = self.policies.get(usize::from(route.policy)).map(|policy| &policy.rate_limit);
            let own = config.map(|config| config.limits.as_slice()).unwrap_or_default();
            let plans = if config.is_some_and(|config| config.by_plan) { self.plans.as_slice() } else { &[] };
            let of_plans = plans.iter().flat_map(|plan| plan.limits.iter().map(|limit| (plan.name.as_str(), limit)));
            let quota = match route.action {
                Action::Forward(index) => self.target(index).ok().and_then(|target| target.quota.as_ref()),
                _ => None,
            };
            let unplanned = own.iter().chain(quota).map(|limit| ("", limit));
            unplanned.chain(of_plans).map(move |(plan, limit)| (route.key.as_str(), plan, limit))
        })
    }

    /// Whether some route has this tag.
    #[must_use]
    pub fn has_tag(&self, tag: &str) -> bool {
        self.routes.iter().any(|route| route.tags.iter().any(|known| known == tag))
    }

    /// Whether there is an upstream of this name.
    #[must_use]
    pub fn has_upstream(&self, name: &str) -> bool {
        self.targets.iter().any(|target| target.name == name)
    }

    /// A constant list of response headers, by the index that a plan has named.
    #[must_use]
    pub fn header_list(&self, index: usize) -> Option<security_headers::Config> {
        self.header_lists.borrow().get(index).cloned()
    }

    /// The issuers, by their indices in the blueprint.
    #[must_use]
    pub fn issuers(&self) -> &[Verifier] {
        &self.issuers
    }

    /// A public key that a plan has named, as WebCrypto takes it.
    #[must_use]
    pub fn public_key(&self, key: Key) -> Option<&str> {
        self.issuers.get(usize::from(key.issuer))?.key(key.key)
    }

    /// An upstream.
    ///
    /// # Errors
    /// When the blueprint names an upstream that it does not have.
    pub fn target(&self, index: u16) -> Result<&Target, Inconsistent> {
        self.targets.get(usize::from(index)).ok_or(Inconsistent)
    }

    /// Whether a decision reads a request header: what nobody reads need not be packed.
    #[must_use]
    pub fn reads(&self, header: Header) -> bool {
        match header {
            Header::ApiVersion => self.table.knows_versions() && self.table.places.header == Some(Source::Own),
            // A row that nobody sends needs none.
            Header::UserAgent => self.reads.contains(&header) && self.fleet.events.sends(),
            _ if header.is_about_traces() => self.reads.contains(&header),
            _ => true,
        }
    }
}

impl Target {
    fn new(upstream: &Upstream, values: &Values) -> Result<Self, Reason> {
        let (base, binding) = match &upstream.target {
            upstream::Target::Url(text) => (text.resolve(values).trim_end_matches('/').to_owned(), String::new()),
            // The host says nothing to a binding; it is what the other Worker will see.
            upstream::Target::Service(binding) => {
                (format!("https://{}", upstream.name.replace('_', "-")), binding.clone())
            }
        };
        if !(base.starts_with("http://") || base.starts_with("https://")) {
            return Err(Reason::Target(upstream.name.clone()));
        }
        let (credential, signer) = match &upstream.credentials {
            None => (None, None),
            Some(Credentials::Hmac { secret, key_id, body }) => {
                let signer = Signer::new(secret.resolve(values).as_bytes(), key_id, *body);
                (None, Some(signer.ok_or_else(|| Reason::ShortKey(upstream.name.clone()))?))
            }
            Some(credentials) => {
                let credential = Credential::new(credentials, values);
                (Some(credential.ok_or_else(|| Reason::Credentials(upstream.name.clone()))?), None)
            }
        };
        let (name, timeout) = (upstream.name.clone(), upstream.timeout);
        Ok(Self { base: base + &upstream.prefix, binding, timeout, name, credential, signer, quota: None })
    }
}

impl Credential {
    /// `None` when it cannot stand in a header, or proves nothing.
    fn new(credentials: &Credentials, values: &Values) -> Option<Self> {
        let authorization = |value| Self { name: "authorization".to_owned(), value };
        let made = match credentials {
            Credentials::Bearer(token) => authorization(format!("Bearer {}", token.resolve(values))),
            Credentials::Basic(user, password) => {
                let (user, password) = (user.resolve(values), password.resolve(values));
                // The first colon ends the user (RFC 7617 section 2): one in it would make another user of it.
                if user.contains(':') || password.is_empty() {
                    return None;
                }
                authorization(format!("Basic {}", Base64::encode_string(format!("{user}:{password}").as_bytes())))
            }
            Credentials::Header(name, value) => Self { name: name.clone(), value: value.resolve(values) },
            Credentials::Hmac { .. } => return None,
        };
        is_field_value(&made.value).then_some(made)
    }
}

/// The blueprint contradicts itself: a defect of the compiler, never of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inconsistent;

/// The index of a list, added if it is new. There are fewer lists than policies, whose indices are as wide.
fn intern(lists: &mut Vec<security_headers::Config>, list: &security_headers::Config) -> u16 {
    let index = lists.iter().position(|known| known == list).unwrap_or(lists.len());
    if index == lists.len() {
        lists.push(list.clone());
    }
    u16::try_from(index).unwrap_or_default()
}

impl<'g> ReadyRoute<'g> {
    /// Its index.
    #[must_use]
    pub fn index(self) -> RouteIndex {
        self.index
    }

    /// The policy.
    #[must_use]
    pub fn policy(self) -> &'g Policy {
        self.policy
    }

    /// Its CORS policy.
    #[must_use]
    pub fn cors(self) -> Option<&'g Cors> {
        self.ready.cors.as_ref()
    }

    /// What closes it now, if something does.
    #[must_use]
    pub fn closed(self) -> Option<&'g Maintenance> {
        self.policy.maintenance.as_ref().filter(|_| self.ready.is_closed)
    }

    /// Whether a condition wants to know if somebody is suspicious.
    #[must_use]
    pub(super) fn reads_suspicious(self) -> bool {
        self.ready.reads_suspicious
    }

    /// Its constant list of response headers.
    #[must_use]
    pub fn header_list(self) -> u16 {
        self.ready.header_list
    }

    /// Whether requests and answers are handed on as they are.
    #[must_use]
    pub fn is_pass_through(self) -> bool {
        self.policy().forward.pass_through
    }

    /// Whether the end of the body is waited for.
    #[must_use]
    pub fn observes_body(self) -> bool {
        self.policy().forward.observe == forward::Observe::Body
    }

    /// The method and path as configured.
    #[must_use]
    pub fn key(self) -> &'g str {
        &self.route.key
    }
}

/// What keeps a gateway from starting here, and what would elsewhere.
fn checked(reasons: Vec<Reason>, place: &Place) -> (Vec<Reason>, Vec<Reason>) {
    let is_bad = |reason: &Reason| place.environment.is_some() || !matches!(reason, Reason::ExampleSecret(_));
    reasons.into_iter().partition(is_bad)
}

/// Issuers made ready. One whose key is not there has been reported by its variable.
fn verifiers(issuers: &[authn::Issuer], values: &Values, reasons: &mut Vec<Reason>) -> Vec<Verifier> {
    let mut made = Vec::with_capacity(issuers.len());
    for issuer in issuers {
        match Verifier::new(issuer, values) {
            Ok(verifier) => made.push(verifier),
            Err(_) if lacks_key(issuer, values) => {}
            Err(unfit) => reasons.push(Reason::Issuer(issuer.name.clone(), unfit)),
        }
    }
    made
}

fn lacks_key(issuer: &authn::Issuer, values: &Values) -> bool {
    match &issuer.keys {
        authn::Keys::Secrets(secrets) => secrets.iter().any(|secret| values.lack(secret)),
        authn::Keys::Public(sources) => sources.iter().any(|source| values.lack(&source.text)),
    }
}

/// How it is logged. What lacks a variable has been reported by it.
fn logging(config: &log::Config, values: &Values, reasons: &mut Vec<Reason>) -> Option<Logging> {
    match Logging::new(config, values) {
        Ok(logging) => return Some(logging),
        Err(_) if values.lack(&config.level) || values.lack(&config.sample) => {}
        Err(log::Unusable(key)) => reasons.push(Reason::Unusable(key)),
    }
    None
}

fn explainer(config: &explain::Config, values: &Values, gateway: &str, reasons: &mut Vec<Reason>) -> Option<Explainer> {
    let made = Explainer::new(config, values, gateway);
    if made.is_none() && !values.lack(&config.secret) {
        reasons.push(Reason::ShortExplainSecret);
    }
    made
}

fn targets(upstreams: &[Upstream], values: &Values, reasons: &mut Vec<Reason>) -> Vec<Target> {
    let mut made = Vec::with_capacity(upstreams.len());
    for upstream in upstreams {
        match Target::new(upstream, values) {
            Ok(target) => made.push(target),
            Err(Reason::Target(_)) if matches!(&upstream.target, upstream::Target::Url(url) if values.lack(url)) => {}
            Err(Reason::Credentials(_) | Reason::ShortKey(_))
                if upstream.credentials.as_ref().is_some_and(|sent| lack(values, sent)) => {}
            Err(reason) => reasons.push(reason),
        }
    }
    made
}

fn lack(values: &Values, credentials: &Credentials) -> bool {
    match credentials {
        Credentials::Bearer(text) | Credentials::Header(_, text) | Credentials::Hmac { secret: text, .. } => {
            values.lack(text)
        }
        Credentials::Basic(user, password) => values.lack(user) || values.lack(password),
    }
}

/// The operator's paths, if they are there.
fn admin(config: Option<Admin>, values: &Values, place: &Place) -> Option<Admin> {
    config.filter(|admin| match admin.on {
        None => place.environment.is_none(),
        Some(On::Yes) => true,
        Some(On::No) => false,
        Some(On::If(switch)) => switch.is_on(values),
    })
}

/// Who reads metrics. What lacks a variable has been reported by it.
fn metrics(config: stages::metrics::Config, values: &Values, reasons: &mut Vec<Reason>) -> Option<Metrics> {
    let is_there = config.token.as_ref().is_none_or(|token| !values.lack(token));
    let made = Metrics::new(config, values);
    if made.is_none() && is_there {
        reasons.push(Reason::ShortMetricsToken);
    }
    made
}

/// Whose tokens an operator has, and which of them.
pub(super) fn operator(operator: Operator) -> (authn::Config, authz::Config) {
    let wanted = authz::Config { scopes: operator.scopes, ..authz::Config::default() };
    (authn::Config::Token(vec![operator.issuer]), wanted)
}

/// What the health paths need. Upstreams and targets are in the same order.
fn health(config: stages::health::Config, upstreams: &[Upstream], targets: &[Target]) -> Health {
    let probes = upstreams.iter().zip(targets).filter_map(|(upstream, target)| {
        let credential = target.credential.as_ref().map(|sent| (sent.name.clone(), sent.value.clone()));
        let url = [&target.base, upstream.health.as_ref()?.as_str()].concat();
        Some((upstream.name.clone(), Probe { url, binding: target.binding.clone(), credential }))
    });
    Health {
        components: stages::health::watched(&config, probes),
        within_ms: config.timeout_ms,
        operator: config.operator.map(operator),
    }
}
