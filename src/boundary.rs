//! The boundary: packed request in, packed plan out. What `src/entry` calls, and nothing else.
//!
//! All calls are synchronous. The addresses of the buffers are in `layout`, which stands still and is read after each
//! call, since output buffers move when they grow; their content is copied out before the next call.

#![allow(clippy::disallowed_types, reason = "this is one of the rooms of JavaScript types: see clippy.toml")]

use std::{cell::RefCell, sync::Arc, task::Wake};

use gateway::{
    blueprint::Blueprint,
    config::binary,
    driver::{
        Driver, PARK_MS, Turn,
        effects::Answer,
        slots::Handle,
        wire::{self, Kind, Written},
    },
    fleet::{
        audit::{self, row::Row},
        outbox::FLUSH_MS,
    },
    http::{
        Millis,
        request::{Asked, Header, RequestHead},
    },
    pipeline::{gateway::Gateway, run::Finished, start::Place},
    ports::{
        bodies,
        dependencies::Trouble,
        errands::Errand,
        statements,
        upstream::{BodyEnd, Head},
    },
};
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{
    Env,
    js_sys::{Function, Reflect},
    wasm_bindgen::JsValue,
};

use crate::{adapters::Cloudflare, bindings as names};

/// Room for the text of a request's packed fields, in bytes. What does not fit is refused in JavaScript.
const INPUT_BYTES: usize = 64 * 1024;
/// Room for the lengths of those fields.
const INPUT_WORDS: usize = 64;

/// Everything that belongs to this wasm instance.
struct Instance {
    blueprint: Option<Blueprint>,
    place: Place,
    values: Vec<Option<String>>,
    env: Option<Env>,
    driver: Option<Driver<Cloudflare>>,
    wake: Function,
    input: Vec<u8>,
    lengths: Vec<u32>,
    output: Written,
    /// Addresses: input text, input lengths, output text, output words.
    layout: Box<[u32; 4]>,
}

thread_local! {
    static INSTANCE: RefCell<Option<Instance>> = const { RefCell::new(None) };
}

fn with<T>(f: impl FnOnce(&mut Instance) -> T) -> Option<T> {
    INSTANCE.with_borrow_mut(|instance| instance.as_mut().map(f))
}

fn of_gateway<T>(f: impl FnOnce(&Gateway) -> T) -> Option<T> {
    with(|instance| instance.driver.as_ref().map(|driver| f(driver.gateway()))).flatten()
}

/// Loads the compiled gateway of an environment (`FERROGATE_ENV`; `None`: the file as it stands). `wake` is called
/// with the slot of a request that can go on. Returns the address of the layout.
///
/// # Errors
/// Why the file is refused, as text.
#[wasm_bindgen]
pub fn load(file: &[u8], environment: Option<String>, env: Env, wake: Function) -> Result<u32, JsValue> {
    console_error_panic_hook::set_once();
    let decoded = binary::decode_hashed(file, environment.as_deref());
    let (blueprint, release): (Blueprint, u64) = decoded.map_err(|error| JsValue::from(error.message()))?;
    let mut instance = Instance {
        values: vec![None; blueprint.variables.0.len()],
        blueprint: Some(blueprint),
        place: Place { environment, release, now: 0 },
        env: Some(env),
        driver: None,
        wake,
        input: vec![0; INPUT_BYTES],
        lengths: vec![0; INPUT_WORDS],
        output: Written::default(),
        layout: Box::new([0; 4]),
    };
    instance.locate();
    let layout = address(instance.layout.as_ptr());
    INSTANCE.set(Some(instance));
    Ok(layout)
}

/// The names of the variables that the configuration needs, in order.
#[wasm_bindgen]
pub fn variables() -> Vec<String> {
    let names = |blueprint: &Blueprint| blueprint.variables.0.iter().map(|variable| variable.name.clone()).collect();
    with(|instance| instance.blueprint.as_ref().map(names)).flatten().unwrap_or_default()
}

