//! `login`: the key of this stage in policies and routes, and the keys of `[abuse]`.

use super::{Config, Login, Settings};
use crate::{
    config::{
        diagnostics::Code,
        keys::{Keys as _, keys},
        kinds::{self, Kind},
        layers::{RouteFacts, Stack},
        model::{Grammar, Shape},
        rate::{Rate, Window},
        reader::{Item, Located},
        template::Template,
        values::{Fault, quoted, rate as rates},
    },
    fleet::abuse::{Bound, KINDS, Rule},
    http::cidr::Cidr,
};

keys! {
    /// What counts against clients.
    pub struct Keys {
        /// That one logs in here: with `[abuse]`, an upstream's 401 or 403 is a failed login of the client's address, and of the
        /// user whom a template names. `false` takes back what a weaker layer says.
        /// Example: `login = "{request.headers.x-user}"`
        login: Option<Written> [Optional] = login(),
    }
}

keys! {
    /// Who is not listened to for a while.
    pub struct Section {
        /// The score with which an address is blocked. Each event adds its weight.
        threshold: i64 [Default("5")] = kinds::integer(1..=100),
        /// Within which time the events of a score lie.
        window: u32 [Default("\"5m\"")] = kinds::milliseconds(1_000..=DAY_MS),
        /// For how long an address is blocked.
        /// Example: `block = "15m"`
        block: u32 [Default("\"1h\"")] = kinds::milliseconds(1_000..=30 * DAY_MS),
        /// With `"shadow"` all is counted and listed, and nobody is refused.
        /// Example: `mode = "shadow"`
        mode: bool [Default("\"enforce\"")] = kinds::word(MODES),
        /// What an event of each kind adds to the score; 0 for nothing.
        /// Example: `weights = { attack = 5, not_found = 0 }`
        weights: Weights [Optional] = kinds::table::<Weights, Weights>(Some),
        /// Networks and addresses that are neither counted nor blocked.
        /// Example: `exempt = ["192.0.2.0/24", "2001:db8::/32"]`
        exempt: Vec<Cidr> [Default("[]")] = kinds::list(kinds::network()),
        /// With more failed logins than these an address is suspicious, for as long again; `false`: never. Tokens that are not
        /// believed are failed logins too.
        logins: Bound [Default("\"10/hour\"")] = bound(),
        /// With more failed logins than these a user is suspicious; `false`: never.
        user_logins: Bound [Default("\"5/15m\"")] = bound(),
        /// With tokens from more addresses than these a user is suspicious; `false`: never.
        user_addresses: Bound [Default("\"3/15m\"")] = bound(),
    }
}

keys! {
    /// What events add to a score.
    pub struct Weights {
        /// A token that is not believed. One that has expired does not count.
        bad_token: i64 [Default("1")] = kinds::integer(0..=100),
        /// A path that no route has.
        not_found: i64 [Default("1")] = kinds::integer(0..=100),
        /// A request that breaks a rule: 400, 413, 414, 415 and 422 of the gateway itself.
        validation: i64 [Default("1")] = kinds::integer(0..=100),
        /// A request that no client sends by mistake: a path, a host, a length or a text that can be read in two ways.
        attack: i64 [Default("1")] = kinds::integer(0..=100),
        /// An upstream's 401 or 403 on a route with `login`.
        failed_login: i64 [Default("0")] = kinds::integer(0..=100),
        /// A request that a limit refuses with 429.
        /// Example: `rate_limited = 5`
        rate_limited: i64 [Default("0")] = kinds::integer(0..=100),
    }
}

const DAY_MS: u32 = 86_400_000;

const MODES: &[(&str, bool)] = &[("enforce", false), ("shadow", true)];

const BOUND: Grammar = Grammar {
    name: "bound",
    sentence: "1 to 100, a slash and a time of at most a day: `10/hour`, `5/15m`",
    example: "10/hour",
    pattern: Some("^[0-9_]+/.+$"),
};

/// The key as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written(Option<Located<Template>>);

fn login() -> Kind<'static, Option<Written>> {
    let read = |item: &Item<'_>| match item.as_boolean() {
        Some(is_login) => Some(is_login.then_some(Written(None))),
        None if item.is_text() => Some(Some(Written(Some(kinds::header_template().read(item)?)))),
        None => item.wrong_type("true, false or a template that names the user"),
    };
    Kind::new(read, || Shape::Any(vec![Shape::Boolean, kinds::header_template().shape()]))
}

fn bound() -> Kind<'static, Bound> {
    let text = || kinds::parsed(BOUND, parse_bound);
    let read = move |item: &Item<'_>| match item.as_boolean() {
        Some(false) => Some(Bound::default()),
        None if item.is_text() => text().read(item),
        _ => item.wrong_type("a text like \"10/hour\", or false"),
    };
    Kind::new(read, move || Shape::Any(vec![text().shape(), Shape::False]))
}

fn parse_bound(text: &str) -> Result<Bound, Fault> {
    let Rate { limit, window, keys } = rates::parse(text)?;
    match window {
        Window::Seconds(seconds) if keys.is_empty() && limit <= 100 && seconds <= 86_400 => {
            Ok(Bound { most: limit, window_ms: seconds.saturating_mul(1_000) })
        }
        _ => {
            let fault = Fault::new(Code::OutOfRange, format!("{} is no bound of this kind", quoted(text)));
            Err(fault.expected(BOUND.sentence))
        }
    }
}

/// This stage's part of a route's policy.
pub fn resolve(keys: &Stack<'_, Keys>, route: &mut RouteFacts<'_>) -> Option<Config> {
    let Some(setting) = keys.pick(|keys| &keys.login) else { return Some(None) };
    let Some(Written(user)) = setting.value.as_ref()? else { return Some(None) };
    if let Some(template) = user {
        route.check_template(template);
    }
    Some(Some(Box::new(Login { user: user.as_ref().map(|template| template.value.clone()) })))
}

/// Reads `[abuse]`.
pub fn section(item: &Item<'_>) -> Option<Settings> {
    let mut table = item.table()?;
    let keys = Section::read(&mut table);
    table.finish();
    let of = |most, window_ms| Bound { most, window_ms };
    let rule = Rule {
        threshold: u32::try_from(keys.threshold.or(5)?).ok()?,
        window_ms: keys.window.or(300_000)?,
        block_ms: keys.block.or(3_600_000)?,
        weights: weights(keys.weights.or(Weights::default())?)?,
        logins: keys.logins.or(of(10, 3_600_000))?,
        user_logins: keys.user_logins.or(of(5, 900_000))?,
        addresses: keys.user_addresses.or(of(3, 900_000))?,
    };
    Some(Settings { rule, exempt: keys.exempt.or(Vec::new())?, is_shadow: keys.mode.or(false)? })
}

/// In the order of the kinds.
fn weights(keys: Weights) -> Option<[u8; KINDS]> {
    let of = |weight: Option<i64>| u8::try_from(weight?).ok();
    Some([
        of(keys.bad_token.or(1))?,
        of(keys.not_found.or(1))?,
        of(keys.validation.or(1))?,
        of(keys.attack.or(1))?,
        of(keys.failed_login.or(0))?,
        of(keys.rate_limited.or(0))?,
    ])
}
