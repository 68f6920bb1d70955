//! Edits of heads as they are shown: constant lists resolved, secrets hidden.

use serde::Serialize;

use crate::{
    blueprint::Action,
    config::template::Template,
    http::edits::{Edits, Field as Text},
    pipeline::gateway::{Gateway, ReadyRoute},
    stages::{
        forward::signature::{CONTENT_DIGEST, SIGNATURE},
        respond, transform,
    },
};

/// What is shown in the place of a secret.
pub(super) const HIDDEN: &str = "***";

/// Headers whose values are secrets, whoever sets them.
const SECRET: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "set-cookie"];

/// Changes to a head. They are carried out in the order remove, set, append.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Head {
    /// Names of headers that are taken out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Headers that replace whatever has that name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<Field>,
    /// Values that join what is there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub append: Vec<Field>,
}

/// A header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// In lower case.
    pub name: String,
    /// What it is set to; `***` for a secret, and for what holds claims the template that it was made of.
    pub value: String,
}

/// Hides what must not be shown of the edits that one route makes.
pub(super) struct Veil<'g> {
    gateway: &'g Gateway,
    /// The header that proves to the upstream who sends.
    credential: Option<&'g str>,
    /// What its requests are changed to.
    transform: Option<&'g transform::Config>,
    /// Whether requests are signed.
    signs: bool,
    /// Headers that are made of claims, with what is shown instead.
    request: Vec<(&'g str, String)>,
    response: Vec<(&'g str, String)>,
}

impl<'g> Veil<'g> {
    /// What `iss` must be of an issuer.
    pub(super) fn issuer(&self, index: u16) -> String {
        self.gateway.issuers().get(usize::from(index)).map(|issuer| issuer.issuer().to_owned()).unwrap_or_default()
    }

    /// For the requests of a route.
    pub(super) fn new(gateway: &'g Gateway, route: Option<ReadyRoute<'g>>) -> Self {
        let (request, response) = (Vec::new(), Vec::new());
        let mut veil = Self { gateway, credential: None, transform: None, signs: false, request, response };
        let Some(route) = route else { return veil };
        veil.transform = Some(&route.policy().transform);
        let changes = &route.policy().transform;
        let request = [&route.policy().principal, &changes.request.set, &changes.request.add];
        veil.request = request.into_iter().flat_map(|made| of_claims(made)).collect();
        veil.response =
            [&changes.response.set, &changes.response.add].into_iter().flat_map(|made| of_claims(made)).collect();
        match &route.route.action {
            Action::Forward(index) => {
                let target = gateway.target(*index).ok();
                veil.signs = target.is_some_and(|target| target.signer.is_some());
                veil.credential = target.and_then(|target| target.credential.as_ref()).map(|it| it.name.as_str());
            }
            Action::Respond(respond::Config::Redirect(redirect)) if redirect.to.reads_secrets() => {
                veil.response.push(("location", redirect.to.to_string()));
            }
            _ => {}
        }
        veil
    }

    /// Where a request goes.
    pub(super) fn url(&self, url: &str) -> String {
        self.transform.map_or(url.into(), |transform| transform.shown_url(url)).into_owned()
    }

    /// Changes to what an upstream gets.
    pub(super) fn request(&self, edits: &Edits) -> Head {
        self.head(edits, |name, value| {
            let of_signature = self.signs && [SIGNATURE, CONTENT_DIGEST].contains(&name);
            if of_signature || self.credential == Some(name) {
                HIDDEN.to_owned()
            } else {
                shown(&self.request, name, value)
            }
        })
    }

    /// Changes to what an upstream answers.
    pub(super) fn response(&self, edits: &Edits) -> Head {
        self.head(edits, |name, value| shown(&self.response, name, value))
    }

    /// The head of an answer of the gateway: there is nothing to take out of it.
    pub(super) fn made(&self, edits: &Edits) -> Head {
        Head { remove: Vec::new(), ..self.response(edits) }
    }

    fn head(&self, edits: &Edits, shown: impl Fn(&str, &str) -> String) -> Head {
        let list = edits.constant.and_then(|index| self.gateway.header_list(usize::from(index))).unwrap_or_default();
        let constant = list.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let constant = constant.filter(|(name, _)| !edits.remove.iter().any(|removed| removed == name));
        let own = edits.set.iter().map(|(name, value)| (&**name, &**value));
        let mut head = Head::default();
        for (name, value) in constant.chain(own) {
            let value = shown(name, value);
            match head.set.iter_mut().find(|field| field.name == name) {
                Some(field) => field.value = value,
                None => head.set.push(Field { name: name.to_owned(), value }),
            }
        }
        for name in &edits.remove {
            if !head.remove.iter().any(|known| known == name) && !head.set.iter().any(|field| field.name == *name) {
                head.remove.push(name.to_string());
            }
        }
        let appended = |(name, value): &(Text, Text)| Field { name: name.to_string(), value: shown(name, value) };
        head.append = edits.append.iter().map(appended).collect();
        head
    }
}

fn shown(of_claims: &[(&str, String)], name: &str, value: &str) -> String {
    if SECRET.contains(&name) {
        return HIDDEN.to_owned();
    }
    let instead = of_claims.iter().find(|(known, _)| *known == name);
    instead.map_or_else(|| value.to_owned(), |(_, template)| template.clone())
}

fn of_claims(made: &[(String, Template)]) -> Vec<(&str, String)> {
    let secret = made.iter().filter(|(_, template)| template.reads_secrets());
    secret.map(|(name, template)| (name.as_str(), template.to_string())).collect()
}
