//! What a policy file means: names resolve, identifiers have one owner, thresholds can be reached.

mod calendar;
mod checks;
mod deputies;
mod machines;
mod stages;
mod thresholds;
mod witnesses;

use super::complaint::Complaints;
use super::identity::{IdentitySource, Shows};
use super::model::{
    Attribution, BranchRule, Enforce, Independence, PathRule, Person, Policy, Releaser,
    RepositoryName, Rollback,
};
use super::schema::{BranchEntry, Document, EmergencyEntry, Named, PathEntry, PersonEntry};
use super::{AuditPolicy, Emergency};
use super::{Fault, PathGlobs, PathRules};
use crate::types::{
    CheckName, Email, Login, NotifierName, PersonName, StreamName, TargetName, TeamName,
    WindowName, WitnessName,
};

/// The most globs that a policy may hold.
pub const MAX_GLOBS: usize = 2000;

/// Checks what the file says and makes a policy of it. Nothing where something is missing; then
/// there are complaints, and a policy with complaints is never used.
pub(super) fn policy(document: &Document, complaints: &mut Complaints) -> Option<Policy> {
    checks::names(document, complaints);
    checks::owners(document, complaints);
    checks::rules(document, complaints);
    checks::places(document, complaints);
    thresholds::check(document, complaints);
    deputies::check(document, complaints);
    stages::check(document, complaints);
    calendar::check(document, complaints);
    machines::check(document, complaints);
    witnesses::check(document, complaints);
    build(document)
}

fn build(document: &Document) -> Option<Policy> {
    // Without rules that were read there is no policy, whatever else there is.
    document.branches_at?;
    let people = document.people.iter().map(person);
    let teams = document.teams.iter().map(|team| {
        let members = team.entry.iter().map(|name| PersonName::new(&*name.value));
        (TeamName::new(&*team.name), members.collect())
    });
    let rules: Option<Vec<BranchRule>> = document.branches.iter().map(rule).collect();
    let targets: Option<_> = document
        .targets
        .iter()
        .map(|target| Some((TargetName::new(&*target.name), target.entry.clone()?)))
        .collect();
    let notify = document.notify.iter();
    let notify: Option<_> = notify
        .map(|named| Some((NotifierName::new(&*named.name), named.entry.clone()?)))
        .collect();
    Some(Policy {
        id: None,
        repository: RepositoryName(document.repository.clone()?),
        identity: document.identity.clone()?,
        people: people.collect(),
        teams: teams.collect(),
        machines: machines::build(document),
        rules: rules?,
        calendar: calendar::build(document)?,
        targets: targets?,
        stages: stages::build(document),
        notify: notify?,
        audit: audit(document)?,
    })
}

fn audit(document: &Document) -> Option<AuditPolicy> {
    let entry = document.audit.as_ref()?;
    let streams: Option<_> = entry
        .streams
        .iter()
        .map(|named| Some((StreamName::new(&*named.name), named.entry.clone()?)))
        .collect();
    let witnesses: Option<_> = entry
        .witnesses
        .iter()
        .map(|named| {
            let key = named.entry.as_ref()?.value.clone();
            Some((WitnessName::new(&*named.name), key))
        })
        .collect();
    Some(AuditPolicy {
        reading: entry.reading,
        streams: streams?,
        witnesses: witnesses?,
        required: entry.required.as_ref().map_or(0, |required| required.value),
    })
}

fn person(named: &Named<PersonEntry>) -> (PersonName, Person) {
    let name = PersonName::new(&*named.name);
    let entry = &named.entry;
    let keys = || entry.keys.iter().map(|key| &key.value);
    let person = Person {
        name: name.clone(),
        full_name: entry.full_name.clone(),
        disabled: entry.disabled,
        emails: entry
            .emails
            .iter()
            .map(|email| Email::new(&*email.value))
            .collect(),
        logins: entry
            .logins
            .iter()
            .map(|login| Login::new(&*login.value))
            .collect(),
        keys: keys().map(|key| key.fingerprint.clone()).collect(),
        ssh_keys: keys().filter_map(|key| key.ssh.clone()).collect(),
    };
    (name, person)
}

