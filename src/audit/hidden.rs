//! What an entry does not hold itself: names, logins, and what people wrote.
//!
//! An entry commits to it by a salted hash; it is kept beside the log and can be deleted there. The
//! entry, and the tree over all entries, are then as valid as before, and nobody can tell from them
//! what was deleted: not even by trying all names, for the salt is gone too.

use super::entry::{Event, Hash, RollbackWord, UpdateRecord, VerdictRecord};
use crate::types::{Claimant, hex};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};

/// What is kept beside one entry. Its fields stay the text that they were written as, to which the entry
/// commits, and are read where somebody wants them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::audit) struct Hidden {
    /// 32 random bytes in hexadecimal digits.
    salt: String,
    fields: Box<RawValue>,
}

/// The fields that an event has left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Fields {
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// A reason, a sentence or an error: free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Who brought the arrivals.
    #[serde(skip_serializing_if = "Option::is_none")]
    claimant: Option<Claimant>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lifted_by: Vec<String>,
    /// One for each update of a verdict, or none at all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    updates: Vec<People>,
    /// One for each thing that a verdict settles, or none at all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    settled: Vec<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<Unread>,
}

/// JSON as it stands: most of what is kept beside entries is reports, and whoever verifies a log does
/// not look at them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
struct Unread(Box<RawValue>);

impl PartialEq for Unread {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Eq for Unread {}

/// What becomes of a report that was kept beside an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::audit) enum Reports {
    /// It is read and put back.
    Read,
    /// It is left out.
    Leave,
}

/// The people of one update.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct People {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    approved_by: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contributors: Vec<String>,
    /// Of an emergency: who declared it and signed it too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    emergency: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<String>,
    /// Who rolled the ref back, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rolled_back: Vec<RollbackWord>,
}

impl People {
    fn take(update: &mut UpdateRecord) -> Self {
        let mut people = Self {
            approved_by: std::mem::take(&mut update.approved_by),
            contributors: std::mem::take(&mut update.contributors),
            ..Self::default()
        };
        if let Some(emergency) = &mut update.emergency {
            people.emergency = std::mem::take(&mut emergency.people);
            people.reason = text(&mut emergency.reason);
            people.ticket = emergency.ticket.take();
        }
        if let Some(rollback) = &mut update.rollback {
            people.rolled_back = std::mem::take(&mut rollback.by);
        }
        people
    }

    fn put(self, update: &mut UpdateRecord) {
        update.approved_by = self.approved_by;
        update.contributors = self.contributors;
        if let Some(emergency) = &mut update.emergency {
            emergency.people = self.emergency;
            emergency.reason = self.reason.unwrap_or_default();
            emergency.ticket = self.ticket;
        }
        if let Some(rollback) = &mut update.rollback {
            rollback.by = self.rolled_back;
        }
    }
}

/// What is kept beside an entry, as the text that it is in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::audit) struct Text<'a> {
    salt: &'a [u8],
    fields: &'a [u8],
}

impl<'a> Text<'a> {
    /// That in `{"salt":…,"fields":…}`; nothing where it is not in the usual form. Whether the fields are JSON is not
    /// looked at: what has the hash that the entry commits to is what was written.
    pub(in crate::audit) fn of(json: &'a [u8]) -> Option<Self> {
        let rest = json.strip_prefix(b"{\"salt\":\"")?;
        let (salt, rest) = rest.split_at_checked(64)?;
        let fields = rest.strip_prefix(b"\",\"fields\":")?.strip_suffix(b"}")?;
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        salt.iter().all(is_digit).then_some(Self { salt, fields })
    }

    /// Whether it has this hash.
    pub(in crate::audit) fn has(self, commitment: &[u8; 32]) -> bool {
        let mut hasher = Sha256::new_with_prefix(self.salt);
        hasher.update(self.fields);
        hasher.finalize()[..] == commitment[..]
    }
}

impl Hidden {
    /// The text that it is.
    pub(in crate::audit) fn text(&self) -> Text<'_> {
        Text {
            salt: self.salt.as_bytes(),
            fields: self.fields.get().as_bytes(),
        }
    }

    /// Takes out of `event` what an entry does not hold; nothing if there is nothing of it.
    pub(in crate::audit) fn take(event: &mut Event) -> io::Result<Option<Self>> {
        let fields = Fields::take(event)?;
        if fields == Fields::default() {
            return Ok(None);
        }
        let mut salt = [0_u8; 32];
        File::open("/dev/urandom")?.read_exact(&mut salt)?;
        Ok(Some(Self {
            salt: hex(&salt),
            fields: to_raw_value(&fields)?,
        }))
    }

    /// What an entry holds in its place: the hash of the salt's digits and the fields' JSON.
    pub(in crate::audit) fn commitment(&self) -> Hash {
        Hash::of_parts(&[self.salt.as_bytes(), self.fields.get().as_bytes()])
    }

    /// Puts everything back to where it was taken from.
    ///
    /// # Errors
    /// When it was not taken from an event of this shape.
    pub(in crate::audit) fn put(&self, event: &mut Event, reports: Reports) -> Result<(), String> {
        let fields: Fields =
            serde_json::from_str(self.fields.get()).map_err(|error| error.to_string())?;
        fields.put(event, reports)
    }
}

