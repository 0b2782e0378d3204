//! `relhook audit attest`: what others are told of accepted moves.

use crate::attest::{Attested, Options, People, attest, is_attested};
use crate::audit::AuditError;
use crate::cli::reading::Reader;
use crate::cli::{Answer, Failure};
use crate::folder::replace_file;
use crate::replay::{Lost, Move, Replay, ReplayError, of_log};
use crate::types::escape;
use anyhow::Context;
use clap::Args;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What `relhook audit attest` is asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
Without --out, each envelope is a line on the standard output. Only moves that hold up when they are
judged again (relhook audit replay) are attested.")]
pub struct AttestArgs {
    /// An entry's number, or a commit that a protected ref was moved to; all without it
    #[arg(value_name = "ENTRY|COMMIT")]
    which: Option<String>,
    /// Write a file for each entry into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The repository's address, as others know it: git+https://…
    #[arg(long, value_name = "URI")]
    uri: Option<String>,
    /// Name people, by the policy's names for them
    #[arg(long)]
    people: bool,
}

impl AttestArgs {
    /// Runs it for the repository around `dir`.
    ///
    /// # Errors
    /// When there is no log that verifies, or what was asked for is not attested.
    pub(super) fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        let reader = Reader::around(dir)?;
        reader.record_all("audit attest")?;
        let Reader { store, log } = reader;
        let replay = match of_log(&log, store, &[], Lost::Found) {
            Ok(replay) => replay,
            Err(ReplayError::Audit(error)) => return super::broken(error),
            Err(error) => return Err(error.into()),
        };
        let replay = self.chosen(replay)?;
        let options = Options {
            uri: self.uri.clone(),
            people: match self.people {
                true => People::Named,
                false => People::Left,
            },
        };
        let attested = match attest(&replay, &log, &options) {
            Ok(attested) => attested,
            Err(error @ AuditError::Key { .. }) => return super::broken(error),
            Err(error) => return Err(error.into()),
        };
        match &self.out {
            Some(out) => written(&attested, out),
            None => Ok(Answer::pass(attested.iter().map(lines).collect::<String>())),
        }
    }

    /// The moves that were asked for.
    fn chosen(&self, mut replay: Replay) -> anyhow::Result<Replay> {
        let Some(which) = &self.which else {
            return Ok(replay);
        };
        replay.moves.retain(|one| is_named(one, which));
        if replay.moves.is_empty() {
            let shown = escape(which.as_bytes());
            return Err(Failure::usage(format!(
                "`{shown}` is no entry that accepted a move, and no commit that one led to"
            )));
        }
        if let Some(one) = replay.moves.iter().find(|one| !is_attested(one)) {
            let why = if !one.named {
                "names beside its entry were deleted"
            } else if !one.held {
                "it does not hold up: `relhook audit replay` says why"
            } else {
                "nothing says that it went in"
            };
            return Err(Failure::refused(anyhow::anyhow!(
                "entry {} is not attested: {why}",
                one.seq
            )));
        }
        Ok(replay)
    }
}

/// Whether a move is the one that somebody means.
fn is_named(one: &Move, which: &str) -> bool {
    let commit = one.new.to_string();
    let is_commit = which.len() >= 7 && commit.starts_with(&which.to_ascii_lowercase());
    which.parse() == Ok(one.seq) || is_commit
}

fn lines(attested: &Attested) -> String {
    let [provenance, summary] = &attested.envelopes;
    format!("{provenance}\n{summary}\n")
}

/// A file for each entry.
fn written(attested: &[Attested], out: &Path) -> anyhow::Result<Answer> {
    let failed = |path: &Path| format!("{} cannot be written", path.display());
    std::fs::create_dir_all(out).with_context(|| failed(out))?;
    let mut files: BTreeMap<u64, String> = BTreeMap::new();
    let mut text = String::new();
    for one in attested {
        *files.entry(one.seq).or_default() += &lines(one);
        let (seq, name, level) = (one.seq, &one.refname, one.level.name());
        text += &format!("entry {seq}  {name} {}  {level}\n", one.commit.short());
    }
    for (seq, lines) in files {
        let path = out.join(format!("entry-{seq}.intoto.jsonl"));
        replace_file(&path, lines.as_bytes()).with_context(|| failed(&path))?;
    }
    Ok(Answer::pass(text))
}
