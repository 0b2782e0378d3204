//! The moves that verdicts allowed, until the log says what became of each.

use super::Trouble;
use crate::audit::{MoveOutcome, MovedRecord, PermitRecord};
use crate::types::{Oid, RefName, Timestamp, hex};
use rusqlite::{Connection, Row};

/// So many moves are looked at in one go.
const MOST: u32 = 4096;

/// A move that a verdict allowed, of which the log does not say yet what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenMove {
    /// The entry that allowed it.
    pub seq: u64,
    /// The ref.
    pub refname: RefName,
    /// What the ref named.
    pub old: Option<Oid>,
    /// What it may be moved to.
    pub new: Oid,
    /// When it was allowed.
    pub time: Timestamp,
    /// What the ref named when later moves of it were allowed, which are open too.
    pub later: Vec<Option<Oid>>,
}

impl OpenMove {
    /// What became of it, while its ref names `now`; nothing where it may still happen.
    #[must_use]
    pub fn outcome(&self, now: Option<Oid>, time: Timestamp) -> Option<MovedRecord> {
        let new = Some(self.new);
        // Where the next one began, this one had ended.
        let reached = self.later.first().copied().unwrap_or(now);
        let outcome = if now == new || self.later.contains(&new) {
            MoveOutcome::Moved
        } else if time <= self.time.plus(super::refs::PERMIT_LIFE) {
            return None;
        } else if reached == self.old {
            MoveOutcome::NotMoved
        } else {
            MoveOutcome::Elsewhere
        };
        Some(MovedRecord {
            sequence: self.seq,
            refname: self.refname.to_string(),
            ref_hex: hex(self.refname.as_bytes()),
            old: self.old,
            new: self.new,
            outcome,
            now: reached.filter(|_| outcome == MoveOutcome::Elsewhere),
        })
    }
}

/// A verdict allows a move.
pub(in crate::ledger) fn allow(
    database: &Connection,
    permit: &PermitRecord,
    seq: u64,
    time: Timestamp,
) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO moves (seq, ref, old, new, time) VALUES (?, ?, ?, ?, ?)";
    let old = permit.old.as_ref().map(Oid::as_bytes);
    let row = (
        seq,
        &permit.ref_hex,
        old,
        permit.new.as_bytes(),
        time.as_unix(),
    );
    database.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// The log says what became of a move.
pub(in crate::ledger) fn told(database: &Connection, moved: &MovedRecord) -> rusqlite::Result<()> {
    let sql = "DELETE FROM moves WHERE seq = ? AND ref = ?";
    let mut delete = database.prepare_cached(sql)?;
    delete.execute((moved.sequence, &moved.ref_hex))?;
    Ok(())
}

/// The moves that are open, in the order of their entries.
pub(in crate::ledger) fn open(database: &Connection) -> Result<Vec<OpenMove>, Trouble> {
    let sql = "SELECT seq, ref, old, new, time FROM moves ORDER BY seq, ref LIMIT ?";
    let mut some = database.prepare_cached(sql)?;
    let mut rows = some.query([MOST])?;
    let mut moves: Vec<OpenMove> = Vec::new();
    while let Some(row) = rows.next()? {
        let one = read(row)?;
        for before in moves
            .iter_mut()
            .filter(|before| before.refname == one.refname)
        {
            before.later.push(one.old);
        }
        moves.push(one);
    }
    Ok(moves)
}

fn read(row: &Row<'_>) -> Result<OpenMove, Trouble> {
    let oid = |bytes: Vec<u8>| {
        Oid::from_bytes(&bytes).map_err(|error| Trouble::Broken(error.to_string()))
    };
    let name = super::name(&row.get::<_, String>(1)?)?;
    Ok(OpenMove {
        seq: row.get(0)?,
        refname: name,
        old: row.get::<_, Option<Vec<u8>>>(2)?.map(oid).transpose()?,
        new: oid(row.get(3)?)?,
        time: Timestamp::from_unix(row.get(4)?),
        later: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(digit: &str) -> Oid {
        digit.repeat(40).parse().unwrap()
    }

    #[test]
    fn what_became_of_a_move_shows_in_the_ref_and_in_later_moves() {
        let (a, b, c, d) = (oid("a"), oid("b"), oid("c"), oid("d"));
        let allowed = |later: &[Oid]| OpenMove {
            seq: 7,
            refname: RefName::new(b"refs/heads/prod").unwrap(),
            old: Some(a),
            new: b,
            time: Timestamp::from_unix(1000),
            later: later.iter().copied().map(Some).collect(),
        };
        let outcome = |later: &[Oid], now: Oid, seconds: i64| {
            let told = allowed(later).outcome(Some(now), Timestamp::from_unix(seconds));
            told.map(|told| (told.outcome, told.now))
        };
        let moved = Some((MoveOutcome::Moved, None));
        // While the permit lasts, a ref that has not moved still may.
        assert_eq!(outcome(&[], a, 1000), None);
        assert_eq!(outcome(&[], c, 1600), None);
        assert_eq!(outcome(&[], b, 1000), moved);
        // The next move began where this one ended.
        assert_eq!(outcome(&[b], c, 1000), moved);
        assert_eq!(outcome(&[a, b], c, 9000), moved);
        let stayed = Some((MoveOutcome::NotMoved, None));
        assert_eq!(outcome(&[], a, 1601), stayed);
        // Of two pushes at once the other one got in.
        assert_eq!(outcome(&[a], d, 1601), stayed);
        let elsewhere = |at| Some((MoveOutcome::Elsewhere, Some(at)));
        assert_eq!(outcome(&[], c, 1601), elsewhere(c));
        assert_eq!(outcome(&[c], d, 1601), elsewhere(c));
    }
}
