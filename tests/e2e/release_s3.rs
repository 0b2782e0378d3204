//! Releases to a bucket, on a real store.

use crate::common::ftpd::authority;
use crate::common::s3d::{ACCESS, BUCKET, S3d, SECRET};
use crate::common::tls::{self, Tls};
use crate::release_kit::{Bench, LINK, Log, refused, released, tree};
use relhook::policy::{Addressing, Dress, PathGlobs, S3Switch, S3Target, TargetKind};
use relhook::release::{Adoption, Order, Outcome, place};
use relhook::types::Oid;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// A bucket on this machine.
fn s3(store: &S3d, switch: S3Switch) -> S3Target {
    S3Target {
        endpoint: store.endpoint().parse().unwrap(),
        region: "us-east-1".into(),
        bucket: BUCKET.into(),
        prefix: Some("www".into()),
        addressing: Addressing::Path,
        switch,
        headers: Vec::new(),
        ca: None,
        connections: 4,
    }
}

fn keys(secret: &str) -> String {
    format!("access_key={ACCESS}\nsecret_key={secret}\n")
}

struct Scene {
    bench: Bench,
    store: S3d,
    target: S3Target,
}

impl Scene {
    fn new(switch: S3Switch) -> Self {
        let (bench, store) = (Bench::new(), S3d::start());
        bench.account(&keys(SECRET));
        let target = s3(&store, switch);
        Self {
            bench,
            store,
            target,
        }
    }

    fn order(&self, commit: Oid, sequence: u64) -> Order {
        let kind = TargetKind::S3(self.target.clone());
        self.bench.order(kind, commit, sequence)
    }

    /// What is below the prefix, without the directories and the manifest.
    fn site(&self) -> BTreeMap<String, String> {
        let www = self.store.bucket().join("www");
        let mut files = match www.exists() {
            true => tree(&www),
            false => BTreeMap::new(),
        };
        files.retain(|name, _| !name.ends_with('/') && !name.ends_with(".relhook-manifest.json"));
        files
    }

    fn put(&self, key: &str, content: &str) {
        let file = self.home_file(content);
        let ran = self.store.curl("PUT", key, &["-f", "-T", &file]);
        ran.assert_ok();
    }

    fn home_file(&self, content: &str) -> String {
        let file = self.bench.outside("files").join("body");
        fs::write(&file, content).unwrap();
        file.display().to_string()
    }
}

fn files(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = list.iter();
    pairs
        .map(|(name, content)| ((*name).to_owned(), (*content).to_owned()))
        .collect()
}

const ODD: &str = "odd/a b&c+d%20é#?=~'(1).html";

#[test]
fn u_04_what_differs_travels_and_odd_names_arrive() {
    let mut scene = Scene::new(S3Switch::IndexLast);
    scene.target.headers = vec![Dress {
        paths: PathGlobs::compile(&["assets/**".into()]).unwrap(),
        cache_control: Some("public, max-age=31536000".into()),
        content_type: None,
    }];
    scene.put("www/uploads/theirs", "theirs");
    let first = [
        ("index.html", "<p>1"),
        ("empty", ""),
        (ODD, "odd"),
        ("assets/app.css", "a{}"),
        ("gone/deep/x", "x"),
        ("old-name.txt", "the same content under another name"),
    ];
    let commit = scene.bench.commit(&first);
    let totals = released(scene.bench.release(&scene.order(commit, 1)));
    assert_eq!((totals.uploaded, totals.deleted), (6, 0));
    let mut expected = files(&first);
    expected.insert("uploads/theirs".into(), "theirs".into());
    assert_eq!(scene.site(), expected);
    let index = scene.store.head("www/index.html");
    assert!(
        index.contains("content-type: text/html; charset=utf-8"),
        "{index}"
    );
    let style = scene.store.head("www/assets/app.css");
    assert!(
        style.contains("content-type: text/css; charset=utf-8"),
        "{style}"
    );
    assert!(
        style.contains("cache-control: public, max-age=31536000"),
        "{style}"
    );

    let second = [
        ("index.html", "<p>2"),
        ("empty", ""),
        (ODD, "odd"),
        ("assets/app.css", "a{}"),
        ("gone", "a file where a folder was"),
        ("new-name.txt", "the same content under another name"),
    ];
    let commit = scene.bench.commit(&second);
    let totals = released(scene.bench.release(&scene.order(commit, 2)));
    assert_eq!((totals.unchanged, totals.deleted), (3, 2));
    let mut expected = files(&second);
    expected.insert("uploads/theirs".into(), "theirs".into());
    assert_eq!(scene.site(), expected);
    assert!(matches!(
        scene.bench.release(&scene.order(commit, 2)),
        Ok(Outcome::UpToDate(_))
    ));
}

