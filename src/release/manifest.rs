//! The manifest: what relhook put on a target, kept on the target itself.
//!
//! Versioned JSON, documented in docs/release.md. It is read strictly: a record that is there and
//! does not fit is an error, never "nothing was released yet".

use super::error::{shown_fault, shown_path, shown_reply};
use super::names;
use super::plan::{Content, FileKind, Held, Holding, Listing, ReleaseFile};
use super::seal::{Seal, SealFault};
use crate::types::{Oid, RepoPath, Timestamp, hex};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

mod head;

pub use head::{Head, Print, Record, SPLIT, is_base, places};

/// The manifest's name on a target.
pub const MANIFEST_NAME: &str = ".relhook-manifest.json";

/// The largest manifest that is read, in bytes.
pub const MANIFEST_LIMIT: u64 = 128 * 1024 * 1024;

/// What the first field says.
const SCHEMA: &str = "relhook/manifest/v2";

/// Why a manifest is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestFault {
    /// It is not one that relhook writes.
    Broken(String),
    /// Its signature does not fit.
    Seal(SealFault),
}

/// What a target holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    schema: String,
    /// The repository's name.
    pub repository: String,
    /// The ref, escaped.
    #[serde(rename = "ref")]
    pub refname: String,
    /// The commit.
    pub commit: Oid,
    /// The number of the audit entry that accepted it.
    pub sequence: u64,
    /// When the release ended.
    pub released: Timestamp,
    /// The version of relhook.
    pub tool: String,
    files: Vec<Entry>,
    dirs: Vec<PathText>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: PathText,
    kind: FileKind,
    blob: Oid,
    size: u64,
    sha256: String,
}

/// A path in JSON: text where it is UTF-8, else its bytes in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(in crate::release) enum PathText {
    /// UTF-8.
    Text(String),
    /// Anything else.
    Hex {
        /// Two digits a byte.
        hex: String,
    },
}

impl From<&RepoPath> for PathText {
    fn from(path: &RepoPath) -> Self {
        match std::str::from_utf8(path.as_bytes()) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Hex {
                hex: hex(path.as_bytes()),
            },
        }
    }
}

impl PathText {
    /// The path, if it is one that relhook writes.
    pub(in crate::release) fn path(&self) -> Result<RepoPath, String> {
        let bytes = match self {
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Hex { hex } => from_hex(hex).ok_or("a path is not in hexadecimal digits")?,
        };
        let path = RepoPath::new(bytes);
        match names::fault(path.as_bytes(), names::Surface::Directory) {
            None => Ok(path),
            Some(why) => Err(format!("the path `{}` {why}", shown_path(&path))),
        }
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

/// Whose release a manifest records.
#[derive(Debug, Clone)]
pub struct Header {
    /// The repository's name.
    pub repository: String,
    /// The ref, escaped.
    pub refname: String,
    /// The commit.
    pub commit: Oid,
    /// The number of the audit entry that accepted it.
    pub sequence: u64,
    /// When the release ended.
    pub released: Timestamp,
}

impl Manifest {
    /// The record of a finished release: every file of `listing` with its content's hash, and the
    /// directories that relhook made.
    ///
    /// # Errors
    /// When the hash of a file is not known.
    pub fn new(
        header: Header,
        listing: &Listing,
        contents: &BTreeMap<RepoPath, Content>,
        dirs: &BTreeSet<RepoPath>,
    ) -> Result<Self, String> {
        let entry = |file: &ReleaseFile| match contents.get(&file.path) {
            Some(content) if content.blob == file.blob && content.size == file.size => Ok(Entry {
                path: (&file.path).into(),
                kind: file.kind,
                blob: file.blob,
                size: file.size,
                sha256: content.sha256.clone(),
            }),
            _ => Err(format!("the content of `{}` is not known", file.path)),
        };
        Ok(Self {
            files: listing
                .files
                .values()
                .map(entry)
                .collect::<Result<_, _>>()?,
            dirs: dirs.iter().map(PathText::from).collect(),
            ..Self::empty(header)
        })
    }

    /// The record of a release without files.
    fn empty(header: Header) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            repository: header.repository,
            refname: header.refname,
            commit: header.commit,
            sequence: header.sequence,
            released: header.released,
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            files: Vec::new(),
            dirs: Vec::new(),
        }
    }

    /// How many files it records.
    #[must_use]
    pub fn count(&self) -> usize {
        self.files.len()
    }

