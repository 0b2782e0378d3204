//! Who sits at the keyboard, as far as the policy knows them: an assumption, and shown as one.

use super::{ClientError, Git};
use crate::policy::Policy;
use crate::signature::ssh_fingerprint;
use crate::types::{KeyFingerprint, PersonName, escape};
use std::path::Path;

/// Who is taken to push or to sign, and what speaks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumed {
    /// The person; nobody whom the policy knows, if absent.
    pub person: Option<PersonName>,
    /// What it was told from.
    pub because: String,
}

/// The largest public key file that is read, in bytes.
const MAX_KEY_FILE: u64 = 16 << 10;

impl Assumed {
    /// The person of this name.
    ///
    /// # Errors
    /// When the policy has nobody of that name.
    pub fn named(policy: &Policy, name: &str) -> Result<Self, ClientError> {
        let person = PersonName::new(name);
        if policy.people.contains_key(&person) {
            return Ok(Self {
                person: Some(person),
                because: "as you asked".into(),
            });
        }
        let known: Vec<String> = policy.people.keys().map(ToString::to_string).collect();
        Err(ClientError::Person {
            shown: escape(name.as_bytes()),
            known: known.join(", "),
        })
    }

    /// The owner of the signing key that git is configured with, or else of the address.
    ///
    /// # Errors
    /// When git cannot be asked.
    pub fn configured(git: &Git, policy: &Policy) -> Result<Self, ClientError> {
        let key = git.maybe(&["config", "user.signingKey"])?;
        let format = git.maybe(&["config", "gpg.format"])?;
        if let Some(key) = key.filter(|key| !key.is_empty()) {
            let ssh = format.as_deref() == Some(b"ssh");
            let owner = if ssh {
                let path = git.maybe(&["config", "--type=path", "user.signingKey"])?;
                ssh_owner(policy, &key, path.as_deref().unwrap_or(&key))
            } else {
                hex_owner(policy, &key)
            };
            if owner.is_some() {
                return Ok(Self {
                    person: owner,
                    because: "by the signing key in git's settings".into(),
                });
            }
        }
        let email = git.maybe(&["config", "user.email"])?.unwrap_or_default();
        let owner = policy.owner_of_email(&email);
        Ok(Self {
            person: owner.map(|person| person.name.clone()),
            because: match owner {
                Some(_) => "by user.email in git's settings".into(),
                None => format!("`{}` is nobody in the policy", escape(&email)),
            },
        })
    }
}

/// Whose key an SSH signing key is: literal, or a file that may be the private one beside it.
fn ssh_owner(policy: &Policy, literal: &[u8], path: &[u8]) -> Option<PersonName> {
    let text = std::str::from_utf8(literal).ok()?;
    let text = text.strip_prefix("key::").unwrap_or(text);
    let key = ssh_fingerprint(text.trim()).ok().or_else(|| {
        let path = std::str::from_utf8(path).ok()?;
        from_file(Path::new(&format!("{path}.pub"))).or_else(|| from_file(Path::new(path)))
    })?;
    policy.owner_of_key(&key).map(|person| person.name.clone())
}

/// The key in a `.pub` file; a private key has no such line and is never kept.
fn from_file(path: &Path) -> Option<KeyFingerprint> {
    use std::io::Read;
    let mut text = String::new();
    let file = std::fs::File::open(path).ok()?;
    file.take(MAX_KEY_FILE).read_to_string(&mut text).ok()?;
    ssh_fingerprint(text.lines().next()?.trim()).ok()
}

/// Whose key an OpenPGP or X.509 key id is: a whole fingerprint or its end, of the primary key.
fn hex_owner(policy: &Policy, id: &[u8]) -> Option<PersonName> {
    let text = std::str::from_utf8(id).ok()?.trim_end_matches('!');
    let text = text.strip_prefix("0x").unwrap_or(text);
    let text: String = text.chars().filter(|ch| *ch != ' ').collect();
    let text = text.to_ascii_uppercase();
    let is_id = text.len() >= 16 && text.chars().all(|ch| ch.is_ascii_hexdigit());
    let matches = |key: &KeyFingerprint| match key {
        KeyFingerprint::OpenPgp(hex) | KeyFingerprint::X509(hex) => hex.ends_with(&text),
        KeyFingerprint::Ssh(_) => false,
    };
    let mut owners = policy
        .people
        .values()
        .filter(|person| is_id && person.keys.iter().any(matches));
    match (owners.next(), owners.next()) {
        (Some(person), None) => Some(person.name.clone()),
        (None, _) | (Some(_), Some(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DANA: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4DjNAYlFb5yzmNkAsJXeNEZ6mFGbb4lB2b2HyQeNdn";

    fn policy() -> Policy {
        let yaml = format!(
            "version: 1\nrepository: acme/site\npeople:\n\
             \x20 dana:\n    emails: [dana@acme.example]\n    keys: [\"{DANA}\"]\n\
             \x20 rita:\n    emails: [rita@acme.example]\n    keys: [\"openpgp:{}\"]\n\
             teams:\n  all: [dana, rita]\nbranches:\n  refs/heads/prod:\n    required: 1\n    from: [all]\n\
             \x20 refs/relhook/policy:\n    required: 1\n    from: [all]\n",
            "AB".repeat(20)
        );
        Policy::parse(yaml.as_bytes(), "policy.yaml").unwrap()
    }

    #[test]
    fn a_key_id_stands_for_its_only_owner() {
        let policy = policy();
        let rita = Some(PersonName::new("rita"));
        for id in ["ab".repeat(20), format!("0x{}!", "AB".repeat(8))] {
            assert_eq!(hex_owner(&policy, id.as_bytes()), rita, "{id}");
        }
        for id in ["ABABABAB", "", "Rita", &"CD".repeat(20)] {
            assert_eq!(hex_owner(&policy, id.as_bytes()), None, "{id}");
        }
    }

    #[test]
    fn an_ssh_key_is_literal_or_a_file_and_its_private_half_is_never_needed() {
        let policy = policy();
        let dana = Some(PersonName::new("dana"));
        let literal = format!("key::{DANA}");
        assert_eq!(ssh_owner(&policy, literal.as_bytes(), b""), dana);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("id");
        std::fs::write(dir.path().join("id.pub"), format!("{DANA} dana@laptop\n")).unwrap();
        let path = file.to_str().unwrap().as_bytes();
        assert_eq!(ssh_owner(&policy, path, path), dana);
        let public = [path, b".pub"].concat();
        assert_eq!(ssh_owner(&policy, &public, &public), dana);
    }

    #[test]
    fn somebody_else_is_only_whom_the_policy_knows() {
        let error = Assumed::named(&policy(), "danna").unwrap_err().to_string();
        assert!(error.contains("dana, rita"), "{error}");
    }
}
