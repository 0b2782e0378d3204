//! Ports for servers under test.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below what the system gives to whoever asks it for any port, so that a server that is stopped
/// for a while finds its port free when it comes back.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port that nobody listens on just now, and that no other test of this run is given. A program
/// outside may still take it before it is used.
#[track_caller]
pub fn free_port() -> u16 {
    // Two runs at once start apart.
    let start = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap();
    let ports = (0..COUNT).map(|_| {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        FIRST + (start + step) % COUNT
    });
    let mut free = ports.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.next().unwrap()
}