    /// The manifest as it is written: a line of JSON, and a line with its signature.
    ///
    /// # Errors
    /// When it does not fit JSON, which no manifest of ours does.
    pub fn to_bytes(&self, seal: &Seal) -> Result<Vec<u8>, String> {
        seal.sealed(&self.body()?)
    }

    /// What is signed: the line of JSON.
    ///
    /// # Errors
    /// When it does not fit JSON, which no manifest of ours does.
    pub fn body(&self) -> Result<Vec<u8>, String> {
        let mut bytes = serde_json::to_vec(self).map_err(|error| error.to_string())?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a manifest that this server signed.
    ///
    /// # Errors
    /// When it is not one that relhook writes, or the signature does not fit.
    pub fn read(bytes: &[u8], seal: &Seal) -> Result<Self, ManifestFault> {
        Self::parse(opened(bytes, seal)?).map_err(ManifestFault::Broken)
    }

    /// The repository that a manifest claims to belong to, whoever wrote it. Good for a message alone.
    #[must_use]
    pub fn claimed_owner(bytes: &[u8]) -> Option<String> {
        let line = bytes.split(|byte| *byte == b'\n').next()?;
        Record::parse(line).ok().map(Record::repository)
    }

    /// Reads the body of a manifest, whoever wrote it.
    ///
    /// # Errors
    /// A sentence, when it is not one that relhook writes.
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        let manifest: Self = serde_json::from_slice(body).map_err(|error| shown_fault(&error))?;
        if manifest.schema != SCHEMA {
            let shown = shown_reply(manifest.schema.as_bytes());
            return Err(format!("its schema is `{shown}`, not `{SCHEMA}`"));
        }
        manifest.holding().map(|_| manifest)
    }

    /// What the target holds.
    ///
    /// # Errors
    /// When a path is none that relhook writes, stands twice or below another, or a hash is none.
    pub fn holding(&self) -> Result<Holding, String> {
        let mut holding = Holding::default();
        for entry in &self.files {
            if entry.sha256.len() != 64
                || !entry.sha256.bytes().all(|byte| byte.is_ascii_hexdigit())
            {
                return Err("a `sha256` is not 64 hexadecimal digits".into());
            }
            let content = Content {
                blob: entry.blob,
                size: entry.size,
                sha256: entry.sha256.clone(),
            };
            let path = entry.path.path()?;
            if let Some(_twice) = holding.files.insert(path.clone(), Held::Known(content)) {
                return Err(format!(
                    "the path `{}` stands in it twice",
                    shown_path(&path)
                ));
            }
        }
        for dir in &self.dirs {
            holding.dirs.insert(dir.path()?);
        }
        let within = |path: &RepoPath| {
            super::plan::ancestors(path)
                .iter()
                .any(|dir| holding.files.contains_key(dir))
        };
        match holding
            .files
            .keys()
            .chain(&holding.dirs)
            .find(|path| within(path))
        {
            Some(path) => Err(format!("the path `{}` lies below a file", shown_path(path))),
            None => Ok(holding),
        }
    }

    /// The kinds of the recorded files: a change of kind alone is a change too.
    #[must_use]
    pub fn kinds(&self) -> Vec<(RepoPath, FileKind, Oid)> {
        self.files
            .iter()
            .filter_map(|entry| Some((entry.path.path().ok()?, entry.kind, entry.blob)))
            .collect()
    }
}

impl Record {
    /// Reads a record that this server signed.
    ///
    /// # Errors
    /// When it is not one that relhook writes, or the signature does not fit.
    pub fn read(bytes: &[u8], seal: &Seal) -> Result<Self, ManifestFault> {
        Self::parse(opened(bytes, seal)?).map_err(ManifestFault::Broken)
    }
}

