//! Keys as the policy writes them, and the names of key files.

use relhook::policy::{KeyFiles, Policy};
use relhook::signature::ssh_fingerprint;
use relhook::types::KeyFingerprint;

/// The policy and the signature room name an SSH key by the same fingerprint, whatever the line;
/// a key file's name that is taken is plain.
pub fn holds(data: &[u8]) {
    let mut files = KeyFiles::new();
    match files.insert(data, Vec::new()) {
        Ok(()) => {
            let name = std::str::from_utf8(data).expect("plain names are text");
            assert!(!name.starts_with('.') && !name.contains(['/', '\0', '\n', ' ']));
        }
        Err(error) => super::is_harmless(&error),
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let alone = ssh_fingerprint(text);
    if let Err(error) = &alone {
        super::is_harmless(error);
    }
    match Policy::parse(policy_with(text).as_bytes(), "policy.yaml") {
        Ok(policy) => {
            let keys: Vec<_> = policy.people.values().flat_map(|one| &one.keys).collect();
            if let [key @ KeyFingerprint::Ssh(_)] = keys.as_slice()
                && let Ok(alone) = &alone
            {
                assert_eq!(*key, alone);
            }
        }
        Err(errors) => {
            for line in errors.to_string().lines() {
                super::is_harmless(&line);
            }
        }
    }
}

/// A policy of one person with this key.
fn policy_with(key: &str) -> String {
    let key = serde_json::to_string(key).expect("text is JSON");
    format!(
        "version: 1\nrepository: acme/site\nidentity: {{source: none}}\npeople:\n  dana: {{name: \
         Dana, emails: [dana@acme.example], keys: [{key}]}}\nteams: {{all: [dana]}}\nbranches:\n  \
         refs/heads/prod: {{required: 1, from: [all]}}\n  refs/relhook/policy: {{required: 1, \
         from: [all]}}\n"
    )
}
