//! The log under another policy: every push judged once more as it was then, but by a policy that was
//! not in force, and what would have become of it.
//!
//! Each push is judged on top of what was really let in before it, for what came of it later is what
//! really came of it.

use super::compare::{Names, cannot_tell};
use super::evidence::Heard;
use super::finding::Why;
use super::judge::{Asked, Case, Judge};
use super::log::{Lost, ReplayError, read};
use super::memory::{Claims, Then};
use super::policies::{Loaded, Policies};
use super::pushers::Pushers;
use super::run::At;
use super::story::{Story, What};
use crate::audit::{AuditLog, VerdictRecord};
use crate::decide::{Reason, Verdict};
use crate::facts::{Pusher, Store};
use crate::ledger::name_from_hex;
use crate::policy::{Bundle, Policy};
use crate::statement::STATEMENT_PREFIX;
use crate::types::{Oid, PersonName, RefName, Timestamp};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// The repository's name, as the log has it.
    pub repository: String,
    /// How many entries the log has.
    pub entries: u64,
    /// The log's size and root.
    pub checkpoint: String,
    /// So many pushes were judged again.
    pub judged: u64,
    /// So many of them would have ended as they did.
    pub alike: u64,
    /// Those that would not have, and those of which it cannot be told.
    pub pushes: Vec<Otherwise>,
}

/// A push that would have ended otherwise, or may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Otherwise {
    /// Its entry.
    pub entry: u64,
    /// When.
    pub time: Timestamp,
    /// Who pushed, as far as the entry says.
    pub by: Option<String>,
    /// Whether it was let in.
    pub was_let_in: bool,
    /// What would have become of it.
    pub would: Would,
    /// The refs, by what they were moved from and to: escaped.
    pub moves: Vec<(String, Option<Oid>, Option<Oid>)>,
    /// What speaks against it under the other policy, or what rules of it that only warn would say.
    pub reasons: Vec<Why>,
}

/// What would have become of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Would {
    /// It would have gone in.
    Accepted,
    /// It would have gone in, and a rule that only warns would have said something.
    Warned,
    /// It would not have gone in.
    Refused,
    /// What is here does not tell.
    Unclear,
}

/// Judges every push of a log since `since` under another policy: those that concern one of `wanted`, or
/// all.
///
/// # Errors
/// When the log does not verify, the repository cannot be read, or the policy's keys cannot be used.
pub fn under(
    log: &AuditLog,
    store: Store,
    other: &Bundle,
    wanted: &[RefName],
    since: Option<Timestamp>,
) -> Result<Compared, ReplayError> {
    let (story, report, _) = read(log, &store, wanted)?;
    let policies = Policies::new()?;
    let loaded = policies.load("other", other.clone());
    let loaded = loaded.map_err(std::io::Error::other)?;
    let judge = Judge {
        log,
        store,
        policies,
        then: Then::default(),
        story: &story,
        lost: Lost::Doubt,
        pushers: Pushers::default(),
    };
    let mut comparison = Comparison {
        judge,
        loaded,
        wanted,
        judged: 0,
        alike: 0,
        pushes: Vec::new(),
    };
    for step in &story.steps {
        let at = (step.seq, step.time);
        match &step.what {
            What::Pin { refname, oid } => comparison.pin(refname, *oid),
            // Another policy's stages would have had other people asked.
            What::Lifted(_) => {}
            What::Moved(moved) => {
                if let Ok(name) = name_from_hex(&moved.ref_hex) {
                    comparison.judge.then.became(&name, moved);
                }
            }
            What::Verdict(record) => {
                if since.is_none_or(|since| since <= step.time) {
                    comparison.verdict(record, at, &story);
                }
                comparison.take(record, at);
            }
        }
    }
    Ok(Compared {
        repository: story.repository.clone(),
        entries: report.entries,
        checkpoint: report.checkpoint.to_string(),
        judged: comparison.judged,
        alike: comparison.alike,
        pushes: comparison.pushes,
    })
}

struct Comparison<'a> {
    judge: Judge<'a>,
    loaded: Loaded,
    wanted: &'a [RefName],
    judged: u64,
    alike: u64,
    pushes: Vec<Otherwise>,
}

