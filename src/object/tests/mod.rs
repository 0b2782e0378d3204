//! Tests of the grammars: each refusal by the name of the trick that it meets, and what is read
//! beside what git reads.

mod commit;
mod differential;
mod mutation;
mod signature;
mod tag;
mod text;
mod tree;

use super::*;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

pub(super) const TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
pub(super) const ONE: &str = "1111111111111111111111111111111111111111";
pub(super) const TWO: &str = "2222222222222222222222222222222222222222";

pub(super) const AUTHOR: &str = "author Dana Dev <dana@example.org> 1700000000 +0100";
pub(super) const COMMITTER: &str = "committer Rob <rob@example.org> 1700000001 -0330";

pub(super) const ARMOR: &str = "-----BEGIN SSH SIGNATURE-----\n\
    U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgXFPh3z3/VD+RtVeNojMLBCgkTK\n\
    AAAA\n\
    5zzz==\n\
    -----END SSH SIGNATURE-----\n";

/// A commit with these header lines and this message.
pub(super) fn commit_of(headers: &[&str], message: &str) -> Vec<u8> {
    let mut raw = headers.join("\n").into_bytes();
    raw.extend_from_slice(b"\n\n");
    raw.extend_from_slice(message.as_bytes());
    raw
}

/// A signature as the header that carries it.
pub(super) fn gpgsig(armor: &str) -> String {
    format!("gpgsig {}", armor.trim_end().replace('\n', "\n "))
}

/// A scratch repository, isolated from the machine's own settings.
pub(super) struct Git {
    dir: TempDir,
}

impl Git {
    pub(super) fn new() -> Self {
        let git = Self {
            dir: TempDir::new().unwrap(),
        };
        git.run(&["init", "-q", "."]);
        git
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn run(&self, args: &[&str]) -> Vec<u8> {
        self.run_with(args, b"")
    }

    pub(super) fn run_with(&self, args: &[&str], input: &[u8]) -> Vec<u8> {
        let (ok, output) = self.attempt("git", args, input);
        assert!(ok, "git {args:?}");
        output
    }

    /// Runs a program in the repository: whether it succeeded, and what it wrote.
    pub(super) fn attempt(&self, program: &str, args: &[&str], input: &[u8]) -> (bool, Vec<u8>) {
        let mut child = Command::new(program)
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs([
                ("HOME", self.path().to_str().unwrap()),
                ("GIT_CONFIG_NOSYSTEM", "1"),
                ("GIT_CONFIG_GLOBAL", "/dev/null"),
                ("LC_ALL", "C"),
                ("GIT_AUTHOR_NAME", "Dana Dev"),
                ("GIT_AUTHOR_EMAIL", "dana@example.org"),
                ("GIT_COMMITTER_NAME", "Rob"),
                ("GIT_COMMITTER_EMAIL", "rob@example.org"),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        let _ = writer.join().unwrap();
        (output.status.success(), output.stdout)
    }

    /// Stores objects whatever is wrong with them, and says their ids.
    pub(super) fn store(&self, kind: &str, objects: &[Vec<u8>]) -> Vec<String> {
        let mut paths = String::new();
        for (number, object) in objects.iter().enumerate() {
            let path = self.path().join(format!("object-{number}"));
            std::fs::write(&path, object).unwrap();
            paths.push_str(&format!("{}\n", path.display()));
        }
        let args = [
            "hash-object",
            "--literally",
            "-t",
            kind,
            "-w",
            "--no-filters",
            "--stdin-paths",
        ];
        let output = self.run_with(&args, paths.as_bytes());
        let ids = String::from_utf8(output).unwrap();
        ids.lines().map(str::to_owned).collect()
    }

    /// The raw content of an object.
    pub(super) fn raw(&self, kind: &str, name: &str) -> Vec<u8> {
        self.run(&["cat-file", kind, name])
    }

    /// A new SSH key, set up for signing; the public key's path.
    pub(super) fn ssh_key(&self) -> String {
        let key = self.path().join("key").to_str().unwrap().to_owned();
        let args = ["-q", "-t", "ed25519", "-N", "", "-f", &key];
        assert!(self.attempt("ssh-keygen", &args, b"").0);
        self.run(&["config", "gpg.format", "ssh"]);
        self.run(&["config", "user.signingkey", &format!("{key}.pub")]);
        format!("{key}.pub")
    }

    /// Whether `ssh-keygen` finds the block to be a signature over its payload, by any key.
    pub(super) fn ssh_verifies(&self, block: &SignatureBlock) -> bool {
        let path = self.path().join("signature");
        std::fs::write(&path, &block.armor).unwrap();
        let path = path.to_str().unwrap();
        let args = ["-Y", "check-novalidate", "-n", "git", "-s", path];
        self.attempt("ssh-keygen", &args, &block.payload).0
    }
}

impl Git {
    /// Everything that `git fsck` complains about.
    pub(super) fn fsck(&self) -> String {
        let args = ["-c", "git fsck --no-dangling 2>&1 || true"];
        String::from_utf8_lossy(&self.attempt("sh", &args, b"").1).into_owned()
    }
}
