//! The replay of a log: every accepted push judged again, and every ref followed.

use super::account::{RefAccount, Replay, Source};
use super::chain::{Chain, Jump};
use super::compare::Names;
use super::finding::{Finding, Remark, Weight};
use super::judge::{Case, Judge};
use super::memory::{Then, statement_name};
use super::policies::Policies;
use super::story::{Story, What};
use crate::audit::{AuditError, AuditLog, Report, UpdateRecord, VerdictRecord, verify_entries};
use crate::decide::Code;
use crate::facts::{Current, Fault, Store, commits_between};
use crate::ledger::name_from_hex;
use crate::policy::POLICY_REF;
use crate::statement::STATEMENT_PREFIX;
use crate::types::{Oid, RefName, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// So many refs of a repository are looked at.
const MAX_REFS: usize = 200_000;
/// So often the log is read again because it grew meanwhile.
const MAX_READS: usize = 5;

/// What it means that a piece of evidence is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// It has to be there.
    Found,
    /// A copy need not have it.
    Doubt,
}

impl Lost {
    pub(super) fn weight(self) -> Weight {
        match self {
            Self::Found => Weight::Found,
            Self::Doubt => Weight::Doubt,
        }
    }
}

/// Why there is no replay.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The log cannot be read, or does not verify.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The repository cannot be read.
    #[error("{0}")]
    Store(#[from] Fault),
    /// There is no folder for the keys of policies.
    #[error("a folder for keys cannot be made: {0}")]
    Home(#[from] std::io::Error),
    /// The log grew each time while it was read.
    #[error("the log grew while it was read, {MAX_READS} times over: try again")]
    Busy,
}

/// Judges every accepted push of a log again and follows the refs: those of `wanted`, or every one that
/// is or was protected. The policy's own ref always is among them.
///
/// # Errors
/// When the log does not verify, or the repository cannot be read.
pub fn of_log(
    log: &AuditLog,
    store: Store,
    wanted: &[RefName],
    lost: Lost,
) -> Result<Replay, ReplayError> {
    let (story, report, now) = read(log, &store, wanted)?;
    let mut run = Run {
        judge: Judge {
            log,
            store,
            policies: Policies::new()?,
            then: Then::default(),
            story: &story,
            lost,
        },
        wanted,
        refs: BTreeMap::new(),
        in_force: Vec::new(),
        findings: Vec::new(),
        remarks: Vec::new(),
    };
    for (seq, time, why) in &story.unread {
        let finding = Finding::new(Code::REPLAY_DIFFERS, Weight::Found, why);
        run.findings.push(finding.at(*seq, *time));
    }
    for step in &story.steps {
        match &step.what {
            What::Pin { refname, oid } => run.pin(refname, *oid, (step.seq, step.time)),
            What::Verdict(record) => run.verdict(record, (step.seq, step.time)),
        }
    }
    run.end(&now);
    Ok(Replay {
        repository: story.repository.clone(),
        source: Source::Log {
            entries: report.entries,
            checkpoint: report.checkpoint.to_string(),
        },
        refs: run.accounts(&now),
        findings: run.findings,
        remarks: run.remarks,
    })
}

/// What refs name, by name.
type Now = BTreeMap<RefName, Current>;

/// The log, and what the refs name with it: a ref that moved while the log was read would seem to have
/// moved by itself.
fn read(
    log: &AuditLog,
    store: &Store,
    wanted: &[RefName],
) -> Result<(Story, Report, Now), ReplayError> {
    for _ in 0..MAX_READS {
        let mut story = Story::default();
        let report = verify_entries(log, |entry| story.take(entry))?;
        let now = look(&story, store, wanted);
        if log.is_copy() || log.last()?.seq == report.entries {
            return Ok((story, report, now));
        }
    }
    Err(ReplayError::Busy)
}

/// What the refs name: those of the log, those that are asked for, and all others that can be listed.
fn look(story: &Story, store: &Store, wanted: &[RefName]) -> Now {
    let mut names = story.refs();
    names.extend(wanted.iter().cloned());
    let listed = store.refs_below(b"refs/", MAX_REFS);
    names.extend(listed.iter().flatten().map(|(name, _)| name.clone()));
    names.retain(|name| !name.is_under(STATEMENT_PREFIX));
    let look = |name: RefName| {
        let current = store.current(&name);
        let current = current.unwrap_or_else(|fault| Current::Unreadable {
            why: fault.to_string(),
        });
        (name, current)
    };
    let mut now: Now = names.into_iter().map(look).collect();
    if let (Err(fault), Ok(all)) = (listed, RefName::new(b"refs/heads")) {
        let why = format!("the refs cannot be listed: {fault}");
        now.insert(all, Current::Unreadable { why });
    }
    now
}

/// One ref.
#[derive(Default)]
struct Followed {
    chain: Chain,
    start: Option<Oid>,
    /// What verdicts let it be moved to.
    permitted: BTreeSet<Oid>,
    moves: u64,
    held: u64,
}

struct Run<'a> {
    judge: Judge<'a>,
    wanted: &'a [RefName],
    refs: BTreeMap<RefName, Followed>,
    /// From which entry on which policy was in force.
    in_force: Vec<(u64, Oid)>,
    findings: Vec<Finding>,
    remarks: Vec<Remark>,
}

