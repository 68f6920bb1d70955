//! `ferrogate admin ...`, on a machine in memory: what is asked of a gateway, and what is made of its answers.

mod limits;

use std::cell::RefCell;

use ferrogate_cli::{
    host::{Host, Readers, Stream, Trouble},
    http::{Answer, Request},
};
use jwt_compact::{
    AlgorithmExt, UntrustedToken,
    alg::{Hs256, Hs256Key},
};
use serde_json::{Value, json};

const SECRET: &str = "a secret of thirty-two bytes or so";
const NOW_S: u64 = 1_800_000_000;

const CONFIG: &str = r#"
[gateway]
name = "acme"
[issuers.staff]
algorithm = "HS256"
issuer = "https://staff.example/"
audience = "ops"
secret = "${STAFF_SECRET}"
roles = "realm.access.roles"
[roles]
admiral = ["operator"]
captain = ["operator"]
operator = ["viewer"]
viewer = []
[admin]
path = "/ops/v1"
host = "ops.example"
auth = "staff"
admin = ["admiral"]
[upstreams.shop]
targets = ["https://shop.example"]
[routes."GET /orders"]
upstream = "shop"
auth = "none"
tags = ["orders"]
[env.staging.admin]
path = "/staged"
"#;

/// A machine with files and variables, and answers of the network: those that come first, and the one for the rest.
struct Machine {
    files: Vec<(&'static str, &'static str)>,
    variables: Vec<(&'static str, &'static str)>,
    first: RefCell<Vec<Answer>>,
    answer: Result<Answer, Trouble>,
    asked: RefCell<Vec<String>>,
    out: RefCell<String>,
    err: RefCell<String>,
}

impl Machine {
    /// One with a token and no file.
    fn answering(status: u16, body: &str) -> Self {
        Self {
            files: Vec::new(),
            variables: vec![("FERROGATE_TOKEN", "the.given.token")],
            first: RefCell::default(),
            answer: Ok(Answer { status, body: body.to_owned(), ..Answer::default() }),
            asked: RefCell::default(),
            out: RefCell::default(),
            err: RefCell::default(),
        }
    }

    /// One that knows the gateway and its secret, and has no token.
    fn at_home(status: u16, body: &str) -> Self {
        let files =
            vec![("gateway.toml", CONFIG), (".dev.vars", "STAFF_SECRET='a secret of thirty-two bytes or so'\n")];
        Self { files, variables: vec![("USER", "ada")], ..Self::answering(status, body) }
    }

