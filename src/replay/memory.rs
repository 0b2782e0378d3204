//! What the server knew before an entry: the ledger of then, made from the entries before it.

use crate::audit::{AuditLog, MovedRecord, RollbackRecord, VerdictRecord};
use crate::facts::{Acceptance, Arrival, Debt, Memory, Undone, WayBack};
use crate::ledger::{RefRecord, each_arrival, each_lost, name_from_hex};
use crate::statement::{STATEMENT_PREFIX, StatementRef};
use crate::types::{Claimant, Oid, RefName, Timestamp};
use std::cell::Cell;
use std::collections::{BTreeSet, HashMap, HashSet};

/// What was known, so far.
#[derive(Debug, Default)]
pub(super) struct Then {
    pub refs: HashMap<RefName, RefRecord>,
    seen: HashMap<Oid, Timestamp>,
    arrivals: HashMap<Oid, Vec<Claim>>,
    /// The statements that were taken in, by the commits that they are about.
    pub statements: HashMap<Oid, Vec<Taken>>,
    /// The values of each ref, and how it went back.
    pasts: HashMap<RefName, PastOfRef>,
}

/// Where a ref was let be, and what it was taken back from.
#[derive(Debug, Default)]
struct PastOfRef {
    /// The commits that it was let be at, with the last entry that let it and its time. What was
    /// taken as given stands for an entry 0.
    accepted: HashMap<Oid, (u64, Option<Timestamp>)>,
    rollbacks: Vec<GoneBack>,
}

/// One rollback.
#[derive(Debug)]
struct GoneBack {
    seq: u64,
    at: Timestamp,
    statements: Vec<Oid>,
    lost: HashSet<Oid>,
}

/// What a push claimed to bring.
#[derive(Debug, Clone)]
struct Claim {
    seq: u64,
    time: Timestamp,
    by: Claimant,
}

/// A statement that was taken in.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub seq: u64,
    pub time: Timestamp,
    pub name: RefName,
    pub tag: Oid,
}

/// Which claims of earlier pushes count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claims {
    /// All: whoever may have brought a commit.
    All,
    /// Those of pushes that were seen to get in.
    Told,
}

impl Then {
    /// A ref's value was taken as given.
    pub(super) fn pin(&mut self, name: &RefName, oid: Oid) {
        self.refs.entry(name.clone()).or_default().pin(oid);
        let past = self.pasts.entry(name.clone()).or_default();
        past.accepted.entry(oid).or_insert((0, None));
    }

    fn accept(
        &mut self,
        log: &AuditLog,
        name: RefName,
        (seq, time): (u64, Timestamp),
        (new, rollback): (Oid, Option<&RollbackRecord>),
    ) -> Result<(), String> {
        let past = self.pasts.entry(name).or_default();
        past.accepted.insert(new, (seq, Some(time)));
        let Some(rollback) = rollback else {
            return Ok(());
        };
        let mut lost = HashSet::new();
        let read = each_lost(log, rollback, &mut |oid| {
            lost.insert(oid);
            Ok(())
        });
        past.rollbacks.push(GoneBack {
            seq,
            at: time,
            statements: rollback.statements.clone(),
            lost,
        });
        read.map_err(|trouble| trouble.to_string())
    }

    /// Takes in an accepted push; what it brought that cannot be read is said.
    pub(super) fn take(
        &mut self,
        log: &AuditLog,
        (seq, time): (u64, Timestamp),
        record: &VerdictRecord,
    ) -> Result<(), String> {
        for oid in &record.seen {
            self.seen.entry(*oid).or_insert(time);
        }
        let mut unread = Ok(());
        for update in &record.updates {
            if let Some(permit) = &update.permit
                && let Ok(name) = name_from_hex(&permit.ref_hex)
            {
                let known = self.refs.entry(name.clone()).or_default();
                known.allow(permit, seq, time);
                if let Some(emergency) = &update.emergency {
                    known.declare(emergency, permit, seq, time)?;
                } else {
                    known.approve(permit);
                }
                let went = (permit.new, update.rollback.as_ref());
                unread = unread.and(self.accept(log, name, (seq, time), went));
            }
            if let (Some(name), Some(tag)) = (statement_name(&update.refname), update.new)
                && let Ok(parsed) = StatementRef::parse(&name)
            {
                let taken = Taken {
                    seq,
                    time,
                    name,
                    tag,
                };
                self.statements
                    .entry(parsed.commit)
                    .or_default()
                    .push(taken);
            }
        }
        for settled in &record.settled {
            if let Ok(name) = name_from_hex(&settled.ref_hex) {
                self.refs.entry(name).or_default().settle(settled, seq);
            }
        }
        let Some(arrivals) = &record.arrivals else {
            return unread;
        };
        let by = &arrivals.by;
        let read = each_arrival(log, arrivals, &mut |oid| {
            let by = by.clone();
            let claim = Claim { seq, time, by };
            self.arrivals.entry(oid).or_default().push(claim);
            Ok(())
        });
        unread.and(read.map_err(|trouble| trouble.to_string()))
    }
}

