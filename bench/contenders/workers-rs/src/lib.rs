//! The common work of the benchmark, as one writes it with the `worker` crate: its types, its `fetch`, its headers.
//!
//! Built once per isolate: the router, the key, the origin's address. Nothing reaches below the public API of `worker`.

mod auth;
mod headers;
mod problem;
mod routes;

use std::time::Duration;

use futures_util::future::{Either, select};
use serde::Serialize;
use worker::{
    Context, Date, Delay, Env, Fetch, Headers, Method, Request, RequestInit, RequestRedirect, Response, Result,
    console_log, event,
};

use problem::Problem;

const DEADLINE: Duration = Duration::from_secs(30);

/// What is known about the request that is being answered.
pub struct Call {
    /// The client's request id, or a fresh one.
    pub id: String,
    method: String,
    path: String,
    /// Whether the client's origin is on the list.
    pub allowed: bool,
    route: Option<&'static str>,
    principal: Option<String>,
}

#[derive(Serialize)]
struct LogLine<'a> {
    level: &'a str,
    msg: &'a str,
    request_id: &'a str,
    method: &'a str,
    path: &'a str,
    route: Option<&'a str>,
    status: u16,
    duration_ms: u64,
    principal: Option<&'a str>,
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    let started = Date::now().as_millis();
    let mut call = Call {
        id: headers::request_id(request.headers())?,
        method: request.method().to_string(),
        path: request.path(),
        allowed: headers::allowed_origin(request.headers())?,
        route: None,
        principal: None,
    };
    let response = answer(&mut call, request, &env).await?;
    log(&call, response.status_code(), Date::now().as_millis() - started);
    Ok(response)
}

fn log(call: &Call, status: u16, duration_ms: u64) {
    let line = LogLine {
        level: "info",
        msg: "request",
        request_id: &call.id,
        method: &call.method,
        path: &call.path,
        route: call.route,
        status,
        duration_ms,
        principal: call.principal.as_deref(),
    };
    console_log!("{}", serde_json::to_string(&line).unwrap_or_default());
}

async fn answer(call: &mut Call, request: Request, env: &Env) -> Result<Response> {
    if request.method() == Method::Options && request.headers().has("access-control-request-method")? {
        return preflight(call);
    }
    match admit(call, &request, env)? {
        Ok(subject) => forward(call, request, env, &subject).await,
        Err(problem) => problem.response(call),
    }
}

/// Route, token, scope. Gives the subject of a request that may pass.
fn admit(call: &mut Call, request: &Request, env: &Env) -> Result<std::result::Result<String, Problem>> {
    let route = match routes::find(&call.path, &call.method) {
        Ok(route) => route,
        Err(problem) => return Ok(Err(problem)),
    };
    call.route = Some(route.path);
    let Some(claims) = auth::claims(request.headers(), env)? else {
        return Ok(Err(Problem::unauthorized()));
    };
    call.principal = Some(claims.sub.clone());
    if !claims.scope.split(' ').any(|scope| scope == route.scope) {
        return Ok(Err(Problem::missing_scope(route.scope)));
    }
    Ok(Ok(claims.sub))
}

fn preflight(call: &Call) -> Result<Response> {
    if !call.allowed {
        return Problem::cors_refused().response(call);
    }
    let fields = Headers::new();
    fields.set("access-control-allow-methods", "GET, POST, PUT, DELETE")?;
    fields.set("access-control-allow-headers", "authorization, content-type")?;
    fields.set("access-control-max-age", "3600")?;
    headers::set_common(&fields, call)?;
    Ok(Response::empty()?.with_status(204).with_headers(fields))
}

async fn forward(call: &Call, request: Request, env: &Env, subject: &str) -> Result<Response> {
    let fields = request.headers().clone();
    headers::strip_hop_by_hop(&fields)?;
    fields.delete("authorization")?;
    fields.set("x-user-id", subject)?;
    fields.set("x-request-id", &call.id)?;

    let url = request.url()?;
    let mut target = env.var("ORIGIN_URL")?.to_string();
    target.push_str(url.path());
    if let Some(query) = url.query() {
        target.push('?');
        target.push_str(query);
    }
    let mut init = RequestInit::new();
    init.with_method(request.method())
        .with_headers(fields)
        .with_redirect(RequestRedirect::Manual)
        .with_body(request.inner().body().map(Into::into));

    let upstream = Fetch::Request(Request::new_with_init(&target, &init)?);
    match select(Box::pin(upstream.send()), Delay::from(DEADLINE)).await {
        Either::Left((Ok(response), _)) => finish(call, response),
        Either::Left((Err(_), _)) => Problem::upstream_failed().response(call),
        Either::Right(_) => Problem::upstream_timeout().response(call),
    }
}

/// The upstream's answer with our headers; its body stays the stream that it is.
fn finish(call: &Call, response: Response) -> Result<Response> {
    let fields = response.headers().clone();
    headers::strip_hop_by_hop(&fields)?;
    headers::set_common(&fields, call)?;
    Ok(response.with_headers(fields))
}
