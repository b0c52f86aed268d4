//! The loop of one socket.

use std::{future::poll_fn, pin::pin, task::Poll};

use ringfence_core::{
    context::{Ctx, RequestId},
    entropy::random,
    time::BoxFuture,
};

use super::{Close, Conversation, Heard, Step, Transport};
use crate::live::{Directive, Ending, Line};

/// Serves a socket until it closes. Boxed and by reference, or the task would hold everything once for each hand it passes.
pub(crate) fn serve<T: Transport, C: Conversation>(
    transport: T,
    line: Line,
    conversation: C,
    ctx: Ctx,
) -> BoxFuture<()> {
    let allowance = Allowance { left: line.habits().burst, second: line.heard() };
    let mut pump = Box::new(Pump { transport, line, conversation, ctx, allowance });
    Box::pin(async move { pump.run().await })
}

struct Pump<T, C> {
    transport: T,
    line: Line,
    conversation: C,
    /// The circumstances of the upgrade.
    ctx: Ctx,
    allowance: Allowance,
}

/// Something to act on.
enum Next {
    Told(Directive),
    Heard(Heard),
}

impl<T: Transport, C: Conversation> Pump<T, C> {
    async fn run(&mut self) {
        loop {
            let next = tokio::select! {
                biased;
                directive = self.line.directive() => Next::Told(directive),
                heard = self.transport.recv() => Next::Heard(heard),
            };
            let step = match next {
                Next::Told(Directive::Deliver(frame)) => Some(Step::send(self.conversation.wrap(frame))),
                Next::Told(directive) => Box::pin(self.obey(&directive)).await,
                Next::Heard(Heard::Unsent(frames)) => Some(Step { send: frames, close: None }),
                Next::Heard(Heard::Broken(close)) => close.map(|close| Step { send: vec![], close: Some(close) }),
                Next::Heard(heard) => Box::pin(self.answer(heard)).await,
            };
            let Some(step) = step else { return };
            for frame in step.send {
                if !self.send(frame).await {
                    return;
                }
            }
            if let Some(close) = step.close {
                // Boxed, for the task holds the most that any of its steps needs.
                return Box::pin(self.close(close)).await;
            }
        }
    }

    /// What to do on a directive; nothing more when the connection is over.
    async fn obey(&mut self, directive: &Directive) -> Option<Step> {
        let pings = *directive == Directive::Tick && self.line.habits().ping;
        if pings && !handed_over(&self.line, self.transport.ping()).await {
            return None;
        }
        let last = match directive {
            Directive::Deliver(_) | Directive::Tick | Directive::ExpiresIn(_) | Directive::TakenOver => None,
            Directive::Stuck => return None,
            Directive::Draining { .. } => Some(Close { code: 1012, reason: "restarting" }),
            Directive::CutOff { .. } => Some(Close { code: 1013, reason: "try again later" }),
            Directive::Ended(Ending::Revoked(_)) => Some(Close { code: 1008, reason: "session ended" }),
            Directive::Ended(Ending::Expired) => Some(Close { code: 1008, reason: "session expired" }),
            Directive::Overdue => Some(Close { code: 1008, reason: "nobody signed in" }),
            Directive::Silent => Some(Close { code: 1001, reason: "nothing heard" }),
            Directive::Flooding => Some(Close { code: 1008, reason: "too many messages" }),
            Directive::Guessing => Some(Close { code: 1008, reason: "too many attempts" }),
            Directive::TooSlow => Some(Close { code: 1013, reason: "not reading" }),
        };
        let mut step = self.conversation.on_directive(&self.line, directive);
        let Some(last) = last else { return Some(step) };
        for frame in std::mem::take(&mut step.send) {
            if !self.send(frame).await {
                return None;
            }
        }
        tracing::debug!(dialect = self.ctx.dialect, reason = last.reason, "socket closed by the server");
        if let Directive::Ended(Ending::Revoked(since)) = directive {
            let now = self.line.authority().clock().now();
            let delay = now.since(*since);
            self.line.authority().tally().revoked(now, delay);
            metrics::histogram!("ringfence_revocation_delay_seconds").record(delay.as_secs_f64());
        }
        step.close = step.close.or(Some(last));
        Some(step)
    }

    async fn answer(&mut self, heard: Heard) -> Option<Step> {
        if !self.allowance.spend(&self.line) {
            return Box::pin(self.obey(&Directive::Flooding)).await;
        }
        match heard {
            Heard::Text(text) => {
                let ctx = self.request();
                Some(self.conversation.on_frame(&mut self.line, &ctx, text.as_str()).await)
            }
            Heard::Binary => Some(Step::close(1003, "text only")),
            Heard::Control | Heard::Unsent(_) | Heard::Broken(_) => Some(Step::nothing()),
        }
    }

    /// The circumstances of a frame: a request of its own.
    fn request(&self) -> Ctx {
        let authority = self.line.authority();
        let request_id = RequestId(u64::from_be_bytes(random(authority.entropy().as_ref())));
        Ctx { request_id, now: authority.clock().now(), ..self.ctx.clone() }
    }

    /// Sends a frame; `false` when the other end has gone, or does not read and something final has to be said.
    async fn send(&mut self, frame: String) -> bool {
        handed_over(&self.line, self.transport.send(frame)).await
    }

    /// Says good-bye and waits a while for the other end to say it too.
    async fn close(&mut self, close: Close) {
        self.line.blocked();
        let Self { transport, line, .. } = self;
        let stuck = async { while line.directive().await != Directive::Stuck {} };
        tokio::select! {
            () = stuck => {}
            () = transport.goodbye(close) => {}
        }
    }
}

/// Waits until something is sent; `false` when the other end has gone, or does not read and something final has to be said.
async fn handed_over(line: &Line, sending: impl Future<Output = bool>) -> bool {
    let mut sending = pin!(sending);
    let mut blocked = false;
    let sent = poll_fn(|context| {
        if let Poll::Ready(outcome) = sending.as_mut().poll(context) {
            return Poll::Ready(outcome);
        }
        if line.poll_urgent(context).is_ready() {
            return Poll::Ready(false);
        }
        if !std::mem::replace(&mut blocked, true) {
            line.blocked();
        }
        Poll::Pending
    })
    .await;
    if blocked {
        line.unblocked();
    }
    sent
}

/// How many messages a socket may still send.
struct Allowance {
    left: u32,
    second: u64,
}

impl Allowance {
    /// Takes one message off; `false` when there is none left.
    fn spend(&mut self, line: &Line) -> bool {
        let (second, habits) = (line.heard(), line.habits());
        let passed = u32::try_from(second.saturating_sub(self.second)).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(passed.saturating_mul(habits.rate)).min(habits.burst);
        self.second = second;
        let spent = self.left > 0;
        self.left = self.left.saturating_sub(1);
        spent
    }
}
