//! The keys of `[upstreams.NAME]`, and of `timeout` wherever it stands.

use super::upstream::{Credentials, DEFAULT_TIMEOUTS, Target, Timeouts, Upstream};
use crate::{
    config::{
        diagnostics::Code,
        keys::keys,
        kinds::{self, Kind},
        model::{Grammar, Shape},
        reader::Item,
        text::Text,
        values::{Fault, quoted, url, variables},
    },
    http::path,
};

const TARGET: Grammar = Grammar {
    name: "target",
    sentence: "an http or https URL without user, query and fragment, which may name variables (`\"${CATALOG_URL}\"`), \
               or a service binding of the Worker (`\"service:CATALOG\"`)",
    example: "https://catalog.acme.example/v2",
    pattern: Some(r"^(https?://|\$\{|service:)[^?#@\\ ]*$"),
};

const PREFIX: Grammar = Grammar {
    name: "path prefix",
    sentence: "a path that begins with a slash: `\"/api/v2\"`",
    example: "/api/v2",
    pattern: Some("^(/.*)?$"),
};

const HEALTH: Grammar = Grammar {
    name: "health path",
    sentence: "a path that begins with a slash: `\"/healthz\"`",
    example: "/healthz",
    pattern: Some("^/[^?#]*$"),
};

keys! {
    /// Where requests go.
    pub struct Keys {
        /// Where requests go: a list with exactly one address for now. A path in the URL is put before the path of each
        /// request.
        /// Example: `targets = ["${CATALOG_URL:-http://127.0.0.1:4000}"]`
        targets: Target [Required] = only_target(),
        /// What is put before the path of each request, behind the path of the target.
        prefix: String [Default("\"\"")] = kinds::parsed(PREFIX, prefix),
        /// How long an answer may take, where the route and its policies say nothing: a duration for the time to its
        /// head, or a table.
        /// Example: `timeout = { first_byte = "2s", whole = "1m" }`
        timeout: Timeouts [Optional] = timeouts(),
        /// What proves to the upstream that a request comes from the gateway. It replaces what the client sent.
        /// A table with `bearer`, with `user` and `password`, with `header` and `value`, or with `hmac`.
        /// Example: `credentials = { bearer = "${CATALOG_TOKEN}" }`
        credentials: Credentials [Optional] = kinds::checked_table::<CredentialKeys, Credentials>(credentials),
        /// The path that tells how the upstream is, behind the target and the prefix. The gateway asks it when its own
        /// `/health` is asked, with `GET` and the `credentials`; any status below 400 is good.
        /// Example: `health = "/healthz"`
        health: String [Optional] = kinds::parsed(HEALTH, health),
    }
}

keys! {
    /// The table of `timeout`.
    pub struct TimeoutKeys {
        /// The time until the head of the answer is there.
        /// Example: `first_byte = "2s"`
        first_byte: u32 [Default("\"30s\"")] = duration(),
        /// The time for one try, body included. With this or `whole`, answers are watched to the end of their bodies.
        /// Example: `try = "10s"`
        r#try: u32 [Optional] = duration(),
        /// The time for everything that is done for a request, body included.
        /// Example: `whole = "1m"`
        whole: u32 [Optional] = duration(),
    }
}

keys! {
    /// The table of `credentials`: one of `bearer`, `user` with `password`, `header` with `value`, `hmac`.
    pub struct CredentialKeys {
        /// A token for `Authorization: Bearer`.
        /// Example: `bearer = "${CATALOG_TOKEN}"`
        bearer: Text [Optional] = kinds::secret(),
        /// The user of `Authorization: Basic`; needs `password`.
        /// Example: `user = "gateway"`
        user: Text [Optional] = kinds::not_empty(),
        /// The password of `Authorization: Basic`; needs `user`.
        /// Example: `password = "${CATALOG_PASSWORD}"`
        password: Text [Optional] = kinds::secret(),
        /// The name of a header that the upstream looks at; needs `value`.
        /// Example: `header = "x-api-key"`
        header: String [Optional] = kinds::changed_header(),
        /// The value of that header; needs `header`.
        /// Example: `value = "${CATALOG_KEY}"`
        value: Text [Optional] = kinds::secret(),
        /// The key of a signature of each request (RFC 9421, `hmac-sha256`), of at least 32 bytes.
        /// Example: `hmac = "${CATALOG_HMAC}"`
        hmac: Text [Optional] = kinds::secret(),
        /// What the upstream knows the key by; only with `hmac`.
        /// Example: `key_id = "gateway-1"`
        key_id: String [Default("\"gateway\"")] = kinds::header_value(),
        /// Whether the signature covers the body too; only with `hmac`. Each body is then read as a whole before it goes on,
        /// and the `body_limit` of the routes may be 1 MiB at most.
        body: bool [Default("false")] = kinds::boolean(),
    }
}

const DEFAULT_KEY_ID: &str = "gateway";

const CREDENTIALS: [&str; 8] = ["bearer", "user", "password", "header", "value", "hmac", "key_id", "body"];

/// An upstream; `None` when something about it is wrong.
#[must_use]
pub fn upstream(name: &str, keys: Keys) -> Option<Upstream> {
    let (prefix, timeout) = (keys.prefix.or(String::new())?, keys.timeout.maybe()?);
    let credentials = keys.credentials.maybe()?;
    let health = keys.health.maybe()?;
    Some(Upstream { name: name.to_owned(), target: keys.targets.take()?, prefix, timeout, credentials, health })
}

