//! The store as it was before a push: is an object there, whatever the push itself brings?
//!
//! A long range asks it of thousands of commits, nearly all of which are not there. The ids of files
//! of their own are listed then, and packs are asked here; libgit2, which looks for a file each time,
//! is asked only where that could leave something out.

use super::lazy::as_wanted;
use super::open::folders;
use super::packs::Packs;
use crate::types::{Oid, hex};
use git2::{Odb, OdbLookupFlags};
use std::cell::{OnceCell, RefCell};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Past so many questions about ids that begin alike, the files that do are listed.
const LISTING_PAYS: u8 = 4;
/// More names in one folder than this are not kept.
const MAX_NAMES: usize = 10_000;

/// The repository's objects, and those that git itself reads beside the quarantine. Were one left
/// out, old commits would look new.
pub(super) struct Settled {
    folders: Vec<PathBuf>,
    files: RefCell<Files>,
    /// Whether one of the folders borrows from others; asked once.
    borrows: OnceCell<bool>,
    opened: OnceCell<Odb<'static>>,
}

/// What is known of the files of their own, by the first byte of their ids.
type Files = Box<[Known; 256]>;

/// What is known of those whose ids begin alike.
#[derive(Debug, Clone)]
enum Known {
    /// Nothing: so many questions were answered by looking for one file.
    Asked(u8),
    /// All of them, sorted.
    Listed(Vec<Name>),
    /// They are too many, or cannot be listed.
    Not,
}

/// An id without its first byte.
type Name = [u8; 19];

impl Settled {
    /// That of these folders.
    pub(super) fn new(folders: Vec<PathBuf>) -> Self {
        Self {
            files: RefCell::new(nothing_known()),
            borrows: OnceCell::new(),
            opened: OnceCell::new(),
            folders,
        }
    }

    /// Whether it has an object: as a file of its own, or in a pack, when those were last looked at. The
    /// packs are those of the quarantine, which are left aside, and of the store's own folders.
    pub(super) fn has(&self, oid: Oid, packs: &RefCell<Packs>) -> Result<bool, String> {
        let file = self.has_file(oid.as_bytes());
        if file == Some(true) {
            return Ok(true);
        }
        let packed = packs.borrow_mut().has_behind_first(oid.as_bytes());
        match (file, packed) {
            (_, Some(true)) => Ok(true),
            (Some(false), Some(false)) if !self.borrows() => Ok(false),
            _ => {
                let id =
                    git2::Oid::from_bytes(oid.as_bytes()).map_err(|error| error.to_string())?;
                Ok(self.opened()?.exists_ext(id, OdbLookupFlags::NO_REFRESH))
            }
        }
    }

    /// Forgets which files were seen.
    pub(super) fn refresh(&self) -> Result<(), git2::Error> {
        *self.files.borrow_mut() = nothing_known();
        self.opened.get().map_or(Ok(()), Odb::refresh)
    }

    /// Whether there is a file for it; nothing where that cannot be told.
    fn has_file(&self, id: &[u8; 20]) -> Option<bool> {
        let (first, name) = id.split_first_chunk::<1>()?;
        let name: &Name = name.first_chunk()?;
        let mut files = self.files.borrow_mut();
        let known = files.get_mut(usize::from(first[0]))?;
        if let Known::Asked(times) = known {
            if *times < LISTING_PAYS {
                *times += 1;
            } else {
                *known = self.names(first[0]).map_or(Known::Not, Known::Listed);
            }
        }
        match known {
            Known::Listed(names) => Some(names.binary_search(name).is_ok()),
            Known::Asked(_) | Known::Not => self.sees_file(id),
        }
    }

    /// Looks for one file.
    fn sees_file(&self, id: &[u8; 20]) -> Option<bool> {
        let name = hex(id);
        let (folder, file) = name.split_at_checked(2)?;
        let below = format!("{folder}/{file}");
        for own in &self.folders {
            if own.join(&below).try_exists().ok()? {
                return Some(true);
            }
        }
        Some(false)
    }

