//! The policy of a route is made of layers: what the gateway says, the policies that the route uses, and its own keys.
//! A stronger layer replaces a key as a whole; nothing is merged inside a key, so that what holds for a route can be
//! read off one place.
//!
//! Here is what a stage sees of it. Which layers there are is known to `blueprint::compile`.

use super::{
    diagnostics::{Code, Report, Span},
    keys::{Key, Keys},
    reader::{Located, Setting},
    template::{Slot, Template},
    values::{listed, quoted},
};

/// One group of keys in all layers of a route, the weakest first.
#[derive(Debug)]
pub struct Stack<'r, K> {
    layers: Vec<&'r K>,
}

impl<'r, K: Keys> Stack<'r, K> {
    /// Of its layers, the weakest first: the gateway's.
    #[must_use]
    pub fn new(layers: Vec<&'r K>) -> Self {
        Self { layers }
    }

    /// The strongest setting of a key.
    pub fn pick<T>(&self, key: impl Fn(&'r K) -> &'r Key<T>) -> Option<&'r Setting<T>> {
        self.layers.iter().rev().find_map(|layer| key(layer).0.as_ref())
    }

    /// The strongest value of a key, or its default.
    pub fn value<T: Clone + Default + 'r>(&self, key: impl Fn(&'r K) -> &'r Key<T>) -> T {
        self.pick(key).and_then(|setting| setting.value.clone()).unwrap_or_default()
    }

    /// Without the gateway's: what the route says on purpose.
    #[must_use]
    pub fn own(&self) -> Self {
        Self { layers: self.layers.iter().skip(1).copied().collect() }
    }

    /// Reports every key of the group that the route sets on purpose although it passes everything through.
    pub fn refuse_pass_through(&self, route: &RouteFacts<'_>) {
        let own = self.own();
        let mut written: Vec<_> = own.layers.iter().rev().flat_map(|layer| layer.written()).collect();
        written.sort_by_key(|written| written.name);
        written.dedup_by_key(|written| written.name);
        for key in written {
            let message = format!("`{}` has no effect on a route that passes everything through", key.name);
            let draft = route.report.draft(Code::TouchesPassThrough, &key.key, message);
            let draft = draft.related(&route.key.span, "this route has `pass_through = true`");
            draft.help(format!("take out `{}` or `pass_through`", key.name)).report();
        }
    }
}

/// What stages must know of the route whose policy they make. The first stages find out for those that follow.
#[derive(Debug)]
pub struct RouteFacts<'r> {
    /// Where findings go.
    pub report: &'r Report<'r>,
    /// `METHOD /path` and where it stands.
    pub key: &'r Located<String>,
    /// The names of its parameters.
    pub parameters: &'r [String],
    /// Whether nobody knows what `auth` is, because it is misspelt or a policy is not there, which has been reported.
    pub hides_auth: bool,
    /// Whether it takes requests without a token; found out by authentication, `None` when that is wrong.
    pub is_public: Option<bool>,
    /// Whether requests without a token are taken, though those with one may be taken too.
    pub takes_anybody: bool,
    /// Whether its requests go to an upstream.
    pub forwards: bool,
    /// Whether requests and answers are handed on untouched; found out by forwarding.
    pub passes_through: bool,
    /// Whether answers have headers of older gateways too.
    pub legacy_headers: bool,
}

impl RouteFacts<'_> {
    /// Reports what the requests of this route can never fill in a template.
    pub fn check_template(&self, template: &Located<Template>) {
        let written = self.report.sources().slice(&template.span);
        for slot in &template.value.0 {
            // Where escapes have changed what stands in the file, the whole text is underlined.
            let text = Template(vec![slot.clone()]).to_string();
            let short = text.replacen("{path.", "{", 1);
            let own = [&text, &short].into_iter().find_map(|text| {
                let start = template.span.start.saturating_add(written.find(text)?);
                Some(start..start.saturating_add(text.len()))
            });
            self.check_use(slot, &text, own.as_ref().unwrap_or(&template.span));
        }
    }

    /// Reports what the requests of this route can never have; `text` is how it is written there.
    pub fn check_use(&self, slot: &Slot, text: &str, place: &Span) {
        match slot {
            Slot::Claim(_) if self.is_public == Some(true) => {
                let message = format!("{} has no value on a public route", quoted(text));
                let draft = self.report.draft(Code::ClaimsOnPublic, place, message);
                let draft = draft.related(&self.key.span, "this route takes requests without a token");
                draft.help("set `auth` to an issuer, or leave this to routes that have one").report();
            }
            Slot::PathParameter(name) if !self.parameters.contains(name) => {
                let message = format!("no parameter of the route is named {}", quoted(name));
                let names = || self.parameters.iter().map(String::as_str);
                let draft = self.report.draft(Code::UnknownParameter, place, message);
                let draft = draft.related(&self.key.span, "this route");
                let expected = if self.parameters.is_empty() {
                    "no `path.…` here: the path of the route has no parameters".to_owned()
                } else {
                    listed(names())
                };
                draft.expected(expected).found(quoted(name)).nearest(name, names()).report();
            }
            _ => {}
        }
    }
}
