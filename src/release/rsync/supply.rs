//! Files that are read out of the repository before there is room for them on the line: while the host is still being
//! reached, and while others are under way.

use crate::release::sftp::{Parcel, Parcels, is_small};
use crate::release::{Content, ReleaseError, ReleaseFile, Source};
use crate::types::RepoPath;
use std::collections::BTreeMap;
use std::path::Path;
use std::thread::{Scope, ScopedJoinHandle};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Sender, channel};

/// How many small files are ready.
const SMALL: usize = 64;
/// How many large ones are. All of it is in memory, as is the one that is being sent.
const LARGE: usize = 1;

/// A file, and where it is to wait on the host.
pub(super) type Errand<'a> = (String, &'a ReleaseFile);

/// What the files hold that were read.
type Contents = BTreeMap<RepoPath, Content>;

/// Files on their way out of the repository. Nothing more is read when nobody takes them.
pub(super) struct Supply<'scope> {
    pub(super) large: Parcels,
    pub(super) small: Parcels,
    pub(super) readers: Readers<'scope>,
}

/// Those who read them.
pub(super) struct Readers<'scope>([ScopedJoinHandle<'scope, Contents>; 2]);

impl<'scope> Supply<'scope> {
    /// Begins to read.
    pub(super) fn begin<'env>(
        scope: &'scope Scope<'scope, 'env>,
        git_dir: &'env Path,
        errands: Vec<Errand<'env>>,
        threads: &Handle,
    ) -> Self {
        let errands = errands.into_iter();
        let (small, large) = errands.partition(|(_, file)| is_small(file.size));
        let begin = |errands: Vec<Errand<'env>>, ready| {
            let (sender, parcels) = channel(ready);
            let threads = threads.clone();
            let reader = scope.spawn(move || read(git_dir, &errands, &sender, &threads));
            (parcels, reader)
        };
        let (large, of_large) = begin(large, LARGE);
        let (small, of_small) = begin(small, SMALL);
        Self {
            large,
            small,
            readers: Readers([of_large, of_small]),
        }
    }
}

impl Readers<'_> {
    /// What each file holds, when all have been read.
    ///
    /// # Errors
    /// When a reader died.
    pub(super) fn end(self) -> Result<Contents, ReleaseError> {
        let mut all = Contents::new();
        for reader in self.0 {
            let contents = reader.join();
            all.extend(contents.map_err(|_| ReleaseError::Objects("a reader died".into()))?);
        }
        Ok(all)
    }
}

/// Reads the files, each when there is a place for it, as long as somebody takes them.
fn read(
    git_dir: &Path,
    errands: &[Errand<'_>],
    sender: &Sender<Result<Parcel, ReleaseError>>,
    threads: &Handle,
) -> Contents {
    let mut contents = Contents::new();
    let mut source = None;
    for (at, file) in errands {
        let Ok(place) = threads.block_on(sender.reserve()) else {
            break;
        };
        let parcel = parcel(git_dir, &mut source, at, file);
        let failed = parcel.is_err();
        place.send(parcel.map(|(parcel, content)| {
            contents.insert(file.path.clone(), content);
            parcel
        }));
        if failed {
            break;
        }
    }
    contents
}

fn parcel(
    git_dir: &Path,
    source: &mut Option<Source>,
    at: &str,
    file: &ReleaseFile,
) -> Result<(Parcel, Content), ReleaseError> {
    let source = match source {
        Some(source) => source,
        None => source.insert(Source::open(git_dir)?),
    };
    let bytes = source.content(file)?;
    let content = Content::of(file, &bytes);
    let parcel = Parcel {
        at: at.to_owned(),
        kind: file.kind,
        bytes,
    };
    Ok((parcel, content))
}
