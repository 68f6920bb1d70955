//! Readiness: one question each to D1, KV and an object.

use gateway::{
    fleet::signals::{self, Answer, Question},
    ports::dependencies::{Dependencies, Down},
};
use worker::{Result, wasm_bindgen_futures::JsFuture};

use super::Cloudflare;
use crate::{bindings, objects::signals::SignalsStub};

/// A key that nobody writes: asking for it shows that the store answers.
const PROBE_KEY: &str = "ferrogate:readiness";

impl Dependencies for Cloudflare {
    async fn check(&self) -> Vec<Down> {
        let answers = [
            ("database", self.ask_database().await),
            ("key_value", self.ask_key_value().await),
            ("objects", self.ask_object().await),
        ];
        answers.into_iter().filter(|(_, answer)| answer.is_err()).map(|(name, _)| Down { name }).collect()
    }
}

impl Cloudflare {
    async fn ask_database(&self) -> Result<()> {
        self.env.d1(bindings::DATABASE)?.prepare("SELECT 1").run().await.map(drop)
    }

    async fn ask_key_value(&self) -> Result<()> {
        self.env.kv(bindings::KEY_VALUE)?.get(PROBE_KEY).text().await?;
        Ok(())
    }

    async fn ask_object(&self) -> Result<()> {
        let stub: SignalsStub = self.env.durable_object(bindings::SIGNALS)?.get_by_name("root")?.into_rpc();
        let question = signals::encode(&Question::Sequence).map_err(|_| "the question cannot be encoded")?;
        let answer = JsFuture::from(stub.handle(worker::js_sys::Uint8Array::from(&question[..]))?).await?;
        let bytes = worker::js_sys::Uint8Array::new(&answer).to_vec();
        match signals::decode::<Answer>(&bytes) {
            Some(Answer::Sequence(_)) => Ok(()),
            _ => Err("the object did not understand".into()),
        }
    }
}
