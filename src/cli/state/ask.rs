//! Asking the person at the terminal, or nobody.

use crate::cli::Failure;
use crate::ui;
use std::io::{BufRead, IsTerminal, Read};

/// The longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 1024;

/// Asks a question that only `y` answers with yes.
///
/// # Errors
/// Where there is no terminal to ask on.
pub(super) fn confirmed(question: &str) -> anyhow::Result<bool> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Failure::usage(
            "nobody can be asked here: say --yes if you have looked at it",
        ));
    }
    ui::emit(&format!("\n{question} [y/N] "));
    let mut answer = String::new();
    let mut limited = stdin.lock().take(MAX_ANSWER);
    limited.read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes"))
}
