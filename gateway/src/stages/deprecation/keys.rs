//! `deprecation`: the key of this stage in policies and routes.

use super::{Config, Deprecation};
use crate::config::{
    diagnostics::Code,
    keys::keys,
    kinds::{self, Kind},
    layers::{RouteFacts, Stack},
    model::{Grammar, Shape},
    reader::{Item, Located},
    values::{Fault, date, quoted},
};

keys! {
    /// What will go away.
    pub struct Keys {
        /// Since when the route is deprecated and until when it is there. Every answer says so, in `Deprecation` (RFC 9745),
        /// `Sunset` (RFC 8594) and `Link`. From the sunset on the route answers 410 `version_sunset`, before anybody is asked
        /// for a token. `false` takes back what a weaker layer says.
        /// Example: `deprecation = { since = "2026-06-01", sunset = "2026-12-31", guide = "https://acme.example/v2" }`
        deprecation: Option<Dates> [Optional] = deprecation(),
    }
}

keys! {
    /// The table of `deprecation`.
    pub struct Table {
        /// Since when nobody should begin to use the route; it may lie ahead.
        /// Example: `since = "2026-06-01"`
        since: u64 [Required] = moment(),
        /// When the route ends; not before `since`. Without it the route stays.
        /// Example: `sunset = "2026-12-31T00:00:00Z"`
        sunset: Located<u64> [Optional] = located_moment(),
        /// The page that tells what to do, for `Link` with `rel="deprecation"`, and `rel="sunset"` where there is one.
        /// Example: `guide = "https://acme.example/migration"`
        guide: String [Optional] = link(),
        /// What takes the route's place, for `Link` with `rel="successor-version"` (RFC 5829).
        /// Example: `successor = "/v2/orders"`
        successor: String [Optional] = link(),
    }
}

/// What the table says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dates {
    since: u64,
    sunset: Option<u64>,
    guide: Option<String>,
    successor: Option<String>,
}

const LINK: Grammar = Grammar {
    name: "link",
    sentence: "a path or an http or https URL, in ASCII and without blanks",
    example: "https://acme.example/migration",
    pattern: Some(r#"^(/[^/]|/$|https?://)[^ <>"]*$"#),
};

/// A text, or a date as TOML itself knows it.
fn moment() -> Kind<'static, u64> {
    Kind::new(|item| item.parsed_date(date::parse), || Shape::Text(date::GRAMMAR))
}

fn located_moment() -> Kind<'static, Located<u64>> {
    Kind::new(|item| Some(item.located(moment().read(item)?)), || moment().shape())
}

fn link() -> Kind<'static, String> {
    kinds::parsed(LINK, |text| {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"\\^`{|}".contains(&byte));
        let host = ["http://", "https://"].iter().find_map(|scheme| text.strip_prefix(scheme));
        let is_path = text.starts_with('/') && !text.starts_with("//");
        if is_plain && (is_path || host.is_some_and(|host| host.starts_with(|first: char| first.is_alphanumeric()))) {
            return Ok(text.to_owned());
        }
        let fault = Fault::new(Code::BadLink, format!("{} is not an address that `Link` can have", quoted(text)));
        Err(fault.expected(LINK.sentence))
    })
}

fn deprecation() -> Kind<'static, Option<Dates>> {
    let table = || kinds::checked_table(dates);
    let read = move |item: &Item<'_>| match item.as_boolean() {
        Some(false) => Some(None),
        None if item.is_table() => table().read(item).map(Some),
        _ => item.wrong_type("a table, or false"),
    };
    Kind::new(read, move || Shape::Any(vec![table().shape(), Shape::False]))
}

fn dates(item: &Item<'_>, keys: Table) -> Option<Dates> {
    let (since, sunset) = (keys.since.take(), keys.sunset.maybe()?);
    let dates = Dates {
        since: since?,
        sunset: sunset.as_ref().map(|sunset| sunset.value),
        guide: keys.guide.maybe()?,
        successor: keys.successor.maybe()?,
    };
    match sunset.filter(|sunset| sunset.value < dates.since) {
        None => Some(dates),
        Some(sunset) => {
            let message = "the route would end before it is deprecated";
            let draft = item.report().draft(Code::SunsetBeforeSince, &sunset.span, message);
            draft.expected(format!("{} or later", date::rfc3339(dates.since))).report();
            None
        }
    }
}

/// This stage's part of a route's policy.
pub fn resolve(keys: &Stack<'_, Keys>, route: &mut RouteFacts<'_>) -> Option<Config> {
    if route.passes_through {
        keys.refuse_pass_through(route);
        return Some(None);
    }
    let Some(setting) = keys.pick(|keys| &keys.deprecation) else { return Some(None) };
    Some(setting.value.as_ref()?.as_ref().map(|dates| dates.config(route.legacy_headers)))
}

impl Dates {
    fn config(&self, legacy: bool) -> Deprecation {
        let mut headers = vec![("deprecation".to_owned(), format!("@{}", self.since))];
        headers.extend(self.sunset.map(|sunset| ("sunset".to_owned(), date::http(sunset))));
        if legacy {
            headers.extend(self.legacy().map(|(name, value)| (name.to_owned(), value)));
        }
        Deprecation { headers, link: self.link(), sunset_ms: self.sunset.map(|sunset| sunset.saturating_mul(1_000)) }
    }

    fn legacy(&self) -> impl Iterator<Item = (&'static str, String)> {
        let always = [("x-api-deprecated", "true".to_owned()), ("x-api-deprecation-date", date::rfc3339(self.since))];
        let sunset = self.sunset.map(|sunset| ("x-api-sunset-date", date::rfc3339(sunset)));
        let guide = self.guide.clone().map(|guide| ("x-api-migration-guide", guide));
        always.into_iter().chain(sunset).chain(guide)
    }

    fn link(&self) -> String {
        let page =
            |relation| self.guide.as_ref().map(|guide| format!("<{guide}>; rel=\"{relation}\"; type=\"text/html\""));
        let sunset = self.sunset.and_then(|_| page("sunset"));
        let successor = self.successor.as_ref().map(|other| format!("<{other}>; rel=\"successor-version\""));
        [page("deprecation"), sunset, successor].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}