#[test]
fn what_relhook_did_not_put_there_is_left_alone_until_told() {
    let scene = Scene::new(S3Switch::IndexLast);
    scene.put("www/index.html", "theirs");
    let commit = scene.bench.commit(&[("index.html", "ours"), ("a", "1")]);
    let order = scene.order(commit, 1);
    let said = refused(scene.bench.release(&order), 616);
    assert!(said.contains("index.html"), "{said}");
    assert_eq!(scene.site(), files(&[("index.html", "theirs")]));
    let adopted = scene
        .bench
        .release_with(&order, Adoption::Adopt, &mut Log::default());
    released(adopted);
    assert_eq!(scene.site(), files(&[("a", "1"), ("index.html", "ours")]));
}

#[test]
fn u_20_u_12_what_stops_a_release_says_what_it_is_and_no_secret() {
    let mut scene = Scene::new(S3Switch::IndexLast);
    let commit = scene.bench.commit(&[("index.html", "1")]);
    scene.bench.account(&keys("wrong-secret-wrong"));
    let said = refused(scene.bench.release(&scene.order(commit, 1)), 613);
    assert!(said.contains("SignatureDoesNotMatch"), "{said}");
    assert!(!said.contains("wrong-secret"), "{said}");
    scene.bench.account("secret_key=b\n");
    let said = refused(scene.bench.release(&scene.order(commit, 1)), 610);
    assert!(said.contains("access_key="), "{said}");
    scene.bench.account(&keys(SECRET));
    scene.target.bucket = "elsewhere".into();
    let said = refused(scene.bench.release(&scene.order(commit, 1)), 632);
    assert!(said.contains("`elsewhere`"), "{said}");
    scene.target.bucket = BUCKET.into();
    let link = scene.bench.commit_modes(&[(LINK, b"link", b"index.html")]);
    refused(scene.bench.release(&scene.order(link, 1)), 601);
    let name = scene.bench.commit_modes(&[(0o100_644, b"caf\xe9", b"1")]);
    refused(scene.bench.release(&scene.order(name, 1)), 601);
    assert!(scene.site().is_empty());
    released(scene.bench.release(&scene.order(commit, 1)));
    // A record that is gone is not "nothing released yet".
    let record = "www/.relhook-manifest.json";
    scene.store.curl("DELETE", record, &["-f"]).assert_ok();
    refused(scene.bench.release(&scene.order(commit, 1)), 615);
}

#[test]
fn a_store_is_trusted_by_its_certificate() {
    let (bench, store) = (Bench::new(), S3d::secure());
    bench.account(&keys(SECRET));
    let commit = bench.commit(&[("index.html", "1")]);
    let kind = TargetKind::S3(s3(&store, S3Switch::IndexLast));
    let mut order = bench.order(kind, commit, 1);
    for ca in [None, Some(authority("wrong"))] {
        order.ca = ca;
        refused(bench.release(&order), 612);
    }
    assert!(!store.log().contains(ACCESS));
    order.ca = Some(authority("right"));
    released(bench.release(&order));
}

/// Stands before a store, with TLS, and has each request answered there; but one with a body that was asked about
/// before is told that the store is full as soon as it comes, and cut off.
fn full_for_large_files(store: &S3d) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let behind = store.port;
    let config = tls::config();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut line = tls::over(&config, stream.unwrap());
            std::thread::spawn(move || answer(&mut line, behind));
        }
    });
    port
}

