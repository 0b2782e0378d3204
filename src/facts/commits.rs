//! One commit of a range.

use super::gather::Gatherer;
use super::graph::Node;
use super::people::cut;
use super::{Approving, Claim, CommitFacts, Fault, Pusher, Role, SignatureFact};
use crate::object::{Commit, SignatureBlock, co_authors};
use crate::statement::approving;
use crate::types::{Oid, PersonName, Timestamp, escape};

/// The longest title, in characters.
const MAX_TITLE: usize = 72;
/// More co-authors than this in one message are not read.
const MAX_CO_AUTHORS: usize = 500;

impl Gatherer<'_> {
    /// What is known about some commits, in their order.
    pub(super) fn commits(&mut self, nodes: &[Node]) -> Result<Vec<CommitFacts>, Fault> {
        let mut commits = Vec::with_capacity(nodes.len());
        let mut signatures = Vec::with_capacity(nodes.len());
        for node in nodes {
            let (commit, signature) = self.commit(*node)?;
            commits.push(commit);
            signatures.push(signature);
        }
        let signers = self.people.signers(&signatures);
        for (commit, signer) in commits.iter_mut().zip(signers) {
            commit.signature = signer;
        }
        Ok(commits)
    }

    /// What is known about a commit, but for what its signature says.
    fn commit(&mut self, node: Node) -> Result<(CommitFacts, Option<SignatureBlock>), Fault> {
        let oid = self.graph.oid(node)?;
        let bytes = self.graph.take_bytes(node)?;
        let malformed = |why: String| Fault::Malformed { oid, why };
        let commit = Commit::parse(&bytes).map_err(|error| malformed(error.to_string()))?;
        let approval = approving(&commit.message).map_err(|error| malformed(error.to_string()))?;
        let approving = match approval {
            Some((refname, repository)) => Some(Approving {
                refname,
                repository,
                first_seen: self.first_seen(oid)?,
            }),
            None => None,
        };
        let mut parents = Vec::with_capacity(commit.parents.len());
        for parent in &commit.parents {
            parents.push((*parent, self.graph.tree(*parent)?));
        }
        let facts = CommitFacts {
            oid,
            title: title(&commit.message),
            claims: self.claims(&commit)?,
            signature: SignatureFact::Unsigned,
            first_pusher: self.first_pusher(oid)?,
            content: self.trees.content(&mut self.graph, commit.tree, &parents)?,
            approving,
            parents: commit.parents,
        };
        Ok((facts, commit.signature))
    }

    fn claims(&self, commit: &Commit) -> Result<Vec<Claim>, Fault> {
        let lines = co_authors(&commit.message);
        if lines.len() > MAX_CO_AUTHORS {
            return Err(Fault::TooLarge {
                what: format!("more than {MAX_CO_AUTHORS} co-authors of one commit"),
            });
        }
        let mut claims = vec![
            self.people.claim(Role::Author, &commit.author),
            self.people.claim(Role::Committer, &commit.committer),
        ];
        for line in &lines {
            let claim = self.people.co_author(line);
            if !claims.contains(&claim) {
                claims.push(claim);
            }
        }
        Ok(claims)
    }

    /// Who first pushed a commit: this pusher, if it is new with this push.
    fn first_pusher(&self, oid: Oid) -> Result<Option<PersonName>, Fault> {
        if self.sources.store.arrives(oid)? {
            return Ok(match &self.pusher {
                Pusher::Person(name) => Some(name.clone()),
                Pusher::Unknown { .. } | Pusher::Missing { .. } | Pusher::NotAsked => None,
            });
        }
        let known = self.sources.memory.first_pusher(oid);
        known.map_err(|why| Fault::Unreadable { why })
    }

    /// When an object was first seen here: now, if it is new with this push.
    pub(super) fn first_seen(&self, oid: Oid) -> Result<Option<Timestamp>, Fault> {
        let seen = self.sources.memory.first_seen(oid);
        let seen = seen.map_err(|why| Fault::Unreadable { why })?;
        if seen.is_none() && self.sources.store.arrives(oid)? {
            return Ok(Some(self.sources.now));
        }
        Ok(seen)
    }
}

/// A message's first line, for people.
fn title(message: &[u8]) -> String {
    let line = message.split(|byte| *byte == b'\n').next();
    let line = line.unwrap_or_default();
    // No more than can be shown is escaped; an escape is never longer than it is wide.
    let head = line.get(..line.len().min(4 * MAX_TITLE)).unwrap_or(line);
    cut(&escape(head), MAX_TITLE)
}
