//! `ferrogate explain-token`: a token with which a request asks a running gateway how its answer came about.

use gateway::{
    config::{text::Values, values::duration},
    stages::explain::{Explainer, LONGEST_LIFE_S, SHORTEST_SECRET},
};

use crate::{
    Failure,
    arguments::{Given, wrong},
    command::{Command, EXITS, Opt, Takes},
    configuration,
    host::Host,
    output,
    values::{self, Sources},
};

pub(super) const COMMAND: Command = Command {
    name: "explain-token",
    about: "print a token with which a request is told how its answer came about",
    operands: &[],
    options: &[
        Opt::value("config", "FILE", Takes::File, "the gateway.toml that the gateway runs").required(),
        Opt::value("env", "NAME", Takes::Text, "as it is in [env.NAME] (default: the file as it stands)"),
        Opt::value("ttl", "DURATION", Takes::Text, "how long it is valid: 30s, 5m, 1h, at most 1d (default: 15m)"),
        Opt::flag("body", "problems tell it in their documents too"),
    ],
    notes: "The file needs `explain` in [gateway]. The secret is read from the environment variable that it names, from\n\
            .dev.vars or wrangler.toml, never from an argument. Whoever has the token sees names of upstreams and\n\
            reasons for refusals, but no secrets.\n",
    examples: &[
        "curl -i -H \"x-ferrogate-explain: $(ferrogate explain-token --config gateway.toml)\" localhost:8787/v1/orders",
        "EXPLAIN_SECRET=... ferrogate explain-token --config gateway.toml --env production --ttl 5m --body",
    ],
    exits: EXITS,
    run,
};

/// A quarter of an hour: enough to look into something, not enough to be forgotten.
const DEFAULT_TTL_S: u32 = 900;

fn run(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let (file, environment) = (given.value("config").unwrap_or_default(), given.value("env"));
    let ttl_s = given.value("ttl").map_or(Ok(DEFAULT_TTL_S), ttl)?;
    let blueprint = configuration::environment(host, file, environment)?.blueprint;
    let Some(config) = &blueprint.explain else {
        let help = "write explain = { secret = \"${EXPLAIN_SECRET}\" } in [gateway]";
        return Err(Failure::Findings(format!("nobody may ask this gateway: {help}")));
    };
    let found = Sources::of(host, file, environment, &[])?.find(&blueprint);
    let is_needed = |name: &String| {
        let index = blueprint.variables.0.iter().position(|variable| variable.name == *name);
        index.is_some_and(|index| values::names(&config.secret, index))
    };
    let unset: Vec<String> = found.placeholders.into_iter().chain(found.missing).filter(is_needed).collect();
    if !unset.is_empty() {
        return Err(Failure::Findings(values::unset(&unset)));
    }
    let values: Vec<Option<String>> = found.values.into_iter().map(|value| value.or(Some(String::new()))).collect();
    let values = blueprint.variables.resolve(&values).unwrap_or_else(|_| Values::default());
    let Some(explainer) = Explainer::new(config, &values, &blueprint.name) else {
        let message = format!("the secret of `explain` is too short: the gateway wants {SHORTEST_SECRET} bytes");
        return Err(Failure::Findings(message));
    };
    let token = explainer.token(host.now_s().saturating_add(u64::from(ttl_s)));
    output::line(host, &if given.has("body") { token + ";body" } else { token });
    Ok(())
}

fn ttl(text: &str) -> Result<u32, Failure> {
    let longest = u32::try_from(LONGEST_LIFE_S).unwrap_or(u32::MAX);
    duration::whole_seconds(text, &(1..=longest)).map_err(|fault| {
        let expected = fault.expected.map(|expected| format!("; expected {expected}")).unwrap_or_default();
        wrong(&COMMAND, format!("--ttl: {}{expected}", fault.message))
    })
}