fn answer(line: &mut Tls, behind: u16) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        line.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let fields = head.to_lowercase();
    if fields.contains("\r\nexpect: 100-continue\r\n") {
        line.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
        line.read_exact(&mut [0]).ok()?;
        let body = "<Error><Code>StorageFull</Code><Message>no room</Message></Error>";
        let length = body.len();
        let answer = format!("HTTP/1.1 507 Full\r\nContent-Length: {length}\r\n\r\n{body}");
        // What was not read breaks the connection when it is closed.
        return line.write_all(answer.as_bytes()).ok();
    }
    let length = fields.split("\r\ncontent-length: ").nth(1);
    let length = length.map_or(0, |rest| {
        rest.split("\r\n").next().unwrap().parse().unwrap()
    });
    let mut body = vec![0; length];
    line.read_exact(&mut body).ok()?;
    let mut store = TcpStream::connect(("127.0.0.1", behind)).unwrap();
    let head = head.strip_suffix("\r\n").unwrap();
    write!(store, "{head}connection: close\r\n\r\n").unwrap();
    store.write_all(&body).unwrap();
    let mut answer = Vec::new();
    store.read_to_end(&mut answer).unwrap();
    line.write_all(&answer).ok()?;
    line.conn.send_close_notify();
    line.flush().ok()
}

#[test]
fn u_07_why_a_store_hung_up_in_the_middle_of_a_file_is_told() {
    let scene = Scene::new(S3Switch::IndexLast);
    let port = full_for_large_files(&scene.store);
    // More than waits between two programs.
    let film = "0123456789abcdef".repeat(480 * 1024);
    let commit = scene.bench.commit(&[("film", &film), ("index.html", "1")]);
    let mut target = scene.target.clone();
    target.endpoint = format!("https://localhost:{port}").parse().unwrap();
    let mut order = scene.bench.order(TargetKind::S3(target), commit, 1);
    order.ca = Some(authority("right"));
    let why = refused(scene.bench.release(&order), 614);
    assert!(why.contains("no room"), "{why}");
    // Where there is room, it goes on.
    released(scene.bench.release(&scene.order(commit, 2)));
    assert!(scene.site()["film"] == film);
}

#[test]
fn a_large_file_goes_in_parts_and_what_a_killed_run_left_of_it_is_taken_back() {
    let scene = Scene::new(S3Switch::IndexLast);
    for _ in 0..2 {
        let begun = scene.store.curl("POST", "www/film?uploads=", &[]);
        assert!(begun.text().contains("<UploadId>"), "{begun:?}");
    }
    let other = scene.store.curl("POST", "www/film2?uploads=", &[]);
    assert!(other.text().contains("<UploadId>"), "{other:?}");
    let film = "0123456789abcdef".repeat(40 * 65_536);
    let commit = scene.bench.commit(&[("film", &film), ("index.html", "1")]);
    let totals = released(scene.bench.release(&scene.order(commit, 1)));
    assert_eq!(totals.uploaded, 2);
    assert!(scene.site()["film"] == film);
    let left = scene.store.curl("GET", "?uploads=", &[]).text();
    assert!(left.contains("<Key>www/film2</Key>"), "{left}");
    assert!(!left.contains("<Key>www/film</Key>"), "{left}");
}

/// The release that the pointer names, and what is in it.
fn pointed(scene: &Scene) -> (u64, BTreeMap<String, String>) {
    let all = scene.site();
    let pointer: serde_json::Value = serde_json::from_str(&all["current.json"]).unwrap();
    let prefix = pointer["prefix"].as_str().unwrap();
    let within = all.iter().filter_map(|(name, content)| {
        let name = name.strip_prefix(prefix)?;
        Some((name.to_owned(), content.clone()))
    });
    (pointer["release"].as_u64().unwrap(), within.collect())
}

