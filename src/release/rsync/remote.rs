//! The other side, as `rsync` reaches it.
//!
//! No name of the tree is ever an argument: lists of paths go to rsync's standard input, ended by
//! NUL bytes and each with `./` in front. The host is an alias of ours, the remote path follows it,
//! and `-s` (`--secluded-args`) keeps the remote shell from reading either.

use super::line::{ALIAS, Line, Opening};
use super::look;
use crate::folder::private_dir;
use crate::policy::RsyncTarget;
use crate::release::account::Account;
use crate::release::error::shown_end;
use crate::release::program::{self, Ended, Input, Lines, Place, Running, Writes};
use crate::release::run::Job;
use crate::release::stage::Stage;
use crate::release::{Adoption, MANIFEST_LIMIT, MANIFEST_NAME, ReleaseError, Shelves, ancestors};
use crate::types::RepoPath;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use tokio::runtime::Handle;

/// How long one call may take. A connection over which nothing comes ends much earlier.
const LIMIT: Duration = Duration::from_secs(12 * 60 * 60);

/// Where rsync writes files that are not complete: a directory of ours, which visitors cannot
/// enter.
pub(super) const TEMP: &str = ".relhook-temp";

/// How rsync sends files so that they are renamed into their places when all have arrived.
const SENDING: [&str; 11] = [
    "--files-from=-",
    "--from0",
    "--no-implied-dirs",
    "--links",
    "--perms",
    "--ignore-times",
    "--delay-updates",
    "--temp-dir=.relhook-temp",
    "--partial-dir=.relhook-part",
    "--out-format=%i %l %n",
    "--",
];

/// What a call may write here that fetches nothing but a manifest.
pub(super) const FOR_MANIFESTS: Writes = Writes::UpTo(MANIFEST_LIMIT);

/// The paths of a call.
pub(super) enum Told {
    /// In this file.
    Now(PathBuf),
    /// They are told later.
    Later,
}

/// The directory beside a file in which it waits, complete, until all have arrived.
pub(super) const PART: &str = ".relhook-part";

/// rsync's answer where something it was told to remove is no empty directory.
pub(super) const VANISHED: i32 = 24;

/// What rsync says of a file that is larger than it is to fetch.
const OVER: &[u8] = b" is over max-size";

/// What rsync ends with where it could not see to some of the files.
pub(super) const PARTIAL: i32 = 23;

/// What was fetched.
#[derive(Debug, Clone, Copy)]
pub(super) struct There {
    /// Whether our directory for incomplete files is there.
    pub(super) has_temp: bool,
    /// Whether the manifest is larger than any of ours, and was not fetched.
    pub(super) is_too_large: bool,
}

/// One directory of one host.
pub(super) struct Remote<'a> {
    job: &'a Job<'a>,
    place: String,
    rsync: PathBuf,
    /// The directory, as rsync's arguments name it.
    dest: String,
    /// The directory itself.
    path: String,
    line: Line,
}

impl<'a> Remote<'a> {
    /// Finds the program and the key, and begins to connect.
    pub(super) fn new(
        job: &'a Job<'a>,
        target: &RsyncTarget,
        place: &str,
    ) -> Result<Self, ReleaseError> {
        let rsync = program::find("rsync")?;
        let shelves = Shelves::from_env(job.setting.folder);
        let credentials = shelves.credentials(&job.order.target.name)?;
        let account = Account::new(&target.host, &target.login, &credentials, target.compress)?;
        let program = match job.setting.program {
            Some(program) => program.to_owned(),
            None => std::env::current_exe().map_err(|error| ReleaseError::Program {
                program: "relhook".into(),
                why: error.to_string(),
            })?,
        };
        for name in ["fetched", "none", "new"] {
            let path = job.desk.file(&format!("rsync/{name}"));
            look::clear(&path)?;
            private_dir(&path).map_err(ReleaseError::io(&path))?;
        }
        Ok(Self {
            job,
            place: place.to_owned(),
            rsync,
            dest: format!("{ALIAS}:{}/", target.path),
            path: target.path.clone(),
            line: Line::begin(job.desk, account, &program)?,
        })
    }

    /// The directory, as rsync's arguments name it.
    pub(super) fn dest(&self) -> &str {
        &self.dest
    }

    /// What whoever looks after the host has to know of it, once it was reached.
    pub(super) fn notice(&self) -> Option<String> {
        self.line.notice()
    }

    /// Begins to open an eye on the host.
    pub(super) fn begin_to_look(&self) -> Opening {
        self.line.begin_to_look()
    }

    /// What the connection runs on.
    pub(super) fn threads(&self) -> &Handle {
        self.line.threads()
    }

    /// The directory, as the host names it.
    pub(super) fn root(&self) -> &str {
        &self.path
    }

