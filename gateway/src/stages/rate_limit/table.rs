//! What one limit may say, as a text or as a table.

use sha2::{Digest as _, Sha256};

use super::{Cost, Limit, OnError, Until};
use crate::{
    config::{
        diagnostics::Code,
        keys::keys,
        kinds::{self, Kind},
        model::{Grammar, Shape},
        percent::Percent,
        rate::{self, Rate, Window},
        reader::Item,
        size::Size,
        values::{self, Fault, quoted, rate as rates},
    },
    fleet::limits::{Calendar, Count, Rule, adaptive::Adapts},
};

/// How requests are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// In every window, wherever it begins.
    #[default]
    SlidingWindow,
    /// In windows of the calendar.
    FixedWindow,
    /// As a bucket.
    TokenBucket,
    /// Those that are there at once.
    Concurrency,
}

/// What becomes of requests when nobody counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenAway {
    /// A share in each isolate.
    #[default]
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
    ("concurrency", Algorithm::Concurrency),
];

const AWAY: &[(&str, WhenAway)] = &[("local", WhenAway::Local), ("open", WhenAway::Open), ("closed", WhenAway::Closed)];

const MODES: &[(&str, bool)] = &[("enforce", false), ("shadow", true)];

const FIRST: &[(&str, bool)] = &[("wait", false), ("local", true)];

const UNTIL: &[(&str, Until)] = &[("head", Until::Head), ("body", Until::Body)];

const RATE: Grammar =
    Grammar { name: "rate", sentence: rates::GRAMMAR, example: "60/min per principal", pattern: None };

const PER: Grammar = Grammar {
    name: "count",
    sentence: "what has a count of its own, joined by ` and `: `address`, `principal`, `tenant`, `api_key`, `plan`, `route`, \
               `global`, `header:NAME`, `path.NAME`, `claim:NAME`",
    example: "principal and route",
    pattern: None,
};

const WINDOW: Grammar = Grammar {
    name: "window",
    sentence: "`s`, `min`, `hour`, `day`, `month` or a duration",
    example: "10s",
    pattern: None,
};

const NAME: Grammar = Grammar {
    name: "limit name",
    sentence: "1 to 40 lower case letters, digits, `-` and `_`",
    example: "login",
    pattern: Some("^[a-z0-9_-]{1,40}$"),
};

/// A number with or without its window.
#[derive(Clone, Debug)]
pub enum Amount {
    /// `60/min`.
    Rate(Rate),
    /// `60`.
    Number(u32),
}

