//! `[well_known]`: answers under paths that everybody asks for. They become routes like any other, with an answer that
//! stands in the file, so the Worker knows nothing of them.

use super::{gateway::Gateway, routes::Declared};
use crate::{
    config::{
        diagnostics::{Code, nearest::nearest},
        keys::{Key as Set, Keys as _, keys},
        kinds::{self, Kind},
        model::{Grammar, Key, Shape},
        reader::{Item, Located, Setting},
        values::{Fault, date, link, quoted},
    },
    stages::{health, respond::Fixed},
};

const ROBOTS: Grammar = Grammar {
    name: "robots.txt",
    sentence: "the lines of the file (RFC 9309)",
    example: "User-agent: *\\nDisallow: /private/",
    pattern: Some(r"^[\s\S]*:[\s\S]*$"),
};

const LINK: Grammar = Grammar {
    name: "URI",
    sentence: link::GRAMMAR,
    example: "https://acme.example/security",
    pattern: Some("^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$"),
};

const LANGUAGE: Grammar = Grammar {
    name: "language",
    sentence: "the tag of a language: `\"en\"`, `\"pt-BR\"` (RFC 5646)",
    example: "en",
    pattern: Some("^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"),
};

keys! {
    /// Answers under well-known paths.
    pub(super) struct Keys {
        /// What crawlers are told under `/robots.txt`: `"deny"` asks them to leave everything alone, any other text is the
        /// file itself.
        /// Example: `robots = "deny"`
        robots: String [Optional] = robots(),
        /// Whether `/favicon.ico` is answered with 204, so that browsers do not ask the upstreams for an icon.
        favicon: bool [Default("false")] = kinds::boolean(),
        /// Whom to tell about a weakness, under `/.well-known/security.txt` (RFC 9116).
        /// Example: `security_txt = { contact = "mailto:security@acme.example", expires = "2027-06-30T00:00:00Z" }`
        security_txt: String [Optional] = kinds::table::<SecurityTxt, String>(security_txt),
        /// What `/` answers, as JSON: the gateway's name, the path that tells whether it lives, and a link to
        /// documentation if there is one. `true`, or a table.
        /// Example: `index = { docs = "https://docs.acme.example" }`
        index: Option<Index> [Default("false")] = index(),
    }
}

keys! {
    /// The table of `security_txt`.
    pub(super) struct SecurityTxt {
        /// Where to report a weakness, the best way first: a link or a list of links.
        /// Example: `contact = ["mailto:security@acme.example", "https://acme.example/report"]`
        contact: Vec<String> [Required] = links(),
        /// When the information is stale. RFC 9116 recommends less than a year from now.
        /// Example: `expires = "2027-06-30T00:00:00Z"`
        expires: u64 [Required] = expires(),
        /// Keys for encrypted reports, as links: the keys themselves stand elsewhere.
        /// Example: `encryption = "https://acme.example/pgp-key.txt"`
        encryption: Vec<String> [Optional] = links(),
        /// Pages that thank those who reported something.
        /// Example: `acknowledgments = "https://acme.example/thanks"`
        acknowledgments: Vec<String> [Optional] = links(),
        /// Languages in which reports are understood, none before the others.
        /// Example: `languages = ["en", "de"]`
        languages: Vec<String> [Default("[]")] = kinds::list(kinds::parsed(LANGUAGE, language)),
        /// The addresses of the file itself, which tell a copy of it elsewhere from the original.
        /// Example: `canonical = "https://api.acme.example/.well-known/security.txt"`
        canonical: Vec<String> [Optional] = links(),
        /// The policy for those who look for weaknesses.
        /// Example: `policy = "https://acme.example/security-policy"`
        policy: Vec<String> [Optional] = links(),
        /// Open positions that have to do with security.
        /// Example: `hiring = "https://acme.example/jobs"`
        hiring: Vec<String> [Optional] = links(),
    }
}

keys! {
    /// The table of `index`.
    pub(super) struct IndexKeys {
        /// Where the interface is documented.
        /// Example: `docs = "https://docs.acme.example"`
        docs: String [Optional] = kinds::parsed(LINK, link::parse),
    }
}

/// What `/` answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    docs: Option<String>,
}

/// Reads `[well_known]`.
pub(super) fn read(item: &Item<'_>) -> Option<Keys> {
    let mut section = item.table()?;
    let keys = Keys::read(&mut section);
    section.finish();
    Some(keys)
}

/// The keys that the section can have.
pub(super) fn model() -> Vec<Key> {
    Keys::model()
}

impl Keys {
    /// The routes that the section stands for: public, open during maintenance, under what `[gateway]` says of answers that
    /// belong to no route.
    pub(super) fn routes(&self, gateway: &Gateway) -> Vec<Declared> {
        let text =
            |key: &Set<String>, route| answer(route, key, |body| Some(fixed(200, "text/plain; charset=utf-8", body)));
        let icon = |there: bool| there.then(|| fixed(204, "", String::new()));
        let index = |index: Option<Index>| Some(fixed(200, "application/json", index?.json(gateway)));
        let answers = [
            text(&self.robots, "GET /robots.txt"),
            answer("GET /favicon.ico", &self.favicon, icon),
            text(&self.security_txt, "GET /.well-known/security.txt"),
            answer("GET /", &self.index, index),
        ];
        let answers = answers.into_iter().flatten();
        answers.map(|(key, answer)| Declared::answer(key, answer, &gateway.fallback())).collect()
    }
}

