//! What a gateway says when it does not do what it is asked, in words for the operator, and what may help.
//!
//! What comes from the network may be no gateway's: it is shown without control characters.

use std::fmt::Write as _;

use gateway::stages::admin::Role;
use serde::Deserialize;

use super::{Operator, token::Token};
use crate::{Failure, host::Trouble, http::Answer};

/// A problem (RFC 9457), as far as it is shown.
#[derive(Deserialize)]
struct Problem {
    code: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    errors: Vec<Wrong>,
}

#[derive(Deserialize)]
struct Wrong {
    field: String,
    expected: String,
}

impl Operator<'_> {
    /// That a request came to nothing.
    pub(super) fn unanswered(&self, trouble: &Trouble, changes: bool) -> Failure {
        let mut message = format!("{} does not answer: {}", self.origin.text, trouble.words());
        if trouble.is_silence() {
            message.push_str("\n  `npm start` starts a gateway here, --url or FERROGATE_URL names another");
        } else if changes && *trouble != Trouble::no_node() {
            message.push_str("\n  whether the change was made is not known: `ferrogate admin switches` tells, and asking again does no harm");
        }
        Failure::Files(message)
    }

    /// That a gateway refuses. `near` is what was probably meant where it does not know a name.
    pub(super) fn refused(&self, answer: &Answer, token: &Token, near: &str) -> Failure {
        if let Some(location) = answer.header("location").filter(|_| (300..400).contains(&answer.status)) {
            let (url, location) = (&self.origin.text, plain(location));
            return Failure::Findings(format!(
                "{url} sends elsewhere, to {location}\n  name that with --url, if it is meant"
            ));
        }
        let Ok(problem) = serde_json::from_str::<Problem>(&answer.body) else { return self.strange(answer) };
        let mut message = format!("{} {}\n  {}", answer.status, plain(&problem.title), plain(&problem.detail));
        for Wrong { field, expected } in &problem.errors {
            let hint = if ["query", "limit"].contains(&field.as_str()) { near } else { "" };
            let _ = write!(message, "\n  {}: expected {}{hint}", plain(field), plain(expected));
        }
        if let Some(help) = self.help(answer.status, &problem.code, token) {
            let _ = write!(message, "\n  {help}");
        }
        if let Some(seconds) = answer.header("retry-after") {
            let _ = write!(message, "\n  ask again in {} s", plain(seconds));
        }
        if let Some(id) = answer.header("x-request-id") {
            let _ = write!(message, "\n  request {}", plain(id));
        }
        Failure::Findings(message)
    }

    fn help(&self, status: u16, code: &str, token: &Token) -> Option<String> {
        match (status, code) {
            (401, _) => Some(token.doubt()),
            (403, _) => Some(self.roles()),
            (404, "route_not_found") => Some(self.elsewhere()),
            _ => None,
        }
    }

    /// Which roles would do.
    fn roles(&self) -> String {
        let word = self.role.word();
        let Some(admin) = self.admin() else {
            return format!("the token must hold a role that `{word}` in [admin] of the gateway names");
        };
        let mut holders: Vec<String> = admin.holders(self.role);
        holders.sort();
        holders.dedup();
        let file = self.known.as_ref().map_or("", |known| known.file.as_str());
        format!("the token must hold one of the roles that [admin] in {file} gives this to: {}", holders.join(", "))
    }

    /// Why the paths may not be there.
    fn elsewhere(&self) -> String {
        let host = self.admin().and_then(|admin| admin.host.as_ref());
        let host = host.map(|host| format!(", and only on the host {host}")).unwrap_or_default();
        let more = if self.role == Role::Viewer { "" } else { "; nothing was changed" };
        format!(
            "the gateway has no such path for operators: in an environment they are there if [admin] says `on`{host}; \
             --config names the file with their path{more}"
        )
    }
}

/// A text of the network that a terminal may be shown.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn nothing_of_the_network_moves_the_cursor() {
        assert_eq!(plain("a \u{1b}[2J\r\nb \u{9b}1m \u{e4}"), "a \\u{1b}[2J\\r\\nb \\u{9b}1m \u{e4}");
    }
}
