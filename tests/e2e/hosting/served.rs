//! A server process of one test: started on the loopback, waited for, and ended with all that it
//! started.

use crate::common::free_port;
use rustix::process::{Pid, Signal, kill_process_group};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server, ended when this goes out of scope.
#[derive(Debug)]
pub struct Served {
    child: Child,
}

impl Served {
    /// Starts what `make` gives for a free port, and waits until it listens there. Where another
    /// program was faster with the port, another port is tried.
    #[track_caller]
    pub fn on_port(make: impl Fn(u16) -> Command, log: &Path) -> (Self, u16) {
        for _ in 0..5 {
            let port = free_port();
            let listens = || TcpStream::connect(("127.0.0.1", port)).is_ok();
            if let Some(served) = Self::start(&mut make(port), Stdio::null(), listens) {
                return (served, port);
            }
        }
        panic!("the server does not start:\n{}", read(log));
    }

    /// Starts a server that is handed a listening socket as its standard input, as systemd does.
    #[track_caller]
    pub fn activated(command: &mut Command, socket: &Path) -> Self {
        let listener = OwnedFd::from(UnixListener::bind(socket).unwrap());
        Self::start(command, Stdio::from(listener), || true).unwrap()
    }

    /// Starts a server in the foreground, in a process group of its own; `None` where it ends
    /// before it is ready.
    #[track_caller]
    fn start(command: &mut Command, input: Stdio, ready: impl Fn() -> bool) -> Option<Self> {
        let mut bound = Command::new("setpriv");
        // It ends with the test, however that ends.
        bound.args(["--pdeathsig", "TERM", "--"]);
        bound.arg(command.get_program()).args(command.get_args());
        bound.env_clear();
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                bound.env(name, value);
            }
        }
        if let Some(dir) = command.get_current_dir() {
            bound.current_dir(dir);
        }
        let spawned = bound
            .process_group(0)
            .stdin(input)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut served = Self {
            child: spawned.unwrap(),
        };
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if served.child.try_wait().unwrap().is_some() {
                return None;
            }
            if ready() {
                return Some(served);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // A group that is gone needs no signal.
        let _ = kill_process_group(pid.unwrap(), signal);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.signal(Signal::TERM);
        let deadline = Instant::now() + PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

/// A server's log, for a message.
fn read(log: &Path) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