fn rule(named: &Named<BranchEntry>) -> Option<BranchRule> {
    let entry = &named.entry;
    let teams = |names: &[super::fields::At<String>]| -> Vec<TeamName> {
        names
            .iter()
            .map(|name| TeamName::new(&*name.value))
            .collect()
    };
    let path_rule = |path: &PathEntry| {
        let patterns: Vec<String> = path
            .patterns
            .iter()
            .map(|glob| glob.value.clone())
            .collect();
        Some(PathRule {
            patterns,
            required: path.demand.required.as_ref()?.value,
            from: teams(&path.demand.from),
        })
    };
    let paths: Option<Vec<PathRule>> = entry.paths.iter().map(path_rule).collect();
    Some(BranchRule {
        pattern: named.name.clone(),
        refs: PathGlobs::compile(std::slice::from_ref(&named.name)).ok()?,
        required: entry.demand.required.as_ref()?.value,
        from: teams(&entry.demand.from),
        expire: entry.expire,
        independence: entry.independence.unwrap_or(Independence::Commit),
        attribution: attribution(entry),
        push: entry.push.as_ref().map(|push| teams(&push.value)),
        paths: PathRules::new(paths?).ok()?,
        baseline: entry.baseline,
        release: entry
            .release
            .iter()
            .map(|name| TargetName::new(&*name.value))
            .collect(),
        emergency: match &entry.emergency {
            None => None,
            Some(entry) => Some(emergency(entry)?),
        },
        windows: windows(&entry.windows),
        freezes: windows(&entry.freezes),
        delegation: match &entry.delegation {
            None => None,
            Some(delegation) => Some(deputies::rule(entry, delegation)?),
        },
        rollback: entry.rollback.as_ref().map(|rollback| Rollback {
            required: rollback.value.required.as_ref().map_or(1, |at| at.value),
            by: teams(&rollback.value.by),
        }),
        enforce: match &entry.enforce {
            Some(enforce) => enforce.value,
            None => Enforce::Refuse,
        },
        ticket: entry.ticket.clone(),
        checks: entry
            .checks
            .iter()
            .map(|name| CheckName::new(&*name.value))
            .collect(),
        releaser: releaser(entry),
    })
}

fn emergency(entry: &EmergencyEntry) -> Option<Emergency> {
    let teams = |names: &[super::fields::At<String>]| -> Vec<TeamName> {
        let names = names.iter();
        names.map(|name| TeamName::new(&*name.value)).collect()
    };
    let except = PathRule {
        patterns: entry.except.iter().map(|glob| glob.value.clone()).collect(),
        required: 1,
        from: Vec::new(),
    };
    let except = match except.patterns.is_empty() {
        true => PathRules::default(),
        false => PathRules::new(vec![except]).ok()?,
    };
    Some(Emergency {
        by: teams(&entry.by),
        cosign: entry.cosign.as_ref().map(|names| teams(&names.value)),
        expire: entry.expire,
        limit: entry.limit,
        except,
        ticket: entry.ticket.clone(),
        review_within: entry.review_within,
        while_overdue: entry.while_overdue,
        cross_review: entry.cross_review,
    })
}

fn windows(names: &[super::fields::At<String>]) -> Vec<WindowName> {
    let names = names.iter().map(|name| WindowName::new(&*name.value));
    names.collect()
}

fn releaser(entry: &BranchEntry) -> Releaser {
    let told = entry.releaser.as_ref();
    told.map(|releaser| releaser.value).unwrap_or_default()
}

/// What a rule's commits are attributed by: a signature, unless it says otherwise.
fn attribution(entry: &BranchEntry) -> Attribution {
    entry
        .attribution
        .as_ref()
        .map_or(Attribution::Signature, |attribution| attribution.value)
}

/// What the source shows of a pusher. Nothing where it could not be read, which has been
/// complained about.
fn shows(document: &Document) -> Option<Shows> {
    document.identity.as_ref().map(IdentitySource::shows)
}
