//! The request id: every answer and every log line of a request carries the same one.

use uuid::Builder;

use crate::ports::{clock::Clock, entropy::Entropy};

/// The longest id that is kept, in bytes.
const LONGEST: usize = 128;

/// The id that the client sent, if it is 1 to 128 visible ASCII characters, else a new UUIDv7
/// (RFC 9562 section 5.7): ids of one gateway sort by time.
pub fn request_id(sent: Option<&str>, ports: &(impl Clock + Entropy)) -> String {
    match sent {
        Some(id) if is_sane(id) => id.to_owned(),
        _ => new_id(ports),
    }
}

/// Visible ASCII without what could end a quoted string or begin a new field in a log.
fn is_sane(id: &str) -> bool {
    (1..=LONGEST).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

fn new_id(ports: &(impl Clock + Entropy)) -> String {
    let mut random = [0_u8; 10];
    ports.fill(&mut random);
    Builder::from_unix_timestamp_millis(ports.now(), &random).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Clock for Fixed {
        fn now(&self) -> u64 {
            0x0198_0000_0000
        }
    }
    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0xff);
        }
    }

    #[test]
    fn a_sane_id_is_kept() {
        for id in ["a", "client-7/é".trim_end_matches('é'), &"x".repeat(128)] {
            assert_eq!(request_id(Some(id), &Fixed), id);
        }
    }

    #[test]
    fn anything_else_is_replaced_by_a_new_one() {
        for id in ["", " ", "a b", "a\"b", "a\\b", "é", "a\nb", &"x".repeat(129)] {
            assert_eq!(request_id(Some(id), &Fixed), "01980000-0000-7fff-bfff-ffffffffffff", "{id:?}");
        }
        assert_eq!(request_id(None, &Fixed), "01980000-0000-7fff-bfff-ffffffffffff");
    }
}
