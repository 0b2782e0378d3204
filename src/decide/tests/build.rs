//! People, policies, commits and statements, made by hand. Commits are numbers; 900 is the base.

use crate::decide::{Code, UpdateVerdict, Verdict, decide};
use crate::facts::{
    Approving, ArrivingStatement, BaseRelation, Claim, CommitFacts, Content, Current, FirstPushers,
    PushFacts, Pusher, RangeFacts, RangeOutcome, Role, SignatureFact, StatementFacts,
    StatementOutcome, Subject, UpdateFacts,
};
use crate::policy::{
    Attribution, AuditPolicy, BranchRule, Calendar, Enforce, IdentitySource, Independence,
    PathGlobs, PathRule, PathRules, Person, Policy, Releaser, RepositoryName,
};
use crate::statement::{Decision, Grant, Particulars, Statement};
use crate::types::{
    Email, KeyFingerprint, Oid, PersonName, RefChange, RefName, RepoPath, TeamName, Timestamp,
};
use std::collections::BTreeMap;

pub const PROD: &str = "refs/heads/prod";
pub const BASE: u32 = 900;
pub const NOW: i64 = 1_800_000_000;

pub fn oid(number: u32) -> Oid {
    let mut bytes = [0xab; 20];
    bytes[..2].copy_from_slice(&u16::try_from(number).unwrap().to_be_bytes());
    Oid::from_bytes(&bytes).unwrap()
}

pub fn name(text: &str) -> RefName {
    RefName::new(text.as_bytes()).unwrap()
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(NOW + seconds)
}

pub fn who(text: &str) -> PersonName {
    PersonName::new(text)
}

pub fn key(person: &str) -> KeyFingerprint {
    KeyFingerprint::Ssh(format!("SHA256:{person}"))
}

pub fn teams(names: &[&str]) -> Vec<TeamName> {
    names.iter().map(|name| TeamName::new(*name)).collect()
}

/// dana and dora develop, rita and remy review, olga and remy own; eve, a reviewer, has left.
pub fn policy() -> Policy {
    let everybody = ["dana", "dora", "rita", "remy", "olga", "eve"];
    let team = |name: &str, people: &[&str]| {
        let people = people.iter().map(|person| who(person)).collect();
        (TeamName::new(name), people)
    };
    Policy {
        stages: Vec::new(),
        notify: BTreeMap::new(),
        audit: AuditPolicy::default(),
        id: None,
        repository: RepositoryName("acme/site".into()),
        identity: IdentitySource::None,
        people: everybody
            .iter()
            .map(|name| (who(name), person(name)))
            .collect(),
        teams: BTreeMap::from([
            team("developers", &["dana", "dora"]),
            team("reviewers", &["rita", "remy", "eve"]),
            team("owners", &["olga", "remy"]),
        ]),
        rules: vec![rule(PROD), rule(crate::policy::POLICY_REF)],
        targets: BTreeMap::new(),
        calendar: Calendar::default(),
        machines: BTreeMap::new(),
    }
}

fn person(name: &str) -> Person {
    Person {
        name: who(name),
        full_name: None,
        disabled: name == "eve",
        emails: vec![Email::new(format!("{name}@acme.example"))],
        logins: Vec::new(),
        keys: vec![key(name)],
        ssh_keys: Vec::new(),
    }
}

/// One approval by a reviewer.
pub fn rule(pattern: &str) -> BranchRule {
    BranchRule {
        pattern: pattern.into(),
        refs: PathGlobs::compile(&[pattern.to_owned()]).unwrap(),
        required: 1,
        from: teams(&["reviewers"]),
        expire: None,
        independence: Independence::Commit,
        attribution: Attribution::Signature,
        push: None,
        paths: PathRules::default(),
        baseline: None,
        windows: Vec::new(),
        freezes: Vec::new(),
        ticket: None,
        checks: Vec::new(),
        releaser: Releaser::Anyone,
        release: Vec::new(),
        emergency: None,
        delegation: None,
        rollback: None,
        enforce: Enforce::Refuse,
    }
}