impl Fields {
    fn take(event: &mut Event) -> io::Result<Self> {
        let mut fields = Self::default();
        match event {
            Event::Pinned(pin) => fields.by = text(&mut pin.by),
            Event::Verdict(verdict) => fields.take_of(verdict)?,
            Event::Refused { why, login, .. } => {
                fields.text = text(why);
                fields.login = login.take();
            }
            Event::Release(release) => {
                fields.text = release.error.take();
                fields.lifted_by = std::mem::take(&mut release.lifted_by);
            }
            Event::Course(course) => {
                fields.by = course.by.take();
                fields.text = text(&mut course.reason);
            }
            Event::Redacted(redaction) => {
                fields.text = text(&mut redaction.reason);
                fields.by = text(&mut redaction.by);
            }
            Event::Read(read) => fields.by = text(&mut read.by),
            Event::Stream(stream) => fields.text = stream.error.take(),
            Event::Begun { .. }
            | Event::Drift(_)
            | Event::Debt(_)
            | Event::Moved(_)
            | Event::Heartbeat(_)
            | Event::Migrated { .. }
            | Event::Long { .. }
            | Event::Recovered { .. } => {}
        }
        Ok(fields)
    }

    fn take_of(&mut self, verdict: &mut VerdictRecord) -> io::Result<()> {
        self.person = verdict.person.take();
        self.login = verdict.login.take();
        let report = verdict.report.take();
        self.report = report
            .map(|report| to_raw_value(&report).map(Unread))
            .transpose()?;
        if let Some(arrivals) = &mut verdict.arrivals {
            let by = std::mem::replace(&mut arrivals.by, Claimant::Nobody);
            self.claimant = (by != Claimant::Nobody).then_some(by);
        }
        let people: Vec<People> = verdict.updates.iter_mut().map(People::take).collect();
        if people.iter().any(|people| *people != People::default()) {
            self.updates = people;
        }
        let settled = verdict.settled.iter_mut();
        let settled: Vec<Vec<String>> = settled
            .map(|settled| std::mem::take(&mut settled.people))
            .collect();
        if settled.iter().any(|people| !people.is_empty()) {
            self.settled = settled;
        }
        Ok(())
    }

    fn put(mut self, event: &mut Event, reports: Reports) -> Result<(), String> {
        match event {
            Event::Pinned(pin) => pin.by = self.by.take().unwrap_or_default(),
            Event::Verdict(verdict) => self.put_into(verdict, reports)?,
            Event::Refused { why, login, .. } => {
                *why = self.text.take().unwrap_or_default();
                *login = self.login.take();
            }
            Event::Release(release) => {
                release.error = self.text.take();
                release.lifted_by = std::mem::take(&mut self.lifted_by);
            }
            Event::Course(course) => {
                course.by = self.by.take();
                course.reason = self.text.take().unwrap_or_default();
            }
            Event::Redacted(redaction) => {
                redaction.reason = self.text.take().unwrap_or_default();
                redaction.by = self.by.take().unwrap_or_default();
            }
            Event::Read(read) => read.by = self.by.take().unwrap_or_default(),
            Event::Stream(stream) => stream.error = self.text.take(),
            Event::Begun { .. }
            | Event::Drift(_)
            | Event::Debt(_)
            | Event::Moved(_)
            | Event::Heartbeat(_)
            | Event::Migrated { .. }
            | Event::Long { .. }
            | Event::Recovered { .. } => {}
        }
        if self == Self::default() {
            Ok(())
        } else {
            Err("what is kept beside it does not belong to such an entry".into())
        }
    }

    fn put_into(&mut self, verdict: &mut VerdictRecord, reports: Reports) -> Result<(), String> {
        verdict.person = self.person.take();
        verdict.login = self.login.take();
        let report = self.report.take().filter(|_| reports == Reports::Read);
        verdict.report = report
            .map(|report| serde_json::from_str(report.0.get()))
            .transpose()
            .map_err(|error| error.to_string())?;
        if let Some(arrivals) = &mut verdict.arrivals {
            arrivals.by = self.claimant.take().unwrap_or(Claimant::Nobody);
        }
        let people = std::mem::take(&mut self.updates);
        if !people.is_empty() && people.len() != verdict.updates.len() {
            return Err("what is kept beside it tells of other updates".into());
        }
        for (update, people) in verdict.updates.iter_mut().zip(people) {
            people.put(update);
        }
        let settled = std::mem::take(&mut self.settled);
        if !settled.is_empty() && settled.len() != verdict.settled.len() {
            return Err("what is kept beside it tells of other emergencies".into());
        }
        for (settled, people) in verdict.settled.iter_mut().zip(settled) {
            settled.people = people;
        }
        Ok(())
    }
}

fn text(field: &mut String) -> Option<String> {
    let text = std::mem::take(field);
    (!text.is_empty()).then_some(text)
}
