//! Waiting for several futures at once.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};

/// Runs all of them at once and waits for the last one. What they come to stands in their order.
pub(super) async fn together<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<(Pin<Box<F>>, Option<_>)> = futures.map(|future| (Box::pin(future), None)).collect();
    poll_fn(|context| {
        let mut all = true;
        for (future, output) in running.iter_mut().filter(|(_, output)| output.is_none()) {
            match future.as_mut().poll(context) {
                Poll::Ready(value) => *output = Some(value),
                Poll::Pending => all = false,
            }
        }
        if all { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(|(_, output)| output).collect()
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        task::{Context, Waker},
    };

    use super::*;

    /// Ends at the poll of this number.
    async fn after(polls: u32, name: &str) -> &str {
        let left = Cell::new(polls);
        poll_fn(|_| match left.replace(left.get().saturating_sub(1)) {
            0 => Poll::Ready(()),
            _ => Poll::Pending,
        })
        .await;
        name
    }

    #[test]
    fn the_slowest_decides_and_the_order_stays() {
        let mut all = Box::pin(together(
            [(2, "slow"), (0, "quick"), (1, "middle")].map(|(polls, name)| after(polls, name)).into_iter(),
        ));
        let mut context = Context::from_waker(Waker::noop());
        assert!(all.as_mut().poll(&mut context).is_pending());
        assert!(all.as_mut().poll(&mut context).is_pending());
        assert_eq!(all.as_mut().poll(&mut context), Poll::Ready(vec!["slow", "quick", "middle"]));
    }

    #[test]
    fn nobody_is_not_waited_for() {
        let mut none = Box::pin(together(std::iter::empty::<std::future::Ready<()>>()));
        assert_eq!(none.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Vec::new()));
    }
}
