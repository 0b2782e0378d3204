//! What `git push` would push: which local objects would become which refs of the server.

use super::{ClientError, Freshness, Workspace};
use crate::types::{Oid, RefChange, RefName, escape};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// One ref that would be pushed.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The ref on the server.
    pub refname: RefName,
    /// What would become of it.
    pub change: RefChange,
}

/// One side of a refspec and the other, as the user wrote them.
struct Spec<'a> {
    source: &'a [u8],
    destination: Option<&'a [u8]>,
}

impl Workspace {
    /// What `git push <remote> <specs>` would push: the current branch where there are none. Refs
    /// that are there already are left out.
    ///
    /// # Errors
    /// Something that is not a refspec, or names nothing here; when git cannot be asked.
    pub fn planned(&self, specs: &[OsString]) -> Result<Vec<Planned>, ClientError> {
        let mut planned = Vec::new();
        if specs.is_empty() {
            let (oid, refname) = self.current_branch()?;
            planned.extend(self.change(refname, Some(oid))?);
        }
        for spec in specs {
            let (oid, refname) = self.resolve(spec.as_bytes())?;
            planned.extend(self.change(refname, oid)?);
        }
        Ok(planned)
    }

    /// The change that brings a ref of the server to `new`; nothing where it is there already.
    ///
    /// # Errors
    /// When the ref's value cannot be told.
    pub fn change(
        &self,
        refname: RefName,
        new: Option<Oid>,
    ) -> Result<Option<Planned>, ClientError> {
        if self.freshness == Freshness::Fetched && !is_mirrored(&refname) {
            self.remote.fetch_one(&self.git, &refname)?;
        }
        let change = match (self.value(&refname)?, new) {
            (old, new) if old == new => return Ok(None),
            (old, None) => RefChange::Delete { old },
            (None, Some(new)) => RefChange::Create { new },
            (Some(old), Some(new)) => RefChange::Update { old, new },
        };
        Ok(Some(Planned { refname, change }))
    }

    /// The branch that is checked out, and where git would push it.
    fn current_branch(&self) -> Result<(Oid, RefName), ClientError> {
        let head = self.git.maybe(&["symbolic-ref", "-q", "HEAD"])?;
        let head = head.ok_or_else(|| odd(b"HEAD", "no branch is checked out: name one"))?;
        let oid = self
            .object(&head)?
            .ok_or_else(|| odd(&head, "there is no commit on it"))?;
        let pushed = self.branch_setting(&head, "%(push:remoteref)")?;
        let upstream = self.branch_setting(&head, "%(upstream:remoteref)")?;
        let default = self.git.maybe(&["config", "push.default"])?;
        let by_upstream = matches!(default.as_deref(), Some(b"upstream" | b"tracking"));
        let name = if !pushed.is_empty() {
            pushed
        } else if by_upstream && !upstream.is_empty() {
            upstream
        } else {
            head
        };
        Ok((oid, refname(&name)?))
    }

    fn branch_setting(&self, branch: &[u8], format: &str) -> Result<Vec<u8>, ClientError> {
        let format = OsString::from(format!("--format={format}"));
        let args = [
            OsStr::new("for-each-ref"),
            &format,
            OsStr::from_bytes(branch),
        ];
        Ok(self.git.maybe(&args)?.unwrap_or_default())
    }

    fn resolve(&self, spec: &[u8]) -> Result<(Option<Oid>, RefName), ClientError> {
        let Spec {
            source,
            destination,
        } = split(spec)?;
        let own = self.full_name(source)?;
        let to = match destination {
            Some(name) => self.destination(name, own.as_deref())?,
            None => match own {
                Some(own) => refname(&own)?,
                None => {
                    return Err(odd(
                        spec,
                        "name the ref too: `<commit>:refs/heads/<branch>`",
                    ));
                }
            },
        };
        if source.is_empty() {
            return Ok((None, to));
        }
        match self.object(source)? {
            Some(oid) => Ok((Some(oid), to)),
            None => Err(odd(spec, "it names nothing in this clone")),
        }
    }

    /// The full name of a branch, a tag or HEAD; nothing for other spellings of an object.
    fn full_name(&self, source: &[u8]) -> Result<Option<Vec<u8>>, ClientError> {
        if source.is_empty() {
            return Ok(None);
        }
        let args = ["rev-parse", "--symbolic-full-name", "--verify", "-q"].map(OsStr::new);
        let end = [OsStr::new("--end-of-options"), OsStr::from_bytes(source)];
        let said = self.git.maybe(&[args.as_slice(), &end].concat())?;
        Ok(said.filter(|name| !name.is_empty()))
    }

    /// The object that a name stands for here.
    ///
    /// # Errors
    /// When git cannot be asked.
    pub fn object(&self, name: &[u8]) -> Result<Option<Oid>, ClientError> {
        let args = ["rev-parse", "--verify", "-q", "--end-of-options"].map(OsStr::new);
        let said = self
            .git
            .maybe(&[args.as_slice(), &[OsStr::from_bytes(name)]].concat())?;
        Ok(said.and_then(|hex| Oid::from_hex(&hex).ok()))
    }

    /// A ref of the server by its full or short name.
    fn destination(&self, name: &[u8], own: Option<&[u8]>) -> Result<RefName, ClientError> {
        if name.starts_with(b"refs/") {
            return refname(name);
        }
        let is_tag = own.is_some_and(|own| own.starts_with(b"refs/tags/"));
        let folder: &[u8] = if is_tag {
            b"refs/tags/"
        } else {
            b"refs/heads/"
        };
        refname(&[folder, name].concat())
    }
}

/// Whether every fetch brings it.
fn is_mirrored(refname: &RefName) -> bool {
    refname.is_under("refs/heads/") || refname.is_under("refs/relhook/")
}

fn split(spec: &[u8]) -> Result<Spec<'_>, ClientError> {
    let plain = spec.strip_prefix(b"+").unwrap_or(spec);
    let mut parts = plain.splitn(2, |byte| *byte == b':');
    let source = parts.next().unwrap_or_default();
    let destination = parts.next();
    if plain.contains(&b'*') {
        Err(odd(
            spec,
            "name the refs one by one: patterns are not taken here",
        ))
    } else if source.is_empty() && destination.is_none_or(<[u8]>::is_empty) {
        Err(odd(spec, "it names no ref"))
    } else {
        Ok(Spec {
            source,
            destination: destination.filter(|name| !name.is_empty()),
        })
    }
}

fn refname(name: &[u8]) -> Result<RefName, ClientError> {
    RefName::new(name).map_err(|error| odd(name, error.why))
}

fn odd(spec: &[u8], why: &'static str) -> ClientError {
    ClientError::Refspec {
        shown: escape(spec),
        why,
    }
}

/// A ref name that a user gave: full, or a branch.
///
/// # Errors
/// What is not one.
pub fn branch(name: &OsStr) -> Result<RefName, ClientError> {
    let bytes = name.to_owned().into_vec();
    if bytes.starts_with(b"refs/") {
        refname(&bytes)
    } else {
        refname(&[b"refs/heads/", bytes.as_slice()].concat())
    }
}
