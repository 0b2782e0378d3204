//! `relhook audit witness`: a clone that cosigns what the server's audit log is; and who has, as
//! `verify` and `check` tell it.

use super::log_key;
use crate::audit::{AuditError, AuditLog, Receipt};
use crate::cli::{Answer, Exit};
use crate::client::{Cosigner, Cosigning, Git, Remote};
use crate::cosign::{Cosignature, WitnessKey};
use crate::decide::Code;
use crate::facts::Store;
use crate::types::{Timestamp, escape};
use anyhow::Context;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What `relhook audit witness` is asked for.
#[derive(Debug, clap::Args)]
pub struct WitnessArgs {
    /// The remote whose log is cosigned
    #[arg(value_name = "REMOTE", conflicts_with_all = ["init", "key"])]
    remote: Option<OsString>,
    /// Make the witness's key under this name, and print the public key for the policy
    #[arg(long, value_name = "NAME")]
    init: Option<String>,
    /// The one log that it is to cosign: its public key, or a file with it. Without it, the first
    /// that it sees
    #[arg(long, value_name = "KEY", requires = "init")]
    log: Option<String>,
    /// Print the public key
    #[arg(long, conflicts_with = "init")]
    key: bool,
    /// The folder with the witness's key and memory; without it, one in the clone
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

impl WitnessArgs {
    /// Makes the key, or looks, remembers, signs and pushes.
    ///
    /// # Errors
    /// When the log may not be cosigned, or the server does not take the cosignature.
    pub fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        let git = Git::at(dir);
        let state = match &self.state {
            Some(state) => state.clone(),
            None => Cosigner::usual_folder(&git)?,
        };
        if let Some(name) = &self.init {
            let log = self.log.as_deref().map(log_key).transpose()?;
            let key = Cosigner::init(&state, name, log.as_ref())?;
            return Ok(Answer::pass(format!("{key}\n")));
        }
        let witness = Cosigner::open(&state)?;
        if self.key {
            return Ok(Answer::pass(format!("{}\n", witness.key())));
        }
        let remote = match &self.remote {
            Some(name) => Remote::named(name)?,
            None => Remote::usual(&git)?,
        };
        let name = witness.key().name();
        Ok(Answer::pass(match witness.run(&git, &remote, now())? {
            Cosigning::Delivered(checkpoint) => format!("{name} has cosigned {checkpoint}\n"),
            Cosigning::Already(checkpoint) => format!("{name} had cosigned {checkpoint} before\n"),
        }))
    }
}

fn now() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default()
}

/// Whose cosignatures are asked for, and how many.
#[derive(Debug, clap::Args)]
pub struct WitnessesArgs {
    /// The public key of a witness whose cosignature counts; may be given several times
    #[arg(long = "witness", value_name = "KEY")]
    keys: Vec<String>,
    /// How many of them have to have cosigned it; without it, all that are named
    #[arg(long = "witnesses", value_name = "COUNT")]
    required: Option<usize>,
}

impl WitnessesArgs {
    fn keys(&self) -> anyhow::Result<Vec<WitnessKey>> {
        let read = |text: &String| {
            let key: Result<WitnessKey, _> = text.trim().parse();
            key.map_err(|fault| anyhow::anyhow!("`{}` {fault}", escape(text.as_bytes())))
        };
        self.keys.iter().map(read).collect()
    }

    fn required(&self) -> usize {
        self.required.unwrap_or(self.keys.len())
    }

    /// Whether enough have cosigned, and else what to say.
    fn enough(&self, have: usize) -> Result<(), String> {
        let required = self.required();
        match have >= required {
            true => Ok(()),
            false => Err(format!(
                "{}: {required} witnesses have to have cosigned it, and {have} have\n",
                Code::UNWITNESSED
            )),
        }
    }

    /// Who has cosigned the log on this server; each cosignature is checked against the log. Where no
    /// key is given, those that the policy in force names are asked for.
    ///
    /// # Errors
    /// When the log is not what somebody cosigned, or something cannot be read.
    pub fn of_log(
        &self,
        dir: &Path,
        log: &AuditLog,
    ) -> anyhow::Result<Result<Cosigners, AuditError>> {
        let keys = match self.keys.is_empty() {
            false => self.keys()?,
            true => of_policy(dir)?,
        };
        Ok(of_log(log, &keys).map(|(text, count)| self.told(text, count)))
    }

    /// Who has cosigned the checkpoint of a receipt.
    ///
    /// # Errors
    /// When a key is none, or a cosignature does not hold.
    pub fn of_receipt(&self, receipt: &Receipt) -> anyhow::Result<Cosigners> {
        let (mut text, mut count) = (String::new(), 0);
        for key in self.keys()? {
            match key.on(&receipt.note) {
                Ok(Some(cosignature)) => {
                    count += 1;
                    text += &format!("cosigned by {}, {}\n", key.name(), time(&cosignature));
                }
                Ok(None) => text += &format!("not cosigned by {}\n", key.name()),
                Err(fault) => text += &format!("not cosigned by {}: {fault}\n", key.name()),
            }
        }
        Ok(self.told(text, count))
    }

    fn told(&self, text: String, count: usize) -> Cosigners {
        match self.enough(count) {
            Ok(()) => Cosigners {
                text,
                exit: Exit::Pass,
            },
            Err(lack) => Cosigners {
                text: text + &lack,
                exit: Exit::Integrity,
            },
        }
    }
}

/// Who has cosigned, and whether these are enough.
#[derive(Debug)]
pub struct Cosigners {
    /// A line for each.
    pub text: String,
    /// How to exit for it.
    pub exit: Exit,
}

/// The witnesses that the policy in force names; none where there is no policy.
fn of_policy(dir: &Path) -> anyhow::Result<Vec<WitnessKey>> {
    let policy = Store::open(dir)?.policy();
    let policy = policy.context("the policy names the witnesses, and cannot be read")?;
    let witnesses = policy.map(|(_, bundle)| bundle.policy.audit.witnesses);
    Ok(witnesses.unwrap_or_default().into_values().collect())
}

fn of_log(log: &AuditLog, keys: &[WitnessKey]) -> Result<(String, usize), AuditError> {
    // Whoever cosigned it, and whether or not anybody asks for them now: the log has to be that log.
    for (_, checkpoint) in log.all_cosigned()? {
        log.extends(&checkpoint)?;
    }
    let (mut text, mut count) = (String::new(), 0);
    for key in keys {
        text += &match log.cosigned_by(key)? {
            Some(last) => {
                count += 1;
                let (size, time) = (last.checkpoint.size, time(&last.cosignature));
                format!("cosigned by {} up to entry {size}, {time}\n", key.name())
            }
            None => format!("not cosigned by {}\n", key.name()),
        };
    }
    Ok((text, count))
}

fn time(cosignature: &Cosignature) -> Timestamp {
    Timestamp::from_unix(i64::try_from(cosignature.time).unwrap_or(i64::MAX))
}
