//! One suite that every kind of target passes against its real server: the same guarantees, each
//! asked in the same words.
//!
//! A [`Kind`] says what is its own: how its server is started, what the policy says of it, where a
//! visitor looks. Where it rightly differs, its [`Nature`] says so with the reason, and the
//! guarantees then ask for that instead.

mod cuts;
mod delta;
mod full;
mod kinds;
mod mishaps;
mod others;
mod record;
mod scene;
mod tree;

use crate::release_kit::{Bench, carry_out_apart, written};
use scene::Files;
use std::path::PathBuf;

/// A kind of target, with its server running.
pub trait Kind: Sized {
    /// In what it is not like all others.
    const NATURE: Nature;

    /// Starts a server that holds nothing.
    fn start() -> Self;

    /// The policy's lines for it, four spaces in.
    fn policy(&self) -> String;

    /// The lines of its credentials; `None` where it has none.
    fn account(&self) -> Option<String>;

    /// Credentials that the server does not take, and what of them is secret; or why there are none.
    fn wrong_account(&self) -> Result<(String, String), &'static str>;

    /// The folder on the disk in which a visitor finds the release now.
    fn root(&self) -> PathBuf;

    /// The folder on the disk with everything that is the target's.
    fn whole(&self) -> PathBuf {
        self.root()
    }

    /// The folder on the disk whose disk is full when the server's is.
    fn disk(&self) -> PathBuf {
        self.whole()
    }

    /// What a visitor finds: every file with its content, directories ending in `/`.
    fn found(&self) -> Files {
        let mut found = scene::look(&self.root());
        found.retain(|name, _| {
            !scene::is_ours(name) && !scene::is_of_server(name) && !is_unseen::<Self>(name)
        });
        if Self::NATURE.empties != Has::Yes {
            scene::leave_out_empty_folders(&mut found);
        }
        found
    }

    /// Everything that is there.
    fn all(&self) -> Files {
        scene::look(&self.whole())
    }

    /// What relhook keeps for itself there.
    fn own(&self) -> Vec<String> {
        let all = self.all().into_keys();
        all.filter(|name| scene::is_ours(name)).collect()
    }

    /// Somebody puts a file beside those that are released.
    fn put(&self, path: &str, content: &str) {
        scene::write(&self.whole().join(path), content);
        self.settle();
    }

    /// A file that somebody has put there.
    fn theirs(&self, path: &str) -> Option<String> {
        self.all().remove(path)
    }

    /// Somebody changes a released file, or makes one beside it.
    fn alter(&self, path: &str, content: &str) {
        scene::write(&self.root().join(path), content);
        self.settle();
    }

    /// Somebody removes a released file.
    fn remove(&self, path: &str) {
        std::fs::remove_file(self.root().join(path)).unwrap();
        self.settle();
    }

    /// Somebody puts in the way what [`Obstacle`] says.
    fn obstruct(&self) {
        self.put("shop/page", "theirs");
    }

    /// Somebody changes the record of the last release.
    fn edit_record(&self, bench: &Bench, edit: &dyn Fn(&str) -> String) {
        let path = self.record(bench);
        let text = std::fs::read_to_string(&path).unwrap();
        let edited = edit(&text);
        assert_ne!(text, edited);
        std::fs::write(&path, edited).unwrap();
        self.settle();
    }

    /// Where that record is.
    fn record(&self, _bench: &Bench) -> PathBuf {
        self.whole().join(relhook::release::MANIFEST_NAME)
    }

    /// What was done on the disk is made the server's own.
    fn settle(&self) {}

    /// How many files the server was sent so far, its record of the release included; or why that
    /// cannot be told.
    fn sent(&self) -> Result<usize, &'static str>;

    /// What is different after a file was written again; or why that cannot be told.
    fn identity(&self, path: &str) -> Result<String, &'static str> {
        use std::os::unix::fs::MetadataExt;
        let meta = std::fs::metadata(self.root().join(path)).unwrap();
        Ok(format!(
            "{} {}.{}",
            meta.ino(),
            meta.mtime(),
            meta.mtime_nsec()
        ))
    }

    /// The server goes away, with all its connections.
    fn leaves(&mut self);

    /// It comes back.
    fn returns(&mut self);
}