keys! {
    /// A limit as a table.
    pub struct Table {
        /// How many requests in which time, and what has a count of its own: the address of the client if nothing is said. A
        /// number alone has its time in `window`, or none with `algorithm = "concurrency"`.
        /// Example: `limit = "60/min per principal"`
        limit: Amount [Required] = amount(),
        /// The time of a limit that is a number alone.
        /// Example: `window = "10s"`
        window: Window [Optional] = kinds::parsed(WINDOW, rates::window),
        /// What has a count of its own, where `limit` does not say it.
        /// Example: `per = "principal and route"`
        per: Vec<rate::Key> [Optional] = kinds::parsed(PER, rates::keys),
        /// How they are counted. With `"sliding_window"` no window holds more, wherever it begins. With `"fixed_window"` no minute,
        /// hour, day or month of the calendar does, in UTC. With `"token_bucket"` there are as many as `burst` at once, and
        /// `limit` more in its time. With `"concurrency"` there are no more than `limit` at once. A month is always one of the
        /// calendar.
        /// Example: `algorithm = "token_bucket"`
        algorithm: Algorithm [Default("\"sliding_window\"")] = kinds::word(ALGORITHMS),
        /// How many tokens a bucket holds: as many as the limit, if nothing is said.
        /// Example: `burst = 20`
        burst: u32 [Optional] = count(),
        /// Until when a request counts with `algorithm = "concurrency"`: until the head of the answer is there, or until the end of
        /// its body.
        /// Example: `until = "body"`
        until: Until [Default("\"head\"")] = kinds::word(UNTIL),
        /// Whether the object is asked for each request, whatever the limit is: refusals are exact to the request then, and
        /// each costs a round trip.
        exact: bool [Default("false")] = kinds::boolean(),
        /// How much of the limit a request takes: a number, or a table when only the answer of the upstream tells.
        /// Example: `cost = { header = "X-Cost", most = 100 }`
        cost: Cost [Default("1")] = cost(),
        /// Whether the first request for a key that an isolate does not know waits for the object. With `"local"` it does not:
        /// each isolate may let in one too many for each key, in the time in which it asks.
        /// Example: `first = "local"`
        first: bool [Default("\"wait\"")] = kinds::word(FIRST),
        /// What becomes of requests while the object does not answer. With `"local"` each isolate lets in a share of the limit,
        /// with `"open"` all go on, with `"closed"` none does and callers get 503 `rate_limit_unavailable`.
        /// Example: `on_error = "closed"`
        on_error: WhenAway [Default("\"local\"")] = kinds::word(AWAY),
        /// The share of each isolate with `on_error = "local"`, in percent of the limit.
        /// Example: `local_share = 10`
        local_share: i64 [Default("25")] = kinds::integer(1..=100),
        /// Gives way when the upstream is not well: the limit then shrinks step by step down to `least`, and grows back.
        /// Example: `adaptive = { least = "20%", errors = "10%", slow = "2s" }`
        adaptive: Adapts [Optional] = kinds::checked_table(adapts),
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

keys! {
    /// A cost that is known with the answer only.
    pub struct CostKeys {
        /// The header of the upstream's answer that tells the cost: a whole number. The header goes on to the client.
        /// Example: `header = "X-Cost"`
        header: String [Optional] = kinds::changed_header(),
        /// So many bytes of the answer's body cost one, begun ones included.
        /// Example: `bytes = "64KB"`
        bytes: Size [Optional] = kinds::parsed(SIZE, values::size::parse),
        /// The most that a request can cost. As much is taken before the answer is there, and the rest comes back behind it.
        /// Example: `most = 100`
        most: u32 [Required] = count(),
        /// What it costs if the answer has no such header.
        otherwise: u32 [Default("1")] = count(),
    }
}

const SIZE: Grammar =
    Grammar { name: "size", sentence: values::size::GRAMMAR, example: "10MiB", pattern: Some("^[0-9]+([KMG]i?)?B$") };

keys! {
    /// How a limit gives way.
    pub struct Adaptive {
        /// The part of the limit that is there however bad it is.
        /// Example: `least = "20%"`
        least: Percent [Default("\"20%\"")] = kinds::share(),
        /// From this part of its answers that are 5xx or do not come, the upstream is not well.
        /// Example: `errors = "10%"`
        errors: Percent [Default("\"10%\"")] = kinds::share(),
        /// An answer that takes longer counts as one that does not come.
        /// Example: `slow = "2s"`
        slow: u32 [Optional] = kinds::milliseconds(1..=600_000),
    }
}

fn adapts(item: &Item<'_>, keys: Adaptive) -> Option<Adapts> {
    let whole = |percent: Percent| u8::try_from(percent.basis_points().div_ceil(100)).ok();
    let least = keys.least.or(Percent::from_basis_points(2_000)?)?;
    let errors = keys.errors.or(Percent::from_basis_points(1_000)?)?;
    if least == Percent::NONE || errors == Percent::NONE {
        let draft = item.draft(Code::OutOfRange, "`least` and `errors` are more than nothing");
        draft.expected("1% to 100%").report();
        return None;
    }
    Some(Adapts { least: whole(least)?, errors: whole(errors)?, slow_ms: keys.slow.maybe()? })
}

fn amount() -> Kind<'static, Amount> {
    let rate = || kinds::parsed(RATE, rates::parse);
    let read = move |item: &Item<'_>| {
        if item.is_text() { rate().read(item).map(Amount::Rate) } else { count().read(item).map(Amount::Number) }
    };
    Kind::new(read, move || Shape::Any(vec![rate().shape(), count().shape()]))
}

