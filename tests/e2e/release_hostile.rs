//! Sites that lie, stumble or shout. The site here is a script, because no honest server does this.

use crate::release_kit::{Bench, ftp, refused, tree};
use relhook::policy::TlsMode;
use relhook::release::Order;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

const PASSWORD: &str = "correct-horse-battery";

/// Starts a site that answers each command by this script; the port, and what it was told.
fn site(
    script: impl Fn(&str) -> Option<&'static str> + Send + Sync + 'static,
) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let told = Arc::new(Mutex::new(Vec::new()));
    let (script, heard) = (Arc::new(script), Arc::clone(&told));
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (script, heard) = (Arc::clone(&script), Arc::clone(&heard));
            std::thread::spawn(move || serve(client, &*script, &heard));
        }
    });
    (port, told)
}

fn serve(
    mut client: TcpStream,
    script: &dyn Fn(&str) -> Option<&'static str>,
    heard: &Mutex<Vec<String>>,
) {
    let mut lines = BufReader::new(client.try_clone().unwrap());
    let data = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut line = String::from("GREETING\r\n");
    loop {
        let command = line.trim_end().to_owned();
        heard.lock().unwrap().push(command.clone());
        let verb = command.split(' ').next().unwrap_or_default().to_owned();
        let epsv = format!("229 go (|||{}|)\r\n", data.local_addr().unwrap().port());
        let usual = match verb.as_str() {
            "GREETING" => "220 hello\r\n",
            "USER" => "331 password\r\n",
            "PASS" => "230 welcome\r\n",
            "CWD" => "250 there\r\n",
            "SIZE" => "550 no such file\r\n",
            "STOR" | "RETR" => "150 go\r\n",
            "MKD" => "257 made\r\n",
            "RNFR" => "350 to\r\n",
            "DELE" | "RNTO" | "RMD" => "250 done\r\n",
            "EPSV" => &epsv,
            _ => "200 fine\r\n",
        };
        let answer = script(&command).unwrap_or(usual).to_owned();
        if client.write_all(answer.as_bytes()).is_err() {
            return;
        }
        if verb == "STOR" && answer.starts_with("150") {
            let (mut stream, _) = data.accept().unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
            let _ = client.write_all(b"226 got it\r\n");
        }
        line.clear();
        if !matches!(lines.read_line(&mut line), Ok(read) if read > 0) {
            return;
        }
    }
}

fn order(port: u16) -> (Bench, Order) {
    let bench = Bench::new();
    bench.credentials("dana", PASSWORD);
    let commit = bench.commit(&[("a", "1234")]);
    let order = bench.order(ftp(port, "/www", TlsMode::Plain, 1), commit, 1);
    (bench, order)
}

#[test]
fn u_17_u_12_an_answer_is_escaped_cut_and_never_repeats_the_password() {
    let (port, _) = site(|command| match command.split(' ').next() {
        Some("PASS") => Some("530 no \x1b[31mcorrect-horse-battery\x07 for you\r\n"),
        _ => None,
    });
    let (bench, one) = order(port);
    let error = refused(bench.release(&one), 613);
    assert!(
        !error.contains(PASSWORD) && !error.contains('\x1b'),
        "{error}"
    );
    for content in tree(&bench.folder().join("release")).values() {
        assert!(!content.contains(PASSWORD), "{content}");
    }

    let (port, _) = site(|command| match command.split(' ').next() {
        Some("PASS") => Some("530-one\r\n530-\x1b]0;owned\x07 two\r\n530 three\r\n"),
        _ => None,
    });
    let (bench, two) = order(port);
    let error = refused(bench.release(&two), 613);
    assert!(!error.contains(['\x1b', '\r', '\n']), "{error}");
}

#[test]
fn u_12_no_answer_to_any_command_repeats_the_password() {
    let basic = "ZGFuYTpjb3JyZWN0LWhvcnNlLWJhdHRlcnk";
    for (verb, answer) in [
        ("SIZE", "500 correct-horse-battery\r\n"),
        ("CWD", "500 correct-horse-battery\r\n"),
        ("STOR", "553 not with correct-horse-battery\r\n"),
        (
            "STOR",
            "553 not with ZGFuYTpjb3JyZWN0LWhvcnNlLWJhdHRlcnk=\r\n",
        ),
        ("STOR", "421 correct-horse-battery\r\n"),
        ("TYPE", "500 correct-horse-battery\r\n"),
        ("GREETING", "421 correct-horse-battery\r\n"),
        ("USER", "500 correct-horse-battery\r\n"),
    ] {
        let (port, _) = site(move |command| match command.split(' ').next() {
            Some(said) if said == verb => Some(answer),
            _ => None,
        });
        let (bench, order) = order(port);
        let error = bench.release(&order).unwrap_err().to_string();
        assert!(error.contains("repeats a secret"), "{verb}: {error}");
        assert!(
            !error.contains(PASSWORD) && !error.contains(basic),
            "{verb}: {error}"
        );
        for content in tree(&bench.folder().join("release")).values() {
            assert!(!content.contains(PASSWORD), "{content}");
        }
    }
}

