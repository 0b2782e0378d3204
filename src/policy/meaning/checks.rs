//! Names and identifiers: each resolves, and each belongs to one.

use super::super::fields::At;
use super::super::schema::{BranchEntry, Document, Named};
use super::super::suggest;
use super::super::targets::{FtpTarget, Target, TargetKind};
use super::super::yaml::shown;
use super::{Complaints, Fault, MAX_GLOBS, Shows, shows};
use crate::policy::{Attribution, Enforce, POLICY_REF, PathGlobs, Position, Releaser};
use std::collections::BTreeMap;

/// Every name that is used has to be one that is there, and none may be a near double.
pub(super) fn names(document: &Document, complaints: &mut Complaints) {
    doubles(&document.people, complaints);
    doubles(&document.teams, complaints);
    doubles(&document.machines, complaints);
    doubles(&document.targets, complaints);
    if let Some(audit) = &document.audit {
        doubles(&audit.streams, complaints);
        doubles(&audit.witnesses, complaints);
    }
    for team in &document.teams {
        known(&team.entry, "person", &document.people, complaints);
    }
    for rule in &document.branches {
        let entry = &rule.entry;
        known(&entry.demand.from, "team", &document.teams, complaints);
        if let Some(push) = &entry.push {
            known(&push.value, "team", &document.teams, complaints);
        }
        if let Some(rollback) = &entry.rollback {
            known(&rollback.value.by, "team", &document.teams, complaints);
        }
        for path in &entry.paths {
            known(&path.demand.from, "team", &document.teams, complaints);
        }
        known(&entry.release, "target", &document.targets, complaints);
        if let Some(emergency) = &entry.emergency {
            known(&emergency.by, "team", &document.teams, complaints);
            if let Some(cosign) = &emergency.cosign {
                known(&cosign.value, "team", &document.teams, complaints);
            }
        }
    }
}

fn known<T>(
    used: &[At<String>],
    kind: &'static str,
    there: &[Named<T>],
    complaints: &mut Complaints,
) {
    for name in used {
        if there.iter().any(|named| named.name == name.value) {
            continue;
        }
        let hint = || suggest::hint(&name.value, there.iter().map(|named| named.name.as_str()));
        let fault = Fault::Unknown {
            kind,
            name: shown(&name.value),
        };
        complaints.push(name.at, fault, hint);
    }
}

/// Names that differ in case only are mistaken for each other.
fn doubles<T>(entries: &[Named<T>], complaints: &mut Complaints) {
    let mut seen: BTreeMap<String, &Named<T>> = BTreeMap::new();
    for named in entries {
        let first = *seen.entry(named.name.to_lowercase()).or_insert(named);
        if first.name != named.name {
            let fault = Fault::CaseOnly {
                name: shown(&named.name),
                other: shown(&first.name),
                line: first.at.line,
            };
            complaints.add(named.at, fault);
        }
    }
}

/// Every e-mail, login and key belongs to one person, however it is cased.
pub(super) fn owners(document: &Document, complaints: &mut Complaints) {
    let mut emails = Owners::new("e-mail");
    let mut logins = Owners::new("login");
    let mut keys = Owners::new("key");
    for person in &document.people {
        let owner = person.name.as_str();
        for email in &person.entry.emails {
            emails.claim(&email.value, email.at, owner, complaints);
        }
        for login in &person.entry.logins {
            logins.claim(&login.value, login.at, owner, complaints);
        }
        for key in &person.entry.keys {
            let fingerprint = key.value.fingerprint.to_string();
            keys.claim(&fingerprint, key.at, owner, complaints);
        }
    }
    // A machine is not a person, and no key is both's.
    for machine in &document.machines {
        for key in &machine.entry.keys {
            let fingerprint = key.value.fingerprint.to_string();
            keys.claim(&fingerprint, key.at, machine.name.as_str(), complaints);
        }
    }
}

/// Who has which identifier of one kind.
struct Owners<'a> {
    kind: &'static str,
    by_value: BTreeMap<String, (&'a str, Position)>,
}

impl<'a> Owners<'a> {
    fn new(kind: &'static str) -> Self {
        let by_value = BTreeMap::new();
        Self { kind, by_value }
    }

    fn claim(&mut self, value: &str, at: Position, owner: &'a str, complaints: &mut Complaints) {
        // A fingerprint in base64 is not the same in another case.
        let folded = match self.kind {
            "key" => value.to_owned(),
            _ => value.to_lowercase(),
        };
        let Some((first, place)) = self.by_value.get(&folded) else {
            self.by_value.insert(folded, (owner, at));
            return;
        };
        let fault = Fault::OwnedTwice {
            kind: self.kind,
            value: shown(value),
            owner: shown(first),
            line: place.line,
        };
        complaints.add(at, fault);
    }
}

