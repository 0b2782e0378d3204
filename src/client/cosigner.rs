//! A witness: an independent party that cosigns what a server's audit log is, if that is what it saw of
//! it before, made longer.
//!
//! Its folder holds one key, and what it saw of one log. What it is about to sign is remembered there,
//! on disk, before it is signed: so whatever is killed or started twice, it never signs two logs.

use super::workspace::commit_at;
use super::{ClientError, Git, Remote};
use crate::audit::{Checkpoint, LogKey};
use crate::cosign::{self, WitnessKey, WitnessSigner};
use crate::facts::Store;
use crate::folder::{private_dir, replace_file};
use crate::secret::{Keeper, make_private, private_text, seed};
use crate::types::RefName;
use crate::witness::{CHECKPOINT_REF, Seen, WITNESS_PREFIX, WitnessError, look, peek};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The private key.
const KEY: &str = "key";
/// The key of the log, where somebody gave it beforehand.
const LOG: &str = "log";
/// What was seen of the log last.
const SEEN: &str = "seen";
/// What was cosigned last.
const COSIGNED: &str = "cosigned";

/// A witness, at work: nobody else is with the same key.
pub struct Cosigner {
    dir: PathBuf,
    signer: WitnessSigner,
    _lock: File,
}

/// What came of a look at the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cosigning {
    /// It was cosigned, and the server has that.
    Delivered(Checkpoint),
    /// The server had that already.
    Already(Checkpoint),
}

impl Cosigner {
    /// The folder of the witness that works in the clone around `git`.
    ///
    /// # Errors
    /// When there is no clone.
    pub fn usual_folder(git: &Git) -> Result<PathBuf, ClientError> {
        let common = git.path(&["rev-parse", "--git-common-dir"])?;
        Ok(common.join("relhook-clone").join("witness"))
    }

    /// Makes a witness's key in the folder `dir`; if `log` is given, it will cosign that log alone.
    ///
    /// # Errors
    /// When there is one already, a note cannot hold the name, or the system says no.
    pub fn init(dir: &Path, name: &str, log: Option<&LogKey>) -> Result<WitnessKey, ClientError> {
        let io = |source| ClientError::Folder {
            path: dir.to_owned(),
            source,
        };
        private_dir(dir).map_err(io)?;
        let _lock = lock(dir)?;
        let path = dir.join(KEY);
        if path.symlink_metadata().is_ok() {
            return Err(unusable(&path, "there is a witness's key already"));
        }
        let signer = WitnessSigner::new(name, &*seed().map_err(io)?);
        let signer = signer.map_err(|fault| unusable(dir, format!("the witness {fault}")))?;
        if let Some(log) = log {
            let text = format!("{}\n", log.as_str());
            replace_file(&dir.join(LOG), text.as_bytes()).map_err(io)?;
        }
        make_private(&path, &[signer.text().as_bytes()]).map_err(io)?;
        Ok(signer.public().clone())
    }

    /// Opens the witness in the folder `dir`, and waits for another run to end.
    ///
    /// # Errors
    /// When there is none, or others can read its key.
    pub fn open(dir: &Path) -> Result<Self, ClientError> {
        let path = dir.join(KEY);
        let text = private_text(&path, Keeper::Own).map_err(|why| unusable(&path, why))?;
        let text: Zeroizing<String> = text
            .ok_or_else(|| unusable(&path, "there is no witness's key; --init NAME makes one"))?;
        let signer = WitnessSigner::parse(text.trim());
        let signer = signer.map_err(|fault| unusable(&path, format!("it {fault}")))?;
        Ok(Self {
            dir: dir.to_owned(),
            signer,
            _lock: lock(dir)?,
        })
    }

    /// Its public key.
    #[must_use]
    pub fn key(&self) -> &WitnessKey {
        self.signer.public()
    }

    /// Looks at the log of `remote` from the clone around `git`, cosigns it, and pushes that. `now` is
    /// the clock, in seconds since 1970.
    ///
    /// # Errors
    /// When the log is not what was seen before, made longer: then nothing is signed. Or the server
    /// cannot be asked, or does not take the cosignature; the next run delivers it.
    pub fn run(&self, git: &Git, remote: &Remote, now: u64) -> Result<Cosigning, ClientError> {
        let own = format!("{WITNESS_PREFIX}{}", self.key().id());
        for name in [CHECKPOINT_REF, &own] {
            remote.fetch_one(git, &refname(name)?)?;
        }
        let git_dir = git.path(&["rev-parse", "--absolute-git-dir"])?;
        let store = Store::open(&git_dir)?.mirroring(remote.mirror());
        let seen = self.look(&store)?;
        // From here on it is remembered, and may be signed.
        let note = self.cosigned(&seen, now)?;
        let blob = git.oid_of(&["hash-object", "--stdin"], note.as_bytes())?;
        if commit_at(&store, &own)? == Some(blob) {
            return Ok(Cosigning::Already(seen.checkpoint));
        }
        deliver(git, remote, &own, &note)?;
        Ok(Cosigning::Delivered(seen.checkpoint))
    }

