//! The short way: files that are ours are sent anew, to a directory whose manifest is the one that the last
//! release left there; or all of them, to one that is empty.
//!
//! What there is is known from the server's own disk, so the other side is asked once for all that has to
//! be seen, the files are made ready meanwhile, and so is the call that sends them. Nothing is decided
//! by what is known: where the manifest is another one, or anything is otherwise than it is expected to
//! be, the short way ends before anything was touched, and the whole way is taken.

use super::line::Opening;
use super::look::{self, Kind};
use super::remote::{FOR_MANIFESTS, PARTIAL, Remote, TEMP, finish};
use super::survey::ways;
use super::{Work, first, held, journal};
use crate::folder::{Lasting, private_dir, replace_file_lasting};
use crate::release::desk::{Desk, read_capped};
use crate::release::program::{Place, Running};
use crate::release::run::{Begin, Job};
use crate::release::sftp::Eye;
use crate::release::stage::Stage;
use crate::release::{
    Adoption, Holding, MANIFEST_LIMIT, MANIFEST_NAME, Manifest, Plan, ReleaseError, plan,
};
use crate::types::RepoPath;
use std::collections::BTreeSet;
use std::fs;

/// The largest manifest that is read as a whole to be compared, in bytes. Of a larger one rsync fetches sums.
const SEEN: usize = 512 * 1024;

/// The file with the manifest that the last release left.
const KNOWN: &str = "rsync.known";

/// Keeps a manifest that was sent. What cannot be kept is fetched again.
pub(super) fn keep(desk: &Desk, manifest: &[u8]) {
    let _ = replace_file_lasting(&desk.file(KNOWN), manifest, Lasting::Kill);
}

/// What the directory holds, if it is as it was left.
pub(super) struct Short {
    left: Before,
    held: Holding,
    plan: Plan,
}

/// What was left there.
enum Before {
    /// A release, with this manifest.
    Release(Vec<u8>, Box<Manifest>),
    /// Nothing yet.
    Nothing,
}

impl Short {
    /// What it holds, where the short way may be taken: nobody saw a change by hand, no run was killed, and
    /// there is nothing to be done but to send files that are there in another form, or all of them.
    pub(super) fn of(job: &Job<'_>, place: &str) -> Option<Self> {
        let doubts = job.adoption == Adoption::Adopt || !job.suspects.is_empty();
        if doubts || journal::is_left(job) {
            return None;
        }
        let known = read_capped(&job.desk.file(KNOWN), MANIFEST_LIMIT).ok()?;
        let left = match known {
            Some(bytes) => {
                let manifest = Manifest::read(&bytes, job.seal).ok()?;
                Before::Release(bytes, Box::new(manifest))
            }
            None if job.landed.is_none() => Before::Nothing,
            None => return None,
        };
        let held = held(job, left.manifest(), &journal::Left::default(), place).ok()?;
        let plan = plan(job.listing, &held);
        let is_ours = |path: &RepoPath| held.files.contains_key(path);
        let fits = match &left {
            Before::Release(..) => plan.puts.iter().all(|file| is_ours(&file.path)),
            Before::Nothing => true,
        };
        (fits && super::is_one_step(job, &plan)).then_some(Self { left, held, plan })
    }

    /// Brings the directory to the order's tree; `false` if it is not as it was left. Nothing was touched
    /// then.
    pub(super) fn release(
        &self,
        job: &Job<'_>,
        remote: &Remote<'_>,
        place: &str,
        begin: &mut Begin<'_>,
    ) -> Result<bool, ReleaseError> {
        let Before::Release(known, manifest) = &self.left else {
            return first::release(job, remote, place, &self.plan, begin);
        };
        let manifest = Some(manifest.as_ref());
        let ways = ways(&self.held, &self.plan);
        let asked = match known.len() > SEEN {
            true => Asked::Rsync(self.ask(job, remote, Place::Only, &ways)?),
            false => Asked::Sftp(remote.begin_to_look()),
        };
        let stage = Stage::of(job, &self.plan.puts)?;
        let sending = remote.begin_to_send(&stage)?;
        let is_so = match asked {
            Asked::Rsync(asked) => self.is_so(remote, asked, &ways, known)?,
            Asked::Sftp(eye) => match see(remote, eye.wait(), &ways, known) {
                Some(is_so) => is_so,
                None => {
                    let asked = self.ask(job, remote, Place::First, &ways)?;
                    self.is_so(remote, asked, &ways, known)?
                }
            },
        };
        if !is_so {
            return Ok(false);
        }
        let new_dirs = BTreeSet::new();
        let work = Work {
            job,
            remote,
            held: &self.held,
            plan: &self.plan,
            new_dirs: &new_dirs,
        };
        work.set_out(place, manifest, begin)?;
        let record = work.begin_along(&stage, place, manifest)?;
        let paths = work.with_record(&stage, &record)?;
        remote.go_on_sending(sending, &paths.iter().collect::<Vec<_>>())?;
        super::end(job, stage, &record)?;
        Ok(true)
    }

    /// Asks for the manifest, for our directory for incomplete files, and for the directories on the way.
    fn ask(
        &self,
        job: &Job<'_>,
        remote: &Remote<'_>,
        place: Place,
        ways: &BTreeSet<RepoPath>,
    ) -> Result<Running, ReleaseError> {
        // Of what is as it was, only sums travel.
        let _ = fs::hard_link(job.desk.file(KNOWN), remote.fetched(MANIFEST_NAME));
        let largest = format!("--max-size={MANIFEST_LIMIT}");
        let args = [
            "--files-from=-",
            "--from0",
            "--dirs",
            "--no-implied-dirs",
            "--ignore-missing-args",
            "--ignore-times",
            "--perms",
            "--chmod=D0700,F0600",
            "--info=SKIP1,NONREG1",
            &largest,
            look::FORM,
            "--",
        ];
        let own = [MANIFEST_NAME, TEMP].map(|name| RepoPath::new(name.as_bytes().to_vec()));
        let paths: Vec<&RepoPath> = own.iter().chain(ways).collect();
        let input = remote.list(&paths)?;
        let ends = [remote.dest(), "rsync/fetched/"];
        remote.start(place, FOR_MANIFESTS, &args, &ends, input)
    }