pub fn paths(rules: &[(&str, u32, &str)]) -> PathRules {
    let rule = |(glob, required, team): &(&str, u32, &str)| PathRule {
        patterns: vec![(*glob).to_owned()],
        required: *required,
        from: teams(&[team]),
    };
    PathRules::new(rules.iter().map(rule).collect()).unwrap()
}

pub fn good(person: &str) -> SignatureFact {
    SignatureFact::Good {
        person: who(person),
        key: key(person),
    }
}

pub fn claim(role: Role, person: &str) -> Claim {
    Claim {
        role,
        identity: format!("{person} <{person}@acme.example>").into(),
        owner: Some(who(person)),
    }
}

/// A commit by one person, signed by them, that changes `src/<number>`.
pub fn commit(number: u32, parents: &[u32], person: &str) -> CommitFacts {
    CommitFacts {
        oid: oid(number),
        parents: parents.iter().map(|parent| oid(*parent)).collect(),
        title: format!("Step {number}"),
        claims: vec![claim(Role::Author, person), claim(Role::Committer, person)],
        signature: good(person),
        first_pushers: FirstPushers::default(),
        content: adds(&[&format!("src/{number}")]),
        approving: None,
        tickets: Vec::new(),
    }
}

pub fn adds(paths: &[&str]) -> Content {
    let path = |text: &&str| RepoPath::new(text.as_bytes().to_vec());
    Content::Adds(paths.iter().map(path).collect())
}

/// An empty commit, or a clean merge, that says that it approves for prod.
pub fn approving(number: u32, parents: &[u32], person: &str) -> CommitFacts {
    CommitFacts {
        content: if parents.len() == 1 {
            Content::Empty
        } else {
            Content::CleanMerge
        },
        approving: Some(Approving {
            refname: name(PROD),
            repository: "acme/site".into(),
            first_seen: Some(at(0)),
            claimed: at(-60),
            answers: Vec::new(),
        }),
        ..commit(number, parents, person)
    }
}

/// A statement by a person about a commit, for prod, seen a minute ago. Its tag is 10,000 and its
/// number.
pub fn says(number: u32, decision: Decision, person: &str, about: u32) -> StatementFacts {
    StatementFacts {
        tag: oid(10_000 + number),
        statement: Statement {
            decision,
            repository: "acme/site".into(),
            refname: name(PROD),
            base: Some(oid(BASE)),
            commit: oid(about),
            tree: oid(5000 + about),
            expires: None,
            checkpoint: None,
            stage: None,
            reason: None,
            particulars: Particulars::default(),
        },
        signer: good(person),
        first_seen: Some(at(-60)),
        claimed: at(-60),
        base: BaseRelation::Before,
    }
}

pub fn approves(number: u32, person: &str, about: u32) -> StatementFacts {
    says(number, Decision::Approve, person, about)
}

pub fn rejects(number: u32, person: &str, about: u32) -> StatementFacts {
    says(number, Decision::Reject, person, about)
}

pub fn withdraws(number: u32, person: &str, about: u32, what: u32) -> StatementFacts {
    let statement = oid(10_000 + what);
    says(number, Decision::Withdraw { statement }, person, about)
}

/// A delegation by a person to another one, for prod, from and until so many seconds from now; seen a
/// minute ago. It is about a commit of the policy, 7.
pub fn delegates(number: u32, by: &str, to: &str, (from, until): (i64, i64)) -> StatementFacts {
    let mut made = says(20_000 + number, Decision::Delegate, by, 7);
    made.statement.base = None;
    made.base = BaseRelation::None;
    made.statement.expires = Some(at(until));
    made.statement.reason = Some("leave".into());
    made.statement.particulars.grant = Some(Grant {
        to: who(to),
        from: at(from),
        paths: Vec::new(),
    });
    made
}

