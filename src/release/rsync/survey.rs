//! What stands where the plan will step. Nothing is changed by looking.

use super::remote::Remote;
use crate::release::run::Job;
use crate::release::stage::Stage;
use crate::release::{Adoption, Holding, Plan, ReleaseError, ancestors};
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
    if unknown.is_empty() || (first && held.files.is_empty() && remote.is_empty()?) {
        return Ok(needed);
    }
    let mut found = Found::default();
    remote.compare(stage, &unknown, &mut |line| found.take(line))?;
    let mut foreign = found.blocking;
    foreign.retain(|path| !held.files.contains_key(path));
    if job.adoption == Adoption::Refuse {
        foreign.extend(found.files);
    }
    if foreign.is_empty() {
        return Ok(needed.difference(&found.dirs).cloned().collect());
    }
    Err(ReleaseError::Foreign {
        place: super::place(&job.order.target.kind),
        files: foreign.into_iter().collect(),
    })
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