fn duration() -> Kind<'static, u32> {
    kinds::milliseconds(1..=600_000)
}

/// `timeout = "2s"` or a table.
#[must_use]
pub fn timeouts() -> Kind<'static, Timeouts> {
    let table = || kinds::table::<TimeoutKeys, Timeouts>(of_keys);
    let read = move |item: &Item<'_>| {
        if item.is_table() {
            return table().read(item);
        }
        if item.as_boolean().is_some() || item.is_list() {
            return item.wrong_type("a duration or a table");
        }
        Some(Timeouts { first_byte_ms: duration().read(item)?, ..DEFAULT_TIMEOUTS })
    };
    Kind::new(read, move || Shape::Any(vec![duration().shape(), table().shape()]))
}

fn of_keys(keys: TimeoutKeys) -> Option<Timeouts> {
    Some(Timeouts {
        first_byte_ms: keys.first_byte.or(DEFAULT_TIMEOUTS.first_byte_ms)?,
        try_ms: keys.r#try.maybe()?,
        whole_ms: keys.whole.maybe()?,
    })
}

fn credentials(item: &Item<'_>, keys: CredentialKeys) -> Option<Credentials> {
    let (bearer, user, password) = (keys.bearer.maybe()?, keys.user.maybe()?, keys.password.maybe()?);
    let (header, value) = (keys.header.maybe()?, keys.value.maybe()?);
    let signed = (keys.hmac.maybe()?, keys.key_id.maybe()?, keys.body.maybe()?);
    match (bearer, (user, password), (header, value), signed) {
        (Some(token), (None, None), (None, None), (None, None, None)) => Some(Credentials::Bearer(token)),
        (None, (Some(user), Some(password)), (None, None), (None, None, None)) => {
            Some(Credentials::Basic(user, password))
        }
        (None, (None, None), (Some(name), Some(value)), (None, None, None)) => Some(Credentials::Header(name, value)),
        (None, (None, None), (None, None), (Some(secret), key_id, body)) => {
            let key_id = key_id.unwrap_or_else(|| DEFAULT_KEY_ID.to_owned());
            Some(Credentials::Hmac { secret, key_id, body: body.unwrap_or_default() })
        }
        // That one of them is misspelt has been said.
        _ if CREDENTIALS.iter().any(|key| item.context().is_misspelt(item.path(), key)) => None,
        _ => {
            let draft = item.draft(Code::BadCredentials, "`credentials` must say one thing");
            let expected = "`bearer`, or `user` and `password`, or `header` and `value`, or `hmac`";
            draft.expected(expected).help("write credentials = { bearer = \"${CATALOG_TOKEN}\" }").report();
            None
        }
    }
}

/// Every target is checked, although only one is allowed so far.
fn only_target() -> Kind<'static, Target> {
    let read = |item: &Item<'_>| {
        let targets = item.list()?;
        let read: Vec<Option<Target>> = targets.iter().map(target).collect();
        if let [target] = read.as_slice() {
            return target.clone();
        }
        let draft = item.draft(Code::TargetCount, format!("`targets` names {} targets", targets.len()));
        let draft = draft.expected("exactly one target");
        let several = "balancing between several targets arrives later; name one for now";
        draft.help(if targets.is_empty() { "name the URL of the upstream" } else { several }).report();
        None
    };
    Kind::new(read, || Shape::List(Box::new(Shape::Text(TARGET))))
}

fn target(item: &Item<'_>) -> Option<Target> {
    if let Some(name) = item.text()?.strip_prefix("service:") {
        let prefix = "service:".len();
        return item.parsed(|_| binding(name).map_err(|fault| fault.part(prefix, name.len()))).map(Target::Service);
    }
    let written = item.parsed(|text| {
        let written = variables::parse(text)?;
        url::check_upstream(&written)?;
        Ok(written)
    })?;
    item.context().intern(item, &written.without_trailing_slash()).map(Target::Url)
}

/// The name of a binding in `wrangler.toml`.
///
/// # Errors
/// [`Code::BadBinding`].
pub fn binding(name: &str) -> Result<String, Fault> {
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if first && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Ok(name.to_owned());
    }
    let fault = Fault::new(Code::BadBinding, format!("{} is not the name of a binding", quoted(name)));
    Err(fault.expected("letters, digits and underscores, not a digit first: `CATALOG`"))
}

fn prefix(text: &str) -> Result<String, Fault> {
    let fault = |message: String| Fault::new(Code::BadPath, message).expected(PREFIX.sentence);
    if text.is_empty() {
        return Ok(String::new());
    }
    path::check(text).map_err(|error| {
        let fault = fault(format!("{} is not a path that requests can have", quoted(text)));
        if text.starts_with('/') { fault.expected(error.expected()) } else { fault }
    })?;
    Ok(text.trim_end_matches('/').to_owned())
}

fn health(text: &str) -> Result<String, Fault> {
    let checked = path::check(text).map(|()| text.to_owned());
    checked.map_err(|error| {
        let fault = Fault::new(Code::BadPath, format!("{} is not a path that requests can have", quoted(text)));
        fault.expected(if text.starts_with('/') { error.expected() } else { HEALTH.sentence })
    })
}
