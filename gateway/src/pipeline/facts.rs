//! What a request says to conditions (`config::condition`).

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    config::condition::{Facts, Field},
    pipeline::exchange::Exchange,
    routing::hosts,
};

impl Facts for Exchange<'_> {
    fn claim(&self, name: &str) -> Option<&Value> {
        self.principal.as_ref()?.raw_claim(name)
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        let position = self.route?.route.parameters.iter().position(|known| known == name)?;
        self.values.get(position).copied()
    }

    fn is_suspicious(&self) -> Option<bool> {
        self.suspicious
    }

    fn request(&self, field: Field) -> Cow<'_, str> {
        match field {
            Field::Method => self.head.method().into(),
            Field::Host => hosts::normal(self.head.host()),
            Field::Path => self.head.path().into(),
            Field::Id => (&*self.request_id).into(),
        }
    }
}
