//! A push that has to be refused, for real: to a copy of the repository that has its policy, its
//! refs, its settings and its hooks, and none of its consequences.
//!
//! Only a refusal that git reports proves that the hook's answer reaches git, whatever runs it.

use crate::doctor::Finding;
use crate::doctor::patient::Patient;
use crate::install::{Mode, Request, install_server};
use crate::setup::Layout;
use crate::types::{Oid, RefName, escape};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// So many entries of the hooks folder are copied.
const MAX_COPIED: usize = 500;

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trial {
    /// Both locks held: the push was refused with these codes, and the ref could not be moved by
    /// hand.
    Held {
        /// What relhook said, as codes.
        codes: Vec<String>,
    },
    /// The push went in.
    WentIn {
        /// The ref, escaped.
        refname: String,
    },
    /// The push was refused, and not by relhook.
    RefusedOtherwise {
        /// What was said, escaped.
        said: String,
    },
    /// The push was refused; by hand, the ref moved.
    MovedByHand {
        /// The ref, escaped.
        refname: String,
    },
    /// It was not tried.
    NotTried(String),
}

/// Judges what became of it.
pub(super) fn judge(trial: &Trial) -> Finding {
    let check = "refusal";
    let again = "see which hook git runs, and what becomes of its exit code";
    match trial {
        Trial::Held { codes } => Finding::ok(
            check,
            format!(
                "an unapproved push to a copy of this repository was refused ({}), and its ref \
                 could not be moved by hand",
                codes.join(", ")
            ),
        ),
        Trial::WentIn { refname } => Finding::error(
            check,
            format!("an unapproved push to a copy of this repository went in: {refname} moved"),
        )
        .advice(again),
        Trial::RefusedOtherwise { said } => Finding::warning(
            check,
            format!(
                "an unapproved push to a copy of this repository was refused, but not by relhook: \
                 {said}"
            ),
        )
        .advice(again),
        Trial::MovedByHand { refname } => Finding::error(
            check,
            format!(
                "in a copy of this repository {refname} could be moved without a verdict: the \
                 second lock does not hold"
            ),
        )
        .advice("see that git runs hooks/reference-transaction"),
        Trial::NotTried(why) => Finding::unknown(
            check,
            format!("no unapproved push was tried on a copy of this repository: {why}"),
        ),
    }
}

/// Tries it.
pub(super) fn run(patient: &Patient) -> Trial {
    match attempt(patient) {
        Ok(trial) => trial,
        Err(why) => Trial::NotTried(why),
    }
}

fn attempt(patient: &Patient) -> Result<Trial, String> {
    let bundle = patient.bundle();
    let bundle = bundle.ok_or("there is no policy in force to refuse it")?;
    let listed = patient.git.ask(&["for-each-ref", "--format=%(refname)"]);
    let listed = listed.map_err(|error| error.to_string())?;
    let names = listed.split(|byte| *byte == b'\n');
    let names: Vec<RefName> = names.filter_map(|name| RefName::new(name).ok()).collect();
    // A branch, rather than the policy's own ref.
    let mut names = names
        .into_iter()
        .filter(|name| bundle.policy.protects(name));
    let policy = RefName::new(crate::policy::POLICY_REF.as_bytes());
    let name = names
        .find(|name| name.is_under("refs/heads/"))
        .or(policy.ok())
        .ok_or("there is no protected ref")?;
    let scratch = Scratch::make(patient)?;
    scratch.copy(patient, &name)?;
    scratch.push(&name)
}

