//! A request to a gateway that runs, and its answer, as texts between this program and the one that sends it:
//! `scripts/lib/ask.mjs`, which both hosts start.
//!
//! Not here: what is asked for, and what an answer means. No redirect is ever followed: a token goes to the host that
//! somebody named and to no other.

use serde::{Deserialize, Serialize};

use crate::host::Trouble;

/// How long an answer may take, in milliseconds: longer than the gateway waits for whatever it has to ask.
const WITHIN_MS: u32 = 15_000;

/// A request. It may hold a token, so nothing shows it.
#[derive(Serialize)]
pub struct Request {
    /// The method.
    pub method: &'static str,
    /// The whole URL.
    pub url: String,
    /// Names and values of its fields.
    pub headers: Vec<(&'static str, String)>,
    /// What it carries, if anything.
    pub body: Option<String>,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names, in lower case, and values of its fields.
    pub headers: Vec<(String, String)>,
    /// Its content, as text.
    pub body: String,
}

#[derive(Serialize)]
struct Question<'r> {
    #[serde(flatten)]
    request: &'r Request,
    within_ms: u32,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Outcome {
    Came(Answer),
    Failed { failure: String },
}

impl Request {
    /// What the other program reads.
    ///
    /// # Errors
    /// Never: texts and numbers can always be written.
    pub fn question(&self) -> Result<String, Trouble> {
        serde_json::to_string(&Question { request: self, within_ms: WITHIN_MS }).map_err(|_| Trouble::no_text())
    }
}

impl Answer {
    /// From what the other program has written.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn read(text: &[u8]) -> Result<Self, Trouble> {
        match serde_json::from_slice(text) {
            Ok(Outcome::Came(answer)) => Ok(answer),
            Ok(Outcome::Failed { failure }) => Err(Trouble::of_request(&failure)),
            Err(_) => Err(Trouble::of_request("scripts/lib/ask.mjs says nothing")),
        }
    }

    /// The value of a field.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_and_a_failure_are_told_apart() {
        let answer = Answer::read(br#"{"status":204,"headers":[["x-request-id","1"]],"body":""}"#).unwrap();
        assert_eq!((answer.status, answer.header("x-request-id"), answer.header("date")), (204, Some("1"), None));
        assert_eq!(Answer::read(br#"{"failure":"ECONNREFUSED"}"#), Err(Trouble::of_request("ECONNREFUSED")));
        assert!(Answer::read(b"").unwrap_err().words().contains("says nothing"));
    }

    #[test]
    fn a_question_is_what_the_other_program_reads() {
        let headers = vec![("accept", "application/json".to_owned())];
        let request = Request { method: "GET", url: "http://a/b".into(), headers, body: None };
        let expected = r#"{"method":"GET","url":"http://a/b","headers":[["accept","application/json"]],"body":null,"within_ms":15000}"#;
        assert_eq!(request.question().unwrap(), expected);
    }
}
