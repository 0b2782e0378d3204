//! Policies for the stories.

use super::keys::keys;
use std::collections::BTreeMap;
use std::path::Path;

/// A policy's text and its key files.
#[derive(Debug, Clone)]
pub struct PolicyText {
    /// `policy.yaml`.
    pub yaml: String,
    /// `keys/`.
    pub keys: BTreeMap<String, Vec<u8>>,
}

/// The rule for the policy's own branch.
const POLICY_RULE: &str = "  refs/relhook/policy:\n    required: 1\n    from: [admins]\n";

impl PolicyText {
    /// `prod` and `release/*` need one approval by a reviewer, the policy one by an admin.
    ///
    /// Developers are Dana and Dora (SSH); reviewers Rita (OpenPGP, and an SSH key), Remy (two SSH
    /// keys) and Vera (OpenPGP); admins Paul (OpenPGP) and Rita. Mallory is not in it.
    pub fn usual() -> Self {
        let yaml = format!(
            "version: 1\nrepository: acme/site\nidentity:\n  source: RELHOOK_USER\npeople:\n\
             {}\
             teams:\n  developers: [dana, dora]\n  reviewers: [rita, remy, vera]\n  admins: [paul, rita]\n\
             branches:\n\
             \x20 refs/heads/prod:\n    required: 1\n    from: [reviewers]\n\
             \x20 refs/heads/release/*:\n    required: 1\n    from: [reviewers]\n\
             {POLICY_RULE}",
            people()
        );
        let openpgp = ["rita", "paul", "vera"];
        let file = |name: &str| (format!("{name}.asc"), keys().openpgp_public(name));
        Self {
            yaml,
            keys: openpgp.into_iter().map(file).collect(),
        }
    }

    /// The same with a piece of its text replaced, which has to be there.
    #[track_caller]
    pub fn replacing(mut self, old: &str, new: &str) -> Self {
        assert!(self.yaml.contains(old), "{old} is not in\n{}", self.yaml);
        self.yaml = self.yaml.replace(old, new);
        self
    }

    /// The same with more demands under the rule for `prod`.
    pub fn prod(self, more: &str) -> Self {
        let rule = "  refs/heads/prod:\n";
        self.replacing(rule, &format!("{rule}    {more}\n"))
    }

    /// A policy's text without a rule for its own branch.
    pub fn without_admins(yaml: &str) -> String {
        yaml.replace(POLICY_RULE, "")
    }

    /// Writes `policy.yaml` and `keys/` into a folder.
    pub fn write(&self, dir: &Path) {
        std::fs::write(dir.join("policy.yaml"), &self.yaml).unwrap();
        for (name, bytes) in &self.keys {
            std::fs::write(dir.join("keys").join(name), bytes).unwrap();
        }
    }
}

fn people() -> String {
    let ssh = |name| keys().ssh_public(name);
    let openpgp = |name| format!("openpgp:{}", keys().fingerprint(name));
    let person = |name: &str, keys: &[String]| {
        let keys: String = keys.iter().map(|key| format!("      - {key}\n")).collect();
        format!(
            "  {name}:\n    emails: [{name}@acme.example]\n    logins: [{name}]\n    keys:\n{keys}"
        )
    };
    [
        person("dana", &[ssh("dana")]),
        person("dora", &[ssh("dora")]),
        person("rita", &[openpgp("rita"), ssh("rita-ssh")]),
        person("remy", &[ssh("remy"), ssh("remy-second")]),
        person("paul", &[openpgp("paul")]),
        person("vera", &[openpgp("vera")]),
    ]
    .concat()
}
