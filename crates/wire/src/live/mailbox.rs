//! What a connection is told from outside, until the task that serves it gets to it. Bounded, and as small as it can be.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
};

use futures_util::task::AtomicWaker;

use super::connection::Directive;

/// The directives that wait for one connection.
#[derive(Default)]
pub(super) struct Mailbox {
    post: Mutex<Post>,
    waker: AtomicWaker,
}

#[derive(Default)]
struct Post {
    waiting: VecDeque<Directive>,
    /// Bytes of frames among them.
    bytes: usize,
    /// Something waits that makes further writing pointless.
    urgent: bool,
}

impl Mailbox {
    /// Frames from others that wait for a reader that does not read.
    const MOST_FRAMES: usize = 256;
    const MOST_BYTES: usize = 512 * 1024;

    pub(super) fn put(&self, directive: Directive) {
        {
            let mut post = self.post.lock().unwrap_or_else(PoisonError::into_inner);
            if let Directive::Deliver(frame) = &directive {
                post.bytes += frame.len();
                if post.waiting.len() >= Self::MOST_FRAMES || post.bytes > Self::MOST_BYTES {
                    // What a slow reader missed cannot be made up for: it is cut off.
                    *post = Post { waiting: [Directive::TooSlow].into(), bytes: 0, urgent: true };
                }
            }
            // Once it is over nothing else matters; and one tick is as good as two.
            if post.urgent && !directive.is_final() || matches!(directive, Directive::Tick) && post.has_tick() {
                drop(post);
                self.waker.wake();
                return;
            }
            post.urgent |= directive.is_final();
            post.waiting.push_back(directive);
        }
        self.waker.wake();
    }

    pub(super) fn poll_next(&self, context: &mut Context<'_>) -> Poll<Directive> {
        self.poll(context, |post| {
            let next = post.waiting.pop_front()?;
            if let Directive::Deliver(frame) = &next {
                post.bytes -= frame.len();
            }
            if post.waiting.is_empty() {
                // Idle connections keep no buffer.
                *post = Post::default();
            }
            Some(next)
        })
    }

    /// Whether something waits that makes further writing pointless.
    pub(super) fn poll_urgent(&self, context: &mut Context<'_>) -> Poll<()> {
        self.poll(context, |post| post.urgent.then_some(()))
    }

    fn poll<T>(&self, context: &mut Context<'_>, take: impl Fn(&mut Post) -> Option<T>) -> Poll<T> {
        let attempt = || take(&mut self.post.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(taken) = attempt() {
            return Poll::Ready(taken);
        }
        self.waker.register(context.waker());
        // Again, for what was put between the look and the registration.
        attempt().map_or(Poll::Pending, Poll::Ready)
    }
}

impl Post {
    fn has_tick(&self) -> bool {
        self.waiting.iter().any(|waiting| matches!(waiting, Directive::Tick))
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn drained(mailbox: &Mailbox) -> Vec<String> {
        let mut context = Context::from_waker(Waker::noop());
        let next = || match mailbox.poll_next(&mut context) {
            Poll::Ready(directive) => Some(format!("{directive:?}")),
            Poll::Pending => None,
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn directives_come_in_order_and_ticks_do_not_pile_up() {
        let mailbox = Mailbox::default();
        for directive in [Directive::Tick, Directive::Deliver("a".into()), Directive::Tick, Directive::Silent] {
            mailbox.put(directive);
        }
        assert_eq!(drained(&mailbox), ["Tick", "Deliver(\"a\")", "Silent"]);
    }

    #[test]
    fn n56_a_reader_that_does_not_read_is_cut_off_and_costs_no_more_memory() {
        let mailbox = Mailbox::default();
        for _ in 0..10_000 {
            mailbox.put(Directive::Deliver("x".repeat(1000)));
        }
        assert!(mailbox.poll_urgent(&mut Context::from_waker(Waker::noop())).is_ready());
        assert_eq!(drained(&mailbox), ["TooSlow"]);
    }
}
