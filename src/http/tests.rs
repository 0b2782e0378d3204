//! What the layer does with servers that are up to no good, over real sockets.

use super::*;
use std::cell::Cell;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::thread;

/// A server that reads one head and does what `act` does with it. Gives its URL, and what `act` gives at the end.
fn serving<T: Send + 'static>(
    act: impl FnOnce(TcpStream, String) -> T + Send + 'static,
) -> (String, thread::JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
            head.push(byte[0]);
        }
        act(stream, String::from_utf8(head).unwrap())
    });
    (url, served)
}

/// A server that answers with these bytes. Gives its URL, and the head at the end.
fn answering(answer: &'static [u8]) -> (String, thread::JoinHandle<String>) {
    serving(|mut stream, head| {
        // The client may hang up in the middle of an answer that is too large.
        let _ = stream.write_all(answer);
        head
    })
}

/// A server that takes one byte of the body, answers with these bytes and hangs up.
fn impatient(answer: &'static [u8]) -> (String, thread::JoinHandle<()>) {
    serving(|mut stream, _| {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        stream.read_exact(&mut [0]).unwrap();
        stream.write_all(answer).unwrap();
        // What was not read breaks the connection, also for what is still to come.
    })
}

fn brisk() -> Client {
    let second = Duration::from_secs(1);
    let pace = Pace {
        connect: second,
        silence: second,
        whole: second * 5,
    };
    Client::plain(1, pace)
}

fn ask<'a>(method: &'a str, url: &'a str) -> Ask<'a> {
    Ask {
        method,
        url,
        headers: &[],
        body: None,
        sent: &|_| {},
        limit: 100,
    }
}

#[test]
fn a_request_goes_out_as_asked_and_the_answer_comes_back_whole() {
    let (url, served) = answering(
        b"HTTP/1.1 207 Fine\r\nContent-Length: 2\r\nX-One: a\r\nX-Two: b\r\nX-Two: c\r\n\r\nhi",
    );
    let sent = Cell::new(0);
    let answer = brisk()
        .send(&Ask {
            headers: &[("depth", "0")],
            body: Some(b"body"),
            sent: &|count| sent.set(sent.get() + count),
            ..ask("PROPFIND", &url)
        })
        .unwrap();
    assert_eq!((answer.status, &answer.body[..]), (207, &b"hi"[..]));
    assert_eq!(
        (answer.header("x-one"), answer.header("x-two")),
        (Some("a"), None)
    );
    assert_eq!(answer.headers("x-two").collect::<Vec<_>>(), ["b", "c"]);
    let head = served.join().unwrap().to_ascii_lowercase();
    assert!(head.starts_with("propfind /x http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\ndepth: 0\r\n") && head.contains("\r\ncontent-length: 4\r\n"));
    assert!(head.contains("\r\nuser-agent: relhook/"), "{head}");
    assert_eq!(sent.get(), 4);
}

#[test]
fn u_17_answers_are_bounded_and_redirects_stay_unfollowed() {
    let huge = b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n\
        aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        65\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n0\r\n\r\n";
    for answer in [&huge[..], chunked] {
        let (url, served) = answering(answer);
        assert_eq!(
            brisk().send(&ask("GET", &url)).unwrap_err(),
            HttpError::TooLarge(100)
        );
        served.join().unwrap();
    }
    let away =
        b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.invalid/\r\nContent-Length: 0\r\n\r\n";
    let (url, served) = answering(away);
    assert_eq!(brisk().send(&ask("GET", &url)).unwrap().status, 302);
    served.join().unwrap();
}

