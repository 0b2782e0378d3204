//! A relay in front of a site's control connections that goes wrong at a chosen command.
//!
//! Data connections do not pass through it: EPSV names a port only, and the host is the same. In
//! front of an HTTP server, a command is a request with its body.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// The command does not reach the site, and nothing else does.
    FreezeBefore,
    /// The site carries the command out, and nothing comes back any more.
    FreezeAfter,
    /// The connection breaks before the command reaches the site. Later ones work.
    CutBefore,
    /// The connection breaks before the site's answer comes back. Later ones work.
    CutAfter,
    /// From the command on, so many are answered with "503 Service Unavailable" by the relay.
    Busy(usize),
}

/// What a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speech {
    Lines,
    Http,
}

/// The relay.
pub struct Proxy {
    /// Where it listens.
    pub port: u16,
    state: Arc<Mutex<State>>,
    happened: Receiver<()>,
}

struct State {
    /// Commands so far.
    count: usize,
    /// The number of the command, and what then goes wrong.
    plan: Option<(usize, Mishap)>,
    frozen: bool,
    open: Vec<TcpStream>,
    happened: Sender<()>,
}

impl Proxy {
    /// A relay to `site` that does nothing wrong.
    pub fn before(site: u16) -> Self {
        Self::speaking(Speech::Lines, site)
    }

    /// A relay to an HTTP server without TLS that does nothing wrong.
    pub fn before_http(server: u16) -> Self {
        Self::speaking(Speech::Http, server)
    }

    fn speaking(speech: Speech, site: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, happened) = channel();
        let state = Arc::new(Mutex::new(State {
            count: 0,
            plan: None,
            frozen: false,
            open: Vec::new(),
            happened: sender,
        }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                relay(speech, client, site, &shared);
            }
        });
        Self {
            port,
            state,
            happened,
        }
    }

    /// From now on, the command of this number (from 1) goes wrong.
    pub fn arm(&self, at: usize, mishap: Mishap) {
        while self.happened.try_recv().is_ok() {}
        let mut state = self.state.lock().unwrap();
        state.count = 0;
        state.plan = Some((at, mishap));
    }

    /// From now on nothing goes wrong. What is open is closed.
    pub fn calm(&self) {
        let mut state = self.state.lock().unwrap();
        state.plan = None;
        state.frozen = false;
        state.count = 0;
        for stream in state.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// How many commands there were since it was armed.
    pub fn count(&self) -> usize {
        self.state.lock().unwrap().count
    }

    /// Whether it went wrong within so long a time.
    pub fn went_wrong(&self, within: Duration) -> bool {
        self.happened.recv_timeout(within).is_ok()
    }
}

fn relay(speech: Speech, client: TcpStream, site: u16, shared: &Arc<Mutex<State>>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", site)) else {
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    {
        let mut state = shared.lock().unwrap();
        state.open.push(client.try_clone().unwrap());
        state.open.push(server.try_clone().unwrap());
    }
    let (up, down) = (Arc::clone(shared), Arc::clone(shared));
    let (client_too, server_too) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || commands(speech, client, server_too, &up));
    std::thread::spawn(move || answers(server, client_too, &down));
}

fn commands(speech: Speech, client: TcpStream, mut server: TcpStream, shared: &Mutex<State>) {
    let mut lines = BufReader::new(client.try_clone().unwrap());
    let mut line = Vec::new();
    while command(speech, &mut lines, &mut line).is_some() {
        let wrong = {
            let mut state = shared.lock().unwrap();
            state.count += 1;
            let count = state.count;
            state
                .plan
                .filter(|(at, mishap)| match mishap {
                    Mishap::Busy(times) => (*at..at + times).contains(&count),
                    _ => *at == count,
                })
                .map(|(_, mishap)| mishap)
        };
        match wrong {
            None => {}
            Some(Mishap::FreezeBefore) => {
                freeze(shared);
                return;
            }
            Some(Mishap::FreezeAfter) => shared.lock().unwrap().frozen = true,
            Some(Mishap::CutBefore) => break,
            Some(Mishap::Busy(_)) => {
                let answer = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
                if (&client).write_all(answer).is_err() {
                    break;
                }
                line.clear();
                continue;
            }
            Some(Mishap::CutAfter) => {
                // The answers stop first, so that this one is lost for certain.
                let _ = client.shutdown(Shutdown::Write);
            }
        }
        if server.write_all(&line).is_err() {
            break;
        }
        line.clear();
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}

/// Reads one command, with the body that an HTTP request has; nothing at the end.
fn command(speech: Speech, from: &mut impl BufRead, into: &mut Vec<u8>) -> Option<()> {
    if from.read_until(b'\n', into).ok()? == 0 {
        return None;
    }
    if speech == Speech::Lines {
        return Some(());
    }
    while !into.ends_with(b"\r\n\r\n") {
        if from.read_until(b'\n', into).ok()? == 0 {
            return None;
        }
    }
    let head = String::from_utf8_lossy(into).to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let read = from.take(length.unwrap_or(0)).read_to_end(into).ok()?;
    (read as u64 == length.unwrap_or(0)).then_some(())
}

fn freeze(shared: &Mutex<State>) {
    let mut state = shared.lock().unwrap();
    state.frozen = true;
    let _ = state.happened.send(());
}

fn answers(mut server: TcpStream, mut client: TcpStream, shared: &Mutex<State>) {
    let mut buffer = [0; 4096];
    while let Ok(read) = server.read(&mut buffer) {
        if read == 0 {
            break;
        }
        {
            let state = shared.lock().unwrap();
            if state.frozen {
                let _ = state.happened.send(());
                continue;
            }
        }
        if client.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    if !shared.lock().unwrap().frozen {
        let _ = client.shutdown(Shutdown::Both);
    }
}
