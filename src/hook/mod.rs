//! The hooks: what git asks, from its input to the answer.
//!
//! A push walks read → gather → decide → record → answer, and comes back to no earlier room. Any
//! error on the way refuses the push, with a code.

mod after;
mod arrivals;
mod cosignature;
mod evidence;
mod gate;
mod identity;
mod input;
mod post_receive;
mod pre_receive;
mod process;
mod progress;
mod record;
mod server;
mod stop;
mod transaction;
mod transaction_hook;
mod watch;

#[cfg(test)]
mod glass_tests;

pub use after::show_then;
pub use gate::{gate, lock};
pub use input::{Claimed, InputError, options, updates};
pub use post_receive::{post_receive, publish, tell_people};
pub use pre_receive::pre_receive;
pub use stop::Stop;
pub use transaction::{Step, To, packed_value, step};
pub use transaction_hook::reference_transaction;

use crate::types::Timestamp;

/// What a hook answers: the text for standard error, and its exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Answer {
    /// What the person who pushed sees.
    pub text: String,
    /// 0 lets git go on, 1 refuses.
    pub exit: u8,
}

impl Answer {
    /// Nothing to say, go on.
    pub fn pass() -> Self {
        Self {
            text: String::new(),
            exit: 0,
        }
    }
}

/// The machine's clock, in whole seconds: the only place that reads it.
#[must_use]
pub fn clock() -> Timestamp {
    Timestamp::from_unix(jiff::Timestamp::now().as_second())
}

/// Leaves the ledger to the end of the process, which is near: to close it looks at its file again and
/// gives back memory piece by piece. Everything that was written to it is in its file by then.
pub(in crate::hook) fn leave(ledger: crate::ledger::Ledger) {
    std::mem::forget(ledger);
}

/// A variable of the hook's environment, as bytes.
///
/// An environment can hold one name several times, and which of them counts differs from one reader
/// to the next: the C library takes the first, a shell the last. Values that differ are all given, a
/// line for each, so that no reader of a login takes them for one.
#[must_use]
pub(in crate::hook) fn variable(name: &str) -> Option<Vec<u8>> {
    use std::os::unix::ffi::OsStringExt;
    let values = std::env::vars_os().filter(|(held, _)| held == name);
    every(values.map(|(_, value)| value.into_vec()))
}

/// The one value, or all of them in lines where they differ.
fn every(values: impl Iterator<Item = Vec<u8>>) -> Option<Vec<u8>> {
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    (!seen.is_empty()).then(|| seen.join(&b'\n'))
}

/// The repository's folder, absolute: what git says, or the current folder, where git starts the
/// hooks of a bare repository.
pub(in crate::hook) fn git_dir() -> Result<std::path::PathBuf, Stop> {
    let named = std::env::var_os("GIT_DIR").unwrap_or_else(|| ".".into());
    crate::folder::resolved(std::path::Path::new(&named)).map_err(|error| {
        Stop::because(crate::decide::Reason::Environment {
            why: format!("the repository's folder cannot be found: {error}"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i_14_what_an_environment_holds_twice_is_not_settled_here() {
        let every = |values: &[&str]| {
            let values = values.iter().map(|value| value.as_bytes().to_vec());
            every(values).map(|value| String::from_utf8(value).unwrap())
        };
        assert_eq!(every(&[]), None);
        assert_eq!(every(&["dana"]).unwrap(), "dana");
        assert_eq!(every(&["dana", "dana"]).unwrap(), "dana");
        assert_eq!(every(&["dana", "rita"]).unwrap(), "dana\nrita");
        assert_eq!(every(&["", "dana"]).unwrap(), "\ndana");
    }
}
