//! Running programs with nothing of the machine's own settings.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A command whose environment holds only what every test needs.
pub fn command(program: &str, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("xdg"))
        .env("GIT_CONFIG_GLOBAL", home.join(".gitconfig"))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .env("TERM", "dumb")
        .stdin(Stdio::null());
    command
}

/// What a program did.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Its exit code; -1 where a signal ended it.
    pub code: i32,
    /// Its standard output.
    pub out: Vec<u8>,
    /// Its standard error.
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            out: output.stdout,
        }
    }
}

impl Ran {
    /// Its standard output as text, without the last line break.
    #[track_caller]
    pub fn text(&self) -> String {
        self.assert_ok();
        String::from_utf8_lossy(&self.out).trim_end().to_owned()
    }

    /// Fails the test unless it exited 0.
    #[track_caller]
    pub fn assert_ok(&self) -> &Self {
        assert_eq!(
            self.code,
            0,
            "{}\n{}",
            self.err,
            String::from_utf8_lossy(&self.out)
        );
        self
    }
}

/// Copies a program to where a test runs it. Another process does it: what other tests start meanwhile
/// would inherit the copy as a file that is still written to, and then it cannot be run.
#[track_caller]
pub fn copy_program(from: &str, to: &Path) {
    let mut copy = command("cp", Path::new("/"));
    run(copy.arg(from).arg(to)).assert_ok();
}

/// Writes a program that a test runs; by another process, as [`copy_program`] does.
#[track_caller]
pub fn write_program(path: &Path, text: impl AsRef<[u8]>) {
    let mut write = command("sh", Path::new("/"));
    write.args(["-c", "cat >\"$0\" && chmod 755 \"$0\""]);
    run_with(write.arg(path), text.as_ref()).assert_ok();
}

/// Runs a command to its end.
#[track_caller]
pub fn run(command: &mut Command) -> Ran {
    command.output().unwrap().into()
}

/// Runs a command to its end with `input` on its standard input.
#[track_caller]
pub fn run_with(command: &mut Command, input: &[u8]) -> Ran {
    use std::io::Write;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // A program that does not read all of it is not at fault here.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output.into()
}
