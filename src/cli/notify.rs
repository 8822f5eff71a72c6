//! The service manager: it is told how the service stands (sd_notify(3)), and it passes sockets
//! that listen already (sd_listen_fds(3)). Where there is none, nobody is told and nothing passed.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixDatagram};
use std::time::Duration;

use rustix::net::sockopt;

use super::environment::Service;
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;
use crate::hardening;

/// The way to the service manager.
#[derive(Debug)]
pub(super) struct Notifier {
    socket: Option<UnixDatagram>,
    /// How often it is told that the service lives: twice in the time that it waits for it.
    pulse: Option<Duration>,
}

impl Notifier {
    /// The way that the environment names; none when it names none, or one that leads nowhere.
    #[must_use]
    pub(super) fn new(service: &Service) -> Self {
        let socket = service.notify.as_deref().and_then(|address| match connect(address) {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::warn!(%error, "the service manager cannot be reached");
                None
            }
        });
        Self { socket, pulse: service.watchdog.map(|time| time / 2) }
    }

    /// Everybody who may come in can.
    pub(super) fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={}", Untrusted(status)));
    }

    /// Nobody new comes in; who is there is served to the end.
    pub(super) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// Says again and again that the service lives. Never returns: to be awaited beside the work
    /// whose standing still shall be noticed.
    pub(super) async fn stay_alive(&self) -> Infallible {
        let Some(pulse) = self.pulse else { return std::future::pending().await };
        loop {
            self.tell("WATCHDOG=1");
            tokio::time::sleep(pulse).await;
        }
    }

    /// Never waits: a service manager that does not listen must not hold up the service.
    fn tell(&self, what: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = socket.send(what.as_bytes()) {
            tracing::warn!(%error, "the service manager was not told {what:?}");
        }
    }
}

/// Sockets that listen already, until somebody takes them.
#[derive(Debug, Default)]
pub(super) struct PassedSockets(Vec<PassedSocket>);

#[derive(Debug)]
struct PassedSocket {
    name: String,
    address: SocketAddr,
    listener: TcpListener,
}

impl PassedSockets {
    /// Takes over what the service manager passed to this process. To be called before anything is
    /// opened; what comes later finds none.
    ///
    /// # Errors
    /// One of them is no TCP socket that listens.
    pub(super) fn receive(service: &Service) -> Result<Self, Refusal> {
        let count = u8::try_from(service.sockets.len()).unwrap_or(u8::MAX);
        let descriptors = match count {
            0 => Vec::new(),
            _ => hardening::take_passed_descriptors(count)
                .map_err(|error| Refusal::SocketsNotPassed { reason: error.to_string() })?,
        };
        Self::new(service.sockets.iter().cloned().zip(descriptors))
    }

    fn new(passed: impl Iterator<Item = (String, OwnedFd)>) -> Result<Self, Refusal> {
        let sockets = passed.map(|(name, descriptor)| {
            let no_listener = || Refusal::SocketNotListening { name: Untrusted(&name).to_string() };
            let listens = sockopt::socket_acceptconn(&descriptor).unwrap_or(false);
            let listener = TcpListener::from(descriptor);
            let address = listener.local_addr().ok().filter(|_| listens).ok_or_else(no_listener)?;
            Ok(PassedSocket { name, address, listener })
        });
        sockets.collect::<Result<_, _>>().map(Self)
    }

    /// The socket of this name; else the one that listens at this address.
    pub(super) fn take(&mut self, name: &str, address: SocketAddr) -> Option<TcpListener> {
        let named = self.0.iter().position(|socket| socket.name == name);
        let place = named.or_else(|| self.0.iter().position(|socket| socket.address == address));
        place.map(|place| self.0.swap_remove(place).listener)
    }

    /// Says in the log which sockets nobody took: whoever connects there would wait for ever.
    pub(super) fn close(self) {
        for PassedSocket { name, address, .. } in self.0 {
            tracing::warn!(
                name = %Untrusted(&name),
                %address,
                "a socket that the service manager passed belongs to nothing in the configuration; it is closed"
            );
        }
    }
}

