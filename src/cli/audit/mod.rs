//! `relhook audit`: what the log says, whether it is what was written, and proof of it for others.

mod attest;
mod heartbeat;
mod line;
mod replay;
mod stream;
mod witness;

pub(in crate::cli) use replay::{CopyOf, broken as no_replay, copy_of, named_refs};

use super::reading::Reader;
use super::{Answer, Exit};
use crate::audit::{AuditError, AuditLog, Checkpoint, LogKey, Receipt, Redacted, verify};
use crate::facts::Store;
use crate::folder::Folder;
use crate::types::{Timestamp, escape};
use crate::witness::{PublishError, publish};
use anyhow::Context;
use heartbeat::HeartbeatArgs;
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
    Heartbeat(HeartbeatArgs),
    /// Send entries on to where the policy's streams lead, and what comes as long as this runs.
    Stream {
        /// Send what is there, whenever it was tried last, and say how far each stream is.
        #[arg(long)]
        once: bool,
    },
    /// Delete what is kept beside an entry: names, logins, reasons. The log says so, and stays valid.
    Redact {
        /// The entry's number.
        #[arg(value_name = "NUMBER")]
        entry: u64,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Delete the evidence too that it alone names, and others that are redacted: raw signed
        /// statements, certificates, long reports. What they showed cannot be checked any more.
        #[arg(long)]
        evidence: bool,
    },
}

impl AuditCommand {
    /// Runs it for the repository around `dir`.
    ///
    /// # Errors
    /// When there is no log that could be read.
    pub fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        match self {
            Self::Log { count, json } => show(&Reader::around(dir)?, *count, *json),
            Self::Verify { since, witnesses } => check(dir, since.as_deref(), witnesses),
            Self::Replay(args) => args.run(dir),
            Self::Prove { entry } => prove(&Reader::around(dir)?, *entry),
            Self::Check {
                receipt,
                key,
                witnesses,
            } => check_receipt(dir, receipt, key.as_deref(), witnesses),
            Self::Witness(args) => args.run(dir),
            Self::Attest(args) => args.run(dir),
            Self::Key { pem: true } => Ok(Answer::pass(Reader::around(dir)?.log.key()?.pem())),
            Self::Key { pem: false } => {
                let key = Reader::around(dir)?.log.key()?;
                Ok(Answer::pass(format!("{}\n", key.as_str())))
            }
            Self::Checkpoint => published(dir),
            Self::Heartbeat(args) => args.run(dir),
            Self::Stream { once: true } => stream::once(dir),
            Self::Stream { once: false } => stream::on(dir),
            Self::Redact {
                entry,
                reason,
                evidence,
            } => redact(dir, *entry, reason, *evidence),
        }
    }
}

fn place_of(dir: &Path) -> anyhow::Result<(Folder, AuditLog)> {
    let store = Store::open(dir)?;
    let folder = Folder::open(store.git_dir())?;
    let log = AuditLog::at(folder.path());
    Ok((folder, log))
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

fn now() -> Timestamp {
    Timestamp::from_unix(jiff::Timestamp::now().as_second())
}

fn prove(reader: &Reader, entry: u64) -> anyhow::Result<Answer> {
    match reader.log.prove(entry) {
        Ok(receipt) => {
            let answer = Answer::pass(receipt.to_string());
            reader.recorded("audit prove", Some((entry, entry)), answer)
        }
        Err(error) => broken(error),
    }
}

fn check(dir: &Path, since: Option<&str>, witnesses: &WitnessesArgs) -> anyhow::Result<Answer> {
    let reader = Reader::around(dir)?;
    let log = &reader.log;
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
    for hash in &report.evidence_redacted {
        text += &format!("redacted evidence/{hash}\n");
    }
    for (seq, stamp) in &report.stamps {
        if let Err(error) = log.check_stamp(*seq, stamp) {
            return broken(error);
        }
    }
    if !report.stamps.is_empty() {
        text += &format!(
            "timestamps: {}, each of the log as it was\n",
            report.stamps.len()
        );
    }
    let cosigners = match witnesses.of_log(dir, log)? {
        Ok(cosigners) => cosigners,
        Err(error) => return broken(error),
    };
    text += &cosigners.text;
    text += &format!("checkpoint {}\n", report.checkpoint);
    let exit = cosigners.exit;
    let all = Some((1, report.entries));
    reader.recorded("audit verify", all, Answer { text, exit })
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
        None => Reader::around(dir)
            .and_then(|reader| Ok(reader.log.key()?))
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

fn redact(dir: &Path, entry: u64, reason: &str, evidence: bool) -> anyhow::Result<Answer> {
    let (folder, log) = place_of(dir)?;
    let by = crate::setup::acting();
    let redacted = match evidence {
        false => log
            .redact(now(), entry, reason, &by)
            .map(|recorded| Redacted {
                recorded,
                evidence: Vec::new(),
            }),
        true => {
            // A push that is under way may be about to name a piece that is kept already.
            let _alone = crate::ledger::alone(folder.path())?;
            log.redact_with_evidence(now(), entry, reason, &by)
        }
    };
    match redacted {
        Ok(redacted) => Ok(Answer::pass(was_redacted(entry, &redacted, evidence))),
        Err(error) => broken(error),
    }
}

fn was_redacted(entry: u64, redacted: &Redacted, evidence: bool) -> String {
    let mut text = format!(
        "what was kept beside entry {entry} is deleted; entry {} says so\n",
        redacted.recorded.seq
    );
    if !evidence {
        return text;
    }
    for hash in &redacted.evidence {
        text += &format!("deleted evidence/{hash}\n");
    }
    text += match redacted.evidence.is_empty() {
        true => "no piece of evidence is named by it alone; none is deleted\n",
        false => {
            "who approved it, and what was said in the push's report, can no longer be checked from \
             the log;\nthe statements themselves are on refs/relhook/statements/ as long as they \
             stand there\n"
        }
    };
    text
}

fn show(reader: &Reader, count: usize, json: bool) -> anyhow::Result<Answer> {
    let mut shown: VecDeque<(u64, String)> = VecDeque::new();
    let mut unwritten = None;
    let result = verify(&reader.log, |entry| {
        if count > 0 && shown.len() == count {
            shown.pop_front();
        }
        match if json {
            serde_json::to_string(entry)
        } else {
            Ok(line::line(entry))
        } {
            Ok(line) => shown.push_back((entry.seq, line + "\n")),
            Err(error) => unwritten = Some(error),
        }
    });
    if let Some(error) = unwritten {
        return Err(error.into());
    }
    let ends = shown.front().zip(shown.back());
    let ends = ends.map(|((first, _), (last, _))| (*first, *last));
    let text: String = shown.into_iter().map(|(_, line)| line).collect();
    let answer = match result {
        Ok(_) => Answer::pass(text),
        Err(error) => broken_after(text, error)?,
    };
    reader.recorded("audit log", ends, answer)
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
