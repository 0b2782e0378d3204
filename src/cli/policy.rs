//! `relhook policy lint`: what is wrong with a policy file, before anybody approves it.

use super::Answer;
use crate::policy::{MAX_POLICY_BYTES, POLICY_FILE, Policy, locks_out, warnings};
use crate::types::escape;
use anyhow::Context;
use clap::{Args, Subcommand};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What can be done with a policy file.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Say everything that is wrong with a policy file
    Lint(LintArgs),
}

/// What `relhook policy lint` is asked for.
#[derive(Debug, Args)]
pub struct LintArgs {
    /// The file; `-` reads standard input
    #[arg(value_name = "FILE", default_value = POLICY_FILE)]
    file: PathBuf,
}

impl PolicyCommand {
    /// Runs it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn run(&self) -> anyhow::Result<Answer> {
        match self {
            Self::Lint(args) => args.run(),
        }
    }
}

impl LintArgs {
    fn run(&self) -> anyhow::Result<Answer> {
        let (name, bytes) = read(&self.file)?;
        Ok(lint(&name, &bytes))
    }
}

fn read(file: &Path) -> anyhow::Result<(String, Vec<u8>)> {
    let limit = MAX_POLICY_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().take(limit).read_to_end(&mut bytes)?;
        return Ok(("standard input".to_owned(), bytes));
    }
    let name = escape(file.as_os_str().as_bytes());
    let opened = std::fs::File::open(file).with_context(|| format!("{name} cannot be read"))?;
    let read = opened.take(limit).read_to_end(&mut bytes);
    read.with_context(|| format!("{name} cannot be read"))?;
    Ok((name, bytes))
}

/// What is to say of a sound policy: what is worth a second look all the same.
fn sound(name: &str, policy: &Policy) -> String {
    let mut text = format!("{name}: sound\n");
    for warning in warnings(policy, None) {
        text.push_str(&format!("{name}: warning: {warning}\n"));
    }
    text
}

fn lint(name: &str, bytes: &[u8]) -> Answer {
    match Policy::parse(bytes, name) {
        Err(errors) => Answer::refused(format!("{errors}\n")),
        Ok(policy) => match locks_out(&policy) {
            Some(why) => Answer::refused(format!("{name}: {why}\n")),
            None => Answer::pass(sound(name, &policy)),
        },
    }
}