    /// The files whose ids begin with this byte; nothing where they are too many, or cannot be seen.
    fn names(&self, first: u8) -> Option<Vec<Name>> {
        let mut names = Vec::new();
        for own in &self.folders {
            let entries = match std::fs::read_dir(own.join(hex(&[first]))) {
                Ok(entries) => entries,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(_) => return None,
            };
            for entry in entries {
                let name = entry.ok()?.file_name();
                // Git has files under way there too.
                names.extend(name_of(name.as_bytes()));
                if names.len() > MAX_NAMES {
                    return None;
                }
            }
        }
        names.sort_unstable();
        Some(names)
    }

    /// Whether objects of other places belong here too, or that cannot be told.
    fn borrows(&self) -> bool {
        *self.borrows.get_or_init(|| {
            let lists = self.folders.iter().map(|own| own.join("info/alternates"));
            let mut there = lists.map(|list| list.try_exists());
            there.any(|there| there.unwrap_or(true))
        })
    }

    fn opened(&self) -> Result<&Odb<'static>, String> {
        if self.opened.get().is_none() {
            as_wanted();
            let paths = self.folders.iter().map(|path| path.as_os_str().as_bytes());
            let _ = self.opened.set(folders(paths)?);
        }
        self.opened
            .get()
            .ok_or_else(|| "the objects were not opened".into())
    }
}

fn nothing_known() -> Files {
    Box::new(std::array::from_fn(|_| Known::Asked(0)))
}

