//! The actions of one commit, as `svnmucc` reads them from a file: a word a line.

use super::client::Client;
use super::look::Ground;
use super::{Moves, Release, message};
use crate::folder::replace_file;
use crate::release::stage::Stage;
use crate::release::{FileKind, MANIFEST_NAME, ReleaseError, tree};
use crate::types::RepoPath;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;

/// The words, one a line. No path has a line break in it: see [`crate::release::Surface::Svn`].
pub(super) struct Actions {
    lines: Vec<u8>,
}

impl Actions {
    /// What brings the folder from what is held to what is wanted.
    pub(super) fn of(
        release: &Release<'_>,
        stage: &Stage,
        ground: &Ground,
        moves: &Moves,
        revision: u64,
    ) -> Result<Self, ReleaseError> {
        let mut actions = Self { lines: Vec::new() };
        // A copy is made before its source goes.
        let revision = revision.to_string();
        actions.removals(release, ground, Early::Blocking);
        for dir in &ground.new_dirs {
            actions.add(&[b"mkdir", &escaped(dir)]);
        }
        for file in &release.plan.puts {
            match moves.get(&file.path) {
                Some((from, _)) => {
                    let (from, to) = (escaped(from), escaped(&file.path));
                    actions.add(&[b"cp", revision.as_bytes(), &from, &to]);
                }
                None => actions.put(release, stage, ground, file)?,
            }
        }
        actions.removals(release, ground, Early::Others);
        Ok(actions)
    }

    fn add(&mut self, words: &[&[u8]]) {
        for word in words {
            self.lines.extend_from_slice(word);
            self.lines.push(b'\n');
        }
    }

    /// Removes files, and folders that are empty then: of nested ones the outermost says it all.
    fn removals(&mut self, release: &Release<'_>, ground: &Ground, early: Early) {
        let plan = release.plan;
        let (files, dirs): (Vec<&RepoPath>, Vec<&RepoPath>) = match early {
            Early::Blocking => (
                plan.blocking_files
                    .iter()
                    .chain(&plan.blocking_contents)
                    .collect(),
                plan.blocking_dirs.iter().collect(),
            ),
            Early::Others => (
                plan.deletes.iter().collect(),
                plan.spare_dirs.iter().collect(),
            ),
        };
        let dirs: BTreeSet<&RepoPath> = dirs
            .into_iter()
            .filter(|dir| ground.spare.contains(*dir))
            .collect();
        let in_a_removed_one = |path: &RepoPath| {
            let outer = crate::release::ancestors(path);
            outer.iter().any(|dir| dirs.contains(dir))
        };
        for path in dirs.iter().copied().chain(files) {
            if !in_a_removed_one(path) {
                self.add(&[b"rm", &escaped(path)]);
            }
        }
    }

    fn put(
        &mut self,
        release: &Release<'_>,
        stage: &Stage,
        ground: &Ground,
        file: &crate::release::ReleaseFile,
    ) -> Result<(), ReleaseError> {
        let path: &[u8] = &escaped(&file.path);
        let before = release.kinds.get(&file.path).copied();
        let held = release.held.files.contains_key(&file.path);
        let place = tree::below(&stage.root(), &file.path);
        if file.kind == FileKind::Symlink {
            // Subversion keeps a link as a file that says where it points.
            let link = fs::read_link(&place).map_err(ReleaseError::io(&place))?;
            let text = [b"link ", link.as_os_str().as_bytes()].concat();
            fs::remove_file(&place).map_err(ReleaseError::io(&place))?;
            fs::write(&place, text).map_err(ReleaseError::io(&place))?;
        }
        let special = before == Some(FileKind::Symlink);
        // What somebody else committed may have properties that ours does not.
        let strange = held && before.is_none() || ground.replaced.contains(&file.path);
        let anew = strange || held && special != (file.kind == FileKind::Symlink);
        if anew {
            self.add(&[b"rm", path]);
        }
        let source = [stage.beside_desk().as_bytes(), b"/", file.path.as_bytes()].concat();
        self.add(&[b"put", &source, path]);
        match (file.kind, before.filter(|_| held && !anew)) {
            (FileKind::Symlink, _) => self.add(&[b"propset", b"svn:special", b"*", path]),
            (FileKind::Executable, Some(FileKind::Executable)) => {}
            (FileKind::Executable, _) => self.add(&[b"propset", b"svn:executable", b"*", path]),
            (FileKind::File, Some(FileKind::Executable)) => {
                self.add(&[b"propdel", b"svn:executable", path]);
            }
            (FileKind::File, _) => {}
        }
        Ok(())
    }

    /// Commits them together with the manifest, and gives the new revision.
    pub(super) fn commit(
        mut self,
        client: &Client<'_>,
        record: &[u8],
        revision: u64,
    ) -> Result<u64, ReleaseError> {
        let desk = client.job.desk;
        let write = |name: &str, bytes: &[u8]| {
            let path = desk.file(name);
            replace_file(&path, bytes).map_err(ReleaseError::io(&path))
        };
        write("svn/manifest", record)?;
        write("svn/message", message::text(client.job)?.as_bytes())?;
        self.add(&[b"put", b"svn/manifest", MANIFEST_NAME.as_bytes()]);
        write("svn/actions", &self.lines)?;
        let base = revision.to_string();
        let answer = client.svnmucc(&[
            "-r",
            &base,
            "-F",
            "svn/message",
            "-U",
            &client.url,
            "-X",
            "svn/actions",
        ])?;
        if !answer.ended.is_well() {
            return Err(client.error(&answer.ended));
        }
        let text = String::from_utf8_lossy(&answer.output);
        let words = text.lines().rev().find_map(|line| {
            let word = line.strip_prefix('r')?.split(' ').next()?;
            word.parse().ok()
        });
        words.ok_or_else(|| ReleaseError::ProgramFailed {
            program: "svnmucc".into(),
            why: "it does not say which revision it committed".into(),
        })
    }
}

/// A path as `svnmucc` reads it: as the end of a URL, so that `%` has to be said as `%25`.
fn escaped(path: &RepoPath) -> Cow<'_, [u8]> {
    let bytes = path.as_bytes();
    if !bytes.contains(&b'%') {
        return Cow::Borrowed(bytes);
    }
    let mut text = Vec::with_capacity(bytes.len() + 2);
    for byte in bytes {
        match byte {
            b'%' => text.extend_from_slice(b"%25"),
            other => text.push(*other),
        }
    }
    Cow::Owned(text)
}

/// Which removals.
#[derive(Debug, Clone, Copy)]
enum Early {
    /// Those of files and folders that stand where something else has to be.
    Blocking,
    /// The others.
    Others,
}
