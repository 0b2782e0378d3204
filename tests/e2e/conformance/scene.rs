//! A repository and a target of some kind, and what the guarantees ask of the two.

use super::{Has, Kind, Others, Shows};
use crate::common::ftpd::{authority, certificates};
use crate::release_kit::{Bench, Log, release, released, written};
use relhook::release::{Adoption, Order, Outcome, ReleaseError, Totals};
use relhook::types::Oid;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

/// Paths with their content; directories end in `/`.
pub type Files = BTreeMap<String, String>;

/// A repository and a target of some kind.
pub struct Scene<K> {
    pub bench: Bench,
    pub kind: K,
    sequence: u64,
    /// The port of a relay in front of the server, and the server's own.
    relay: Option<(u16, u16)>,
    /// What others have put among the released files.
    theirs: Files,
}

impl<K: Kind> Scene<K> {
    pub fn new() -> Self {
        let scene = Self {
            bench: Bench::new(),
            kind: K::start(),
            sequence: 0,
            relay: None,
            theirs: Files::new(),
        };
        scene.logs_in();
        scene
    }

    /// From now on it goes through a relay to the server's port.
    pub fn goes_through(&mut self, relay: u16, server: u16) {
        self.relay = Some((relay, server));
    }

    /// The policy's lines for the target.
    fn policy(&self) -> String {
        let policy = self.kind.policy();
        match self.relay {
            None => policy,
            Some((relay, server)) => {
                policy.replace(&format!("port: {server}\n"), &format!("port: {relay}\n"))
            }
        }
    }

    /// Stores the credentials that the server takes.
    pub fn logs_in(&self) {
        if let Some(lines) = self.kind.account() {
            self.bench.account(&lines);
        }
    }

    /// An order for this commit, later than those before.
    pub fn order(&mut self, commit: Oid) -> Order {
        self.sequence += 1;
        let kind = written(&self.policy());
        let mut order = self.bench.order(kind, commit, self.sequence);
        order.ca = order.target.kind.ca().map(|_| authority("right"));
        order
    }

    /// An order for these files.
    pub fn ordered(&mut self, files: &[(&str, &str)]) -> Order {
        let commit = self.bench.commit(files);
        self.order(commit)
    }

    /// Releases these files, and finds them and what is others'.
    #[track_caller]
    pub fn arrives(&mut self, files: &[(&str, &str)]) -> Totals {
        let order = self.ordered(files);
        let totals = released(self.bench.release(&order));
        self.holds(files);
        totals
    }

    /// Somebody puts a file there.
    pub fn puts(&mut self, path: &str, content: &str) {
        self.kind.put(path, content);
        self.theirs.insert(path.to_owned(), content.to_owned());
    }

    /// What a visitor is to find of these files, beside what is others'.
    pub fn expected(&self, files: &[(&str, &str)]) -> Files {
        let theirs: Vec<(&str, &str)> = match K::NATURE.others {
            Others::Among => self.theirs.iter().map(|(a, b)| (&**a, &**b)).collect(),
            Others::Beside(_) => Vec::new(),
        };
        let mut all = Files::new();
        for (path, content) in files.iter().chain(&theirs) {
            if K::NATURE.folders == Has::Yes {
                let ends = path.match_indices('/').map(|(at, _)| at + 1);
                all.extend(ends.map(|end| (path[..end].to_owned(), String::new())));
            }
            all.insert((*path).to_owned(), (*content).to_owned());
        }
        all
    }

    /// Fails the test unless a visitor finds exactly these files and what is others'.
    #[track_caller]
    pub fn holds(&self, files: &[(&str, &str)]) {
        same(&self.kind.found(), &self.expected(files));
        for (path, content) in &self.theirs {
            assert_eq!(self.kind.theirs(path).as_ref(), Some(content), "{path}");
        }
    }

    /// Fails the test unless each file is wholly an old one or a new one.
    #[track_caller]
    pub fn holds_no_half(&self, old: &[(&str, &str)], new: &[(&str, &str)]) {
        let (found, old, new) = (self.settled(), self.expected(old), self.expected(new));
        match K::NATURE.shows {
            Shows::AtOnce => assert!(found == old || found == new, "{:?}", found.keys()),
            Shows::FileByFile => {
                for (path, content) in &found {
                    let whole = [&old, &new]
                        .iter()
                        .any(|all| all.get(path) == Some(content));
                    assert!(whole || path.ends_with('/'), "{path} is neither");
                }
            }
        }
    }

