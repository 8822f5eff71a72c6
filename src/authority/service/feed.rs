//! The telling side of the feed.

use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::door::feed::{Event, Heartbeat};
use crate::door::frame::{self, FEED_LIMIT, FrameError};

/// How often those who serve hear something.
const BEAT: Duration = Duration::from_secs(1);

/// How long those who serve may leave an event unread.
const STUCK: Duration = Duration::from_secs(5);

/// The feed. What is told is told in order, also between threads.
pub(super) struct Feed {
    told: Mutex<Told>,
}

struct Told {
    stream: UnixStream,
    /// The last heartbeat's content; none before the snapshot was told.
    beat: Option<Heartbeat>,
}

impl Feed {
    /// A feed to whoever holds the other end.
    ///
    /// # Errors
    /// The system refused a time limit.
    pub(super) fn new(stream: UnixStream) -> Result<Self, FrameError> {
        stream.set_write_timeout(Some(STUCK))?;
        Ok(Self { told: Mutex::new(Told { stream, beat: None }) })
    }

    /// Tells an event.
    ///
    /// # Errors
    /// The other end is gone, or has been stuck for five seconds.
    pub(super) fn tell(&self, event: &Event) -> Result<(), FrameError> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        frame::write(&mut told.stream, event, FEED_LIMIT)
    }

    /// Sets what the heartbeats say from here on, and sends one.
    ///
    /// # Errors
    /// As [`Feed::tell`].
    pub(super) fn stand_at(&self, beat: Heartbeat) -> Result<(), FrameError> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.beat = Some(beat);
        frame::write(&mut told.stream, &Event::Heartbeat(beat), FEED_LIMIT)
    }

    /// Sends heartbeats until the other end is gone.
    pub(super) fn beat(&self) {
        loop {
            std::thread::sleep(BEAT);
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(beat) = told.beat else { continue };
            if frame::write(&mut told.stream, &Event::Heartbeat(beat), FEED_LIMIT).is_err() {
                return;
            }
        }
    }
}