/// An id's end, as the file's name tells it.
fn name_of(file: &[u8]) -> Option<Name> {
    // Whatever it begins with.
    let whole = [b"01", file].concat();
    let oid = Oid::from_hex(&whole).ok()?;
    oid.as_bytes().last_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::testing::{Dice, Repo};

    /// A settled store, and the packs of a push to it, whose quarantine is empty.
    struct Pushed {
        settled: Settled,
        packs: RefCell<Packs>,
    }

    impl Pushed {
        fn to(folders: Vec<PathBuf>) -> Self {
            let quarantine = PathBuf::from("/nonexistent");
            let all = std::iter::once(quarantine).chain(folders.clone());
            Self {
                packs: RefCell::new(Packs::new(all.collect())),
                settled: Settled::new(folders),
            }
        }

        fn has(&self, oid: Oid) -> Result<bool, String> {
            self.settled.has(oid, &self.packs)
        }
    }

    fn settled(repo: &Repo) -> Pushed {
        Pushed::to(vec![repo.path().join("objects")])
    }

    fn some_oid(dice: &mut Dice) -> Oid {
        let bytes: Vec<u8> = (0..20).map(|_| dice.roll(256) as u8).collect();
        Oid::from_bytes(&bytes).unwrap()
    }

    /// Enough for many whose ids begin alike.
    fn blobs(repo: &Repo, of: &str) -> Vec<Oid> {
        let inputs: String = (0..600)
            .map(|n| format!("blob\nmark :{}\ndata {}\n{of}{n:04}\n", n + 1, of.len() + 4))
            .collect();
        repo.git_with(
            &[
                "-c",
                "fastimport.unpackLimit=10000",
                "fast-import",
                "--quiet",
                "--export-marks=marks",
            ],
            inputs.as_bytes(),
        );
        let marks = std::fs::read_to_string(repo.path().join("marks")).unwrap();
        let oids = marks.lines().map(|line| line.split_once(' ').unwrap().1);
        oids.map(|oid| oid.parse().unwrap()).collect()
    }

    #[test]
    fn what_is_there_is_told_from_what_is_not_however_often_it_is_asked() {
        let mut dice = Dice(5);
        let repo = Repo::new();
        let packed = blobs(&repo, "packed");
        let ids: String = packed.iter().map(|oid| format!("{oid}\n")).collect();
        repo.git_with(&["pack-objects", "-q", "objects/pack/pack"], ids.as_bytes());
        repo.git(&["prune-packed"]);
        let loose = blobs(&repo, "loose");
        assert!(
            repo.path()
                .join(format!(
                    "objects/{}/{}",
                    &loose[0].to_string()[..2],
                    &loose[0].to_string()[2..]
                ))
                .exists()
        );
        let settled = settled(&repo);
        for _ in 0..3 {
            for (mine, other) in packed.iter().zip(&loose) {
                assert_eq!(settled.has(*mine), Ok(true));
                assert_eq!(settled.has(*other), Ok(true));
                assert_eq!(settled.has(some_oid(&mut dice)), Ok(false));
            }
        }
        assert!(settled.settled.opened.get().is_none(), "libgit2 was asked");
        let listed = settled.settled.files.borrow();
        assert!(listed.iter().all(|known| matches!(known, Known::Listed(_))));
    }

    #[test]
    fn i_12_what_a_push_brings_in_a_pack_is_not_in_the_store() {
        let (quarantine, own) = (Repo::new(), Repo::new());
        let brought = blobs(&quarantine, "brought");
        let ids: String = brought.iter().map(|oid| format!("{oid}\n")).collect();
        quarantine.git_with(&["pack-objects", "-q", "objects/pack/pack"], ids.as_bytes());
        let both = [&quarantine, &own].map(|repo| repo.path().join("objects"));
        let pushed = Pushed {
            settled: Settled::new(vec![both[1].clone()]),
            packs: RefCell::new(Packs::new(both.to_vec())),
        };
        for oid in &brought {
            // It was found there just before.
            let kind = pushed.packs.borrow_mut().kind(oid.as_bytes()).unwrap();
            assert_eq!(kind, Some(git2::ObjectType::Blob));
            assert_eq!(pushed.has(*oid), Ok(false));
        }
        assert!(pushed.settled.opened.get().is_none(), "libgit2 was asked");
    }

    #[test]
    fn what_came_since_is_seen_when_it_is_looked_at_anew() {
        let repo = Repo::new();
        let settled = settled(&repo);
        let mut dice = Dice(6);
        for _ in 0..5000 {
            assert_eq!(settled.has(some_oid(&mut dice)), Ok(false));
        }
        let loose = blobs(&repo, "later");
        assert_eq!(settled.has(loose[0]), Ok(false), "not looked at since");
        settled.packs.borrow_mut().look_again();
        settled.settled.refresh().unwrap();
        assert!(loose.iter().all(|oid| settled.has(*oid) == Ok(true)));
    }

    #[test]
    fn i_12_what_others_lend_and_what_is_unusual_is_asked_of_libgit2() {
        let mut dice = Dice(7);
        let (repo, lender) = (Repo::new(), Repo::new());
        let lent = blobs(&lender, "lent");
        let list = repo.path().join("objects/info/alternates");
        std::fs::create_dir_all(list.parent().unwrap()).unwrap();
        std::fs::write(&list, format!("{}/objects\n", lender.path().display())).unwrap();
        let over = settled(&repo);
        for oid in &lent {
            assert_eq!(over.has(*oid), Ok(true));
            assert_eq!(over.has(some_oid(&mut dice)), Ok(false));
        }
        // Beside the quarantine, as the environment names them.
        std::fs::remove_file(&list).unwrap();
        let both = [&repo, &lender].map(|repo| repo.path().join("objects"));
        let over = Pushed::to(both.to_vec());
        assert!(lent.iter().all(|oid| over.has(*oid) == Ok(true)));
        assert!(over.settled.opened.get().is_none());
        // An index of the first version.
        let ids: String = lent.iter().map(|oid| format!("{oid}\n")).collect();
        let pack = [
            "pack-objects",
            "-q",
            "--index-version=1",
            "objects/pack/pack",
        ];
        lender.git_with(&pack, ids.as_bytes());
        lender.git(&["prune-packed"]);
        let over = settled(&lender);
        assert!(lent.iter().all(|oid| over.has(*oid) == Ok(true)));
        assert!(over.settled.opened.get().is_some());
    }

    #[test]
    fn a_folder_that_cannot_be_listed_is_looked_at_file_by_file() {
        let repo = Repo::new();
        let loose = blobs(&repo, "loose");
        let name = loose[0].to_string();
        let folder = repo.path().join("objects").join(&name[..2]);
        for number in 0..=MAX_NAMES {
            std::fs::write(folder.join(format!("{number:038x}")), "").unwrap();
        }
        let settled = settled(&repo);
        for _ in 0..10 {
            assert_eq!(settled.has(loose[0]), Ok(true));
            assert_eq!(
                settled.has(format!("{}{}", &name[..2], "e".repeat(38)).parse().unwrap()),
                Ok(false)
            );
        }
        let first = usize::from(loose[0].as_bytes()[0]);
        assert!(matches!(settled.settled.files.borrow()[first], Known::Not));
    }
}