    /// A path in it, as the host names it.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.path)
    }

    /// A file of the desk that rsync works at.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.job.desk.file(name)
    }

    /// Where a fetched file is.
    pub(super) fn fetched(&self, name: &str) -> PathBuf {
        self.job.desk.file("rsync/fetched").join(name)
    }

    /// Fetches the manifest, if there is one, and sees whether the directory is there.
    pub(super) fn fetch(&self) -> Result<There, ReleaseError> {
        let manifest = format!("--include=/{MANIFEST_NAME}");
        let temp = format!("--include=/{TEMP}/");
        let largest = format!("--max-size={MANIFEST_LIMIT}");
        let args = [
            "--recursive",
            "--info=SKIP1",
            &largest,
            &manifest,
            &temp,
            "--exclude=*",
            "--",
        ];
        let mut skipped = false;
        let ended = self.call(&args, &[&self.dest, "rsync/fetched/"], &[], &mut |line| {
            skipped |= line.ends_with(OVER);
        })?;
        // A host that says one size and sends another is stopped by this machine.
        let large = skipped || String::from_utf8_lossy(&ended.messages).contains("File too large");
        if large && self.job.adoption == Adoption::Refuse {
            return Err(ReleaseError::Manifest {
                place: self.place.clone(),
                why: format!("it is larger than {MANIFEST_LIMIT} bytes"),
            });
        }
        if ended.code == Some(23) && lacks_dir(&ended.messages) {
            return Err(ReleaseError::Place {
                path: self.place.clone().into(),
                why: "the host has no such directory, or does not let this account in".into(),
            });
        }
        self.well(&ended, &[0])?;
        Ok(There {
            has_temp: self.fetched(TEMP).is_dir(),
            is_too_large: skipped,
        })
    }

    /// Whether the directory holds nothing but what is relhook's own.
    pub(super) fn is_empty(&self) -> Result<bool, ReleaseError> {
        Ok(self.names(&["--exclude=/.relhook-*"], "")?.is_empty())
    }

    /// What a killed run left in our directory for incomplete files.
    pub(super) fn strays(&self) -> Result<Vec<RepoPath>, ReleaseError> {
        let temp = RepoPath::new(TEMP.as_bytes().to_vec());
        let names = self.names(&[], &format!("{TEMP}/"))?;
        Ok(names.iter().map(|name| temp.join(name)).collect())
    }

    /// Begins to list what is in the directory, by names alone, while another call is made ready.
    pub(super) fn begin_to_list(&self) -> Result<Running, ReleaseError> {
        let args = ["--dirs", "--dry-run", "--out-format=%n", "--"];
        let (ends, none) = ([self.dest.as_str(), "rsync/none/"], self.list(&[])?);
        self.start(Place::First, FOR_MANIFESTS, &args, &ends, none)
    }

    /// The names in a directory below ours.
    fn names(&self, more: &[&str], below: &str) -> Result<Vec<Vec<u8>>, ReleaseError> {
        let mut names = Vec::new();
        let source = format!("{}{below}", self.dest);
        let mut args = vec!["--dirs", "--dry-run", "--out-format=%n"];
        args.extend(more);
        args.push("--");
        let ended = self.call(&args, &[&source, "rsync/none/"], &[], &mut |line| {
            let name = line.strip_suffix(b"/").unwrap_or(line);
            if name != b"." && !name.is_empty() {
                names.push(name.to_vec());
            }
        })?;
        self.well(&ended, &[0])?;
        Ok(names)
    }

    /// Says for each staged path what is there already: a line of rsync's for each file, each
    /// directory on the way, and each thing that would have to go.
    pub(super) fn compare(
        &self,
        stage: &Stage,
        paths: &[&RepoPath],
        codes: &[i32],
        line: &mut dyn FnMut(&[u8]),
    ) -> Result<(), ReleaseError> {
        let args = [
            "--dry-run",
            "--itemize-changes",
            "--itemize-changes",
            "--files-from=-",
            "--from0",
            "--links",
            "--perms",
            "--ignore-times",
            "--existing",
            "--out-format=%i %n",
            "--",
        ];
        let source = source(stage);
        let ended = self.call(&args, &[&source, &self.dest], paths, line)?;
        self.well(&ended, codes)
    }

    /// What is in a directory; nothing where none is there.
    pub(super) fn contents(&self, dir: &RepoPath) -> Result<Vec<RepoPath>, ReleaseError> {
        let mut found = Vec::new();
        // Its name is one of a list: as an argument it might mean something else to a shell there.
        let args = [
            "--files-from=-",
            "--from0",
            "--dirs",
            "--dry-run",
            "--out-format=%n",
        ];
        let below = RepoPath::new([dir.as_bytes(), b"/"].concat());
        let places = [self.dest.as_str(), "rsync/none/"];
        let ended = self.call(&args, &places, &[&below], &mut |line| {
            let path = RepoPath::new(line.strip_suffix(b"/").unwrap_or(line).to_vec());
            if ancestors(&path).contains(dir) {
                found.push(path);
            }
        })?;
        self.well(&ended, &[0, PARTIAL]).map(|()| found)
    }

    /// Makes our directory for incomplete files.
    pub(super) fn make_temp(&self) -> Result<(), ReleaseError> {
        let mut making = self.begin_to_make_temp()?;
        Self::make_temp_by(&mut making);
        self.ended_well(making)
    }

    /// Begins to make that directory: all is made ready on both sides.
    pub(super) fn begin_to_make_temp(&self) -> Result<Running, ReleaseError> {
        let path = self.job.desk.file("rsync/new").join(TEMP);
        private_dir(&path).map_err(ReleaseError::io(&path))?;
        let args = [
            "--files-from=-",
            "--from0",
            "--dirs",
            "--no-implied-dirs",
            "--perms",
            "--chmod=D0700",
            "--",
        ];
        let ends = ["rsync/new/", &self.dest];
        self.start(Place::First, FOR_MANIFESTS, &args, &ends, Told::Later)
    }

    /// Has it made by what was made ready, which may not have ended then.
    pub(super) fn make_temp_by(making: &mut Running) {
        making.tell(&listed(&[&RepoPath::new(TEMP.as_bytes().to_vec())]));
    }

    /// Waits for the end of a call that ends well if nothing is wrong.
    pub(super) fn ended_well(&self, running: Running) -> Result<(), ReleaseError> {
        self.well(&finish(running, &mut |_| {})?, &[0])
    }

    /// Sends files, each under its place's name when all of them are there.
    pub(super) fn send(&self, stage: &Stage, paths: &[&RepoPath]) -> Result<(), ReleaseError> {
        if paths.is_empty() {
            return Ok(());
        }
        let ends = [&source(stage) as &str, &self.dest];
        let input = self.list(paths)?;
        let running = self.start(Place::Only, FOR_MANIFESTS, &SENDING, &ends, input)?;
        self.sent(running)
    }

    /// Begins to send: all is made ready on both sides, and it waits to be told the paths.
    pub(super) fn begin_to_send(&self, stage: &Stage) -> Result<Running, ReleaseError> {
        let ends = [&source(stage) as &str, &self.dest];
        self.start(Place::Second, FOR_MANIFESTS, &SENDING, &ends, Told::Later)
    }

    /// Sends these paths by what was made ready.
    pub(super) fn go_on_sending(
        &self,
        mut running: Running,
        paths: &[&RepoPath],
    ) -> Result<(), ReleaseError> {
        running.tell(&listed(paths));
        self.sent(running)
    }

    fn sent(&self, running: Running) -> Result<(), ReleaseError> {
        let progress = self.job.progress;
        let ended = finish(running, &mut |line| {
            if let Some(size) = sent(line) {
                progress.sent(size);
                progress.uploaded();
            }
        })?;
        self.well(&ended, &[0])
    }

    /// Removes files, each of which may be gone already.
    pub(super) fn remove(&self, paths: &[&RepoPath]) -> Result<(), ReleaseError> {
        if paths.is_empty() {
            return Ok(());
        }
        let args = [
            "--files-from=-",
            "--from0",
            "--no-implied-dirs",
            "--delete-missing-args",
            "--",
        ];
        let ended = self.call(&args, &["rsync/none/", &self.dest], paths, &mut |_| {})?;
        // What is a directory there and not empty is not ours, and stays.
        self.well(&ended, &[0, VANISHED])
    }

    /// Removes directories that are empty; the list has children before their parents. rsync would
    /// look at a parent first, so each depth is a call of its own.
    pub(super) fn remove_dirs(&self, dirs: &[RepoPath]) -> Result<(), ReleaseError> {
        let depth = |dir: &RepoPath| dir.as_bytes().iter().filter(|byte| **byte == b'/').count();
        let deepest = dirs.iter().map(depth).max().unwrap_or(0);
        for level in (0..=deepest).rev() {
            let here: Vec<&RepoPath> = dirs.iter().filter(|dir| depth(dir) == level).collect();
            self.remove(&here)?;
        }
        Ok(())
    }

    /// Replaces the manifest.
    pub(super) fn switch(&self, manifest: &[u8]) -> Result<(), ReleaseError> {
        let path = self.job.desk.file("rsync/new").join(MANIFEST_NAME);
        fs::write(&path, manifest).map_err(ReleaseError::io(&path))?;
        let temp = format!("--temp-dir={TEMP}");
        let args = ["--ignore-times", "--perms", "--chmod=F0644", &temp, "--"];
        let source = format!("rsync/new/{MANIFEST_NAME}");
        let ended = self.call(&args, &[&source, &self.dest], &[], &mut |_| {})?;
        self.well(&ended, &[0])
    }

    /// Runs rsync with these paths on its standard input. It writes no file here that is larger than a
    /// manifest.
    pub(super) fn call(
        &self,
        args: &[&str],
        ends: &[&str; 2],
        paths: &[&RepoPath],
        line: &mut dyn FnMut(&[u8]),
    ) -> Result<Ended, ReleaseError> {
        self.call_writing(FOR_MANIFESTS, args, ends, paths, line)
    }

    /// The same with another limit.
    pub(super) fn call_writing(
        &self,
        writes: Writes,
        args: &[&str],
        ends: &[&str; 2],
        paths: &[&RepoPath],
        line: &mut dyn FnMut(&[u8]),
    ) -> Result<Ended, ReleaseError> {
        let input = self.list(paths)?;
        finish(self.start(Place::Only, writes, args, ends, input)?, line)
    }

    /// Writes down paths for a call.
    pub(super) fn list(&self, paths: &[&RepoPath]) -> Result<Told, ReleaseError> {
        let list = self.job.desk.file("rsync/paths");
        fs::write(&list, listed(paths)).map_err(ReleaseError::io(&list))?;
        Ok(Told::Now(list))
    }

    /// Starts rsync.
    pub(super) fn start(
        &self,
        place: Place,
        writes: Writes,
        args: &[&str],
        ends: &[&str; 2],
        told: Told,
    ) -> Result<Running, ReleaseError> {
        let shell = format!("--rsh={}", Line::shell());
        let ours = ["-s", "--8-bit-output", "--timeout=120", &shell];
        let args = ours.iter().chain(args).chain(ends).map(OsString::from);
        let call = program::Call {
            program: &self.rsync,
            args: args.collect(),
            dir: &self.job.desk.file(""),
            env: Vec::new(),
            input: match &told {
                Told::Now(list) => Input::File(list),
                Told::Later => Input::Later,
            },
            limit: LIMIT,
            writes,
        };
        program::start(self.job.desk, place, call)
    }

    /// Whether a call ended as it may.
    pub(super) fn well(&self, ended: &Ended, codes: &[i32]) -> Result<(), ReleaseError> {
        if ended.code.is_some_and(|code| codes.contains(&code)) {
            return Ok(());
        }
        Err(self.error(ended))
    }

    /// What a call that did not end well means.
    fn error(&self, ended: &Ended) -> ReleaseError {
        if let Some(failure) = self.line.failure() {
            return failure;
        }
        let ended = &Ended {
            messages: self.line.redactor().clean(&ended.messages),
            ..*ended
        };
        let site = self.place.clone();
        let text = String::from_utf8_lossy(&ended.messages);
        let full = text.contains("No space left") || text.contains("Disk quota exceeded");
        let absent = text.contains("command not found") || text.contains("rsync: not found");
        match ended.code {
            // Socket and protocol errors, time-outs, and what a lost line ends with: all of them
            // may be gone on a new connection, unless the other side said why.
            Some(10 | 12 | 30 | 35 | 255) if !full && !absent => ReleaseError::Unreachable {
                site,
                step: "rsync".into(),
                why: shown_end(&ended.messages),
            },
            Some(_) | None => ReleaseError::ProgramFailed {
                program: self.rsync.display().to_string(),
                why: ended.told(),
            },
        }
    }
}

