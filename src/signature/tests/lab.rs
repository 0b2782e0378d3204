//! A folder with keys in it, and the tools that sign with them.

use crate::object::{SignatureBlock, SignatureFormat};
use crate::policy::KeyFiles;
use crate::signature::{Keyring, SignatureProblem, SignatureStatus};
use crate::types::{KeyFingerprint, Timestamp};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// What is signed, unless a test says otherwise.
pub(super) const TEXT: &[u8] = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nhello\n";

/// The machine's clock: what gpg judges by.
pub(super) fn now() -> Timestamp {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    Timestamp::from_unix(since.as_secs().try_into().unwrap())
}

/// One person's machine: an OpenPGP and X.509 home of its own, and files.
pub(super) struct Lab {
    dir: TempDir,
}

impl Lab {
    pub(super) fn new() -> Self {
        // Short: a socket's path has 108 bytes.
        let dir = tempfile::Builder::new()
            .prefix("rh-")
            .tempdir_in("/tmp")
            .unwrap();
        let lab = Self { dir };
        fs::create_dir(lab.gnupg()).unwrap();
        fs::set_permissions(lab.gnupg(), fs::Permissions::from_mode(0o700)).unwrap();
        lab
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn gnupg(&self) -> PathBuf {
        self.path("gnupg")
    }

    /// A folder for a keyring to work in.
    pub(super) fn cache(&self) -> PathBuf {
        self.path("cache")
    }

    pub(super) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Runs a tool whatever comes of it.
    pub(super) fn try_run(&self, program: &str, arguments: &[&str]) -> Output {
        Command::new(program)
            .args(arguments)
            .current_dir(self.dir.path())
            .env_remove("SSH_AUTH_SOCK")
            .env("GNUPGHOME", self.gnupg())
            .env("HOME", self.dir.path())
            .env("LC_ALL", "C")
            .output()
            .unwrap()
    }

    /// Runs a tool that has to succeed; what it said on its standard output.
    pub(super) fn run(&self, program: &str, arguments: &[&str]) -> Vec<u8> {
        let output = self.try_run(program, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        output.stdout
    }

    pub(super) fn gpg(&self, arguments: &[&str]) -> Vec<u8> {
        let mut all = vec!["--batch", "--quiet", "--yes", "--pinentry-mode", "loopback"];
        all.extend(["--passphrase", "", "--no-auto-check-trustdb"]);
        all.extend(arguments);
        self.run("gpg", &all)
    }

    /// Makes an OpenPGP key without a passphrase; its fingerprint.
    pub(super) fn openpgp_key(&self, uid: &str, algorithm: &str, options: &[&str]) -> String {
        let mut all = options.to_vec();
        all.extend(["--quick-gen-key", uid, algorithm, "sign,cert", "never"]);
        self.gpg(&all);
        self.fingerprint_of(uid)
    }

    pub(super) fn fingerprint_of(&self, uid: &str) -> String {
        let listed = self.gpg(&["--with-colons", "--list-keys", &format!("={uid}")]);
        field(&String::from_utf8(listed).unwrap(), "fpr:").remove(0)
    }

    pub(super) fn export(&self, key: &str) -> Vec<u8> {
        self.gpg(&["--armor", "--export", key])
    }

    /// Signs `text` with an OpenPGP key, as git does but for `options`.
    pub(super) fn gpg_sign(&self, key: &str, text: &[u8], options: &[&str]) -> SignatureBlock {
        let file = self.write("text", text);
        let mut all = vec!["--local-user", key, "--armor", "--output", "-"];
        all.extend(options);
        all.extend(["--detach-sign", file.to_str().unwrap()]);
        pgp_block(self.gpg(&all), text)
    }

    /// The keyring of a policy that names these OpenPGP keys of this machine.
    pub(super) fn openpgp_keyring(&self, keys: &[&str]) -> Keyring {
        let files: Vec<_> = keys
            .iter()
            .map(|key| (format!("{key}.asc"), self.export(key)))
            .collect();
        let named = keys
            .iter()
            .map(|key| KeyFingerprint::OpenPgp((*key).to_owned()));
        Keyring::of(named.collect(), &key_files(files), &self.cache()).unwrap()
    }

    /// Makes an SSH key; the fingerprint that names it.
    pub(super) fn ssh_key(&self, name: &str, options: &[&str]) -> KeyFingerprint {
        let file = self.path(name);
        let mut all = vec!["-q", "-N", "", "-C", name, "-f", file.to_str().unwrap()];
        all.extend(options);
        self.run("ssh-keygen", &all);
        self.ssh_print(name)
    }

    /// What `ssh-keygen -l` says of a key.
    pub(super) fn ssh_print(&self, name: &str) -> KeyFingerprint {
        let file = self.path(&format!("{name}.pub"));
        let listed = self.run("ssh-keygen", &["-l", "-f", file.to_str().unwrap()]);
        let listed = String::from_utf8(listed).unwrap();
        KeyFingerprint::Ssh(listed.split(' ').nth(1).unwrap().to_owned())
    }

    pub(super) fn ssh_sign(&self, name: &str, text: &[u8], options: &[&str]) -> SignatureBlock {
        let file = self.write("text", text);
        let _ = fs::remove_file(self.path("text.sig"));
        let key = self.path(name);
        let mut all = vec!["-Y", "sign", "-q", "-f", key.to_str().unwrap()];
        if !options.contains(&"-n") {
            all.extend(["-n", "git"]);
        }
        all.extend(options);
        all.push(file.to_str().unwrap());
        self.run("ssh-keygen", &all);
        ssh_block(fs::read(self.path("text.sig")).unwrap(), text)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let home = self.gnupg();
        let _ = Command::new("gpgconf")
            .args(["--homedir", home.to_str().unwrap(), "--kill", "all"])
            .output();
    }
}

/// The tenth fields of the lines that begin like this.
pub(super) fn field(colons: &str, begin: &str) -> Vec<String> {
    let lines = colons.lines().filter(|line| line.starts_with(begin));
    lines
        .map(|line| line.split(':').nth(9).unwrap().to_owned())
        .collect()
}

pub(super) fn key_files(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> KeyFiles {
    let mut folder = KeyFiles::new();
    for (name, content) in files {
        folder.insert(name.as_bytes(), content).unwrap();
    }
    folder
}

pub(super) fn block(format: SignatureFormat, armor: Vec<u8>, text: &[u8]) -> SignatureBlock {
    SignatureBlock {
        format,
        armor,
        payload: text.to_vec(),
    }
}

pub(super) fn pgp_block(armor: Vec<u8>, text: &[u8]) -> SignatureBlock {
    block(SignatureFormat::OpenPgp, armor, text)
}

pub(super) fn ssh_block(armor: Vec<u8>, text: &[u8]) -> SignatureBlock {
    block(SignatureFormat::Ssh, armor, text)
}

/// A keyring that knows SSH keys alone: it makes no folder and starts no program.
pub(super) fn ssh_keyring(keys: &[&KeyFingerprint]) -> Keyring {
    let known = keys.iter().map(|key| (*key).clone()).collect();
    Keyring::of(known, &KeyFiles::new(), Path::new("/nonexistent")).unwrap()
}

/// Why a keyring refuses a block now.
pub(super) fn refusal(keyring: &Keyring, block: &SignatureBlock) -> SignatureProblem {
    refusal_at(keyring, block, now())
}

pub(super) fn refusal_at(
    keyring: &Keyring,
    block: &SignatureBlock,
    at: Timestamp,
) -> SignatureProblem {
    match keyring.verify(block, at) {
        SignatureStatus::Refused(problem) => problem,
        SignatureStatus::Good(key) => panic!("taken for good: {key:?}"),
    }
}

/// The key that a keyring finds behind a block now.
pub(super) fn signer(keyring: &Keyring, block: &SignatureBlock) -> KeyFingerprint {
    match keyring.verify(block, now()) {
        SignatureStatus::Good(key) => key.key().clone(),
        SignatureStatus::Refused(problem) => panic!("refused: {problem}"),
    }
}
