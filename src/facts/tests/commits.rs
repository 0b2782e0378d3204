//! Who is named in a commit, who signed it, who pushed it first, and what it adds.

use super::*;
use crate::facts::testing::name;
use crate::signature::SignatureProblem;
use crate::types::RepoPath;

fn claims(commit: &CommitFacts) -> Vec<(Role, &str, Option<&str>)> {
    let claims = commit.claims.iter();
    claims
        .map(|claim| {
            let owner = claim.owner.as_ref().map(PersonName::as_str);
            (claim.role, &*claim.identity, owner)
        })
        .collect()
}

#[test]
fn i_01_i_09_everybody_named_is_a_claim() {
    let repo = Repo::new();
    let tree = repo.tree(&[("a", "1")]);
    let message = "Title\n\nCo-authored-by: Bob <BOB@acme.example>\n\nlast words\n\
                   co-Authored-By: X <x@nowhere>\nSigned-off-by: Bob <BOB@acme.example>";
    let raw = format!(
        "tree {tree}\nauthor Dana <dana@home.example> 1 +0000\n\
         committer Mallory <m@nowhere> 2 +0000\n\n{message}\n"
    );
    let oid = repo.raw("commit", raw.as_bytes());
    let range = range(&repo, &Known::default(), oid);
    let [commit] = &range.commits[..] else {
        panic!("{range:?}");
    };
    assert_eq!(commit.title, "Title");
    assert_eq!(commit.signature, SignatureFact::Unsigned);
    assert_eq!(
        claims(commit),
        [
            (Role::Author, "Dana <dana@home.example>", Some("dana")),
            (Role::Committer, "Mallory <m@nowhere>", None),
            (Role::CoAuthor, "Bob <BOB@acme.example>", Some("bob")),
            (Role::CoAuthor, "X <x@nowhere>", None),
        ]
    );
}

