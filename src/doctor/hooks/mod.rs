//! The gate itself: whether git runs relhook's hooks, whether what it runs is what was installed,
//! and whether a refusal reaches git.

mod files;
mod trial;

use super::patient::Patient;
use super::{Finding, Words};
use crate::setup::{Layout, Settings, VERSION_LINE};
use crate::types::escape;
use files::{HookFile, Program, Stands};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use trial::Trial;

/// Looks at it.
pub(in crate::doctor) fn examine(patient: &Patient) -> Vec<Finding> {
    let facts = Facts::gather(patient);
    judge(&facts, &patient.words)
}

/// How the hooks are.
#[derive(Debug, Clone)]
struct Facts {
    /// A value of `core.hooksPath` that leads elsewhere.
    elsewhere: Option<Elsewhere>,
    /// What runs them.
    layout: Layout,
    /// relhook's own.
    files: Vec<HookFile>,
    /// What they run, each once.
    programs: Vec<Program>,
    /// Whether the file system of the hooks lets programs be run; unknown where it does not say.
    runs: Option<bool>,
    /// Other programs' hooks and folders of hooks, by name.
    others: Vec<String>,
    /// What became of a push that has to be refused.
    trial: Trial,
}

/// A setting that makes git run other hooks.
#[derive(Debug, Clone)]
struct Elsewhere {
    shown: String,
    scope: String,
    file: String,
    mend: String,
}

impl Facts {
    fn gather(patient: &Patient) -> Self {
        let folder = patient.hooks();
        let layout = Layout::found(&patient.git_dir);
        let files: Vec<HookFile> = layout
            .places()
            .iter()
            .map(|place| HookFile::look(&patient.git_dir, place))
            .collect();
        let elsewhere = elsewhere(&patient.settings, &folder, &patient.words);
        let trial = if elsewhere.is_some() {
            Trial::NotTried("git would run other hooks".into())
        } else if layout == Layout::Gitlab {
            Trial::NotTried("Gitaly runs these hooks, and not git".into())
        } else {
            trial::run(patient)
        };
        Self {
            programs: files::programs(&files),
            runs: files::may_run(&folder),
            others: files::others(&folder),
            elsewhere,
            layout,
            files,
            trial,
        }
    }
}

/// git runs the hooks of one folder only; it has to be `hooks`, whoever pushes.
fn elsewhere(settings: &Settings, hooks: &Path, words: &Words) -> Option<Elsewhere> {
    let set = settings.last("core.hooksPath")?;
    let value = set.value.as_deref().unwrap_or_default();
    if set.scope == "local" && value == hooks.as_os_str().as_bytes() {
        return None;
    }
    let file = set
        .origin
        .clone()
        .unwrap_or_else(|| PathBuf::from("config"));
    Some(Elsewhere {
        shown: set.shown(),
        scope: set.scope.clone(),
        file: escape(file.as_os_str().as_bytes()),
        mend: words.unset(set),
    })
}

fn judge(facts: &Facts, words: &Words) -> Vec<Finding> {
    let mut found = vec![hooks_path(facts)];
    found.extend(facts.files.iter().map(|file| hook(file, words)));
    found.extend(second_lock(facts.layout));
    found.extend(programs(&facts.programs, words));
    found.push(interpreter(facts));
    found.push(others(&facts.others));
    found.push(trial::judge(&facts.trial));
    found
}

fn hooks_path(facts: &Facts) -> Finding {
    let check = "hooks-path";
    match &facts.elsewhere {
        None => Finding::ok(check, "git runs the hooks of this repository"),
        Some(set) => Finding::error(
            check,
            format!(
                "core.hooksPath is `{}` ({}, {}): git does not run the hooks in hooks/",
                set.shown, set.scope, set.file
            ),
        )
        .mend(set.mend.clone()),
    }
}