/// What the rules have to say, each and together.
pub(super) fn rules(document: &Document, complaints: &mut Complaints) {
    let Some(at) = document.branches_at else {
        return;
    };
    let own = document
        .branches
        .iter()
        .find(|rule| rule.name == POLICY_REF);
    match own {
        None => {
            let hint = format!("add `{POLICY_REF}:` with `required` and `from` to `branches`");
            complaints.hinted(at, Fault::NoPolicyRule, hint);
        }
        Some(rule) => {
            if let Some(emergency) = &rule.entry.emergency {
                let why = "nobody breaks the glass on the policy itself";
                value(emergency.at, "emergency", why, complaints);
            }
            if let Some(target) = rule.entry.release.first() {
                let why = "the policy itself is not released anywhere";
                value(target.at, "release", why, complaints);
            }
            if let Some(rollback) = &rule.entry.rollback {
                let why = "the policy never goes back: push what it is to be on top of it";
                value(rollback.at, "rollback", why, complaints);
            }
        }
    }
    for rule in &document.branches {
        never_on_the_policy(rule, complaints);
    }
    if shows(document) == Some(Shows::Nothing) {
        for rule in &document.branches {
            needs_pusher(&rule.entry, complaints);
        }
    }
    let globs: usize = document.branches.iter().map(globs).sum();
    if globs > MAX_GLOBS {
        let (what, limit) = ("globs", MAX_GLOBS);
        complaints.add(at, Fault::TooMany { what, limit });
    }
}

/// Whoever could change the policy unasked could do anything: no rule for it only warns.
fn never_on_the_policy(rule: &Named<BranchEntry>, complaints: &mut Complaints) {
    let Some(enforce) = &rule.entry.enforce else {
        return;
    };
    let matches = PathGlobs::compile(std::slice::from_ref(&rule.name))
        .is_ok_and(|globs| globs.is_match(POLICY_REF.as_bytes()));
    match enforce.value {
        Enforce::Warn if matches => {
            let why = format!("no rule for `{POLICY_REF}` only warns, and this one matches it");
            value(enforce.at, "enforce", &why, complaints);
        }
        Enforce::Warn | Enforce::Refuse => {}
    }
}

fn globs(rule: &Named<BranchEntry>) -> usize {
    1 + rule
        .entry
        .paths
        .iter()
        .map(|path| path.patterns.len())
        .sum::<usize>()
        + rule
            .entry
            .emergency
            .as_ref()
            .map_or(0, |emergency| emergency.except.len())
}

/// What means nothing where the server cannot tell who pushes.
fn needs_pusher(entry: &BranchEntry, complaints: &mut Complaints) {
    const WHY: &str = "without an `identity` source nobody is known to have pushed";
    if let Some(push) = &entry.push {
        value(push.at, "push", WHY, complaints);
    }
    if let Some(releaser) = &entry.releaser {
        match releaser.value {
            Releaser::Distinct => value(releaser.at, "releaser", WHY, complaints),
            Releaser::Anyone => {}
        }
    }
    if let Some(attribution) = &entry.attribution {
        match attribution.value {
            Attribution::SignatureOrPusher => {
                value(attribution.at, "attribution", WHY, complaints);
            }
            Attribution::Signature => {}
        }
    }
}

fn value(at: Position, what: &str, why: &str, complaints: &mut Complaints) {
    let (what, why) = (what.to_owned(), why.to_owned());
    complaints.add(at, Fault::Value { what, why });
}

/// No two targets write to the same place.
pub(super) fn places(document: &Document, complaints: &mut Complaints) {
    let mut seen: BTreeMap<String, (&str, Position)> = BTreeMap::new();
    for named in &document.targets {
        let Some(target) = &named.entry else { continue };
        let Some((other, at)) = seen.get(&place(target)) else {
            seen.insert(place(target), (&named.name, named.at));
            continue;
        };
        let fault = Fault::SamePlace {
            name: shown(&named.name),
            other: shown(other),
            line: at.line,
        };
        complaints.add(named.at, fault);
    }
}

fn place(target: &Target) -> String {
    match &target.kind {
        TargetKind::Dir(dir) => format!("dir {}", dir.path.display()),
        TargetKind::Rsync(rsync) => {
            let port = rsync.login.port;
            format!("rsync {}:{port}{}", rsync.host.to_lowercase(), rsync.path)
        }
        TargetKind::Svn(svn) => svn.url().to_lowercase(),
        TargetKind::Command(command) => {
            format!("command {} {:?}", command.program.display(), command.args)
        }
        TargetKind::Ftp(FtpTarget {
            host, port, path, ..
        }) => format!("ftp {}:{port}{path}", host.to_lowercase()),
        TargetKind::Sftp(sftp) => {
            let host = sftp.host.to_lowercase();
            format!("ssh {host}:{}{}", sftp.login.port, sftp.path)
        }
        TargetKind::S3(s3) => format!(
            "s3 {} {} {}",
            s3.endpoint,
            s3.bucket,
            s3.prefix.as_deref().unwrap_or_default()
        ),
        TargetKind::Webdav(webdav) => format!("webdav {}", webdav.url),
    }
}
