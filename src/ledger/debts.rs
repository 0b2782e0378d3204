//! What emergencies let in to a ref, in its record.

use super::Trouble;
use super::refs::RefRecord;
use crate::audit::{
    DebtRecord, EmergencyRecord, MoveOutcome, MovedRecord, PermitRecord, SettledRecord,
};
use crate::facts::Debt;
use crate::policy::Emergency;
use crate::types::{Oid, PersonName, RefName, Timestamp, hex};
use rusqlite::Connection;

impl RefRecord {
    /// Takes in that an emergency let the move of `permit` happen. The same once more, before the ref was
    /// seen to move, is the same.
    pub(crate) fn declare(
        &mut self,
        emergency: &EmergencyRecord,
        permit: &PermitRecord,
        entry: u64,
        time: Timestamp,
    ) -> Result<(), String> {
        let old = permit.old.ok_or("an emergency that made a ref")?;
        self.emergencies.retain(|one| {
            // The ref is still where it was, so that the same move was not made.
            let same = (one.old, one.commit) == (old, permit.new);
            let again = same && one.is_open() && !one.spent;
            // What is settled is counted and kept from being used again for as long as a policy may say.
            let forgotten = !one.is_open() && one.time.plus(Emergency::MEMORY) < time;
            !again && !forgotten
        });
        self.emergencies.push(Debt {
            entry,
            time,
            base: emergency.base,
            old,
            commit: permit.new,
            tag: emergency.tag,
            cosigned: emergency.cosigned.clone(),
            people: emergency.people.iter().map(PersonName::new).collect(),
            due: emergency.due,
            settled: None,
            spent: false,
            told: Default::default(),
        });
        Ok(())
    }

    /// A move was allowed with approval. An emergency that was to make it, and did not, is beside the
    /// point.
    pub(crate) fn approve(&mut self, permit: &PermitRecord) {
        self.emergencies.retain(|one| {
            let same = (Some(one.old), one.commit) == (permit.old, permit.new);
            !same || one.spent || !one.is_open()
        });
    }

    /// A later move was allowed: what was allowed before has happened, or never will.
    pub(in crate::ledger) fn spend(&mut self, old: Option<Oid>, new: Oid) {
        for one in &mut self.emergencies {
            one.spent |= (Some(one.old), one.commit) != (old, new);
        }
    }

    /// What the entry `entry` let in is settled.
    pub(crate) fn settle(&mut self, settled: &SettledRecord, by: u64) {
        for one in self.emergencies.iter_mut() {
            if one.entry == settled.entry && one.is_open() {
                one.settled = Some(by);
            }
        }
    }

    /// What became of a move. What never went in is owed to nobody.
    pub(crate) fn became(&mut self, moved: &MovedRecord) {
        match moved.outcome {
            MoveOutcome::NotMoved => self
                .emergencies
                .retain(|one| one.entry != moved.sequence || !one.is_open()),
            // Where the ref was meanwhile nobody knows: then it is owed.
            MoveOutcome::Moved | MoveOutcome::Elsewhere => {
                let same = |one: &&mut Debt| one.entry == moved.sequence;
                if let Some(one) = self.emergencies.iter_mut().find(same) {
                    one.spent = true;
                }
            }
        }
    }

    /// The log tells of a deadline.
    pub(crate) fn tell(&mut self, debt: &DebtRecord) {
        let same = |one: &&mut Debt| one.entry == debt.entry;
        if let Some(one) = self.emergencies.iter_mut().find(same) {
            one.told = one.told.max(debt.stage);
        }
    }

    /// Every emergency that is remembered, oldest first.
    #[must_use]
    pub fn emergencies(&self) -> &[Debt] {
        &self.emergencies
    }
}

/// What a ref's record tells of a deadline: what is to be said of it now, and was not said.
pub(crate) fn due(refname: &RefName, debt: &Debt, now: Timestamp) -> Option<DebtRecord> {
    let stage = debt.deadline(now);
    (debt.is_open() && stage > debt.told).then(|| DebtRecord {
        entry: debt.entry,
        refname: refname.to_string(),
        ref_hex: hex(refname.as_bytes()),
        commit: debt.commit,
        due: debt.due,
        stage,
    })
}

/// Changes what is known of a ref's emergencies, where anything is.
pub(in crate::ledger) fn change(
    database: &Connection,
    ref_hex: &str,
    change: impl FnOnce(&mut RefRecord),
) -> Result<(), Trouble> {
    let refname = super::name(ref_hex)?;
    let mut known = super::record(database, &refname)?;
    if known.emergencies.is_empty() {
        return Ok(());
    }
    let before = known.clone();
    change(&mut known);
    match known == before {
        true => Ok(()),
        false => super::write(database, &refname, &known),
    }
}