fn cost() -> Kind<'static, Cost> {
    let table = || kinds::checked_table::<CostKeys, Cost>(told_cost);
    let read = move |item: &Item<'_>| {
        if item.is_table() { table().read(item) } else { count().read(item).map(Cost::Fixed) }
    };
    Kind::new(read, move || Shape::Any(vec![count().shape(), table().shape()]))
}

fn told_cost(item: &Item<'_>, keys: CostKeys) -> Option<Cost> {
    let (header, bytes) = (keys.header.maybe()?, keys.bytes.maybe()?);
    let (most, otherwise) = (keys.most.take()?, keys.otherwise.or(1)?);
    match (header, bytes) {
        (Some(name), None) => {
            Some(Cost::Header { name: name.to_ascii_lowercase(), most, otherwise: otherwise.min(most) })
        }
        (None, Some(size)) if size.0 > 0 => Some(Cost::Body { each: u32::try_from(size.0).unwrap_or(u32::MAX), most }),
        _ => {
            let draft = item.draft(Code::BadRate, "a cost is told by one thing");
            draft.expected("`header` or `bytes`, one of the two and not nothing").report();
            None
        }
    }
}

fn count() -> Kind<'static, u32> {
    let integer = || kinds::integer(1..=1_000_000_000);
    Kind::new(move |item| u32::try_from(integer().read(item)?).ok(), move || integer().shape())
}

fn named(text: &str) -> Result<String, Fault> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    if (1..=40).contains(&text.len()) && text.bytes().all(fits) {
        return Ok(text.to_owned());
    }
    let message = format!("{} is no name of a limit", quoted(text));
    Err(Fault::new(Code::BadName, message).expected(NAME.sentence))
}

/// What a limit looks like.
#[must_use]
pub fn shape() -> Shape {
    Shape::Any(vec![kinds::parsed(RATE, rates::parse).shape(), table().shape()])
}

fn table() -> Kind<'static, Table> {
    kinds::table::<Table, Table>(Some)
}

/// One limit; it belongs to the place of this path, and counts by this key if it does not say otherwise.
#[must_use]
pub fn limit(item: &Item<'_>, path: &str, otherwise: rate::Key) -> Option<Limit> {
    let (amount, keys) = if item.is_text() {
        (Amount::Rate(kinds::parsed(RATE, rates::parse).read(item)?), Table::default())
    } else if item.is_table() {
        let mut keys = table().read(item)?;
        (std::mem::take(&mut keys.limit).take()?, keys)
    } else {
        return item.wrong_type("a limit like \"60/min per principal\", or a table");
    };
    let mut counted = Counted::read(item, amount, &keys)?;
    if counted.keys.is_empty() {
        counted.keys.push(otherwise);
    }
    for key in &counted.keys {
        if let rate::Key::Header(name) = key {
            item.context().intern_header(item, name)?;
        }
    }
    made(item, path, &counted, keys)
}

/// What is counted.
#[derive(Clone, Debug)]
struct Counted {
    limit: u32,
    /// `None` for requests at once.
    window: Option<Window>,
    keys: Vec<rate::Key>,
    algorithm: Algorithm,
}

impl Counted {
    fn read(item: &Item<'_>, amount: Amount, table: &Table) -> Option<Self> {
        let algorithm = table.algorithm.clone().or(Algorithm::SlidingWindow)?;
        let (window, per) = (table.window.clone().maybe()?, table.per.clone().maybe()?);
        let (limit, said, keys) = match amount {
            Amount::Rate(Rate { limit, window, keys }) => (limit, Some(window), keys),
            Amount::Number(limit) => (limit, None, Vec::new()),
        };
        let wrong = |message: &str, help: &str| {
            item.draft(Code::BadRate, message).help(help).report();
            None
        };
        if said.is_some() && window.is_some() {
            return wrong("`limit` has its time already", "write `limit = 60` beside `window`, or take `window` out");
        }
        if !keys.is_empty() && per.is_some() {
            return wrong(
                "`limit` says already what has a count of its own",
                "take ` per …` out of it, or take `per` out",
            );
        }
        let window = said.or(window);
        if window.is_some() && algorithm == Algorithm::Concurrency {
            return wrong("requests at once are counted without a time", "write a number alone, like `limit = 10`");
        }
        if window.is_none() && algorithm != Algorithm::Concurrency {
            return wrong("the limit has no time", "write it as `limit = \"60/min\"`, or add `window = \"min\"`");
        }
        let keys = if keys.is_empty() { per.unwrap_or_default() } else { keys };
        Some(Self { limit, window, keys, algorithm })
    }

