//! Octets both ways, as they are: the tcp mode behind an admitted visitor.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::connector::Connector;

/// Octets held for each direction.
const BUFFER: usize = 16 * 1024;

/// How long a visitor may take to hear that there is no upstream.
const GOODBYE: Duration = Duration::from_secs(2);

/// Carries octets between a visitor and the upstream until both have ended, or one has failed. When
/// one ends its sending, the other is told so and may go on. An upstream that cannot be reached is
/// a connection closed in good order, without an octet.
pub(super) async fn carry<V>(mut visitor: V, connector: &Connector)
where
    V: AsyncRead + AsyncWrite + Unpin,
{
    let Ok(mut upstream) = connector.connect().await else {
        let _ = timeout(GOODBYE, visitor.shutdown()).await;
        return;
    };
    // How it ended is the two sides' affair. Where one side failed, the other gets no orderly end.
    let _ =
        tokio::io::copy_bidirectional_with_sizes(&mut visitor, &mut upstream, BUFFER, BUFFER).await;
}
