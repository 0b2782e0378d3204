//! What is on the server's own machine: a directory, and a program that brings files to one.

use crate::common::write_program;
use crate::conformance::scene::{self, unnumbered};
use crate::conformance::{Has, Kind, Nature, Obstacle, Others, Shows};
use crate::release_kit::{Bench, SITE};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use tempfile::TempDir;

const NO_ACCOUNT: &str = "it is on the server's own machine";

/// `kind: dir`.
pub struct Dir {
    home: TempDir,
}

impl Kind for Dir {
    const NATURE: Nature = Nature {
        folders: Has::Yes,
        empties: Has::Yes,
        shows: Shows::AtOnce,
        others: Others::Beside("each release has a folder of its own"),
        obstacle: Obstacle::Another(620, "all that can be in the way is another `current`"),
        looks: Has::Yes,
        server: Has::No("it is on the server's own machine"),
        unholdable: b"a\x7fb",
    };

    fn start() -> Self {
        let home = tempfile::tempdir_in("/tmp").unwrap();
        fs::create_dir(home.path().join("www")).unwrap();
        Self { home }
    }

    fn policy(&self) -> String {
        let path = self.whole();
        format!("    kind: dir\n    path: {}\n    keep: 2\n", path.display())
    }

    fn account(&self) -> Option<String> {
        None
    }

    fn wrong_account(&self) -> Result<(String, String), &'static str> {
        Err(NO_ACCOUNT)
    }

    fn root(&self) -> PathBuf {
        let current = self.whole().join("current");
        // Another one is none of ours.
        match fs::read_link(&current).is_ok_and(|to| to.starts_with("releases")) {
            true => current,
            false => self.whole().join("none"),
        }
    }

    fn whole(&self) -> PathBuf {
        self.home.path().join("www")
    }

    fn own(&self) -> Vec<String> {
        let all = scene::look(&self.whole()).into_iter();
        let outer = all.filter(|(name, _)| name.trim_end_matches('/').matches('/').count() < 2);
        let own = outer.filter(|(name, _)| scene::is_ours(name) || name.starts_with("releases/"));
        own.map(|(name, _)| unnumbered(&name)).collect()
    }

    fn obstruct(&self) {
        symlink("/srv/elsewhere", self.whole().join("current")).unwrap();
    }

    fn record(&self, _bench: &Bench) -> PathBuf {
        let release = fs::read_link(self.whole().join("current")).unwrap();
        self.whole().join(release).with_extension("json")
    }

    fn sent(&self) -> Result<usize, &'static str> {
        Err("each release is written whole")
    }

    fn identity(&self, _path: &str) -> Result<String, &'static str> {
        Err("each release is written whole")
    }

    fn leaves(&mut self) {}

    fn returns(&mut self) {}
}

/// `kind: command`, with a program that keeps a folder and switches a link to it.
pub struct Program {
    home: TempDir,
}

impl Kind for Program {
    const NATURE: Nature = Nature {
        folders: Has::Yes,
        empties: Has::Yes,
        shows: Shows::AtOnce,
        others: Others::Beside("the program chooses where it brings a release"),
        obstacle: Obstacle::Nothing("what is in the way is for the program to say"),
        looks: Has::No("relhook does not know where its program brings files"),
        server: Has::No("its program is all that relhook speaks to"),
        unholdable: b"a\x7fb",
    };

    fn start() -> Self {
        let home = tempfile::tempdir_in("/tmp").unwrap();
        let out = home.path().join("out");
        fs::create_dir(&out).unwrap();
        let program = home.path().join("deploy");
        let script = format!(
            "#!/bin/sh\nset -e\ncd {}\nnow=$(readlink live || true)\n\
             for old in .v-*; do [ \"$old\" = \"$now\" ] || rm -rf \"$old\"; done\n\
             cp -r \"$RELHOOK_TREE\" .v-$$\nln -sfn .v-$$ .v-link\nmv -T .v-link live\n\
             [ -z \"$now\" ] || rm -rf \"$now\"\necho done\n",
            out.display()
        );
        write_program(&program, script);
        Self { home }
    }

    fn policy(&self) -> String {
        let program = self.home.path().join("deploy");
        format!("    kind: command\n    program: {}\n", program.display())
    }

    fn account(&self) -> Option<String> {
        None
    }

    fn wrong_account(&self) -> Result<(String, String), &'static str> {
        Err("what it needs to be let in where is the program's own business")
    }

    fn root(&self) -> PathBuf {
        self.whole().join("live")
    }

    fn whole(&self) -> PathBuf {
        self.home.path().join("out")
    }

    fn own(&self) -> Vec<String> {
        let all = scene::look(&self.whole()).into_keys();
        let outer = all.filter(|name| name.matches('/').count() < 2 && name.starts_with(".v-"));
        let folders = outer.filter(|name| name.trim_end_matches('/').matches('/').count() == 0);
        folders.map(|name| unnumbered(&name)).collect()
    }

    fn obstruct(&self) {}

    fn record(&self, bench: &Bench) -> PathBuf {
        bench
            .folder()
            .join("release")
            .join(SITE)
            .join("command.json")
    }

    fn sent(&self) -> Result<usize, &'static str> {
        Err("its program is given the whole tree")
    }

    fn identity(&self, _path: &str) -> Result<String, &'static str> {
        Err("its program is given the whole tree")
    }

    fn leaves(&mut self) {}

    fn returns(&mut self) {}
}
