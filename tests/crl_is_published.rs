//! Whoever fetches the CRL gets the newest, whole, and in the form that other programs read; caches
//! never keep it past its end; and nothing else can be had at that address.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "what a test needs and does not get is its failure"
)]

#[path = "support/desk.rs"]
mod desk;
#[path = "support/publisher.rs"]
mod publisher;

use desk::{Desk, eventually, mode, names_in, text};
use publisher::{Published, of_times, sign};
use sekisho::door::figures::Openness;
use sekisho::ground::messages::Refusal;
use sekisho::publisher::{LocalAddress, Settings};

fn anywhere() -> Settings {
    Settings::default().with_listen(([127, 0, 0, 1], 0).into())
}

fn watched() -> Settings {
    anywhere().with_metrics(LocalAddress::Tcp(([127, 0, 0, 1], 0).into()))
}

/// What curl got: the status, the headers in lower case, the body.
struct Fetched {
    status: u16,
    headers: String,
    body: String,
}

impl Fetched {
    fn header(&self, name: &str) -> Option<&str> {
        let line = self.headers.lines().find(|line| line.starts_with(&format!("{name}: ")))?;
        line.split_once(": ").map(|(_, value)| value)
    }
}

fn fetch(desk: &Desk, words: &[&str]) -> Fetched {
    let common = ["--silent", "--show-error", "--path-as-is", "--max-time", "30", "--dump-header"];
    let body = desk.peer("curl", "curl", &[&common, ["headers"].as_slice(), words].concat());
    let headers = desk.read("headers");
    let status = headers.split_whitespace().nth(1).unwrap().parse().unwrap();
    Fetched { status, headers: headers.to_lowercase(), body }
}