/// Gives a variable its value, by its place in [`variables`].
#[wasm_bindgen]
pub fn set_variable(index: usize, value: String) {
    with(|instance| {
        if let Some(place) = instance.values.get_mut(index) {
            *place = Some(value);
        }
    });
}

/// The bindings that the configuration asks; they must be there. Asked before [`start`].
#[wasm_bindgen]
pub fn bindings() -> Vec<String> {
    let names = |blueprint: &Blueprint| blueprint.bindings.clone();
    with(|instance| instance.blueprint.as_ref().map(names)).flatten().unwrap_or_default()
}

/// Starts the gateway with the values given. Returns all reasons why it cannot, or nothing.
#[wasm_bindgen]
pub fn start(now: f64) -> Vec<String> {
    let started = with(|instance| {
        let (blueprint, env) = instance.blueprint.take().zip(instance.env.take())?;
        let values = std::mem::take(&mut instance.values);
        let place = Place { now: millis(now), ..std::mem::take(&mut instance.place) };
        let development = place.environment.is_none();
        let counts = has(&env, names::METRICS);
        let platform = Cloudflare::new(env.clone());
        match Gateway::start_at(blueprint, &values, place) {
            Ok(mut gateway) => {
                gateway.development = development;
                if has(&env, names::EVENTS) {
                    gateway.fleet.events.send_from_now_on();
                }
                if has(&env, names::SIGNALS) {
                    gateway.join_fleet();
                }
                if has(&env, names::ABUSE) {
                    gateway.watch(&platform);
                }
                if counts {
                    gateway.count(&platform);
                }
                instance.driver = Some(Driver::new(gateway.into(), platform));
            }
            Err(reasons) => return Some(reasons.messages()),
        }
        None
    });
    started.flatten().unwrap_or_default()
}

fn has(env: &Env, binding: &str) -> bool {
    Reflect::get(env, &JsValue::from(binding)).is_ok_and(|found| !found.is_undefined())
}

/// What would keep the gateway from starting in an environment.
#[wasm_bindgen]
pub fn warnings() -> Vec<String> {
    of_gateway(Gateway::warnings).unwrap_or_default()
}

/// The request headers to pack, in order: those that the configuration names, then those that the gateway knows. Those
/// from [`asked_of_bodies`] on not for GET and HEAD, those from [`asked_of_options`] on only for OPTIONS. An empty name
/// stands for one that this gateway does not read.
#[wasm_bindgen]
pub fn headers() -> Vec<String> {
    let name = |gateway: &Gateway, header: Header| if gateway.reads(header) { header.name() } else { "" }.to_owned();
    let names = |gateway: &Gateway| {
        let known = Header::ALL.into_iter().map(|header| name(gateway, header));
        gateway.named_headers.iter().cloned().chain(known).collect()
    };
    of_gateway(names).unwrap_or_default()
}

/// Where in [`headers`] the ones begin that GET and HEAD are not asked for.
#[wasm_bindgen]
pub fn asked_of_bodies() -> usize {
    headers_before(Asked::WithBody)
}

/// Where in [`headers`] the ones begin that only OPTIONS is asked for.
#[wasm_bindgen]
pub fn asked_of_options() -> usize {
    headers_before(Asked::Options)
}

fn headers_before(asked: Asked) -> usize {
    let known = Header::ALL.into_iter().take_while(|header| header.asked_of() < asked).count();
    of_gateway(|gateway| gateway.named_headers.len()).unwrap_or_default().saturating_add(known)
}

/// A constant list of response headers: name, value, name, value …
#[wasm_bindgen]
pub fn header_list(index: usize) -> Vec<String> {
    let list = of_gateway(|gateway| gateway.header_list(index)).flatten().unwrap_or_default();
    list.into_iter().flat_map(|(name, value)| [name, value]).collect()
}