/// What this server signed.
fn opened<'a>(bytes: &'a [u8], seal: &Seal) -> Result<&'a [u8], ManifestFault> {
    seal.opened(bytes).map_err(|fault| {
        // What is cut off or was never a manifest is called broken, and not a stranger's work.
        let is_json = |line: &[u8]| serde_json::from_slice::<IgnoredAny>(line).is_ok();
        match bytes.ends_with(b"\n") && bytes.split(|byte| *byte == b'\n').any(is_json) {
            true => ManifestFault::Seal(fault),
            false => ManifestFault::Broken("it is not complete".into()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal() -> (tempfile::TempDir, Seal) {
        let folder = tempfile::tempdir().unwrap();
        let seal = Seal::open(folder.path()).unwrap();
        (folder, seal)
    }

    fn header() -> Header {
        Header {
            repository: "acme/site".into(),
            refname: "refs/heads/prod".into(),
            commit: Oid::from_bytes(&[7; 20]).unwrap(),
            sequence: 12,
            released: Timestamp::from_unix(1_800_000_000),
        }
    }

    fn sample() -> Manifest {
        let mut listing = Listing::default();
        let mut contents = BTreeMap::new();
        for name in [&b"index.html"[..], b"caf\xe9/x"] {
            let path = RepoPath::new(name.to_vec());
            let blob = Oid::from_bytes(&[9; 20]).unwrap();
            let file = ReleaseFile {
                path: path.clone(),
                kind: FileKind::File,
                blob,
                size: 3,
                origin: super::super::Origin::Blob,
            };
            listing.files.insert(path.clone(), file);
            let content = Content {
                blob,
                size: 3,
                sha256: "ab".repeat(32),
            };
            contents.insert(path, content);
        }
        let dirs = BTreeSet::from([RepoPath::new(b"caf\xe9".to_vec())]);
        Manifest::new(header(), &listing, &contents, &dirs).unwrap()
    }

    #[test]
    fn the_written_form_is_the_documented_one() {
        let (_folder, seal) = seal();
        let bytes = sample().to_bytes(&seal).unwrap();
        assert_eq!(Manifest::read(&bytes, &seal).unwrap(), sample());
        let text = String::from_utf8(seal.opened(&bytes).unwrap().to_vec()).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        let (blob, sha) = ("09".repeat(20), "ab".repeat(32));
        let expected = format!(
            concat!(
                r#"{{"schema":"relhook/manifest/v2","repository":"acme/site","#,
                r#""ref":"refs/heads/prod","commit":"{}","sequence":12,"#,
                r#""released":"2027-01-15T08:00:00Z","tool":"{}","files":["#,
                r#"{{"path":{{"hex":"636166e92f78"}},"kind":"file","blob":"{}","size":3,"sha256":"{}"}},"#,
                r#"{{"path":"index.html","kind":"file","blob":"{}","size":3,"sha256":"{}"}}],"#,
                r#""dirs":[{{"hex":"636166e9"}}]}}"#,
                "\n"
            ),
            "07".repeat(20),
            version,
            blob,
            sha,
            blob,
            sha
        );
        assert_eq!(text, expected);
        let other = text.replace("manifest/v2", "manifest/v1");
        assert!(Manifest::parse(other.as_bytes()).is_err());
    }

    #[test]
    fn what_relhook_does_not_write_is_refused() {
        let (_folder, seal) = seal();
        let mut body = serde_json::to_vec(&sample()).unwrap();
        body.push(b'\n');
        let good = String::from_utf8(body).unwrap();
        let sha = "ab".repeat(32);
        for (from, to) in [
            ("manifest/v2", "manifest/v1"),
            ("index.html", "../index.html"),
            ("index.html", "/etc/passwd"),
            ("index.html", ".relhook-x"),
            ("\"index.html\"", "{\"hex\":\"2e2e\"}"),
            ("\"index.html\"", "{\"hex\":\"+1+1\"}"),
            ("\"index.html\"", "{\"hex\":\"636166e92f78\"}"),
            ("\"index.html\"", "{\"hex\":\"636166e9\"}"),
            (sha.as_str(), "ab"),
            ("\"size\":3", "\"size\":-3"),
            ("\"sequence\"", "\"extra\":1,\"sequence\""),
            ("\"dirs\"", "\"folders\""),
            ("]}\n", "]\n"),
        ] {
            let bad = good.replace(from, to);
            assert_ne!(bad, good);
            let sealed = seal.sealed(bad.as_bytes()).unwrap();
            assert!(Manifest::read(&sealed, &seal).is_err(), "{from} → {to}");
        }
        let sealed = seal.sealed(good.as_bytes()).unwrap();
        assert!(Manifest::read(&sealed, &seal).is_ok());
        for broken in [&b""[..], b"{", b"\n", &sealed[..sealed.len() / 2]] {
            let fault = Manifest::read(broken, &seal);
            assert!(matches!(fault, Err(ManifestFault::Broken(_))), "{fault:?}");
        }
        let edited = String::from_utf8(sealed)
            .unwrap()
            .replace("\"size\":3", "\"size\":4");
        assert_eq!(
            Manifest::read(edited.as_bytes(), &seal),
            Err(ManifestFault::Seal(SealFault::Changed))
        );
    }
}
