//! The policies of their days, each read once, with its keys ready for use.

use crate::facts::Store;
use crate::policy::{BranchRule, Bundle, Policy};
use crate::signature::Keyring;
use crate::types::{Oid, RefName};
use std::collections::HashMap;
use std::rc::Rc;
use tempfile::TempDir;

/// A policy and its keys.
pub(super) struct Loaded {
    pub policy: Policy,
    pub keyring: Keyring,
}

/// All that were asked for.
pub(super) struct Policies {
    /// Where GnuPG has the keys of each; gone afterwards.
    home: TempDir,
    known: HashMap<Oid, Result<Rc<Loaded>, String>>,
}

impl Policies {
    /// None yet.
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            home: TempDir::with_prefix("relhook-")?,
            known: HashMap::new(),
        })
    }

    /// The policy that a commit holds, or why it cannot be used.
    pub(super) fn at(&mut self, store: &Store, commit: Oid) -> Result<Rc<Loaded>, String> {
        if let Some(known) = self.known.get(&commit) {
            return known.clone();
        }
        let read = store.policy_at(commit).map_err(|error| error.to_string());
        let loaded = read.and_then(|bundle| self.load(&commit.to_string(), bundle).map(Rc::new));
        self.known.insert(commit, loaded.clone());
        loaded
    }

    /// A policy with its keys ready for use, in a folder of this name.
    pub(super) fn load(&self, folder: &str, bundle: Bundle) -> Result<Loaded, String> {
        let home = self.home.path().join(folder);
        let keyring = Keyring::build(&bundle.policy, &bundle.keys, &home);
        let keyring = keyring.map_err(|error| error.to_string())?;
        let policy = bundle.policy;
        Ok(Loaded { policy, keyring })
    }

    /// Whether that policy protects a ref; one that cannot be read is taken to.
    pub(super) fn protects(&mut self, store: &Store, commit: Oid, refname: &RefName) -> bool {
        match self.at(store, commit) {
            Ok(loaded) => loaded.policy.protects(refname),
            Err(_) => true,
        }
    }

    /// What that policy demands of a ref, as text that is another where a demand is: what it is released
    /// to is none.
    pub(super) fn rules(&mut self, store: &Store, commit: Oid, refname: &RefName) -> String {
        let Ok(loaded) = self.at(store, commit) else {
            return format!("{commit} cannot be used");
        };
        let rules = loaded.policy.rules_for(refname).into_iter();
        let rules = rules.map(|rule| BranchRule {
            release: Vec::new(),
            baseline: None,
            ..rule.clone()
        });
        format!("{:?}", rules.collect::<Vec<_>>())
    }

    /// Whether any rule of that policy for a ref only warns.
    pub(super) fn only_warn(&mut self, store: &Store, commit: Oid, refname: &RefName) -> bool {
        self.at(store, commit).is_ok_and(|loaded| {
            let rules = loaded.policy.rules_for(refname);
            rules.iter().any(|rule| rule.only_warns())
        })
    }

    /// Where that policy has judging of a ref begin, if it says so.
    pub(super) fn baseline(
        &mut self,
        store: &Store,
        commit: Oid,
        refname: &RefName,
    ) -> Option<Oid> {
        let loaded = self.at(store, commit).ok()?;
        let rules = loaded.policy.rules_for(refname);
        rules.first().and_then(|rule| rule.baseline)
    }
}
