//! `Via` (RFC 9110 section 7.6.3): the gateway names itself on requests and answers that pass it, and notices when a
//! request passes it again and again.

#[cfg(feature = "compiler")]
pub mod keys;

use crate::http::{
    edits::Edits,
    problem::{Fault, Kind, Problem},
};

/// The key of this stage: `via`.
pub type Config = bool;

/// The field.
pub const VIA: &str = "via";

/// How often a request may have passed this gateway before. More than none, since routes may lead back on purpose.
const MOST_PASSES: usize = 3;

/// 508: the request goes round in circles.
pub const LOOP_DETECTED: Kind =
    Kind { code: "loop_detected", status: 508, title: "The request goes round in circles", fault: Fault::Gateway };

/// Refuses a request that has passed this gateway too often; `sent` is its `Via`.
///
/// # Errors
/// [`LOOP_DETECTED`].
pub fn check(config: Config, sent: Option<&str>, name: &str) -> Result<(), Problem> {
    if config && sent.is_some_and(|sent| passes(sent, name) > MOST_PASSES) {
        let detail = "The request has passed this gateway several times: it is forwarded to itself.";
        return Err(Problem::new(&LOOP_DETECTED, detail));
    }
    Ok(())
}

/// In how many elements the gateway is the one that received: the second word.
fn passes(sent: &str, name: &str) -> usize {
    sent.split(',').filter(|element| element.split_ascii_whitespace().nth(1) == Some(name)).count()
}

/// Names the gateway on a head. A Worker is given requests and answers as messages of HTTP/1.1, whatever the client
/// speaks with the edge; so that is the version that was received.
pub fn name(config: Config, head: &mut Edits, name: &str) {
    if config {
        head.append(VIA, ["1.1 ", name].concat());
    }
}

/// What is told of this stage where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(config: &Config, teller: &mut crate::config::told::Teller<'_>) {
    if *config {
        teller.put("via", "yes");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_may_pass_three_times_and_no_more() {
        let refused = |sent: &str| check(true, Some(sent), "acme").err().map(|problem| problem.kind.code);
        assert_eq!(refused("1.1 acme, 1.1 acme, 1.1 acme"), None);
        assert_eq!(refused("1.1 acme, 1.1 acme, 2 other,1.1\tacme (x), 1.1 acme"), Some("loop_detected"));
        assert_eq!(refused("1.1 acme-2, 1.1 acme-2, 1.1 acme-2, 1.1 acme-2, acme, (acme acme)"), None);
        assert!(check(false, Some("1.1 acme, 1.1 acme, 1.1 acme, 1.1 acme"), "acme").is_ok());
        assert!(check(true, None, "acme").is_ok());
    }

    #[test]
    fn the_gateway_is_added_to_whoever_stands_there_already() {
        let mut head = Edits::default();
        name(true, &mut head, "acme");
        name(false, &mut head, "acme");
        assert_eq!((head.append.len(), head.value("via")), (1, Some("1.1 acme")));
    }
}
