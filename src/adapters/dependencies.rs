//! How the gateway's components are: one question each, to D1, KV, the cache, an object and upstreams.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use gateway::{
    fleet::{
        message,
        signals::{Answer, Question, Signals},
    },
    ports::dependencies::{Component, Dependencies, Probe, Trouble},
};
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{
    Delay,
    js_sys::{Promise, Reflect, Uint8Array, global},
    wasm_bindgen::{JsCast, JsValue},
    wasm_bindgen_futures::JsFuture,
    web_sys::{AbortController, Cache, Headers, RequestInit, RequestRedirect, Response, WorkerGlobalScope},
    worker_sys,
};

use super::Cloudflare;
use crate::bindings;

/// A key that nobody writes: asking for it shows that the store answers.
const PROBE_KEY: &str = "ferrogate:health";

/// An address that nobody stores: asking for it shows that the cache answers.
const PROBE_URL: &str = "https://ferrogate.invalid/health";

#[wasm_bindgen]
extern "C" {
    /// What a caller holds of an object.
    #[wasm_bindgen(extends = worker::js_sys::Object)]
    type ObjectStub;

    /// Sends a message; resolves with the answer's bytes.
    #[wasm_bindgen(method, catch)]
    fn handle(this: &ObjectStub, message: Uint8Array) -> core::result::Result<Promise, JsValue>;
}

type Asked<T = ()> = Result<T, Trouble>;

impl Dependencies for Cloudflare {
    async fn ask(&self, component: &Component, within_ms: u32) -> Asked {
        let answer = async {
            match component {
                Component::Database => self.ask_database().await,
                Component::KeyValue => self.ask_key_value().await,
                Component::Cache => ask_cache().await,
                Component::Objects => self.ask_object().await,
                Component::Upstream(probe) => self.ask_upstream(probe).await,
            }
        };
        within(within_ms, answer).await
    }
}

/// What went wrong stands in the platform's own logs; whoever asks gets a word.
fn failed<E>(_: E) -> Trouble {
    Trouble::Failed
}

impl Cloudflare {
    async fn ask_database(&self) -> Asked {
        self.binding(bindings::DATABASE)?;
        let database = self.env.d1(bindings::DATABASE).map_err(failed)?;
        database.prepare("SELECT 1").run().await.map(drop).map_err(failed)
    }

    async fn ask_key_value(&self) -> Asked {
        self.binding(bindings::KEY_VALUE)?;
        let store = self.env.kv(bindings::KEY_VALUE).map_err(failed)?;
        store.get(PROBE_KEY).text().await.map(drop).map_err(failed)
    }

    async fn ask_object(&self) -> Asked {
        self.binding(bindings::SIGNALS)?;
        let named = self.env.durable_object(bindings::SIGNALS).and_then(|namespace| namespace.get_by_name("root"));
        let stub: ObjectStub = named.map_err(failed)?.into_rpc();
        let question = message::question::<Signals>(&Question::Sequence);
        let answer = await_js(stub.handle(Uint8Array::from(&question[..]))).await?;
        match message::read_answer::<Signals>(Uint8Array::new(&answer).to_vec()) {
            Some(Answer::Sequence(_)) => Ok(()),
            _ => Err(Trouble::Failed),
        }
    }

    /// The status decides; the body is not read.
    async fn ask_upstream(&self, probe: &Probe) -> Asked {
        let abort = Abort(AbortController::new().map_err(failed)?);
        let init = RequestInit::new();
        init.set_redirect(RequestRedirect::Manual);
        init.set_signal(Some(&abort.0.signal()));
        if let Some((name, value)) = &probe.credential {
            let headers = Headers::new().map_err(failed)?;
            headers.set(name, value).map_err(failed)?;
            init.set_headers(&headers);
        }
        let sent = if probe.binding.is_empty() {
            Ok(global().unchecked_into::<WorkerGlobalScope>().fetch_with_str_and_init(&probe.url, &init))
        } else {
            let fetcher: worker_sys::Fetcher = self.binding(&probe.binding)?.unchecked_into();
            fetcher.fetch_with_str_and_init(&probe.url, &init)
        };
        match await_js(sent).await?.unchecked_into::<Response>().status() {
            ..400 => Ok(()),
            status => Err(Trouble::Status(status)),
        }
    }

    /// A binding of the Worker, if it is there.
    fn binding(&self, name: &str) -> Asked<JsValue> {
        let found = Reflect::get(&self.env, &JsValue::from(name)).map_err(failed)?;
        if found.is_undefined() { Err(Trouble::Absent) } else { Ok(found) }
    }
}

async fn ask_cache() -> Asked {
    let caches = global().unchecked_into::<WorkerGlobalScope>().caches().map_err(failed)?;
    let cache: Cache = Reflect::get(&caches, &JsValue::from("default")).map_err(failed)?.unchecked_into();
    await_js(Ok(cache.match_with_str(PROBE_URL))).await.map(drop)
}

async fn await_js(promise: Result<Promise, JsValue>) -> Asked<JsValue> {
    JsFuture::from(promise.map_err(failed)?).await.map_err(failed)
}

/// Ends a fetch when nobody waits for it any more, be it for the head or for the rest of the body.
struct Abort(AbortController);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a future comes to, if it does so in time.
async fn within<T>(ms: u32, future: impl Future<Output = Asked<T>>) -> Asked<T> {
    let (mut future, mut late) = (pin!(future), pin!(Delay::from(Duration::from_millis(u64::from(ms)))));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(result),
        Poll::Pending => late.as_mut().poll(context).map(|()| Err(Trouble::Timeout)),
    })
    .await
}
