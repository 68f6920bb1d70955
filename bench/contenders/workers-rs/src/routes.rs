//! The 200 routes, in a `matchit` router that is built once per isolate.

use std::collections::BTreeMap;

use matchit::Router;

use crate::problem::Problem;

/// One route a line, `METHOD path scope`; contenders/build.mjs writes the file from bench/routes.mjs.
const ROUTES: &str = include_str!(env!("BENCH_ROUTES"));

/// A route: its pattern and the scope that it asks for.
#[derive(Clone, Copy)]
pub struct Route {
    pub path: &'static str,
    pub scope: &'static str,
}

type Methods = BTreeMap<&'static str, Route>;

thread_local! {
    static ROUTER: Router<Methods> = router();
}

fn router() -> Router<Methods> {
    let mut paths: BTreeMap<&'static str, Methods> = BTreeMap::new();
    for line in ROUTES.lines() {
        let mut words = line.split(' ');
        if let (Some(method), Some(path), Some(scope)) = (words.next(), words.next(), words.next()) {
            paths.entry(path).or_default().insert(method, Route { path, scope });
        }
    }
    let mut router = Router::new();
    for (path, methods) in paths {
        router.insert(path, methods).expect("the routes of the benchmark do not conflict");
    }
    router
}

/// The route of a path and a method, or why there is none.
pub fn find(path: &str, method: &str) -> Result<Route, Problem> {
    ROUTER.with(|router| {
        let methods = router.at(path).map_err(|_| Problem::not_found())?.value;
        methods.get(method).copied().ok_or_else(|| {
            let allow: Vec<_> = methods.keys().copied().collect();
            Problem::method_not_allowed(allow.join(", "))
        })
    })
}
