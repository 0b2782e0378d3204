//! `relhook-gate`: the two hooks that a push waits for; and `relhook-lock`, which is the second of
//! them alone, and what comes after a push where nothing is released. They are started in each push,
//! so they are small: no command line to build, nothing of the releaser to load, and for the lock
//! nothing that reads signatures.

use super::after::{after_push, show_then};
use super::{Answer, Stop, pre_receive, reference_transaction, variable};
use crate::decide::Reason;
use crate::types::escape;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// What nothing that is started may see: with the first set, GnuPG's library writes a file wherever
/// it says; in the others a web server may have put the pusher's password.
pub(super) const UNWANTED: [&str; 5] = [
    "GPGME_DEBUG",
    "HTTP_AUTHORIZATION",
    "HTTP_PROXY_AUTHORIZATION",
    "HTTP_COOKIE",
    "HTTP_PROXY",
];

/// What it was started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call<'a> {
    /// Say which version this is.
    Version,
    /// Judge the push on standard input.
    PreReceive,
    /// Judge the transaction of refs on standard input.
    ReferenceTransaction {
        /// git's name for the step.
        phase: &'a [u8],
    },
    /// Do what comes after a push.
    PostReceive,
    /// Wait, then show clones how far the log is.
    ShowSoon,
}

/// Runs the hook that these arguments name, the program's own name left out. What is not a hook of
/// the gate's is refused.
pub fn gate(args: &[OsString]) -> Answer {
    let words: Vec<&[u8]> = args.iter().map(|arg| arg.as_bytes()).collect();
    match call(&words) {
        Some(Call::Version) => version(),
        Some(Call::PreReceive) => match again(args) {
            Some(stop) => stop.refuse(),
            None => pre_receive(std::io::stdin().lock()),
        },
        Some(Call::ReferenceTransaction { phase }) => {
            reference_transaction(phase, std::io::stdin().lock())
        }
        Some(Call::PostReceive) => after_push(),
        Some(Call::ShowSoon) => show_then(),
        None => not_a_hook("gate", &words).refuse(),
    }
}

/// Judges the transaction of refs that these arguments name, or does what comes after a push; the
/// program's own name is left out. What is anything else is refused.
pub fn lock(args: &[OsString]) -> Answer {
    let words: Vec<&[u8]> = args.iter().map(|arg| arg.as_bytes()).collect();
    match call(&words) {
        Some(Call::Version) => version(),
        Some(Call::ReferenceTransaction { phase }) => {
            reference_transaction(phase, std::io::stdin().lock())
        }
        Some(Call::PostReceive) => after_push(),
        Some(Call::ShowSoon) => show_then(),
        Some(Call::PreReceive) | None => not_a_hook("lock", &words).refuse(),
    }
}

fn version() -> Answer {
    crate::ui::emit(concat!("relhook ", env!("CARGO_PKG_VERSION"), "\n"));
    Answer::pass()
}

/// A shell's line in a hook names the hook after `hook`. The kernel, which starts a program by a
/// hook's first line, puts the hook's file after it, then git's own words, and whatever a runner of
/// hooks adds.
fn call<'a>(words: &[&'a [u8]]) -> Option<Call<'a>> {
    match words {
        [b"--version"] => Some(Call::Version),
        [b"hook", b"pre-receive"] | [b"pre-receive", _, ..] => Some(Call::PreReceive),
        [b"hook", b"reference-transaction", phase] | [b"reference-transaction", _, phase, ..] => {
            Some(Call::ReferenceTransaction { phase })
        }
        [b"hook", b"post-receive"] | [b"post-receive", _, ..] => Some(Call::PostReceive),
        [b"hook", b"show-soon"] => Some(Call::ShowSoon),
        _ => None,
    }
}

fn not_a_hook(program: &str, words: &[&[u8]]) -> Stop {
    let shown = escape(&words.join(&b' '));
    Stop::because(Reason::Environment {
        why: format!("the {program} was started as no hook that it knows: `{shown}`"),
    })
}

/// A program could not be started.
pub(super) fn not_started(error: impl std::fmt::Display) -> Stop {
    Stop::because(Reason::Environment {
        why: format!("relhook cannot be started: {error}"),
    })
}

/// Starts this program again without what is unwanted, if any of it is there, in this very process.
/// Comes back when there was none, or with what went wrong.
fn again(args: &[OsString]) -> Option<Stop> {
    let there = |name: &&str| std::env::var_os(OsStr::new(name)).is_some();
    if !UNWANTED.iter().any(there) {
        return None;
    }
    let error = match std::env::current_exe() {
        Ok(own) => {
            let mut command = Command::new(own);
            command.args(args);
            for (name, _) in std::env::vars_os() {
                // A command's environment holds each name once, and would forget that one differs.
                if let Some(values) = name.to_str().and_then(variable) {
                    command.env(&name, OsString::from_vec(values));
                }
            }
            for name in UNWANTED {
                command.env_remove(name);
            }
            command.exec()
        }
        Err(error) => error,
    };
    Some(Stop::because(Reason::Environment {
        why: format!("the environment cannot be cleaned: {error}"),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_hook_of_theirs_is_refused() {
        let refuses = |judge: fn(&[OsString]) -> Answer, words: &[&str]| {
            let args: Vec<OsString> = words.iter().map(OsString::from).collect();
            let answer = judge(&args);
            assert_eq!(answer.exit, 1, "{words:?}");
            assert!(answer.text.contains("RH9"), "{}", answer.text);
        };
        for words in [
            &[][..],
            &["pre-receive"],
            &["hook"],
            &["hook", "pre-push"],
            &["hook", "pre-receive", "x"],
            &["reference-transaction", "prepared"],
            &["reference-transaction", "hooks/reference-transaction"],
            &["--version", "x"],
        ] {
            refuses(gate, words);
            refuses(lock, words);
        }
        refuses(lock, &["pre-receive", "hooks/pre-receive"]);
        refuses(lock, &["hook", "pre-receive"]);
    }

    #[test]
    fn a_hook_is_named_by_a_shell_or_by_the_kernel() {
        let pre_receive = Some(Call::PreReceive);
        assert_eq!(call(&[b"hook", b"pre-receive"]), pre_receive);
        assert_eq!(call(&[b"pre-receive", b"hooks/pre-receive"]), pre_receive);
        let words: [&[u8]; 3] = [b"hook", b"reference-transaction", b"prepared"];
        let transaction = Call::ReferenceTransaction { phase: b"prepared" };
        assert_eq!(call(&words), Some(transaction));
        assert_eq!(call(&[b"post-receive", b"x"]), Some(Call::PostReceive));
        let words: [&[u8]; 3] = [b"reference-transaction", b"hooks/x", b"prepared"];
        assert_eq!(call(&words), Some(transaction));
    }
}
