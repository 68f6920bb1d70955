//! `rate_limit`: the key of this stage in policies and routes.

use sha2::{Digest as _, Sha256};

use super::{Config, Limit, OnError};
use crate::{
    config::{
        diagnostics::Code,
        keys::keys,
        kinds::{self, Kind},
        layers::{RouteFacts, Stack},
        model::{Grammar, Shape},
        rate::{self, Rate, Window},
        reader::{Item, Located},
        template::Slot,
        values::rate as rates,
    },
    fleet::limits::{Calendar, Count, Rule},
};

keys! {
    /// How many requests there may be.
    pub struct Keys {
        /// How many requests the route takes, counted over all isolates of the gateway: a limit, or a list of them that must
        /// all have room. A limit belongs to the place where it stands: the routes of a policy share it. What is refused
        /// gets 429 `rate_limited`. `false` takes back what a weaker layer says.
        /// Example: `rate_limit = ["60/min per principal", "1000/min"]`
        rate_limit: Vec<Located<Limit>> [Optional] = limits(),
    }
}

/// How requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// In every window, wherever it begins.
    SlidingWindow,
    /// In windows of the calendar.
    FixedWindow,
    /// As a bucket.
    TokenBucket,
}

/// What becomes of requests when nobody counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenAway {
    /// A share in each isolate.
    Local,
    /// All go on.
    Open,
    /// None does.
    Closed,
}

const ALGORITHMS: &[(&str, Algorithm)] = &[
    ("sliding_window", Algorithm::SlidingWindow),
    ("fixed_window", Algorithm::FixedWindow),
    ("token_bucket", Algorithm::TokenBucket),
];

const AWAY: &[(&str, WhenAway)] = &[("local", WhenAway::Local), ("open", WhenAway::Open), ("closed", WhenAway::Closed)];

const MODES: &[(&str, bool)] = &[("enforce", false), ("shadow", true)];

const RATE: Grammar =
    Grammar { name: "rate", sentence: rates::GRAMMAR, example: "60/min per principal", pattern: None };

const NAME: Grammar = Grammar {
    name: "limit name",
    sentence: "1 to 40 lower case letters, digits, `-` and `_`",
    example: "login",
    pattern: Some("^[a-z0-9_-]{1,40}$"),
};

keys! {
    /// A limit as a table.
    pub struct Table {
        /// How many requests in which time, and what has a count of its own: the address of the client if nothing is said.
        /// Example: `limit = "60/min per principal"`
        limit: Rate [Required] = kinds::parsed(RATE, rates::parse),
        /// How they are counted. With `"sliding_window"` no window holds more, wherever it begins. With `"fixed_window"` no minute,
        /// hour, day or month of the calendar does, in UTC. With `"token_bucket"` there are as many as `burst` at once, and
        /// `limit` more in its time. A month is always one of the calendar.
        /// Example: `algorithm = "token_bucket"`
        algorithm: Algorithm [Default("\"sliding_window\"")] = kinds::word(ALGORITHMS),
        /// How many tokens a bucket holds: as many as the limit, if nothing is said.
        /// Example: `burst = 20`
        burst: u32 [Optional] = count(),
        /// Whether the object is asked for each request, whatever the limit is: refusals are exact to the request then, and
        /// each costs a round trip.
        exact: bool [Default("false")] = kinds::boolean(),
        /// How much of the limit a request takes.
        /// Example: `cost = 5`
        cost: u32 [Default("1")] = count(),
        /// What becomes of requests while the object does not answer. With `"local"` each isolate lets in a share of the limit,
        /// with `"open"` all go on, with `"closed"` none does and callers get 503 `rate_limit_unavailable`.
        /// Example: `on_error = "closed"`
        on_error: WhenAway [Default("\"local\"")] = kinds::word(AWAY),
        /// The share of each isolate with `on_error = "local"`, in percent of the limit.
        /// Example: `local_share = 10`
        local_share: i64 [Default("25")] = kinds::integer(1..=100),
        /// With `"shadow"` the limit is counted and refuses nothing.
        /// Example: `mode = "shadow"`
        mode: bool [Default("\"enforce\"")] = kinds::word(MODES),
        /// Whether clients are told no numbers, as where somebody guesses passwords.
        hidden: bool [Default("false")] = kinds::boolean(),
        /// What clients are told the limit is: the limit itself, if nothing is said.
        /// Example: `name = "login"`
        name: String [Optional] = kinds::parsed(NAME, named),
    }
}

fn count() -> Kind<'static, u32> {
    let integer = || kinds::integer(1..=1_000_000_000);
    Kind::new(move |item| u32::try_from(integer().read(item)?).ok(), move || integer().shape())
}

fn named(text: &str) -> Result<String, crate::config::values::Fault> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    if (1..=40).contains(&text.len()) && text.bytes().all(fits) {
        return Ok(text.to_owned());
    }
    let message = format!("{} is no name of a limit", crate::config::values::quoted(text));
    Err(crate::config::values::Fault::new(Code::BadName, message).expected(NAME.sentence))
}

