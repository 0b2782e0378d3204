//! `relhook explain`: what a code means, with an example and what to do.

use super::{Answer, Failure};
use crate::decide::Code;
use crate::explain::page;
use clap::Args;
use std::fmt::Write;

/// What `relhook explain` is asked for.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The codes, such as RH401
    #[arg(value_name = "CODE", required_unless_present = "list")]
    codes: Vec<String>,
    /// List every code with its title
    #[arg(long, conflicts_with = "codes")]
    list: bool,
}

impl ExplainArgs {
    /// The pages, or the list.
    ///
    /// # Errors
    /// Something that is no code.
    pub fn run(&self) -> anyhow::Result<Answer> {
        if self.list {
            return Ok(Answer::pass(list()));
        }
        let mut pages = Vec::new();
        for text in &self.codes {
            let code: Code = text.parse().map_err(|error| {
                Failure::usage(format!("{error}; relhook explain --list has them all"))
            })?;
            pages.push(page(code));
        }
        Ok(Answer::pass(pages.join("\n")))
    }
}

fn list() -> String {
    let mut text = String::new();
    for code in Code::ALL {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{code}  {}", code.title());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_however_they_are_written() {
        let args = |codes: &[&str]| ExplainArgs {
            codes: codes.iter().map(|&code| code.to_owned()).collect(),
            list: false,
        };
        let one = args(&["RH401"]).run().unwrap().text;
        assert!(one.starts_with("RH401: "), "{one}");
        assert_eq!(args(&["rh401"]).run().unwrap().text, one);
        let two = args(&["RH401", "402"]).run().unwrap().text;
        assert!(two.contains("\n\nRH402: "), "{two}");
        let error = args(&["RH999"]).run().unwrap_err().to_string();
        assert!(error.contains("--list"), "{error}");
    }

    #[test]
    fn the_list_has_every_code_once() {
        assert_eq!(list().lines().count(), Code::ALL.len());
        assert!(list().lines().all(|line| line.len() <= 80));
    }
}
