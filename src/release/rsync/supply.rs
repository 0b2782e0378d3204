//! Files that are read out of the repository before there is room for them on the line: while the host is still being
//! reached, and while others are under way.

use crate::release::sftp::{Parcel, Parcels, Ready, is_small};
use crate::release::{Content, ReleaseError, ReleaseFile, Source};
use crate::types::RepoPath;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::thread::{Scope, ScopedJoinHandle};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Sender, channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many small files are ready, and how many large ones.
const SMALL: usize = 64;
const LARGE: usize = 1;

/// How much of all files is in memory, ready or under way, in KiB. One that is larger is there alone.
const ROOM: u32 = 64 * 1024;

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
        let room = Arc::new(Semaphore::new(ROOM as usize));
        let begin = |errands: Vec<Errand<'env>>, ready| {
            let (sender, parcels) = channel(ready);
            let mut reading = Reading {
                git_dir,
                source: None,
                room: Arc::clone(&room),
                threads: threads.clone(),
            };
            let reader = scope.spawn(move || reading.all(&errands, &sender));
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

/// Reading, with what it needs.
struct Reading<'a> {
    git_dir: &'a Path,
    source: Option<Source>,
    room: Arc<Semaphore>,
    threads: Handle,
}

impl Reading<'_> {
    /// Reads the files, each when there is a place and room for it, as long as somebody takes them.
    fn all(&mut self, errands: &[Errand<'_>], sender: &Sender<Ready>) -> Contents {
        let mut contents = Contents::new();
        for (at, file) in errands {
            let Ok(place) = self.threads.block_on(sender.reserve()) else {
                break;
            };
            match self.one(at, file) {
                Ok((parcel, content, room)) => {
                    contents.insert(file.path.clone(), content);
                    place.send(Ok((parcel, room)));
                }
                Err(error) => {
                    place.send(Err(error));
                    break;
                }
            }
        }
        contents
    }

    fn one(
        &mut self,
        at: &str,
        file: &ReleaseFile,
    ) -> Result<(Parcel, Content, OwnedSemaphorePermit), ReleaseError> {
        let source = match &mut self.source {
            Some(source) => source,
            none => none.insert(Source::open(self.git_dir)?),
        };
        let size = u32::try_from(file.size.div_ceil(1024)).unwrap_or(ROOM);
        let room = Arc::clone(&self.room).acquire_many_owned(size.min(ROOM));
        let room = self.threads.block_on(room);
        let room = room.map_err(|error| ReleaseError::Objects(error.to_string()))?;
        let bytes = source.content(file)?;
        let content = Content::of(file, &bytes);
        let parcel = Parcel {
            at: at.to_owned(),
            kind: file.kind,
            bytes,
        };
        Ok((parcel, content, room))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::{FileKind, Origin};
    use git2::Repository;
    use std::thread;
    use tokio::runtime::Runtime;

    /// Files of a new repository, each of so many bytes of its own, and where that is.
    fn files(sizes: &[usize]) -> (tempfile::TempDir, Vec<(ReleaseFile, Vec<u8>)>) {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(folder.path()).unwrap();
        let files = sizes.iter().enumerate().map(|(at, size)| {
            let bytes = vec![u8::try_from(at % 251).unwrap(); *size];
            let blob = repository.blob(&bytes).unwrap().to_string();
            let file = ReleaseFile {
                path: RepoPath::new(format!("f{at}").into_bytes()),
                kind: FileKind::File,
                blob: blob.parse().unwrap(),
                size: *size as u64,
                origin: Origin::default(),
            };
            (file, bytes)
        });
        let files = files.collect();
        (folder, files)
    }

    fn errands(files: &[(ReleaseFile, Vec<u8>)]) -> Vec<Errand<'_>> {
        let files = files.iter();
        files
            .map(|(file, _)| (format!("there/{}", file.path), file))
            .collect()
    }

    #[test]
    fn every_file_is_read_once_with_what_it_holds() {
        let runtime = Runtime::new().unwrap();
        let sizes: Vec<usize> = (0..150).chain([300_000, 400_000, 500_000]).collect();
        let (folder, files) = files(&sizes);
        let mut arrived = Vec::new();
        let contents = thread::scope(|scope| {
            let errands = errands(&files);
            let supply = Supply::begin(scope, folder.path(), errands, runtime.handle());
            let Supply {
                mut large,
                mut small,
                readers,
            } = supply;
            for queue in [&mut large, &mut small] {
                while let Some(parcel) = queue.blocking_recv() {
                    let (parcel, _) = parcel.unwrap();
                    arrived.push((parcel.at, parcel.bytes));
                }
            }
            readers.end().unwrap()
        });
        arrived.sort();
        let named = files.iter();
        let mut wanted: Vec<(String, Vec<u8>)> = named
            .map(|(file, bytes)| (format!("there/{}", file.path), bytes.clone()))
            .collect();
        wanted.sort();
        assert!(arrived == wanted);
        for (file, bytes) in &files {
            assert_eq!(contents[&file.path], Content::of(file, bytes));
        }
        assert_eq!(contents.len(), files.len());
    }

    #[test]
    fn what_nobody_takes_is_not_read_to_its_end() {
        let runtime = Runtime::new().unwrap();
        let (folder, files) = files(&[9; 200]);
        let contents = thread::scope(|scope| {
            let errands = errands(&files);
            let supply = Supply::begin(scope, folder.path(), errands, runtime.handle());
            drop((supply.large, supply.small));
            supply.readers.end().unwrap()
        });
        assert!(contents.len() <= SMALL, "{}", contents.len());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_told_of_and_ends_it() {
        let runtime = Runtime::new().unwrap();
        let (folder, mut files) = files(&[1, 2, 3]);
        files[1].0.blob = "1234567890123456789012345678901234567890".parse().unwrap();
        thread::scope(|scope| {
            let errands = errands(&files);
            let mut supply = Supply::begin(scope, folder.path(), errands, runtime.handle());
            assert!(supply.small.blocking_recv().unwrap().is_ok());
            assert!(supply.small.blocking_recv().unwrap().is_err());
            assert!(supply.small.blocking_recv().is_none());
            assert_eq!(supply.readers.end().unwrap().len(), 1);
        });
    }

    #[test]
    fn no_more_is_in_memory_than_there_is_room_for() {
        let runtime = Runtime::new().unwrap();
        let size = ROOM as usize * 1024 / 2 - 1024;
        let (folder, files) = files(&[size, size, size]);
        thread::scope(|scope| {
            let errands = errands(&files);
            let mut supply = Supply::begin(scope, folder.path(), errands, runtime.handle());
            let first = supply.large.blocking_recv().unwrap().unwrap();
            let second = supply.large.blocking_recv().unwrap().unwrap();
            thread::sleep(std::time::Duration::from_millis(200));
            assert!(supply.large.try_recv().is_err(), "a third one was read");
            drop(first);
            assert!(supply.large.blocking_recv().unwrap().is_ok());
            drop(second);
            assert!(supply.large.blocking_recv().is_none());
        });
    }
}
