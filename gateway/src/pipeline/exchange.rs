//! What is known about one request on its way through the pipeline.

use std::{borrow::Cow, rc::Rc};

use crate::{
    blueprint::Action,
    config::template::Slot,
    facts::{address::Address, principal::Principal},
    http::{
        Millis,
        problem::Problem,
        query,
        request::{Header, RequestHead},
    },
    pipeline::{
        gateway::{Gateway, ReadyRoute, Target},
        limits::Holds,
    },
    stages::{
        address,
        cors::{Cors, Grant},
        explain::Asked,
        forward::{signature::Signer, upstream::Timeouts},
        rate_limit::Reading,
        trace::{self, Trace},
    },
};

/// One request. Stages fill it in; finishers read it whatever happened.
pub struct Exchange<'g> {
    /// The gateway that serves it.
    pub gateway: &'g Gateway,
    /// What the client sent.
    pub head: &'g RequestHead,
    /// When it came.
    pub started: Millis,
    /// Its id.
    pub request_id: String,
    /// The gateway's part in the trace that it belongs to, if it takes one, once it is known who speaks for the request.
    pub trace: Option<Trace<'g>>,
    /// How long the upstream was waited for, if it was asked.
    pub upstream_ms: Option<Millis>,
    /// How often it has waited for the platform.
    pub awaits: u32,
    /// Its route, once there is one.
    pub route: Option<ReadyRoute<'g>>,
    /// The health path that answers it, when no route does.
    pub built_in: Option<&'static str>,
    /// The values of the path's parameters, in its order.
    pub values: Vec<&'g str>,
    /// Which page may read the answer, once the route's policy has decided.
    pub grant: Option<Grant>,
    /// Whether somebody who may wants to know how the answer comes about.
    pub explained: Option<Asked>,
    /// Who asks, once that is proven.
    pub principal: Option<Rc<Principal>>,
    /// Whether somebody about it is suspicious, where a condition wants to know; `None`: that is not known.
    pub suspicious: Option<bool>,
    /// The limits that it has met.
    pub limits: Vec<Reading<'g>>,
    /// What it holds of them until it is over.
    pub(super) holds: Holds<'g>,
}

impl<'g> Exchange<'g> {
    /// A request that has just come.
    #[must_use]
    pub fn new(gateway: &'g Gateway, head: &'g RequestHead, started: Millis, request_id: String) -> Self {
        let (route, built_in, values, principal) = (None, None, Vec::new(), None);
        let grant = gateway.cors.as_ref().map(|cors| cors.grant(head.header(Header::Origin)));
        let (trace, upstream_ms) = (None, None);
        Self {
            gateway,
            head,
            started,
            request_id,
            trace,
            upstream_ms,
            awaits: 0,
            route,
            built_in,
            values,
            grant,
            explained: None,
            principal,
            suspicious: None,
            limits: Vec::new(),
            holds: Holds::new(&gateway.fleet.limits),
        }
    }

    /// A request header.
    #[must_use]
    pub fn header(&self, header: Header) -> Option<&'g str> {
        self.head.header(header)
    }

    /// A request header that the configuration names, in lower case.
    #[must_use]
    pub fn sent(&self, name: &str) -> Option<&'g str> {
        self.head.named(self.gateway.named_headers.iter().position(|known| known == name)?)
    }

    /// The query without its `?`.
    fn query(&self) -> &'g str {
        let query = self.head.query();
        query.strip_prefix('?').unwrap_or(query)
    }

    /// Where the request comes from, if the header that is trusted with it says so. That header is packed only where the
    /// compiler knows of a reader (`read_headers`).
    #[must_use]
    pub fn address(&self) -> Option<Address> {
        let source = &self.gateway.address;
        address::read(source, self.sent(&source.header))
    }

    /// The upstream that the request goes to, by its name in the file.
    #[must_use]
    pub fn upstream(&self) -> Option<&'g str> {
        self.target().map(|target| target.name.as_str())
    }

    /// What signs the request to its upstream, if something does.
    #[must_use]
    pub fn signer(&self) -> Option<&'g Signer> {
        self.target()?.signer.as_ref()
    }

    fn target(&self) -> Option<&'g Target> {
        match self.route?.route.action {
            Action::Forward(index) => self.gateway.target(index).ok(),
            _ => None,
        }
    }

    /// The CORS policy that speaks for the request: its route's, or the gateway's until there is a route.
    #[must_use]
    pub fn cors(&self) -> Option<&'g Cors> {
        match self.route {
            Some(route) => route.cors(),
            None => self.gateway.cors.as_ref(),
        }
    }

    /// Which part the gateway takes in traces: as the route says, or the gateway until there is a route.
    #[must_use]
    pub fn tracing(&self) -> &'g trace::Config {
        self.route.map_or(&self.gateway.trace, |route| &route.policy().trace)
    }

    /// How long an answer may take: as the route or its policies say, else the upstream, else the gateway.
    #[must_use]
    pub fn timeouts(&self) -> Timeouts {
        let own = self.route.and_then(|route| route.policy().forward.timeout);
        let upstream = || match self.route?.route.action {
            Action::Forward(index) => self.gateway.target(index).ok()?.timeout,
            _ => None,
        };
        own.or_else(upstream).unwrap_or(self.gateway.timeout)
    }

    /// When the body of an answer must have ended, if there is such a time.
    #[must_use]
    pub fn body_deadline(&self) -> Option<Millis> {
        self.route?;
        self.timeouts().body_ms().map(|ms| self.started.saturating_add(Millis::from(ms)))
    }

    /// The name under which the request is logged and counted.
    #[must_use]
    pub fn label(&self) -> &str {
        self.route.map(ReadyRoute::key).or(self.built_in).unwrap_or("-")
    }

    /// The parameters of the path, by name.
    pub fn parameters(&self) -> impl Iterator<Item = (&'g str, &'g str)> {
        let names = self.route.map(|route| route.route.parameters.as_slice()).unwrap_or_default();
        names.iter().map(String::as_str).zip(self.values.iter().copied())
    }

    /// The path and the query, with its `?`, that go on to where the route's requests go.
    ///
    /// # Errors
    /// When the route rewrites the path and no path can be made of what the request says.
    pub fn destination(&self, route: ReadyRoute<'g>) -> Result<(Cow<'_, str>, Cow<'_, str>), Problem> {
        route.policy().transform.target(self.head.path(), self.head.query(), |slot| self.fact(slot))
    }

    /// What fills a template's slot.
    #[must_use]
    pub fn fact(&self, slot: &Slot) -> Option<Cow<'_, str>> {
        match slot {
            // A template puts its literals in itself.
            Slot::Literal(_) => None,
            Slot::RequestId => Some((&*self.request_id).into()),
            Slot::RequestMethod => Some(self.head.method().into()),
            Slot::RequestHost => Some(self.head.host().into()),
            Slot::RequestPath => Some(self.head.path().into()),
            Slot::RequestQuery => Some(self.query().into()),
            Slot::QueryValue(name) => query::first(self.query(), name).map(Cow::from),
            Slot::Header(name) => self.sent(name).map(Cow::from),
            Slot::Claim(name) => self.principal.as_ref()?.claim(name),
            Slot::PathParameter(name) => {
                let position = self.route?.route.parameters.iter().position(|known| known == name)?;
                self.values.get(position).map(|value| (*value).into())
            }
        }
    }
}
