//! What stands where the plan will step. Nothing is changed by looking.

use super::look;
use super::remote::{PARTIAL, Remote};
use crate::release::run::Job;
use crate::release::stage::Stage;
use crate::release::{Adoption, Holding, OWN_PREFIX, Plan, ReleaseError, ancestors};
use crate::types::RepoPath;
use std::collections::BTreeSet;

/// The directories that the plan makes.
///
/// # Errors
/// When something that is not ours stands in the way.
pub(super) fn survey(
    job: &Job<'_>,
    remote: &Remote<'_>,
    stage: &Stage,
    held: &Holding,
    plan: &Plan,
    first: bool,
) -> Result<BTreeSet<RepoPath>, ReleaseError> {
    let unknown: Vec<&RepoPath> = plan
        .puts
        .iter()
        .map(|file| &file.path)
        .filter(|path| !held.files.contains_key(*path))
        .collect();
    let needed: BTreeSet<RepoPath> = unknown
        .iter()
        .flat_map(|path| ancestors(path))
        .filter(|dir| !held.dirs.contains(dir))
        .collect();
    if first && held.files.is_empty() && remote.is_empty()? {
        return Ok(needed);
    }
    let swapped = look::no_directories(remote, &ways(held, plan).iter().collect())?;
    let leads_there = |path: &&RepoPath| {
        let mut above = ancestors(path).into_iter();
        !swapped.contains(*path) && !above.any(|dir| swapped.contains(&dir))
    };
    let open: Vec<&RepoPath> = unknown.into_iter().filter(leads_there).collect();
    let giving = plan.blocking_dirs.iter().filter(leads_there).collect();
    let (dirs, mut foreign) = standing(job, remote, stage, held, &giving, &open)?;
    foreign.extend(swapped);
    match foreign.is_empty() {
        true => Ok(needed.difference(&dirs).cloned().collect()),
        false => Err(ReleaseError::Foreign {
            place: super::place(&job.order.target.kind),
            files: foreign.into_iter().collect(),
        }),
    }
}

/// What stands where `unknown` files of the plan go, and in the directories that are `giving` way to
/// some of them: the directories on the way, and what is in the way and not ours.
fn standing(
    job: &Job<'_>,
    remote: &Remote<'_>,
    stage: &Stage,
    held: &Holding,
    giving: &BTreeSet<&RepoPath>,
    unknown: &[&RepoPath],
) -> Result<(BTreeSet<RepoPath>, BTreeSet<RepoPath>), ReleaseError> {
    if unknown.is_empty() {
        return Ok((BTreeSet::new(), BTreeSet::new()));
    }
    let mut found = Found::default();
    let ours = |path: &RepoPath| held.files.contains_key(path) || giving.contains(path);
    // Of a directory that has to give way rsync says that it could not make it go, and ends so.
    let codes: &[i32] = match unknown.iter().any(|path| giving.contains(path)) {
        true => &[0, PARTIAL],
        false => &[0],
    };
    remote.compare(stage, unknown, codes, &mut |line| found.take(line))?;
    let mut blocking = found.blocking;
    for dir in giving {
        blocking.extend(remote.contents(dir)?);
    }
    blocking.retain(|path| !ours(path) && !is_own(path));
    if job.adoption == Adoption::Refuse {
        blocking.extend(found.files);
    }
    Ok((found.dirs, blocking))
}

/// The directories through which the plan steps, and those that it removes: a link in the place of one
/// would lead the steps elsewhere, which not every rsync refuses.
pub(super) fn ways(held: &Holding, plan: &Plan) -> BTreeSet<RepoPath> {
    let puts = plan.puts.iter().map(|file| &file.path);
    let gone = plan.spare_dirs.iter().chain(&plan.blocking_dirs);
    let steps = puts.chain(plan.removed()).chain(gone.clone());
    let mut dirs: BTreeSet<RepoPath> = steps.flat_map(ancestors).collect();
    dirs.extend(gone.cloned());
    // What was a link of ours, or may be a file of ours by now, gives way.
    let ours = |path: &RepoPath| held.files.contains_key(path);
    dirs.retain(|dir| !ours(dir) && !ancestors(dir).iter().any(ours));
    dirs
}

/// Whether a path is relhook's own, such as rsync's folder for what has arrived.
fn is_own(path: &RepoPath) -> bool {
    let name = path.as_bytes().rsplit(|byte| *byte == b'/').next();
    name.is_some_and(|name| name.starts_with(OWN_PREFIX.as_bytes()))
}

/// What rsync says of the other side.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// Files where the plan puts one.
    files: BTreeSet<RepoPath>,
    /// Directories on the way to them.
    dirs: BTreeSet<RepoPath>,
    /// What is no directory, or one where a file is to be: it would have to go first.
    blocking: BTreeSet<RepoPath>,
}

impl Found {
    /// A line of rsync's: eleven letters that say what would change, and the path.
    fn take(&mut self, line: &[u8]) {
        let (Some(what), Some(b' '), Some(name)) = (line.get(..11), line.get(11), line.get(12..))
        else {
            return;
        };
        let name = name.strip_suffix(b"/").unwrap_or(name);
        if name == b"." || what.starts_with(b"*") {
            return;
        }
        let path = RepoPath::new(name.to_vec());
        let is_dir = what.get(1) == Some(&b'd');
        let is_new = what.get(2) == Some(&b'+');
        match (is_dir, is_new) {
            (true, false) => self.dirs.insert(path),
            (false, false) => self.files.insert(path),
            // What is not there at all is not told of; so this would replace something else.
            (true | false, true) => self.blocking.insert(path),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_tell_files_directories_and_what_is_in_the_way() {
        let mut found = Found::default();
        for line in [
            &b".d          ./"[..],
            b"<f.sT...... host:path",
            b".f          same",
            b".d          a dir/",
            b"cd+++++++++ links/",
            b"<f+++++++++ was-dir",
            b"cL+++++++++ links/l",
            b"*deleting   x",
            b"short",
        ] {
            found.take(line);
        }
        let set = |names: &[&str]| -> BTreeSet<RepoPath> {
            let names = names.iter();
            names
                .map(|name| RepoPath::new(name.as_bytes().to_vec()))
                .collect()
        };
        assert_eq!(found.files, set(&["host:path", "same"]));
        assert_eq!(found.dirs, set(&["a dir"]));
        assert_eq!(found.blocking, set(&["links", "was-dir", "links/l"]));
    }
}