fn limits() -> Kind<'static, Vec<Located<Limit>>> {
    let read = |item: &Item<'_>| match item.as_boolean() {
        Some(false) => Some(Vec::new()),
        Some(true) => item.wrong_type("a limit, a list of them, or false"),
        None if item.is_list() => item.list_of(|element| limit(element, item.path())),
        None => Some(vec![limit(item, item.path())?]),
    };
    Kind::new(read, || {
        let one = || Shape::Any(vec![kinds::parsed(RATE, rates::parse).shape(), table().shape()]);
        Shape::Any(vec![one(), Shape::List(Box::new(one())), Shape::False])
    })
}

fn table() -> Kind<'static, Table> {
    kinds::table::<Table, Table>(Some)
}

/// One limit; it belongs to the place of this path.
fn limit(item: &Item<'_>, path: &str) -> Option<Located<Limit>> {
    let limit = if item.is_text() {
        made(item, path, kinds::parsed(RATE, rates::parse).read(item)?, Table::default())
    } else if item.is_table() {
        let mut keys = table().read(item)?;
        let rate = std::mem::take(&mut keys.limit).take()?;
        made(item, path, rate, keys)
    } else {
        item.wrong_type("a limit like \"60/min per principal\", or a table")
    }?;
    for key in &limit.keys {
        if let rate::Key::Header(name) = key {
            item.context().intern_header(item, name)?;
        }
    }
    Some(item.located(limit))
}

/// A limit of this rate, with what its table says besides.
fn made(item: &Item<'_>, path: &str, mut rate: Rate, keys: Table) -> Option<Limit> {
    if rate.keys.is_empty() {
        rate.keys.push(rate::Key::Address);
    }
    let cost = keys.cost.or(1)?;
    let algorithm = keys.algorithm.or(Algorithm::SlidingWindow)?;
    let burst = keys.burst.maybe()?;
    if burst.is_some() && algorithm != Algorithm::TokenBucket {
        let draft = item.draft(Code::BadRate, "`burst` is for buckets");
        draft.help("add `algorithm = \"token_bucket\"`, or take `burst` out").report();
        return None;
    }
    let rule = Rule { limit: rate.limit, count: counted(algorithm, &rate, burst), exact: keys.exact.or(false)? };
    if cost > rule.most() {
        let draft = item.draft(Code::OutOfRange, "a request costs more than there is");
        draft.expected(format!("a `cost` of at most {}", rule.most())).report();
        return None;
    }
    let share = u8::try_from(keys.local_share.or(25)?).unwrap_or(u8::MAX);
    let on_error = match keys.on_error.or(WhenAway::Local)? {
        WhenAway::Local => OnError::Local(share),
        WhenAway::Open => OnError::Open,
        WhenAway::Closed => OnError::Closed,
    };
    let printed = rate.to_string().replace(['"', '\\'], "_");
    let name = keys.name.maybe()?.unwrap_or(printed);
    let (is_shadow, is_hidden) = (keys.mode.or(false)?, keys.hidden.or(false)?);
    let id = id(path, algorithm, &rate);
    Some(Limit { id, name, rule, keys: rate.keys, cost, on_error, is_shadow, is_hidden })
}

fn counted(algorithm: Algorithm, rate: &Rate, burst: Option<u32>) -> Count {
    let window = match rate.window {
        Window::Month => return Count::Fixed(Calendar::Month),
        Window::Seconds(seconds) => u64::from(seconds).saturating_mul(1_000),
    };
    match algorithm {
        Algorithm::SlidingWindow => Count::Sliding(window),
        Algorithm::FixedWindow => Count::Fixed(Calendar::Every(window)),
        Algorithm::TokenBucket => Count::Bucket(window, burst.unwrap_or(rate.limit)),
    }
}

/// The place, what is counted and in which time, but not how many there may be: who changes that goes on counting.
fn id(path: &str, algorithm: Algorithm, rate: &Rate) -> u64 {
    let counted = Rate { limit: 0, ..rate.clone() };
    let digest = Sha256::digest(format!("{path}\n{algorithm:?}\n{counted}"));
    digest.iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte))
}

/// This stage's part of a route's policy.
pub fn resolve(keys: &Stack<'_, Keys>, route: &mut RouteFacts<'_>) -> Option<Config> {
    let Some(setting) = keys.pick(|keys| &keys.rate_limit) else { return Some(Vec::new()) };
    let limits = setting.value.as_ref()?;
    for limit in limits {
        for key in &limit.value.keys {
            check(key, limit, route);
        }
    }
    Some(limits.iter().map(|limit| limit.value.clone()).collect())
}

/// Reports a key that no request of the route has.
fn check(key: &rate::Key, limit: &Located<Limit>, route: &RouteFacts<'_>) {
    match key {
        rate::Key::Path(name) => {
            route.check_use(&Slot::PathParameter(name.clone()), &format!("path.{name}"), &limit.span)
        }
        rate::Key::Claim(name) => route.check_use(&Slot::Claim(name.clone()), &format!("claim:{name}"), &limit.span),
        rate::Key::Tenant | rate::Key::ApiKey | rate::Key::Plan => {
            let message = format!("`{key}` is not known of any request yet");
            let draft = route.report.draft(Code::BadRate, &limit.span, message);
            draft.help(format!("count by a claim that says so: `claim:{key}`")).report();
        }
        rate::Key::Address | rate::Key::Principal | rate::Key::Route | rate::Key::Global | rate::Key::Header(_) => {}
    }
}
