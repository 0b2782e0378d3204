//! The moves that were judged again, for whoever attests them.

use crate::types::{Oid, PersonName, RefName, Timestamp};
use std::collections::BTreeSet;

/// An accepted move of a protected ref, judged again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The entry that accepted it.
    pub seq: u64,
    /// Its time.
    pub time: Timestamp,
    /// The ref.
    pub refname: RefName,
    /// What the ref named before.
    pub old: Option<Oid>,
    /// What it was moved to.
    pub new: Oid,
    /// The commit of the policy that it was judged by.
    pub policy: Oid,
    /// Who pushed it, where that is known.
    pub pushed_by: Option<String>,
    /// Everybody who had a hand in what it brings.
    pub contributors: BTreeSet<PersonName>,
    /// Whose approval covered some of it.
    pub approved_by: BTreeSet<PersonName>,
    /// Whose approval is of exactly the commit that it was moved to.
    pub final_approvers: BTreeSet<PersonName>,
    /// By which way it was let in.
    pub admission: Admission,
    /// Whether it holds up.
    pub held: bool,
    /// Whether the names beside its entry are still there.
    pub named: bool,
    /// Whether its push was seen to move refs, or the ref to name it afterwards.
    pub went_in: bool,
    /// Since when the same rule has held for the ref without a gap.
    pub since: Timestamp,
    /// Whether there was a gap just before it.
    pub gap: bool,
}

/// By which way a move was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The approvals that its rule demands.
    Approved,
    /// An emergency, without approvals.
    Emergency,
    /// A rule for its ref only warned: what that demands need not have been met.
    Warned,
}

/// The people of one move.
#[derive(Debug, Clone, Default)]
pub(super) struct Hands {
    pub contributors: BTreeSet<PersonName>,
    pub approved_by: BTreeSet<PersonName>,
    pub final_approvers: BTreeSet<PersonName>,
}