/// What somebody says in another's stead.
pub fn for_(mut statement: StatementFacts, stead: &str) -> StatementFacts {
    statement.statement.particulars.stead = Some(who(stead));
    statement
}

/// The approver compared with a commit of the range.
pub fn since(mut statement: StatementFacts, base: u32) -> StatementFacts {
    statement.statement.base = Some(oid(base));
    statement.base = BaseRelation::InRange;
    statement
}

/// A range from the base to the first of the commits.
pub fn range(commits: Vec<CommitFacts>, statements: Vec<StatementFacts>) -> RangeFacts {
    RangeFacts {
        base: Some(oid(BASE)),
        tip: commits.first().map_or(oid(BASE), |commit| commit.oid),
        fast_forward: true,
        commits,
        statements,
        delegations: Vec::new(),
        undone: Vec::new(),
        way_back: None,
    }
}

/// A push of a range to a ref that is at the base.
pub fn update(refname: &str, range: RangeFacts) -> UpdateFacts {
    UpdateFacts {
        refname: name(refname),
        change: RefChange::Update {
            old: oid(BASE),
            new: range.tip,
        },
        current: Current::At(oid(BASE)),
        subject: Subject::Protected(RangeOutcome::Range(range)),
    }
}

pub fn push(updates: Vec<UpdateFacts>) -> PushFacts {
    PushFacts {
        now: at(0),
        pusher: Pusher::NotAsked,
        updates,
        owing: Vec::new(),
    }
}

/// What becomes of one push to prod.
pub fn judge(
    policy: &Policy,
    commits: Vec<CommitFacts>,
    statements: Vec<StatementFacts>,
) -> UpdateVerdict {
    one(
        policy,
        &push(vec![update(PROD, range(commits, statements))]),
    )
}

/// The verdict over the only update of a push.
pub fn one(policy: &Policy, facts: &PushFacts) -> UpdateVerdict {
    let verdict: Verdict = decide(policy, facts);
    assert!(verdict.reasons.is_empty() && verdict.updates.len() == 1);
    let update = verdict.updates[0].clone();
    assert_eq!(verdict.accepted(), update.reasons.is_empty());
    assert_eq!(verdict.permits().is_empty(), update.permit.is_none());
    update
}

pub fn codes(update: &UpdateVerdict) -> Vec<Code> {
    update.reasons.iter().map(|reason| reason.code()).collect()
}

pub fn note_codes(update: &UpdateVerdict) -> Vec<Code> {
    update.notes.iter().map(|note| note.code).collect()
}

#[track_caller]
pub fn passes(update: &UpdateVerdict) {
    assert_eq!(update.reasons, [], "{:#?}", update.notes);
}

#[track_caller]
pub fn refused(update: &UpdateVerdict, wanted: &[Code]) {
    assert_eq!(codes(update), wanted, "{:#?}", update.reasons);
    assert!(update.permit.is_none());
}

/// A statement that arrives under its own name and is sound.
pub fn arriving(statement: StatementFacts, signer: &str) -> UpdateFacts {
    let commit = statement.statement.commit;
    let id = "0123456789abcdef";
    UpdateFacts {
        refname: name(&format!("refs/relhook/statements/{commit}/{id}")),
        change: RefChange::Create { new: statement.tag },
        current: Current::Absent,
        subject: Subject::Statement(StatementOutcome::Read(ArrivingStatement {
            tag: statement.tag,
            commit_tree: Some(statement.statement.tree),
            statement: statement.statement,
            signer: statement.signer,
            tagger: Some(who(signer)),
            tagger_identity: format!("{signer} <{signer}@acme.example>"),
            claimed: at(-60),
            name_agrees: true,
            repository_agrees: true,
            withdrawn_signer: None,
            earlier: 0,
        })),
    }
}
