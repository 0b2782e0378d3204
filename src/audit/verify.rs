//! Checking a whole log: every line, its place in the chain, its time, and its evidence.

use super::entry::SCHEMA;
use super::tail::MAX_LINE;
use super::{AuditError, AuditLog, Entry, Event, Hash, evidence};
use crate::types::Timestamp;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

/// What a verified log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How many entries.
    pub entries: u64,
    /// How many pieces of evidence, each there and unaltered.
    pub evidence: u64,
    /// The last entry's hash: whoever keeps it elsewhere can show later that nothing before it
    /// has changed.
    pub head: Hash,
    /// The last entry's time.
    pub time: Timestamp,
}

/// Checks the whole log and hands each entry to `each`.
///
/// # Errors
/// At the first thing that is not as it was written: a missing or empty log, a line that does not
/// fit, a broken chain, a time that goes backwards, evidence that is missing or altered, an end
/// that is not what was last recorded.
pub fn verify(log: &AuditLog, mut each: impl FnMut(&Entry)) -> Result<Report, AuditError> {
    let path = log.file();
    let head = log.head()?;
    let file = File::open(&path).map_err(AuditError::opening(&path))?;
    let mut reader = BufReader::new(file);
    let mut state = State {
        seq: 0,
        prev: Hash::none(),
        time: None,
        evidence: 0,
    };
    let mut head_met = head.as_ref().is_some_and(|head| head.seq == 0);
    while let Some(line) = next_line(&mut reader).map_err(AuditError::io(&path))? {
        let entry = state.check(log, &line).map_err(|why| AuditError::Broken {
            path: path.clone(),
            seq: state.seq + 1,
            why,
        })?;
        state.advance(&entry, &line);
        head_met |= head.as_ref().is_some_and(|head| head.hash == state.prev);
        each(&entry);
    }
    let recorded = head.as_ref().map_or(0, |head| head.seq);
    let Some(time) = state.time else {
        return Err(AuditError::Truncated {
            path,
            found: 0,
            recorded,
        });
    };
    if !head_met {
        return Err(match state.seq < recorded {
            true => AuditError::Truncated {
                path,
                found: state.seq,
                recorded,
            },
            false => AuditError::Broken {
                path,
                seq: recorded,
                why: "it is not the entry that the head file names".into(),
            },
        });
    }
    Ok(Report {
        entries: state.seq,
        evidence: state.evidence,
        head: state.prev,
        time,
    })
}

struct State {
    seq: u64,
    prev: Hash,
    time: Option<Timestamp>,
    evidence: u64,
}

impl State {
    fn check(&self, log: &AuditLog, line: &[u8]) -> Result<Entry, String> {
        let entry: Entry = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        // What serde reads is not all that a line may hold: only its canonical form passes, so no
        // unknown or repeated field hides in one.
        if serde_json::to_vec(&entry).map_err(|error| error.to_string())? != line {
            return Err("the line is not in the form that relhook writes".into());
        }
        if entry.schema != SCHEMA {
            return Err(format!(
                "unknown schema `{}`",
                crate::types::escape(entry.schema.as_bytes())
            ));
        }
        if entry.seq != self.seq + 1 {
            return Err(format!("it says that it is entry {}", entry.seq));
        }
        if entry.prev != self.prev {
            return Err("it does not name the hash of the entry before it".into());
        }
        if self.time.is_some_and(|time| entry.time < time) {
            return Err("its time is before the entry before it".into());
        }
        let missing =
            evidence_of(&entry.event).find(|hash| !evidence::holds(&log.evidence_dir(), hash));
        match missing {
            Some(hash) => Err(format!("its evidence {hash} is missing or altered")),
            None => Ok(entry),
        }
    }

    fn advance(&mut self, entry: &Entry, line: &[u8]) {
        self.seq = entry.seq;
        self.prev = Hash::of(line);
        self.time = Some(entry.time);
        self.evidence += evidence_of(&entry.event).count() as u64;
    }
}

/// The evidence that an event names.
pub(in crate::audit) fn evidence_of(event: &Event) -> impl Iterator<Item = &Hash> {
    let verdict = match event {
        Event::Verdict(verdict) => Some(verdict),
        Event::Begun { .. }
        | Event::Pinned(_)
        | Event::Refused { .. }
        | Event::Release(_)
        | Event::Course(_)
        | Event::Drift(_)
        | Event::Recovered { .. } => None,
    };
    verdict.into_iter().flat_map(|verdict| {
        let arrivals = verdict.arrivals.iter();
        let lists = arrivals.flat_map(|arrivals| &arrivals.lists);
        verdict.evidence.iter().chain(lists)
    })
}

/// The next whole line without its line break. A cut last line is not one: the next append drops
/// it, and says so.
fn next_line(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let limit = MAX_LINE as u64 + 1;
    reader.by_ref().take(limit).read_until(b'\n', &mut line)?;
    if line.pop_if(|byte| *byte == b'\n').is_some() {
        return Ok(Some(line));
    }
    if line.len() as u64 >= limit {
        return Err(io::Error::other("a line is longer than a line may be"));
    }
    Ok(None)
}
