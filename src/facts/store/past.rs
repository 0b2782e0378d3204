//! A repository as it was at an earlier moment, for whoever judges again what was judged then.

use super::Store;
use crate::facts::{Current, Fault};
use crate::types::{Oid, RefName};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What a repository was at an earlier moment. Its history is what it is now: nothing can be put in
/// front of a commit, and its id says what it holds.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// The refs that there were and that anybody asks for. No others were there.
    pub refs: BTreeMap<RefName, Oid>,
    /// The bytes of tags that may not be in the repository any more, by their ids.
    pub tags: HashMap<Oid, Vec<u8>>,
    /// The commits and tags that came with the push that was judged then.
    pub arriving: HashSet<Oid>,
}

impl Store {
    /// From now on the store is as it was then; without a moment, as it is.
    pub fn look_at(&mut self, past: Option<Past>) {
        self.past = past;
    }
}

impl Past {
    pub(super) fn current(&self, name: &RefName) -> Current {
        self.refs
            .get(name)
            .map_or(Current::Absent, |oid| Current::At(*oid))
    }

    /// As [`Store::refs_below`].
    pub(super) fn below(&self, prefix: &[u8], limit: usize) -> Result<Vec<(RefName, Oid)>, Fault> {
        let found = self.refs.iter();
        let found = found.filter(|(name, _)| name.as_bytes().starts_with(prefix));
        let found: Vec<_> = found.map(|(name, oid)| (name.clone(), *oid)).collect();
        match found.len() > limit {
            true => Err(super::refs::too_many(prefix, limit)),
            false => Ok(found),
        }
    }

    /// As [`Store::names_below`].
    pub(super) fn names_below(&self, prefix: &[u8]) -> HashSet<Vec<u8>> {
        let below = |name: &RefName| {
            let rest = name.as_bytes().strip_prefix(prefix)?;
            rest.split(|byte| *byte == b'/').next().map(<[u8]>::to_vec)
        };
        self.refs.keys().filter_map(below).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::testing::{Repo, name, nowhere};
    use crate::facts::{Current, Past};
    use crate::types::Oid;

    #[test]
    fn refs_and_tags_are_those_of_then_and_commits_those_of_now() {
        let repo = Repo::new();
        let commit = repo.commit(repo.tree(&[("a", "1")]), &[], 1, "one");
        repo.set_ref("refs/heads/now", commit);
        let raw = b"a tag that is gone".to_vec();
        let past = Past {
            refs: [
                (name("refs/heads/then"), commit),
                (name("refs/relhook/x/1"), commit),
                (name("refs/relhook/x/2"), commit),
                (name("refs/relhook/y/1"), commit),
            ]
            .into(),
            tags: [(nowhere(), raw.clone())].into(),
            arriving: [nowhere()].into(),
        };
        let mut store = repo.store();
        store.look_at(Some(past));
        let at = |ref_name: &str| store.current(&name(ref_name));
        assert_eq!(at("refs/heads/then"), Ok(Current::At(commit)));
        assert_eq!(at("refs/heads/now"), Ok(Current::Absent));
        assert_eq!(store.refs_below(b"refs/relhook/x/", 2).unwrap().len(), 2);
        assert!(store.refs_below(b"refs/relhook/x/", 1).is_err());
        let names = store.names_below(b"refs/relhook/", 9).unwrap();
        assert_eq!(names, [b"x".to_vec(), b"y".to_vec()].into());
        assert_eq!(store.tag_bytes(nowhere()).unwrap(), Ok(raw));
        let arrives = |oid: Oid| store.arrives(oid).unwrap();
        assert!(arrives(nowhere()) && !arrives(commit));
        assert!(store.commit_bytes(commit).is_ok());
        store.look_at(None);
        assert!(store.tag_bytes(nowhere()).is_err());
        let now = store.current(&name("refs/heads/now"));
        assert_eq!(now, Ok(Current::At(commit)));
    }
}
