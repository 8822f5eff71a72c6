//! What a gate needs and may not get itself, got by the supervisor: the socket it listens at, its
//! files, and connections to its upstream.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::sync::Arc;

use super::delivery::{Delivery, Watch};
use super::dialler::{self, Handed, Road};
use super::settings::Settings;
use super::{Given, listener};
use crate::door::descriptors::{self, Descriptors};
use crate::door::feed::FeedEnd;
use crate::ground::messages::Refusal;
use tokio::sync::mpsc;

/// How often the files of revocation lists are looked at.
const LOOK: std::time::Duration = std::time::Duration::from_secs(1);

/// What one gate is provided with.
pub struct Provision {
    settings: Settings,
    /// None once nobody new is received.
    listener: Option<TcpListener>,
    address: SocketAddr,
    road: Arc<Road>,
}

impl Provision {
    /// Listens where the settings say, or at the socket that somebody else listens at for us.
    ///
    /// # Errors
    /// Why the address cannot be listened at, or that the upstream has no possible address.
    pub async fn open(settings: Settings, passed: Option<TcpListener>) -> Result<Self, Refusal> {
        let upstream = &settings.upstream;
        let road = Road::to(upstream)
            .ok_or_else(|| Refusal::UpstreamInvalid { url: upstream.to_string() })?;
        let (listener, address) = match passed {
            Some(listener) => listener::take_over(listener)?,
            None => listener::bind(settings.listen).await?,
        };
        Ok(Self { settings, listener: Some(listener), address, road: Arc::new(road) })
    }

    /// The gate's settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where the gate listens: the port that was chosen, when 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands the gate its listening socket over this channel, then connections to the upstream
    /// whenever it asks, until it is gone. An error is that what it sent was no asking.
    ///
    /// # Errors
    /// Nobody is received any more, or the system has no descriptors left.
    pub fn hand(
        &self,
        channel: Descriptors,
    ) -> io::Result<impl Future<Output = io::Result<()>> + Send + use<>> {
        let closed = || io::Error::from(io::ErrorKind::NotConnected);
        let listener = self.listener.as_ref().ok_or_else(closed)?.try_clone()?;
        descriptors::listen_again(&listener)?;
        let (channel, road) = (Arc::new(channel), Arc::clone(&self.road));
        Ok(async move {
            channel.send(&Handed::Listener, Some(listener.as_fd())).await?;
            drop(listener);
            dialler::answer(&channel, &road).await
        })
    }

    /// Receives nobody any more. What the gate holds of the socket is the gate's.
    pub fn close(&mut self) {
        self.listener = None;
    }

    /// The same for a gate in this process, which is given its files as they change.
    pub(super) fn serve_here(mut self, feed: Option<FeedEnd>) -> io::Result<Given> {
        let (near, far) = descriptors::pair()?;
        let (near, far) = (Descriptors::new(near)?, Descriptors::new(far)?);
        let files = Delivery::of_all(&self.settings);
        let mut watch = Watch::new(&self.settings, &files);
        let (deliver, deliveries) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                if let Some(changes) = watch.changes()
                    && deliver.send(changes).is_err()
                {
                    return;
                }
            }
        });
        let closed = || io::Error::from(io::ErrorKind::NotConnected);
        let listener = self.listener.take().ok_or_else(closed)?;
        tokio::spawn(async move {
            let channel = Arc::new(near);
            // The gate ends with this process.
            let _ = dialler::answer(&channel, &self.road).await;
        });
        let (dialler, _) = dialler::Dialler::over(far);
        Ok(Given { listener, files, deliveries, dialler, feed })
    }
}
