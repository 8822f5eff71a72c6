//! There is one door: what is asked of the authority in this process and what is asked over the
//! control socket of a running service has the same answer, and so has what is typed. Strangers and
//! those who speak something else get nowhere, and are in nobody's way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "what a test needs and does not get is its failure"
)]

#[path = "support/appliance.rs"]
mod appliance;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/gate.rs"]
mod support;

use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use appliance::{Appliance, Configuration};
use desk::{Desk, Ran, SEKISHO, copy_folder, finish_peer, is_root, mode, text};
use rcgen::{CertificateParams, KeyPair};
use sekisho::authority::{Authority, DataFolder};
use sekisho::door::command::{
    Command, Handout, Key, Order, Purpose, Renewal, Request, Secret, Selector, Subject,
};
use sekisho::door::frame::{self, COMMAND_LIMIT, PROTOCOL};
use sekisho::door::reply::{Anchor, Bundle, CertificateView, Issued, Message, Reply};
use sekisho::door::{Door, Handler, WireSecret};
use sekisho::ground::clock;
use sekisho::ground::messages::Refusal;
use sekisho::ground::secret::SecretBytes;
use sekisho::pki::Reason;
use sekisho::vault::SlotSecret;
use serde_json::Value;
use support::PATIENCE;

/// A command, and what its answer says, but for times, keys and random numbers.
type Row = (&'static str, fn(&mut Door) -> Result<String, Refusal>);

/// In this order: each row stands on those before it.
const TABLE: [Row; 36] = [
    ("issue three", |door| {
        let orders = vec![order("user1"), escrowed("user2"), order("bad\nname")];
        outcomes(door.issue(orders, Handout::Modern)?)
    }),
    ("issue a server's", |door| {
        let hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let order = Order { purpose: Purpose::Server { hosts }, ..order("localhost") };
        outcomes(door.issue(vec![order], Handout::Modern)?)
    }),
    ("issue for a request", |door| {
        let key = Key::Requested { request: request() };
        outcomes(door.issue(vec![Order { key, ..order("user3") }], Handout::Modern)?)
    }),
    ("issue for what is no request", |door| {
        let key = Key::Requested { request: b"none".to_vec() };
        outcomes(door.issue(vec![Order { key, ..order("user4") }], Handout::Modern)?)
    }),
    ("issue beyond the authority's end", |door| {
        outcomes(door.issue(vec![Order { days: 9000, ..order("user4") }], Handout::Modern)?)
    }),
    ("issue nothing", |door| outcomes(door.issue(Vec::new(), Handout::Modern)?)),
    ("show one", |door| door.show(Selector::Number(2)).map(view)),
    ("show by its name", |door| door.show(Selector::CommonName("user2".to_owned())).map(view)),
    ("show none", |door| door.show(Selector::Number(99)).map(view)),
    ("list", |door| views(door.list(0, 100))),
    ("list a part", |door| views(door.list(2, 2))),
    ("look-alikes", |door| views(door.look_alikes("userl"))),
    ("look-alikes of what is no name", |door| views(door.look_alikes("a\u{202e}b"))),
    ("what was never asked", |door| Ok(format!("{:?}", door.issued_for([7; 32])?))),
    ("export what was kept", |door| door.export(Selector::Number(3), Handout::Modern).map(bundle)),
    ("export for an old program", |door| {
        door.export(Selector::Number(3), Handout::Legacy).map(bundle)
    }),
    ("export what was not kept", |door| {
        door.export(Selector::Number(2), Handout::Modern).map(bundle)
    }),
    ("renew", |door| door.renew(Selector::Number(2), renewal(), Handout::Modern).map(issued)),
    ("renew a second time", |door| {
        door.renew(Selector::Number(2), renewal(), Handout::Modern).map(issued)
    }),
    ("forget a key", |door| door.forget_key(Selector::Number(3)).map(view)),
    ("export what is forgotten", |door| {
        door.export(Selector::Number(3), Handout::Modern).map(bundle)
    }),
    ("revoke", |door| {
        views(
            door.revoke(Selector::Number(3), Reason::KeyCompromise, None, false).map(|r| r.revoked),
        )
    }),
    ("revoke a second time", |door| {
        views(
            door.revoke(Selector::Number(3), Reason::KeyCompromise, None, false).map(|r| r.revoked),
        )
    }),
    ("revoke a lineage", |door| {
        let which = Selector::Text("000002".to_owned());
        views(door.revoke(which, Reason::CessationOfOperation, None, true).map(|r| r.revoked))
    }),
    ("revoke the authority", |door| {
        views(
            door.revoke(Selector::Number(1), Reason::KeyCompromise, None, false).map(|r| r.revoked),
        )
    }),
    ("sign a CRL", |door| door.sign_crl(7).map(|crl| format!("{} entries", crl.entries))),
    ("verify", |door| {
        let (entries, certificates) = door.verify(|_, _| ())?;
        // The service has signed lists of its own.
        assert!(entries > certificates, "{entries}");
        Ok(format!("{certificates} certificates"))
    }),
    ("change the slots with a wrong proof", |door| {
        let wrong = Secret::Passphrase(wire(b"wrong horse battery"));
        let new = Secret::Passphrase(wire(b"correct horse battery"));
        door.change_slots(wrong, vec![new], false).map(|()| "done".to_owned())
    }),
    ("say that the clock is right", |door| door.confirm_clock().map(|()| "done".to_owned())),
    ("copy everything", |door| {
        let mut part = door.begin_backup()?;
        while let Some(next) = part.next {
            part = door.continue_backup(part.backup, next)?;
        }
        door.finish_backup(part.backup)?;
        Ok(format!("all: {}", part.items == part.of))
    }),
    ("say of another copy that it is written", |door| {
        let part = door.begin_backup()?;
        door.finish_backup(part.backup.map(|octet| !octet)).map(|()| "done".to_owned())
    }),
    ("go on with a copy that nobody began", |door| {
        door.continue_backup([0; 16], 1).map(|part| part.items.to_string())
    }),
    ("tell of a restoration", |door| door.restoration().map(|known| format!("{known:?}"))),
    ("reconcile what was not restored", |door| {
        door.reconcile(None).map(|merged| format!("{merged:?}"))
    }),
    ("check an anchor", |door| {
        let anchor = door.export_anchor()?;
        Ok(format!("{:?}", door.check_anchor(anchor)?.standing))
    }),
    ("check an anchor of the future", |door| {
        let anchor = door.export_anchor()?;
        let anchor = Anchor { sequence: anchor.sequence + 1000, ..anchor };
        Ok(format!("{:?}", door.check_anchor(anchor)?.standing))
    }),
];

// Catches a command that one transport forgets, refuses, cuts short or answers differently.
#[test]
fn every_command_has_the_same_answer_in_this_process_and_over_the_socket() {
    let desk = Desk::with_key_file();
    let twin = Desk::new();
    copy_folder(&desk.path("ca"), &twin.path("ca"));
    let configuration = Configuration::new();
    let service = Appliance::start(&desk, &configuration);
    let mut here = Door::here(Box::new(authority(&twin)), "test");
    let mut there = service.door();
    let mut refused = 0;
    for (what, ask) in TABLE {
        let (one, other) = (ask(&mut here), ask(&mut there));
        refused += usize::from(one.is_err());
        // A refusal may name the time of day.
        let [one, other] = [one, other].map(|said| said.map_err(|refusal| refusal.code()));
        assert_eq!(one, other, "{what}");
    }
    assert_eq!(refused, 11, "the refusals are answers as well");
    assert!(matches!(here.status(), Err(Refusal::ServiceNotRunning {})));
    assert!(there.status().unwrap().unsealed);
    drop(there);
    service.stop();
}

// Catches an asking that is repeated after its answer was lost, and issues twice.
#[test]
fn what_is_asked_twice_under_one_key_is_issued_once() {
    let desk = Desk::with_key_file();
    let twin = Desk::new();
    copy_folder(&desk.path("ca"), &twin.path("ca"));
    let service = Appliance::start(&desk, &Configuration::new());
    let mut authority = authority(&twin);
    let asks: [fn() -> Command; 2] = [
        || Command::Issue {
            orders: vec![order("user1"), order("user2")],
            handout: Handout::Modern,
        },
        || Command::Renew {
            which: Selector::Number(2),
            renewal: Renewal { again: true, ..renewal() },
            handout: Handout::Modern,
        },
    ];
    for (key, command) in (1_u8..).zip(asks) {
        let request =
            || Request { actor: "test".to_owned(), idempotency: [key; 16], command: command() };
        let here = [(); 2].map(|()| said(authority.handle(request(), &mut |_, _| ())));
        // Each over a connection of its own, as after a lost one.
        let there = [(); 2].map(|()| said(ask(&service.socket(), &request())));
        assert_eq!(here, there);
        assert!(!here[0].contains("AlreadyAsked"), "{here:?}");
        assert!(here[1].contains("AlreadyAsked"), "{here:?}");
    }
    let list = desk.json(&["list", "--all"]);
    assert_eq!(list["certificates"].as_array().unwrap().len(), 4, "{list}");
    service.stop();
}

// Catches a service that believes a frame's length, reads on after nonsense, or ends with it.
#[test]
fn octets_that_are_no_command_end_their_own_connection_only() {
    let desk = Desk::with_key_file();
    let service = Appliance::start(&desk, &Configuration::new());
    let mut bystander = service.door();
    let authority = service.authority();
    let good = frame::encode(&status_request(), COMMAND_LIMIT).unwrap().to_vec();
    let protocol = PROTOCOL.to_be_bytes();
    let mut other_protocol = good.clone();
    other_protocol[4..6].copy_from_slice(&(PROTOCOL + 1).to_be_bytes());
    let too_long =
        [&u32::try_from(COMMAND_LIMIT + 1).unwrap().to_be_bytes()[..], &protocol].concat();
    let longest = [&[0xff; 4][..], &protocol].concat();
    let nonsense = [&[0, 0, 0, 4][..], &protocol, &[0xff; 4]].concat();
    let empty = [&[0, 0, 0, 0][..], &protocol].concat();
    let mut surplus = good.clone();
    surplus[3] += 1;
    surplus.push(0);
    for (what, octets) in [
        ("another protocol", other_protocol),
        ("too long", too_long),
        ("as long as can be said", longest),
        ("nonsense", nonsense),
        ("nothing", empty),
        ("octets after the command", surplus),
        ("a web browser", b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec()),
    ] {
        // A command before it is answered; one behind it is not.
        let mut stream = connect(&service.socket());
        stream.write_all(&good).unwrap();
        assert!(matches!(reply(&mut stream), Some(Ok(Reply::Status(_)))), "{what}");
        let _ = stream.write_all(&octets).and_then(|()| stream.write_all(&good));
        assert!(reply(&mut stream).is_none(), "{what} was answered");
        bystander.status().unwrap();
    }
    // One who says nothing, and one who stops in the middle, keep nobody waiting.
    let idle: Vec<UnixStream> = (0..8).map(|_| connect(&service.socket())).collect();
    let mut halfway = connect(&service.socket());
    halfway.write_all(&good[..9]).unwrap();
    service.door().status().unwrap();
    drop(halfway);
    bystander.status().unwrap();
    drop(idle);
    drop(bystander);
    assert_eq!(service.authority(), authority, "it is the same process still");
    service.stop();
}

// Catches a socket that asks nobody who they are: whoever may connect could revoke and issue.
#[test]
fn nobody_but_the_configured_users_gives_commands() {
    const ADMIN: u32 = 54321;
    const STRANGER: u32 = 65534;
    let desk = Desk::with_key_file();
    let service = Appliance::start(&desk, &Configuration::new());
    assert_eq!(mode(&service.socket()), 0o600);
    service.stop();
    let lines = format!("key_file = \"ca/vault.key\"\nadmins = [{ADMIN}]\n");
    let service = Appliance::start(&desk, &Configuration::with_authority(&lines));
    assert_eq!(mode(&service.socket()), 0o666, "administrators can connect");
    assert_eq!(mode(&desk.path("ca/vault.key")), 0o600);
    // Other users can only be played by root.
    if is_root() {
        let words = ["list", "--all", "--json"];
        // The folders let nobody else through; that alone is not what it rests on.
        refused(&as_user(&desk, STRANGER, &words));
        for folder in [desk.path("."), desk.path("ca")] {
            std::fs::set_permissions(folder, Permissions::from_mode(0o711)).unwrap();
        }
        refused(&as_user(&desk, STRANGER, &words));
        refused(&as_user(&desk, STRANGER, &["revoke", "000001", "--json"]));
        refused(&as_user(&desk, STRANGER, &["seal"]));
        service.log.wait_for(&["no administrator was refused", "user=65534"]);
        as_user(&desk, ADMIN, &words).success();
        // The ledger names the user at the other end, whatever the caller says of itself.
        let out = desk.path("theirs");
        std::fs::create_dir(&out).unwrap();
        std::fs::set_permissions(&out, Permissions::from_mode(0o777)).unwrap();
        as_user(&desk, ADMIN, &["issue", "client", "user1", "--out", text(&out)]).success();
        service.door().status().unwrap();
    }
    service.stop();
}

// Catches a verb that works on the data itself while a service runs, or that only a service can do.
#[test]
fn the_command_line_says_the_same_with_a_service_and_without() {
    let with = Desk::with_key_file();
    let without = Desk::new();
    copy_folder(&with.path("ca"), &without.path("ca"));
    let service = Appliance::start(&with, &Configuration::new());
    for desk in [&with, &without] {
        desk.write("request.pem", request());
        desk.write("people.csv", "name,person\nclerk1,A\nclerk2,B\n");
    }
    let table: [&[&str]; 16] = [
        &["issue", "client", "user1", "--person", "Hanako", "--out", "."],
        &["issue", "client", "user2", "--escrow", "--pem", "--out", "."],
        &["issue", "client", "user3", "--csr", "request.pem", "--out", "."],
        &["issue", "server", "localhost", "127.0.0.1", "--out", "."],
        &["issue", "client", "--from", "people.csv", "--out", "staff"],
        &["list"],
        &["show", "000003"],
        &["show", "user1"],
        &["renew", "000002", "--out", "."],
        &["export", "000003", "--out", "again"],
        &["forget-key", "000003"],
        &["revoke", "000003", "--reason", "keyCompromise"],
        &["revoke", "000002", "--lineage"],
        &["list", "--all"],
        &["crl", "--out", "."],
        &["verify"],
    ];
    for desk in [&with, &without] {
        std::fs::create_dir(desk.path("again")).unwrap();
        std::fs::create_dir(desk.path("staff")).unwrap();
    }
    for words in table {
        let [one, other] = [&with, &without].map(|desk| lasting(desk, desk.json(words)));
        assert_eq!(one, other, "{words:?}");
        assert_ne!(one, Value::Null, "{words:?}");
    }
    for words in [["show", "000099"], ["revoke", "000003"], ["export", "000002"]] {
        let [one, other] = [&with, &without].map(|desk| desk.ca(&words));
        assert_eq!((one.code, one.error), (other.code, other.error), "{words:?}");
    }
    assert_eq!(desk::names_in(&with.path("staff")), desk::names_in(&without.path("staff")));
    for desk in [&with, &without] {
        assert_eq!(mode(&desk.path("ca/crl.pem")), 0o644);
        let listed = desk.crl_serials(text(&desk.path("crl.pem")));
        assert_eq!(listed.len(), 3, "{listed:?}");
    }
    service.stop();
}

/// A reply for machines without what differs from run to run: times, random numbers, secrets, and
/// where the desk stands.
fn lasting(desk: &Desk, mut reply: Value) -> Value {
    fn strip(value: &mut Value, home: &str) {
        match value {
            Value::Object(fields) => {
                // Of the service alone, and of the time of day.
                for other in ["gates", "crl_number", "crl", "number_of_crl", "entries"] {
                    if !(other == "crl" && fields.contains_key("certificates")) {
                        fields.remove(other);
                    }
                }
                for (name, value) in fields.iter_mut() {
                    let varies = [
                        "serial",
                        "passphrase",
                        "sha256",
                        "not_before",
                        "not_after",
                        "revoked_at",
                        "this_update",
                        "next_update",
                    ];
                    if varies.contains(&name.as_str()) && value.is_string() {
                        *value = Value::Bool(true);
                    }
                    strip(value, home);
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| strip(value, home)),
            Value::String(text) => *text = text.replace(home, "HOME"),
            _ => {}
        }
    }
    strip(&mut reply, text(desk.path(".").parent().unwrap()));
    reply
}

#[track_caller]
fn refused(ran: &Ran) {
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(ran.out, "", "{ran:?}");
    assert!(ran.error.contains("takes no commands from this user"), "{ran:?}");
}

/// The command line of another user of this machine.
fn as_user(desk: &Desk, user: u32, words: &[&str]) -> Ran {
    let mut command = desk.command("setpriv");
    command
        .arg(format!("--reuid={user}"))
        .args(["--regid=65534", "--clear-groups", SEKISHO])
        .args(words)
        .arg("--dir")
        .arg(desk.path("ca"));
    finish_peer("util-linux", command)
}

fn authority(desk: &Desk) -> Authority {
    let folder = DataFolder::new(&desk.path("ca"));
    let (mut authority, _) = Authority::open(&folder, clock::now(), "test").unwrap();
    let key = std::fs::read(desk.path("ca/vault.key")).unwrap();
    authority.unlock(&SlotSecret::KeyFile(SecretBytes::new(key))).unwrap();
    authority
}

fn connect(socket: &Path) -> UnixStream {
    let stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn status_request() -> Request {
    Request { actor: "test".to_owned(), idempotency: [0; 16], command: Command::Status }
}

/// The end of a command's answer; none when the service has closed.
fn reply(stream: &mut impl Read) -> Option<Result<Reply, Refusal>> {
    loop {
        match frame::read(stream, COMMAND_LIMIT) {
            Ok(Some(Message::Progress { .. })) => {}
            Ok(Some(Message::End(outcome))) => return Some(outcome),
            Ok(None) => return None,
            Err(frame::FrameError::Io(error)) => {
                let waits = [std::io::ErrorKind::WouldBlock, std::io::ErrorKind::TimedOut];
                assert!(!waits.contains(&error.kind()), "neither answered nor closed");
                return None;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn ask(socket: &Path, request: &Request) -> Result<Reply, Refusal> {
    let mut stream = connect(socket);
    frame::write(&mut stream, request, COMMAND_LIMIT).unwrap();
    reply(&mut stream).expect("no answer")
}

/// What a reply with certificates says.
fn said(reply: Result<Reply, Refusal>) -> String {
    match reply {
        Ok(Reply::Issued(issued)) => outcomes(issued).unwrap(),
        Ok(Reply::Renewed(renewed)) => issued(renewed),
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => format!("{refusal:?}"),
    }
}

fn outcomes(outcomes: Vec<Result<Issued, Refusal>>) -> Result<String, Refusal> {
    let shown = outcomes.into_iter().map(|outcome| match outcome {
        Ok(one) => issued(one),
        Err(refusal) => format!("{refusal:?}"),
    });
    Ok(shown.collect::<Vec<_>>().join("; "))
}

fn issued(issued: Issued) -> String {
    format!("{} {} {}", issued.number, issued.shortened, bundle(issued.bundle))
}

fn bundle(bundle: Bundle) -> String {
    let key = bundle.key.map(|key| (key.pkcs12.len() > 500, key.passphrase.get().expose().len()));
    format!("{} {} {} {key:?}", bundle.stem, bundle.chain.len(), bundle.root.len() > 200)
}

fn view(view: CertificateView) -> String {
    format!(
        "{} {:?} {:?} {:?} {:?} {:?} {:?} {}",
        view.number,
        view.kind,
        view.state,
        view.revocation.map(|revocation| revocation.reason),
        view.key,
        view.renews,
        view.holder,
        view.sha256.is_some()
    )
}

fn views(views: Result<Vec<CertificateView>, Refusal>) -> Result<String, Refusal> {
    Ok(views?.into_iter().map(view).collect::<Vec<_>>().join("; "))
}

fn order(common_name: &str) -> Order {
    Order {
        subject: Subject {
            common_name: common_name.to_owned(),
            country: "JP".to_owned(),
            organization: "orca".to_owned(),
            unit: None,
        },
        purpose: Purpose::Client,
        days: 30,
        shorten: false,
        key: Key::Generate { algorithm: "p256".to_owned(), escrow: false },
        person: Some("Hanako".to_owned()),
        device: Some("desk 3".to_owned()),
        source: Some("people.csv:2".to_owned()),
        request: None,
    }
}

fn escrowed(common_name: &str) -> Order {
    Order {
        key: Key::Generate { algorithm: "p256".to_owned(), escrow: true },
        ..order(common_name)
    }
}

fn renewal() -> Renewal {
    Renewal {
        days: Some(60),
        key: Key::Generate { algorithm: "p256".to_owned(), escrow: false },
        again: false,
        source: None,
    }
}

fn request() -> Vec<u8> {
    let key = KeyPair::generate().unwrap();
    let request = CertificateParams::default().serialize_request(&key).unwrap();
    request.pem().unwrap().into_bytes()
}

fn wire(octets: &[u8]) -> WireSecret {
    WireSecret::from(SecretBytes::copy_of(octets))
}