#[test]
fn t_01_what_a_commit_says_is_escaped_and_cut() {
    let repo = Repo::new();
    let tree = repo.tree(&[]);
    let who = "A\x1b[31m <a@b> 1 +0000";
    let long = "\x1b".repeat(100);
    let raw = format!("tree {tree}\nauthor {who}\ncommitter {who}\n\n{long}\n");
    let oid = repo.raw("commit", raw.as_bytes());
    match outcome(&repo, &Known::default(), oid) {
        RangeOutcome::Range(range) => {
            let commit = &range.commits[0];
            assert!(commit.title.starts_with("\\x1b\\x1b"));
            assert!(commit.title.chars().count() <= 72);
            assert!(!commit.claims[0].identity.contains('\x1b'));
        }
        RangeOutcome::Fault(Fault::Malformed { why, .. }) => assert!(!why.contains('\x1b')),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_signature_names_the_owner_of_its_key() {
    let repo = Repo::new();
    let tree = repo.tree(&[("a", "1")]);
    let good = Signer::new("bob").commit(&repo, tree, &[], "signed");
    let stranger = Signer::new("mallory").commit(&repo, tree, &[good], "signed");
    let range = range(&repo, &Known::default(), stranger);
    match &range.commits[1].signature {
        SignatureFact::Good { person: who, .. } => assert_eq!(*who, person("bob")),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        range.commits[0].signature,
        SignatureFact::Refused(SignatureProblem::UnknownKey { .. })
    ));
}

#[test]
fn many_signatures_keep_their_commits() {
    let repo = Repo::new();
    let people = ["bob", "mallory", "carol", "dana"].map(Signer::new);
    let mut tip = root(&repo);
    let tree = repo.tree(&[("a", "1")]);
    for number in 0..120 {
        tip = people[number % 4].commit(&repo, tree, &[tip], &format!("{number}"));
    }
    let range = range(&repo, &Known::default(), tip);
    assert_eq!(range.commits.len(), 121);
    for commit in &range.commits {
        let signer = match &commit.signature {
            SignatureFact::Good { person, .. } => Some(person.as_str()),
            SignatureFact::Unsigned | SignatureFact::Refused(_) | SignatureFact::Machine { .. } => {
                None
            }
        };
        let author = commit.claims[0].owner.as_ref().map(PersonName::as_str);
        assert_eq!(signer, author);
    }
}

#[test]
fn what_a_commit_adds_and_approves() {
    let repo = Repo::new();
    let base = root(&repo);
    let change = next(&repo, base, "2");
    let message = "Yes\n\nRelhook-Approve: refs/heads/prod\nRelhook-Repository: acme/site";
    let tree = repo.tree(&[("a", "2")]);
    let approving = Signer::new("bob").commit(&repo, tree, &[change], message);
    let mut memory = approved(base);
    let seen = Timestamp::from_unix(5);
    memory.seen.insert(approving, seen);
    let range = range(&repo, &memory, approving);
    let [yes, change] = &range.commits[..] else {
        panic!("{range:?}");
    };
    assert_eq!(yes.content, Content::Empty);
    let says = yes.approving.as_ref().unwrap();
    assert_eq!(says.refname, name("refs/heads/prod"));
    assert_eq!(says.repository, "acme/site");
    assert_eq!(says.first_seen, Some(seen));
    let paths = vec![RepoPath::new(b"a".to_vec())];
    assert_eq!(change.content, Content::Adds(paths));
    assert_eq!(change.approving, None);
    assert_eq!(change.parents, [base]);
}

#[test]
fn a_commit_that_speaks_of_an_approval_in_another_form_is_malformed() {
    let repo = Repo::new();
    let message = "Yes\n\nRelhook-Approve: refs/heads/prod";
    let half = Signer::new("bob").commit(&repo, repo.tree(&[]), &[], message);
    assert!(matches!(
        fault(&repo, &Known::default(), half),
        Fault::Malformed { oid, .. } if oid == half
    ));
}

#[test]
fn i_12_p_16_the_first_pusher_is_told_only_of_what_arrives() {
    let main = Repo::new();
    let base = root(&main);
    let there = next(&main, base, "already there");
    let quarantine = Repo::new();
    let alternates = quarantine.path().join("objects/info/alternates");
    let line = format!("{}\n", main.path().join("objects").display());
    std::fs::write(alternates, line).unwrap();
    let arrives = next(&quarantine, there, "arrives");
    let first_pushers = |pusher: Pusher| -> Vec<Option<String>> {
        let store = quarantine.store().with_settled(main.path());
        let refname = name("refs/heads/prod");
        let updates = [(&refname, RefChange::Create { new: arrives })];
        let (policy, memory) = (policy(""), approved(base));
        let facts = gathered(&store, &policy, &memory, pusher, &updates);
        let Subject::Protected(RangeOutcome::Range(range)) = &facts.updates[0].subject else {
            panic!("{facts:?}");
        };
        assert_eq!(oids(range), [arrives, there]);
        let names = range
            .commits
            .iter()
            .map(|commit| commit.first_pushers.people.first());
        names.map(|name| name.map(ToString::to_string)).collect()
    };
    assert_eq!(
        first_pushers(Pusher::Person(person("carol"))),
        [Some("carol".to_owned()), None]
    );
    let login = "c".to_owned();
    assert_eq!(first_pushers(Pusher::Unknown { login }), [None, None]);
    assert_eq!(first_pushers(Pusher::NotAsked), [None, None]);
}

/// A ledger that knows nobody; by the time that it has answered, another push has got in.
struct Meanwhile<'a> {
    base: Oid,
    gets_in: &'a dyn Fn(),
}

impl Memory for Meanwhile<'_> {
    fn approved(&self, _: &RefName, _: Option<Oid>) -> Result<Option<Oid>, String> {
        Ok(Some(self.base))
    }

    fn first_seen(&self, _: Oid) -> Result<Option<Timestamp>, String> {
        Ok(None)
    }

    fn first_pushes(&self, _: &[Oid]) -> Result<HashMap<Oid, Vec<Arrival>>, String> {
        (self.gets_in)();
        Ok(HashMap::new())
    }
}

#[test]
fn p_16_what_another_push_brings_meanwhile_is_not_nobodys() {
    let main = Repo::new();
    let base = root(&main);
    let quarantine = Repo::new();
    let alternates = quarantine.path().join("objects/info/alternates");
    let line = format!("{}\n", main.path().join("objects").display());
    std::fs::write(alternates, line).unwrap();
    let arrives = next(&quarantine, base, "arrives");
    let bytes = quarantine.git(&["cat-file", "commit", &arrives.to_string()]);
    let gets_in = || assert_eq!(main.raw("commit", &bytes), arrives);
    let store = quarantine.store().with_settled(main.path());
    let refname = name("refs/heads/prod");
    let updates = [(&refname, RefChange::Create { new: arrives })];
    let memory = Meanwhile {
        base,
        gets_in: &gets_in,
    };
    let pusher = Pusher::Person(person("carol"));
    let facts = gathered(&store, &policy(""), &memory, pusher, &updates);
    let Subject::Protected(RangeOutcome::Range(range)) = &facts.updates[0].subject else {
        panic!("{facts:?}");
    };
    let pushers = &range.commits[0].first_pushers.people;
    assert_eq!(pushers.first().map(PersonName::as_str), Some("carol"));
}