/// Waits for the end of a call, and hands on its lines.
pub(super) fn finish(running: Running, line: &mut dyn FnMut(&[u8])) -> Result<Ended, ReleaseError> {
    let mut lines = Lines::default();
    let ended = running.finish(&mut |bytes| {
        lines.take(bytes, &mut |text| {
            line(text);
            Ok(())
        })
    })?;
    if let Some(rest) = lines.rest() {
        line(&rest);
    }
    Ok(ended)
}

/// Paths as rsync reads them.
fn listed(paths: &[&RepoPath]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for path in paths {
        bytes.extend_from_slice(b"./");
        bytes.extend_from_slice(path.as_bytes());
        bytes.push(0);
    }
    bytes
}

/// The staged files, as rsync's arguments name their folder: from the target's own.
fn source(stage: &Stage) -> String {
    format!("{}/", stage.beside_desk())
}

fn lacks_dir(messages: &[u8]) -> bool {
    String::from_utf8_lossy(messages).contains("change_dir")
}

/// The size of a released file that was sent, from rsync's line about it.
fn sent(line: &[u8]) -> Option<usize> {
    let mut words = line.splitn(3, |byte| *byte == b' ');
    let mut word = || std::str::from_utf8(words.next()?).ok();
    let (what, size) = (word()?, word()?);
    if words.next()? == MANIFEST_NAME.as_bytes() {
        return None;
    }
    let file = what.starts_with('<') || what.starts_with("cL") || what.starts_with(".f");
    file.then(|| size.parse().ok()).flatten()
}
