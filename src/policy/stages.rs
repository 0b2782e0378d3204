//! The stages of a release: which targets come before which, and what holds a release between them.

use super::Policy;
use crate::types::{Seconds, StageName, TargetName, TeamName};
use std::collections::BTreeSet;

/// Targets that are released to at once, after those of the stages before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The policy's name for it.
    pub name: StageName,
    /// What a release waits for when every target of the stages before has it.
    pub hold: Hold,
    /// The targets.
    pub targets: BTreeSet<TargetName>,
}

/// What a release waits for before a stage begins. All of it has to be met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hold {
    /// So much time, counted from when the stages before were done.
    pub after: Option<Seconds>,
    /// A person who says that it may go on.
    pub lift: Option<LiftRule>,
}

/// Who may say that a release goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiftRule {
    /// The teams; at least one.
    pub from: Vec<TeamName>,
    /// Whom that person has to be distinct from.
    pub distinct: Distinct,
}

/// Whom the person who lifts a hold has to be distinct from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Distinct {
    /// From nobody.
    FromNobody,
    /// From everybody who contributed to what is released.
    #[default]
    FromContributors,
    /// From them, and from everybody whose approval let it in: a third person.
    FromApproversToo,
}

impl Policy {
    /// The stage that a target is in, by its place in the order.
    #[must_use]
    pub fn stage_of(&self, target: &TargetName) -> Option<(usize, &Stage)> {
        let mut stages = self.stages.iter().enumerate();
        stages.find(|(_, stage)| stage.targets.contains(target))
    }
}
