//! What is known of one protected ref.

use crate::audit::PermitRecord;
use crate::facts::Debt;
use crate::types::{Oid, RefName, Seconds, TargetName, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a permit lets a ref move. The push that it was given to takes moments; what comes
/// later was not that push.
pub(in crate::ledger) const PERMIT_LIFE: Seconds = Seconds(600);

/// How many permits of one ref are remembered.
const MAX_PERMITS: usize = 32;

/// One ref's record. The default: nothing is known of it yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefRecord {
    /// The last value that is known to have been accepted and to have stood in the ref, or that
    /// was taken as given.
    pub(in crate::ledger) approved: Option<Oid>,
    /// The entry that accepted it; none for a value that was taken as given.
    approved_by: Option<u64>,
    /// Moves that verdicts allowed since, oldest first. Which of them happened shows in the ref.
    permits: Vec<Allowed>,
    /// What emergencies let in, oldest first: what is owed, and what was settled not long ago.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::ledger) emergencies: Vec<Debt>,
    /// How often verdicts let it go back. Which commits that undid is kept apart.
    #[serde(default)]
    rollbacks: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowed {
    old: Option<Oid>,
    new: Oid,
    seq: u64,
    time: Timestamp,
    release: Vec<TargetName>,
}

impl RefRecord {
    /// Takes in a permit to move the ref from `old`, its real value, to `new`.
    pub(crate) fn allow(&mut self, permit: &PermitRecord, seq: u64, time: Timestamp) {
        let (old, new) = (permit.old, permit.new);
        self.spend(old, new);
        if let Some(old) = old.filter(|old| self.knows(*old)) {
            // The ref stands at `old` now, so the permits that led elsewhere are spent or void.
            self.approved_by = self.accepted_by(old);
            self.approved = Some(old);
        }
        self.permits
            .retain(|permit| permit.old == old && permit.new != new);
        self.permits.push(Allowed {
            old,
            new,
            seq,
            time,
            release: permit.release.iter().map(TargetName::new).collect(),
        });
        if self.permits.len() > MAX_PERMITS {
            self.permits.remove(0);
        }
    }

    /// Takes `oid` as given.
    pub(crate) fn pin(&mut self, oid: Oid) {
        self.approved = Some(oid);
        self.approved_by = None;
    }

    /// A verdict lets it go back.
    pub(crate) fn rolled_back(&mut self) {
        self.rollbacks += 1;
    }

    /// Whether a verdict ever let it go back.
    #[must_use]
    pub fn was_rolled_back(&self) -> bool {
        self.rollbacks > 0
    }

    /// Where a range begins, given that the ref really names `current`: the last commit that was
    /// accepted; nothing if nothing was ever accepted or pinned.
    #[must_use]
    pub fn base(&self, current: Option<Oid>) -> Option<Oid> {
        current.filter(|oid| self.knows(*oid)).or(self.approved)
    }

    /// The number of the audit entry that accepted `oid` for this ref: the latest, if several did.
    #[must_use]
    pub fn accepted_by(&self, oid: Oid) -> Option<u64> {
        let before = self.approved_by.filter(|_| self.approved == Some(oid));
        let since = self.permits.iter().filter(|permit| permit.new == oid);
        since.map(|permit| permit.seq).chain(before).max()
    }

    /// The targets that a move to `oid` is released to, with the entry that accepted it: nothing
    /// once later moves have been accepted.
    #[must_use]
    pub fn due(&self, oid: Oid) -> Option<(u64, &[TargetName])> {
        let last = self.permits.iter().rfind(|permit| permit.new == oid)?;
        Some((last.seq, &last.release))
    }

    /// Whether `oid` was accepted for this ref, or taken as given.
    #[must_use]
    pub fn knows(&self, oid: Oid) -> bool {
        self.approved == Some(oid) || self.permits.iter().any(|permit| permit.new == oid)
    }

    /// Whether a verdict allows exactly this move, and did so just now. `old` is absent where the
    /// caller cannot tell: git then did not say what the ref names.
    #[must_use]
    pub fn permits(&self, old: Option<Oid>, new: Oid, now: Timestamp) -> bool {
        self.permits.iter().any(|permit| {
            permit.new == new && permit.old == old && now <= permit.time.plus(PERMIT_LIFE)
        })
    }
}

/// A ref name from the hexadecimal form that the log keeps.
pub(crate) fn name_from_hex(hex: &str) -> Result<RefName, String> {
    let digits: Option<Vec<u8>> = hex
        .as_bytes()
        .chunks(2)
        .map(|pair| {
            std::str::from_utf8(pair)
                .ok()
                .filter(|pair| pair.len() == 2)
        })
        .map(|pair| pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    let bytes = digits.ok_or_else(|| "a ref name that is not hexadecimal".to_owned())?;
    RefName::new(&bytes).map_err(|error| error.to_string())
}
