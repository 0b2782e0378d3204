//! Deleting what is kept beside an entry, and the evidence that it alone names, so that the tree stays
//! valid and the log says what is gone.

use super::check::{evidence_of, needed_by};
use super::checkpoint::LogKey;
use super::journal::{self, Lines, Signed};
use super::log::Recorded;
use super::tiles::WIDTH;
use super::{AuditError, AuditLog, Event, Hash, Mark, RedactionRecord, evidence, read_on};
use crate::folder::sync_dir;
use crate::types::Timestamp;
use std::collections::BTreeSet;
use std::io;
use std::ops::ControlFlow;

/// What was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    /// The entry that says so.
    pub recorded: Recorded,
    /// The pieces of evidence that were deleted too.
    pub evidence: Vec<Hash>,
}

impl AuditLog {
    /// Deletes what is kept beside an entry, after an entry that says so.
    ///
    /// # Errors
    /// When there is no such entry, or the log cannot be written.
    pub fn redact(
        &self,
        now: Timestamp,
        entry: u64,
        reason: &str,
        by: &str,
    ) -> Result<Recorded, AuditError> {
        self.must_have(entry)?;
        let redacted = self.redact_these(now, entry, Vec::new(), (reason, by))?;
        Ok(redacted.recorded)
    }

    /// The same, and deletes the pieces of evidence that only this entry names, and others that are
    /// redacted. Who calls this sees to it that nobody is about to name a piece that is kept already
    /// ([`crate::ledger::alone`]).
    ///
    /// # Errors
    /// As for [`Self::redact`]; and when a piece is missing although no entry says that it was deleted.
    pub fn redact_with_evidence(
        &self,
        now: Timestamp,
        entry: u64,
        reason: &str,
        by: &str,
    ) -> Result<Redacted, AuditError> {
        self.must_have(entry)?;
        let evidence = self.evidence_alone_of(entry)?;
        self.redact_these(now, entry, evidence, (reason, by))
    }

    fn must_have(&self, entry: u64) -> Result<(), AuditError> {
        let size = self.last()?.seq;
        match entry == 0 || entry > size {
            true => Err(AuditError::NoEntry { seq: entry, size }),
            false => Ok(()),
        }
    }

    fn redact_these(
        &self,
        now: Timestamp,
        entry: u64,
        evidence: Vec<Hash>,
        (reason, by): (&str, &str),
    ) -> Result<Redacted, AuditError> {
        let record = RedactionRecord {
            entry,
            evidence: evidence.clone(),
            reason: crate::types::escape(reason.as_bytes()),
            by: by.to_owned(),
        };
        let recorded = self.append(now, Event::Redacted(record))?;
        let _lock = self.lock()?;
        let signer = self.signer()?;
        drop(self.open(&signer)?);
        match self.tiles().is_full((entry - 1) / WIDTH)? {
            true => self.tiles().redact(entry)?,
            false => self.redact_open(signer.public(), entry)?,
        }
        let dir = self.evidence_dir();
        for hash in &evidence {
            evidence::delete(&dir, hash)?;
        }
        if !evidence.is_empty() {
            sync_dir(&dir).map_err(AuditError::io(&dir))?;
        }
        self.drop_halves()?;
        Ok(Redacted { recorded, evidence })
    }

    /// The evidence of an entry that no other one names, those that are redacted aside.
    fn evidence_alone_of(&self, entry: u64) -> Result<Vec<Hash>, AuditError> {
        let mut named = BTreeSet::new();
        let mut redacted = BTreeSet::from([entry]);
        let mut deleted = BTreeSet::new();
        read_on(self, Mark::behind(0), |one, _| {
            if one.seq == entry {
                named.extend(evidence_of(&one.event).cloned());
            }
            if let Event::Redacted(redaction) = &one.event {
                redacted.insert(redaction.entry);
                deleted.extend(redaction.evidence.iter().cloned());
            }
            ControlFlow::Continue(())
        })?;
        let mut others = BTreeSet::new();
        // A second time, so that no more is kept in memory than what one entry names.
        read_on(self, Mark::behind(0), |one, _| {
            if !redacted.contains(&one.seq) {
                others.extend(
                    evidence_of(&one.event)
                        .filter(|hash| named.contains(*hash))
                        .cloned(),
                );
            }
            others.extend(
                needed_by(&one.event)
                    .filter(|hash| named.contains(*hash))
                    .cloned(),
            );
            ControlFlow::Continue(())
        })?;
        let dir = self.evidence_dir();
        let mut alone = Vec::new();
        for hash in named.difference(&others).cloned() {
            if evidence::holds(&dir, &hash) {
                alone.push(hash);
            } else if !deleted.contains(&hash) || !evidence::is_gone(&dir, &hash) {
                // Somebody else took it away, and this entry must not say that it was meant.
                return Err(AuditError::Evidence { hash });
            }
        }
        Ok(alone)
    }

