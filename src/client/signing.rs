//! Making a statement: composed here, signed by the user's own git, read back and verified before
//! anybody else sees it.

use super::{ClientError, Workspace};
use crate::object::Tag;
use crate::policy::IdentitySource;
use crate::signature::SignatureStatus;
use crate::statement::{Decision, Statement, StatementRef, compose, tag_name};
use crate::types::{Oid, RefName, escape};
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

/// A statement that the server would take in.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The tag object.
    pub tag: Oid,
    /// The ref that it belongs under.
    pub refname: RefName,
    /// Who signed it, by the policy's name: a person, or of a check a machine.
    pub signer: String,
}

impl Workspace {
    /// Whether the server knows people by their signed pushes, and this clone does not sign every
    /// push.
    ///
    /// # Errors
    /// When git cannot be asked.
    pub fn wants_signature(&self) -> Result<bool, ClientError> {
        if self.policy().identity != IdentitySource::SignedPush {
            return Ok(false);
        }
        let set = self.git.maybe(&["config", "push.gpgSign"])?;
        let set = set.unwrap_or_default().to_ascii_lowercase();
        Ok(matches!(&*set, b"" | b"false" | b"no" | b"off" | b"0"))
    }

    /// Signs a statement with the user's own git settings.
    ///
    /// # Errors
    /// When it cannot be written down or signed, or when what came out is not what was meant or
    /// is not signed by a key of the policy.
    pub fn sign(
        &self,
        statement: &Statement,
        title: &str,
        body: &str,
    ) -> Result<Signed, ClientError> {
        let message = compose(statement, title, body)?;
        let tag = self.make_tag(&tag_name(statement), statement.commit, &message)?;
        self.verified(tag, statement)
    }

    /// `git tag -s`: the tag's name is fixed by the format, so the ref of that name is borrowed
    /// for a moment and put back as it was.
    fn make_tag(&self, name: &str, commit: Oid, message: &str) -> Result<Oid, ClientError> {
        let mut file = tempfile::NamedTempFile::new().map_err(temporary)?;
        file.write_all(message.as_bytes()).map_err(temporary)?;
        let refname = format!("refs/tags/{name}");
        let before = self.object(refname.as_bytes())?;
        let commit = commit.to_string();
        let words = ["tag", "-s", "-f", "--cleanup=verbatim", "-F"].map(OsStr::new);
        let rest = [
            file.path().as_os_str(),
            OsStr::new(name),
            OsStr::new(&commit),
        ];
        let signed = self.git.run(&[words.as_slice(), &rest].concat())?;
        let after = self.object(refname.as_bytes())?;
        let tag = after.filter(|_| signed).ok_or(ClientError::NotSigned)?;
        self.put_back(&refname, before, tag)?;
        Ok(tag)
    }

    fn put_back(&self, refname: &str, before: Option<Oid>, tag: Oid) -> Result<(), ClientError> {
        let tag = tag.to_string();
        match before {
            Some(before) => {
                let before = before.to_string();
                self.git.ask(&["update-ref", refname, &before, &tag])?;
            }
            None => {
                self.git.ask(&["update-ref", "-d", refname, &tag])?;
            }
        }
        Ok(())
    }

    /// Reads the tag as the server will.
    fn verified(&self, oid: Oid, meant: &Statement) -> Result<Signed, ClientError> {
        let unusable = |why: String| ClientError::Unusable { why };
        let bytes = self.store.tag_bytes(oid)?;
        let bytes = bytes.map_err(|kind| unusable(format!("git made a {kind}")))?;
        let tag = Tag::parse(&bytes).map_err(|error| unusable(error.to_string()))?;
        let read = Statement::parse(&tag).map_err(|error| unusable(error.to_string()))?;
        if read != *meant {
            return Err(unusable("it does not say what was meant".into()));
        }
        let block = tag.signature.as_ref().ok_or(ClientError::NotSigned)?;
        let verified = match self.keyring.verify(block, self.now) {
            SignatureStatus::Good(verified) => verified,
            SignatureStatus::Refused(problem) => return Err(ClientError::Signature(problem)),
        };
        let policy = self.policy();
        let refname = StatementRef::of(read.commit, &bytes).to_refname();
        if read.decision == Decision::Check {
            let machine = policy.machine_of_key(verified.key());
            let machine = machine.ok_or_else(|| {
                unusable("its key is not one that the policy has for a machine".into())
            })?;
            return Ok(Signed {
                tag: oid,
                refname,
                signer: machine.name.to_string(),
            });
        }
        let signer = policy.owner_of_key(verified.key());
        let signer = signer.ok_or_else(|| unusable("nobody in the policy owns its key".into()))?;
        let tagger = policy.owner_of_email(&tag.tagger.email);
        if tagger.is_none_or(|tagger| tagger.name != signer.name) {
            return Err(ClientError::Tagger {
                email: escape(&tag.tagger.email),
                signer: signer.name.clone(),
            });
        }
        Ok(Signed {
            tag: oid,
            refname,
            signer: signer.name.to_string(),
        })
    }

