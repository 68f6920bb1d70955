//! HTTP Message Signatures (RFC 9421) with `hmac-sha256`: they prove to an upstream that a request comes from the gateway
//! and which request it was. Here requests are signed; `examples/verify-signature.mjs` shows how an upstream checks it.

use std::fmt::Write as _;

use base64ct::{Base64, Encoding};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::{
    config::size::Size,
    http::{
        Millis,
        edits::Edits,
        problem::{Fault, Kind, Problem},
        structured::{write_bytes, write_quoted},
    },
    ports::{
        bodies::{Bodies, Digest},
        upstream::Failure,
    },
};

use super::CLIENT_GONE;

/// The largest body that is read as a whole in order to be signed: 1 MiB. It is held in memory meanwhile.
pub const LARGEST_SIGNED_BODY: Size = Size(1_048_576);

/// The shortest key, in bytes: as long as what it makes (RFC 2104 section 3).
pub const SHORTEST_KEY: usize = 32;

/// The name of our signature among those of a request.
const LABEL: &str = "ferrogate";

/// What a signature covers, and what it covers where bodies are signed too.
const COMPONENTS: &str = r#"("@method" "@authority" "@path" "@query")"#;
const COMPONENTS_WITH_BODY: &str = r#"("@method" "@authority" "@path" "@query" "content-digest")"#;

/// The header that tells the digest of a body (RFC 9530).
pub const CONTENT_DIGEST: &str = "content-digest";
/// The header of the signature itself.
pub const SIGNATURE: &str = "signature";
const SIGNATURE_INPUT: &str = "signature-input";

/// 408: the body that was to be signed did not come in time.
pub const BODY_TIMEOUT: Kind =
    Kind { code: "body_timeout", status: 408, title: "The body did not come in time", fault: Fault::Client };

/// Signs requests to one upstream.
pub struct Signer {
    /// With the key in it.
    mac: Hmac<Sha256>,
    key_id: String,
    /// Whether bodies are signed too.
    pub signs_body: bool,
}

/// A key is not for printing.
impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

impl Signer {
    /// `None` when the key is too short.
    #[must_use]
    pub fn new(key: &[u8], key_id: &str, signs_body: bool) -> Option<Self> {
        let mac = Hmac::new_from_slice(key).ok().filter(|_| key.len() >= SHORTEST_KEY)?;
        Some(Self { mac, key_id: key_id.to_owned(), signs_body })
    }

    /// Signs a request: exactly this method and URL, and this body if one is given. All signatures that the client sent
    /// are replaced: they were made for another address.
    pub fn sign(&self, head: &mut Edits, method: &str, url: &str, body: Option<&Digest>, now: Millis) {
        let digest = body.map(content_digest);
        let parameters = self.parameters(digest.is_some(), now);
        let base = base(method, url, digest.as_deref(), &parameters);
        let mut signature = format!("{LABEL}=");
        write_bytes(&mut signature, &self.mac_of(&base));
        if let Some(digest) = digest {
            head.set(CONTENT_DIGEST, digest);
        }
        head.set(SIGNATURE_INPUT, format!("{LABEL}={parameters}"));
        head.set(SIGNATURE, signature);
    }

    /// What is covered, when and by whom (RFC 9421 section 2.3).
    fn parameters(&self, with_body: bool, now: Millis) -> String {
        let created = now.checked_div(1_000).unwrap_or_default();
        let components = if with_body { COMPONENTS_WITH_BODY } else { COMPONENTS };
        let mut parameters = format!("{components};created={created};keyid=");
        write_quoted(&mut parameters, &self.key_id);
        parameters.push_str(";alg=\"hmac-sha256\"");
        parameters
    }

    fn mac_of(&self, base: &str) -> [u8; 32] {
        self.mac.clone().chain_update(base.as_bytes()).finalize().into_bytes().into()
    }
}

/// The digest of the body, or why there is none.
///
/// # Errors
/// [`BODY_TIMEOUT`] or [`CLIENT_GONE`]; `too_large` when the body is larger than it may be.
pub async fn digest(
    limit: Size,
    within_ms: u32,
    bodies: &impl Bodies,
    too_large: impl FnOnce(Size) -> Problem,
) -> Result<Digest, Problem> {
    bodies.digest(limit, within_ms).await.map_err(|failure| match failure {
        Failure::BodyTooLarge => too_large(limit),
        Failure::Timeout => {
            Problem::new(&BODY_TIMEOUT, format!("The body of the request was not there within {within_ms} ms."))
        }
        Failure::ClientGone | Failure::Unreachable => {
            Problem::new(&CLIENT_GONE, "The client left before its body was there.")
        }
    })
}

fn content_digest(digest: &Digest) -> String {
    ["sha-256=:", &Base64::encode_string(digest), ":"].concat()
}

