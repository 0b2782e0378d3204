//! Running a program of the machine: no shell, a clean environment, its input and its time bounded.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a program may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How often is looked whether it has ended.
const PACE: Duration = Duration::from_millis(20);

/// The variables that it keeps. Everything else goes: it may hold what a program is not to see.
const KEPT: [&str; 6] = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ"];

/// Runs a program with `input` on its standard input, and waits for it.
///
/// # Errors
/// When it cannot be started, does not end in time, or ends with another code than 0.
pub(crate) fn run(program: &Path, args: &[String], input: Vec<u8>) -> Result<(), String> {
    let name = program.display();
    let kept = KEPT
        .iter()
        .filter_map(|name| Some((name, std::env::var_os(name)?)));
    let mut child = Command::new(program)
        .args(args)
        .current_dir("/")
        .env_clear()
        .envs(kept)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{name} cannot be started: {error}"))?;
    // What does not fit into the pipe waits for its reader; who reads none of it is judged by the code,
    // or ended when the time is over, and then this ends too.
    if let Some(mut stdin) = child.stdin.take() {
        std::thread::spawn(move || drop(stdin.write_all(&input)));
    }
    wait(&mut child).map_err(|why| format!("{name} {why}"))
}

fn wait(child: &mut Child) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("failed: {status}")),
            Ok(None) if begun.elapsed() >= LIMIT => {
                // It may have ended by itself just now.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("did not end within {} seconds", LIMIT.as_secs()));
            }
            Ok(None) => std::thread::sleep(PACE),
            Err(error) => return Err(format!("cannot be waited for: {error}")),
        }
    }
}
