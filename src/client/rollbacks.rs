//! What the server rolled back, as a clone can tell: approvals from before do not count for it any more.

use super::standing::Stored;
use super::{ClientError, Workspace};
use crate::facts::{Undone, title};
use crate::object::Commit;
use crate::statement::{Decision, STATEMENT_PREFIX};
use crate::types::{Oid, RefName, Timestamp};
use crate::witness::ROLLBACK_PREFIX;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The most rollbacks that are looked through.
const MAX_ROLLBACKS: usize = 10_000;

/// A rollback of a ref that was carried out, as far as a clone can tell.
#[derive(Debug, Clone)]
pub struct KnownRollback {
    /// The statements that it rests on.
    pub statements: Vec<Stored>,
    /// The commits that it took off the ref; nothing where the clone cannot tell them.
    pub lost: Option<HashSet<Oid>>,
}

impl KnownRollback {
    /// What of `commits` it undid; all of them where that cannot be told.
    #[must_use]
    pub fn undone(&self, commits: &[Oid]) -> Option<Undone> {
        let lost = |oid: &&Oid| self.lost.as_ref().is_none_or(|lost| lost.contains(*oid));
        let commits: Vec<Oid> = commits.iter().filter(lost).copied().collect();
        let mut statements: Vec<Oid> = self.statements.iter().map(|one| one.tag).collect();
        statements.sort_unstable();
        (!commits.is_empty()).then(|| Undone {
            statements,
            // When that was only the server knows; whoever answers its statement has seen it.
            at: Timestamp::from_unix(0),
            commits: commits.into_iter().collect(),
        })
    }
}

impl Workspace {
    /// A commit's title, escaped; nothing where the commit is not here.
    #[must_use]
    pub fn title(&self, commit: Oid) -> Option<String> {
        let bytes = self.store.commit_bytes(commit).ok()?;
        let commit = Commit::parse(&bytes).ok()?;
        Some(title(&commit.message))
    }

    /// The rollbacks of some refs that the server has carried out.
    ///
    /// # Errors
    /// When refs or statements cannot be read, or git cannot be asked.
    pub fn rollbacks<'a>(
        &self,
        refs: impl IntoIterator<Item = &'a RefName>,
    ) -> Result<HashMap<RefName, Vec<KnownRollback>>, ClientError> {
        let shown = self.shown_rollbacks()?;
        let mut found = HashMap::new();
        for refname in refs {
            let mut own: Vec<KnownRollback> = Vec::new();
            for statements in &shown {
                if statements
                    .iter()
                    .any(|one| one.statement.refname == *refname)
                {
                    own.push(self.known_rollback(statements.clone())?);
                }
            }
            for statement in self.just_now(refname, &shown)? {
                own.push(self.known_rollback(vec![statement])?);
            }
            if !own.is_empty() {
                found.insert(refname.clone(), own);
            }
        }
        Ok(found)
    }

    /// The statements of the rollbacks that the server shows, by its entries.
    fn shown_rollbacks(&self) -> Result<Vec<Vec<Stored>>, ClientError> {
        let prefix = ROLLBACK_PREFIX.as_bytes();
        let mut by_entry: BTreeMap<Vec<u8>, Vec<Stored>> = BTreeMap::new();
        for (name, _) in self.store.refs_below(prefix, MAX_ROLLBACKS)? {
            let rest = name.as_bytes().strip_prefix(prefix).unwrap_or_default();
            let mut words = rest.splitn(2, |byte| *byte == b'/');
            let (entry, tag) = (words.next(), words.next());
            let tag = tag.and_then(|tag| Oid::from_hex(tag).ok());
            let (Some(entry), Some(tag)) = (entry, tag) else {
                continue;
            };
            let stored = self.view().stored(tag)?;
            by_entry.entry(entry.to_vec()).or_default().push(stored);
        }
        Ok(by_entry.into_values().collect())
    }

    /// Statements by which the ref may have come to be where it is, and of which the server shows nothing
    /// yet: it does so a moment after.
    fn just_now(
        &self,
        refname: &RefName,
        shown: &[Vec<Stored>],
    ) -> Result<Vec<Stored>, ClientError> {
        let Some(current) = self.value(refname)? else {
            return Ok(Vec::new());
        };
        let prefix = format!("{STATEMENT_PREFIX}{current}/");
        let mut found = Vec::new();
        for (_, tag) in self.store.refs_below(prefix.as_bytes(), MAX_ROLLBACKS)? {
            let known = shown.iter().flatten().any(|one| one.tag == tag);
            let stored = self.view().stored(tag)?;
            let statement = &stored.statement;
            if !known && statement.decision == Decision::Rollback && statement.refname == *refname {
                found.push(stored);
            }
        }
        Ok(found)
    }

    fn known_rollback(&self, statements: Vec<Stored>) -> Result<KnownRollback, ClientError> {
        let first = statements.first().map(|one| &one.statement);
        let moved = first.and_then(|statement| Some((statement.base?, statement.commit)));
        let lost = match moved {
            Some((from, to)) => self.lost(from, to)?,
            None => None,
        };
        Ok(KnownRollback { statements, lost })
    }

    /// What `from` reaches and `to` does not; nothing where one of them is not here.
    pub(super) fn lost(&self, from: Oid, to: Oid) -> Result<Option<HashSet<Oid>>, ClientError> {
        let range = [from.to_string(), format!("^{to}")];
        let [from, to] = &range;
        let listed = self.git.maybe(&["rev-list", from, to])?;
        Ok(listed.map(|listed| {
            let lines = listed.split(|byte| *byte == b'\n');
            lines.filter_map(|hex| Oid::from_hex(hex).ok()).collect()
        }))
    }
}
