//! `relhook audit`: what the log says, whether it is what was written, and proof of it for others.

mod attest;
mod line;
mod replay;
mod witness;

use super::{Answer, Exit};
use crate::audit::{AuditError, AuditLog, Checkpoint, Event, LogKey, Receipt, verify};
use crate::facts::Store;
use crate::folder::Folder;
use crate::server::Server;
use crate::types::{Timestamp, escape};
use crate::witness::{PublishError, publish};
use anyhow::Context;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use witness::{WitnessArgs, WitnessesArgs};

/// What `relhook audit` is asked for.
#[derive(Debug, clap::Subcommand)]
pub enum AuditCommand {
    /// Show the last entries.
    Log {
        /// How many entries; 0 for all.
        #[arg(short = 'n', long, default_value_t = 20)]
        count: usize,
        /// Print one JSON object for each entry (docs/audit.md).
        #[arg(long)]
        json: bool,
    },
    /// Check the whole log and all evidence; exit 4 if anything is not as it was written.
    Verify {
        /// What the log was before: a file with its checkpoint, or `SIZE ROOT` as a push shows it.
        /// The log has to be that one made longer.
        #[arg(long, value_name = "CHECKPOINT")]
        since: Option<String>,
        #[command(flatten)]
        witnesses: WitnessesArgs,
    },
    /// Judge every move of the protected refs again, under the policy of its day; exit 1 if
    /// anything does not hold up.
    Replay(replay::ReplayArgs),
    /// Print a receipt: proof that an entry is in the log (C2SP tlog-proof).
    Prove {
        /// The entry's number.
        #[arg(value_name = "NUMBER")]
        entry: u64,
    },
    /// Check a receipt, with the log's public key alone; exit 4 if it proves nothing.
    Check {
        /// The receipt; `-` reads it from the standard input.
        #[arg(value_name = "RECEIPT")]
        receipt: PathBuf,
        /// The log's public key: the key itself, or a file with it. Without it, that of the
        /// repository here.
        #[arg(long)]
        key: Option<String>,
        #[command(flatten)]
        witnesses: WitnessesArgs,
    },
    /// Write attestations of what was accepted, for others: SLSA summaries and provenance.
    Attest(attest::AttestArgs),
    /// Cosign what a server's log is, from a clone, as an independent witness of it.
    Witness(WitnessArgs),
    /// Print the log's public key.
    Key {
        /// As PEM, for tools that know no signed notes.
        #[arg(long)]
        pem: bool,
    },
    /// Print the log's checkpoint, a signed note, and bring what clones and others read to it.
    Checkpoint,
    /// Add an entry that says that somebody was there, so that silence can be told from a gap.
    Heartbeat,
    /// Delete what is kept beside an entry: names, logins, reasons. The log says so, and stays valid.
    Redact {
        /// The entry's number.
        #[arg(value_name = "NUMBER")]
        entry: u64,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

impl AuditCommand {
    /// Runs it for the repository around `dir`.
    ///
    /// # Errors
    /// When there is no log that could be read.
    pub fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        match self {
            Self::Log { count, json } => show(&log_of(dir)?, *count, *json),
            Self::Verify { since, witnesses } => check(dir, since.as_deref(), witnesses),
            Self::Replay(args) => args.run(dir),
            Self::Prove { entry } => log_of(dir)?
                .prove(*entry)
                .map_or_else(broken, |receipt| Ok(Answer::pass(receipt.to_string()))),
            Self::Check {
                receipt,
                key,
                witnesses,
            } => check_receipt(dir, receipt, key.as_deref(), witnesses),
            Self::Witness(args) => args.run(dir),
            Self::Attest(args) => args.run(dir),
            Self::Key { pem: true } => Ok(Answer::pass(log_of(dir)?.key()?.pem())),
            Self::Key { pem: false } => {
                Ok(Answer::pass(format!("{}\n", log_of(dir)?.key()?.as_str())))
            }
            Self::Checkpoint => published(dir),
            Self::Heartbeat => heartbeat(dir),
            Self::Redact { entry, reason } => redact(&log_of(dir)?, *entry, reason),
        }
    }
}

fn log_of(dir: &Path) -> anyhow::Result<AuditLog> {
    let store = Store::open(dir)?;
    let folder = Folder::open(store.git_dir())?;
    Ok(AuditLog::at(folder.path()))
}

fn published(dir: &Path) -> anyhow::Result<Answer> {
    let store = Store::open(dir)?;
    let folder = Folder::open(store.git_dir())?;
    match publish(store.git_dir(), &AuditLog::at(folder.path())) {
        Ok(checkpoint) => Ok(Answer::pass(checkpoint.note)),
        Err(PublishError::Audit(error)) => broken(error),
        Err(error) => Err(error.into()),
    }
}

fn heartbeat(dir: &Path) -> anyhow::Result<Answer> {
    let server = Server::around(dir)?;
    // What cannot be told now is told with the next push.
    let _ = server.tell_moves(now());
    let recorded = server.log.append(now(), Event::Heartbeat);
    recorded.map_or_else(broken, |recorded| {
        Ok(Answer::pass(format!("{}\n", recorded.checkpoint)))
    })
}

fn now() -> Timestamp {
    Timestamp::from_unix(jiff::Timestamp::now().as_second())
}

fn check(dir: &Path, since: Option<&str>, witnesses: &WitnessesArgs) -> anyhow::Result<Answer> {
    let log = &log_of(dir)?;
    let before = since.map(|since| checkpoint(log, since)).transpose()?;
    let result = crate::audit::check(log).and_then(|report| {
        before
            .as_ref()
            .map(|before| log.extends(before))
            .transpose()?;
        Ok(report)
    });
    let report = match result {
        Ok(report) => report,
        Err(error) => return broken(error),
    };
    let mut text = format!(
        "the log is whole: {} entries, {} pieces of evidence\nlast entry {}\n",
        report.entries, report.evidence, report.time
    );
    if let Some(before) = before {
        text += &format!("it is the log of {} entries made longer\n", before.size);
    }
    if !report.redacted.is_empty() {
        let entries: Vec<String> = report.redacted.iter().map(u64::to_string).collect();
        text += &format!("redacted: {}\n", entries.join(", "));
    }
    let cosigners = match witnesses.of_log(dir, log)? {
        Ok(cosigners) => cosigners,
        Err(error) => return broken(error),
    };
    text += &cosigners.text;
    text += &format!("checkpoint {}\n", report.checkpoint);
    let exit = cosigners.exit;
    Ok(Answer { text, exit })
}

/// A checkpoint that somebody kept: the signed note in a file, or its size and root.
fn checkpoint(log: &AuditLog, text: &str) -> anyhow::Result<Checkpoint> {
    if let Ok(note) = std::fs::read(text) {
        let opened = Checkpoint::open(&note, &log.key()?);
        return opened.with_context(|| format!("{} cannot be used", escape(text.as_bytes())));
    }
    Checkpoint::unsigned(log.key()?.name(), text).with_context(|| {
        format!(
            "`{}` is no file and no checkpoint like `12 m+Fz…=`",
            escape(text.as_bytes())
        )
    })
}

/// A log's public key: the key itself, or a file with it.
fn log_key(key: &str) -> anyhow::Result<LogKey> {
    match std::fs::read_to_string(key) {
        Ok(text) => LogKey::parse(&text),
        Err(_) => LogKey::parse(key),
    }
    .context("the key is none of a log")
}

fn check_receipt(
    dir: &Path,
    receipt: &Path,
    key: Option<&str>,
    witnesses: &WitnessesArgs,
) -> anyhow::Result<Answer> {
    let key = match key {
        Some(key) => log_key(key)?,
        None => log_of(dir)
            .and_then(|log| Ok(log.key()?))
            .context("without --key, the log of a repository here is needed")?,
    };
    let text = match receipt == Path::new("-") {
        true => std::io::read_to_string(std::io::stdin()),
        false => std::fs::read_to_string(receipt),
    };
    let text = text.with_context(|| format!("{} cannot be read", receipt.display()))?;
    let checked = Receipt::parse(&text).and_then(|receipt| {
        let checkpoint = receipt.check(&key)?;
        Ok((receipt, checkpoint))
    });
    match checked {
        Ok((receipt, checkpoint)) => {
            let cosigners = witnesses.of_receipt(&receipt)?;
            Ok(Answer {
                text: format!(
                    "entry {} is in the log {checkpoint}\n{}{}\n",
                    receipt.seq,
                    cosigners.text,
                    escape(&receipt.entry)
                ),
                exit: cosigners.exit,
            })
        }
        Err(fault) => Ok(Answer {
            text: format!("RH702: {fault}\n"),
            exit: Exit::Integrity,
        }),
    }
}

fn redact(log: &AuditLog, entry: u64, reason: &str) -> anyhow::Result<Answer> {
    let by = crate::setup::acting();
    match log.redact(now(), entry, reason, &by) {
        Ok(recorded) => Ok(Answer::pass(format!(
            "what was kept beside entry {entry} is deleted; entry {} says so\n",
            recorded.seq
        ))),
        Err(error) => broken(error),
    }
}

fn show(log: &AuditLog, count: usize, json: bool) -> anyhow::Result<Answer> {
    let mut shown = VecDeque::new();
    let mut unwritten = None;
    let result = verify(log, |entry| {
        if count > 0 && shown.len() == count {
            shown.pop_front();
        }
        match if json {
            serde_json::to_string(entry)
        } else {
            Ok(line::line(entry))
        } {
            Ok(line) => shown.push_back(line + "\n"),
            Err(error) => unwritten = Some(error),
        }
    });
    if let Some(error) = unwritten {
        return Err(error.into());
    }
    let text: String = shown.into_iter().collect();
    match result {
        Ok(_) => Ok(Answer::pass(text)),
        Err(error) => broken_after(text, error),
    }
}

fn broken(error: AuditError) -> anyhow::Result<Answer> {
    broken_after(String::new(), error)
}

/// What was read up to a break, then the break: nothing after it can be trusted.
fn broken_after(text: String, error: AuditError) -> anyhow::Result<Answer> {
    if !error.is_integrity() {
        return Err(error.into());
    }
    let text = format!("{text}RH702: {error}\nnothing from there on can be trusted\n");
    Ok(Answer {
        text,
        exit: Exit::Integrity,
    })
}
