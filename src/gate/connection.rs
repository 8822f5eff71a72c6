//! One connection from its first octet to its last: handshake, admission, service, and the cut
//! when its holder may no longer come in.

use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::HandshakeKind;
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::connector::Connector;
use super::limits::{Limits, Pending};
use super::log::Journal;
use super::proxy::{Proxy, Visit};
use super::redirect;
use super::refusal::{Refused, Responder};
use super::registry::{Cut, Live, NotEntered, Protocol, Registry};
use super::settings::Mode;
use super::state::{Snapshot, State};
use super::tcp;
use super::tls::{TlsSettings, Verdict, is_explained};
use crate::admission::{Admitted, ChainKey, Refusal};
use crate::ground::clock;

/// The first octet of a TLS record that holds a handshake message (RFC 8446 section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// Octets read from a refused visitor while the alert is on its way.
const LINGER_OCTETS: usize = 64 * 1024;

/// How long a decision about a live connection stands at most: the wall clock may have been set.
const JUDGED_AGAIN: Duration = Duration::from_secs(30);

/// What all connections of a gate share.
pub(super) struct Reception {
    pub(super) state: State,
    pub(super) registry: Arc<Registry>,
    pub(super) tls: TlsSettings,
    pub(super) proxy: Arc<Proxy>,
    /// Answers those who are refused; none where every refusal is an alert.
    pub(super) responder: Option<Responder>,
    pub(super) mode: Mode,
    pub(super) connector: Connector,
    pub(super) limits: Limits,
    pub(super) journal: Journal,
    /// Becomes true when the gate is to stop.
    pub(super) draining: watch::Receiver<bool>,
}

impl Reception {
    /// Receives a visitor. The place among the pending handshakes is given back once the visitor
    /// is admitted or gone.
    pub(super) async fn receive(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        pending: Pending,
    ) {
        let begun = clock::monotonic();
        let Some(snapshot) = self.state.current() else { return };
        // Each stage has its own place in memory, so that an idle connection holds only the last.
        let handshake = Box::pin(self.shake_hands(stream, peer, &snapshot));
        let handshake = timeout(self.limits.handshake, handshake);
        let handshake = tokio::select! {
            handshake = handshake => handshake,
            () = self.drained() => return,
        };
        match handshake {
            Ok(Handshake::Done(stream)) => {
                Box::pin(self.admit(stream, peer, snapshot, pending, begun)).await;
            }
            Ok(Handshake::Refused(stream, verdict, error)) => {
                verdict.alerted(&error);
                self.journal.refused_in_handshake(peer, &verdict, &error);
                self.linger(stream).await;
            }
            Ok(Handshake::PlainHttp(stream)) => {
                Box::pin(redirect::lead_to_https(stream, Arc::clone(&snapshot.server))).await;
            }
            Ok(Handshake::Gone) => {}
            Err(_) => self.journal.handshake_timed_out(peer),
        }
    }

    async fn shake_hands(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        snapshot: &Arc<Snapshot>,
    ) -> Handshake {
        let mut first = [0_u8];
        match stream.peek(&mut first).await {
            Ok(1..) if first == [TLS_HANDSHAKE] => {}
            Ok(1..) if self.mode == Mode::Http && first.iter().all(u8::is_ascii_alphabetic) => {
                return Handshake::PlainHttp(stream);
            }
            Ok(_) | Err(_) => return Handshake::Gone,
        }
        let responder = self.responder.as_ref();
        let explained = responder.map(|responder| responder.owed_to(peer.ip(), &stream));
        let Ok((config, verdict)) = self.tls.for_connection(snapshot, explained) else {
            return Handshake::Gone;
        };
        match TlsAcceptor::from(config).accept(stream).into_fallible().await {
            Ok(stream) => Handshake::Done(Box::new(stream)),
            Err((error, stream)) => Handshake::Refused(stream, verdict, error),
        }
    }

    async fn admit(
        &self,
        mut stream: Box<TlsStream<TcpStream>>,
        peer: SocketAddr,
        handshake: Arc<Snapshot>,
        pending: Pending,
        begun: Instant,
    ) {
        let session = stream.get_ref().1;
        let chain: &[CertificateDer<'static>] = session.peer_certificates().unwrap_or_default();
        let resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
        let version = session.protocol_version();
        let speaks_http2 = session.alpn_protocol() == Some(b"h2");
        let protocol = match (self.mode, speaks_http2) {
            (Mode::Tcp, _) => Protocol::Tcp,
            (Mode::Http, true) => Protocol::Http2,
            (Mode::Http, false) => Protocol::Http1,
        };
        let entered = self.registry.enter(&self.state, chain, peer, protocol);
        let (admitted, live, notice) = match entered {
            Ok(entered) => entered,
            Err(NotEntered::Refused(refusal)) => {
                return self.turn_away(*stream, peer, refusal, &handshake).await;
            }
            Err(NotEntered::TooMany(admitted)) => {
                self.journal.too_many(peer, &admitted);
                let _ = timeout(self.limits.linger, stream.shutdown()).await;
                return;
            }
        };
        drop(pending);
        self.journal.admitted(peer, &admitted, version, resumed, begun.elapsed());
        let server = Arc::clone(&handshake.server);
        // It holds the ledger as it was; a connection may outlive many such.
        drop(handshake);
        let service: Service<'_> = if self.mode == Mode::Tcp {
            Box::pin(tcp::carry(stream, &self.connector))
        } else {
            let visit = Visit::new(&admitted, peer.ip(), server, Arc::clone(&self.proxy));
            let Some(visit) = visit.map(Arc::new) else { return };
            if speaks_http2 {
                Box::pin(self.serve_http2(*stream, visit))
            } else {
                Box::pin(self.serve_http1(*stream, visit, &live))
            }
        };
        let cut = self.stay(service, admitted.clone(), notice).await;
        drop(live);
        if let Some(cut) = cut {
            let refusal = cut.refusal;
            // The socket is closed: whoever waits for that need not wait for the log as well.
            drop(cut);
            self.journal.cut(peer, refusal, &admitted);
        }
    }

