//! The Rust half of an object: one of the machines of `gateway::fleet` on the store of the object. It is rebuilt from
//! storage whenever the instance it lived in is gone.

use std::cell::RefCell;

use gateway::{
    driver::wire::place_of,
    fleet::{
        abuse::warden::Warden,
        audit::linker::Linker,
        limits::ledger::Ledger,
        machine::{Hosted, Machine},
        metrics::shard::Shard,
        signals::log::Log,
        store::{Fault, Store},
    },
    http::Millis,
    ports::dependencies::Trouble,
};
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{wasm_bindgen::JsValue, worker_sys::DurableObjectState};

use super::store::Sql;

/// A machine and its store.
#[wasm_bindgen]
pub struct ObjectHalf {
    inside: RefCell<Inside>,
}

struct Inside {
    machine: Box<dyn Hosted>,
    store: Sql,
}

#[wasm_bindgen]
impl ObjectHalf {
    /// The machine of this class, as it was stored.
    ///
    /// # Errors
    /// When storage does not answer; the caller of the object sees the error.
    #[wasm_bindgen(constructor)]
    pub fn new(class: &str, state: DurableObjectState, now: f64) -> Result<ObjectHalf, JsValue> {
        let mut store = Sql::open(state)?;
        let machine = match class {
            "Signals" => restored::<Log>(now, &mut store)?,
            "Audit" => restored::<Linker>(now, &mut store)?,
            "Metrics" => restored::<Shard>(now, &mut store)?,
            "Abuse" => restored::<Warden>(now, &mut store)?,
            "Limits" => restored::<Ledger>(now, &mut store)?,
            _ => return Err(JsValue::from_str("there is no such machine")),
        };
        Ok(Self { inside: RefCell::new(Inside { machine, store }) })
    }

    /// Answers one message: apply, persist, answer, with nothing in between.
    ///
    /// # Errors
    /// When storage refuses; this half must not be used any more.
    pub fn handle(&self, now: f64, message: &[u8]) -> Result<Vec<u8>, JsValue> {
        #[cfg(feature = "faults")]
        strike(message);
        self.with(|machine, store| machine.serve(now as Millis, message, store))
    }

    /// Does what is due.
    ///
    /// # Errors
    /// When storage refuses; this half must not be used any more.
    pub fn wake(&self, now: f64) -> Result<(), JsValue> {
        self.with(|machine, store| machine.wake(now as Millis, store))
    }

    /// What it wants done outside: the number of the place, then the message. `None` for nothing.
    ///
    /// # Errors
    /// When storage refuses; this half must not be used any more.
    pub fn errand(&self, now: f64) -> Result<Option<Vec<u8>>, JsValue> {
        let errand = self.with(|machine, store| machine.errand(now as Millis, store))?;
        Ok(errand.map(|errand| [vec![u8::try_from(place_of(&errand.to)).unwrap_or(u8::MAX)], errand.message].concat()))
    }

    /// Takes what came of that; `None`: nothing.
    ///
    /// # Errors
    /// When storage refuses; this half must not be used any more.
    pub fn returned(&self, now: f64, answer: Option<Vec<u8>>) -> Result<(), JsValue> {
        let returned = answer.ok_or(Trouble::Failed);
        self.with(|machine, store| machine.returned(now as Millis, returned, store))
    }

    /// When it should be woken next, in milliseconds since the epoch.
    #[must_use]
    pub fn next_wake(&self) -> Option<f64> {
        self.inside.borrow().machine.next_wake().map(|at| at as f64)
    }

    fn with<T>(&self, f: impl FnOnce(&mut dyn Hosted, &mut dyn Store) -> Result<T, Fault>) -> Result<T, JsValue> {
        let Inside { machine, store } = &mut *self.inside.borrow_mut();
        f(machine.as_mut(), store).map_err(failed)
    }
}

fn restored<M: Machine + 'static>(now: f64, store: &mut Sql) -> Result<Box<dyn Hosted>, JsValue> {
    Ok(Box::new(M::restore(now as Millis, store).map_err(failed)?))
}

fn failed(fault: Fault) -> JsValue {
    JsValue::from(fault.to_string())
}

/// A message that no caller sends makes the instance die inside the object.
#[cfg(feature = "faults")]
fn strike(message: &[u8]) {
    if message == [0xff] {
        core::arch::wasm32::unreachable();
    }
}
