//! The first upload, to a directory that nothing is in.
//!
//! rsync is good at sending what differs from what is there. Where nothing is, SFTP over the same connection
//! does with less: no file is written out on this side first, and many are under way at once. Each goes to
//! where rsync itself would keep it until all have arrived, so that rsync can carry on what is interrupted; from
//! there they are renamed into their places, what others refer to first.
//!
//! Both have to see the same directory, for rsync is asked what is there from then on: rsync makes relhook's own in
//! it, and SFTP sees that appear. A host that offers no SFTP, or none that writes, is brought the files by rsync.

use super::journal::Touches;
use super::remote::{PARTIAL, Remote, TEMP, finish};
use super::supply::{Errand, Supply};
use super::{Work, end, journal, part_of, sealed, short, waits_at};
use crate::release::program::Running;
use crate::release::progress::Phase;
use crate::release::run::{Begin, Job};
use crate::release::sftp::{Eye, Parcel, Told};
use crate::release::stage::{self, Stage};
use crate::release::{
    Content, FileKind, Holding, MANIFEST_NAME, Plan, ReleaseError, ReleaseFile, Source, ancestors,
    by_depth,
};
use crate::types::RepoPath;
use std::collections::{BTreeMap, BTreeSet};
use std::thread;

/// Brings everything to the directory; `false` where the whole way has to be taken.
pub(super) fn release(
    job: &Job<'_>,
    remote: &Remote<'_>,
    place: &str,
    plan: &Plan,
    begin: &mut Begin<'_>,
) -> Result<bool, ReleaseError> {
    let held = Holding::default();
    let puts = plan.puts.iter();
    let dirs = puts.flat_map(|file| ancestors(&file.path)).collect();
    let work = Work {
        job,
        remote,
        held: &held,
        plan,
        new_dirs: &dirs,
    };
    if !names_are_text(job, plan)? {
        return by_rsync(&work, place, begin);
    }
    let looking = remote.begin_to_look();
    let making = remote.begin_to_make_temp()?;
    let errands = plan.puts.iter();
    let errands = errands.map(|file| Ok((at(remote, &waits_at(&file.path))?, file)));
    let errands: Vec<Errand<'_>> = errands.collect::<Result<_, ReleaseError>>()?;
    thread::scope(|scope| {
        let supply = Supply::begin(scope, job.setting.git_dir, errands, remote.threads());
        if let Some(mut eye) = looking.wait()
            && eye.sees_nothing_in(remote.root()).unwrap_or(false)
        {
            eye.widen();
            return by_sftp(&work, (eye, making), supply, place, begin);
        }
        drop((making, supply));
        by_rsync(&work, place, begin)
    })
}

