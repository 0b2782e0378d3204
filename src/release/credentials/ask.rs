//! A password manager's answer: what a program prints.
//!
//! Which program it is stands in the credentials file, so only the account that relhook runs as
//! can say so; no policy and no push can.

use crate::secret::{self, LIMIT};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long a password manager may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What it may know of the environment: who it works for, and how to reach an agent of its own.
const KEPT: [&str; 7] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "XDG_RUNTIME_DIR",
    "GNUPGHOME",
];

/// Runs the program, its words parted by blanks and no shell between, and gives what it prints.
///
/// # Errors
/// Why there is no answer; nothing of what the program printed.
pub(super) fn ask(command: &str) -> Result<Zeroizing<String>, String> {
    ask_within(command, PATIENCE)
}

fn ask_within(command: &str, patience: Duration) -> Result<Zeroizing<String>, String> {
    let mut words = command.split_ascii_whitespace();
    let program = words.next().ok_or("`command=` is empty")?;
    if !Path::new(program).is_absolute() {
        return Err("`command=` has to begin with a program's absolute path".into());
    }
    let mut child = Command::new(program)
        .args(words)
        .env_clear()
        .envs(
            KEPT.iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // It could repeat what it knows.
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("its command does not start: {error}"))?;
    let answer = answer(&mut child, patience);
    if answer.is_err() {
        stop(&mut child);
    }
    let answer = answer?;
    let status = child
        .wait()
        .map_err(|error| format!("its command: {error}"))?;
    match status.success() {
        true => Ok(answer),
        false => Err(format!("its command failed ({status})")),
    }
}

/// Everything that the program prints, if it closes its output in time.
fn answer(child: &mut Child, patience: Duration) -> Result<Zeroizing<String>, String> {
    let output = child.stdout.take().ok_or("its command has no output")?;
    let deadline = Instant::now() + patience;
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Zeroizing::new(String::with_capacity(secret::capacity()));
        let read = output.take(LIMIT + 1).read_to_string(&mut text);
        // Nobody listens any more where the time is over.
        let _ = tell.send(read.map(|_| text));
    });
    let text = told
        .recv_timeout(patience)
        .map_err(|_| "its command takes too long")?
        .map_err(|error| format!("its command's answer: {error}"))?;
    if text.len() as u64 > LIMIT {
        return Err(format!("its command says more than {LIMIT} bytes"));
    }
    while child.try_wait().is_ok_and(|ended| ended.is_none()) {
        if Instant::now() > deadline {
            return Err("its command takes too long".into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(text)
}

/// Ends the program and what it started.
fn stop(child: &mut Child) {
    let group = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(text: &str) -> (tempfile::TempDir, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("manager");
        crate::testing::write_program(&path, &format!("#!/bin/sh\n{text}\n"));
        (dir, path.display().to_string())
    }

    #[test]
    fn the_program_gets_its_words_and_no_shell() {
        let (_dir, path) = program("printf 'user=%s\\npassword=%s\\n' \"$1\" \"$2\"");
        let answer = ask(&format!("{path} a;b $HOME")).unwrap();
        assert_eq!(*answer, "user=a;b\npassword=$HOME\n");
    }

    #[test]
    fn a_program_that_fails_hangs_or_talks_on_is_no_answer() {
        let cases = [
            ("echo user=a; exit 3", "failed"),
            ("exec head -c 100000 /dev/zero", "more than"),
            ("printf 'user=\\377'", "answer"),
        ];
        for (text, why) in cases {
            let (_dir, path) = program(text);
            let said = ask(&path).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
        let (_dir, path) = program("echo user=a; sleep 60");
        let begun = Instant::now();
        let said = ask_within(&path, Duration::from_millis(300)).unwrap_err();
        assert!(said.contains("too long"), "{said}");
        assert!(begun.elapsed() < Duration::from_secs(20));
        assert!(ask("manager x").unwrap_err().contains("absolute"));
        assert!(ask("/nonexistent/manager").unwrap_err().contains("start"));
    }

    #[test]
    fn u_12_the_program_sees_nothing_of_ours_but_who_we_are() {
        let (_dir, path) = program("env | sed 's/=.*//' | sort | tr '\\n' ' '");
        let answer = ask(&path).unwrap();
        for name in answer.split_whitespace() {
            let shell = ["PWD", "SHLVL", "_", "OLDPWD"].contains(&name);
            assert!(shell || KEPT.contains(&name), "{name}");
        }
    }
}
