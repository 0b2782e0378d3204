//! A relay in front of a site's control connections that goes wrong at a chosen command.
//!
//! Data connections do not pass through it: EPSV names a port only, and the host is the same.

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
                relay(client, site, &shared);
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

    /// Whether it went wrong within so long a time.
    pub fn went_wrong(&self, within: Duration) -> bool {
        self.happened.recv_timeout(within).is_ok()
    }
}

fn relay(client: TcpStream, site: u16, shared: &Arc<Mutex<State>>) {
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
    std::thread::spawn(move || commands(client, server_too, &up));
    std::thread::spawn(move || answers(server, client_too, &down));
}

fn commands(client: TcpStream, mut server: TcpStream, shared: &Mutex<State>) {
    let mut lines = BufReader::new(client.try_clone().unwrap());
    let mut line = Vec::new();
    while matches!(lines.read_until(b'\n', &mut line), Ok(read) if read > 0) {
        let wrong = {
            let mut state = shared.lock().unwrap();
            state.count += 1;
            state
                .plan
                .filter(|(at, _)| *at == state.count)
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