impl Comparison<'_> {
    fn pin(&mut self, name: &RefName, oid: Oid) {
        self.judge
            .then
            .refs
            .entry(name.clone())
            .or_default()
            .pin(oid);
    }

    /// What was really let in is what later pushes come on top of.
    fn take(&mut self, record: &VerdictRecord, at: At) {
        if record.let_in() {
            // What the push brought that cannot be read is known to nobody later, which is a doubt of
            // the replay proper.
            let _ = self.judge.then.take(self.judge.log, at, record);
        }
    }

    fn verdict(&mut self, record: &VerdictRecord, (seq, time): At, story: &Story) {
        let case = Case {
            seq,
            time,
            record,
            names: match story.redacted.contains(&seq) {
                true => Names::Deleted,
                false => Names::Known,
            },
            asked: Asked::Everything,
        };
        let names: Vec<RefName> = case.updates().into_iter().map(|(name, _)| name).collect();
        let concerns = |name: &RefName| {
            !name.is_under(STATEMENT_PREFIX)
                && (self.wanted.is_empty() || self.wanted.contains(name))
        };
        if !names.iter().any(concerns) {
            return;
        }
        let heard = Heard::of(self.judge.log, record);
        let (attempt, pusher_known) = {
            let pusher = pusher(&self.loaded.policy, record);
            let known = pusher.is_some();
            let pusher = pusher.unwrap_or(Pusher::NotAsked);
            let attempt =
                self.judge
                    .attempt_as(&self.loaded, case, (&heard, &[]), Claims::All, pusher);
            (attempt, known)
        };
        let whole = names.len() == record.updates.len() && record.others == 0;
        let lost = !heard.lost.is_empty() || attempt.nameless || !whole && !record.let_in();
        let would = would(&attempt.verdict, case.names, lost || !pusher_known);
        self.judged += 1;
        let same = match would {
            Would::Accepted => record.let_in(),
            Would::Refused => !record.let_in(),
            Would::Warned | Would::Unclear => false,
        };
        if same {
            self.alike += 1;
            return;
        }
        let updates = record.updates.iter();
        self.pushes.push(Otherwise {
            entry: seq,
            time,
            by: record.person.clone().or_else(|| record.login.clone()),
            was_let_in: record.let_in(),
            would,
            moves: updates
                .map(|update| (update.refname.clone(), update.old, update.new))
                .collect(),
            reasons: reasons(&attempt.verdict, would),
        });
    }
}

/// Who pushed, by the other policy; nothing where the record does not say and the policy asks.
fn pusher(policy: &Policy, record: &VerdictRecord) -> Option<Pusher> {
    if let Some(person) = &record.person {
        return Some(Pusher::Person(PersonName::new(person.clone())));
    }
    if policy.identity == crate::policy::IdentitySource::None {
        return Some(Pusher::NotAsked);
    }
    let login = record.login.as_ref()?;
    Some(match policy.owner_of_login(login) {
        Some(person) => Pusher::Person(person.name.clone()),
        None => Pusher::Unknown {
            login: login.clone(),
        },
    })
}

fn all(verdict: &Verdict) -> Vec<Reason> {
    let of_updates = verdict.updates.iter().flat_map(|update| &update.reasons);
    verdict.reasons.iter().chain(of_updates).cloned().collect()
}

/// What a verdict comes to, where something of what it rests on may be `lost`.
fn would(verdict: &Verdict, names: Names, lost: bool) -> Would {
    let against = all(verdict);
    if against.is_empty() {
        match (lost, verdict.lets_pass()) {
            (true, _) => Would::Unclear,
            (false, true) => Would::Warned,
            (false, false) => Would::Accepted,
        }
    } else if lost || cannot_tell(&against, names) {
        Would::Unclear
    } else {
        Would::Refused
    }
}

fn reasons(verdict: &Verdict, would: Would) -> Vec<Why> {
    match would {
        Would::Accepted => Vec::new(),
        Would::Refused | Would::Unclear => all(verdict).iter().map(Why::from).collect(),
        Would::Warned => {
            let updates = verdict.updates.iter();
            updates
                .flat_map(|update| &update.let_pass)
                .map(Why::from)
                .collect()
        }
    }
}
