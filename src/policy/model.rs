//! What a policy means, once it has been read and linted: every name resolves, every identifier
//! has one owner, every threshold can be reached.

use super::audit::AuditPolicy;
use super::emergency::Emergency;
use super::notify::Notifier;
use super::stages::Stage;
use super::targets::Target;
use super::{Calendar, IdentitySource, PathGlobs, PathRules, TicketRule};
use crate::types::{
    CheckName, Email, KeyFingerprint, Login, MachineName, NotifierName, Oid, PersonName, RefName,
    Seconds, TargetName, TeamName, WindowName,
};
use std::collections::{BTreeMap, BTreeSet};

/// The repository's own name (`acme/site`), which every statement carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryName(pub String);

/// Which policy: the commit on `refs/relhook/policy` that it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyId(pub Oid);

/// A policy in force.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Where it was read from; absent for a file that is not yet in force.
    pub id: Option<PolicyId>,
    /// The repository's name.
    pub repository: RepositoryName,
    /// How the server learns who pushes.
    pub identity: IdentitySource,
    /// The people, by name.
    pub people: BTreeMap<PersonName, Person>,
    /// The teams and who is in them; none is empty.
    pub teams: BTreeMap<TeamName, BTreeSet<PersonName>>,
    /// The machines that say how checks went, by name.
    pub machines: BTreeMap<MachineName, Machine>,
    /// The rules for protected refs, in the order of the file. All that match a ref apply.
    pub rules: Vec<BranchRule>,
    /// The release windows and freezes.
    pub calendar: Calendar,
    /// The targets, by name.
    pub targets: BTreeMap<TargetName, Target>,
    /// The stages in their order; where there are any, every target is in one of them.
    pub stages: Vec<Stage>,
    /// Who is told what happens, by name.
    pub notify: BTreeMap<NotifierName, Notifier>,
    /// What holds for the audit log itself.
    pub audit: AuditPolicy,
}

/// One human.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The policy's name for them.
    pub name: PersonName,
    /// What to call them in reports, if it differs.
    pub full_name: Option<String>,
    /// Whether they no longer count: what they did stays theirs and what they objected to stays
    /// stopped, but they approve, push and state nothing.
    pub disabled: bool,
    /// Their addresses.
    pub emails: Vec<Email>,
    /// Their accounts on the server.
    pub logins: Vec<Login>,
    /// Their public keys, of every kind.
    pub keys: Vec<KeyFingerprint>,
    /// The SSH ones themselves: one for each [`KeyFingerprint::Ssh`] of `keys`, in that order. The
    /// others lie in the policy's `keys/` folder.
    pub ssh_keys: Vec<ssh_key::PublicKey>,
}

/// What says how checks went. It is no person: it approves nothing and makes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The policy's name for it.
    pub name: MachineName,
    /// Its public keys; none of them is a person's.
    pub keys: Vec<KeyFingerprint>,
    /// The checks that it may speak for.
    pub checks: Vec<CheckName>,
}

/// What a protected ref demands.
#[derive(Debug, Clone)]
pub struct BranchRule {
    /// The glob as the policy writes it: a full ref name in which `*` stays within a component.
    pub pattern: String,
    /// The compiled glob.
    pub refs: PathGlobs,
    /// How many distinct people have to approve each commit that adds content; at least 1.
    pub required: u32,
    /// The teams whose approvals count; at least one.
    pub from: Vec<TeamName>,
    /// How long an approval counts after the server first saw it; for ever if absent.
    pub expire: Option<Seconds>,
    /// Whether a contributor is barred from their own commits or from the whole range.
    pub independence: Independence,
    /// Which authenticated contributors suffice.
    pub attribution: Attribution,
    /// The teams that may push; everybody who is identified or not, if absent.
    pub push: Option<Vec<TeamName>>,
    /// What particular paths demand on top.
    pub paths: PathRules,
    /// The commit whose history is taken as given when the ref is first seen; where it is absent,
    /// or the rules of one ref disagree, the whole history is judged.
    pub baseline: Option<Oid>,
    /// The targets that an accepted push releases to.
    pub release: Vec<TargetName>,
    /// Who may let in what nobody has approved; nobody, if absent.
    pub emergency: Option<Emergency>,
    /// The windows one of which has to be open for a push to go in; at any time where there are none.
    pub windows: Vec<WindowName>,
    /// The freezes none of which may hold.
    pub freezes: Vec<WindowName>,
    /// Who may name a deputy, and whom; nobody if absent.
    pub delegation: Option<DelegationRule>,
    /// Who may move the ref back to what was accepted before; nobody, if absent.
    pub rollback: Option<Rollback>,
    /// Whether a push that lacks what the rule asks for is refused.
    pub enforce: Enforce,
    /// Whether a change request has to be named, and where.
    pub ticket: Option<TicketRule>,
    /// The checks that machines have to have said passed, of exactly the new value.
    pub checks: Vec<CheckName>,
    /// Whether who pushes has to be a third person.
    pub releaser: Releaser,
}

