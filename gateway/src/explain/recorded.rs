//! Requests in a file, one JSON object a line: written by hand, or log lines of a gateway.

use serde_json::{Map, Value};

use super::{answer::Answer, request::Request};

/// Where requests go that name a path and no host.
pub const DEFAULT_HOST: &str = "gateway.example";

/// The members that a written request can have.
const MEMBERS: [&str; 6] = ["method", "url", "headers", "body_length", "claims", "answers"];

/// A request with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The line, from 1.
    pub line: usize,
    /// The request.
    pub request: Request,
    /// What upstreams answer.
    pub answers: Vec<Answer>,
}

/// A line that is no request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The line, from 1.
    pub line: usize,
    /// What was expected, and what was found.
    pub message: String,
}

/// Reads requests. A line is `{"method": "GET", "url": "/v1/x", "headers": {…}, "body_length": 0, "claims": {…},
/// "answers": ["status=200"]}`, where all but method and URL may be left out, or a log line (`"msg": "request"`). A URL
/// that begins with a slash is asked of the host that the header `host` names, or of [`DEFAULT_HOST`]. Empty lines are
/// skipped.
///
/// # Errors
/// All lines that are no requests.
pub fn parse(text: &str) -> Result<Vec<Recorded>, Vec<Wrong>> {
    let (mut recorded, mut wrong) = (Vec::new(), Vec::new());
    for (index, source) in text.lines().enumerate().filter(|(_, source)| !source.trim().is_empty()) {
        let line = index.saturating_add(1);
        match read(source) {
            Ok((request, answers)) => recorded.push(Recorded { line, request, answers }),
            Err(message) => wrong.push(Wrong { line, message }),
        }
    }
    if wrong.is_empty() { Ok(recorded) } else { Err(wrong) }
}

fn read(source: &str) -> Result<(Request, Vec<Answer>), String> {
    let value: Value = serde_json::from_str(source).map_err(|error| format!("expected a JSON object: {error}"))?;
    let Value::Object(members) = value else { return Err(format!("expected a JSON object, found {}", kind(&value))) };
    if let Some(msg) = members.get("msg") {
        return logged(&members, msg);
    }
    if let Some(name) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(format!(
            "there is no `{}` in a request; expected one of {}",
            name.escape_debug(),
            MEMBERS.join(", ")
        ));
    }
    let headers = members.get("headers").map_or(Ok(Vec::new()), headers)?;
    let request = Request {
        url: absolute(text(&members, "url")?, &headers),
        method: text(&members, "method")?.to_owned(),
        headers,
        body_length: members.get("body_length").map(length).transpose()?,
        claims: members.get("claims").map(claims).transpose()?,
    };
    let answers = members.get("answers").map_or(Ok(Vec::new()), answers)?;
    checked(request).map(|request| (request, answers))
}

/// A line of the gateway's own log: method and path are all that it knows of a request.
fn logged(members: &Map<String, Value>, msg: &Value) -> Result<(Request, Vec<Answer>), String> {
    if msg != "request" {
        return Err("expected a request, or a log line with \"msg\": \"request\"; this is another log line".to_owned());
    }
    let url = absolute(text(members, "path")?, &[]);
    checked(Request::new(text(members, "method")?, &url)).map(|request| (request, Vec::new()))
}

fn text<'m>(members: &'m Map<String, Value>, name: &str) -> Result<&'m str, String> {
    match members.get(name) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(format!("expected `{name}` to be a text, found {}", kind(other))),
        None => Err(format!("expected a `{name}`")),
    }
}

/// The URL that is asked for: one that begins with a slash goes to the host that the header `host` names, or to
/// [`DEFAULT_HOST`].
#[must_use]
pub fn absolute(url: &str, headers: &[(String, String)]) -> String {
    if !url.starts_with('/') {
        return url.to_owned();
    }
    let host = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host")).map(|(_, host)| host.as_str());
    format!("https://{}{url}", host.unwrap_or(DEFAULT_HOST))
}

fn checked(request: Request) -> Result<Request, String> {
    match request.head(&[], None) {
        Ok(_) => Ok(request),
        Err(unreadable) => Err(format!("the Worker would not read this request: {}", unreadable.message())),
    }
}