impl Then {
    /// Takes in what became of a move.
    pub(super) fn became(&mut self, name: &RefName, moved: &MovedRecord) {
        if let Some(known) = self.refs.get_mut(name) {
            known.became(moved);
        }
    }
}

/// The name of a statement's ref, as an entry has it.
pub(super) fn statement_name(shown: &str) -> Option<RefName> {
    let name = RefName::new(shown.as_bytes()).ok()?;
    name.is_under(STATEMENT_PREFIX).then_some(name)
}

/// The memory that a push was judged with.
pub(super) struct Remembered<'a> {
    pub then: &'a Then,
    pub told: &'a HashSet<u64>,
    pub redacted: &'a BTreeSet<u64>,
    pub claims: Claims,
    /// Whether an answer rests on an entry beside which the names were deleted.
    pub nameless: Cell<bool>,
}

impl Remembered<'_> {
    fn claims(&self, oid: Oid) -> impl Iterator<Item = &Claim> {
        let all = self.then.arrivals.get(&oid).into_iter().flatten();
        all.filter(|claim| match self.claims {
            Claims::All => true,
            Claims::Told => self.told.contains(&claim.seq),
        })
    }
}

impl Memory for Remembered<'_> {
    fn approved(&self, refname: &RefName, current: Option<Oid>) -> Result<Option<Oid>, String> {
        let record = self.then.refs.get(refname);
        Ok(record.and_then(|record| record.base(current)))
    }

    fn emergencies(&self, refname: &RefName) -> Result<Vec<Debt>, String> {
        let record = self.then.refs.get(refname);
        Ok(record.map_or_else(Vec::new, |record| record.emergencies().to_vec()))
    }

    fn first_seen(&self, oid: Oid) -> Result<Option<Timestamp>, String> {
        let arrived = self.claims(oid).map(|claim| claim.time);
        Ok(arrived.chain(self.then.seen.get(&oid).copied()).min())
    }

    fn undone(&self, refname: &RefName, commits: &[Oid]) -> Result<Vec<Undone>, String> {
        let past = self.then.pasts.get(refname);
        let all = past.into_iter().flat_map(|past| &past.rollbacks);
        let undone = all.map(|rollback| Undone {
            statements: rollback.statements.clone(),
            at: rollback.at,
            commits: commits
                .iter()
                .filter(|oid| rollback.lost.contains(*oid))
                .copied()
                .collect(),
        });
        Ok(undone.filter(|one| !one.commits.is_empty()).collect())
    }

    fn way_back(&self, refname: &RefName, old: Oid, new: Oid) -> Result<WayBack, String> {
        let nothing = PastOfRef::default();
        let past = self.then.pasts.get(refname).unwrap_or(&nothing);
        let lost = past.rollbacks.iter().filter(|one| one.lost.contains(&new));
        let undone = lost.map(|one| one.seq).max();
        Ok(WayBack {
            accepted: match (past.accepted.get(&new), undone) {
                (None, _) => Acceptance::Never,
                (Some((accepted, _)), Some(undone)) if undone > *accepted => Acceptance::Undone,
                (Some(_), _) => Acceptance::Accepted,
            },
            since: past.accepted.get(&old).and_then(|(_, time)| *time),
            spent: past
                .rollbacks
                .iter()
                .flat_map(|one| one.statements.iter().copied())
                .collect(),
        })
    }

    fn first_pushes(&self, commits: &[Oid]) -> Result<HashMap<Oid, Vec<Arrival>>, String> {
        let mut found = HashMap::new();
        for oid in commits {
            let mut arrivals = Vec::new();
            for claim in self.claims(*oid) {
                if self.redacted.contains(&claim.seq) {
                    self.nameless.set(true);
                }
                arrivals.push(Arrival {
                    by: claim.by.clone(),
                    landed: self.told.contains(&claim.seq),
                });
            }
            found.insert(*oid, arrivals);
        }
        Ok(found)
    }
}
