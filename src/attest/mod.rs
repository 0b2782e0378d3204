//! Attestations of what was accepted, for those who do not read the log: for each move that holds up when
//! it is judged again, a SLSA verification summary and a source provenance statement (in-toto), signed
//! by the log's key as DSSE envelopes.
//!
//! They are made from the log alone, at any time, and are the same each time. Which level a move
//! reaches is decided by [`Level::of`], which is pure.

mod level;
mod statement;
#[cfg(test)]
mod tests;

pub use level::Level;
pub use statement::{Options, People, Subject};

use crate::audit::{AuditError, AuditLog};
use crate::replay::{Move, Replay};
use crate::types::Oid;

/// The media type of what the envelopes hold.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// What is attested of one move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// The entry that accepted it.
    pub seq: u64,
    /// The ref, escaped.
    pub refname: String,
    /// The commit that it was moved to.
    pub commit: Oid,
    /// The level that the summary claims.
    pub level: Level,
    /// The envelopes, each a line of JSON: the provenance, then the summary.
    pub envelopes: [String; 2],
}

/// Attests every move of a replay that holds up, went in, and beside whose entry no names were deleted.
///
/// # Errors
/// When the log's key cannot be used.
pub fn attest(
    replay: &Replay,
    log: &AuditLog,
    options: &Options,
) -> Result<Vec<Attested>, AuditError> {
    let moves = replay.moves.iter().filter(|one| is_attested(one));
    moves
        .map(|one| envelopes(replay, log, options, one))
        .collect()
}

/// Whether there are attestations of a move.
#[must_use]
pub fn is_attested(one: &Move) -> bool {
    one.held && one.went_in && one.named
}

fn envelopes(
    replay: &Replay,
    log: &AuditLog,
    options: &Options,
    one: &Move,
) -> Result<Attested, AuditError> {
    let level = Level::of(one);
    let subject = Subject {
        repository: &replay.repository,
        options,
        one,
    };
    let sign = |statement: serde_json::Value| {
        log.sign_envelope(PAYLOAD_TYPE, statement.to_string().as_bytes())
    };
    Ok(Attested {
        seq: one.seq,
        refname: one.refname.to_string(),
        commit: one.new,
        level,
        envelopes: [
            sign(subject.provenance(level))?,
            sign(subject.summary(level))?,
        ],
    })
}