    /// Ends the connection of a visitor who has finished the handshake and may not come in.
    async fn turn_away(
        &self,
        mut stream: TlsStream<TcpStream>,
        peer: SocketAddr,
        refusal: Refusal,
        handshake: &Snapshot,
    ) {
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let reference = self.journal.refused(peer, refusal, chain.first());
        let Some(responder) = self.responder.as_ref().filter(|_| is_explained(refusal)) else {
            let _ = timeout(self.limits.linger, stream.shutdown()).await;
            return;
        };
        let chain = ChainKey::of(chain, handshake.policy.anchors()).ok();
        let refused = Refused { refusal, reference, address: peer.ip(), chain };
        responder.answer(&mut stream, refused).await;
        self.linger(stream.into_inner().0).await;
    }

    /// Serves until the service ends or its visitor may not stay: by a revocation that finds the
    /// connection, at the end of the certificate, or by a clock that was set. Dropping the service
    /// closes the connection.
    async fn stay(
        &self,
        mut service: Service<'_>,
        mut admitted: Admitted,
        mut notice: oneshot::Receiver<Cut>,
    ) -> Option<Cut> {
        loop {
            let left = admitted.until().unix().saturating_add(1) - clock::now().unix();
            let left = Duration::from_secs(u64::try_from(left).unwrap_or(0)).min(JUDGED_AGAIN);
            tokio::select! {
                biased;
                cut = &mut notice => return cut.ok(),
                () = tokio::time::sleep(left) => {}
                () = service.as_mut() => return None,
            }
            match self.state.current()?.judge_again(admitted.chain()) {
                Ok(Some(again)) => admitted = again,
                Ok(None) => {}
                Err(refusal) => return Some(Cut::own(refusal)),
            }
        }
    }

    async fn serve_http1(&self, stream: TlsStream<TcpStream>, visit: Arc<Visit>, live: &Live) {
        let service = service_fn(|request| Arc::clone(&visit).answer(request));
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(self.limits.header_wait)
                .max_header_size(self.limits.header_octets)
                .max_buf_size(BUFFER_OCTETS)
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades()
        );
        tokio::select! {
            // How a connection ended is the visitor's affair.
            _ = connection.as_mut() => {}
            () = self.drained() => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.as_mut().await;
            }
        }
        if let Some(tunnel) = visit.take_tunnel() {
            live.speaks(Protocol::WebSocket);
            tokio::select! {
                () = tunnel.run() => {}
                () = self.drained() => {}
            }
        }
    }

    async fn serve_http2(&self, stream: TlsStream<TcpStream>, visit: Arc<Visit>) {
        let service = service_fn(|request| Arc::clone(&visit).answer(request));
        let header_octets = u32::try_from(self.limits.header_octets).unwrap_or(u32::MAX);
        let mut connection = pin!(
            http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_concurrent_streams(self.limits.streams)
                .max_header_list_size(header_octets)
                .keep_alive_interval(KEEP_ALIVE)
                .keep_alive_timeout(KEEP_ALIVE)
                .serve_connection(TokioIo::new(stream), service)
        );
        tokio::select! {
            _ = connection.as_mut() => {}
            () = self.drained() => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.as_mut().await;
            }
        }
    }

    /// Returns when the gate is to stop.
    async fn drained(&self) {
        let mut draining = self.draining.clone();
        // An error means that the gate itself is gone.
        let _ = draining.wait_for(|draining| *draining).await;
    }

    /// Reads until the visitor closes. Closing at once would reset the connection, and the alert
    /// that says what is wrong would be lost on the way (tried with Chromium).
    async fn linger(&self, mut stream: TcpStream) {
        let mut scratch = vec![0; 4096];
        let mut left = LINGER_OCTETS;
        let reading = async {
            while let Ok(read @ 1..) = stream.read(&mut scratch).await {
                left = left.saturating_sub(read);
                if left == 0 {
                    break;
                }
            }
        };
        let _ = timeout(self.limits.linger, reading).await;
    }
}

/// Octets held of what a visitor sends over HTTP/1.1 and the upstream has not taken yet.
const BUFFER_OCTETS: usize = 128 * 1024;

/// How often a silent HTTP/2 connection is asked whether it is alive, and how long it may think.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

enum Handshake {
    Done(Box<TlsStream<TcpStream>>),
    /// The alert has been sent.
    Refused(TcpStream, Arc<Verdict>, std::io::Error),
    PlainHttp(TcpStream),
    Gone,
}

type Service<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
