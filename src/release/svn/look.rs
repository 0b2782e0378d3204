//! What is in the folder, before anything is committed.

use super::client::{Answer, Client};
use crate::release::run::Job;
use crate::release::{Adoption, Holding, MANIFEST_NAME, OWN_PREFIX, Plan, ReleaseError, ancestors};
use crate::types::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// The revision that a run looks at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// Its number.
    pub(super) revision: u64,
    /// The revision of the last release, if the folder has a manifest.
    pub(super) recorded: Option<u64>,
    /// The folder's URL as the server's answers write it.
    url: String,
}

/// What somebody else committed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// A file or folder is gone.
    Gone(RepoPath),
    /// A file or folder is new, or is another one.
    Other(RepoPath),
}

/// What the plan will find.
#[derive(Debug, Default)]
pub(super) struct Ground {
    /// Folders that the commit makes, parents first.
    pub(super) new_dirs: BTreeSet<RepoPath>,
    /// Folders of ours that hold nothing any more: the commit removes them.
    pub(super) spare: BTreeSet<RepoPath>,
    /// Files of others that the commit takes the place of.
    pub(super) replaced: BTreeSet<RepoPath>,
}

/// Looks at the folder and at its manifest.
pub(super) fn look(client: &Client<'_>) -> Result<Standing, ReleaseError> {
    let manifest = format!("{}/{MANIFEST_NAME}", client.url);
    let answer = client.svn(&["info", "--", &client.url, &manifest])?;
    match standing(&answer) {
        // That there is no manifest is believed where the server says so, and not where it went away
        // before it said anything.
        Some(standing) if standing.recorded.is_some() || tells_of_absence(&answer) => Ok(standing),
        Some(_) => Err(client.error(&answer.ended)),
        None => Err(missing(client, &answer)),
    }
}

/// Whether something that was asked for is not in the repository.
fn tells_of_absence(answer: &Answer) -> bool {
    let text = String::from_utf8_lossy(&answer.ended.messages);
    let codes = ["W170000", "E170000", "W160013"];
    codes.iter().any(|code| text.contains(code))
}

fn missing(client: &Client<'_>, answer: &Answer) -> ReleaseError {
    let absent = tells_of_absence(answer);
    // A warning about the folder itself; about the manifest alone there would be an answer.
    if absent || answer.ended.is_well() {
        ReleaseError::Place {
            path: client.url.clone().into(),
            why: "the repository has no such folder; make it with `svn mkdir`".into(),
        }
    } else {
        client.error(&answer.ended)
    }
}

/// Reads `svn info` about the folder and, behind a blank line, about its manifest.
fn standing(answer: &Answer) -> Option<Standing> {
    let text = std::str::from_utf8(&answer.output).ok()?;
    let mut records = text.split("\n\n").map(fields);
    let folder = records.next()?;
    if folder.get("Node Kind") != Some(&"directory") {
        return None;
    }
    let revision: u64 = folder.get("Revision")?.parse().ok()?;
    let recorded = records
        .next()
        .and_then(|record| record.get("Last Changed Rev")?.parse().ok());
    Some(Standing {
        revision: revision.max(recorded.unwrap_or(0)),
        recorded,
        url: (*folder.get("URL")?).to_owned(),
    })
}

fn fields(record: &str) -> BTreeMap<&str, &str> {
    record
        .lines()
        .filter_map(|line| line.split_once(": "))
        .collect()
}

/// What was changed in the folder since the last release.
pub(super) fn changed_since(
    client: &Client<'_>,
    standing: &Standing,
) -> Result<Vec<Change>, ReleaseError> {
    let Some(recorded) = standing.recorded.filter(|from| *from < standing.revision) else {
        return Ok(Vec::new());
    };
    let range = format!("{recorded}:{}", standing.revision);
    let url = format!("{}@{}", client.url, standing.revision);
    let answer = client.svn(&["diff", "--summarize", "-r", &range, "--", &url])?;
    if !answer.ended.is_well() {
        return Err(client.error(&answer.ended));
    }
    let lines = answer.output.split(|byte| *byte == b'\n');
    Ok(lines
        .filter_map(|line| change(line, &standing.url))
        .collect())
}