#[test]
fn u_17_what_is_no_answer_is_an_error_that_names_no_url() {
    let cases: [(&'static [u8], HttpError); 3] = [
        (b"220 ftp.example ready\r\n\r\n", HttpError::Garbled),
        (
            b"HTTP/1.1 200 OK\r\nX: \x1b[2J\x00\r\n\r\n",
            HttpError::Garbled,
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi",
            HttpError::Lost(String::new()),
        ),
    ];
    for (answer, expected) in cases {
        let (url, served) = answering(answer);
        let error = brisk().send(&ask("GET", &url)).unwrap_err();
        served.join().unwrap();
        assert_eq!(
            std::mem::discriminant(&error),
            std::mem::discriminant(&expected),
            "{error:?}"
        );
        assert!(!error.to_string().contains("127.0.0.1"), "{error}");
    }
    let secret = "http://localhost:1/?X-Amz-Signature=abc";
    let error = brisk().send(&ask("GET", secret)).unwrap_err();
    assert!(matches!(error, HttpError::Lost(_)), "{error:?}");
    assert!(!error.to_string().contains("abc"));
    assert_eq!(
        brisk().send(&ask("GET", "http://a b/")).unwrap_err(),
        HttpError::Unusable
    );
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let error = brisk().send(&ask("GET", &url)).unwrap_err();
    assert_eq!(error, HttpError::Lost("no answer in time".into()));
}

/// An answer that says that its body is compressed, and a body.
fn packed(body: &[u8]) -> &'static [u8] {
    let mut answer = format!(
        "HTTP/1.1 207 Fine\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(body);
    answer.leak()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(content).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn an_answer_may_be_compressed_where_that_was_asked_for_alone() {
    let content = [b'a'; 100];
    let body = gzip(&content);
    let (url, served) = answering(packed(&body));
    let headers = &[MAY_COMPRESS];
    let answer = brisk().send(&Ask {
        headers,
        ..ask("PROPFIND", &url)
    });
    assert_eq!(answer.unwrap().body, content);
    let head = served.join().unwrap().to_ascii_lowercase();
    assert!(head.contains("\r\naccept-encoding: gzip\r\n"), "{head}");
    // What is kept compressed is fetched as it is kept.
    let (url, served) = answering(packed(&body));
    assert_eq!(brisk().send(&ask("GET", &url)).unwrap().body, body);
    let head = served.join().unwrap().to_ascii_lowercase();
    assert!(!head.contains("accept-encoding"), "{head}");
}

#[test]
fn u_17_what_unpacks_to_more_than_the_limit_or_was_cut_off_is_no_answer() {
    let headers = &[MAY_COMPRESS];
    let answer = |body: &[u8]| {
        let (url, served) = answering(packed(body));
        let answer = brisk().send(&Ask {
            headers,
            ..ask("PROPFIND", &url)
        });
        served.join().unwrap();
        answer.unwrap_err()
    };
    assert_eq!(answer(&gzip(&[b'a'; 101])), HttpError::TooLarge(100));
    let whole = gzip(b"hello");
    for length in 1..whole.len() {
        assert_eq!(answer(&whole[..length]), HttpError::Packed, "{length}");
    }
}

#[test]
fn an_answer_without_a_body_is_one_whatever_it_says_of_it() {
    let (url, served) = answering(packed(b""));
    let answer = brisk().send(&Ask {
        headers: &[MAY_COMPRESS],
        ..ask("PROPFIND", &url)
    });
    served.join().unwrap();
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.body.len()), (207, 0));
}

#[test]
fn u_07_what_a_server_says_before_it_hangs_up_is_heard() {
    // More than waits between two programs.
    let body = vec![b'a'; 64 * 1024 * 1024];
    let sent = Cell::new(0);
    let put = |answer| {
        sent.set(0);
        let (url, served) = impatient(answer);
        let answer = brisk().send(&Ask {
            body: Some(&body),
            sent: &|count| sent.set(sent.get() + count),
            ..ask("PUT", &url)
        });
        served.join().unwrap();
        assert!(sent.get() < body.len(), "it never went");
        answer
    };
    let full = b"HTTP/1.1 507 Full\r\nContent-Length: 4\r\n\r\nfull";
    let answer = put(full).unwrap();
    assert_eq!((answer.status, &answer.body[..]), (507, &b"full"[..]));
    // What it cannot have is not taken for done.
    let done = &b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"[..];
    for no_answer in [b"", &b"HTTP/1.1 507 Fu"[..], done] {
        let answer = put(no_answer);
        let Err(HttpError::Lost(why)) = answer else {
            panic!("{answer:?}");
        };
        assert_ne!(why, "no answer in time");
    }
    // Nor what it never asked for.
    let (url, served) = answering(done);
    let answer = brisk().send(&Ask {
        body: Some(&body),
        ..ask("PUT", &url)
    });
    served.join().unwrap();
    assert!(matches!(answer, Err(HttpError::Lost(_))), "{answer:?}");
}
