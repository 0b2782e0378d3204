//! Looking a server over: which identity is in force, whether a client could make one up, whether
//! any way leads past the hooks, and how to mend it.
//!
//! Every group has one file: facts are gathered there and then judged, and judging is pure. Nothing
//! is changed but a scratch folder below relhook's own, in which a push is tried.

mod finding;
mod format;
mod handover;
mod hooks;
mod identity;
mod machine;
mod nonces;
mod outside;
mod paths;
mod patient;
mod record;
mod refs;
mod rules;
mod settings;
mod ssh;
mod words;

pub use finding::{Counts, Finding, State};
pub use handover::{HandedOver, hand_over};
pub(crate) use paths::{Keeper, exposed};
pub use patient::DoctorError;
pub(crate) use refs::{judge as judge_refs, list as list_refs};
pub(crate) use settings::judge as judge_settings;
pub(crate) use words::Words;

use crate::types::escape;
use outside::Outside;
use patient::Patient;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What a look at a repository brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examination {
    /// The repository's folder, escaped.
    pub git_dir: String,
    /// Its name, where a policy is in force.
    pub repository: Option<String>,
    /// The account that pushes run as.
    pub account: String,
    /// Every finding, by group.
    pub findings: Vec<Finding>,
}

impl Examination {
    /// Says in every finding what the log keeps beside its entries. `ask` is asked once, where there is
    /// such a thing, whether that may be shown; else it gives what to say instead.
    pub fn disclose(&mut self, ask: impl FnOnce() -> Result<(), String>) {
        if self.findings.iter().any(|one| one.kept.is_some()) {
            let instead = ask().err();
            for finding in &mut self.findings {
                finding.disclose(instead.as_deref());
            }
        }
    }

    /// How many findings there are of each state.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts::of(&self.findings)
    }
}

/// How to look.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The settings of the sshd that takes pushes, where they are not in the usual place.
    pub sshd_config: Option<PathBuf>,
    /// Checks that cannot be told from here, and that somebody has looked at by hand.
    pub checked: Vec<String>,
    /// What root saw already, as it was handed over.
    pub handed_over: Option<String>,
}

/// Looks over the repository at `dir`; `program` is this program.
///
/// # Errors
/// When there is no repository, this account may not look at it, or what root handed over cannot be
/// read.
pub fn examine(dir: &Path, program: &Path, options: &Options) -> Result<Examination, DoctorError> {
    let mut patient = Patient::admit(dir, program)?;
    let outside = match &options.handed_over {
        Some(text) => handover::read(text)?,
        None => Outside::gather(&patient.account, options.sshd_config.as_deref()),
    };
    if options.handed_over.is_some() {
        patient.words = patient.words.for_root(&patient.account.shown());
    }
    let mut findings = identity::examine(&patient, &outside);
    findings.extend(ssh::examine(&patient, &outside));
    findings.extend(format::examine(&patient));
    findings.extend(hooks::examine(&patient));
    findings.extend(settings::examine(&patient));
    findings.extend(refs::examine(&patient));
    findings.extend(rules::examine(&patient));
    findings.extend(paths::examine(&patient, &outside));
    findings.extend(record::examine(&patient));
    findings.extend(machine::examine(&patient));
    for finding in &mut findings {
        let is_checked = options.checked.iter().any(|check| check == finding.check);
        if is_checked && finding.state == State::Unknown {
            let what = format!("looked at by hand: {}", finding.what);
            let kept = finding.kept.take();
            *finding = Finding::ok(finding.check, what);
            finding.kept = kept;
        }
    }
    Ok(Examination {
        git_dir: escape(patient.git_dir.as_os_str().as_bytes()),
        repository: patient.repository_name(),
        account: patient.account.shown(),
        findings,
    })
}