/// The public key of this number as a JWK, for WebCrypto.
#[wasm_bindgen]
pub fn public_key(number: u32) -> Option<String> {
    let key = |driver: &Driver<Cloudflare>| driver.gateway().public_key(wire::key_of(number)).map(str::to_owned);
    with(|instance| instance.driver.as_ref().and_then(key)).flatten()
}

/// How long a parked request is waited for, in milliseconds.
#[wasm_bindgen]
pub fn park_ms() -> f64 {
    PARK_MS as f64
}

/// Starts the request whose head was packed: `text` bytes in `fields` fields. The plan is in the output.
#[wasm_bindgen]
pub fn begin(now: f64, text: usize, fields: usize) {
    turn(|instance, driver| {
        let (text, lengths) = (instance.input.get(..text)?, instance.lengths.get(..fields)?);
        let text = String::from_utf8(text.to_vec()).ok()?;
        let head = RequestHead::read(text, lengths, driver.gateway().named_headers.len()).ok()?;
        Some(driver.begin(millis(now), head))
    });
}

/// Answers the effect of a request: `kind` is the position in this list: head with status `value` and this number in the
/// header that was asked for (the largest: none), unreachable,
/// timeout, body complete and body broken after `told` bytes, body of the request too large, signature right, signature wrong, key unusable,
/// digest of the body of the request, which is the first `value` bytes of the input (0: there is no body), errand for what
/// the Worker does not have, errand failed, nothing to say. The next plan is in the output.
#[wasm_bindgen]
pub fn step(now: f64, index: u32, generation: u32, kind: u32, value: u16, told: u32) {
    let answer = match kind {
        0 => Answer::Head(Head { status: value, told: Some(told).filter(|told| *told != u32::MAX) }),
        10 => Answer::Returned(Err(Trouble::Absent)),
        11 => Answer::Returned(Err(Trouble::Failed)),
        12 => Answer::Returned(Ok(Vec::new())),
        2 => Answer::Timeout,
        3 => Answer::BodyEnd(BodyEnd::Complete, told),
        4 => Answer::BodyEnd(BodyEnd::Broken, told),
        5 => Answer::BodyTooLarge,
        6 => Answer::Verified(true),
        7 => Answer::Verified(false),
        8 => Answer::KeyUnusable,
        9 => Answer::Digest(digest(usize::from(value))),
        _ => Answer::Unreachable,
    };
    turn(|_, driver| Some(driver.step(millis(now), Handle { index, generation }, answer)));
}

/// Answers the errand of a request, or the reading of its body, with bytes. The next plan is in the output.
#[wasm_bindgen]
pub fn returned(now: f64, index: u32, generation: u32, bytes: Vec<u8>) {
    let answer = Answer::Returned(Ok(bytes));
    turn(|_, driver| Some(driver.step(millis(now), Handle { index, generation }, answer)));
}

/// What the errand in the output is told. Once.
#[wasm_bindgen]
pub fn message() -> Vec<u8> {
    with(|instance| std::mem::take(&mut instance.output.message)).unwrap_or_default()
}

/// The bindings of those who do errands, by their numbers in plans.
#[wasm_bindgen]
pub fn places() -> Vec<String> {
    names::PLACES.map(str::to_owned).to_vec()
}

/// The question what is new in the log of signals, to be sent now: the number of the place, then the message. `None`
/// where there is no log.
#[wasm_bindgen]
pub fn question(now: f64) -> Option<Vec<u8>> {
    let errand = of_gateway(|gateway| gateway.fleet.question(millis(now))).flatten()?;
    Some(addressed(errand))
}

/// What came of the question that was sent at that time; `None`: nothing. Says whether something was learnt.
#[wasm_bindgen]
pub fn learn(now: f64, sent: f64, answer: Option<Vec<u8>>) -> bool {
    let returned = answer.ok_or(Trouble::Failed);
    of_gateway(|gateway| gateway.fleet.learn(millis(now), millis(sent), returned)).is_some_and(|learnt| learnt.is_ok())
}

