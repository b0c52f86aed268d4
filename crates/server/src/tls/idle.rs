//! Connections that wait for nothing are closed, whatever is spoken on them.
//!
//! hyper limits the time for a head of HTTP/1.1 and for nothing else: neither for the first bytes, by which it tells the
//! versions, nor for a connection of HTTP/2 without a request. Here both end as a late head does.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use axum::http::{Response, StatusCode};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};
use tower::Service;

use crate::listen::HEAD;

/// Puts a stream and what answers on it under one watch.
pub fn guard<S, T>(stream: S, service: T) -> (Patient<S>, Counted<T>) {
    let work = Arc::new(Work::default());
    let patient = Patient { stream, work: Arc::clone(&work), waiting: None, last: Instant::now() };
    (patient, Counted { service, work })
}

/// What happens on a connection.
#[derive(Default)]
struct Work {
    /// Requests that are not answered yet.
    running: AtomicUsize,
    /// Whether it is a WebSocket by now, which has deadlines of its own.
    upgraded: AtomicBool,
}

/// A stream that fails to be read when there was nothing to do for [`HEAD`]: no request runs, and nothing could be written.
pub struct Patient<S> {
    stream: S,
    work: Arc<Work>,
    /// While it waits. Boxed, for sockets are many and wait no more.
    waiting: Option<Pin<Box<Sleep>>>,
    /// When something was written last.
    last: Instant,
}

impl<S> Patient<S> {
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.work.upgraded.load(Relaxed) || self.work.running.load(Relaxed) > 0 {
            self.waiting = None;
            return Poll::Pending;
        }
        if self.waiting.is_none() {
            self.last = Instant::now();
        }
        let last = self.last;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(last + HEAD)));
        loop {
            ready!(waiting.as_mut().poll(context));
            let end = self.last + HEAD;
            if Instant::now() >= end {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            // Something was written meanwhile.
            waiting.as_mut().reset(end);
        }
    }

    fn note<T>(&mut self, written: &Poll<io::Result<T>>) {
        if self.waiting.is_some() && matches!(written, Poll::Ready(Ok(_))) {
            self.last = Instant::now();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Pending => self.poll_patience(context),
            read @ Poll::Ready(_) => read,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A service that tells its stream when it works.
#[derive(Clone)]
pub struct Counted<T> {
    service: T,
    work: Arc<Work>,
}

/// A request that runs, until it is answered or given up.
struct Running(Arc<Work>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Relaxed);
    }
}

impl<T, R, B> Service<R> for Counted<T>
where
    T: Service<R, Response = Response<B>>,
    T::Future: Send + 'static,
{
    type Response = T::Response;
    type Error = T::Error;
    type Future = Pin<Box<dyn Future<Output = Result<T::Response, T::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), T::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        self.work.running.fetch_add(1, Relaxed);
        let (running, answering) = (Running(Arc::clone(&self.work)), self.service.call(request));
        Box::pin(async move {
            let answer = answering.await?;
            if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                running.0.upgraded.store(true, Relaxed);
            }
            Ok(answer)
        })
    }
}