    fn count(&self, burst: Option<u32>) -> Count {
        let window = match self.window {
            // How long it may be in flight is known with the route.
            None => return Count::Flight(0),
            Some(Window::Month) => return Count::Fixed(Calendar::Month),
            Some(Window::Seconds(seconds)) => u64::from(seconds).saturating_mul(1_000),
        };
        match self.algorithm {
            Algorithm::SlidingWindow | Algorithm::Concurrency => Count::Sliding(window),
            Algorithm::FixedWindow => Count::Fixed(Calendar::Every(window)),
            Algorithm::TokenBucket => Count::Bucket(window, burst.unwrap_or(self.limit)),
        }
    }

    /// As it is written, with this limit.
    fn printed(&self, limit: u32) -> String {
        let keys = self.keys.clone();
        match self.window {
            Some(window) => Rate { limit, window, keys }.to_string(),
            None => Rate { limit, window: Window::Month, keys }.to_string().replacen("/month", " at once", 1),
        }
    }

    /// The place, what is counted and in which time, but not how many there may be: who changes that goes on counting.
    fn id(&self, path: &str) -> u64 {
        let digest = Sha256::digest(format!("{path}\n{:?}\n{}", self.algorithm, self.printed(0)));
        digest.iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte))
    }
}

/// Reports keys that do not go with how requests are counted.
fn check(item: &Item<'_>, counted: &Counted, keys: &Table) -> Option<()> {
    let is_flight = counted.algorithm == Algorithm::Concurrency;
    let misplaced = if keys.burst.0.is_some() && counted.algorithm != Algorithm::TokenBucket {
        Some(("burst", "token_bucket"))
    } else {
        Some(("until", "concurrency")).filter(|_| keys.until.0.is_some() && !is_flight)
    };
    if let Some((key, algorithm)) = misplaced {
        let draft = item.draft(Code::BadRate, format!("`{key}` is for `algorithm = \"{algorithm}\"`"));
        draft.help(format!("add `algorithm = \"{algorithm}\"`, or take `{key}` out")).report();
        return None;
    }
    let costs = keys.cost.get().is_some_and(|cost| *cost != Cost::Fixed(1));
    if is_flight && (costs || keys.first.get() == Some(&true)) {
        let draft = item.draft(Code::BadRate, "a request at once is one request, and waits for its place");
        draft.help("take `cost` and `first` out").report();
        return None;
    }
    Some(())
}

fn made(item: &Item<'_>, path: &str, counted: &Counted, keys: Table) -> Option<Limit> {
    check(item, counted, &keys)?;
    let (cost, burst) = (keys.cost.or(Cost::Fixed(1))?, keys.burst.maybe()?);
    let rule = Rule { limit: counted.limit, count: counted.count(burst), exact: keys.exact.or(false)? };
    if cost.most() > rule.most() {
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
    Some(Limit {
        id: counted.id(path),
        name: keys.name.maybe()?.unwrap_or_else(|| counted.printed(counted.limit).replace(['"', '\\'], "_")),
        rule,
        keys: counted.keys.clone(),
        cost,
        on_error,
        is_eager: keys.first.or(false)?,
        until: keys.until.or(Until::Head)?,
        adapts: keys.adaptive.maybe()?,
        is_quota: false,
        is_shadow: keys.mode.or(false)?,
        is_hidden: keys.hidden.or(false)?,
    })
}