/// How long what an isolate has to tell is collected before it is sent, in milliseconds.
#[wasm_bindgen]
pub fn flush_ms() -> u32 {
    // Tests do not wait for seconds.
    if cfg!(feature = "faults") { FLUSH_MS / 20 } else { FLUSH_MS }
}

/// The next message of what an isolate has to tell, until there is none: its number for [`flushed`], the number of the place,
/// the length of the object's name, the name, the message.
#[wasm_bindgen]
pub fn flush(now: f64) -> Option<Vec<u8>> {
    numbered(of_gateway(|gateway| gateway.flush(millis(now))).flatten()?)
}

fn numbered((number, errand): (u8, Errand)) -> Option<Vec<u8>> {
    let place = u8::try_from(wire::place_of(&errand.to)).unwrap_or(u8::MAX);
    let name = wire::name_of(&errand.to);
    let length = u8::try_from(name.len()).ok()?;
    Some([&[number, place, length], name.as_bytes(), &errand.message].concat())
}

/// What came of the message of a number; `None`: it has not arrived.
#[wasm_bindgen]
pub fn flushed(number: u8, answer: Option<Vec<u8>>) {
    of_gateway(|gateway| gateway.fleet.flushed(number, answer));
}

/// The next question to those who count, until there is none; laid out as by [`flush`], its number is for [`heard`].
#[wasm_bindgen]
pub fn need(now: f64) -> Option<Vec<u8>> {
    numbered(of_gateway(|gateway| gateway.fleet.limits.question(millis(now))).flatten()?)
}

/// What came of the question of a number; `None`: nothing.
#[wasm_bindgen]
pub fn heard(now: f64, number: u8, answer: Option<Vec<u8>>) {
    let returned = answer.ok_or(Trouble::Failed);
    of_gateway(|gateway| gateway.fleet.limits.heard(millis(now), number, returned));
}

/// JavaScript has answered so many requests itself, with the problem of this code.
#[wasm_bindgen]
pub fn count_others(code: &str, more: u32) {
    of_gateway(|gateway| gateway.count_others(code, more));
}

/// An errand as the number of its place and its message.
fn addressed(errand: Errand) -> Vec<u8> {
    [vec![u8::try_from(wire::place_of(&errand.to)).unwrap_or(u8::MAX)], errand.message].concat()
}

/// What a batch of the queue comes to, for the database: the number of the place, then the message.
#[wasm_bindgen]
pub fn taken(messages: Vec<String>) -> Vec<u8> {
    let rows: Vec<Row> = messages.iter().filter_map(|message| Row::read(message)).collect();
    addressed(statements::run(&[audit::statements::insert(&rows)]))
}

/// Which of them nobody understands, by their places in the batch.
#[wasm_bindgen]
pub fn not_understood(messages: Vec<String>) -> Vec<u32> {
    let unread = messages.iter().zip(0_u32..).filter(|(message, _)| Row::read(message).is_none());
    unread.map(|(_, place)| place).collect()
}

/// Says to the object that links rows that there are new ones: the number of the place, then the message.
#[wasm_bindgen]
pub fn poke() -> Vec<u8> {
    addressed(audit::ask(audit::Question::Poke))
}

/// The name of that object.
#[wasm_bindgen]
pub fn chain() -> String {
    audit::CHAIN.to_owned()
}

/// The digest that JavaScript has written, or that of nothing.
fn digest(length: usize) -> bodies::Digest {
    let written = |instance: &mut Instance| instance.input.get(..length).and_then(|bytes| bytes.try_into().ok());
    with(written).flatten().unwrap_or(bodies::OF_NOTHING)
}

/// Says that the client of a request is watched from now on. Leaves the output alone.
#[wasm_bindgen]
pub fn watched(now: f64, index: u32, generation: u32) {
    with(|instance| {
        if let Some(driver) = &mut instance.driver {
            driver.watched(millis(now), Handle { index, generation });
        }
    });
}

