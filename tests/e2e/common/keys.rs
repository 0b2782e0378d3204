//! Key material, made once and kept below the target folder: making OpenPGP keys is slow.

use super::run::{command, run, run_with};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Counts up when what is made here changes.
const VERSION: &str = "keys-v1";

/// Who has an OpenPGP key, and the name and address that it carries.
const OPENPGP: [(&str, &str); 4] = [
    ("rita", "Rita Reviewer <rita@acme.example>"),
    ("paul", "Paul Policy <paul@acme.example>"),
    // Not in any policy: a key that carries the reviewer's name.
    ("mallory", "Rita Reviewer <rita@acme.example>"),
    ("vera", "Vera Revoked <vera@acme.example>"),
];

/// Who has SSH keys.
const SSH: [&str; 6] = [
    "dana",
    "dora",
    "remy",
    "remy-second",
    "rita-ssh",
    "mallory-ssh",
];

/// The folder of the fixture.
#[derive(Debug)]
pub struct Keys {
    dir: PathBuf,
}

/// The fixture, made where it is not there yet.
pub fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
        fs::create_dir_all(root).unwrap();
        let lock = File::create(root.join("keys.lock")).unwrap();
        lock.lock().unwrap();
        let dir = root.join(VERSION);
        if !dir.exists() {
            let _ = fs::remove_dir_all(root.join("keys-new"));
            let new = root.join("keys-new");
            make(&new);
            fs::rename(new, &dir).unwrap();
        }
        Keys { dir }
    })
}

impl Keys {
    /// A person's SSH key file; the public half has `.pub` behind.
    pub fn ssh(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A person's public SSH key: type and base64.
    pub fn ssh_public(&self, name: &str) -> String {
        let line = fs::read_to_string(self.dir.join(format!("{name}.pub"))).unwrap();
        let mut words = line.split_whitespace();
        format!("{} {}", words.next().unwrap(), words.next().unwrap())
    }

    /// The primary key's fingerprint of a person's OpenPGP key.
    pub fn fingerprint(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join(format!("{name}.fpr"))).unwrap()
    }

    /// A person's exported public OpenPGP key.
    pub fn openpgp_public(&self, name: &str) -> Vec<u8> {
        fs::read(self.dir.join(format!("{name}.asc"))).unwrap()
    }

    /// A copy of the GnuPG home that holds everybody's secret keys.
    pub fn copy_home(&self, to: &Path) {
        copy(&self.dir.join("gnupg"), to);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(to, private).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else if kind.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn make(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    for name in SSH {
        let mut keygen = command("ssh-keygen", dir);
        keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]);
        run(keygen.arg(dir.join(name))).assert_ok();
    }
    let home = private_home();
    let gpg = |args: &[&str]| {
        let mut gpg = command("gpg", dir);
        gpg.env("GNUPGHOME", home.path())
            .args(["--batch", "--quiet", "--no-tty"]);
        run(gpg.args(args))
    };
    for (name, identity) in OPENPGP {
        let status = dir.join("status");
        let status = status.to_str().unwrap();
        let made = [
            "--yes",
            "--passphrase",
            "",
            "--status-file",
            status,
            "--quick-generate-key",
        ];
        gpg(&[&made[..], &[identity, "ed25519", "sign", "never"]].concat()).assert_ok();
        let fingerprint = created(&fs::read_to_string(status).unwrap());
        fs::write(dir.join(format!("{name}.fpr")), &fingerprint).unwrap();
        if name == "vera" {
            revoke(home.path(), dir, &fingerprint);
        }
        let public = gpg(&["--armor", "--export", &fingerprint]);
        fs::write(
            dir.join(format!("{name}.asc")),
            public.assert_ok().out.clone(),
        )
        .unwrap();
    }
    stop_agent(home.path());
    copy(home.path(), &dir.join("gnupg"));
}

/// A folder for GnuPG: the agent's socket needs a short path, and nobody else may look in.
fn private_home() -> tempfile::TempDir {
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    let mut builder = tempfile::Builder::new();
    builder.prefix("rk").permissions(private);
    builder.tempdir_in("/tmp").unwrap()
}

fn created(status: &str) -> String {
    let line = status.lines().find(|line| line.contains("KEY_CREATED"));
    line.unwrap().rsplit(' ').next().unwrap().to_owned()
}

/// Exports the key as revoked, while the home keeps it usable: its owner can still sign.
fn revoke(home: &Path, dir: &Path, fingerprint: &str) {
    let certificate = home.join(format!("openpgp-revocs.d/{fingerprint}.rev"));
    let certificate = fs::read_to_string(certificate)
        .unwrap()
        .replace(":-----BEGIN", "-----BEGIN");
    fs::write(dir.join("vera.rev"), certificate).unwrap();
}

/// Ends the agent of a GnuPG home.
pub fn stop_agent(home: &Path) {
    let mut gpgconf = command("gpgconf", home);
    run(gpgconf.arg("--homedir").arg(home).args(["--kill", "all"]));
}

/// The public key with its revocation, as the policy's folder would hold it after a theft.
pub fn revoked_public(name: &str) -> Vec<u8> {
    let home = private_home();
    let gpg = |args: &[&str], input: &[u8]| {
        let mut gpg = command("gpg", home.path());
        gpg.env("GNUPGHOME", home.path())
            .args(["--batch", "--quiet", "--no-autostart"]);
        run_with(gpg.args(args), input)
    };
    gpg(&["--import"], &keys().openpgp_public(name)).assert_ok();
    let certificate = fs::read(keys().dir.join(format!("{name}.rev"))).unwrap();
    gpg(&["--import"], &certificate).assert_ok();
    gpg(&["--armor", "--export"], b"").assert_ok().out.clone()
}