/// In what a kind of target is like the others, or not.
pub struct Nature {
    /// Whether it has folders.
    pub folders: Has,
    /// Whether a folder of a release goes when nothing is in it any more.
    pub empties: Has,
    /// What a visitor sees while a release is under way.
    pub shows: Shows,
    /// Where the files of others are.
    pub others: Others,
    /// What stops a first release.
    pub obstacle: Obstacle,
    /// Whether it can be looked at between releases.
    pub looks: Has,
    /// Whether there is a server that can go away.
    pub server: Has,
    /// A name that it cannot hold.
    pub unholdable: &'static [u8],
}

/// Whether a kind has something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Has {
    Yes,
    /// It does not, because.
    No(&'static str),
}

/// What a visitor sees while a release is under way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// The old release or the new one.
    AtOnce,
    /// File after file, each the old one or the new one.
    FileByFile,
}

/// Where the files of others are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// Among the released ones.
    Among,
    /// Beside the release, which has a place of its own, because.
    Beside(&'static str),
}

/// What stops a first release.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// A file at a path of the release, which the refusal names.
    File,
    /// Something else, with this code, because.
    Another(u16, &'static str),
    /// Nothing, because.
    Nothing(&'static str),
}

/// Whether a visitor does not see this: a folder where there are none.
fn is_unseen<K: Kind>(name: &str) -> bool {
    name.ends_with('/') && K::NATURE.folders != Has::Yes
}

/// Not a test: the process that other tests kill.
#[test]
#[ignore = "started by other tests, in a process that they kill"]
fn apart() {
    carry_out_apart(|variable| written(&variable("_TARGET")));
}

/// Makes a module of tests for each kind: each guarantee asked of it.
macro_rules! conform {
    ($($(#[$about:meta])* $name:ident: $kind:ty,)*) => {$(
        $(#[$about])*
        mod $name {
            use crate::conformance::{delta, kinds, mishaps, others, record, tree};

            guarantee!($kind, tree, exactly_the_tree_arrives);
            guarantee!($kind, tree, a_file_becomes_a_folder_and_back);
            guarantee!($kind, tree, u_01_u_02_what_it_cannot_hold_is_refused_unasked);
            guarantee!($kind, delta, u_22_only_what_differs_travels);
            guarantee!($kind, delta, u_22_a_large_release_changes_in_little);
            guarantee!($kind, delta, the_same_release_again_does_nothing);
            guarantee!($kind, delta, what_is_not_wanted_any_more_goes);
            guarantee!($kind, others, u_08_files_of_others_are_left_alone);
            guarantee!($kind, others, u_08_one_in_the_way_stays_until_told);
            guarantee!($kind, others, u_08_hidden_files_of_others_are_never_lost);
            guarantee!($kind, others, u_09_what_somebody_changed_is_found);
            guarantee!($kind, others, u_12_wrong_credentials_are_refused_and_not_shown);
            guarantee!($kind, record, a_record_that_somebody_changed_is_refused);
            guarantee!($kind, record, r_13_an_earlier_release_is_refused_unless_chosen);
            guarantee!($kind, mishaps, d_08_u_07_a_release_that_is_killed_is_carried_on);
            guarantee!($kind, mishaps, u_07_a_server_that_goes_away_finds_the_next_run_ready);
        }
    )*};
}

macro_rules! guarantee {
    ($kind:ty, $topic:ident, $name:ident) => {
        #[test]
        fn $name() {
            $topic::$name::<$kind>();
        }
    };
}

conform! {
    dir: kinds::folder::Dir,
    command: kinds::folder::Program,
    ftp: kinds::ftp::Plain,
    ftps_explicit: kinds::ftp::Explicit,
    ftps_implicit: kinds::ftp::Implicit,
    proftpd: kinds::ftp::Pro,
    pureftpd: kinds::ftp::Pure,
    sftp: kinds::ssh::Sftp<false>,
    sftp_compressed: kinds::ssh::Sftp<true>,
    rsync: kinds::ssh::Rsync<false>,
    rsync_compressed: kinds::ssh::Rsync<true>,
    s3: kinds::web::Bucket,
    s3_pointer: kinds::web::Pointer,
    webdav_nginx: kinds::web::Nginx,
    webdav_apache: kinds::web::Apache,
    svn: kinds::svn::Svn,
}
