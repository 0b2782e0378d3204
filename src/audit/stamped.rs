//! Timestamps of third parties that heartbeats name: whether each is of the log as it was.

use super::checkpoint::{Checkpoint, LogKey};
use super::{AuditError, AuditLog, StampRecord};
use crate::stamp::Stamp;

impl AuditLog {
    /// Checks that a timestamp, of the entry `seq`, is of what the log was, and that the log is still
    /// that, made longer. Who signed it is not looked at again.
    ///
    /// # Errors
    /// When it is not, or something cannot be read.
    pub fn check_stamp(&self, seq: u64, record: &StampRecord) -> Result<(), AuditError> {
        let StampRecord::Kept {
            size,
            root,
            at,
            token,
            signer: _,
        } = record
        else {
            return Ok(());
        };
        let broken = |why: &str| AuditError::Broken {
            path: self.file(),
            seq,
            why: why.to_owned(),
        };
        let key: LogKey = self.key()?;
        let was = Checkpoint::unsigned(key.name(), &format!("{size} {root}"));
        let was = was.map_err(|_| broken("its timestamp is of no checkpoint"))?;
        let stamp = Stamp::read(self.evidence(token)?);
        let stamp = stamp.map_err(|_| broken("its timestamp cannot be read"))?;
        if *size >= seq || stamp.time != *at || !stamp.is_of(was.body().as_bytes()) {
            return Err(broken("its timestamp is not of what the log was before it"));
        }
        self.extends(&was).map(drop)
    }
}
