//! A Subversion repository behind svnserve.

use super::ftp::{NATURE as SITE, account, wrong};
use crate::common::svnserve::{PASSWORD, Svnserve, USER};
use crate::conformance::cuts::Relayed;
use crate::conformance::scene::{self, Files};
use crate::conformance::{Kind, Nature, Shows};
use crate::release_kit::{Bench, tree};
use relhook::release::MANIFEST_NAME;
use std::path::PathBuf;

/// `kind: svn`.
pub struct Svn(Svnserve);

impl Kind for Svn {
    const NATURE: Nature = Nature {
        shows: Shows::AtOnce,
        ..SITE
    };

    fn start() -> Self {
        Self(Svnserve::start())
    }

    fn policy(&self) -> String {
        let port = self.0.port;
        format!("    kind: svn\n    url: svn://127.0.0.1/www\n    tls: none\n    port: {port}\n")
    }

    fn account(&self) -> Option<String> {
        Some(account(USER, PASSWORD))
    }

    fn wrong_account(&self) -> Result<(String, String), &'static str> {
        Ok(wrong(USER))
    }

    fn root(&self) -> PathBuf {
        self.0.export()
    }

    fn disk(&self) -> PathBuf {
        self.0.repository()
    }

    fn found(&self) -> Files {
        let mut all = self.all();
        all.retain(|name, _| !scene::is_ours(name));
        all
    }

    fn all(&self) -> Files {
        let export = self.0.export();
        let files = tree(&export);
        std::fs::remove_dir_all(export).unwrap();
        files
    }

    fn put(&self, path: &str, content: &str) {
        let file = self.0.file(content);
        let all = self.all();
        let ends = path.match_indices('/').map(|(at, _)| &path[..at]);
        let missing = ends.filter(|folder| !all.contains_key(&format!("{folder}/")));
        let mut words: Vec<&str> = missing.flat_map(|folder| ["mkdir", folder]).collect();
        words.extend(["put", &file, path]);
        self.0.commit(&words);
    }

    fn alter(&self, path: &str, content: &str) {
        self.put(path, content);
    }

    fn remove(&self, path: &str) {
        self.0.commit(&["rm", path]);
    }

    fn edit_record(&self, _bench: &Bench, edit: &dyn Fn(&str) -> String) {
        let text = self.all().remove(MANIFEST_NAME).unwrap();
        let edited = edit(&text);
        assert_ne!(text, edited);
        self.put(MANIFEST_NAME, &edited);
    }

    /// A release is a commit: the paths that it names.
    fn sent(&self) -> Result<usize, &'static str> {
        let revisions = 2..=self.0.revision();
        let logs = revisions.map(|revision| {
            let log = self.0.log(revision);
            let lines = log.lines().filter(|line| line.starts_with("   "));
            lines.count()
        });
        Ok(logs.sum())
    }

    fn identity(&self, path: &str) -> Result<String, &'static str> {
        Ok(self.0.changed_in(path))
    }

    fn leaves(&mut self) {
        self.0.stops();
    }

    fn returns(&mut self) {
        self.0.starts();
    }
}

impl Relayed for Svn {
    fn port(&self) -> u16 {
        self.0.port
    }
}
