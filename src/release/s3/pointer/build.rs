//! Making a release: its objects, looked at one by one, and its manifest.

use super::shelf::{folder, objects, record};
use super::{broken, clothes_of_records};
use crate::policy::Verify;
use crate::release::progress::Phase;
use crate::release::run::Job;
use crate::release::s3::store::Store;
use crate::release::site::{Objects, Pool};
use crate::release::{Content, Held, Holding, Plan, ReleaseError, ReleaseFile};
use crate::types::{Oid, RepoPath};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// A release at work.
pub(super) struct Build<'a> {
    job: &'a Job<'a>,
    place: &'a str,
    store: &'a Store,
    number: u64,
    /// Where content of the release before is, by its blob.
    before: BTreeMap<Oid, (String, Content)>,
    contents: Mutex<BTreeMap<RepoPath, Content>>,
}

/// Where content of the release before is, but for what somebody was seen to have changed.
fn before(
    held: &Holding,
    current: Option<u64>,
    suspects: &[RepoPath],
) -> BTreeMap<Oid, (String, Content)> {
    let Some(current) = current else {
        return BTreeMap::new();
    };
    let suspects: BTreeSet<&RepoPath> = suspects.iter().collect();
    let files = held.files.iter();
    let files = files.filter(|(path, _)| !suspects.contains(path));
    files
        .filter_map(|(path, held)| match held {
            Held::Known(content) => {
                let path = std::str::from_utf8(path.as_bytes()).ok()?;
                let at = format!("{}{path}", folder(current));
                Some((content.blob, (at, content.clone())))
            }
            Held::Uncertain => None,
        })
        .collect()
}

impl<'a> Build<'a> {
    /// Release `number`, after the one that counts, which holds `held`.
    pub(super) fn new(
        job: &'a Job<'a>,
        place: &'a str,
        store: &'a Store,
        number: u64,
        held: &Holding,
        current: Option<u64>,
    ) -> Self {
        Self {
            job,
            place,
            store,
            number,
            before: before(held, current, &job.suspects),
            contents: Mutex::default(),
        }
    }

    /// Makes the release, up to its manifest.
    pub(super) fn build(&self, pool: &mut Pool<'_>, plan: &Plan) -> Result<(), ReleaseError> {
        let store = self.store;
        let there = pool.first(|_| self.objects())?;
        let json = clothes_of_records();
        let files: Vec<&ReleaseFile> = self.job.listing.files.values().collect();
        self.job.progress.phase(Phase::Sending, files.len());
        pool.each(&files, &|_, source, file| {
            let content = self.bring(source, file, &there)?;
            let mut contents = self.contents.lock().map_err(died)?;
            contents.insert(file.path.clone(), content);
            self.job.progress.step();
            Ok(())
        })?;
        self.job.progress.phase(Phase::Checking, plan.puts.len());
        self.check(pool)?;
        let bytes = self.manifest()?;
        pool.first(|_| store.put(&store.key(&record(self.number)), &bytes, &json, &|_| {}))
    }

    /// A file's path below the target's prefix.
    fn at(&self, path: &RepoPath) -> Result<String, ReleaseError> {
        match std::str::from_utf8(path.as_bytes()) {
            Ok(text) => Ok(format!("{}{text}", folder(self.number))),
            Err(_) => Err(broken(
                self.place,
                format!("the path `{path}` is not UTF-8"),
            )),
        }
    }

    /// The objects of the release that are there, with their sizes.
    fn objects(&self) -> Result<BTreeMap<String, Option<u64>>, ReleaseError> {
        let prefix = self.store.key(&folder(self.number));
        objects(self.store, &prefix)
    }

    /// Brings one file: it is there already, or can be copied, or has to be sent. What the store had
    /// before is believed only as far as it can be looked at: somebody may have changed it.
    fn bring(
        &self,
        source: &Objects,
        file: &ReleaseFile,
        there: &BTreeMap<String, Option<u64>>,
    ) -> Result<Content, ReleaseError> {
        let (store, path) = (self.store, self.at(&file.path)?);
        let (key, depth) = (store.key(&path), self.job.order.target.care.verify);
        let is_here = |content: &Content| -> Result<bool, ReleaseError> {
            if there.get(&key) != Some(&Some(file.size)) {
                return Ok(false);
            }
            let stat = store.stat(&key)?;
            Ok(stat.is_some_and(|stat| stat.sha256.as_ref() == Some(&content.sha256)))
        };
        if let Some((from, content)) = self.before.get(&file.blob)
            && store.same_clothes(below_folder(from), below_folder(&path))
            && (is_here(content)? || store.copy(&store.key(from), &key, None)?)
            && store.holds(&key, content, depth)?
        {
            return Ok(content.clone());
        }
        let bytes = source.content(file)?;
        let content = Content::of(file, &bytes);
        if is_here(&content)? && store.holds(&key, &content, depth)? {
            return Ok(content);
        }
        let clothes = store.clothes(below_folder(&path), &bytes);
        store.put(&key, &bytes, &clothes, &|sent| self.job.progress.sent(sent))?;
        // The store has compared what it took with the sums that went with it.
        if depth == Verify::Deep && !store.holds(&key, &content, depth)? {
            return Err(ReleaseError::Altered {
                path: file.path.clone(),
                why: "it has another content".into(),
            });
        }
        Ok(content)
    }

    /// Compares what is there with what has to be, and removes what a killed run left over.
    fn check(&self, pool: &mut Pool<'_>) -> Result<(), ReleaseError> {
        let mut there = pool.first(|_| self.objects())?;
        for file in self.job.listing.files.values() {
            let found = there
                .remove(&self.store.key(&self.at(&file.path)?))
                .flatten();
            if found != Some(file.size) {
                return Err(ReleaseError::Damaged {
                    path: file.path.clone(),
                    found: found.map_or("nothing".into(), |size| size.to_string()),
                    expected: file.size,
                });
            }
        }
        let left: Vec<String> = there.into_keys().collect();
        pool.each(&left, &|_, _, key| self.store.delete(key))
    }

    fn manifest(&self) -> Result<Vec<u8>, ReleaseError> {
        let contents = self.contents.lock().map_err(died)?;
        self.job.record(&contents, &BTreeSet::new())
    }
}

fn died<T>(_: T) -> ReleaseError {
    ReleaseError::Objects("a connection's thread died".into())
}

/// The path in the release of a path in the bucket: what `headers` in the policy is about.
fn below_folder(path: &str) -> &str {
    path.splitn(3, '/').nth(2).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::below_folder;

    #[test]
    fn a_path_in_the_bucket_is_one_in_the_release() {
        assert_eq!(below_folder("releases/8/a/b"), "a/b");
    }
}
