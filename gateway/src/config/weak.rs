//! Whether a secret is one that stands in an example, or could be guessed as easily.
//!
//! It is a sieve for accidents (`changeme`, the secret of a tutorial), not a measure of strength. What a generator of
//! random values makes, in hexadecimal or base64, passes.

/// A secret has at least as many different characters.
const FEWEST_DIFFERENT: usize = 8;

/// From so many characters on a value may be random enough to hold any of the words by chance.
const RANDOM_FROM: usize = 20;

/// What secrets of examples hold, in any case, whatever else there is.
const PARTS: [&str; 15] = [
    "changeme",
    "replaceme",
    "example",
    "secret",
    "password",
    "passwort",
    "passphrase",
    "placeholder",
    "default",
    "dummy",
    "sample",
    "letmein",
    "qwerty",
    "123456",
    "abcdef",
];

/// What they hold as a word of its own.
const WORDS: [&str; 6] = ["test", "testing", "your", "demo", "todo", "foo"];

/// Whether a secret is one of an example, repeats itself, or has hardly any different characters.
#[must_use]
pub fn is_example(secret: &str) -> bool {
    has_few_characters(secret) || repeats(secret.as_bytes()) || (!is_mixed(secret) && says_example(secret))
}

fn has_few_characters(secret: &str) -> bool {
    let mut seen: Vec<char> = Vec::new();
    for character in secret.chars() {
        if !seen.contains(&character) {
            seen.push(character);
        }
        if seen.len() >= FEWEST_DIFFERENT {
            return false;
        }
    }
    true
}

/// Whether it is one block, again and again; the last one may be cut.
fn repeats(secret: &[u8]) -> bool {
    let longest = secret.len().div_euclid(2);
    (1..=longest).any(|block| secret.iter().skip(block).eq(secret.iter().take(secret.len().saturating_sub(block))))
}

/// Whether it goes from one class of characters to another as often as a random value does. A random value of 32 bytes
/// does so at half of its places or more, words and numbers hardly ever.
fn is_mixed(secret: &str) -> bool {
    let class = |byte: u8| match byte {
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        b'0'..=b'9' => 3,
        _ => 0,
    };
    let places = secret.bytes().zip(secret.bytes().skip(1)).map(|(left, right)| (class(left), class(right)));
    let changes = places.filter(|(left, right)| left != right && *left != 0 && *right != 0).count();
    secret.len() >= RANDOM_FROM && changes.saturating_mul(5) >= secret.len()
}

fn says_example(secret: &str) -> bool {
    let secret = secret.to_ascii_lowercase();
    let plain: String = secret.chars().filter(|letter| letter.is_ascii_alphanumeric()).collect();
    let mut words = secret.split(|letter: char| !letter.is_ascii_alphabetic());
    PARTS.iter().any(|part| plain.contains(part)) || words.any(|word| WORDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use base64ct::{Base64, Base64UrlUnpadded, Encoding};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_of_examples_are_known() {
        for secret in [
            "",
            "changeme",
            "change-me-to-something-long-and-random",
            "CHANGE_ME_CHANGE_ME_CHANGE_ME_32_BYTES",
            "your-256-bit-secret",
            "super-secret-key-for-development-only",
            "mysupersecretkeythatislongenough",
            "Password1!",
            "placeholder-placeholder-placeholder",
            "default-signing-key-0001",
            "dummy_value_of_thirty_two_bytes_",
            "0123456789abcdef0123456789abcdef",
            "12345678901234567890123456789012",
            "abcdefghijklmnopqrstuvwxyz012345",
            "a-test-key-of-thirty-two-bytes-or-so",
            "this.is.just.an.example.of.a.key",
            "00000000000000000000000000000000",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "kR7vQ2xPkR7vQ2xPkR7vQ2xPkR7vQ2xP",
            "kR7vQ2xP9kR7vQ2xP9kR7vQ2xP9kR7",
            "aaaabbbbccccdddd",
        ] {
            assert!(is_example(secret), "{secret}");
        }
    }

    #[test]
    fn other_secrets_pass() {
        for secret in [
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "3kF1c0m2S5n8vQxZ7yTtWqLpR4uJ6hGdEaBsYwNiOeM=",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYKEYzWq91kT",
            "correct horse battery staple marble",
            "123e4567-e89b-12d3-a456-426614174000",
            "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
            // Somebody's contest of tests, not a test.
            "contestants-greatest-marble-orchid",
            // Random enough to hold a word by chance.
            "q7Xsecret9ZtP3mK8vR2wL5nB1cJ4hG6fD0s",
        ] {
            assert!(!is_example(secret), "{secret}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn random_bytes_are_never_an_example(bytes in any::<[u8; 32]>()) {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            for secret in [Base64::encode_string(&bytes), Base64UrlUnpadded::encode_string(&bytes), hex.to_uppercase(), hex] {
                prop_assert!(!is_example(&secret), "{secret}");
            }
        }

        #[test]
        fn whatever_stands_there_is_looked_at_without_a_panic(secret in ".{0,80}") {
            let _ = is_example(&secret);
        }
    }
}