/// A path, or after `@` a name in the abstract namespace.
fn connect(address: &OsStr) -> std::io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    match address.as_bytes().strip_prefix(b"@") {
        Some(name) => socket.connect_addr(&UnixAddress::from_abstract_name(name)?)?,
        None => socket.connect(address)?,
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// A service manager, and the way to it.
    fn manager(watchdog: Option<Duration>) -> (tempfile::TempDir, UnixDatagram, Notifier) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_read_timeout(Some(PATIENCE)).unwrap();
        let service = Service { notify: Some(path.into()), watchdog, ..Service::default() };
        (folder, manager, Notifier::new(&service))
    }

    fn hear(manager: &UnixDatagram) -> String {
        let mut message = [0; 512];
        let length = manager.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    }

    #[test]
    fn the_service_manager_hears_how_the_service_stands() {
        let (_folder, manager, notifier) = manager(None);
        notifier.ready("2 gates\nWATCHDOG=trigger");
        notifier.stopping();
        // A line break in the status would be another message.
        assert_eq!(hear(&manager), "READY=1\nSTATUS=2 gates\\nWATCHDOG=trigger");
        assert_eq!(hear(&manager), "STOPPING=1");
    }

    #[test]
    fn an_abstract_address_is_reached_and_none_is_no_trouble() {
        let name = format!("@sekisho-notify-{}", std::process::id());
        let address = UnixAddress::from_abstract_name(&name.as_bytes()[1..]).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        manager.set_read_timeout(Some(PATIENCE)).unwrap();
        let service = Service { notify: Some(name.into()), ..Service::default() };
        Notifier::new(&service).stopping();
        assert_eq!(hear(&manager), "STOPPING=1");

        Notifier::new(&Service::default()).stopping();
        let nowhere = Service { notify: Some("/nowhere/notify".into()), ..Service::default() };
        Notifier::new(&nowhere).stopping();
    }

    #[test]
    fn a_service_manager_that_does_not_listen_holds_nothing_up() {
        let (_folder, manager, notifier) = manager(None);
        for _ in 0..10_000 {
            notifier.stopping();
        }
        assert_eq!(hear(&manager), "STOPPING=1");
    }

    #[tokio::test]
    async fn the_watchdog_is_fed_twice_in_its_time() {
        let (_folder, manager, notifier) = manager(Some(Duration::from_millis(20)));
        assert_eq!(notifier.pulse, Some(Duration::from_millis(10)));
        let heard = tokio::task::spawn_blocking(move || [hear(&manager), hear(&manager)]);
        tokio::select! {
            never = notifier.stay_alive() => match never {},
            heard = heard => assert_eq!(heard.unwrap(), ["WATCHDOG=1", "WATCHDOG=1"]),
        }
    }

    #[test]
    fn a_gate_takes_the_socket_of_its_name_before_the_one_at_its_address() {
        let (one, other) = (listener(), listener());
        let (at_one, at_other) = (one.local_addr().unwrap(), other.local_addr().unwrap());
        let passed = [("main".to_owned(), one.into()), ("unknown".to_owned(), other.into())];
        let mut sockets = PassedSockets::new(passed.into_iter()).unwrap();
        // Its name is on one socket, and the configuration has the address of the other.
        assert_eq!(sockets.take("main", at_other).unwrap().local_addr().unwrap(), at_one);
        assert!(sockets.take("main", at_one).is_none());
        assert_eq!(sockets.take("publish", at_other).unwrap().local_addr().unwrap(), at_other);
        assert!(sockets.take("publish", at_other).is_none());
    }

    #[test]
    fn what_does_not_listen_is_refused_by_its_name() {
        let (connection, _) = std::os::unix::net::UnixStream::pair().unwrap();
        let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        for descriptor in [OwnedFd::from(connection), OwnedFd::from(datagrams)] {
            let passed = std::iter::once(("main".to_owned(), descriptor));
            let refusal = PassedSockets::new(passed).unwrap_err();
            assert_eq!(refusal, Refusal::SocketNotListening { name: "main".to_owned() });
        }
    }

    fn listener() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").unwrap()
    }
}
