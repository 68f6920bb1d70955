//! Explanations and differences for people: plain text in columns. Whoever prints it adds the colours, by the first
//! word of each line.

use std::fmt::{self, Display, Formatter, Write};

use super::{
    diff::{Change, Difference, What},
    explanation::{Asked, Ended, Explanation, Head, Maker, Plan, Reply},
    what_if::Changed,
};
use crate::{
    config::{duration, size::Size},
    ports::witness::{Decision, Outcome},
};

/// Where the text behind outcome and stage begins.
const INDENT: &str = "                     ";

impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}\n", Line(&self.method), Line(&self.url))?;
        self.decisions.iter().try_for_each(|decision| write_decision(f, decision))?;
        self.effects.iter().try_for_each(|asked| write_asked(f, asked))?;
        if let Some(answer) = &self.answer {
            write_reply(f, answer)?;
        }
        match (self.ended, &self.log) {
            (Ended::Answered, Some(log)) => writeln!(f, "\nlogs     {log}"),
            (Ended::Waits, _) => {
                writeln!(f, "\nwaits    The database, the key-value store and an object would be asked.")
            }
            (Ended::WouldBeSent, _) if matches!(self.effects.last(), Some(Asked::Verify { .. })) => {
                writeln!(f, "\nends     The signature would be checked now; nothing was said about it.")
            }
            (Ended::WouldBeSent, _) => {
                writeln!(f, "\nends     This would be sent now; nothing was said about the answer.")
            }
            _ => Ok(()),
        }
    }
}

fn write_decision(f: &mut Formatter<'_>, decision: &Decision) -> fmt::Result {
    let outcome = match decision.outcome {
        Outcome::Passed => "passed",
        Outcome::Decided => "decided",
        Outcome::Refused => "refused",
    };
    writeln!(f, "{outcome:<8} {:<11} {}", decision.stage, Line(&decision.why))?;
    decision.facts.iter().try_for_each(|fact| writeln!(f, "{INDENT}{} = {}", fact.name, Line(&fact.value)))
}

fn write_asked(f: &mut Formatter<'_>, asked: &Asked) -> fmt::Result {
    let answered = match asked {
        Asked::Forward { plan, answered } => {
            write_plan(f, plan)?;
            answered
        }
        Asked::Verify { issuer, key, answered } => {
            writeln!(f, "\nverifies The signature of the token, with key {key} of {}.", Line(issuer))?;
            answered
        }
        Asked::Platform { what, answered } => {
            writeln!(f, "\nasks     The platform: {what}.")?;
            answered
        }
        Asked::Digest { body_limit, within_ms, answered } => {
            writeln!(f, "\nreads    The body of the request is read as a whole in order to be signed.")?;
            let within = duration::show(u64::from(*within_ms));
            writeln!(f, "{INDENT}takes {} within {within}", Size(*body_limit))?;
            answered
        }
        Asked::Deliver { within_ms, answered } => {
            writeln!(f, "\ndelivers The body of the answer is watched until its end.")?;
            if let Some(within) = within_ms {
                writeln!(f, "{INDENT}cut off after {}", duration::show(*within))?;
            }
            answered
        }
    };
    answered.iter().try_for_each(|answered| writeln!(f, "{INDENT}answered with {answered}"))
}

fn write_plan(f: &mut Formatter<'_>, plan: &Plan) -> fmt::Result {
    writeln!(f, "\nsends    {}", Line(&plan.url))?;
    if let Some(binding) = &plan.binding {
        writeln!(f, "{INDENT}to the binding {binding}")?;
    }
    writeln!(f, "{INDENT}waits {} for the head of the answer", duration::show(u64::from(plan.timeout_ms)))?;
    if let Some(limit) = plan.body_limit {
        writeln!(f, "{INDENT}counts the body up to {}", Size(limit))?;
    }
    if plan.untouched {
        return writeln!(f, "{INDENT}as it is, but for what belongs to one hop");
    }
    write_head(f, "request", &plan.request)?;
    write_head(f, "answer", &plan.response)
}

fn write_head(f: &mut Formatter<'_>, of: &str, head: &Head) -> fmt::Result {
    head.remove.iter().try_for_each(|name| writeln!(f, "{INDENT}{of}: removes {name}"))?;
    let mut fields = |verb: &str, fields: &[super::explanation::Field]| {
        fields.iter().try_for_each(|it| writeln!(f, "{INDENT}{of}: {verb} {}: {}", it.name, Line(&it.value)))
    };
    fields("sets", &head.set)?;
    fields("appends", &head.append)
}

fn write_reply(f: &mut Formatter<'_>, reply: &Reply) -> fmt::Result {
    let from = match reply.from {
        Maker::Gateway => "made by the gateway",
        Maker::Upstream => "from the upstream",
    };
    writeln!(f, "\nanswers  {} {from}", reply.status)?;
    // What becomes of an upstream's head stands with the plan already.
    if reply.from == Maker::Gateway {
        write_head(f, "answer", &reply.head)?;
    }
    reply.body.iter().try_for_each(|body| writeln!(f, "{INDENT}body: {}", Line(body)))
}

impl Display for Difference {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let sign = match self.what {
            What::Added => "+",
            What::Removed => "-",
            What::Changed => "~",
        };
        write!(f, "{sign} {} {}", self.section, Line(&self.name))?;
        let changes = self.changes.iter();
        match self.what {
            What::Added => changes
                .filter_map(|it| Some((&it.key, it.new.as_ref()?)))
                .try_for_each(|(key, value)| write!(f, "\n    {key}: {}", Line(value))),
            What::Removed => Ok(()),
            What::Changed => changes.into_iter().try_for_each(|change| write!(f, "\n    {change}")),
        }
    }
}

impl Display for Changed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "~ line {}: {} {}", self.line, Line(&self.method), Line(&self.url))?;
        self.changes.iter().try_for_each(|change| write!(f, "\n    {change}"))
    }
}

impl Display for Change {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        write!(f, "{}: {} -> {}", self.key, Line(&shown(&self.old)), Line(&shown(&self.new)))
    }
}

/// Text on one line, whatever somebody has sent: what would move the cursor or begin a line is escaped.
struct Line<'t>(&'t str);

impl Display for Line<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| {
            if letter.is_control() { write!(f, "{}", letter.escape_debug()) } else { f.write_char(letter) }
        })
    }
}
