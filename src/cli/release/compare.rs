//! `relhook release --target <name> --compare`: what is there, before anything is touched.

use super::chosen;
use super::work::stopped;
use crate::cli::{Answer, Exit};
use crate::release::{Comparison, compare, forbid_core_files};
use crate::server::Server;
use crate::types::{RepoPath, TargetName};
use std::fmt::Write;
use std::path::Path;

/// How many paths of each sort are shown.
const SHOWN: usize = 20;

/// Compares the targets with what was accepted for them.
pub(super) fn by_hand(dir: &Path, only: Option<&str>) -> anyhow::Result<Answer> {
    forbid_core_files()?;
    let server = Server::around(dir)?;
    let mut answer = Answer::pass("");
    for name in &chosen(&server.bundle()?, only)? {
        match compare(server.setting(), name, &server.orders()) {
            Ok(None) => {
                let _ = writeln!(answer.text, "{name}: nothing was accepted for it yet");
            }
            Ok(Some((order, comparison))) => {
                let _ = writeln!(
                    answer.text,
                    "{name}: compared with {} of {}",
                    order.commit.short(),
                    order.refname
                );
                answer.text += &shown(name, &comparison);
                if !comparison.is_equal() {
                    answer.exit = Exit::Refused;
                }
            }
            Err(error) => {
                answer.exit = Exit::Refused;
                answer.text += &stopped(name, &error);
            }
        }
    }
    Ok(answer)
}

fn shown(name: &TargetName, comparison: &Comparison) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "  {:>7} there and equal", comparison.equal.len());
    let mut part = |head: &str, paths: &[RepoPath]| {
        let _ = writeln!(text, "  {:>7} {head}", paths.len());
        for path in paths.iter().take(SHOWN) {
            let _ = writeln!(text, "            {path}");
        }
        if let Some(more) = paths.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            let _ = writeln!(text, "            and {more} more");
        }
    };
    part("there and different", &comparison.different);
    part("missing", &comparison.missing);
    part("of an earlier release, to be removed", &comparison.surplus);
    part("of others, to be left alone", &comparison.foreign);
    if !comparison.is_equal() {
        let _ = writeln!(
            text,
            "  hint: nothing was changed; `relhook release --target {name} --adopt` overwrites what \
             differs and\n        sends what is missing; what is equal is not sent again"
        );
    }
    text
}
