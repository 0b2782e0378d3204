//! Moving a ref back, and what earlier moves back mean for a range.

use super::commits::title;
use super::gather::Gatherer;
use super::{
    ArrivingStatement, BaseRelation, Fault, Lost, RangeFacts, StatementFacts, WayBackFacts,
};
use crate::object::Commit;
use crate::policy::POLICY_REF;
use crate::types::{Oid, RefName};

impl Gatherer<'_> {
    /// The earlier rollbacks that concern a range.
    pub(super) fn fill_undone(
        &mut self,
        name: &RefName,
        range: &mut RangeFacts,
    ) -> Result<(), Fault> {
        let commits: Vec<Oid> = range.commits.iter().map(|commit| commit.oid).collect();
        let undone = self.sources.memory.undone(name, &commits);
        range.undone = undone.map_err(|why| Fault::Unreadable { why })?;
        Ok(())
    }

    /// What it would mean to move the ref from `real` back to `new`; nothing where no rule lets
    /// anybody do that. The policy itself never goes back.
    pub(super) fn way_back(
        &mut self,
        name: &RefName,
        real: Oid,
        new: Oid,
        arriving: &[ArrivingStatement],
    ) -> Result<Option<WayBackFacts>, Fault> {
        let rules = self.sources.policy.rules_for(name);
        let spoken_of = rules.iter().all(|rule| rule.rollback.is_some());
        if rules.is_empty() || !spoken_of || name.as_bytes() == POLICY_REF.as_bytes() {
            return Ok(None);
        }
        let known = self.sources.memory.way_back(name, real, new);
        let known = known.map_err(|why| Fault::Unreadable { why })?;
        let range = self.graph.range(real, Some(new))?;
        self.spend_commits(range.commits.len())?;
        let mut loses = Vec::with_capacity(range.commits.len());
        for node in range.commits {
            let oid = self.graph.oid(node)?;
            let bytes = self.graph.take_bytes(node)?;
            let commit = Commit::parse(&bytes).map_err(|error| Fault::Malformed {
                oid,
                why: error.to_string(),
            })?;
            let title = title(&commit.message);
            loses.push(Lost { oid, title });
        }
        Ok(Some(WayBackFacts {
            is_ancestor: range.from_base,
            loses,
            statements: self.about(new, arriving)?,
            accepted: known.accepted,
            since: known.since,
            spent: known.spent,
        }))
    }

    /// Every statement about one commit, stored or arriving, in the order of their tags.
    fn about(
        &mut self,
        commit: Oid,
        arriving: &[ArrivingStatement],
    ) -> Result<Vec<StatementFacts>, Fault> {
        let mut all = self.stored(commit)?.to_vec();
        for other in arriving {
            let known = all.iter().any(|facts| facts.tag == other.tag);
            if other.statement.commit != commit || known {
                continue;
            }
            all.push(StatementFacts {
                tag: other.tag,
                statement: other.statement.clone(),
                signer: other.signer.clone(),
                first_seen: self.first_seen(other.tag)?.or(Some(self.sources.now)),
                claimed: other.claimed,
                base: BaseRelation::None,
            });
        }
        all.sort_by_key(|facts| facts.tag);
        Ok(all)
    }
}
