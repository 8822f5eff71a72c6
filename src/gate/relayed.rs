//! Bodies on their way through: passed on as they come, their trailers cleaned, and watched so that
//! a silent upstream is told from a visitor who stopped sending.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use super::headers::clean_trailers;
use crate::ground::clock;

/// A body passed on as it comes.
pub(super) struct Relayed {
    body: Incoming,
    upload: Option<Arc<Upload>>,
}

impl Relayed {
    /// The body of an answer.
    pub(super) fn answer(body: Incoming) -> Self {
        Self { body, upload: None }
    }

    /// The body of a request, and how far it has come.
    pub(super) fn request(body: Incoming) -> (Self, Arc<Upload>) {
        let upload = Arc::new(Upload::new(body.is_end_stream()));
        (Self { body, upload: Some(Arc::clone(&upload)) }, upload)
    }
}

/// How far the body of a request has come.
pub(super) struct Upload {
    began: Instant,
    /// When something last moved, in milliseconds after it began.
    moved: AtomicU64,
    stage: AtomicU8,
}

/// Octets are on their way, or the upstream has yet to ask for more.
const UNDER_WAY: u8 = 0;
/// The visitor has yet to send more.
const AWAITED: u8 = 1;
/// All of it went to the upstream.
const DONE: u8 = 2;
/// What the visitor sent is no proper body, or the visitor is gone.
const BROKEN: u8 = 3;

impl Upload {
    fn new(empty: bool) -> Self {
        let stage = if empty { DONE } else { UNDER_WAY };
        Self { began: clock::monotonic(), moved: AtomicU64::new(0), stage: AtomicU8::new(stage) }
    }

    /// Returns once nothing has moved for so long.
    pub(super) async fn silent_for(&self, bound: Duration) {
        loop {
            let end =
                self.began + Duration::from_millis(self.moved.load(Ordering::Relaxed)) + bound;
            if clock::monotonic() >= end {
                return;
            }
            tokio::time::sleep_until(end.into()).await;
        }
    }

    /// Whether it is the visitor who keeps the upstream waiting.
    pub(super) fn is_awaited(&self) -> bool {
        self.stage.load(Ordering::Relaxed) == AWAITED
    }

    /// Whether the visitor sent no proper body.
    pub(super) fn is_broken(&self) -> bool {
        self.stage.load(Ordering::Relaxed) == BROKEN
    }

    fn note(&self, stage: u8) {
        self.stage.store(stage, Ordering::Relaxed);
        if stage != AWAITED {
            let age = clock::monotonic().saturating_duration_since(self.began);
            self.moved.store(u64::try_from(age.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }
}

impl Body for Relayed {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Some(upload) = &self.upload {
            upload.note(match &polled {
                Poll::Pending => AWAITED,
                Poll::Ready(None) => DONE,
                Poll::Ready(Some(Err(_))) => BROKEN,
                Poll::Ready(Some(Ok(_))) if self.body.is_end_stream() => DONE,
                Poll::Ready(Some(Ok(_))) => UNDER_WAY,
            });
        }
        polled.map_ok(|mut frame| {
            if let Some(trailers) = frame.trailers_mut() {
                clean_trailers(trailers);
            }
            frame
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