/// What is signed (RFC 9421 section 2.5): a line for each component, in the order in which they are named.
fn base(method: &str, url: &str, digest: Option<&str>, parameters: &str) -> String {
    let (authority, path, query) = components(url);
    let mut base = String::with_capacity(512);
    let mut line = |name: &str, value: &str| {
        // Writing into a text cannot fail.
        let _ = writeln!(base, "\"{name}\": {value}");
    };
    line("@method", method);
    line("@authority", &authority);
    line("@path", path);
    line("@query", query);
    if let Some(digest) = digest {
        line(CONTENT_DIGEST, digest);
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(parameters);
    base
}

/// Authority, path and query of a URL as RFC 9421 sections 2.2.3, 2.2.6 and 2.2.7 want them: the authority in lower case
/// and without the port of its scheme, a path of at least a slash, a query of at least a question mark.
fn components(url: &str) -> (String, &str, &str) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (rest, query) = rest.find('?').and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, "?"));
    let (authority, path) = rest.find('/').and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, "/"));
    let port = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    (authority.strip_suffix(port).unwrap_or(authority).to_ascii_lowercase(), path, query)
}

/// The URL in the form in which the platform sends it: what it would encode by itself is encoded already, or another URL
/// than the signed one would be asked for. Encoding twice changes nothing.
#[must_use]
pub fn as_sent(url: &str) -> String {
    let mut sent = String::with_capacity(url.len());
    let mut in_query = false;
    for letter in url.chars() {
        in_query |= letter == '?';
        let encoded = matches!(letter, '"' | '<' | '>' | '^' | '`' | '{' | '}' | '|') || (in_query && letter == '\'');
        if letter.is_ascii_graphic() && !encoded {
            sent.push(letter);
            continue;
        }
        for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
            let _ = write!(sent, "%{byte:02X}");
        }
    }
    sent
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_618_884_473_999;

    fn signer(signs_body: bool) -> Signer {
        Signer::new(&[7; 32], "gateway-1", signs_body).unwrap()
    }

    #[test]
    fn the_example_of_the_rfc_comes_out_as_it_says() {
        // RFC 9421, appendices B.1.5 and B.2.5.
        let key = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
        let signer = Signer::new(&Base64::decode_vec(key).unwrap(), "test-shared-secret", false).unwrap();
        let base = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@authority\": example.com\n\
                    \"content-type\": application/json\n\"@signature-params\": (\"date\" \"@authority\" \
                    \"content-type\");created=1618884473;keyid=\"test-shared-secret\"";
        assert_eq!(Base64::encode_string(&signer.mac_of(base)), "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=");
    }

    #[test]
    fn a_request_is_covered_line_by_line() {
        let parameters = signer(true).parameters(true, NOW);
        let expected = "\"@method\": POST\n\"@authority\": shop.test\n\"@path\": /a/b\n\"@query\": ?x=1\n\
                        \"content-digest\": sha-256=:AA==:\n\"@signature-params\": (\"@method\" \"@authority\" \"@path\" \
                        \"@query\" \"content-digest\");created=1618884473;keyid=\"gateway-1\";alg=\"hmac-sha256\"";
        assert_eq!(base("POST", "https://Shop.test:443/a/b?x=1", Some("sha-256=:AA==:"), &parameters), expected);
    }

    #[test]
    fn the_parts_of_an_address_are_those_that_are_signed() {
        for (url, authority, path, query) in [
            ("http://shop.test:80", "shop.test", "/", "?"),
            ("http://shop.test:443/", "shop.test:443", "/", "?"),
            ("https://shop.test:8443/a?", "shop.test:8443", "/a", "?"),
            ("https://[2001:DB8::1]:443/a?b/c?d", "[2001:db8::1]", "/a", "?b/c?d"),
        ] {
            assert_eq!(components(url), (authority.to_owned(), path, query), "{url}");
        }
    }

    #[test]
    fn whatever_is_different_is_signed_differently() {
        let signed = |method: &str, url: &str, body: Option<&Digest>, now: Millis| {
            let mut head = Edits::default();
            signer(true).sign(&mut head, method, url, body, now);
            head.value(SIGNATURE).map(str::to_owned).unwrap()
        };
        let (url, body) = ("https://shop.test/a", [1; 32]);
        let original = signed("GET", url, Some(&body), NOW);
        assert_eq!(original, signed("GET", url, Some(&body), NOW));
        for other in [
            signed("POST", url, Some(&body), NOW),
            signed("GET", "https://shop.test/b", Some(&body), NOW),
            signed("GET", "https://shop.test/a?", Some(&body), NOW + 1_000),
            signed("GET", "https://shop.test/a?b", Some(&body), NOW),
            signed("GET", "https://shop.example/a", Some(&body), NOW),
            signed("GET", url, Some(&[2; 32]), NOW),
            signed("GET", url, None, NOW),
        ] {
            assert_ne!(original, other);
        }
    }

    #[test]
    fn a_short_key_signs_nothing() {
        assert!(Signer::new(&[7; 31], "a", false).is_none());
    }

    #[test]
    fn a_url_is_encoded_once() {
        let sent = as_sent("https://a.test/a'b\"{c}|^`?<\u{e9}>%20&d=['1']");
        assert_eq!(sent, "https://a.test/a'b%22%7Bc%7D%7C%5E%60?%3C%C3%A9%3E%20&d=[%271%27]");
        assert_eq!(as_sent(&sent), sent);
    }
}
