//! One commit of a range.

use super::gather::Gatherer;
use super::graph::Node;
use super::people::cut;
use super::{Approving, Arrival, Claim, CommitFacts, Fault, FirstPushers, Role, SignatureFact};
use crate::object::{Commit, SignatureBlock, SignatureFormat, co_authors};
use crate::statement::approving;
use crate::types::{Claimant, Oid, Timestamp, escape};
use std::collections::HashMap;

/// So many change requests of one commit are noted, by each rule.
const MAX_TICKETS: usize = 16;
/// The longest title, in characters.
const MAX_TITLE: usize = 72;
/// Bytes of signed content that are put aside.
const UNVERIFIED_BYTES: usize = 16 << 20;
/// Signatures that are put aside although each takes a process.
const UNVERIFIED_SLOW: usize = 64;
/// More co-authors than this in one message are not read.
const MAX_CO_AUTHORS: usize = 500;

/// The pushes that brought commits, this one among them.
pub(super) type Pushes = HashMap<Oid, Vec<Arrival>>;

/// Signatures that were read and not verified yet. They are verified many at a time: apart, so
/// that reading stays in one thread, where libgit2's locks cost nothing.
#[derive(Default)]
pub(super) struct Unverified {
    /// Which commits of the range they belong to.
    places: Vec<usize>,
    blocks: Vec<SignatureBlock>,
    bytes: usize,
    slow: usize,
}

impl Unverified {
    fn add(&mut self, place: usize, block: SignatureBlock) {
        self.bytes += block.payload.len() + block.armor.len();
        self.slow += usize::from(block.format != SignatureFormat::Ssh);
        self.places.push(place);
        self.blocks.push(block);
    }

    /// Whether they take much memory, or will take long without a sign of progress.
    pub(super) fn are_many(&self) -> bool {
        self.bytes > UNVERIFIED_BYTES || self.slow >= UNVERIFIED_SLOW
    }
}

impl Gatherer<'_> {
    /// Adds what is known about a commit to `commits`; what its signature says follows with
    /// [`Self::verify`].
    pub(super) fn read_commit(
        &mut self,
        node: Node,
        pushes: &mut Pushes,
        commits: &mut Vec<CommitFacts>,
        unverified: &mut Unverified,
    ) -> Result<(), Fault> {
        let (commit, signature) = self.commit(node, pushes)?;
        if let Some(block) = signature {
            unverified.add(commits.len(), block);
        }
        commits.push(commit);
        Ok(())
    }

    /// Who pushed some commits: whoever has brought them and may have been the first, and this pusher
    /// where they are new with this push.
    pub(super) fn pushes(&self, nodes: &[Node]) -> Result<Pushes, Fault> {
        let oids = nodes.iter().map(|node| self.graph.oid(*node));
        let oids = oids.collect::<Result<Vec<Oid>, Fault>>()?;
        // Asked for first: what another push puts into the store meanwhile, it claimed before that, and
        // nothing is nobody's.
        let mut arriving = Vec::new();
        for oid in &oids {
            if self.sources.store.arrives(*oid)? {
                arriving.push(*oid);
            }
        }
        let pushes = self.sources.memory.first_pushes(&oids);
        let mut pushes = pushes.map_err(|why| Fault::Unreadable { why })?;
        for oid in arriving {
            pushes.entry(oid).or_default().push(Arrival {
                by: Claimant::of(&self.pusher),
                landed: true,
            });
        }
        Ok(pushes)
    }

    /// Verifies the signatures that were put aside.
    pub(super) fn verify(&self, commits: &mut [CommitFacts], unverified: &mut Unverified) {
        let Unverified { places, blocks, .. } = std::mem::take(unverified);
        let signers = self.people.signers(&blocks);
        for (place, signer) in places.into_iter().zip(signers) {
            if let Some(commit) = commits.get_mut(place) {
                commit.signature = signer;
            }
        }
    }

    /// What is known about a commit, but for what its signature says.
    fn commit(
        &mut self,
        node: Node,
        pushes: &mut Pushes,
    ) -> Result<(CommitFacts, Option<SignatureBlock>), Fault> {
        let oid = self.graph.oid(node)?;
        let bytes = self.graph.take_bytes(node)?;
        let malformed = |why: String| Fault::Malformed { oid, why };
        let commit = Commit::parse(&bytes).map_err(|error| malformed(error.to_string()))?;
        let approval = approving(&commit.message).map_err(|error| malformed(error.to_string()))?;
        let approving = match approval {
            Some(approval) => Some(Approving {
                refname: approval.refname,
                repository: approval.repository,
                answers: approval.answers,
                first_seen: self.first_seen(oid)?,
                claimed: Timestamp::from_unix(commit.committer.claimed_seconds),
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
            first_pushers: FirstPushers::of(
                self.sources.policy,
                pushes.remove(&oid).unwrap_or_default(),
            ),
            content: self.trees.content(&mut self.graph, commit.tree, &parents)?,
            approving,
            tickets: self.tickets(&commit.message),
            parents: commit.parents,
        };
        Ok((facts, commit.signature))
    }

    /// The change requests that a message names. Nothing is looked for where no rule asks.
    fn tickets(&self, message: &[u8]) -> Vec<String> {
        let found = self.tickets.iter();
        let found = found.flat_map(|pattern| pattern.find(message, MAX_TICKETS));
        found.collect()
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

    /// When an object was first seen here: now, if it is new with this push.
    pub(super) fn first_seen(&self, oid: Oid) -> Result<Option<Timestamp>, Fault> {
        // In this order, as in `pushes`.
        let arrives = self.sources.store.arrives(oid)?;
        let seen = self.sources.memory.first_seen(oid);
        let seen = seen.map_err(|why| Fault::Unreadable { why })?;
        Ok(seen.or_else(|| arrives.then_some(self.sources.now)))
    }
}

/// A message's first line, for people.
pub(crate) fn title(message: &[u8]) -> String {
    let line = message.split(|byte| *byte == b'\n').next();
    let line = line.unwrap_or_default();
    // No more than can be shown is escaped; an escape is never longer than it is wide.
    let head = line.get(..line.len().min(4 * MAX_TITLE)).unwrap_or(line);
    cut(escape(head), MAX_TITLE)
}