#[test]
fn each_release_has_a_prefix_and_the_pointer_names_the_one_that_counts() {
    let mut scene = Scene::new(S3Switch::Pointer { keep: 2 });
    scene.put("www/releases/README", "theirs");
    let mut commits = Vec::new();
    for (number, page) in ["1", "2", "3"].into_iter().enumerate() {
        let tree = [("index.html", page), (ODD, "odd"), ("a/same.css", "same")];
        commits.push(scene.bench.commit(&tree));
        let order = scene.order(commits[number], number as u64 + 1);
        let totals = released(scene.bench.release(&order));
        assert_eq!(totals.uploaded, if number == 0 { 3 } else { 1 });
        assert_eq!(pointed(&scene), (number as u64 + 1, files(&tree)));
        let style = scene
            .store
            .head(&format!("www/releases/{}/a/same.css", number + 1));
        assert!(style.contains("content-type: text/css"), "{style}");
    }
    let pointer = scene.store.head("www/current.json");
    assert!(pointer.contains("cache-control: no-cache"), "{pointer}");
    let names: Vec<String> = scene.site().into_keys().collect();
    assert!(
        !names.iter().any(|name| name.starts_with("releases/1")),
        "{names:?}"
    );
    assert!(names.contains(&"releases/2.json".to_owned()), "{names:?}");
    assert!(names.contains(&"releases/README".to_owned()), "{names:?}");
    assert!(
        !names.iter().any(|name| name.contains(".relhook-")),
        "{names:?}"
    );
    assert!(matches!(
        scene.bench.release(&scene.order(commits[2], 3)),
        Ok(Outcome::UpToDate(_))
    ));
    refused(scene.bench.release(&scene.order(commits[1], 2)), 618);
    scene.target.switch = S3Switch::Pointer { keep: 1 };
    let commit = scene.bench.commit(&[("index.html", "4")]);
    released(scene.bench.release(&scene.order(commit, 4)));
    let names: Vec<String> = scene.site().into_keys().collect();
    assert_eq!(
        names,
        [
            "current.json",
            "releases/4.json",
            "releases/4/index.html",
            "releases/README"
        ]
    );
}

/// Notes, as a killed run leaves them, that these releases were being made or taken away.
fn open(scene: &Scene, numbers: &[u64]) {
    let notes = serde_json::json!({
        "schema": "relhook/open-releases/v1",
        "place": place(&TargetKind::S3(scene.target.clone())),
        "numbers": numbers,
    });
    let desk = scene.bench.folder().join("release/site");
    fs::write(desk.join("open-releases.json"), notes.to_string()).unwrap();
}

#[test]
fn d_09_a_release_that_was_begun_is_carried_on_and_nothing_of_it_is_believed() {
    let scene = Scene::new(S3Switch::Pointer { keep: 5 });
    let first = scene.bench.commit(&[("index.html", "1"), ("a", "a")]);
    released(scene.bench.release(&scene.order(first, 1)));
    // As a killed run leaves it: some files, one of them of another content, one that is not wanted.
    open(&scene, &[2]);
    scene.put("www/releases/2/index.html", "2");
    scene.put("www/releases/2/a", "b");
    scene.put("www/releases/2/left/over", "x");
    let tree = [("index.html", "2"), ("a", "a"), ("c", "c")];
    let second = scene.bench.commit(&tree);
    released(scene.bench.release(&scene.order(second, 2)));
    assert_eq!(pointed(&scene), (2, files(&tree)));
    let names: Vec<String> = scene.site().into_keys().collect();
    assert!(!names.iter().any(|name| name.contains("left")), "{names:?}");
    // One that was half taken away is taken away.
    open(&scene, &[1]);
    assert!(matches!(
        scene.bench.release(&scene.order(second, 2)),
        Ok(Outcome::UpToDate(_))
    ));
    let names: Vec<String> = scene.site().into_keys().collect();
    assert!(
        !names.iter().any(|name| name.starts_with("releases/1")),
        "{names:?}"
    );
}

#[test]
fn u_20_a_pointer_that_relhook_did_not_write_is_no_empty_bucket() {
    let scene = Scene::new(S3Switch::Pointer { keep: 5 });
    let commit = scene.bench.commit(&[("index.html", "1")]);
    for bad in [
        "",
        "8",
        "{\"schema\":\"relhook/pointer/v1\",\"release\":8,\"prefix\":\"../8/\",\"commit\":\"0707070707070707070707070707070707070707\"}",
    ] {
        scene.put("www/current.json", bad);
        refused(scene.bench.release(&scene.order(commit, 1)), 615);
    }
    // It is no record, and what it says is not signed: it may say anything.
    let long = "\\u001b[2J".repeat(300);
    scene.put("www/current.json", &format!("{{\"{long}\":1}}"));
    let said = refused(scene.bench.release(&scene.order(commit, 1)), 615);
    assert!(!said.contains('\x1b') && said.len() < 1_000, "{said}");
    let order = scene.order(commit, 1);
    released(
        scene
            .bench
            .release_with(&order, Adoption::Adopt, &mut Log::default()),
    );
    assert_eq!(pointed(&scene), (1, files(&[("index.html", "1")])));
}
