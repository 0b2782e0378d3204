//! Who was named a deputy for a ref: statements about the commits of the policy's own history.
//!
//! They are looked for only where a rule for the ref lets anybody name a deputy, and of most only
//! the tag is read: signatures are verified of those that can still matter.

use super::gather::Gatherer;
use super::statements::Told;
use super::{ArrivingStatement, BaseRelation, Fault, RangeFacts, StatementFacts};
use crate::policy::POLICY_REF;
use crate::statement::{Decision, Statement};
use crate::types::{Oid, RefName, Timestamp};
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

/// The delegations and withdrawals about the policy's history, not verified yet.
pub(super) struct Named {
    /// The commits of the policy's history.
    policies: HashSet<Oid>,
    told: Vec<(Oid, Told)>,
}

impl Gatherer<'_> {
    /// The delegations that could matter for a range of this ref, and what withdraws them: those
    /// that are not over yet, and where somebody objects in another's stead, those that are.
    pub(super) fn delegations(
        &mut self,
        name: &RefName,
        range: &RangeFacts,
        arriving: &[ArrivingStatement],
    ) -> Result<Vec<StatementFacts>, Fault> {
        let rules = self.sources.policy.rules_for(name);
        if rules.iter().all(|rule| rule.delegation.is_none()) || range.commits.is_empty() {
            return Ok(Vec::new());
        }
        let named = self.named()?;
        let all = objects(range);
        let now = self.sources.now;
        let matters = |statement: &Statement| {
            statement.decision == Decision::Delegate
                && statement.refname == *name
                && (all || statement.expires.is_some_and(|until| now < until))
        };
        let arriving = arriving
            .iter()
            .filter(|one| named.policies.contains(&one.statement.commit));
        let arriving: Vec<&ArrivingStatement> = arriving.collect();
        let stored = named.told.iter().map(|(tag, told)| (*tag, &told.statement));
        let here = stored.chain(arriving.iter().map(|one| (one.tag, &one.statement)));
        let given: HashSet<Oid> = here
            .filter(|(_, statement)| matters(statement))
            .map(|(tag, _)| tag)
            .collect();
        let wanted = |tag: &Oid, statement: &Statement| match statement.decision {
            Decision::Withdraw { statement } => given.contains(&statement),
            Decision::Approve
            | Decision::Reject
            | Decision::Lift
            | Decision::Emergency
            | Decision::Delegate
            | Decision::Rollback
            | Decision::Check => given.contains(tag),
        };
        let mut found: BTreeMap<Oid, StatementFacts> = BTreeMap::new();
        for (tag, told) in &named.told {
            if wanted(tag, &told.statement) {
                let signer = self.people.signer(told.tag.signature.as_ref());
                let facts = StatementFacts {
                    tag: *tag,
                    statement: told.statement.clone(),
                    signer,
                    first_seen: self.first_seen(*tag)?,
                    claimed: Timestamp::from_unix(told.tag.tagger.claimed_seconds),
                    base: BaseRelation::None,
                };
                found.insert(*tag, facts);
            }
        }
        for one in arriving {
            if wanted(&one.tag, &one.statement) && !found.contains_key(&one.tag) {
                let facts = StatementFacts {
                    tag: one.tag,
                    statement: one.statement.clone(),
                    signer: one.signer.clone(),
                    first_seen: self.first_seen(one.tag)?.or(Some(now)),
                    claimed: one.claimed,
                    base: BaseRelation::None,
                };
                found.insert(one.tag, facts);
            }
        }
        Ok(found.into_values().collect())
    }

    /// What is stored about the policy's history, read once in a gathering.
    fn named(&mut self) -> Result<Rc<Named>, Fault> {
        if let Some(named) = &self.named {
            return Ok(Rc::clone(named));
        }
        let mut policies = HashSet::new();
        let mut told = Vec::new();
        for oid in self.policies()? {
            for (tag, one) in self.told_about(oid)? {
                match one.statement.decision {
                    Decision::Delegate | Decision::Withdraw { .. } => told.push((tag, one)),
                    Decision::Approve
                    | Decision::Reject
                    | Decision::Lift
                    | Decision::Emergency
                    | Decision::Rollback
                    | Decision::Check => {}
                }
            }
            policies.insert(oid);
        }
        let named = Rc::new(Named { policies, told });
        self.named = Some(Rc::clone(&named));
        Ok(named)
    }

    /// The commits of the policy in force and of those before it.
    fn policies(&mut self) -> Result<Vec<Oid>, Fault> {
        let policy = self.sources.policy.id.map(|id| id.0);
        let tip = match policy {
            Some(tip) => Some(tip),
            None => {
                let name = RefName::new(POLICY_REF.as_bytes());
                let name = name.map_err(|error| Fault::Unreadable {
                    why: error.to_string(),
                })?;
                self.sources.store.current(&name)?.oid()
            }
        };
        let Some(tip) = tip else {
            return Ok(Vec::new());
        };
        let range = self.graph.range(tip, None)?;
        let nodes = range.commits.into_iter();
        nodes.map(|node| self.graph.oid(node)).collect()
    }
}

/// Whether somebody objects to something of the range in another's stead.
fn objects(range: &RangeFacts) -> bool {
    range.statements.iter().any(|facts| {
        let statement = &facts.statement;
        statement.decision == Decision::Reject && statement.particulars.stead.is_some()
    })
}