#[test]
fn what_curl_fetches_openssl_reads_and_a_revocation_is_on_it_at_once() {
    let desk = Desk::with_key_file();
    desk.ca(&["issue", "client", "user1", "--out", text(&desk.path(""))]).success();
    let published = Published::open(anywhere());
    let download = |path: &str, name: &str| {
        let words = [&published.url(path), "--output", name];
        fetch(&desk, &words.map(|word: &str| word))
    };
    assert_eq!(download("/ca.crl", "early").status, 503, "before the first signature");

    published.publish(sign(&desk, "7"));
    eventually("the first list", || download("/ca.crl", "ca.crl").status == 200);
    for (path, name, media_type) in [
        ("/ca.crl", "ca.crl", "application/pkix-crl"),
        ("/crl.pem", "crl.pem", "application/x-pem-file"),
        ("/ca.crt", "ca.der", "application/pkix-cert"),
        ("/ca.pem", "ca.pem", "application/pem-certificate-chain"),
    ] {
        let fetched = download(path, name);
        assert_eq!(fetched.status, 200, "{path}");
        assert_eq!(fetched.header("content-type"), Some(media_type), "{path}");
        assert_eq!(fetched.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
    let der = ["crl", "-inform", "DER", "-in", "ca.crl", "-noout", "-CAfile", "ca.pem", "-text"];
    assert!(desk.openssl(&der).contains("verify OK"));
    assert!(
        desk.openssl(&["x509", "-inform", "DER", "-in", "ca.der", "-noout", "-subject"])
            .contains("Sekisho CA")
    );
    assert_eq!(desk.crl_serials("crl.pem"), Vec::<String>::new());

    desk.ca(&["revoke", "user1"]).success();
    published.publish(sign(&desk, "7"));
    eventually("the revocation on the list", || {
        download("/crl.pem", "crl.pem");
        desk.crl_serials("crl.pem").len() == 1
    });
}

#[test]
fn caches_ask_again_in_time_and_get_no_bytes_they_have() {
    let desk = Desk::with_key_file();
    let published = Published::open(anywhere());
    let crl = sign(&desk, "7");
    published.publish(of_times(crl.clone(), -100, 7 * 86_400));
    let url = published.url("/ca.crl");
    eventually("the list", || fetch(&desk, &["--output", "x", &url]).status == 200);
    let fetched = fetch(&desk, &["--output", "x", &url]);
    let (tag, modified) =
        (fetched.header("etag").unwrap(), fetched.header("last-modified").unwrap());
    assert_eq!(fetched.header("cache-control"), Some("max-age=60"));

    let headers = desk.read("headers");
    let exact = |name: &str| {
        let line = headers.lines().find(|line| line.to_lowercase().starts_with(name)).unwrap();
        line.split_once(": ").unwrap().1.trim().to_owned()
    };
    let modified_exact = exact("last-modified");
    assert_eq!(modified_exact.to_lowercase(), modified);
    for (condition, status) in [
        (format!("If-None-Match: {tag}"), 304),
        (format!("If-None-Match: \"other\", W/{tag}"), 304),
        ("If-None-Match: *".to_owned(), 304),
        ("If-None-Match: \"other\"".to_owned(), 200),
        (format!("If-Modified-Since: {modified_exact}"), 304),
        ("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT".to_owned(), 200),
        ("If-Modified-Since: yesterday".to_owned(), 200),
    ] {
        let fetched = fetch(&desk, &["--output", "x", "--header", &condition, &url]);
        assert_eq!(fetched.status, status, "{condition}");
        assert_eq!(fetched.header("etag"), Some(tag), "{condition}");
    }
    let length = crl.der.len().to_string();
    let head = fetch(&desk, &["--output", "x", "--head", &url]);
    assert_eq!((head.status, head.header("content-length")), (200, Some(length.as_str())));

    // Catches a list that is kept by caches after it ended.
    published.publish(of_times(crl.clone(), -100, 20));
    let kept = || {
        let fetched = fetch(&desk, &["--output", "x", &url]);
        let kept = fetched.header("cache-control").unwrap().to_owned();
        kept.strip_prefix("max-age=").map(|seconds| seconds.parse::<u32>().unwrap())
    };
    eventually("a bound before the end", || kept().is_some_and(|seconds| seconds <= 20));
    published.publish(of_times(crl, -100, -1));
    eventually("nothing is kept past the end", || kept().is_none());
}

#[test]
fn nothing_else_can_be_had() {
    let desk = Desk::with_key_file();
    let published = Published::open(watched());
    published.publish(sign(&desk, "7"));
    for path in [
        "/",
        "/ca.crl/",
        "//ca.crl",
        "/CA.CRL",
        "/ca.crl%00",
        "/../../etc/passwd",
        "/%2e%2e/vault",
        "/metrics",
        "/healthz",
        "/vault",
        "/ca.crt.bak",
    ] {
        let fetched = fetch(&desk, &["--output", "x", &published.url(path)]);
        assert_eq!(fetched.status, 404, "{path}");
    }
    for path in ["/", "/ca.crl", "/metrics/x", "/debug"] {
        let fetched = fetch(&desk, &["--output", "x", &published.metrics_url(path)]);
        assert_eq!(fetched.status, 404, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"] {
        let url = published.url("/ca.crl");
        let fetched = fetch(&desk, &["--output", "x", "--request", method, &url]);
        assert_eq!((fetched.status, fetched.header("allow")), (405, Some("get, head")), "{method}");
    }
}

#[test]
fn the_files_are_the_newest_documents_whole() {
    let desk = Desk::with_key_file();
    let folder = desk.path("public");
    let published = Published::open(anywhere().with_folder(folder.clone()));
    assert_eq!(names_in(&folder), Vec::<String>::new());
    let first = sign(&desk, "7");
    published.publish(first.clone());
    eventually("the first files", || names_in(&folder) == ["ca.crl", "ca.crt", "crl.pem"]);
    assert_eq!(std::fs::read(folder.join("ca.crl")).unwrap(), first.der);
    let second = sign(&desk, "7");
    assert!(second.number > first.number);
    published.publish(second.clone());
    eventually("the second list", || std::fs::read(folder.join("ca.crl")).unwrap() == second.der);
    eventually("nothing half written", || names_in(&folder).len() == 3);
    for name in ["ca.crl", "crl.pem", "ca.crt"] {
        assert_eq!(mode(&folder.join(name)), 0o644, "{name}");
    }
    let check = ["crl", "-in", "public/crl.pem", "-noout", "-CAfile", "public/ca.crt"];
    assert!(desk.openssl(&check).contains("verify OK"));
}

// Catches a disk that is full, or a folder in the way, that nobody hears of.
#[test]
fn files_that_cannot_be_written_are_told_and_keep_nobody_from_the_list() {
    let desk = Desk::with_key_file();
    let folder = desk.path("public");
    let published = Published::open(watched().with_folder(folder.clone()));
    std::fs::create_dir(folder.join("crl.pem")).unwrap();
    let crl = sign(&desk, "7");
    published.publish(crl.clone());
    let list = published.url("/crl.pem");
    eventually("the list", || fetch(&desk, &["--output", "x", &list]).status == 200);
    let ready = || {
        let fetched = fetch(&desk, &[&published.metrics_url("/readyz")]);
        (fetched.status, fetched.body)
    };
    eventually("the complaint", || ready() == (503, "files-behind\n".to_owned()));
    std::fs::remove_dir(folder.join("crl.pem")).unwrap();
    published.publish(crl);
    eventually("readiness", || ready().0 == 200);
    assert_eq!(names_in(&folder), ["ca.crl", "ca.crt", "crl.pem"]);
}

// Catches a service that starts although nobody will ever find the list in its folder.
#[test]
fn a_folder_that_the_publisher_may_not_write_to_is_refused_with_what_to_do() {
    let desk = Desk::with_key_file();
    let folder = desk.path("public");
    std::fs::create_dir(&folder).unwrap();
    // Root may write everywhere; of another's folder it is told all the same.
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&folder, Some(54_321), None).unwrap();
    } else {
        let read_only = std::os::unix::fs::PermissionsExt::from_mode(0o555);
        std::fs::set_permissions(&folder, read_only).unwrap();
    }
    let refused = Published::begin(anywhere().with_folder(folder.clone()), &[]).err().unwrap();
    assert!(matches!(refused, Refusal::PublishFolderNotOurs { .. }), "{refused}");
    let user = rustix::process::geteuid().as_raw();
    assert!(refused.to_string().contains(&format!("chown {user} {}", text(&folder))), "{refused}");
}

// Catches a publisher that calls itself ready with a list that everybody refuses.
#[test]
fn those_who_watch_learn_of_an_old_list_and_of_closed_gates() {
    let desk = Desk::with_key_file();
    let published = Published::with_gates(watched(), &["api", "main"]);
    let ready = || {
        let fetched = fetch(&desk, &[&published.metrics_url("/readyz")]);
        (fetched.status, fetched.body)
    };
    let gates_are = |api, main| {
        published.gate_is("api", api);
        published.gate_is("main", main);
    };
    assert_eq!(fetch(&desk, &[&published.metrics_url("/healthz")]).body, "alive\n");
    let expected = "gate-closed api\ngate-closed main\nno-crl\n";
    assert_eq!(ready(), (503, expected.to_owned()), "nobody has said anything");
    let crl = sign(&desk, "7");
    published.publish(crl.clone());
    eventually("readiness", || {
        gates_are(Openness::Open, Openness::Open);
        ready() == (200, "ready\n".to_owned())
    });
    published.publish(of_times(crl, -600, -60));
    let expected = "feed-stale api\ngate-closed main\ncrl-expired\n";
    eventually("all that is in the way", || {
        gates_are(Openness::Stale, Openness::Closed);
        ready() == (503, expected.to_owned())
    });
    // Whoever says no more is as good as closed.
    let expected = "gate-closed api\ngate-closed main\ncrl-expired\n";
    eventually("the silence is noticed", || ready() == (503, expected.to_owned()));
    assert_eq!(fetch(&desk, &[&published.metrics_url("/healthz")]).status, 200);
}

#[test]
fn the_figures_are_openmetrics_over_tcp_and_over_a_socket() {
    let desk = Desk::with_key_file();
    let socket = desk.path("metrics.sock");
    // Left by a process that was killed.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let over_socket = Published::open(anywhere().with_metrics(LocalAddress::Unix(socket.clone())));
    let over_tcp = Published::open(watched());
    let tcp = over_tcp.metrics_url("/metrics");
    let by_socket = ["--unix-socket", text(&socket), "http://localhost/metrics"];
    for (published, words) in [(&over_socket, by_socket.as_slice()), (&over_tcp, &[tcp.as_str()])] {
        published.publish(of_times(sign(&desk, "7"), -100, 86_400));
        let list = published.url("/ca.crl");
        eventually("the list", || fetch(&desk, &["--output", "x", &list]).status == 200);
        fetch(&desk, &["--output", "x", &published.url("/nothing")]);
        let fetched = fetch(&desk, words);
        let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert_eq!(fetched.header("content-type"), Some(media_type));
        assert!(fetched.body.ends_with("# EOF\n"), "{}", fetched.body);
        let figure = |name: &str| {
            let line = fetched.body.lines().find(|line| line.starts_with(name));
            let line = line.unwrap_or_else(|| panic!("no {name} in {}", fetched.body));
            line.rsplit(' ').next().unwrap().parse::<i64>().unwrap()
        };
        assert!((100..200).contains(&figure("sekisho_crl_age_seconds ")));
        assert!((86_000..=86_400).contains(&figure("sekisho_crl_left_seconds ")));
        assert!(figure("sekisho_crl_number ") >= 1);
        let requests = "sekisho_publisher_requests_total";
        assert!(figure(&format!("{requests}{{path=\"/ca.crl\",status=\"200\"}}")) >= 1);
        assert_eq!(figure(&format!("{requests}{{path=\"other\",status=\"404\"}}")), 1);
    }
    assert_eq!(mode(&socket), 0o660);
    drop(over_socket);
    assert!(!socket.exists());
}