/// A route with what it answers, if the key wants one.
fn answer<T: Clone>(
    route: &str,
    key: &Set<T>,
    make: impl FnOnce(T) -> Option<Fixed>,
) -> Option<(Located<String>, Fixed)> {
    let Setting { value, key, .. } = key.0.as_ref()?;
    let made = make(value.clone()?)?;
    Some((Located { value: route.to_owned(), span: key.clone() }, made))
}

/// An answer that everybody may keep for a day.
fn fixed(status: u16, content_type: &str, body: String) -> Fixed {
    let mut headers = vec![("cache-control".to_owned(), "public, max-age=86400".to_owned())];
    if !body.is_empty() {
        headers.insert(0, ("content-type".to_owned(), content_type.to_owned()));
    }
    Fixed { status, headers, body }
}

impl Index {
    fn json(&self, gateway: &Gateway) -> String {
        let mut index = serde_json::Map::new();
        let mut put = |key: &str, value: &str| index.insert(key.to_owned(), value.into());
        put("name", gateway.keys.name.get().map_or("", String::as_str));
        put("health", health::LIVE);
        self.docs.iter().for_each(|docs| {
            put("docs", docs);
        });
        serde_json::Value::Object(index).to_string()
    }
}

fn index() -> Kind<'static, Option<Index>> {
    let table = || kinds::table::<IndexKeys, Index>(|keys| Some(Index { docs: keys.docs.maybe()? }));
    let read = move |item: &Item<'_>| match item.as_boolean() {
        Some(there) => Some(there.then(Index::default)),
        None if item.is_table() => table().read(item).map(Some),
        None => item.wrong_type("true, false or a table"),
    };
    Kind::new(read, move || Shape::Any(vec![Shape::Boolean, table().shape()]))
}

const DENY: &str = "deny";

/// `deny`, or the lines of the file. A word alone is no line of it, so it was meant to be `deny`.
fn robots() -> Kind<'static, String> {
    let read = |item: &Item<'_>| match item.text()? {
        DENY => Some("User-agent: *\nDisallow: /\n".to_owned()),
        text if text.contains(':') => Some(format!("{}\n", text.trim_end())),
        text => {
            let draft = item.draft(Code::UnknownWord, format!("`robots` cannot be {}", quoted(text)));
            let draft = draft.expected("`deny`, or the lines of a robots.txt").found(quoted(text));
            draft.meant(nearest(text, [DENY]).map(str::to_owned)).report();
            None
        }
    };
    Kind::new(read, || Shape::Any(vec![Shape::Words(vec![DENY]), Shape::Text(ROBOTS)]))
}

/// The file, its fields in the order of RFC 9116 section 2.5.
fn security_txt(keys: SecurityTxt) -> Option<String> {
    let fields = [
        ("Contact", Some(keys.contact.take()?)),
        ("Expires", Some(vec![date::rfc3339(keys.expires.take()?)])),
        ("Encryption", keys.encryption.maybe()?),
        ("Acknowledgments", keys.acknowledgments.maybe()?),
        (
            "Preferred-Languages",
            Some(keys.languages.or(Vec::new())?).filter(|it| !it.is_empty()).map(|it| vec![it.join(", ")]),
        ),
        ("Canonical", keys.canonical.maybe()?),
        ("Policy", keys.policy.maybe()?),
        ("Hiring", keys.hiring.maybe()?),
    ];
    let lines = |(name, values): (&str, Option<Vec<String>>)| -> String {
        values.into_iter().flatten().map(|value| format!("{name}: {value}\n")).collect()
    };
    Some(fields.into_iter().map(lines).collect())
}

fn expires() -> Kind<'static, u64> {
    Kind::new(|item| item.parsed_date(date::parse), || Shape::Text(date::GRAMMAR))
}

/// One link or several, and at least one.
fn links() -> Kind<'static, Vec<String>> {
    let some = || kinds::one_or_more(kinds::parsed(LINK, link::parse), "a link or a list of links");
    let read = move |item: &Item<'_>| {
        let links = some().read(item)?;
        if links.is_empty() {
            let draft = item.draft(Code::EmptyList, format!("`{}` names nothing", item.key()));
            draft.help("name a link, or leave the key out").report();
            return None;
        }
        Some(links)
    };
    Kind::new(read, move || some().shape())
}

fn language(text: &str) -> Result<String, Fault> {
    let mut tags = text.split('-');
    let first =
        tags.next().is_some_and(|tag| (2..=8).contains(&tag.len()) && tag.bytes().all(|it| it.is_ascii_alphabetic()));
    if first && tags.all(|tag| (1..=8).contains(&tag.len()) && tag.bytes().all(|it| it.is_ascii_alphanumeric())) {
        return Ok(text.to_owned());
    }
    let fault = Fault::new(Code::UnknownWord, format!("{} is not the tag of a language", quoted(text)));
    Err(fault.expected(LANGUAGE.sentence))
}