    /// Keeps a statement in the clone, under the name that it has on the server.
    ///
    /// # Errors
    /// When the ref cannot be written.
    pub fn keep(&self, signed: &Signed) -> Result<(), ClientError> {
        self.set_ref(&signed.refname, signed.tag)
    }

    /// Pushes a statement; whether the server took it in. Then the mirror has it too.
    ///
    /// # Errors
    /// When git cannot be run or the mirror's ref cannot be written.
    pub fn push(&self, signed: &Signed) -> Result<bool, ClientError> {
        let spec = format!("{}:{}", signed.tag, signed.refname);
        let words = [
            "push",
            "--quiet",
            "--no-follow-tags",
            "--recurse-submodules=no",
        ]
        .map(OsStr::new);
        let rest = [
            OsStr::new("--end-of-options"),
            self.remote.name(),
            OsStr::new(&spec),
        ];
        let taken = self.git.run(&[words.as_slice(), &rest].concat())?;
        if taken {
            let mirrored = self.remote.mirrored(&signed.refname)?;
            self.set_ref(&mirrored, signed.tag)?;
        }
        Ok(taken)
    }

    /// Pushes a statement together with the move that it allows, all or nothing, and only while the ref is
    /// where the statement says; whether the server took both in. Then the mirror has them too.
    ///
    /// # Errors
    /// As for [`Self::push`].
    pub fn push_with_move(
        &self,
        signed: &Signed,
        statement: &Statement,
    ) -> Result<bool, ClientError> {
        let taken = self.git.run(&self.move_words(signed, statement))?;
        if taken {
            self.set_ref(&self.remote.mirrored(&signed.refname)?, signed.tag)?;
            let moved = self.remote.mirrored(&statement.refname)?;
            self.set_ref(&moved, statement.commit)?;
        }
        Ok(taken)
    }

    /// The words of `git` that push a statement with the move that it allows.
    #[must_use]
    pub fn move_words(&self, signed: &Signed, statement: &Statement) -> Vec<OsString> {
        let lease = |from: Oid| {
            let mut word = OsString::from("--force-with-lease=");
            word.push(OsStr::from_bytes(statement.refname.as_bytes()));
            word.push(format!(":{from}"));
            word
        };
        let mut words: Vec<OsString> = ["push", "--quiet", "--atomic", "--no-follow-tags"]
            .map(OsString::from)
            .to_vec();
        words.push("--recurse-submodules=no".into());
        words.extend(statement.base.map(lease));
        words.push("--end-of-options".into());
        words.push(self.remote.name().to_owned());
        words.push(format!("{}:{}", signed.tag, signed.refname).into());
        let mut to = OsString::from(format!("{}:", statement.commit));
        to.push(OsStr::from_bytes(statement.refname.as_bytes()));
        words.push(to);
        words
    }

    fn set_ref(&self, refname: &RefName, oid: Oid) -> Result<(), ClientError> {
        let oid = oid.to_string();
        let name = OsStr::from_bytes(refname.as_bytes());
        self.git
            .ask(&[OsStr::new("update-ref"), name, OsStr::new(&oid)])?;
        Ok(())
    }
}

fn temporary(source: std::io::Error) -> ClientError {
    ClientError::Folder {
        path: std::env::temp_dir(),
        source,
    }
}