    /// What a visitor finds when what a killed run left at work has come to its end.
    fn settled(&self) -> Files {
        let mut found = self.kind.found();
        for _ in 0..100 {
            std::thread::sleep(Duration::from_millis(50));
            let again = self.kind.found();
            if again == found {
                break;
            }
            found = again;
        }
        found
    }

    pub fn release(&self, order: &Order) -> Result<Outcome, ReleaseError> {
        self.bench.release(order)
    }

    pub fn adopts(&self, order: &Order) -> Result<Outcome, ReleaseError> {
        let log = &mut Log::default();
        self.bench.release_with(order, Adoption::Adopt, log)
    }

    /// Starts to carry an order out in a process of its own.
    pub fn starts(&self, order: &Order) -> Child {
        let ca = certificates().join("right.pem");
        let policy = self.policy();
        let mut more = vec![("RELHOOK_APART_TARGET", policy.as_str())];
        if order.ca.is_some() {
            more.push(("RELHOOK_APART_CA", ca.to_str().unwrap()));
        }
        self.bench.release_in("conformance::apart", order, &more)
    }

    /// Starts to carry an order out in a thread.
    pub fn runs(&self, order: &Order) -> std::thread::JoinHandle<Result<Outcome, ReleaseError>> {
        let (order, git_dir) = (order.clone(), self.bench.git_dir());
        std::thread::spawn(move || release(&git_dir, &order, Adoption::Refuse, &mut Log::default()))
    }
}

/// Fails the test unless both are the same, and says what is not without showing long contents.
#[track_caller]
pub fn same(found: &Files, expected: &Files) {
    let (have, want) = (found.keys(), expected.keys());
    assert_eq!(have.collect::<Vec<_>>(), want.collect::<Vec<_>>());
    for (path, content) in expected {
        let found = &found[path];
        assert!(found == content, "{path}: {} bytes", found.len());
    }
}

/// Everything below a folder, as [`crate::release_kit::tree`] gives it. What goes away meanwhile is
/// left out: a server may still be at what a killed run asked of it.
pub fn look(root: &Path) -> Files {
    let mut found = Files::new();
    let mut folders = vec![String::new()];
    while let Some(at) = folders.pop() {
        let Ok(entries) = fs::read_dir(root.join(&at)) else {
            continue;
        };
        for entry in entries.flatten() {
            let name = format!("{at}{}", entry.file_name().to_string_lossy());
            if let Ok(target) = fs::read_link(entry.path()) {
                found.insert(name, format!("-> {}", target.display()));
            } else if entry.path().is_dir() {
                found.insert(format!("{name}/"), String::new());
                folders.push(format!("{name}/"));
            } else if let Ok(bytes) = fs::read(entry.path()) {
                found.insert(name, String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }
    found
}

/// Leaves out the folders that hold no file.
pub fn leave_out_empty_folders(found: &mut Files) {
    let files: Vec<String> = found
        .keys()
        .filter(|name| !name.ends_with('/'))
        .cloned()
        .collect();
    found.retain(|name, _| {
        !name.ends_with('/') || files.iter().any(|file| file.starts_with(name.as_str()))
    });
}

/// What servers name their own files while they write them, and leave behind when they are ended.
const OF_SERVERS: [&str; 3] = [".rclone_temp_", ".davfs.tmp", ".pureftpd-upload."];

/// Whether a path is a server's own.
pub fn is_of_server(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    OF_SERVERS.iter().any(|own| name.starts_with(own))
}

/// Whether a path is relhook's own.
pub fn is_ours(path: &str) -> bool {
    path.split('/').any(|name| name.starts_with(".relhook-"))
}

/// A path in which numbers do not count: those of releases, which differ between two runs.
pub fn unnumbered(path: &str) -> String {
    let mut plain = String::new();
    for ch in path.chars() {
        match ch.is_ascii_digit() {
            true if plain.ends_with('#') => {}
            true => plain.push('#'),
            false => plain.push(ch),
        }
    }
    plain
}

/// Writes a file, and the folders that it is in.
pub fn write(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}
