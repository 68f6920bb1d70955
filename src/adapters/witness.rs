//! The witness of the Worker hears nothing: what a request came to stands in its log line.

use gateway::ports::witness::Witness;

use super::Cloudflare;

impl Witness for Cloudflare {}
