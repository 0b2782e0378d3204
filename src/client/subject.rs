//! What a statement is about: exactly one commit, for one ref of one repository.

use super::{ClientError, Stored, Workspace};
use crate::facts::Current;
use crate::object::Commit;
use crate::policy::POLICY_REF;
use crate::statement::{Decision, Particulars, STATEMENT_PREFIX, Statement, StatementRef};
use crate::types::{Oid, RefName, escape};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The most statements that are looked through.
const MAX_STATEMENTS: usize = 200_000;
/// The shortest abbreviation of an id that is looked up.
const MIN_ABBREVIATION: usize = 7;

impl Workspace {
    /// The one protected branch of the policy, where there is only one.
    ///
    /// # Errors
    /// Where there are several, or patterns.
    pub fn only_protected(&self) -> Result<RefName, ClientError> {
        let patterns = self.policy().rules.iter().map(|rule| rule.pattern.as_str());
        let mut patterns: Vec<&str> = patterns.filter(|name| *name != POLICY_REF).collect();
        patterns.dedup();
        match patterns.as_slice() {
            [only] if !only.contains(['*', '?', '[', '{']) => RefName::new(only.as_bytes())
                .map_err(|error| ClientError::Refspec {
                    shown: error.shown,
                    why: error.why,
                }),
            _several => Err(ClientError::WhichRef {
                found: patterns.join(", "),
            }),
        }
    }

    /// The one commit that a name stands for: here, or among the server's branches. Nothing is
    /// signed for a name that means two things.
    ///
    /// # Errors
    /// A name for nothing, or for several commits.
    pub fn commit(&self, name: &OsStr, target: &RefName) -> Result<Oid, ClientError> {
        let bytes = name.as_bytes();
        let shown = escape(bytes);
        let local = self.object(&[bytes, b"^{commit}"].concat())?;
        let theirs = self.server_branch(bytes, target)?;
        match (local, theirs) {
            (Some(here), Some(there)) if here != there => Err(ClientError::Ambiguous {
                shown,
                here,
                there,
                remote: self.remote.shown(),
            }),
            (Some(oid), _) | (None, Some(oid)) => Ok(oid),
            (None, None) => Err(ClientError::Refspec {
                shown,
                why: "no such commit here; fetch it first",
            }),
        }
    }

    /// The server's branch of that name, `origin/` in front or not. The ref that a statement is
    /// for is not meant: what it names needs no statement any more.
    fn server_branch(&self, name: &[u8], target: &RefName) -> Result<Option<Oid>, ClientError> {
        let remote = [self.remote.name().as_bytes(), b"/"].concat();
        let plain = name.strip_prefix(remote.as_slice()).unwrap_or(name);
        let plain = plain.strip_prefix(b"refs/heads/").unwrap_or(plain);
        let Ok(refname) = RefName::new(&[b"refs/heads/", plain].concat()) else {
            return Ok(None);
        };
        if refname == *target {
            return Ok(None);
        }
        match self.store.current(&refname)? {
            Current::At(oid) => Ok(Some(oid)),
            Current::Absent | Current::Symbolic { .. } | Current::Unreadable { .. } => Ok(None),
        }
    }

    /// A commit's tree.
    ///
    /// # Errors
    /// When it cannot be read or is malformed.
    pub fn tree(&self, oid: Oid) -> Result<Oid, ClientError> {
        let bytes = self.store.commit_bytes(oid)?;
        let commit = Commit::parse(&bytes).map_err(|error| ClientError::Unusable {
            why: format!("the commit {oid} is malformed: {error}"),
        })?;
        Ok(commit.tree)
    }

    /// A statement about a commit for a ref of this repository, with nothing said yet besides.
    ///
    /// # Errors
    /// As [`Self::tree`].
    pub fn states(
        &self,
        decision: Decision,
        refname: RefName,
        commit: Oid,
    ) -> Result<Statement, ClientError> {
        Ok(Statement {
            decision,
            repository: self.policy().repository.0.clone(),
            refname,
            base: None,
            commit,
            tree: self.tree(commit)?,
            expires: None,
            checkpoint: self.checkpoint(),
            stage: None,
            reason: None,
            particulars: Particulars::default(),
        })
    }

    /// The one statement of the server with this tag id or name, whole or abbreviated.
    ///
    /// # Errors
    /// None or several of them; one that cannot be read.
    pub fn statement(&self, id: &str) -> Result<Stored, ClientError> {
        let wrong = |why| ClientError::Refspec {
            shown: escape(id.as_bytes()),
            why,
        };
        let is_id = |ch: char| ch.is_ascii_digit() || ('a'..='f').contains(&ch);
        if id.len() < MIN_ABBREVIATION || !id.chars().all(is_id) {
            return Err(wrong("not an id of at least 7 digits"));
        }
        let prefix = STATEMENT_PREFIX.as_bytes();
        let all = self.store.refs_below(prefix, MAX_STATEMENTS)?;
        let mut found = all.iter().filter(|(name, oid)| {
            let named = StatementRef::parse(name);
            oid.to_string().starts_with(id)
                || named.is_ok_and(|name| name.id.to_string().starts_with(id))
        });
        match (found.next(), found.next()) {
            (Some((_, oid)), None) => self.view().stored(*oid),
            (None, _) => Err(wrong("the server has no such statement")),
            (Some(_), Some(_)) => Err(wrong("the server has several such statements")),
        }
    }
}