/// Whether every path, and what every link leads to, can be told by SFTP, whose library knows text alone.
fn names_are_text(job: &Job<'_>, plan: &Plan) -> Result<bool, ReleaseError> {
    let mut puts = plan.puts.iter();
    if !puts.all(|file| std::str::from_utf8(file.path.as_bytes()).is_ok()) {
        return Ok(false);
    }
    let is_link = |file: &&ReleaseFile| file.kind == FileKind::Symlink;
    let mut links = plan.puts.iter().filter(is_link).peekable();
    if links.peek().is_none() {
        return Ok(true);
    }
    let source = Source::open(job.setting.git_dir)?;
    for link in links {
        if String::from_utf8(source.content(link)?).is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Everything by one call of rsync.
fn by_rsync(work: &Work<'_>, place: &str, begin: &mut Begin<'_>) -> Result<bool, ReleaseError> {
    let (job, remote) = (work.job, work.remote);
    let asked = remote.begin_to_list()?;
    let stage = Stage::of(job, &work.plan.puts)?;
    let sending = remote.begin_to_send(&stage)?;
    let Some(has_temp) = nothing(remote, asked)? else {
        return Ok(false);
    };
    work.set_out(place, None, begin)?;
    let record = work.begin_along(&stage, place, None)?;
    if !has_temp {
        remote.make_temp()?;
    }
    let paths = work.with_record(&stage, &record)?;
    remote.go_on_sending(sending, &paths.iter().collect::<Vec<_>>())?;
    end(job, stage, &record)?;
    Ok(true)
}

/// Whether our directory for incomplete files is there, if nothing else is.
fn nothing(remote: &Remote<'_>, asked: Running) -> Result<Option<bool>, ReleaseError> {
    let (mut has_temp, mut other) = (false, false);
    let ours = format!("{TEMP}/");
    let ended = finish(asked, &mut |line| match line {
        b"" | b"./" => {}
        line if line == ours.as_bytes() => has_temp = true,
        _ => other = true,
    })?;
    // Where it could not look, the whole way says why.
    remote.well(&ended, &[0, PARTIAL])?;
    Ok((ended.is_well() && !other).then_some(has_temp))
}

/// Everything by SFTP.
fn by_sftp(
    work: &Work<'_>,
    (eye, mut making): (Eye, Running),
    supply: Supply<'_>,
    place: &str,
    begin: &mut Begin<'_>,
) -> Result<bool, ReleaseError> {
    let (job, remote) = (work.job, work.remote);
    work.set_out(place, None, begin)?;
    let (files, none, dirs) = (work.touched(), BTreeSet::new(), work.dirs());
    let journal = |files, aside| {
        let dirs = &dirs;
        let touches = Touches { files, aside, dirs };
        // The manifest is there when all else is, so none travels with the files.
        journal::begin(job, place, (None, None), &touches)
    };
    journal(&none, &files)?;
    Remote::make_temp_by(&mut making);
    let mut making = Some(making);
    let mut upload = Upload { work, eye };
    let rooms = Rooms::of(work)?;
    let (made, seen) = upload
        .eye
        .make_all(&rooms.dirs, &rooms.parts, &remote.at(TEMP));
    let made = match made {
        Err(error) if error.is_transient() => return Err(error),
        made => made.is_ok(),
    };
    let seen = match seen {
        true => Ok(true),
        false => is_there_in_the_end(remote, &mut upload.eye, &mut making),
    };
    if !made || !matches!(seen, Ok(true)) {
        // SFTP does not write there, or it is not known where that is: nothing of it is taken for what rsync sees.
        let removed = upload.eye.remove_all(rooms.inside_out());
        if seen? {
            removed?;
        }
        journal::forget(job)?;
        return Ok(false);
    }
    let contents = match upload.send(supply) {
        Ok(contents) => contents,
        // Nothing is in its place. rsync may do what SFTP does not.
        Err(ReleaseError::Refused { .. } | ReleaseError::Damaged { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    let record = sealed(job, &work.record(&contents)?)?;
    journal(&files, &none)?;
    let manifest = match upload.place(&record) {
        Ok(manifest) => manifest,
        Err(ReleaseError::Refused { .. }) => {
            let theirs = upload.in_the_way()?;
            if theirs.is_empty() {
                return Ok(false);
            }
            journal(&(&files - &theirs), &theirs)?;
            return Err(ReleaseError::Foreign {
                place: place.to_owned(),
                files: theirs.into_iter().collect(),
            });
        }
        Err(error) => return Err(error),
    };
    if let Some(making) = making {
        remote.ended_well(making)?;
    }
    upload.eye.close(&manifest, &rooms.parts)?;
    stage::sweep(job)?;
    short::keep(job.desk, &record);
    journal::forget(job)?;
    Ok(true)
}

/// Whether SFTP sees what rsync made, when rsync has ended. It says so only some round trips after it made that.
fn is_there_in_the_end(
    remote: &Remote<'_>,
    eye: &mut Eye,
    making: &mut Option<Running>,
) -> Result<bool, ReleaseError> {
    if let Some(making) = making.take() {
        remote.ended_well(making)?;
    }
    Ok(eye.is_dir(&remote.at(TEMP)).unwrap_or(false))
}

/// A path's name on the host.
fn at(remote: &Remote<'_>, path: &RepoPath) -> Result<String, ReleaseError> {
    let text = std::str::from_utf8(path.as_bytes());
    let text = text.map_err(|_| ReleaseError::Objects(format!("`{path}` is not UTF-8")))?;
    Ok(remote.at(text))
}

/// The directories that are made.
struct Rooms {
    /// Those of the site: the outermost, those in these, and so on.
    dirs: Vec<Vec<String>>,
    /// Those in which files wait.
    parts: Vec<String>,
}

impl Rooms {
    fn of(work: &Work<'_>) -> Result<Self, ReleaseError> {
        let Work { remote, plan, .. } = work;
        let names = |dirs: Vec<&RepoPath>| dirs.into_iter().map(|dir| at(remote, dir)).collect();
        let dirs = by_depth(work.new_dirs).into_iter().map(names);
        let parts: BTreeSet<RepoPath> = plan.puts.iter().map(|file| part_of(&file.path)).collect();
        let parts = parts.iter().map(|part| at(remote, part));
        Ok(Self {
            dirs: dirs.collect::<Result<_, ReleaseError>>()?,
            parts: parts.collect::<Result<_, _>>()?,
        })
    }

    /// All of them, those of a group before those that they are in.
    fn inside_out(&self) -> impl Iterator<Item = &[String]> {
        let dirs = self.dirs.iter().rev().map(Vec::as_slice);
        std::iter::once(self.parts.as_slice()).chain(dirs)
    }
}

/// Files on their way.
struct Upload<'a> {
    work: &'a Work<'a>,
    eye: Eye,
}

impl Upload<'_> {
    /// Where something stands that is not ours: what goes there still waits.
    fn in_the_way(&mut self) -> Result<BTreeSet<RepoPath>, ReleaseError> {
        let Work { remote, plan, .. } = self.work;
        let paths = || plan.puts.iter().map(|file| &file.path);
        let waits = paths().map(|path| at(remote, &waits_at(path)));
        let waits = self.eye.are_files(&waits.collect::<Result<Vec<_>, _>>()?)?;
        let stands = paths().map(|path| at(remote, path));
        let stands = self
            .eye
            .are_files(&stands.collect::<Result<Vec<_>, _>>()?)?;
        let both = paths().zip(waits.into_iter().zip(stands));
        let theirs = both.filter(|(_, (waits, stands))| *waits && *stands);
        Ok(theirs.map(|(path, _)| path.clone()).collect())
    }

    /// Sends every file to where it waits; what each holds.
    fn send(&mut self, supply: Supply<'_>) -> Result<BTreeMap<RepoPath, Content>, ReleaseError> {
        let Work { job, plan, .. } = self.work;
        job.progress.phase(Phase::Sending, plan.puts.len());
        let told = Told {
            sent: &|sent| job.progress.sent(sent),
            arrived: &|| job.progress.step(),
        };
        self.eye.bring(supply.large, supply.small, &told)?;
        supply.readers.end()
    }

    /// Puts the files into their places, what others refer to first, and sends the manifest aside; where it is and where it
    /// goes.
    fn place(&self, record: &[u8]) -> Result<(String, String), ReleaseError> {
        let Work {
            job, remote, plan, ..
        } = self.work;
        let mut files: Vec<&ReleaseFile> = plan.puts.iter().collect();
        files.sort_by_cached_key(|file| job.rank(&file.path));
        let pair =
            |file: &ReleaseFile| Ok((at(remote, &waits_at(&file.path))?, at(remote, &file.path)?));
        let pairs = files.into_iter().map(pair);
        let pairs: Vec<(String, String)> = pairs.collect::<Result<_, ReleaseError>>()?;
        let manifest = Parcel {
            at: remote.at(&format!("{TEMP}/{MANIFEST_NAME}")),
            kind: FileKind::File,
            bytes: record.to_vec(),
        };
        job.progress.phase(Phase::Moving, pairs.len());
        self.eye
            .place(&pairs, &manifest, &|| job.progress.uploaded())?;
        Ok((manifest.at, remote.at(MANIFEST_NAME)))
    }
}