/// Every header with a text, or with a list of texts for one that stands several times.
fn headers(value: &Value) -> Result<Vec<(String, String)>, String> {
    let Value::Object(members) = value else {
        return Err(format!("expected `headers` to be an object, found {}", kind(value)));
    };
    let mut headers = Vec::new();
    for (name, value) in members {
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for value in values {
            let Value::String(text) = value else {
                let found = kind(value);
                return Err(format!("expected the header `{}` to be a text, found {found}", name.escape_debug()));
            };
            headers.push((name.clone(), text.clone()));
        }
    }
    Ok(headers)
}

fn length(value: &Value) -> Result<u64, String> {
    value.as_u64().ok_or_else(|| format!("expected `body_length` to be a whole number, found {}", kind(value)))
}

fn claims(value: &Value) -> Result<Map<String, Value>, String> {
    let claims = value.as_object().cloned();
    claims.ok_or_else(|| format!("expected `claims` to be an object, found {}", kind(value)))
}

fn answers(value: &Value) -> Result<Vec<Answer>, String> {
    let Value::Array(list) = value else {
        return Err(format!("expected `answers` to be a list, found {}", kind(value)));
    };
    let answer = |value: &Value| match value {
        Value::String(text) => Answer::parse(text),
        other => Err(format!("expected an answer like \"status=200\", found {}", kind(other))),
    };
    list.iter().map(answer).collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn requests_and_log_lines_are_read() {
        let text = concat!(
            r#"{"method":"POST","url":"/v1/x?a","headers":{"Host":"api.test","x":["1","2"]},"body_length":3,"#,
            r#""claims":{"sub":"u"},"answers":["status=503","down=database"]}"#,
            "\n\n",
            r#"{"level":"info","msg":"request","method":"GET","path":"/a","status":200}"#,
        );
        let recorded = parse(text).unwrap();
        let (first, second) = (&recorded[0], &recorded[1]);
        assert_eq!((first.line, second.line), (1, 3));
        assert_eq!(first.request.url, "https://api.test/v1/x?a");
        assert_eq!(first.request.headers.iter().filter(|(name, _)| name == "x").count(), 2);
        assert_eq!((first.request.body_length, first.request.claims.is_some()), (Some(3), true));
        assert_eq!(first.answers, [Answer::Status(503), Answer::Down("database")]);
        assert_eq!(second.request, Request::new("GET", "https://gateway.example/a"));
    }

    #[test]
    fn every_wrong_line_is_named_with_what_was_expected() {
        let cases = [
            ("nonsense", "expected a JSON object: "),
            ("[]", "expected a JSON object, found a list"),
            (r#"{"url":"/a"}"#, "expected a `method`"),
            (r#"{"method":1,"url":"/a"}"#, "expected `method` to be a text, found a number"),
            (r#"{"method":"GET"}"#, "expected a `url`"),
            (r#"{"method":"GET","url":"a"}"#, "the Worker would not read this request: expected an absolute URL"),
            (r#"{"method":"GET","url":"/a","header":{}}"#, "there is no `header` in a request; expected one of"),
            (r#"{"method":"GET","url":"/a","headers":[]}"#, "expected `headers` to be an object, found a list"),
            (r#"{"method":"GET","url":"/a","headers":{"a":1}}"#, "expected the header `a` to be a text"),
            (r#"{"method":"GET","url":"/a","claims":"x"}"#, "expected `claims` to be an object, found a text"),
            (r#"{"method":"GET","url":"/a","body_length":-1}"#, "expected `body_length` to be a whole number"),
            (r#"{"method":"GET","url":"/a","answers":"x"}"#, "expected `answers` to be a list, found a text"),
            (r#"{"method":"GET","url":"/a","answers":["x"]}"#, "expected an answer: status=200"),
            (r#"{"msg":"config","path":"/a"}"#, "expected a request, or a log line"),
            (r#"{"msg":"request","path":"/a"}"#, "expected a `method`"),
        ];
        let text: String = cases.iter().map(|(line, _)| format!("{line}\n")).collect();
        let wrong = parse(&text).unwrap_err();
        assert_eq!(wrong.len(), cases.len());
        for (index, (wrong, (line, expected))) in wrong.iter().zip(cases).enumerate() {
            assert_eq!(wrong.line, index + 1);
            assert!(wrong.message.starts_with(expected), "{line}: {}", wrong.message);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in r#"([{}\[\]":,a-z0-9\n]|"method"|"url"|"/a"){0,30}"#) {
            let _ = parse(&text);
        }
    }
}
