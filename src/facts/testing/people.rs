//! People with real keys, and what they sign.

use super::Repo;
use crate::facts::testing::name;
use crate::policy::Policy;
use crate::statement::{Decision, Particulars, Statement, StatementRef, compose, tag_name};
use crate::types::{Oid, RefName};
use ssh_key::{HashAlg, LineEnding, PrivateKey, private::Ed25519Keypair};

/// Somebody with an SSH key.
pub(in crate::facts) struct Signer {
    name: &'static str,
    key: PrivateKey,
}

impl Signer {
    pub(in crate::facts) fn new(name: &'static str) -> Self {
        let seed: Vec<u8> = name.bytes().cycle().take(32).collect();
        let pair = Ed25519Keypair::from_seed(&seed.try_into().unwrap());
        Self {
            name,
            key: PrivateKey::from(pair),
        }
    }

    fn public(&self) -> String {
        let line = self.key.public_key().to_openssh().unwrap();
        line.trim().to_owned()
    }

    fn ident(&self) -> String {
        format!("{0} <{0}@acme.example> 1700000000 +0000", self.name)
    }

    fn armor(&self, payload: &[u8]) -> String {
        let signature = self.key.sign("git", HashAlg::Sha512, payload).unwrap();
        signature.to_pem(LineEnding::LF).unwrap()
    }

    /// A signed commit by this person.
    pub(in crate::facts) fn commit(
        &self,
        repo: &Repo,
        tree: Oid,
        parents: &[Oid],
        message: &str,
    ) -> Oid {
        let mut head = format!("tree {tree}\n");
        for parent in parents {
            head.push_str(&format!("parent {parent}\n"));
        }
        let ident = self.ident();
        head.push_str(&format!("author {ident}\ncommitter {ident}\n"));
        let armor = self.armor(format!("{head}\n{message}\n").as_bytes());
        let folded = armor.trim_end().replace('\n', "\n ");
        let raw = format!("{head}gpgsig {folded}\n\n{message}\n");
        repo.raw("commit", raw.as_bytes())
    }

    /// A signed statement by this person: its tag and the name that it has to be stored under.
    pub(in crate::facts) fn states(&self, repo: &Repo, statement: &Statement) -> (Oid, RefName) {
        let message = compose(statement, "Looked at", "").unwrap();
        let payload = format!(
            "object {}\ntype commit\ntag {}\ntagger {}\n\n{message}",
            statement.commit,
            tag_name(statement),
            self.ident()
        );
        let armor = self.armor(payload.as_bytes());
        let raw = format!("{payload}{}\n", armor.trim_end());
        let oid = repo.raw("tag", raw.as_bytes());
        (
            oid,
            StatementRef::of(statement.commit, raw.as_bytes()).to_refname(),
        )
    }

    /// The same, stored.
    pub(in crate::facts) fn stores(&self, repo: &Repo, statement: &Statement) -> (Oid, RefName) {
        let (oid, name) = self.states(repo, statement);
        repo.set_ref(&name.to_string(), oid);
        (oid, name)
    }
}

impl Repo {
    /// An approval of `commit` for prod, compared with `base`.
    pub(in crate::facts) fn approval(&self, commit: Oid, base: Option<Oid>) -> Statement {
        let tree = self.git_oid(&["rev-parse", &format!("{commit}^{{tree}}")], b"");
        Statement {
            decision: Decision::Approve,
            repository: "acme/site".into(),
            refname: name("refs/heads/prod"),
            base,
            commit,
            tree,
            expires: None,
            checkpoint: None,
            stage: None,
            reason: None,
            particulars: Particulars::default(),
        }
    }
}

/// A policy for these tests: `prod` and `release/*` are protected; dana, bob and carol are its
/// people. `prod` is put behind the rule of `prod`.
pub(in crate::facts) fn policy(prod: &str) -> Policy {
    let yaml = policy_yaml(prod);
    Policy::parse(yaml.as_bytes(), "policy.yaml").unwrap_or_else(|errors| panic!("{errors}"))
}

/// Its text.
pub(in crate::facts) fn policy_yaml(prod: &str) -> String {
    let key = |name| Signer::new(name).public();
    format!(
        "version: 1
repository: acme/site
identity:
  source: none
people:
  dana:
    emails: [dana@acme.example, dana@home.example]
    keys:
      - {}
  bob:
    emails: [bob@acme.example]
    keys:
      - {}
  carol:
    emails: [carol@acme.example]
    keys:
      - {}
teams:
  all: [dana, bob, carol]
branches:
  refs/heads/prod:
    required: 1
    from: [all]
{prod}
  refs/heads/release/*:
    required: 1
    from: [all]
  refs/relhook/policy:
    required: 1
    from: [all]
",
        key("dana"),
        key("bob"),
        key("carol")
    )
}
