//! Looking a server over: which identity is in force, whether a client could make one up, whether
//! any way leads past the hooks, and how to mend it.
//!
//! Every group has one file: facts are gathered there and then judged, and judging is pure. Nothing
//! is changed but a scratch folder below relhook's own, in which a push is tried.

mod finding;
mod format;
mod hooks;
mod machine;
mod paths;
mod patient;
mod record;
mod refs;
mod settings;
mod words;

pub use finding::{Counts, Finding, State};
pub(crate) use paths::{Keeper, exposed};
pub use patient::DoctorError;
pub(crate) use refs::{judge as judge_refs, list as list_refs};
pub(crate) use settings::judge as judge_settings;
pub(crate) use words::Words;

use crate::types::escape;
use patient::Patient;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

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
    /// How many findings there are of each state.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts::of(&self.findings)
    }
}

/// Looks over the repository at `dir`; `program` is this program.
///
/// # Errors
/// When there is no repository, or this account may not look at it.
pub fn examine(dir: &Path, program: &Path) -> Result<Examination, DoctorError> {
    let patient = Patient::admit(dir, program)?;
    let mut findings = format::examine(&patient);
    findings.extend(hooks::examine(&patient));
    findings.extend(settings::examine(&patient));
    findings.extend(refs::examine(&patient));
    findings.extend(paths::examine(&patient));
    findings.extend(record::examine(&patient));
    findings.extend(machine::examine(&patient));
    Ok(Examination {
        git_dir: escape(patient.git_dir.as_os_str().as_bytes()),
        repository: patient.repository_name(),
        account: patient.account.shown(),
        findings,
    })
}
