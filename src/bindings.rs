//! The names of the bindings that the code uses, as they stand in `wrangler.toml`.

use gateway::ports::errands::Class;

/// D1: the database.
pub(crate) const DATABASE: &str = "DB";
/// KV: cached and configured values that may be a minute old.
pub(crate) const KEY_VALUE: &str = "CACHE";
/// Durable Object: the ordered log of what the fleet must learn soon.
pub(crate) const SIGNALS: &str = Class::Signals.binding();

/// Queue: what must arrive and may arrive late.
pub(crate) const EVENTS: &str = "EVENTS";
/// Durable Object: the chain of audit rows.
pub(crate) const AUDIT: &str = Class::Audit.binding();
/// Durable Object: where what isolates count comes together.
pub(crate) const METRICS: &str = Class::Metrics.binding();

/// Durable Object: rate limits are counted.
pub(crate) const LIMITS: &str = Class::Limits.binding();

/// Durable Object: abuse is added up.
pub(crate) const ABUSE: &str = Class::Abuse.binding();

/// Who does errands, in the order of [`gateway::driver::wire::place_of`].
pub(crate) const PLACES: [&str; 7] = [SIGNALS, DATABASE, EVENTS, AUDIT, METRICS, LIMITS, ABUSE];