/// A folder below relhook's own, on the file system of the hooks; gone afterwards.
struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    fn make(patient: &Patient) -> Result<Self, String> {
        let own = patient.git_dir.join("relhook");
        if !own.is_dir() {
            return Err("relhook's folder is not there".into());
        }
        let folder = tempfile::Builder::new().prefix("doctor-").tempdir_in(own);
        folder
            .map(|folder| Self { folder })
            .map_err(|error| error.to_string())
    }

    fn server(&self) -> PathBuf {
        self.folder.path().join("copy.git")
    }

    fn clone(&self) -> PathBuf {
        self.folder.path().join("clone.git")
    }

    /// The copy: the objects are borrowed, the refs under test are set, relhook is installed, and
    /// then the real hooks and settings take the place of what that put there.
    fn copy(&self, patient: &Patient, name: &RefName) -> Result<(), String> {
        for repository in [self.server(), self.clone()] {
            let path = repository.as_os_str();
            let args = [
                "init",
                "-q",
                "--bare",
                "--template=",
                "--object-format=sha1",
            ];
            let args: Vec<&OsStr> = args.iter().map(OsStr::new).chain([path]).collect();
            done(git(self.folder.path(), &args))?;
            let objects = patient.git_dir.join("objects");
            let mut line = objects.as_os_str().as_bytes().to_vec();
            line.push(b'\n');
            let info = repository.join("objects/info");
            fs::create_dir_all(&info).map_err(said)?;
            fs::write(info.join("alternates"), line).map_err(said)?;
        }
        for refname in [name.as_bytes(), crate::policy::POLICY_REF.as_bytes()] {
            let value = of_ref(&patient.git_dir, refname)?;
            let args = ["update-ref", "--end-of-options"].map(OsStr::new);
            let args = [&args[..], &[OsStr::from_bytes(refname), OsStr::new(&value)]].concat();
            done(git(&self.server(), &args))?;
        }
        let request = Request {
            dir: self.server(),
            program: patient.program.clone(),
            policy: None,
            keys: None,
            // The real hooks take the place of these.
            layout: Some(Layout::Plain),
            audit_group: None,
            mode: Mode::Apply,
        };
        install_server(&request).map_err(|error| error.to_string())?;
        self.take_over(patient)
    }

    fn take_over(&self, patient: &Patient) -> Result<(), String> {
        let server = self.server();
        let hooks = server.join("hooks");
        fs::remove_dir_all(&hooks).map_err(said)?;
        let mut left = MAX_COPIED;
        copy_hooks(&patient.hooks(), &hooks, &mut left).map_err(said)?;
        // The settings with all that they include, and only then the place of the hooks.
        let args = ["config", "--local", "--add", "include.path"].map(OsStr::new);
        let real = patient.git_dir.join("config");
        done(git(&server, &[&args[..], &[real.as_os_str()]].concat()))?;
        let args = ["config", "--local", "core.hooksPath"].map(OsStr::new);
        if patient.settings.last("core.hooksPath").is_some() {
            done(git(&server, &[&args[..], &[hooks.as_os_str()]].concat()))?;
        }
        Ok(())
    }

    /// Pushes a commit that nobody approved, and then moves the ref by hand.
    fn push(&self, name: &RefName) -> Result<Trial, String> {
        let before = of_ref(&self.server(), name.as_bytes())?;
        let commit = self.commit(&before)?;
        let server = self.server();
        let mut spec = format!("{commit}:").into_bytes();
        spec.extend_from_slice(name.as_bytes());
        let args = ["push", "--porcelain"].map(OsStr::new);
        let args = [&args[..], &[server.as_os_str(), OsStr::from_bytes(&spec)]].concat();
        let pushed = git(&self.clone(), &args).map_err(said)?;
        let refname = name.to_string();
        if of_ref(&server, name.as_bytes())? != before {
            return Ok(Trial::WentIn { refname });
        }
        let text = String::from_utf8_lossy(&pushed.stderr).into_owned();
        let codes = codes(&text);
        let answer = String::from_utf8_lossy(&pushed.stdout).into_owned();
        if codes.is_empty() || !answer.contains("pre-receive hook declined") {
            let first = text
                .lines()
                .chain(answer.lines())
                .next()
                .unwrap_or("nothing");
            let said = escape(first.as_bytes()).chars().take(120).collect();
            return Ok(Trial::RefusedOtherwise { said });
        }
        self.move_by_hand(name, &commit, &before)?;
        if of_ref(&server, name.as_bytes())? == before {
            Ok(Trial::Held { codes })
        } else {
            Ok(Trial::MovedByHand { refname })
        }
    }

    /// The commit's objects go to the copy first: the move has to fail for want of a verdict only.
    fn move_by_hand(&self, name: &RefName, commit: &Oid, before: &str) -> Result<(), String> {
        let commit = commit.to_string();
        let from = self.clone();
        let fetch = ["fetch", "-q"].map(OsStr::new);
        let head = OsStr::new("refs/heads/trial");
        done(git(
            &self.server(),
            &[&fetch[..], &[from.as_os_str(), head]].concat(),
        ))?;
        let args = ["update-ref", "--end-of-options"].map(OsStr::new);
        let refname = OsStr::from_bytes(name.as_bytes());
        let args = [
            &args[..],
            &[refname, OsStr::new(&commit), OsStr::new(before)],
        ]
        .concat();
        git(&self.server(), &args).map(drop).map_err(said)
    }

    /// A commit on top of `parent`, by nobody.
    fn commit(&self, parent: &str) -> Result<Oid, String> {
        let who = [
            "-c",
            "user.name=relhook doctor",
            "-c",
            "user.email=doctor@localhost",
        ];
        let tree = format!("{parent}^{{tree}}");
        let plain = [
            "-c",
            "commit.gpgSign=false",
            "commit-tree",
            "-m",
            "unapproved",
        ];
        let words = [&who[..], &plain, &["-p", parent, &tree]].concat();
        let args: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
        let hex = done(git(&self.clone(), &args))?;
        let commit = Oid::from_hex(hex.trim_ascii()).map_err(|error| error.to_string())?;
        let hex = commit.to_string();
        let args = ["update-ref", "refs/heads/trial", &hex].map(OsStr::new);
        done(git(&self.clone(), &args))?;
        Ok(commit)
    }
}