/// One line of `svn diff --summarize`: a letter, seven columns, a URL.
fn change(line: &[u8], base: &str) -> Option<Change> {
    let url = line.get(8..)?;
    let rest = url.strip_prefix(base.as_bytes())?.strip_prefix(b"/")?;
    let path = RepoPath::new(decoded(rest));
    Some(match line.first()? {
        b'D' => Change::Gone(path),
        _ => Change::Other(path),
    })
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        let escaped = (*first == b'%')
            .then(|| behind.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    bytes
}

/// Looks where the plan will step: which folders are new, which are empty afterwards, and whether
/// something that is not ours stands in the way.
pub(super) fn survey(
    job: &Job<'_>,
    client: &Client<'_>,
    standing: &Standing,
    held: &Holding,
    plan: &Plan,
    place: &str,
) -> Result<Ground, ReleaseError> {
    let unknown = plan
        .puts
        .iter()
        .any(|file| !held.files.contains_key(&file.path));
    let dirs_unknown = plan.dirs.iter().any(|dir| !held.dirs.contains(dir));
    let shrinks = !plan.spare_dirs.is_empty() || !plan.blocking_dirs.is_empty();
    if !unknown && !dirs_unknown && !shrinks {
        return Ok(Ground::default());
    }
    let there = entries(client, standing)?;
    let foreign = in_the_way(job, held, plan, &there);
    if !foreign.is_empty() {
        return Err(ReleaseError::Foreign {
            place: place.to_owned(),
            files: foreign,
        });
    }
    let removed: BTreeSet<&RepoPath> = plan.removed().collect();
    let is_new = |dir: &&RepoPath| !there.dirs.contains(*dir);
    Ok(Ground {
        new_dirs: plan.dirs.iter().filter(is_new).cloned().collect(),
        spare: plan
            .spare_dirs
            .iter()
            .chain(&plan.blocking_dirs)
            .filter(|dir| there.dirs.contains(*dir) && there.only_below(dir, &removed, held))
            .cloned()
            .collect(),
        replaced: plan
            .puts
            .iter()
            .map(|file| &file.path)
            .filter(|path| there.files.contains(*path) && !held.files.contains_key(*path))
            .cloned()
            .collect(),
    })
}

/// Everything in the folder.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) files: BTreeSet<RepoPath>,
    pub(super) dirs: BTreeSet<RepoPath>,
}

impl Entries {
    /// Whether a folder holds nothing but files that are removed, in folders of ours.
    fn only_below(&self, dir: &RepoPath, removed: &BTreeSet<&RepoPath>, held: &Holding) -> bool {
        let below = [dir.as_bytes(), b"/"].concat();
        let inside = |path: &&RepoPath| path.as_bytes().starts_with(&below);
        self.files
            .iter()
            .filter(inside)
            .all(|path| removed.contains(path))
            && self
                .dirs
                .iter()
                .filter(inside)
                .all(|path| held.dirs.contains(path))
    }
}

pub(super) fn entries(client: &Client<'_>, standing: &Standing) -> Result<Entries, ReleaseError> {
    let url = format!("{}@{}", client.url, standing.revision);
    let answer = client.svn(&["list", "--depth", "infinity", "--", &url])?;
    if !answer.ended.is_well() {
        return Err(client.error(&answer.ended));
    }
    let mut entries = Entries::default();
    for line in answer.output.split(|byte| *byte == b'\n') {
        match line.strip_suffix(b"/") {
            Some(dir) => entries.dirs.insert(RepoPath::new(dir.to_vec())),
            None => entries.files.insert(RepoPath::new(line.to_vec())),
        };
    }
    Ok(entries)
}

/// What is not ours where the plan puts a file or makes a folder. A file gives way if the caller
/// takes the folder over; a folder never does, whatever is in it.
fn in_the_way(job: &Job<'_>, held: &Holding, plan: &Plan, there: &Entries) -> Vec<RepoPath> {
    let mut found = BTreeSet::new();
    for file in &plan.puts {
        let path = &file.path;
        let known = held.files.contains_key(path);
        if there.files.contains(path) && !known && job.adoption == Adoption::Refuse {
            found.insert(path.clone());
        }
        if there.dirs.contains(path) {
            found.extend(foreign_below(path, held, plan, there));
        }
        for dir in ancestors(path) {
            if there.files.contains(&dir) && !held.files.contains_key(&dir) {
                found.insert(dir);
            }
        }
    }
    found.into_iter().collect()
}

/// What is not ours in a folder that has to give way to a file; the folder itself, if it is not.
fn foreign_below(dir: &RepoPath, held: &Holding, plan: &Plan, there: &Entries) -> Vec<RepoPath> {
    let below = [dir.as_bytes(), b"/"].concat();
    let inside = |path: &&RepoPath| path.as_bytes().starts_with(&below);
    let files = there
        .files
        .iter()
        .filter(inside)
        .filter(|path| !held.files.contains_key(*path) && !is_own(path));
    let dirs = std::iter::once(dir)
        .chain(there.dirs.iter().filter(inside))
        .filter(|path| !held.dirs.contains(*path) && !plan.blocking_dirs.contains(path));
    files.chain(dirs).cloned().collect()
}

fn is_own(path: &RepoPath) -> bool {
    let name = path.as_bytes().rsplit(|byte| *byte == b'/').next();
    name.is_some_and(|name| name.starts_with(OWN_PREFIX.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_a_path_below_the_folder() {
        let base = "svn://h/r/www";
        let read = |line: &str| change(line.as_bytes(), base);
        let path = |text: &str| RepoPath::new(text.as_bytes().to_vec());
        assert_eq!(
            read("M       svn://h/r/www/a%20b/c%25"),
            Some(Change::Other(path("a b/c%")))
        );
        assert_eq!(
            read("D       svn://h/r/www/x"),
            Some(Change::Gone(path("x")))
        );
        assert_eq!(
            read(" M      svn://h/r/www/x"),
            Some(Change::Other(path("x")))
        );
        for other in ["M       svn://h/r/wwwx/a", " M      svn://h/r/www", "", "M"] {
            assert_eq!(read(other), None);
        }
    }
}
