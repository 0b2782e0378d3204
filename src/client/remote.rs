//! A remote, and the refs under which a clone keeps what it fetched from there.
//!
//! They are apart from the user's remote-tracking refs: `refs/relhook/remotes/<remote>/x` is what
//! `refs/x` was on the server when it was last asked, nothing else writes there, and what the
//! user has checked out or tracks is never touched.

use super::{ClientError, Git};
use crate::types::{Oid, RefName, escape, hex};
use sha2::{Digest, Sha256};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Where the mirrors of all remotes lie.
const MIRRORS: &str = "refs/relhook/remotes/";

/// A remote of this clone: a name, or a URL as in `git push <url>`.
#[derive(Debug, Clone)]
pub struct Remote {
    name: OsString,
    mirror: RefName,
}

impl Remote {
    /// The remote with this name or URL.
    ///
    /// # Errors
    /// An empty name, or one that git would take for an option.
    pub fn named(name: &OsStr) -> Result<Self, ClientError> {
        if name.is_empty() || name.as_bytes().starts_with(b"-") {
            return Err(ClientError::WhichRemote {
                found: format!("none called `{}`", escape(name.as_bytes())),
            });
        }
        let plain = [MIRRORS.as_bytes(), name.as_bytes()].concat();
        let mirror = RefName::new(&plain).ok().filter(|_| is_name(name));
        let mirror = match mirror {
            Some(mirror) => mirror,
            None => hashed(name)?,
        };
        Ok(Self {
            name: name.to_owned(),
            mirror,
        })
    }

    /// The remote that `git push` would push the current branch to.
    ///
    /// # Errors
    /// When git cannot be asked, or no remote suggests itself.
    pub fn usual(git: &Git) -> Result<Self, ClientError> {
        let branch = git.maybe(&["symbolic-ref", "-q", "HEAD"])?;
        if let Some(branch) = branch {
            let format = "--format=%(push:remotename)";
            let branch = OsString::from_vec(branch);
            let said = git.maybe(&[OsStr::new("for-each-ref"), OsStr::new(format), &branch])?;
            if let Some(name) = said.filter(|name| !name.is_empty()) {
                return Self::named(OsStr::from_bytes(&name));
            }
        }
        let listed = git.ask(&["remote"])?;
        let mut names = listed
            .split(|byte| *byte == b'\n')
            .filter(|name| !name.is_empty());
        let names: Vec<&[u8]> = names.by_ref().collect();
        match names.as_slice() {
            [only] => Self::named(OsStr::from_bytes(only)),
            [] => Err(ClientError::WhichRemote {
                found: "none".into(),
            }),
            several if several.contains(&b"origin".as_slice()) => Self::named(OsStr::new("origin")),
            several => Err(ClientError::WhichRemote {
                found: format!("{} of them", several.len()),
            }),
        }
    }

    /// The name or URL, for git.
    #[must_use]
    pub fn name(&self) -> &OsStr {
        &self.name
    }

    /// The name or URL, escaped, for people; without what may be a password.
    #[must_use]
    pub fn shown(&self) -> String {
        without_password(&escape(self.name.as_bytes()))
    }

    /// Where its refs are kept: the prefix without its last `/`.
    #[must_use]
    pub fn mirror(&self) -> &RefName {
        &self.mirror
    }

    /// A name for a file about it.
    #[must_use]
    pub fn file_name(&self) -> String {
        let below = self.mirror.as_bytes().strip_prefix(MIRRORS.as_bytes());
        String::from_utf8_lossy(below.unwrap_or_default()).replace('/', "+")
    }

    /// The name under which one of its refs is kept.
    ///
    /// # Errors
    /// When that name is too long to be one.
    pub fn mirrored(&self, refname: &RefName) -> Result<RefName, ClientError> {
        let rest = refname.as_bytes().strip_prefix(b"refs/");
        let rest = rest.unwrap_or(refname.as_bytes());
        let name = [self.mirror.as_bytes(), b"/", rest].concat();
        RefName::new(&name).map_err(|error| ClientError::Odd {
            what: "fetch".into(),
            said: error.shown,
        })
    }