    /// Whether the manifest is the one that is known, and whatever is on the way is a directory.
    fn is_so(
        &self,
        remote: &Remote<'_>,
        asked: Running,
        ways: &BTreeSet<RepoPath>,
        known: &[u8],
    ) -> Result<bool, ReleaseError> {
        let mut seen = Seen::default();
        let ended = finish(asked, &mut |line| seen.take(line))?;
        // Of what it could not look at, the whole way says what that is.
        remote.well(&ended, &[0, PARTIAL])?;
        let path = remote.fetched(MANIFEST_NAME);
        let bytes = read_capped(&path, MANIFEST_LIMIT).map_err(ReleaseError::io(&path))?;
        let same = ended.is_well() && bytes.as_deref() == Some(known);
        if same && seen.is_as_left(ways) {
            return Ok(true);
        }
        // It is fetched anew.
        let fetched = remote.fetched("");
        look::clear(&fetched)?;
        private_dir(&fetched).map_err(ReleaseError::io(&fetched))?;
        Ok(false)
    }
}

impl Before {
    fn manifest(&self) -> Option<&Manifest> {
        match self {
            Self::Release(_, manifest) => Some(manifest),
            Self::Nothing => None,
        }
    }
}

/// Whether the manifest is the one that is known, and our own directory and whatever is on the way are
/// directories; `None` where the host does not let it be seen so.
///
/// That manifest was written by rsync itself, or where SFTP saw what rsync made, and is of no other release: where
/// it is seen, rsync's directory is seen.
fn see(
    remote: &Remote<'_>,
    eye: Option<Eye>,
    ways: &BTreeSet<RepoPath>,
    known: &[u8],
) -> Option<bool> {
    let ways = ways.iter().map(|dir| std::str::from_utf8(dir.as_bytes()));
    let dirs = ways.chain([Ok(TEMP)]).map(|dir| Some(remote.at(dir.ok()?)));
    let dirs: Vec<String> = dirs.collect::<Option<_>>()?;
    let manifest = remote.at(MANIFEST_NAME);
    eye?.sees((&manifest, known), &dirs).ok()
}

/// Who was asked what is there.
enum Asked {
    Rsync(Running),
    Sftp(Opening),
}

/// What rsync says of the other side.
#[derive(Debug, Default)]
struct Seen {
    dirs: BTreeSet<RepoPath>,
    /// Whether the manifest came.
    came: bool,
    /// Whether it said anything else.
    other: bool,
}

impl Seen {
    fn take(&mut self, line: &[u8]) {
        match look::told(line) {
            Some((path, told)) if told.kind == Kind::Directory => drop(self.dirs.insert(path)),
            Some((path, _))
                if line.starts_with(b">f") && path.as_bytes() == MANIFEST_NAME.as_bytes() =>
            {
                self.came = true;
            }
            // It tells of the directory itself, too.
            _ => self.other |= !line.is_empty() && !line.ends_with(b" ./"),
        }
    }

    /// Whether the manifest came, our own directory is there, and all of `ways` are directories.
    fn is_as_left(&self, ways: &BTreeSet<RepoPath>) -> bool {
        let temp = RepoPath::new(TEMP.as_bytes().to_vec());
        self.came && !self.other && self.dirs.contains(&temp) && ways.is_subset(&self.dirs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAME: &str = ">f..t...... 90 2026/11/28-18:45:18 rw------- .relhook-manifest.json";
    const TEMP_IS_THERE: &str = "cd+++++++++ 4096 2026/11/28-18:45:18 rwx------ .relhook-temp/";
    const CSS_IS_THERE: &str = "cd+++++++++ 4096 2026/11/28-18:45:18 rwxr-xr-x css/";

    fn is_as_left(lines: &[&str]) -> bool {
        let mut seen = Seen::default();
        for line in lines {
            seen.take(line.as_bytes());
        }
        seen.is_as_left(&BTreeSet::from([RepoPath::new(b"css".to_vec())]))
    }

    #[test]
    fn only_what_is_as_it_was_left_is_taken_for_that() {
        let top = ".d..t...... 4096 2026/11/28-18:45:18 rwxr-xr-x ./";
        assert!(is_as_left(&[CAME, TEMP_IS_THERE, CSS_IS_THERE]));
        assert!(is_as_left(&[top, CAME, TEMP_IS_THERE, CSS_IS_THERE]));
        let unlike: [&[&str]; 6] = [
            &[TEMP_IS_THERE, CSS_IS_THERE],
            &[CAME, CSS_IS_THERE],
            &[CAME, TEMP_IS_THERE],
            &[
                ".f         90 2026/11/28-18:45:18 rw------- .relhook-manifest.json",
                TEMP_IS_THERE,
                CSS_IS_THERE,
            ],
            &[
                CAME,
                TEMP_IS_THERE,
                CSS_IS_THERE,
                "skipping non-regular file \"css/x\"",
            ],
            &[
                CAME,
                TEMP_IS_THERE,
                ">f+++++++++ 2 2026/11/28-18:45:18 rw-r--r-- css",
            ],
        ];
        for lines in unlike {
            assert!(!is_as_left(lines), "{lines:?}");
        }
    }
}
