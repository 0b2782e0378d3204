//! Stores and WebDAV servers that lie, go round in circles or shout. The server here is a script,
//! because no honest one does this.

use crate::release_kit::{Bench, refused, released, tree};
use base64ct::{Base64, Encoding};
use percent_encoding::percent_decode_str;
use relhook::policy::{
    Addressing, Authentication, Replacing, S3Switch, S3Target, TargetKind, Verify, WebdavTarget,
};
use relhook::release::Order;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request: its method, its address, its header fields in lower case, and its body.
#[derive(Debug, Clone, Default)]
struct Asked {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// An answer: status, header fields, body.
type Said = (u16, Vec<(&'static str, String)>, Vec<u8>);

/// A server that answers by a script, and what it was asked.
struct Script {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Script {
    fn play(script: impl Fn(&Asked) -> Said + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (script, heard) = (Arc::new(script), Arc::clone(&asked));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (script, heard) = (Arc::clone(&script), Arc::clone(&heard));
                std::thread::spawn(move || serve(client, &*script, &heard));
            }
        });
        Self { port, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// One request to a connection.
fn serve(mut client: TcpStream, script: &dyn Fn(&Asked) -> Said, heard: &Mutex<Vec<Asked>>) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let mut asked = Asked::default();
    let mut line = String::new();
    if !matches!(reader.read_line(&mut line), Ok(read) if read > 0) {
        return;
    }
    let mut words = line.split(' ');
    asked.method = words.next().unwrap().to_owned();
    let url = url::Url::parse("http://here").unwrap();
    let url = url.join(words.next().unwrap()).unwrap();
    let path = percent_decode_str(url.path()).decode_utf8().unwrap();
    asked.path = path.into_owned();
    asked.query = url.query_pairs().into_owned().collect();
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        let value = value.to_owned();
        asked.headers.insert(name.to_ascii_lowercase(), value);
    }
    let length = asked.headers.get("content-length");
    let length: usize = length.map_or(0, |length| length.parse().unwrap());
    asked.body = vec![0; length];
    reader.read_exact(&mut asked.body).unwrap();
    heard.lock().unwrap().push(asked.clone());
    let (status, headers, body) = script(&asked);
    let mut head = format!("HTTP/1.1 {status} Said\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "content-length") {
        head += &format!("content-length: {}\r\n", body.len());
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    let _ = client.write_all((head + "\r\n").as_bytes());
    if asked.method != "HEAD" {
        let _ = client.write_all(&body);
    }
}

const PASSWORD: &str = "correct-horse-battery";

fn webdav(port: u16, authentication: Authentication) -> (Bench, Order) {
    let bench = Bench::new();
    bench.credentials("dana", PASSWORD);
    let kind = TargetKind::Webdav(WebdavTarget {
        url: format!("http://127.0.0.1:{port}/dav").parse().unwrap(),
        authentication,
        put: Replacing::Beside,
        ca: None,
        connections: 1,
    });
    let order = bench.order(kind, bench.commit(&[("a", "1234")]), 1);
    (bench, order)
}

/// Nothing that was written down holds any of these.
fn kept_clean(bench: &Bench, secrets: &[&str]) {
    for (name, content) in tree(&bench.folder().join("release")) {
        for secret in secrets {
            assert!(!content.contains(secret), "{name}: {content}");
        }
    }
}

#[test]
fn u_17_a_server_whose_every_challenge_is_a_newer_one_is_not_answered_for_ever() {
    let nonce = Mutex::new(0);
    let server = Script::play(move |_| {
        let mut nonce = nonce.lock().unwrap();
        *nonce += 1;
        let challenge = format!(
            "Digest realm=\"r\", nonce=\"{nonce}\", qop=\"auth\", algorithm=SHA-256, stale=true"
        );
        (401, vec![("www-authenticate", challenge)], Vec::new())
    });
    let (bench, order) = webdav(server.port, Authentication::Digest);
    refused(bench.release(&order), 613);
    let said = |one: &Asked| one.headers.contains_key("authorization");
    let answers: Vec<bool> = server.asked().iter().map(said).collect();
    assert_eq!(answers, [false, true, true]);
}

#[test]
fn u_12_a_server_that_repeats_how_we_logged_in_is_not_quoted() {
    for status in [403, 401, 503, 302] {
        let server = Script::play(move |asked| {
            let said = asked.headers.get("authorization").cloned();
            let said = said.unwrap_or_default();
            let to = said.replace(' ', "/");
            let text = format!("you said `Authorization: {said}`");
            (status, vec![("location", to)], text.into_bytes())
        });
        let (bench, order) = webdav(server.port, Authentication::Basic);
        let error = bench.release(&order).unwrap_err().to_string();
        let basic = Base64::encode_string(format!("dana:{PASSWORD}").as_bytes());
        assert!(!error.contains(&basic[..basic.len() - 3]), "{error}");
        assert!(error.contains("repeats a secret"), "{error}");
        kept_clean(&bench, &[&basic, PASSWORD]);
    }
}

#[test]
fn u_12_a_server_that_repeats_the_answer_to_its_challenge_is_not_quoted() {
    let server = Script::play(|asked| match asked.headers.get("authorization") {
        None => {
            let challenge = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256";
            (
                401,
                vec![("www-authenticate", challenge.into())],
                Vec::new(),
            )
        }
        Some(said) => {
            let (_, hash) = said.split_once("response=").unwrap();
            (403, Vec::new(), format!("no {hash}").into_bytes())
        }
    });
    let (bench, order) = webdav(server.port, Authentication::Digest);
    let error = refused(bench.release(&order), 614);
    assert!(error.contains("repeats a secret"), "{error}");
    let asked = server.asked();
    let said = asked
        .iter()
        .find_map(|one| one.headers.get("authorization"));
    let (_, hash) = said.unwrap().split_once("response=\"").unwrap();
    let hash = &hash[..64];
    assert!(!error.contains(hash), "{error}");
    kept_clean(&bench, &[hash]);
}

fn bucket(port: u16, switch: S3Switch) -> TargetKind {
    TargetKind::S3(S3Target {
        endpoint: format!("http://127.0.0.1:{port}").parse().unwrap(),
        region: "us-east-1".into(),
        bucket: "site".into(),
        prefix: Some("www".into()),
        addressing: Addressing::Path,
        switch,
        headers: Vec::new(),
        ca: None,
        connections: 1,
    })
}

/// A bench whose credentials are for a store, with a token.
fn keyed() -> Bench {
    let bench = Bench::new();
    bench.account("access_key=AKIA\nsecret_key=so/secret\nsession_token=to+ken==\n");
    bench
}

/// A page of a listing.
fn listing(keys: &[(String, usize)], next: Option<&str>) -> Said {
    let objects: String = keys
        .iter()
        .map(|(key, size)| format!("<Contents><Key>{key}</Key><Size>{size}</Size></Contents>"))
        .collect();
    let more = match next {
        Some(next) => format!(
            "<IsTruncated>true</IsTruncated><NextContinuationToken>{next}</NextContinuationToken>"
        ),
        None => "<IsTruncated>false</IsTruncated>".into(),
    };
    let text = format!("<ListBucketResult>{objects}{more}</ListBucketResult>");
    (200, Vec::new(), text.into_bytes())
}

fn no_key() -> Said {
    (
        404,
        Vec::new(),
        b"<Error><Code>NoSuchKey</Code></Error>".to_vec(),
    )
}

#[test]
fn u_12_a_store_that_repeats_key_or_token_is_not_quoted() {
    for secret in ["so/secret", "to+ken==", "to%2Bken%3D%3D"] {
        let server = Script::play(move |_| {
            let text = format!("<Error><Code>Odd</Code><Message>with {secret}</Message></Error>");
            (403, Vec::new(), text.into_bytes())
        });
        let bench = keyed();
        let commit = bench.commit(&[("a", "1")]);
        let order = bench.order(bucket(server.port, S3Switch::IndexLast), commit, 1);
        let error = refused(bench.release(&order), 614);
        assert!(!error.contains(secret), "{error}");
        assert!(error.contains("repeats a secret"), "{error}");
        kept_clean(&bench, &[secret]);
    }
}

#[test]
fn u_17_a_listing_that_goes_round_in_a_circle_is_left() {
    let server = Script::play(|asked| match asked.query.get("continuation-token") {
        _ if !asked.query.contains_key("list-type") => no_key(),
        Some(mark) if mark == "a" => listing(&[], Some("b")),
        Some(_) | None => listing(&[], Some("a")),
    });
    let bench = keyed();
    let commit = bench.commit(&[("a", "1")]);
    let kind = bucket(server.port, S3Switch::Pointer { keep: 2 });
    let error = refused(bench.release(&bench.order(kind, commit, 1)), 629);
    assert!(error.contains("does not go on"), "{error}");
    assert!(server.asked().len() < 10);
}

/// A store in memory that computes SHA-256, with whatever else its listings say.
fn memory(
    objects: &Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    more: &'static [(&'static str, &'static str)],
) -> Script {
    let objects = Arc::clone(objects);
    Script::play(move |asked| {
        let mut objects = objects.lock().unwrap();
        let key = asked.path.strip_prefix("/site/").unwrap_or_default();
        if asked.query.contains_key("list-type") {
            let prefix = &asked.query["prefix"];
            let level = asked.query.contains_key("delimiter");
            let within = |key: &str| key.starts_with(prefix.as_str());
            let deep = |key: &str| level && key[prefix.len()..].contains('/');
            let found = objects.iter().filter(|(key, _)| within(key) && !deep(key));
            let mut found: Vec<(String, usize)> =
                found.map(|(key, body)| (key.clone(), body.len())).collect();
            let lies = more.iter().filter(|(asked, _)| *asked == prefix.as_str());
            found.extend(lies.map(|(_, key)| ((*key).to_owned(), 1)));
            return listing(&found, None);
        }
        match asked.method.as_str() {
            "PUT" => {
                let body = match asked.headers.get("x-amz-copy-source") {
                    None => asked.body.clone(),
                    Some(from) => {
                        let from = from.strip_prefix("/site/").unwrap();
                        let from = percent_decode_str(from).decode_utf8().unwrap();
                        objects[&*from].clone()
                    }
                };
                objects.insert(key.to_owned(), body);
                (200, Vec::new(), Vec::new())
            }
            "DELETE" => {
                objects.remove(key);
                (204, Vec::new(), Vec::new())
            }
            _ => match objects.get(key) {
                None => no_key(),
                Some(body) => {
                    let sum = Base64::encode_string(&Sha256::digest(body));
                    let length = body.len().to_string();
                    let headers = vec![("x-amz-checksum-sha256", sum), ("content-length", length)];
                    (200, headers, body.clone())
                }
            },
        }
    })
}

fn objects() -> Arc<Mutex<BTreeMap<String, Vec<u8>>>> {
    Arc::new(Mutex::new(BTreeMap::new()))
}

#[test]
fn u_08_a_listing_that_names_what_was_not_asked_for_removes_nothing() {
    let objects = objects();
    let theirs = b"theirs".to_vec();
    for key in ["index.html", "www/index.html", "www/releases/readme"] {
        objects.lock().unwrap().insert(key.into(), theirs.clone());
    }
    let lies = &[
        ("www/releases/1/", "index.html"),
        ("www/releases/1/", "www/index.html"),
        ("www/releases/1/", "www/releases/readme"),
    ];
    let server = memory(&objects, lies);
    let bench = keyed();
    let commit = bench.commit(&[("a", "1")]);
    let kind = bucket(server.port, S3Switch::Pointer { keep: 2 });
    let order = bench.order(kind, commit, 1);
    for _ in 0..2 {
        let error = refused(bench.release(&order), 629);
        assert!(error.contains("was not asked for"), "{error}");
    }
    let deleted = |one: &Asked| one.method == "DELETE";
    assert!(!server.asked().iter().any(deleted));
}

#[test]
fn u_22_what_a_store_copies_is_compared_by_the_hash_that_it_tells() {
    let objects = objects();
    let server = memory(&objects, &[]);
    let bench = keyed();
    let kind = bucket(server.port, S3Switch::Pointer { keep: 9 });
    let release = |page: &str, sequence: u64| {
        let commit = bench.commit(&[("app.js", "genuine"), ("b", "b"), ("index.html", page)]);
        let mut order = bench.order(kind.clone(), commit, sequence);
        order.target.care.verify = Verify::Quick;
        released(bench.release(&order));
    };
    let holds = |key: &str| {
        let objects = objects.lock().unwrap();
        String::from_utf8(objects[key].clone()).unwrap()
    };
    release("1", 1);
    // Of the same size.
    let evil = b"changed".to_vec();
    let key = "www/releases/1/app.js";
    objects.lock().unwrap().insert(key.to_owned(), evil);
    release("2", 2);
    assert_eq!(holds("www/releases/2/app.js"), "genuine");
    release("3", 3);
    assert_eq!(holds("www/releases/3/app.js"), "genuine");
    let copied = |one: &&Asked| one.headers.contains_key("x-amz-copy-source");
    let asked = server.asked();
    let copied: Vec<&str> = asked
        .iter()
        .filter(copied)
        .map(|one| one.path.as_str())
        .collect();
    assert_eq!(
        copied,
        [
            "/site/www/releases/2/app.js",
            "/site/www/releases/2/b",
            "/site/www/releases/3/app.js",
            "/site/www/releases/3/b"
        ]
    );
}
