//! Answers that were given and that nobody asked for: most often a misunderstanding of what the request does.

use super::{
    Started,
    answer::Answer,
    explain,
    explanation::{Asked, Ended, Explanation},
    request::Request,
};
use crate::{driver::effects, http::Millis};

/// Which of the answers the explanation of this request did without, in the order in which they were given.
#[must_use]
pub fn unused(
    started: &Started,
    request: &Request,
    now: Millis,
    answers: &[Answer],
    explanation: &Explanation,
) -> Vec<Answer> {
    let is_forward = |asked: &&Asked| matches!(asked, Asked::Forward { answered: Some(_), .. });
    let mut heads = explanation.effects.iter().filter(is_forward).count();
    let is_verify = |asked: &&Asked| matches!(asked, Asked::Verify { answered: Some(_), .. });
    let mut signatures = explanation.effects.iter().filter(is_verify).count();
    let mut ends = explanation.effects.iter().filter(|asked| matches!(asked, Asked::Deliver { .. })).count();
    let has_services = answers.iter().any(|answer| answer.of_effect().is_none());
    // Only what waits for the services without an answer has taken one.
    let asks_services = has_services && {
        let others: Vec<Answer> = answers.iter().copied().filter(|answer| answer.of_effect().is_some()).collect();
        explain(started, request, now, &others).ended == Ended::Waits
    };
    let mut take = |answer: &Answer| match answer.of_effect() {
        None => asks_services,
        Some(effects::Answer::BodyEnd(..)) => take_one(&mut ends),
        Some(effects::Answer::Verified(_)) => take_one(&mut signatures),
        Some(_) => take_one(&mut heads),
    };
    answers.iter().copied().filter(|answer| !take(answer)).collect()
}

fn take_one(left: &mut usize) -> bool {
    let less = left.checked_sub(1);
    *left = less.unwrap_or_default();
    less.is_some()
}
