//! Appending many entries at once: those of a tile reach the disk together.

use super::log::Recorded;
use super::tiles::{Kept, WIDTH};
use super::{AuditError, AuditLog, Event};
use crate::types::Timestamp;

impl AuditLog {
    /// Appends entries in their order, each at its time, or at the last entry's where that is later.
    /// When this returns, all are on disk. Without any, it is as [`Self::last`].
    ///
    /// # Errors
    /// As for [`Self::append`]. Then as many as fit some full tiles may be in the log all the same;
    /// [`Self::last`] tells.
    pub fn append_all(
        &self,
        events: impl IntoIterator<Item = (Timestamp, Event)>,
    ) -> Result<Recorded, AuditError> {
        let mut events = events.into_iter().peekable();
        let Some((first, _)) = events.peek() else {
            return self.last();
        };
        let _lock = self.lock()?;
        let signer = self.signer()?;
        let (mut journal, mut head) = self.ready(&signer, *first)?;
        while events.peek().is_some() {
            let room = WIDTH - head.peaks.size() % WIDTH;
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            let mut lines = Vec::new();
            let mut kept = Vec::new();
            for (now, event) in events.by_ref().take(room) {
                let (draft, next) = self.draft(&signer, &head, now, event)?;
                lines.extend(journal.line(&draft.entry, draft.hidden.clone(), &next)?);
                kept.push(Kept {
                    entry: draft.entry.into_bytes(),
                    hidden: draft.hidden,
                });
                head = next;
            }
            self.settle_evidence()?;
            journal.commit(&lines)?;
            if kept.len() as u64 == WIDTH {
                journal = self.close(&kept, &head)?;
            } else if kept.len() == room {
                journal = self.turn(&signer)?;
            }
        }
        Ok(head.into())
    }
}