/// Who may let whom approve in their stead, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegationRule {
    /// The teams whose people may name a deputy; what they can hand on is only what they have.
    pub by: Vec<TeamName>,
    /// The teams from which a deputy is taken.
    pub to: Vec<TeamName>,
    /// How long one delegation may be, from its beginning to its end.
    pub longest: Seconds,
}

/// Who may move a ref back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollback {
    /// How many distinct people have to state it; at least 1.
    pub required: u32,
    /// The teams whose statements count; at least one.
    pub by: Vec<TeamName>,
}

impl BranchRule {
    /// Whether the rule says what it would refuse and lets it pass.
    #[must_use]
    pub fn only_warns(&self) -> bool {
        match self.enforce {
            Enforce::Refuse => false,
            Enforce::Warn => true,
        }
    }
}

/// What becomes of a push that lacks the approvals that a rule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enforce {
    /// It is refused.
    Refuse,
    /// It goes in, loudly: the rule is tried out.
    Warn,
}

/// Who may release what others made and approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Releaser {
    /// Anybody who may push.
    #[default]
    Anyone,
    /// Only who neither made nor approved it: a third person.
    Distinct,
}

/// Whom a contribution bars from approving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Independence {
    /// Contributors of a commit may not approve that commit.
    Commit,
    /// Contributors to any commit of the range may approve none of it.
    Range,
}

/// What authenticates a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribution {
    /// A valid signature by a known person's key.
    Signature,
    /// That, or a known person who was the authenticated first pusher.
    SignatureOrPusher,
}

/// What commits that touch some paths demand on top of the branch's own number.
#[derive(Debug, Clone)]
pub struct PathRule {
    /// The globs as the policy writes them; [`PathRules`] compiles those of all rules together.
    pub patterns: Vec<String>,
    /// How many distinct people have to approve; at least 1.
    pub required: u32,
    /// The teams whose approvals count.
    pub from: Vec<TeamName>,
}

impl Policy {
    /// The rules that protect `refname`: all of them apply, and the strictest of each demand wins.
    #[must_use]
    pub fn rules_for(&self, refname: &RefName) -> Vec<&BranchRule> {
        self.rules
            .iter()
            .filter(|rule| rule.refs.is_match(refname.as_bytes()))
            .collect()
    }

    /// Whether any rule protects `refname`. The policy's own ref always is protected.
    #[must_use]
    pub fn protects(&self, refname: &RefName) -> bool {
        refname.as_bytes() == crate::policy::POLICY_REF.as_bytes()
            || self
                .rules
                .iter()
                .any(|rule| rule.refs.is_match(refname.as_bytes()))
    }

    /// Everybody in any of `teams` who still counts.
    #[must_use]
    pub fn members(&self, teams: &[TeamName]) -> BTreeSet<PersonName> {
        let mut members = self.listed(teams);
        members.retain(|name| self.people.get(name).is_some_and(|one| !one.disabled));
        members
    }

    /// Everybody in any of `teams`, those included who are disabled: what they said against a
    /// commit goes on holding.
    #[must_use]
    pub fn listed(&self, teams: &[TeamName]) -> BTreeSet<PersonName> {
        let lists = teams.iter().filter_map(|team| self.teams.get(team));
        lists.flatten().cloned().collect()
    }

    /// Everybody in any of `teams` who is able to approve: who still counts and has a key.
    #[must_use]
    pub fn able(&self, teams: &[TeamName]) -> BTreeSet<PersonName> {
        let mut able = self.members(teams);
        let has_key = |name: &PersonName| {
            let person = self.people.get(name);
            person.is_some_and(|person| !person.keys.is_empty())
        };
        able.retain(has_key);
        able
    }

    /// Whether the server can ever know this person as the pusher: they have what its source shows.
    #[must_use]
    pub fn can_be_shown(&self, person: &Person) -> bool {
        self.identity.shows().can_show(person.into())
    }

    /// Who owns this key.
    #[must_use]
    pub fn owner_of_key(&self, key: &KeyFingerprint) -> Option<&Person> {
        self.people
            .values()
            .find(|person| person.keys.contains(key))
    }

    /// Which machine has this key.
    #[must_use]
    pub fn machine_of_key(&self, key: &KeyFingerprint) -> Option<&Machine> {
        self.machines
            .values()
            .find(|machine| machine.keys.contains(key))
    }

    /// Who owns this login, compared byte by byte.
    #[must_use]
    pub fn owner_of_login(&self, login: &str) -> Option<&Person> {
        self.people
            .values()
            .find(|person| person.logins.iter().any(|own| own.as_str() == login))
    }

    /// Who owns this address, ASCII case folded: a claim that adds a contributor, never a proof.
    #[must_use]
    pub fn owner_of_email(&self, email: &[u8]) -> Option<&Person> {
        self.people.values().find(|person| {
            person
                .emails
                .iter()
                .any(|own| own.as_str().as_bytes().eq_ignore_ascii_case(email))
        })
    }
}