    /// Deletes what the journal keeps beside an entry: the file is made again without it.
    fn redact_open(&self, key: &LogKey, entry: u64) -> Result<(), AuditError> {
        let path = self.file();
        let mut lines = Lines::open(self, key)?;
        let mut bytes = Vec::new();
        while let Some(line) = lines.next(Signed::ByLater)? {
            let keep = line.head.peaks.size() != entry;
            let entry = line.entry.as_deref().map(std::str::from_utf8).transpose();
            let entry = entry
                .map_err(io::Error::other)
                .map_err(AuditError::io(&path))?;
            let hidden = line.hidden.filter(|_| keep);
            let line = journal::line(entry, hidden, &line.head).map_err(AuditError::io(&path))?;
            bytes.extend(line);
        }
        self.begin_journal(&bytes)
    }

    /// Drops what a program that was killed left half written of the files that hold names. Whoever
    /// writes them has the lock, so nobody is at it.
    fn drop_halves(&self) -> Result<(), AuditError> {
        let mut folders = vec![self.dir().join("head"), self.dir().join("hidden")];
        while let Some(folder) = folders.pop() {
            let listed = match std::fs::read_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                listed => listed.map_err(AuditError::io(&folder))?,
            };
            for one in listed {
                let one = one.map_err(AuditError::io(&folder))?;
                let path = one.path();
                if one.file_type().map_err(AuditError::io(&path))?.is_dir() {
                    folders.push(path);
                } else if one.file_name().as_encoded_bytes().starts_with(b".tmp-") {
                    std::fs::remove_file(&path).map_err(AuditError::io(&path))?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Report, VerdictRecord, check};
    use crate::types::Oid;
    use std::fs;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_790_000_000 + seconds)
    }

    /// A verdict that rests on these pieces.
    fn verdict(log: &AuditLog, pieces: &[&[u8]]) -> u64 {
        let policy: Oid = "8d01e77ab12c00000000000000000000000000ff".parse().unwrap();
        let record = VerdictRecord {
            outcome: "rejected".into(),
            person: Some("dana".into()),
            login: None,
            policy,
            updates: Vec::new(),
            others: 0,
            codes: Vec::new(),
            report: None,
            evidence: pieces
                .iter()
                .map(|piece| log.keep(piece).unwrap())
                .collect(),
            seen: Vec::new(),
            arrivals: None,
            landed: Vec::new(),
            found: Vec::new(),
            settled: Vec::new(),
            tool: "0".into(),
        };
        log.append(at(1), Event::Verdict(record)).unwrap().seq
    }

    fn log() -> (tempfile::TempDir, AuditLog) {
        let dir = tempfile::tempdir().unwrap();
        let log = AuditLog::at(dir.path());
        log.begin("acme/site", at(0)).unwrap();
        (dir, log)
    }

    fn gone(report: &Report) -> Vec<Hash> {
        report.evidence_redacted.iter().cloned().collect()
    }

    #[test]
    fn l_08_evidence_that_one_entry_names_alone_is_deleted_with_it() {
        let (_dir, log) = log();
        let first = verdict(&log, &[b"of both", b"of the first"]);
        let second = verdict(&log, &[b"of both", b"of the second"]);
        let redacted = log
            .redact_with_evidence(at(2), first, "asked", "root")
            .unwrap();
        assert_eq!(redacted.evidence, [Hash::of(b"of the first")]);
        assert!(!log.keeps(b"of the first") && log.keeps(b"of both"));
        assert_eq!(gone(&check(&log).unwrap()), [Hash::of(b"of the first")]);
        // What both name goes with the second of them.
        let redacted = log
            .redact_with_evidence(at(3), second, "asked", "root")
            .unwrap();
        assert_eq!(redacted.evidence.len(), 2);
        assert_eq!(gone(&check(&log).unwrap()).len(), 3);
        // A second time there is nothing left to delete.
        let again = log
            .redact_with_evidence(at(4), second, "asked", "root")
            .unwrap();
        assert_eq!(again.evidence, []);
        assert_eq!(check(&log).unwrap().redacted, [first, second]);
    }

    #[test]
    fn l_08_what_is_gone_without_a_word_is_found_and_not_covered_up() {
        let (_dir, log) = log();
        let first = verdict(&log, &[b"one", b"two"]);
        fs::remove_file(log.evidence_dir().join(Hash::of(b"one").as_str())).unwrap();
        assert!(check(&log).is_err());
        let refused = log.redact_with_evidence(at(2), first, "asked", "root");
        assert!(matches!(refused, Err(AuditError::Evidence { .. })));
        log.keep(b"one").unwrap();
        log.redact_with_evidence(at(2), first, "asked", "root")
            .unwrap();
        check(&log).unwrap();
        // What is brought again is kept again, and must not go a second time.
        verdict(&log, &[b"one"]);
        check(&log).unwrap();
        fs::remove_file(log.evidence_dir().join(Hash::of(b"one").as_str())).unwrap();
        assert!(check(&log).is_err());
    }

    #[test]
    fn l_08_a_kill_before_the_files_are_gone_leaves_a_log_that_holds() {
        let (_dir, log) = log();
        let first = verdict(&log, &[b"one"]);
        log.redact_with_evidence(at(2), first, "asked", "root")
            .unwrap();
        fs::write(log.evidence_dir().join(Hash::of(b"one").as_str()), b"one").unwrap();
        check(&log).unwrap();
        let again = log
            .redact_with_evidence(at(3), first, "asked", "root")
            .unwrap();
        assert_eq!(again.evidence, [Hash::of(b"one")]);
        assert!(!log.keeps(b"one"));
        check(&log).unwrap();
    }
}
