//! Ports for servers under test.

use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Mutex;

/// Below what the system gives to whoever asks it for any port, so that a server that is stopped
/// for a while finds its port free when it comes back.
const FIRST: u16 = 20_000;

/// How many ports one process takes at a time.
const BLOCK: u16 = 40;

const BLOCKS: u16 = 300;

/// The ports of this process: the sockets that hold its blocks, and what is left of the last one.
static OWN: Mutex<Own> = Mutex::new(Own {
    held: Vec::new(),
    left: Vec::new(),
});

struct Own {
    held: Vec<UnixDatagram>,
    left: Vec<u16>,
}

/// A port that nobody listens on just now, and that no other test is given, of this process or of
/// another one: some tests start themselves again. A program outside may still take it before it
/// is used.
#[track_caller]
pub fn free_port() -> u16 {
    let mut own = OWN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    loop {
        while let Some(port) = own.left.pop() {
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                return port;
            }
        }
        let Some((held, ports)) = block() else {
            panic!("no block of ports is left");
        };
        own.held.push(held);
        own.left = ports;
    }
}

/// A block that no process holds. It is held by a socket with a name in the network's own
/// namespace, as ports are, and goes back when the process ends, however it ends.
fn block() -> Option<(UnixDatagram, Vec<u16>)> {
    (0..BLOCKS).find_map(|block| {
        let name = format!("relhook-test-ports-{block}");
        let address = SocketAddr::from_abstract_name(name).ok()?;
        let held = UnixDatagram::bind_addr(&address).ok()?;
        let first = FIRST + block * BLOCK;
        Some((held, (first..first + BLOCK).rev().collect()))
    })
}
