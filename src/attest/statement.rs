//! What the statements say (in-toto Statement v1), as JSON. Pure.

use super::Level;
use crate::replay::Move;
use crate::types::{Oid, hex};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const SUMMARY: &str = "https://slsa.dev/verification_summary/v1";
/// The specification fixes no type for it; this is the one that the track's own tools read.
const PROVENANCE: &str =
    "https://github.com/slsa-framework/slsa-source-poc/source-provenance/v1-draft";

/// What the log does not say of an attestation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The repository's address; else one is made from its name.
    pub uri: Option<String>,
    /// Whether people are named.
    pub people: People,
}

/// Whether attestations name people, by the policy's names for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum People {
    /// They do not.
    #[default]
    Left,
    /// They do.
    Named,
}

/// What a pair of statements is about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The repository's name.
    pub repository: &'a str,
    /// What the log does not say.
    pub options: &'a Options,
    /// The move.
    pub one: &'a Move,
}

impl Subject<'_> {
    /// The verification summary.
    #[must_use]
    pub fn summary(&self, level: Level) -> Value {
        let uri = self.uri();
        let predicate = json!({
            "verifier": {
                "id": format!("{}#relhook", self.urn()),
            },
            "timeVerified": self.one.time,
            "resourceUri": uri,
            "policy": {
                "uri": format!("{uri}@refs/relhook/policy"),
                "digest": git_commit(self.one.policy),
            },
            "verificationResult": "PASSED",
            "verifiedLevels": [level.name()],
            "slsaVersion": "1.2",
        });
        self.statement(SUMMARY, predicate)
    }

    /// The source provenance.
    #[must_use]
    pub fn provenance(&self, level: Level) -> Value {
        let one = self.one;
        let mut predicate = json!({
            "prev_commit": one.old.map(|oid| oid.to_string()).unwrap_or_default(),
            "repo_uri": self.uri(),
            "activity_type": "push",
            "branch": one.refname.to_string(),
            "created_on": one.time,
            "controls": self.controls(level),
            "relhook": {
                "log": self.repository,
                "entry": one.seq,
                "policy": one.policy,
            },
        });
        if self.options.people == People::Named
            && let Some(fields) = predicate.as_object_mut()
        {
            if let Some(person) = &one.pushed_by {
                fields.insert("actor".into(), json!(person));
            }
            fields.insert("contributors".into(), json!(one.contributors));
            fields.insert("approved_by".into(), json!(one.approved_by));
        }
        self.statement(PROVENANCE, predicate)
    }

    /// The controls that held, and since when without a gap.
    fn controls(&self, level: Level) -> Vec<Value> {
        let names: &[&str] = match level {
            Level::One => &[],
            Level::Two => &["PROVENANCE_AVAILABLE"],
            Level::Three | Level::Four => &[
                "CONTINUITY_ENFORCED",
                "PROVENANCE_AVAILABLE",
                "REVIEW_ENFORCED",
                "POLICY_AVAILABLE",
            ],
        };
        let since = self.one.since;
        let control = |name: &&str| json!({ "name": name, "since": since });
        names.iter().map(control).collect()
    }

    fn statement(&self, kind: &str, predicate: Value) -> Value {
        let refs = [self.one.refname.to_string()];
        json!({
            "_type": STATEMENT,
            "subject": [{
                "digest": git_commit(self.one.new),
                // The specification's name for it, and the one that its tools read.
                "annotations": { "sourceRefs": refs, "source_refs": refs },
            }],
            "predicateType": kind,
            "predicate": predicate,
        })
    }

    fn uri(&self) -> String {
        self.options.uri.clone().unwrap_or_else(|| self.urn())
    }

    /// A name for the repository where it has no address.
    fn urn(&self) -> String {
        let mut urn = "urn:relhook:".to_owned();
        for byte in self.repository.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'/' => {
                    urn.push(char::from(byte));
                }
                other => urn += &format!("%{}", hex(&[other]).to_uppercase()),
            }
        }
        urn
    }
}

fn git_commit(oid: Oid) -> BTreeMap<&'static str, String> {
    [("gitCommit", oid.to_string())].into()
}
