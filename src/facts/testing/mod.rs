//! Real repositories for this room's tests, made by git itself.

mod people;

use super::Store;
use crate::types::{Oid, RefName};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

pub(super) use people::{Signer, policy, policy_yaml};

/// A bare repository in a temporary folder.
pub(super) struct Repo {
    dir: tempfile::TempDir,
}

impl Repo {
    /// An empty one.
    pub(super) fn new() -> Self {
        let repo = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        repo.git(&["init", "-q", "--bare", "-b", "prod", "."]);
        repo
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn store(&self) -> Store {
        Store::open(self.path()).unwrap()
    }

    /// Runs git in the repository and gives back what it printed.
    pub(super) fn git(&self, args: &[&str]) -> Vec<u8> {
        self.git_with(args, b"")
    }

    /// Runs git with this standard input.
    pub(super) fn git_with(&self, args: &[&str], input: &[u8]) -> Vec<u8> {
        let (ok, out, err) = self.try_git(args, input);
        assert!(ok, "git {args:?}: {}", String::from_utf8_lossy(&err));
        out
    }

    /// Runs git, which may fail.
    pub(super) fn try_git(&self, args: &[&str], input: &[u8]) -> (bool, Vec<u8>, Vec<u8>) {
        let mut child = Command::new("git")
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Ann")
            .env("GIT_AUTHOR_EMAIL", "ann@example.org")
            .env("GIT_COMMITTER_NAME", "Ann")
            .env("GIT_COMMITTER_EMAIL", "ann@example.org")
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || {
            let _ = stdin.write_all(&input);
        });
        let out = child.wait_with_output().unwrap();
        writer.join().unwrap();
        (out.status.success(), out.stdout, out.stderr)
    }

    /// Runs git and reads one object id from its output.
    pub(super) fn git_oid(&self, args: &[&str], input: &[u8]) -> Oid {
        let out = self.git_with(args, input);
        Oid::from_hex(out.trim_ascii()).unwrap()
    }

    /// Writes an object without any check.
    pub(super) fn raw(&self, kind: &str, bytes: &[u8]) -> Oid {
        let args = ["hash-object", "-t", kind, "-w", "--literally", "--stdin"];
        self.git_oid(&args, bytes)
    }

    pub(super) fn blob(&self, content: &[u8]) -> Oid {
        self.raw("blob", content)
    }

    /// A tree with these files, `folder/name` making folders.
    pub(super) fn tree(&self, files: &[(&str, &str)]) -> Oid {
        let mut lines = Vec::new();
        for (path, content) in files {
            let oid = self.blob(content.as_bytes());
            lines.extend_from_slice(format!("100644 {oid}\t{path}\0").as_bytes());
        }
        self.tree_of(&lines)
    }

    /// A tree of index lines, each ended by a NUL: `mode oid<tab>path`.
    pub(super) fn tree_of(&self, lines: &[u8]) -> Oid {
        self.git(&["read-tree", "--empty"]);
        self.git_with(&["update-index", "-z", "--index-info"], lines);
        self.git_oid(&["write-tree", "--missing-ok"], b"")
    }

    /// A commit, its date in seconds chosen by the caller.
    pub(super) fn commit(&self, tree: Oid, parents: &[Oid], seconds: i64, message: &str) -> Oid {
        let mut raw = format!("tree {tree}\n");
        for parent in parents {
            raw.push_str(&format!("parent {parent}\n"));
        }
        let who = format!("Ann <ann@example.org> {seconds} +0000");
        raw.push_str(&format!("author {who}\ncommitter {who}\n\n{message}\n"));
        self.raw("commit", raw.as_bytes())
    }

    pub(super) fn set_ref(&self, name: &str, oid: Oid) {
        self.git(&["update-ref", name, &oid.to_string()]);
    }
}

/// A ref name.
pub(super) fn name(text: &str) -> RefName {
    RefName::new(text.as_bytes()).unwrap()
}

/// An object id that names nothing.
pub(super) fn nowhere() -> Oid {
    Oid::from_hex(b"00000000000000000000000000000000000000aa").unwrap()
}

/// Numbers that look random and are the same every time.
pub(super) struct Dice(pub u64);

impl Dice {
    /// One of `sides` numbers from 0.
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides
    }
}