type At = (u64, Timestamp);

fn is_policy(name: &RefName) -> bool {
    name.as_bytes() == POLICY_REF.as_bytes()
}

impl Run<'_> {
    fn follows(&self, name: &RefName) -> bool {
        self.wanted.is_empty() || is_policy(name) || self.wanted.contains(name)
    }

    fn pin(&mut self, name: &RefName, oid: Oid, at: At) {
        let record = self.judge.then.refs.entry(name.clone()).or_default();
        record.pin(oid);
        if is_policy(name) {
            self.in_force.push((at.0, oid));
        }
        if !self.follows(name) {
            return;
        }
        let followed = self.refs.entry(name.clone()).or_default();
        let again = followed.chain.is_known();
        let jump = followed.chain.see(Some(oid), at.0, at.1);
        if !again {
            followed.start = Some(oid);
        } else if jump.is_some() {
            let text = "it was taken as given anew: nobody judged what came before";
            let finding = Finding::new(Code::REPLAY_MOVED, Weight::Found, text);
            let from = jump.and_then(|jump| jump.from?.value);
            self.findings
                .push(finding.at(at.0, at.1).of(name, from, oid));
        }
    }

    fn verdict(&mut self, record: &VerdictRecord, at: At) {
        self.policy_seen(record.policy, at);
        for update in &record.updates {
            self.seen(record, update, at);
        }
        if record.outcome != "accepted" {
            return;
        }
        self.judge_again(record, at);
        for update in &record.updates {
            let Some(permit) = &update.permit else {
                continue;
            };
            if let Ok(name) = name_from_hex(&permit.ref_hex)
                && self.follows(&name)
            {
                let followed = self.refs.entry(name).or_default();
                followed.chain.permit(permit.old, permit.new);
                followed.permitted.insert(permit.new);
            }
        }
        if let Err(why) = self.judge.then.take(self.judge.log, at, record) {
            let weight = self.judge.lost.weight();
            let text = format!("what the push brought cannot be read: {why}");
            let finding = Finding::new(Code::REPLAY_EVIDENCE, weight, text);
            self.findings.push(finding.at(at.0, at.1));
        }
    }

    /// A push was judged by this policy: it is what the policy's ref named.
    fn policy_seen(&mut self, policy: Oid, at: At) {
        if self.in_force.last().is_none_or(|(_, last)| *last != policy) {
            self.in_force.push((at.0, policy));
        }
        let Ok(name) = RefName::new(POLICY_REF.as_bytes()) else {
            return;
        };
        self.look(&name, Some(policy), at);
    }

    /// What an update says that its ref named.
    fn seen(&mut self, record: &VerdictRecord, update: &UpdateRecord, at: At) {
        let name = match &update.permit {
            Some(permit) => name_from_hex(&permit.ref_hex).ok(),
            // A name that is not shown as it is cannot be read back; and where a push is refused,
            // nothing may stand for what could not be read.
            None if update.old.is_none() => None,
            None => RefName::new(update.refname.as_bytes()).ok(),
        };
        let Some(name) = name.filter(|name| statement_name(&name.to_string()).is_none()) else {
            return;
        };
        let store = &self.judge.store;
        let protected = self.judge.policies.protects(store, record.policy, &name);
        if protected && self.follows(&name) {
            self.look(&name, update.old, at);
        }
    }

    fn look(&mut self, name: &RefName, value: Option<Oid>, at: At) {
        let followed = self.refs.entry(name.clone()).or_default();
        if let Some(jump) = followed.chain.see(value, at.0, at.1) {
            self.jumped(name, jump, Some(at));
        }
    }

    fn judge_again(&mut self, record: &VerdictRecord, (seq, time): At) {
        let permits = record.updates.iter().filter_map(|update| {
            let permit = update.permit.as_ref()?;
            name_from_hex(&permit.ref_hex).ok()
        });
        let names: Vec<RefName> = permits.filter(|name| self.follows(name)).collect();
        let statements = record
            .updates
            .iter()
            .any(|update| statement_name(&update.refname).is_some());
        if names.is_empty() && !(statements && self.wanted.is_empty()) {
            return;
        }
        let case = Case {
            seq,
            time,
            record,
            names: match self.judge.story.redacted.contains(&seq) {
                true => Names::Deleted,
                false => Names::Known,
            },
        };
        let found = self.judge.judge(case);
        for name in names {
            let followed = self.refs.entry(name).or_default();
            followed.moves += 1;
            followed.held += u64::from(found.is_empty());
        }
        self.findings.extend(found);
    }

    /// A ref is where no verdict let it go.
    fn jumped(&mut self, name: &RefName, jump: Jump, at: Option<At>) {
        let from = jump.last;
        let shown = name.to_string();
        if !is_policy(name) && self.was_unprotected(name, jump, at) {
            let text = format!(
                "came to {} while no rule protected it; what it brought is judged with the next push",
                jump.to.short()
            );
            self.remark(Some(shown), at, text);
            return;
        }
        let baseline = self.baseline(name).filter(|_| jump.from.is_none());
        if let Some(baseline) = baseline.filter(|_| at.is_some()) {
            let text = format!("is judged from its rule's baseline {}", baseline.short());
            self.remark(Some(shown), at, text);
            return;
        }
        let code = match is_policy(name) {
            true => Code::REPLAY_POLICY,
            false => Code::REPLAY_MOVED,
        };
        let text = match (at, is_policy(name)) {
            (Some(_), true) => "this push was judged by a policy that no verdict put in force",
            (None, true) => "the policy in force is one that no verdict put in force",
            (Some(_), false) => "before this push the ref had moved, and no verdict let it",
            (None, false) => "the ref has moved, and no verdict let it",
        };
        let record = self.judge.then.refs.get(name);
        let base = record.and_then(|record| record.base(from));
        let between = commits_between(&self.judge.store, jump.to, base).unwrap_or_default();
        let finding = Finding::new(code, Weight::Found, text)
            .of(shown, from, jump.to)
            .listing(between);
        self.findings.push(match at {
            Some((seq, time)) => finding.at(seq, time),
            None => finding,
        });
    }

    fn remark(&mut self, refname: Option<String>, at: Option<At>, text: String) {
        self.remarks.push(Remark {
            refname,
            entry: at.map(|(seq, _)| seq),
            text,
        });
    }

    /// Whether a policy that was in force between the two looks did not protect the ref.
    fn was_unprotected(&mut self, name: &RefName, jump: Jump, at: Option<At>) -> bool {
        let from = jump.from.map_or(0, |sight| sight.seq);
        let to = at.map_or(u64::MAX, |(seq, _)| seq);
        let store = &self.judge.store;
        let after = self.in_force.iter().skip(1).map(|(seq, _)| *seq);
        let ends: Vec<u64> = after.chain([u64::MAX]).collect();
        let policies = &mut self.judge.policies;
        let mut spans = self.in_force.iter().zip(ends);
        spans.any(|((begin, policy), end)| {
            let then = *begin <= to && end > from;
            then && !policies.protects(store, *policy, name)
        })
    }

    fn baseline(&mut self, name: &RefName) -> Option<Oid> {
        let (_, policy) = *self.in_force.last()?;
        let store = &self.judge.store;
        self.judge.policies.baseline(store, policy, name)
    }

    /// What the refs name now.
    fn end(&mut self, now: &Now) {
        let in_force = self.in_force.last().map(|(_, policy)| *policy);
        let at_ref = RefName::new(POLICY_REF.as_bytes()).ok();
        let policy = at_ref
            .and_then(|name| now.get(&name))
            .and_then(Current::oid);
        let Some(policy) = policy.or(in_force) else {
            return;
        };
        let mut names: BTreeSet<RefName> = self.refs.keys().cloned().collect();
        names.extend(now.keys().cloned());
        names.extend(self.wanted.iter().cloned());
        names.retain(|name| self.follows(name));
        for name in names {
            let store = &self.judge.store;
            let unlisted = name.as_bytes() == b"refs/heads";
            if unlisted || self.judge.policies.protects(store, policy, &name) {
                self.end_of(&name, now.get(&name));
            }
        }
    }

    fn end_of(&mut self, name: &RefName, now: Option<&Current>) {
        let followed = self.refs.entry(name.clone()).or_default();
        let value = match now {
            None | Some(Current::Absent) => None,
            Some(Current::At(oid)) => Some(*oid),
            Some(Current::Symbolic { target }) => {
                let text = format!("it points at {target}");
                let finding = Finding::new(Code::REPLAY_MOVED, Weight::Found, text);
                return self.findings.push(finding.of(name, None, None));
            }
            Some(Current::Unreadable { why }) => {
                let finding = Finding::new(Code::REPLAY_UNTOLD, Weight::Doubt, why);
                return self.findings.push(finding.of(name, None, None));
            }
        };
        let unjudged = followed.start.is_none()
            && !followed
                .permitted
                .iter()
                .any(|oid| followed.chain.was_at(*oid) || Some(*oid) == value);
        let jump = followed.chain.end(value);
        let Some(to) = value else {
            if followed.chain.is_known() {
                let text = "is not there any more".to_owned();
                self.remark(Some(name.to_string()), None, text);
            }
            return;
        };
        if !unjudged {
            if let Some(jump) = jump {
                self.jumped(name, jump, None);
            }
        } else if self.baseline(name) != Some(to) {
            let baseline = self.baseline(name);
            let between = commits_between(&self.judge.store, to, baseline);
            let text = "no verdict was ever given on what the ref names";
            let finding = Finding::new(Code::REPLAY_MOVED, Weight::Found, text);
            let finding = finding.of(name, None, to);
            self.findings
                .push(finding.listing(between.unwrap_or_default()));
        }
    }

    fn accounts(&self, now: &Now) -> Vec<RefAccount> {
        let accounts = self.refs.iter().map(|(name, followed)| RefAccount {
            refname: name.to_string(),
            start: followed.start,
            value: now.get(name).and_then(Current::oid),
            moves: followed.moves,
            held: followed.held,
        });
        accounts.collect()
    }
}
