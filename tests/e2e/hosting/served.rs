//! A server process of one test: started on the loopback, waited for, and ended with all that it
//! started.

use crate::common::free_port;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
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

/// A server that can be taken away and comes back on the same port.
pub struct Daemon {
    /// Its port.
    pub port: u16,
    make: Box<dyn Fn(u16) -> Command + Send + Sync>,
    served: Option<Served>,
    log: PathBuf,
}

impl Daemon {
    /// Starts what `make` gives for a free port.
    #[track_caller]
    pub fn start(make: impl Fn(u16) -> Command + Send + Sync + 'static, log: PathBuf) -> Self {
        let (served, port) = Served::on_port(&make, &log);
        Self {
            port,
            make: Box::new(make),
            served: Some(served),
            log,
        }
    }

    /// Ends it at once, in the middle of whatever it does.
    pub fn stops(&mut self) {
        if let Some(mut served) = self.served.take() {
            perish(&mut served.child);
        }
    }

    /// Brings it back.
    #[track_caller]
    pub fn starts(&mut self) {
        let listens = || TcpStream::connect(("127.0.0.1", self.port)).is_ok();
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let mut command = (self.make)(self.port);
            self.served = Served::start(&mut command, Stdio::null(), listens);
            if self.served.is_some() {
                return;
            }
        }
        panic!("the server does not come back:\n{}", read(&self.log));
    }
}

/// Kills a process and all that it started, those too that have left its process group.
pub fn perish(child: &mut Child) {
    let pid = i32::try_from(child.id()).unwrap();
    // It starts no more while they are counted.
    signal(pid, Signal::STOP);
    for below in descendants(pid) {
        signal(below, Signal::KILL);
    }
    signal(pid, Signal::KILL);
    let _ = child.wait();
}

fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        // One that is gone needs no signal.
        let _ = kill_process(pid, signal);
    }
}

/// The processes that a process has started, and those that they have.
pub fn descendants(pid: i32) -> Vec<i32> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(child) = entry.file_name().to_string_lossy().parse::<i32>() else {
            continue;
        };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // Behind the program's name, which may hold anything: the state, and then the parent.
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<i32>().ok());
        parents.extend(parent.map(|parent| (child, parent)));
    }
    let mut found = vec![pid];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        let below = parents.iter().filter(|(_, of)| *of == parent);
        found.extend(below.map(|(child, _)| *child));
        at += 1;
    }
    found.split_off(1)
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