    fn with_header(mut self, name: &str, value: &str) -> Self {
        if let Ok(answer) = &mut self.answer {
            answer.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// What it is answered before, the first one first; each a body and the cursor of the next page.
    fn before(self, pages: &[(&str, &str)]) -> Self {
        let page = |(body, next): &(&str, &str)| {
            let headers = vec![("x-next-cursor".to_owned(), (*next).to_owned())];
            Answer { status: 200, headers, body: (*body).to_owned() }
        };
        self.first.replace(pages.iter().rev().map(page).collect());
        self
    }

    /// What follows the path of the operator in each request.
    fn paths(&self) -> Vec<String> {
        let url =
            |question: &String| serde_json::from_str::<Value>(question).unwrap()["url"].as_str().unwrap().to_owned();
        self.asked.borrow().iter().map(|it| url(it).split_once("/v1").unwrap().1.to_owned()).collect()
    }

    /// The exit code of a command line in which `_` stands for a blank inside of a word.
    fn run(&self, line: &str) -> u8 {
        ferrogate_cli::run(line.split(' ').map(|word| word.replace('_', " ")).collect(), self)
    }

    /// The only request.
    fn request(&self) -> Value {
        let asked = self.asked.borrow();
        assert_eq!(asked.len(), 1, "{}", self.err.borrow());
        serde_json::from_str(&asked[0]).unwrap()
    }

    /// The claims of the token that was sent, once its signature has been checked.
    fn claims(&self) -> Value {
        let request = self.request();
        let headers = request["headers"].as_array().unwrap().iter();
        let mut sent = headers.filter(|header| header[0] == "authorization").map(|header| header[1].as_str().unwrap());
        let token = UntrustedToken::new(sent.next().unwrap().strip_prefix("Bearer ").unwrap()).unwrap();
        Hs256.validator::<Value>(&Hs256Key::new(SECRET)).validate(&token).unwrap();
        let claims = token.deserialize_claims_unchecked::<Value>().unwrap();
        let mut all = claims.custom;
        all["life"] = (claims.expiration.unwrap() - claims.issued_at.unwrap()).num_seconds().into();
        all
    }
}

impl Host for Machine {
    fn read(&self, path: &str) -> Result<Vec<u8>, Trouble> {
        let found = self.files.iter().find(|(name, _)| *name == path);
        found.map(|(_, content)| (*content).into()).ok_or_else(|| Trouble::of("ENOENT", 2))
    }

    fn list(&self, _: &str) -> Result<Vec<String>, Trouble> {
        Ok(Vec::new())
    }

    fn write(&self, _: &str, _: &[u8], _: Readers) -> Result<(), Trouble> {
        Err(Trouble::of("EROFS", 30))
    }

    fn absolute(&self, _: &str) -> Option<String> {
        None
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    fn now_s(&self) -> u64 {
        NOW_S
    }

    fn random(&self, _: &mut [u8]) -> Result<(), Trouble> {
        Err(Trouble::of("ENOSYS", 38))
    }

    fn ask(&self, request: &Request) -> Result<Answer, Trouble> {
        self.asked.borrow_mut().push(request.question().unwrap());
        self.first.borrow_mut().pop().map_or_else(|| self.answer.clone(), Ok)
    }

    fn is_terminal(&self, _: Stream) -> bool {
        false
    }

    fn print(&self, stream: Stream, text: &str) {
        let to = if stream == Stream::Out { &self.out } else { &self.err };
        to.borrow_mut().push_str(text);
    }
}

fn switch(scope: &str) -> Value {
    json!({
        "kind": "kill", "scope": scope, "reason": "A leak.", "by": "ada", "since": "2027-01-15T07:55:00.000Z",
        "until": "2027-01-15T08:09:00.400Z", "retry_after": 540,
    })
}

#[test]
fn a_switch_is_thrown_with_its_reason_and_its_end() {
    let kill = "/switches/kill";
    let cases = [
        ("kill --reason A_leak.", kill, json!({ "reason": "A leak." })),
        ("kill --reason x --for 10m --tag orders", "/switches/kill?tag=orders", json!({ "reason": "x", "for": "10m" })),
        (
            "maintenance --reason x --until 2027-01-15T10:00:00+01:00 --upstream shop",
            "/switches/maintenance?upstream=shop",
            json!({ "reason": "x", "until": "2027-01-15T09:00:00.000Z" }),
        ),
        (
            "kill --reason x --retry-after 30s --route GET_/orders/{id}",
            "/switches/kill?route=GET%20/orders/%7Bid%7D",
            json!({ "reason": "x", "retry_after": "30s" }),
        ),
        ("kill --reason x --route GET,POST_/a", "/switches/kill?route=GET%2CPOST%20/a", json!({ "reason": "x" })),
        ("drain --reason x", "/switches/drain", json!({ "reason": "x" })),
    ];
    for (line, below, body) in cases {
        let machine = Machine::answering(200, &switch("gateway").to_string());
        assert_eq!(machine.run(&format!("admin {line}")), 0, "{line}: {}", machine.err.borrow());
        let request = machine.request();
        assert_eq!(request["method"], "PUT", "{line}");
        assert_eq!(request["url"], format!("http://127.0.0.1:8787/admin/v1{below}"), "{line}");
        assert_eq!(serde_json::from_str::<Value>(request["body"].as_str().unwrap()).unwrap(), body, "{line}");
        let headers = request["headers"].as_array().unwrap();
        assert!(headers.contains(&json!(["authorization", "Bearer the.given.token"])), "{line}");
        assert!(headers.contains(&json!(["content-type", "application/json"])), "{line}");
        let told = "kill of the whole gateway until 2027-01-15T08:09:00Z, in 9 min: A leak.\n";
        assert_eq!((machine.out.borrow().as_str(), machine.err.borrow().as_str()), (told, ""), "{line}");
    }
}

#[test]
fn an_address_is_blocked_and_unblocked() {
    let shown = json!({ "name": "203.0.113.0/24", "reason": "Scans.", "by": "ada", "since": "", "until": "2027-01-15T09:00:00Z" });
    let machine = Machine::answering(200, &shown.to_string());
    assert_eq!(machine.run("admin block 203.0.113.0/24 --reason Scans. --for 1h"), 0, "{}", machine.err.borrow());
    let request = machine.request();
    assert_eq!(request["method"], "PUT");
    assert_eq!(request["url"], "http://127.0.0.1:8787/admin/v1/blocks?address=203.0.113.0/24");
    let body: Value = serde_json::from_str(request["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, json!({ "reason": "Scans.", "for": "1h" }));
    assert_eq!(*machine.out.borrow(), "203.0.113.0/24 is blocked until 2027-01-15T09:00:00Z, in 60 min\n");
    let machine = Machine::answering(204, "");
    assert_eq!(machine.run("admin unblock 2001:db8::1"), 0);
    assert_eq!(machine.request()["url"], "http://127.0.0.1:8787/admin/v1/blocks?address=2001%3Adb8%3A%3A1");
    assert_eq!(*machine.out.borrow(), "2001:db8::1 is not blocked\n");
}

#[test]
fn lists_of_the_blocked_are_read_page_by_page() {
    let block = |address: &str| json!({ "name": address, "by": "gateway", "reason": "5 not_found within 5m\u{7}", "since": "2027-01-15T08:00:00Z", "until": "2027-01-15T09:00:00Z" });
    let last = json!({ "blocked": [block("192.0.2.2")], "next": null }).to_string();
    let first = json!({ "blocked": [block("192.0.2.1")], "next": "a192.0.2.1" }).to_string();
    let machine = Machine::answering(200, &last).before(&[(&first, "")]);
    assert_eq!(machine.run("admin blocked"), 0, "{}", machine.err.borrow());
    assert_eq!(machine.paths(), ["/blocks?limit=1000", "/blocks?limit=1000&after=a192.0.2.1"]);
    let out = machine.out.borrow();
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("ADDRESS    BY       REASON") && lines.len() == 3, "{out}");
    assert!(lines[2].starts_with("192.0.2.2  gateway  5 not_found within 5m\\u{7}"), "{out}");
    for (line, body, told) in [
        ("admin suspicious", r#"{"suspicious":[],"next":null}"#, "nobody is suspicious\n"),
        ("admin blocked", r#"{"blocked":[],"next":null}"#, "nobody is blocked\n"),
    ] {
        let machine = Machine::answering(200, body);
        assert_eq!((machine.run(line), machine.out.borrow().as_str()), (0, told));
    }
    let circle = Machine::answering(200, r#"{"blocked":[],"next":"a192.0.2.1"}"#);
    assert_eq!(circle.run("admin blocked"), 1, "what stands still would be asked for ever");
}

#[test]
fn a_switch_is_released() {
    let machine = Machine::answering(204, "");
    assert_eq!(machine.run("admin kill --off --tag orders --url https://api.acme.example/"), 0);
    let request = machine.request();
    let expected = json!(["DELETE", "https://api.acme.example/admin/v1/switches/kill?tag=orders", null]);
    assert_eq!(json!([request["method"], request["url"], request["body"]]), expected);
    assert_eq!(*machine.out.borrow(), "kill of tag orders is released\n");
    let machine = Machine::answering(204, "");
    assert_eq!(machine.run("admin drain --off --format json"), 0);
    assert_eq!(*machine.out.borrow(), "{\"kind\":\"drain\",\"released\":true,\"scope\":\"gateway\"}\n");
}

#[test]
fn what_is_wrong_is_refused_before_anything_is_sent() {
    let long = format!("kill --reason {}", "x".repeat(201));
    let cases = [
        ("kill", "needs --reason TEXT, or --off"),
        ("kill --reason _", "--reason takes 1 to 200 printable characters"),
        (long.as_str(), "--reason takes 1 to 200 printable characters"),
        ("kill --reason x --for soon", "--for takes 1s to 30d; found soon"),
        ("kill --reason x --for 31d", "--for takes 1s to 30d; found 31d"),
        ("kill --reason x --for 0s", "--for takes 1s to 30d"),
        ("kill --reason x --until noon", "--until takes a moment like"),
        ("kill --reason x --until 2027-01-15T07:59:59Z", "--until takes a moment like"),
        ("kill --reason x --until 2027-02-15T00:00:00Z", "at most 30 days ahead"),
        ("kill --reason x --for 1m --until 2027-01-15T09:00:00Z", "expected one of --for and --until"),
        ("kill --reason x --retry-after 8d", "--retry-after takes 1s to 7d; found 8d"),
        ("kill --reason x --tag a --upstream b", "expected one of --tag, --upstream and --route"),
        (
            "kill --reason x --route /orders",
            "--route takes a method and a path like \"GET /v1/orders/{id}\"; found /orders",
        ),
        ("kill --reason x --route get_/orders", "--route takes a method and a path"),
        ("kill --reason x --route GET,_/orders", "--route takes a method and a path"),
        ("kill --reason x --tag=", "--tag and --upstream take a name"),
        ("kill --off --for 1m", "--off releases at once, without --for"),
        ("drain --reason x --tag a", "there is no option --tag"),
        ("kill --reason x --resaon y", "did you mean --reason?"),
        ("kill --reason x --token y", "there is no option --token"),
        ("kill --off --url api.acme.example", "--url takes https://HOST[:PORT]"),
        ("kill --off --url http://api.acme.example", "a token would go to http://api.acme.example in clear"),
        ("kill --off --url https://a/b", "--url takes https://HOST[:PORT]"),
        ("block", "ADDRESS"),
        ("block 192.0.2.1", "needs --reason TEXT"),
        ("block 192.0.2.1 --reason x --for soon", "--for takes 1s to 30d; found soon"),
        ("block 192.0.2.1 --reason x --for 1m --until 2027-01-15T09:00:00Z", "expected one of --for and --until"),
        ("kil", "did you mean kill?"),
        ("", "a command is missing behind admin"),
    ];
    for (line, message) in cases {
        let machine = Machine::answering(200, "");
        assert_eq!(machine.run(format!("admin {line}").trim()), 2, "{line}: {}", machine.err.borrow());
        assert!(machine.err.borrow().contains(message), "{line}: {}", machine.err.borrow());
        assert!(machine.asked.borrow().is_empty() && machine.out.borrow().is_empty(), "{line}");
    }
}

#[test]
fn a_token_is_made_where_the_secret_is_at_hand() {
    let machine = Machine::at_home(204, "");
    assert_eq!(machine.run("admin kill --off"), 0, "{}", machine.err.borrow());
    assert_eq!(machine.request()["url"], "http://127.0.0.1:8787/ops/v1/switches/kill");
    let claims = json!({
        "iss": "https://staff.example/", "aud": "ops", "sub": "ada", "life": 60,
        "realm": { "access": { "roles": ["operator"] } },
    });
    assert_eq!(machine.claims(), claims);
    let told = "ferrogate: FERROGATE_TOKEN is not set; asking as ada with role operator, by a token for a minute that is \
                signed with the key of issuer staff in gateway.toml\n";
    assert_eq!(*machine.err.borrow(), told);
    let mut machine = Machine::at_home(200, r#"{"switches":[]}"#);
    machine.variables.clear();
    assert_eq!(machine.run("admin switches --env staging"), 0);
    assert_eq!(machine.request()["url"], "http://127.0.0.1:8787/staged/switches");
    let claims = machine.claims();
    assert_eq!((&claims["sub"], &claims["realm"]["access"]["roles"]), (&json!("cli"), &json!(["viewer"])));
}

#[test]
fn a_token_that_is_given_comes_first() {
    let mut machine = Machine::at_home(204, "");
    machine.variables.push(("FERROGATE_TOKEN", " the.given.token\n"));
    machine.variables.push(("FERROGATE_URL", "https://ops.example"));
    assert_eq!(machine.run("admin kill --off"), 0);
    assert!(
        machine.request()["headers"].as_array().unwrap().contains(&json!(["authorization", "Bearer the.given.token"]))
    );
    assert_eq!(machine.request()["url"], "https://ops.example/ops/v1/switches/kill");
    assert_eq!(*machine.err.borrow(), "");
    let mut machine = Machine::answering(204, "");
    machine.variables = vec![("FERROGATE_TOKEN", "a\r\nb: c")];
    assert_eq!(machine.run("admin kill --off"), 1);
    assert!(machine.asked.borrow().is_empty() && machine.err.borrow().contains("FERROGATE_TOKEN holds no token"));
}

#[test]
fn without_a_token_nothing_is_sent() {
    let no_section = "[gateway]\nname = 'a'\n[routes.'GET /']\nrespond = 'x'\nauth = 'none'\n";
    let cases = [
        (
            vec![],
            "admin switches",
            "there is no token: set FERROGATE_TOKEN to one of the issuer that [admin] names, or name with",
        ),
        (vec![("gateway.toml", no_section)], "admin switches", "write [admin] with `auth` into gateway.toml"),
        (vec![("gateway.toml", CONFIG)], "admin switches", "STAFF_SECRET"),
        (vec![("gateway.toml", CONFIG), (".dev.vars", "STAFF_SECRET=short\n")], "admin switches", "has 5 bytes"),
        (vec![("a.toml", no_section)], "admin switches --config a.toml", "a.toml has no [admin]"),
    ];
    for (files, line, message) in cases {
        let mut machine = Machine::at_home(200, "");
        machine.files = files;
        assert_eq!(machine.run(line), 1, "{message}");
        assert!(machine.err.borrow().contains(message), "{message}: {}", machine.err.borrow());
        assert!(machine.asked.borrow().is_empty(), "{message}");
    }
}

#[test]
fn a_file_that_nobody_named_keeps_nobody_from_stopping_a_gateway() {
    let mut machine = Machine::answering(204, "");
    machine.files = vec![("gateway.toml", "[gateway]\nname = ")];
    assert_eq!(machine.run("admin kill --off"), 0);
    assert_eq!(machine.request()["url"], "http://127.0.0.1:8787/admin/v1/switches/kill");
    assert_eq!(*machine.err.borrow(), "ferrogate: going on without gateway.toml, which has 1 error\n");
    assert_eq!(machine.run("admin kill --off --config gateway.toml"), 1);
    assert_eq!(machine.run("admin kill --off --config missing.toml"), 2);
    assert_eq!(machine.asked.borrow().len(), 1);
}

#[test]
fn a_refusal_is_told_with_what_may_help() {
    let problem = |code: &str, errors: Value| {
        json!({ "title": "The title", "detail": "The detail.", "code": code, "errors": errors }).to_string()
    };
    let known = json!([{ "field": "query", "expected": "a route, tag or upstream" }]);
    let cases = [
        (
            400,
            problem("admin_request_invalid", known),
            "query: expected a route, tag or upstream; did you mean orders?",
        ),
        (401, problem("token_invalid", json!([])), "does the gateway run gateway.toml, with the same secret?"),
        (
            403,
            problem("role_missing", json!([])),
            "[admin] in gateway.toml gives this to: admiral, captain, operator\n",
        ),
        (404, problem("route_not_found", json!([])), "and only on the host ops.example"),
        (404, problem("route_not_found", json!([])), "nothing was changed"),
        (
            503,
            problem("fleet_unreachable", json!([])),
            "503 The title\n  The detail.\n  ask again in 1 s\n  request 42\n",
        ),
    ];
    for (status, body, message) in cases {
        let machine = Machine::at_home(status, &body).with_header("retry-after", "1").with_header("x-request-id", "42");
        assert_eq!(machine.run("admin kill --reason x --tag ordrs"), 1, "{message}");
        assert!(machine.err.borrow().contains(message), "{message}: {}", machine.err.borrow());
        assert_eq!(*machine.out.borrow(), "");
    }
    for (status, message) in
        [(401, "FERROGATE_TOKEN must hold"), (403, "a role that `viewer` in [admin] of the gateway names")]
    {
        let machine = Machine::answering(status, &problem("x", json!([])));
        assert_eq!(machine.run("admin signals"), 1);
        assert!(machine.err.borrow().contains(message), "{}", machine.err.borrow());
    }
}

#[test]
fn an_answer_that_is_no_gateways_is_told_as_such() {
    let strange = "ferrogate: http://127.0.0.1:8787 answers 200, and not as a gateway of Ferrogate\n";
    for body in ["", "<html>", "{}", r#"{"switches":[1]}"#] {
        let machine = Machine::answering(200, body);
        assert_eq!((machine.run("admin switches"), machine.err.borrow().as_str()), (1, strange), "{body}");
    }
    for line in ["admin signals", "admin kill --reason x"] {
        assert_eq!(Machine::answering(200, "{}").run(line), 1, "{line}");
    }
    let machine = Machine::answering(502, "Bad gateway");
    assert_eq!(machine.run("admin signals"), 1);
    assert!(machine.err.borrow().contains("answers 502, and not"));
    let machine = Machine::answering(308, "").with_header("location", "https://other.example/\u{1b}[2J");
    assert_eq!(machine.run("admin signals"), 1);
    assert!(machine.err.borrow().contains(r"sends elsewhere, to https://other.example/\u{1b}[2J"));
    let problem = r#"{"code":"x","title":"\u001b]0;","detail":"\u0007"}"#;
    let machine = Machine::answering(500, problem);
    assert_eq!(machine.run("admin signals"), 1);
    assert!(!machine.err.borrow().contains(['\u{1b}', '\u{7}']));
}

#[test]
fn no_answer_ends_with_two_and_says_what_to_do() {
    let cases = [
        ("admin signals", "ECONNREFUSED", "nobody listens there\n  `npm start` starts a gateway here"),
        ("admin kill --off", "ETIMEDOUT", "no answer came in time\n  whether the change was made is not known"),
        ("admin signals", "ETIMEDOUT", "http://127.0.0.1:8787 does not answer: no answer came in time\n"),
    ];
    for (line, trouble, message) in cases {
        let machine = Machine { answer: Err(Trouble::of_request(trouble)), ..Machine::answering(200, "") };
        assert_eq!(machine.run(line), 2, "{line}");
        assert!(machine.err.borrow().contains(message), "{line}: {}", machine.err.borrow());
    }
    let machine = Machine { answer: Err(Trouble::of_request("ETIMEDOUT")), ..Machine::answering(200, "") };
    assert_eq!(machine.run("admin switches"), 2);
    assert_eq!(*machine.err.borrow(), "ferrogate: http://127.0.0.1:8787 does not answer: no answer came in time\n");
    let machine = Machine { answer: Err(Trouble::no_node()), ..Machine::answering(200, "") };
    assert_eq!(machine.run("admin kill --off"), 2);
    assert!(machine.err.borrow().contains("FERROGATE_NODE") && !machine.err.borrow().contains("whether the change"));
}

#[test]
fn switches_are_a_table_or_an_object_in_each_line() {
    let body = json!({ "switches": [switch("gateway"), switch("route:GET /orders")] }).to_string();
    let machine = Machine::answering(200, &body);
    assert_eq!(machine.run("admin switches"), 0);
    let expected = "\
SWITCH  SCOPE              SINCE                            UNTIL                           BY   REASON
kill    gateway            2027-01-15T07:55:00Z, 5 min ago  2027-01-15T08:09:00Z, in 9 min  ada  A leak.
kill    route:GET /orders  2027-01-15T07:55:00Z, 5 min ago  2027-01-15T08:09:00Z, in 9 min  ada  A leak.
";
    assert_eq!(*machine.out.borrow(), expected);
    let machine = Machine::answering(200, &body);
    assert_eq!(machine.run("admin switches --format json"), 0);
    let lines: Vec<Value> = machine.out.borrow().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, [switch("gateway"), switch("route:GET /orders")]);
    let machine = Machine::answering(200, r#"{"switches":[]}"#);
    assert_eq!((machine.run("admin switches"), machine.out.borrow().as_str()), (0, "no switch is thrown\n"));
}

#[test]
fn signals_tell_how_far_the_log_is_known() {
    let body = json!({ "log": "18446744073709551615", "sequence": 7, "switches": 1 }).to_string();
    let machine = Machine::answering(200, &body);
    assert_eq!(machine.run("admin signals"), 0);
    let expected = "which log        18446744073709551615\nchanges so far   7\nswitches thrown  1\n";
    assert_eq!(*machine.out.borrow(), expected);
    let machine = Machine::answering(200, &body);
    assert_eq!(machine.run("admin signals --format json"), 0);
    assert_eq!(*machine.out.borrow(), format!("{body}\n"));
}

const ROW: &str = r#"{"id":"1","timestamp":"2027-01-15T07:59:00.000Z","action":"switch.throw","user_id":"ada","ip_address":null,"resource_type":"switch","resource_id":"kill:gateway","status":"success","error_message":null}
"#;

#[test]
fn audit_rows_are_asked_for_by_filters() {
    let machine = Machine::answering(200, ROW);
    assert_eq!(machine.run("admin audit --user ada --action switch.* --status success --since 1h --limit 20"), 0);
    let expected =
        "/audit?format=jsonl&limit=20&user_id=ada&action=switch.%2A&status=success&from=2027-01-15T07%3A00%3A00.000Z";
    assert_eq!(machine.paths(), [expected]);
    let table = "\
TIME                      ACTION        STATUS   USER  ADDRESS  RESOURCE             ERROR
2027-01-15T07:59:00.000Z  switch.throw  success  ada            switch kill:gateway
";
    assert_eq!((machine.out.borrow().as_str(), machine.err.borrow().as_str()), (table, ""));
    let machine = Machine::answering(200, "");
    assert_eq!(machine.run("admin audit --since 2027-01-15T08:00:00+01:00 --request 7"), 0);
    assert_eq!(machine.paths(), ["/audit?format=jsonl&limit=100&request_id=7&from=2027-01-15T07%3A00%3A00.000Z"]);
    assert_eq!(
        *machine.out.borrow(),
        "there is no such row; a new one can take ten seconds to get through the queue\n"
    );
}

#[test]
fn audit_rows_come_page_by_page() {
    let pages = || Machine::answering(200, ROW).before(&[(ROW, "a=1"), (ROW, "b")]);
    let machine = pages();
    assert_eq!(machine.run("admin audit --all --format json"), 0);
    let first = "/audit?format=jsonl&limit=1000";
    assert_eq!(machine.paths(), [first, &format!("{first}&cursor=a%3D1"), &format!("{first}&cursor=b")]);
    assert_eq!((machine.out.borrow().as_str(), machine.err.borrow().as_str()), (ROW.repeat(3).as_str(), ""));
    let machine = pages();
    assert_eq!(machine.run("admin audit --limit 1500 --format json"), 0);
    assert_eq!(machine.paths(), [first, "/audit?format=jsonl&limit=500&cursor=a%3D1"]);
    assert_eq!(*machine.err.borrow(), "ferrogate: there are more; --limit N or --all shows them\n");
    let csv = |body: &str| format!("id,action\r\n{body}\r\n");
    let machine = Machine::answering(200, &csv("2,b")).before(&[(&csv("1,\u{1b}[2Ja"), "x")]);
    assert_eq!(machine.run("admin audit --all --format csv"), 0);
    assert_eq!(*machine.out.borrow(), "id,action\r\n1,\u{fffd}[2Ja\r\n2,b\r\n");
    let machine = Machine::answering(200, ROW).before(&[(ROW, "a"), (ROW, "a")]);
    assert_eq!(machine.run("admin audit --all"), 1, "pages that lead nowhere come to an end");
}

#[test]
fn what_is_wrong_with_a_filter_is_said_before_anything_is_sent() {
    for (line, message) in [
        ("--action a..b", "--action takes an action, or the first words of one: order.*; found a..b"),
        ("--user=", "--user takes a text of 1 to 256 bytes"),
        ("--status good", "--status takes attempt, success, failure; found good"),
        ("--since yesterday", "--since takes a duration like 1h or a moment"),
        ("--limit 0", "--limit takes a whole number from 1 on; found 0"),
        ("--limit 5 --all", "expected one of --all and --limit"),
        ("--format xml", "--format takes table, json, csv"),
    ] {
        let machine = Machine::answering(200, "");
        assert_eq!(machine.run(&format!("admin audit {line}")), 2, "{line}");
        assert!(machine.err.borrow().contains(message), "{line}: {}", machine.err.borrow());
        assert!(machine.asked.borrow().is_empty(), "{line}");
    }
}

#[test]
fn a_gateway_verifies_its_chain_part_by_part() {
    let part = |sequence: u64, complete: bool, broken: Value| {
        let part = json!({ "ok": broken.is_null(), "checked": 2, "sequence": sequence, "hash": "ab", "complete": complete, "unlinked": 1, "broken": broken });
        part.to_string()
    };
    let end = part(4, true, Value::Null);
    let machine = Machine::answering(200, &end).before(&[(&part(2, false, Value::Null), "")]);
    assert_eq!(machine.run("audit verify"), 0, "{}", machine.err.borrow());
    assert_eq!(machine.paths(), ["/audit/verify", "/audit/verify?after=2&hash=ab"]);
    let expected = "http://127.0.0.1:8787: the chain holds: 4 rows\nnot linked yet: 1\nanchor 4:ab\n";
    assert_eq!(*machine.out.borrow(), expected);
    let broken = json!({ "sequence": 3, "id": "x", "why": "the row is not the one that was linked" });
    let machine = Machine::answering(200, &part(2, true, broken));
    assert_eq!(machine.run("audit verify --url https://api.acme.example"), 1);
    let expected =
        "ferrogate: https://api.acme.example: the chain is broken at 3 (x): the row is not the one that was linked\n";
    assert_eq!((machine.out.borrow().as_str(), machine.err.borrow().as_str()), ("", expected));
    let machine = Machine::answering(200, &part(0, false, Value::Null));
    assert_eq!(machine.run("audit verify"), 1, "a part that leads nowhere comes to an end");
}
