//! `sekisho revoke` ends every live connection of a certificate, and none of another: HTTP/1.1 that
//! waits for its next request, HTTP/2, WebSockets; a thousand of them, at a running service (I28).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "what a test needs and does not get is its failure"
)]

#[path = "support/appliance.rs"]
mod appliance;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/gate.rs"]
mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use appliance::{Appliance, Client, Configuration};
use desk::{Desk, finish};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use support::{AT_REST, WEBSOCKET, endless, monotonic};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const LOST: usize = 1000;
const KEPT: usize = 50;

/// How long the last of them may live after the command was given: what the issue demands.
const WITHIN: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spoken {
    Http1,
    Http2,
    WebSocket,
}

/// Six in ten wait for their next request; two in ten speak HTTP/2; two in ten are WebSockets.
fn spoken(place: usize) -> Spoken {
    match place % 10 {
        0..6 => Spoken::Http1,
        6..8 => Spoken::Http2,
        _ => Spoken::WebSocket,
    }
}

// Catches a protocol whose connections are in no registry, a cut that waits for the next request,
// and one that takes its neighbours along.
#[test]
fn a_thousand_connections_of_one_certificate_end_within_a_second_and_fifty_of_another_go_on() {
    sekisho::hardening::raise_descriptor_limit().unwrap();
    let (desk, upstream) = (Desk::with_key_file(), endless());
    let lines = "refusal = \"strict\"\nconnections_per_certificate = 2000\n";
    let configuration = Configuration::new().gate("front", &upstream, lines);
    let service = Appliance::start(&desk, &configuration);
    let (lost, kept) = (Client::issue(&desk, "lost"), Client::issue(&desk, "kept"));

    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.unwrap();
    let (ended_in, mut ended) = mpsc::unbounded_channel();
    for (client, count) in [(&lost, LOST), (&kept, KEPT)] {
        let programs = Programs::new(&desk.read("ca/ca.crt"), client);
        runtime.block_on(programs.open(service.gate(0), count, &client.number, &ended_in));
    }
    assert_eq!(live(&desk), [("kept".to_owned(), KEPT), ("lost".to_owned(), LOST)]);
    assert!(ended.try_recv().is_err(), "some ended before anything was revoked");

    let command = desk.sekisho(&["revoke", &lost.number, "--json"]);
    let given = monotonic();
    let ran = finish(command).success();
    let took = given.elapsed();
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    let gate = &told["gates"][0];
    assert_eq!((&gate["cut"], &gate["left"]), (&LOST.into(), &0.into()), "{told}");

    let mut cuts: Vec<Duration> = Vec::new();
    runtime.block_on(async {
        while cuts.len() < LOST {
            let next = tokio::time::timeout(Duration::from_secs(10), ended.recv()).await;
            let (number, at): (String, Instant) =
                next.unwrap_or_else(|_| panic!("{} of {LOST} were cut", cuts.len())).unwrap();
            assert_eq!(number, lost.number, "a connection of another certificate ended");
            cuts.push(at.saturating_duration_since(given));
        }
    });
    cuts.sort_unstable();
    let at = |share: usize| cuts[(LOST * share).div_ceil(100) - 1];
    println!(
        "{LOST} connections; from the command to the end of a connection: p50 {:?}, p99 {:?}, all {:?}; \
         the gate needed {} us of it; `revoke` took {took:?} and printed: {}",
        at(50),
        at(99),
        at(100),
        gate["microseconds"],
        ran.out.trim(),
    );
    assert!(at(100) < WITHIN, "the last was cut after {:?}", at(100));

    assert_eq!(live(&desk), [("kept".to_owned(), KEPT)]);
    assert!(service.visitor(0, &lost).visit().is_err(), "and nobody comes back");
    assert!(service.visitor(0, &kept).visit().unwrap().answer.contains("hello"));
    assert!(ended.try_recv().is_err(), "one of the others was cut as well");
    drop(runtime);
    service.stop();
}

/// How many connections there are of each name, as `sekisho connections` tells it.
fn live(desk: &Desk) -> Vec<(String, usize)> {
    let told = desk.json(&["connections"]);
    let mut count = std::collections::BTreeMap::new();
    for live in told["gates"][0]["connections"].as_array().unwrap() {
        *count.entry(live["name"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    count.into_iter().collect()
}

/// The programs of the holder of one certificate.
struct Programs {
    http1: TlsConnector,
    http2: TlsConnector,
}

impl Programs {
    fn new(root: &str, client: &Client) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(support::certificate(root)).unwrap();
        let chain = CertificateDer::pem_slice_iter(client.identity.certificate.as_bytes());
        let chain: Vec<_> = chain.collect::<Result<_, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_slice(client.identity.key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .unwrap();
        let mut http2 = config.clone();
        http2.alpn_protocols = vec![b"h2".to_vec()];
        Self { http1: Arc::new(config).into(), http2: Arc::new(http2).into() }
    }

    /// Opens that many; each says when it has ended, and whose it was.
    async fn open(
        &self,
        gate: SocketAddr,
        count: usize,
        whose: &str,
        ended: &mpsc::UnboundedSender<(String, Instant)>,
    ) {
        // No more at once than the gate allows one address to begin.
        let few = Arc::new(Semaphore::new(16));
        let mut opening = JoinSet::new();
        for place in 0..count {
            let spoken = spoken(place);
            let connector = match spoken {
                Spoken::Http2 => self.http2.clone(),
                Spoken::Http1 | Spoken::WebSocket => self.http1.clone(),
            };
            let (few, whose, ended) = (Arc::clone(&few), whose.to_owned(), ended.clone());
            opening.spawn(async move {
                let _turn = few.acquire().await.unwrap();
                let stream = TcpStream::connect(gate).await.unwrap();
                let name = "localhost".try_into().unwrap();
                let stream = connector.connect(name, stream).await.unwrap();
                match spoken {
                    Spoken::Http1 => hold(stream, AT_REST, whose, ended).await,
                    Spoken::WebSocket => hold(stream, WEBSOCKET, whose, ended).await,
                    Spoken::Http2 => hold_http2(stream, whose, ended).await,
                }
            });
        }
        while let Some(opened) = opening.join_next().await {
            opened.unwrap();
        }
    }
}

/// Asks once, and then waits for the end.
async fn hold(
    mut stream: TlsStream<TcpStream>,
    (request, until): (&str, &str),
    whose: String,
    ended: mpsc::UnboundedSender<(String, Instant)>,
) {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 1024];
    while !String::from_utf8_lossy(&answer).contains(until) {
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "it ended after {answer:?}");
        answer.extend_from_slice(&buffer[..read]);
    }
    tokio::spawn(async move {
        // However it ends: with a goodbye, without one, with a reset.
        while let Ok(1..) = stream.read(&mut buffer).await {}
        let _ = ended.send((whose, monotonic()));
    });
}

async fn hold_http2(
    stream: TlsStream<TcpStream>,
    whose: String,
    ended: mpsc::UnboundedSender<(String, Instant)>,
) {
    let io = TokioIo::new(stream);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(async move {
        let _ = connection.await;
        let _ = ended.send((whose, monotonic()));
    });
    let request = hyper::Request::get("https://localhost/").body(Empty::<Bytes>::new()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.version(), hyper::Version::HTTP_2);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&body[..], b"hello");
    // A program that may ask again keeps its connection.
    tokio::spawn(async move {
        std::future::pending::<()>().await;
        drop(sender);
    });
}