/// Polls a parked request. The plan is in the output.
#[wasm_bindgen]
pub fn park(now: f64, index: u32, generation: u32) {
    turn(|_, driver| Some(driver.park(millis(now), Handle { index, generation })));
}

/// Ends a request that nobody waits for. What is left to do is in the output.
#[wasm_bindgen]
pub fn drop_slot(now: f64, index: u32, generation: u32) {
    turn(|_, driver| match driver.drop_slot(millis(now), Handle { index, generation }) {
        Turn::Done(finished) => Some(Turn::Done(Finished { reply: None, ..finished })),
        other => Some(other),
    });
}

/// Requests in flight and bytes of wasm memory, for the tests of recovery and growth.
#[cfg(feature = "faults")]
#[wasm_bindgen]
pub fn inspect() -> Vec<u32> {
    let in_flight = with(|instance| instance.driver.as_ref().map_or(0, Driver::in_flight)).unwrap_or_default();
    let pages = core::arch::wasm32::memory_size::<0>();
    vec![u32::try_from(in_flight).unwrap_or(u32::MAX), u32::try_from(pages.saturating_mul(65_536)).unwrap_or(u32::MAX)]
}

/// Makes wasm memory grow between two turns, as an object or a list may.
#[cfg(feature = "faults")]
#[wasm_bindgen]
pub fn grow() {
    core::arch::wasm32::memory_grow::<0>(1);
}

/// One turn of the driver, written to the output. The driver is taken out meanwhile: should the platform ever call
/// back in the middle of a turn, it finds no driver instead of one that is borrowed.
fn turn(f: impl FnOnce(&Instance, &mut Driver<Cloudflare>) -> Option<Turn>) {
    let Some(mut driver) = with(|instance| instance.driver.take()).flatten() else { return };
    let turn = INSTANCE.with_borrow(|instance| instance.as_ref().and_then(|instance| f(instance, &mut driver)));
    with(|instance| {
        instance.driver = Some(driver);
        // Nobody acts on what is due with a plan that nobody waits for: it stays due.
        let is_last = matches!(&turn, None | Some(Turn::Stale | Turn::Done(Finished { reply: None, .. })));
        let due = instance.driver.as_ref().filter(|_| !is_last).map_or(0, |driver| wire::due(driver.gateway()));
        instance.output.write(turn.unwrap_or(Turn::Stale), due);
        instance.locate();
    });
}

impl Instance {
    fn locate(&mut self) {
        *self.layout = [
            address(self.input.as_ptr()),
            address(self.lengths.as_ptr()),
            address(self.output.text.as_ptr()),
            address(self.output.words.as_ptr()),
        ];
    }
}

/// An address in wasm memory is 32 bits wide.
fn address<T>(pointer: *const T) -> u32 {
    u32::try_from(pointer.expose_provenance()).unwrap_or_default()
}

/// JavaScript counts milliseconds in floating point; before 1970 and beyond the year 285,000 there is no request.
fn millis(now: f64) -> Millis {
    now as Millis
}

/// Asks JavaScript to poll the request in a slot.
pub(crate) struct SlotWaker(pub(crate) u32);

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        let wake = INSTANCE.with_borrow(|instance| instance.as_ref().map(|instance| instance.wake.clone()));
        if let Some(wake) = wake {
            // The entry only notes that the slot can go on; there is nothing that could fail.
            drop(wake.call1(&JsValue::NULL, &JsValue::from(self.0)));
        }
    }
}

/// The layout of the words is part of the contract with `src/entry/plan.mjs`.
const _: () = assert!(Kind::Stale as u32 == 6 && Kind::Verify as u32 == 7 && Kind::Digest as u32 == 8);
const _: () = assert!(Kind::Read as u32 == 9 && Kind::Run as u32 == 10 && Kind::Refresh as u32 == 11);
const _: () = assert!(Kind::Replenish as u32 == 12);