/// The codes in a report, each once.
fn codes(text: &str) -> Vec<String> {
    let mut codes: Vec<String> = Vec::new();
    for word in text.split(|ch: char| !ch.is_ascii_alphanumeric()) {
        let is_code = word.len() == 5
            && word
                .strip_prefix("RH")
                .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
        if is_code && !codes.iter().any(|code| code == word) {
            codes.push(word.to_owned());
        }
    }
    codes
}

/// Copies what might judge: `post-*` hooks and `update` come after, and might do something.
fn copy_hooks(from: &Path, to: &Path, left: &mut usize) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if comes_after(name.as_bytes()) {
            continue;
        }
        *left = left
            .checked_sub(1)
            .ok_or_else(|| io::Error::other("the hooks folder holds too much"))?;
        let (source, target) = (entry.path(), to.join(&name));
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            // A link that leads nowhere is copied as one: git passes over it here and there.
            let leads = fs::canonicalize(&source).unwrap_or_else(|_| PathBuf::from("/nonexistent"));
            std::os::unix::fs::symlink(leads, target)?;
        } else if kind.is_dir() {
            copy_hooks(&source, &target, left)?;
        } else if kind.is_file() {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

fn comes_after(name: &[u8]) -> bool {
    name.starts_with(b"post-")
        || name == b"update"
        || name == b"push-to-checkout"
        || name.ends_with(b".sample")
}

fn of_ref(repository: &Path, name: &[u8]) -> Result<String, String> {
    let args = ["rev-parse", "--verify", "-q", "--end-of-options"].map(OsStr::new);
    let text = done(git(
        repository,
        &[&args[..], &[OsStr::from_bytes(name)]].concat(),
    ))?;
    Ok(escape(text.trim_ascii()))
}

/// git with this account's settings, and nothing of what started this program.
fn git(dir: &Path, args: &[&OsStr]) -> io::Result<std::process::Output> {
    let mut command = Command::new("git");
    crate::setup::Git::plain(&mut command);
    // An identity that this shell happens to have would be nobody's.
    for name in [
        "REMOTE_USER",
        "GL_USER",
        "SSH_USER_AUTH",
        "SSH_ORIGINAL_COMMAND",
    ] {
        command.env_remove(name);
    }
    command.args(args).current_dir(dir).stdin(Stdio::null());
    command.output()
}

fn done(ran: io::Result<std::process::Output>) -> Result<Vec<u8>, String> {
    let ran = ran.map_err(said)?;
    if ran.status.success() {
        return Ok(ran.stdout);
    }
    let first = ran.stderr.split(|byte| *byte == b'\n').next();
    Err(escape(first.unwrap_or_default()))
}

fn said(error: io::Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::{codes, comes_after};

    #[test]
    fn codes_are_found_once_each() {
        let text =
            "remote:   RH401 no approval\nremote: more: relhook explain RH401 RH202\nRH40 RHABC";
        assert_eq!(codes(text), ["RH401", "RH202"]);
    }

    #[test]
    fn only_hooks_that_judge_are_tried() {
        assert!(comes_after(b"post-receive") && comes_after(b"update"));
        assert!(!comes_after(b"pre-receive") && !comes_after(b"pre-receive.d"));
    }
}
