//! Installation on a server: one bare repository.

use super::readers::{AuditGroup, Readers};
use super::report::{Report, StepState};
use super::seed::Seed;
use super::survey::Surveyed;
use super::{InstallError, Mode, hooks, nonces, pins, seed, settings, survey};
use crate::facts::Store;
use crate::folder::{Folder, private_dir};
use crate::policy::{Bundle, POLICY_REF, Policy};
use crate::setup::{Git, Layout, Programs};
use crate::types::escape;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What is to be installed.
#[derive(Debug, Clone)]
pub struct Request {
    /// A folder in the bare repository.
    pub dir: PathBuf,
    /// The absolute path of the program that the hooks run.
    pub program: PathBuf,
    /// The first policy, unless one is in force.
    pub policy: Option<PathBuf>,
    /// The folder with its key files.
    pub keys: Option<PathBuf>,
    /// What runs the hooks; as it was installed before, where this is `None`.
    pub layout: Option<Layout>,
    /// Who may read the audit log; as it was before, where this is `None`.
    pub audit_group: Option<AuditGroup>,
    /// Whether to change anything.
    pub mode: Mode,
}

/// Puts a bare repository under the rule, or mends what is missing.
///
/// # Errors
/// Whatever does not fit; before anything is changed, unless the system fails half way. Running it
/// again carries on.
pub fn install_server(request: &Request) -> Result<Report, InstallError> {
    let git = Git::at(&request.dir);
    let programs = Programs::beside(&request.program);
    let surveyed = survey::server(&git, &programs)?;
    let found = Layout::found(&surveyed.git_dir);
    let layout = request.layout.unwrap_or(found);
    hooks::check_runners(&surveyed.git_dir, layout)?;
    hooks::check(&surveyed.git_dir, &layout.places(), &programs)?;
    let repository = git2::Repository::open_bare(&surveyed.git_dir)?;
    let plan = plan(request, &repository, &surveyed.store)?;
    let mut report = Report {
        warnings: surveyed.warnings.clone(),
        ..Report::default()
    };
    let kind = "bare, SHA-1, files";
    let fits = format!(
        "git {}; {}: {kind}",
        surveyed.version,
        shown(&surveyed.git_dir)
    );
    report.step(StepState::Kept, fits);
    apply(request, &repository, &surveyed, &plan, &mut report)?;
    hooks::put(
        &surveyed.git_dir,
        &layout.places(),
        &programs,
        request.mode,
        &mut report,
    )?;
    next_steps(&surveyed.git_dir, plan.policy(), &mut report);
    Ok(report)
}

/// Which policy it will be.
enum Plan {
    /// The one that is in force.
    InForce(Bundle),
    /// The one that was given.
    First(Seed),
}

impl Plan {
    fn policy(&self) -> &Policy {
        match self {
            Self::InForce(bundle) => &bundle.policy,
            Self::First(seed) => &seed.bundle.policy,
        }
    }
}

fn plan(
    request: &Request,
    repository: &git2::Repository,
    store: &Store,
) -> Result<Plan, InstallError> {
    let given = request
        .policy
        .as_deref()
        .map(|policy| seed::read(policy, request.keys.as_deref()))
        .transpose()?;
    let unreadable = |why: String| InstallError::Unreadable { why };
    let held = store.policy();
    let Some((commit, bundle)) = held.map_err(|error| unreadable(error.to_string()))? else {
        return given.map(Plan::First).ok_or(InstallError::NoPolicy);
    };
    match given {
        Some(seed) if !seed.is_held_by(repository, commit, &bundle)? => {
            let commit = commit.short();
            Err(InstallError::PolicyInForce { commit })
        }
        // What was given has been proved already.
        Some(_) => Ok(Plan::InForce(bundle)),
        None => {
            seed::prove(&bundle).map_err(unreadable)?;
            Ok(Plan::InForce(bundle))
        }
    }
}

/// All but the hooks, which come last: with hooks and without a policy, every push would be refused.
fn apply(
    request: &Request,
    repository: &git2::Repository,
    surveyed: &Surveyed,
    plan: &Plan,
    report: &mut Report,
) -> Result<(), InstallError> {
    let git = Git::at(&surveyed.git_dir);
    let readers = Readers::of(request.audit_group.as_ref(), &surveyed.settings)?;
    let git_dir = &surveyed.git_dir;
    readers.put_folder(&git, git_dir, &surveyed.settings, request.mode, report)?;
    folder(git_dir, &readers, request.mode, report)?;
    let pinned = pins::is_finished(git_dir)?;
    if pinned {
        readers.put_log(git_dir, request.mode, report)?;
    }
    let state = match (plan, request.mode) {
        (Plan::InForce(_), _) => StepState::Kept,
        (Plan::First(_), Mode::DryRun) => StepState::Would,
        (Plan::First(seed), Mode::Apply) => {
            seed.commit(repository)?;
            StepState::Done
        }
    };
    report.step(state, describe(plan.policy()));
    pins::put(
        repository,
        &surveyed.git_dir,
        plan.policy(),
        request.mode,
        report,
    )?;
    if !pinned {
        readers.put_log(git_dir, request.mode, report)?;
    }
    settings::put(&git, &surveyed.settings, request.mode, report)?;
    nonces::put(
        &git,
        &surveyed.git_dir,
        &surveyed.settings,
        plan.policy(),
        request.mode,
        report,
    )
}

fn folder(
    git_dir: &Path,
    readers: &Readers,
    mode: Mode,
    report: &mut Report,
) -> Result<(), InstallError> {
    let credentials = git_dir.join("relhook").join("credentials");
    let there = credentials.is_dir();
    if there || mode == Mode::Apply {
        let folder = Folder::create(git_dir)?;
        if mode == Mode::Apply {
            readers.made(&folder)?;
        }
        let credentials = folder.path().join("credentials");
        private_dir(&credentials).map_err(InstallError::io(&credentials))?;
    }
    let state = match (there, mode) {
        (true, _) => StepState::Kept,
        (false, Mode::Apply) => StepState::Done,
        (false, Mode::DryRun) => StepState::Would,
    };
    report.step(state, "folder relhook/, for this account alone");
    Ok(())
}

fn describe(policy: &Policy) -> String {
    let count = |number: usize, one: &str, many: &str| match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    };
    format!(
        "policy of {} on {POLICY_REF}: {}, {}",
        escape(policy.repository.0.as_bytes()),
        count(policy.people.len(), "person", "people"),
        count(policy.rules.len(), "rule", "rules")
    )
}

fn next_steps(git_dir: &Path, policy: &Policy, report: &mut Report) {
    for (name, target) in &policy.targets {
        let Some(lines) = target.kind.account().lines() else {
            continue;
        };
        let file = git_dir.join("relhook/credentials").join(name.as_str());
        if !file.exists() {
            report.next.push(format!(
                "the account of target `{name}`, as {lines} lines, into\n        {}\n      \
                 a file of mode 0600",
                shown(&file)
            ));
        }
    }
    report
        .next
        .push("in each clone: relhook init --client".into());
}

fn shown(path: &Path) -> String {
    escape(path.as_os_str().as_bytes())
}