/// A layout without one says so.
fn second_lock(layout: Layout) -> Option<Finding> {
    match layout {
        Layout::Plain | Layout::Gitea => None,
        Layout::Gitlab => Some(
            Finding::warning(
                "reference-transaction",
                "GitLab runs no such hook of a repository: nothing stops what moves a ref without \
                 a push",
            )
            .advice("`relhook status` tells of such a ref, and nothing of it is released"),
        ),
    }
}

fn hook(file: &HookFile, words: &Words) -> Finding {
    let (name, path) = (file.name, &file.path);
    let bad = |how: &str, so: &str| Finding::error(name, format!("{path} {how}: {so}"));
    let without = match name {
        "post-receive" => "nothing is released after a push",
        "reference-transaction" => "a ref can be moved without a verdict",
        _ => "git lets every push in",
    };
    let init = words.relhook(&["init"]);
    // Out of a folder whose every file is run.
    let among = path.ends_with(".d/relhook");
    let aside = if among { name } else { path.as_str() };
    let away = words.own(&format!("mv {0}/{path} {0}/{aside}.old", words.git_dir()));
    match &file.stands {
        Stands::AsInstalled { .. } => {
            Finding::ok(name, format!("{path} is as this version installs it"))
        }
        Stands::Absent => bad("is not there", without).mend(init),
        Stands::Empty => bad("is empty", without).mend(init),
        Stands::NotExecutable => bad("is not executable", without).mend(init),
        Stands::Dangling => bad("leads nowhere", without).mend(away).mend(init),
        Stands::NoFile => bad("is not a plain file", "relhook did not put it there")
            .mend(away)
            .mend(init),
        Stands::Foreign => bad(
            "is another program's",
            "whether it asks relhook, and heeds it, is up to it",
        )
        .mend(away)
        .mend(init)
        .advice("what it did can be called from the `update` hook, which relhook leaves alone"),
        Stands::Altered => Finding::warning(
            name,
            format!("{path} is relhook's, but not as this version installs it"),
        )
        .mend(init),
        Stands::OddMode(mode) => Finding::warning(
            name,
            format!("{path} has mode {mode:04o}, and has to have 0755"),
        )
        .mend(init),
        Stands::Unreadable(why) => {
            Finding::unknown(name, format!("{path} cannot be looked at: {why}"))
        }
    }
}

fn programs(programs: &[Program], words: &Words) -> Vec<Finding> {
    let check = "program";
    let found = programs.iter().map(|program| match program {
        Program::Runs { path, .. } if !program.is_ours() => Finding::warning(
            check,
            format!(
                "the hooks run {path}, which is `{}`, and this is `{}`",
                program.version(),
                VERSION_LINE
            ),
        )
        .mend(words.relhook(&["init"])),
        Program::Runs { path, .. } => Finding::ok(check, format!("the hooks run {path}")),
        Program::Fails { path, why } => Finding::error(
            check,
            format!("the hooks run {path}, which does not work: {why}; every push is refused"),
        )
        .mend(words.relhook(&["init"])),
    });
    found.collect()
}

fn interpreter(facts: &Facts) -> Finding {
    let check = "hooks-run";
    match facts.runs {
        Some(true) => Finding::ok(
            check,
            "/bin/sh is there, and the file system lets hooks be run",
        ),
        Some(false) => Finding::error(
            check,
            "hooks cannot be run here: /bin/sh is missing, or the file system is mounted `noexec`, \
             and then git lets every push in",
        )
        .advice("mount the file system without `noexec`, and see that /bin/sh is there"),
        None => Finding::unknown(
            check,
            "the file system does not say whether hooks can be run",
        ),
    }
}

fn others(others: &[String]) -> Finding {
    let check = "other-hooks";
    if others.is_empty() {
        return Finding::ok(check, "there are no other hooks");
    }
    let list = others.join(", ");
    Finding::warning(
        check,
        format!(
            "hooks/ also holds {list}: git or another program runs that with the rights of this \
             account, and relhook does not look into it"
        ),
    )
    .advice("see that it moves no ref and releases nothing; it cannot stop relhook's refusal")
}

#[cfg(test)]
mod tests;