    /// What the log is, if that may be cosigned; remembered on disk when this returns.
    fn look(&self, store: &Store) -> Result<Seen, ClientError> {
        let commit = commit_at(store, CHECKPOINT_REF)?;
        let repository = git2::Repository::open(store.git_dir());
        let repository = repository.map_err(|error| ClientError::Unusable {
            why: error.message().to_owned(),
        })?;
        if let (Some(wanted), Some(commit)) = (self.log()?, commit) {
            let shown = peek(&repository, commit)?;
            if shown.key != wanted {
                return Err(ClientError::Log(WitnessError::Untrusted(format!(
                    "it is signed by the key {}, and this witness is for the log {}",
                    shown.key.as_str(),
                    wanted.as_str()
                ))));
            }
        }
        let seen = look(&repository, commit, &self.dir.join(SEEN))?;
        seen.ok_or_else(|| ClientError::Unusable {
            why: format!("the server shows no audit log on {CHECKPOINT_REF}"),
        })
    }

    /// The log that this witness is for, if somebody said so beforehand.
    fn log(&self) -> Result<Option<LogKey>, ClientError> {
        let path = self.dir.join(LOG);
        match std::fs::read_to_string(&path) {
            Ok(text) => LogKey::parse(&text)
                .map(Some)
                .map_err(|_| unusable(&path, "it is no key of a log")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ClientError::Folder { path, source }),
        }
    }

    /// The checkpoint with the log's signature and ours; kept, so that what was not delivered is.
    fn cosigned(&self, seen: &Seen, now: u64) -> Result<String, ClientError> {
        let path = self.dir.join(COSIGNED);
        let io = |source| ClientError::Folder {
            path: path.clone(),
            source,
        };
        let no_note = || unusable(&path, "what the server shows is no signed note");
        let (body, lines) = cosign::split(&seen.checkpoint.note).ok_or_else(no_note)?;
        match std::fs::read_to_string(&path) {
            Ok(before) => {
                let same = cosign::split(&before).is_some_and(|(other, _)| other == body);
                if same && matches!(self.key().on(&before), Ok(Some(_))) {
                    return Ok(before);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(io(source)),
        }
        let mut signed = lines
            .split_inclusive('\n')
            .map(|line| format!("{body}\n{line}"));
        let signed = signed.find(|note| Checkpoint::open(note.as_bytes(), &seen.key).is_ok());
        let note = signed.ok_or_else(no_note)? + &self.signer.cosign(body, now);
        replace_file(&path, note.as_bytes()).map_err(io)?;
        Ok(note)
    }
}

/// Pushes what was cosigned; without the clone's own hook, which judges other things.
fn deliver(git: &Git, remote: &Remote, own: &str, note: &str) -> Result<(), ClientError> {
    let blob = git.oid_of(&["hash-object", "-w", "--stdin"], note.as_bytes())?;
    let mut args: Vec<OsString> = ["push", "--quiet", "--no-verify", "--end-of-options"]
        .map(OsString::from)
        .to_vec();
    args.push(remote.name().to_owned());
    args.push(format!("+{blob}:{own}").into());
    match git.run(&args)? {
        true => Ok(()),
        false => Err(ClientError::Undelivered {
            remote: remote.shown(),
        }),
    }
}

fn lock(dir: &Path) -> Result<File, ClientError> {
    let path = dir.join("lock");
    let opened = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path);
    opened
        .and_then(|file| file.lock().map(|()| file))
        .map_err(|source| ClientError::Folder { path, source })
}

fn refname(name: &str) -> Result<RefName, ClientError> {
    RefName::new(name.as_bytes()).map_err(|error| ClientError::Odd {
        what: "fetch".into(),
        said: error.shown,
    })
}

fn unusable(path: &Path, why: impl std::fmt::Display) -> ClientError {
    let shown = crate::types::escape(path.as_os_str().as_bytes());
    ClientError::Unusable {
        why: format!("{shown}: {why}"),
    }
}