#[test]
fn u_17_an_answer_without_an_end_ends_the_run() {
    let (port, _) = site(|command| match command {
        "GREETING" => Some(Box::leak(
            format!("220-{}", "x".repeat(4 << 20)).into_boxed_str(),
        )),
        _ => None,
    });
    let (bench, order) = order(port);
    let error = refused(bench.release(&order), 611);
    assert!(error.len() < 1000, "{error}");
}

#[test]
fn u_11_the_site_cannot_send_the_data_to_another_host() {
    let elsewhere = TcpListener::bind("127.0.0.2:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let port = elsewhere.local_addr().unwrap().port();
    for answer in [
        format!("229 go (|1|127.0.0.2|{port}|)\r\n"),
        format!("229 go (||127.0.0.2|{port}|)\r\n"),
        format!("227 go (127,0,0,2,{},{})\r\n", port / 256, port % 256),
    ] {
        let answer: &'static str = answer.leak();
        let (port, told) = site(move |command| (command == "EPSV").then_some(answer));
        let (bench, order) = order(port);
        assert!(bench.release(&order).is_err());
        let told = told.lock().unwrap();
        let asked = |verb: &str| told.iter().any(|line| line.starts_with(verb));
        assert!(
            asked("EPSV") && !asked("PASV") && !asked("PORT") && !asked("STOR"),
            "{told:?}"
        );
        assert!(elsewhere.accept().is_err(), "it connected to another host");
    }
}

#[test]
fn a_record_that_may_not_be_read_is_not_a_first_release() {
    let (port, told) = site(|command| match command {
        "SIZE /www/.relhook-manifest.json" => Some("213 100\r\n"),
        "RETR /www/.relhook-manifest.json" => Some("550 permission denied\r\n"),
        _ => None,
    });
    let (bench, order) = order(port);
    refused(bench.release(&order), 614);
    assert!(
        !told
            .lock()
            .unwrap()
            .iter()
            .any(|line| line.starts_with("STOR"))
    );
}

#[test]
fn a_site_that_cannot_tell_sizes_is_refused_before_anything_is_sent() {
    let (port, told) = site(|command| match command.split(' ').next() {
        Some("SIZE") => Some("502 not here\r\n"),
        _ => None,
    });
    let (bench, order) = order(port);
    let error = refused(bench.release(&order), 614);
    assert!(error.contains("SIZE"), "{error}");
    assert!(
        !told
            .lock()
            .unwrap()
            .iter()
            .any(|line| line.starts_with("STOR"))
    );
}

#[test]
fn a_file_that_arrived_short_is_never_put_into_place() {
    let (port, told) = site(|command| match command {
        size if size.starts_with("SIZE") && size.ends_with(".tmp") => Some("213 3\r\n"),
        _ => None,
    });
    let (bench, order) = order(port);
    refused(bench.release(&order), 619);
    let told = told.lock().unwrap();
    assert!(
        told.iter().filter(|line| line.starts_with("STOR")).count() > 1,
        "{told:?}"
    );
    assert!(
        !told.iter().any(|line| line.starts_with("RNFR")),
        "{told:?}"
    );
}

#[test]
fn what_passes_is_tried_again_and_what_stays_is_not() {
    for (answer, tries, code) in [
        ("421 too many users\r\n", 4, 614),
        ("451 local error\r\n", 4, 614),
        ("426 aborted\r\n", 4, 614),
        ("550 denied\r\n", 1, 614),
        ("552 disk full\r\n", 1, 614),
        ("553 bad name\r\n", 1, 614),
    ] {
        let (port, told) = site(move |command| match command.split(' ').next() {
            Some("STOR") => Some(answer),
            _ => None,
        });
        let (bench, order) = order(port);
        let error = refused(bench.release(&order), code);
        assert!(error.contains(&answer[..3]), "{error}");
        let told = told.lock().unwrap();
        let stores: Vec<&String> = told
            .iter()
            .filter(|line| line.starts_with("STOR"))
            .collect();
        assert_eq!(stores.len(), tries, "{answer}");
        // A name is never used twice: a late writer of an earlier try may still hold it.
        assert_eq!(
            stores
                .iter()
                .collect::<std::collections::BTreeSet<_>>()
                .len(),
            tries
        );
    }
}
