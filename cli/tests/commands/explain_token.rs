//! `ferrogate explain-token`.

use gateway::{
    config::text::{Text, Values},
    stages::explain::{Asked, Config, Explainer},
};

use super::support::{Folder, err, ferrogate, out, text};

const SECRET: &str = "a secret of thirty-two bytes or so";
const FILE: &str = "[gateway]\nname = \"shop\"\nexplain = { secret = \"${EXPLAIN_SECRET}\" }\n\n[upstreams.a]\n\
                    targets = [\"${ELSEWHERE}\"]\n\n[routes.\"GET /\"]\nupstream = \"a\"\nauth = \"none\"\n";

/// When a token of the file's gateway expires, and what the gateway makes of it just before that. It asks in vain then.
fn expiry(token: &str) -> (u64, Option<Asked>) {
    let config = Config { secret: Text::literal(SECRET) };
    let explainer = Explainer::new(&config, &Values::default(), "shop").unwrap();
    let expires: u64 = token.split('.').nth(1).unwrap().parse().unwrap();
    let asked = |now| explainer.asked(Some(token.trim_end()), now);
    assert_eq!(asked(expires * 1000), None);
    (expires, asked(expires * 1000 - 1000))
}

#[test]
fn explain_token_is_believed_by_the_gateway_of_the_file_for_a_while() {
    let folder = Folder::new("explain_token_good");
    let config = folder.write("gateway.toml", FILE);
    let output = ferrogate(&["explain-token", "--config", text(&config)], &[("EXPLAIN_SECRET", SECRET)]);
    assert_eq!((err(&output).as_str(), output.status.code()), ("", Some(0)));
    let (late, asked) = expiry(&out(&output));
    assert_eq!(asked, Some(Asked { in_body: false }));
    let arguments = ["explain-token", "--config", text(&config), "--ttl", "1m", "--body"];
    let (early, asked) = expiry(&out(&ferrogate(&arguments, &[("EXPLAIN_SECRET", SECRET)])));
    assert_eq!(asked, Some(Asked { in_body: true }));
    assert!((800..=840).contains(&(late - early)), "a quarter of an hour and a minute: {late} {early}");
}

#[test]
fn explain_token_says_what_is_missing() {
    let folder = Folder::new("explain_token_bad");
    let config = folder.write("gateway.toml", FILE);
    let plain = folder.write("plain.toml", "[gateway]\nname = \"a\"\n");
    let said = |arguments: &[&str], variables: &[(&str, &str)]| {
        let output = ferrogate(&[&["explain-token", "--config"], arguments].concat(), variables);
        assert_eq!(out(&output), "");
        assert_ne!(output.status.code(), Some(0));
        err(&output)
    };
    assert!(said(&[text(&config)], &[]).contains(".dev.vars beside the file: EXPLAIN_SECRET"));
    assert!(said(&[text(&config)], &[("EXPLAIN_SECRET", "short")]).contains("32 bytes"));
    assert!(said(&[text(&plain)], &[]).contains("explain = { secret"));
    assert!(said(&[text(&config), "--ttl", "2d"], &[("EXPLAIN_SECRET", SECRET)]).contains("--ttl"));
}
