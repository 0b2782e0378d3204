//! `relhook hook`: what the shims in a repository's `hooks/` folder call.

use super::{Answer, Exit};
use crate::client::pre_push;
use crate::{hook, ui};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Which hook git runs.
#[derive(Debug, clap::Subcommand)]
pub enum HookCommand {
    /// Judge a push
    PreReceive,
    /// Wake the releaser
    PostReceive,
    /// Show clones how far the audit log is
    Publish,
    /// The same, in a moment
    ShowSoon,
    /// Hold protected refs to their verdicts
    ReferenceTransaction {
        /// git's name for the step
        phase: OsString,
    },
    /// Say in a clone what the server will say
    PrePush {
        /// The remote's name, or its URL where it has none
        remote: OsString,
        /// Its URL
        url: OsString,
    },
}

impl HookCommand {
    /// Runs the hook on standard input. What it has to say goes to standard error, where git
    /// picks it up.
    pub fn run(&self) -> Answer {
        let input = std::io::stdin().lock();
        let answer = match self {
            Self::PreReceive => hook::pre_receive(input),
            Self::PostReceive => hook::post_receive(input),
            Self::Publish => hook::publish(),
            Self::ShowSoon => hook::show_then(),
            Self::ReferenceTransaction { phase } => {
                hook::reference_transaction(phase.as_bytes(), input)
            }
            Self::PrePush { remote, url: _ } => {
                let advice = pre_push(Path::new("."), remote, input);
                hook::Answer {
                    text: advice.text,
                    exit: u8::from(advice.stop),
                }
            }
        };
        ui::emit_error(&answer.text);
        let exit = if answer.exit == 0 {
            Exit::Pass
        } else {
            Exit::Refused
        };
        Answer {
            text: String::new(),
            exit,
        }
    }
}
