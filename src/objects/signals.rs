//! The object `Signals`: the sequence of the one ordered log, kept in SQLite.

use std::cell::Cell;

use gateway::fleet::signals::{self, Answer, Question, Signals};
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{
    Result, SqlStorage, SqlStorageValue,
    durable::State,
    js_sys::{Promise, Uint8Array},
    wasm_bindgen::JsValue,
    worker_sys::DurableObjectState,
};

#[wasm_bindgen]
extern "C" {
    /// What a caller holds of the object.
    #[wasm_bindgen(extends = worker::js_sys::Object)]
    pub(crate) type SignalsStub;

    /// Sends a message; resolves with the answer's bytes.
    #[wasm_bindgen(method, catch)]
    pub(crate) fn handle(this: &SignalsStub, message: Uint8Array) -> core::result::Result<Promise, JsValue>;
}

/// The Rust half of the object: rebuilt from storage whenever the instance it lived in is gone.
#[wasm_bindgen]
pub struct SignalsHalf {
    sql: SqlStorage,
    state: Cell<Signals>,
}

#[derive(serde::Deserialize)]
struct Row {
    value: f64,
}

#[wasm_bindgen]
impl SignalsHalf {
    /// Loads the state.
    ///
    /// # Errors
    /// When storage does not answer; the caller of the object sees the error.
    #[wasm_bindgen(constructor)]
    pub fn new(state: DurableObjectState) -> core::result::Result<SignalsHalf, JsValue> {
        let sql = State::from(state).storage().sql();
        let sequence = load(&sql)?;
        Ok(Self { sql, state: Cell::new(Signals::restore(sequence)) })
    }

    /// Answers one message: apply, persist, answer, with nothing in between.
    ///
    /// # Errors
    /// When storage refuses; the state is then as it was.
    pub fn handle(&self, message: &[u8]) -> core::result::Result<Vec<u8>, JsValue> {
        #[cfg(feature = "faults")]
        strike(message);
        let Some(question) = signals::decode::<Question>(message) else { return encode(Answer::Unknown) };
        let before = self.state.get();
        let (after, answer) = before.apply(question);
        if after != before {
            store(&self.sql, after.sequence())?;
            self.state.set(after);
        }
        encode(answer)
    }
}

fn load(sql: &SqlStorage) -> Result<u64> {
    sql.exec(
        "CREATE TABLE IF NOT EXISTS sequence (id INTEGER PRIMARY KEY CHECK (id = 1), value INTEGER NOT NULL)",
        None,
    )?;
    let rows: Vec<Row> = sql.exec("SELECT value FROM sequence WHERE id = 1", None)?.to_array()?;
    // A JavaScript number; exact up to 2^53, which a log that grows a million times a second reaches in 285 years.
    Ok(rows.first().map_or(0, |row| row.value as u64))
}

fn store(sql: &SqlStorage, sequence: u64) -> Result<()> {
    let value = i64::try_from(sequence).unwrap_or(i64::MAX);
    sql.exec("INSERT OR REPLACE INTO sequence (id, value) VALUES (1, ?)", vec![SqlStorageValue::Integer(value)])?;
    Ok(())
}

fn encode(answer: Answer) -> core::result::Result<Vec<u8>, JsValue> {
    signals::encode(&answer).map_err(|_| JsValue::from_str("the answer cannot be encoded"))
}

/// A message that no caller sends makes the instance die inside the object.
#[cfg(feature = "faults")]
fn strike(message: &[u8]) {
    if message == [0xff] {
        core::arch::wasm32::unreachable();
    }
}