    /// Fetches its branches, its policy and its statements, and lets go of what is gone there.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn fetch(&self, git: &Git) -> Result<(), ClientError> {
        let mirror = OsStr::from_bytes(self.mirror.as_bytes());
        let all = |kind: &str| {
            let mut spec = OsString::from(format!("+refs/{kind}/*:"));
            spec.push(mirror);
            spec.push(format!("/{kind}/*"));
            spec
        };
        self.fetch_specs(git, &[all("heads"), all("relhook")])
    }

    /// Fetches one ref that is not a branch; forgets it where the server does not have it.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn fetch_one(&self, git: &Git, refname: &RefName) -> Result<(), ClientError> {
        let name = OsStr::from_bytes(refname.as_bytes());
        let mirrored = self.mirrored(refname)?;
        let mirrored = OsStr::from_bytes(mirrored.as_bytes());
        let listed = git.ask(&[
            OsStr::new("ls-remote"),
            OsStr::new("--refs"),
            OsStr::new("--end-of-options"),
            &self.name,
            name,
        ])?;
        if advertised(&listed, refname).is_none() {
            let gone = ["update-ref", "-d"].map(OsStr::new);
            git.ask(&[gone.as_slice(), &[mirrored]].concat())?;
            return Ok(());
        }
        let mut spec = OsString::from("+");
        spec.push(name);
        spec.push(":");
        spec.push(mirrored);
        self.fetch_specs(git, &[spec])
    }

    fn fetch_specs(&self, git: &Git, specs: &[OsString]) -> Result<(), ClientError> {
        let mut args: Vec<&OsStr> = [
            "fetch",
            "--quiet",
            "--prune",
            "--no-tags",
            "--refmap=",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--no-auto-maintenance",
            "--end-of-options",
        ]
        .map(OsStr::new)
        .to_vec();
        args.push(&self.name);
        args.extend(specs.iter().map(OsString::as_os_str));
        if git.run(&args)? {
            Ok(())
        } else {
            Err(ClientError::Fetch {
                remote: self.shown(),
            })
        }
    }
}

/// What `ls-remote` says that a ref is: its pattern also matches longer names.
fn advertised(listed: &[u8], refname: &RefName) -> Option<Oid> {
    listed.split(|byte| *byte == b'\n').find_map(|line| {
        let (hex, name) = line.split_at_checked(40)?;
        let same = name.strip_prefix(b"\t")? == refname.as_bytes();
        Oid::from_hex(hex).ok().filter(|_| same)
    })
}

/// Whether it reads as the name of a remote rather than as a URL or a path.
fn is_name(name: &OsStr) -> bool {
    name.as_bytes()
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
}

fn hashed(name: &OsStr) -> Result<RefName, ClientError> {
    let digest = Sha256::digest(name.as_bytes());
    let hex = hex(&digest);
    let name = format!("{MIRRORS}url/{}", hex.get(..16).unwrap_or_default());
    RefName::new(name.as_bytes()).map_err(|error| ClientError::Odd {
        what: "remote".into(),
        said: error.shown,
    })
}

/// A URL whose `user:password@` shows the user only.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((login, host)) => {
            let user = login.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{host}{path}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_remote_has_a_place_of_its_own() {
        let mirror = |name: &str| Remote::named(OsStr::new(name)).unwrap().mirror.to_string();
        assert_eq!(mirror("origin"), "refs/relhook/remotes/origin");
        for url in ["https://u:pw@host/x", "../server.git", "a/b", "url"] {
            let hashed = mirror(url).starts_with("refs/relhook/remotes/url/");
            assert_eq!(hashed, url != "url", "{url}");
        }
        assert!(Remote::named(OsStr::new("--upload-pack=x")).is_err());
        assert!(Remote::named(OsStr::new("")).is_err());
    }

    #[test]
    fn t_05_a_password_in_a_url_is_not_shown() {
        let shown = |name: &str| Remote::named(OsStr::new(name)).unwrap().shown();
        assert_eq!(shown("https://u:secret@host/x@y"), "https://u@host/x@y");
        assert_eq!(shown("https://host/a:b@c"), "https://host/a:b@c");
        assert_eq!(shown("git@host:x"), "git@host:x");
    }

    #[test]
    fn only_the_very_ref_is_found_in_a_listing() {
        let oid = "8d01e77ab12c00000000000000000000000000ff";
        let listed = format!("{oid}\trefs/tags/x/refs/heads/prod\n");
        let name = RefName::new(b"refs/heads/prod").unwrap();
        assert_eq!(advertised(listed.as_bytes(), &name), None);
        let listed = format!("{oid}\trefs/heads/prod\n");
        assert_eq!(
            advertised(listed.as_bytes(), &name),
            Some(oid.parse().unwrap())
        );
    }
}
