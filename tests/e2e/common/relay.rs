//! A relay in front of a server whose protocol nobody can read along: it goes wrong after a chosen
//! number of bytes that were sent to the server, over all its connections.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// Nothing goes to the server any more, and nothing comes back.
    Freeze,
    /// All connections break, once. Later ones work.
    Cut,
}

/// The relay.
pub struct Relay {
    /// Where it listens.
    pub port: u16,
    state: Arc<Mutex<State>>,
    happened: Receiver<()>,
}

struct State {
    /// Bytes sent to the server so far.
    sent: u64,
    plan: Option<(u64, Break)>,
    frozen: bool,
    /// How much later each answer comes.
    late: Duration,
    open: Vec<TcpStream>,
    happened: Sender<()>,
}

impl Relay {
    /// A relay to the server on this port that does nothing wrong.
    pub fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, happened) = channel();
        let state = Arc::new(Mutex::new(State {
            sent: 0,
            plan: None,
            frozen: false,
            late: Duration::ZERO,
            open: Vec::new(),
            happened: sender,
        }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                connect(client, server, &shared);
            }
        });
        Self {
            port,
            state,
            happened,
        }
    }

    /// From now on, whatever the server answers comes so much later.
    pub fn delay(&self, late: Duration) {
        self.state.lock().unwrap().late = late;
    }

    /// From now on, it goes wrong after so many bytes.
    pub fn arm(&self, after: u64, what: Break) {
        while self.happened.try_recv().is_ok() {}
        let mut state = self.state.lock().unwrap();
        state.sent = 0;
        state.plan = Some((after, what));
    }

    /// From now on nothing goes wrong. What is open is closed, and counting begins anew.
    pub fn calm(&self) {
        let mut state = self.state.lock().unwrap();
        state.plan = None;
        state.frozen = false;
        state.sent = 0;
        state.cut();
    }

    /// How many bytes were sent to the server since it was armed or calmed.
    pub fn sent(&self) -> u64 {
        self.state.lock().unwrap().sent
    }

    /// Whether it went wrong within so long a time.
    pub fn went_wrong(&self, within: Duration) -> bool {
        self.happened.recv_timeout(within).is_ok()
    }
}

impl State {
    fn cut(&mut self) {
        for stream in self.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// How much of `bytes` may still go to the server.
    fn allowed(&mut self, bytes: usize) -> usize {
        let Some((after, what)) = self.plan else {
            self.sent += bytes as u64;
            return bytes;
        };
        let left = after.saturating_sub(self.sent);
        if (bytes as u64) < left {
            self.sent += bytes as u64;
            return bytes;
        }
        self.sent = after;
        self.plan = None;
        self.frozen = what == Break::Freeze;
        let _ = self.happened.send(());
        usize::try_from(left).unwrap()
    }
}

fn connect(client: TcpStream, server: u16, shared: &Arc<Mutex<State>>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
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
    std::thread::spawn(move || requests(client, server_too, &up));
    std::thread::spawn(move || answers(server, client_too, &down));
}

fn requests(mut client: TcpStream, mut server: TcpStream, shared: &Mutex<State>) {
    let mut buffer = [0; 8192];
    while let Ok(read) = client.read(&mut buffer) {
        if read == 0 {
            break;
        }
        let (allowed, frozen) = {
            let mut state = shared.lock().unwrap();
            match state.frozen {
                true => (0, true),
                false => (state.allowed(read), state.frozen),
            }
        };
        if server.write_all(&buffer[..allowed]).is_err() {
            break;
        }
        if allowed < read && !frozen {
            shared.lock().unwrap().cut();
            break;
        }
    }
    if !shared.lock().unwrap().frozen {
        let _ = server.shutdown(Shutdown::Write);
    }
}

fn answers(mut server: TcpStream, mut client: TcpStream, shared: &Mutex<State>) {
    let mut buffer = [0; 8192];
    while let Ok(read) = server.read(&mut buffer) {
        if read == 0 {
            break;
        }
        let late = {
            let state = shared.lock().unwrap();
            if state.frozen {
                continue;
            }
            state.late
        };
        std::thread::sleep(late);
        if client.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    if !shared.lock().unwrap().frozen {
        let _ = client.shutdown(Shutdown::Both);
    }
}
