//! `relhook policy lint`: what is wrong with a policy file.

use super::super::Answer;
use super::file::File;
use crate::policy::{POLICY_FILE, Policy, locks_out, warnings};
use clap::Args;
use std::path::PathBuf;

/// What `relhook policy lint` is asked for.
#[derive(Debug, Args)]
pub struct LintArgs {
    /// The file; `-` reads standard input
    #[arg(value_name = "FILE", default_value = POLICY_FILE)]
    file: PathBuf,
}

impl LintArgs {
    /// Reads it and says what there is to say.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn run(&self) -> anyhow::Result<Answer> {
        Ok(lint(&File::read(&self.file)?))
    }
}

/// What is to say of a sound policy: what is worth a second look all the same.
fn sound(name: &str, policy: &Policy) -> String {
    let mut text = format!("{name}: sound\n");
    for warning in warnings(policy, None) {
        text.push_str(&format!("{name}: warning: {warning}\n"));
    }
    text
}

fn lint(file: &File) -> Answer {
    let name = &file.name;
    match file.policy() {
        Err(errors) => Answer::refused(format!("{errors}\n")),
        Ok(policy) => match locks_out(&policy) {
            Some(why) => Answer::refused(format!("{name}: {why}\n")),
            None => Answer::pass(sound(name, &policy)),
        },
    }
}
