//! What somebody probably meant whose path no route has. Told in development only: a deployed gateway names none of its
//! routes to strangers.

use crate::{
    config::nearest::distance,
    http::{problem::Problem, request::RequestHead},
    pipeline::gateway::Gateway,
    routing::select::ROUTE_NOT_FOUND,
};

/// The most routes that are compared with a path.
const MOST_ROUTES: usize = 1_000;

/// Adds the nearest route to the problem, if it is that there is none and something is near.
#[must_use]
pub fn add(gateway: &Gateway, head: &RequestHead, problem: Problem) -> Problem {
    if !gateway.development || *problem.kind != ROUTE_NOT_FOUND || !problem.errors.is_empty() {
        return problem;
    }
    let keys = gateway.route_keys().take(MOST_ROUTES);
    let near = keys.filter_map(|key| Some((difference(key, head)?, key))).min_by_key(|(difference, _)| *difference);
    match near {
        None => problem,
        Some((_, key)) => {
            Problem { detail: format!("No route of this gateway has this path: did you mean {key}?").into(), ..problem }
        }
    }
}

/// In how many letters a request differs from the key of a route, if that can be a slip: at most a third of them.
fn difference(key: &str, head: &RequestHead) -> Option<usize> {
    let (key, asked) = without_parameters(key, &[head.method(), " ", head.path()].concat());
    Some(distance(&key, &asked)).filter(|difference| *difference <= asked.len() / 3)
}

/// The key of a route and a request without what stands in the places of parameters: that is not what is wrong.
fn without_parameters(key: &str, asked: &str) -> (String, String) {
    let (mut key, mut asked) = (key.split('/'), asked.split('/'));
    let (mut own, mut sent) = (Vec::new(), Vec::new());
    loop {
        match (key.next(), asked.next()) {
            (None, None) => break,
            (Some(part), _) if part.ends_with("...}") => break,
            (Some(part), Some(other)) if part.starts_with('{') && !other.is_empty() => {}
            (part, other) => {
                own.extend(part);
                sent.extend(other);
            }
        }
    }
    (own.join("/"), sent.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_a_parameter_is_left_out() {
        let cases = [
            ("GET /v1/products", "GET /v1/product", "GET /v1/products", "GET /v1/product"),
            ("GET /v1/products/{id}", "GET /v1/product/42", "GET /v1/products", "GET /v1/product"),
            ("GET /files/{path...}", "GET /file/a/b", "GET /files", "GET /file"),
            ("GET /a/{id:int}/b", "GET /a", "GET /a/{id:int}/b", "GET /a"),
            ("GET /a", "PUT /a/b/c", "GET /a", "PUT /a/b/c"),
            ("GET /a/{id:int}", "GET /a/", "GET /a/{id:int}", "GET /a/"),
        ];
        for (key, asked, own, sent) in cases {
            assert_eq!(without_parameters(key, asked), (own.to_owned(), sent.to_owned()));
        }
    }
}
