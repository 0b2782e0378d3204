//! One server and its people, in a temporary folder that is gone afterwards.

use super::keys::{keys, stop_agent};
use super::run::{Ran, command, run};
use super::{PROD, Person, PolicyText, RELHOOK};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A server's repository and everybody's clones.
#[derive(Debug)]
pub struct World {
    root: TempDir,
    server: PathBuf,
    cloned: RefCell<BTreeSet<String>>,
    /// What stands before the server's programs, where they run in another account.
    account: RefCell<Vec<String>>,
}

impl Drop for World {
    fn drop(&mut self) {
        stop_agent(&self.gnupg());
    }
}

impl World {
    /// A server with the usual policy: `prod` needs one approval by a reviewer.
    pub fn new() -> Self {
        Self::with(&PolicyText::usual())
    }

    /// A server with this policy. `prod` holds one commit, taken as given.
    #[track_caller]
    pub fn with(policy: &PolicyText) -> Self {
        let world = Self::without_relhook();
        world.write_policy(policy);
        world
            .init(&["--policy", "policy.yaml", "--keys", "keys"])
            .assert_ok();
        world
    }

    /// A server's repository with one commit on `prod`, before relhook is installed.
    #[track_caller]
    pub fn without_relhook() -> Self {
        let world = Self::without_repository("server.git");
        let mut init = world.server_command("git");
        run(init
            .args(["init", "-q", "--bare", "-b", "prod"])
            .arg(world.server()))
        .assert_ok();
        world.seeds();
        world
    }

    /// Folders and keys; the bare repository is still to be made, under this path of the world.
    #[track_caller]
    pub fn without_repository(server: &str) -> Self {
        // The agent's socket needs a short path.
        let root = tempfile::Builder::new()
            .prefix("rh")
            .tempdir_in("/tmp")
            .unwrap();
        let world = Self {
            server: root.path().join(server),
            root,
            cloned: RefCell::default(),
            account: RefCell::default(),
        };
        keys().copy_home(&world.gnupg());
        for folder in ["home/server", "clone", "keys"] {
            std::fs::create_dir_all(world.path(folder)).unwrap();
        }
        world
    }

    /// One commit that was there before anybody was asked.
    #[track_caller]
    pub fn seeds(&self) {
        let server = |args: &[&str]| self.server_git(args).text();
        let tree = server(&["mktree", "--missing"]);
        let who = [
            "-c",
            "user.name=Long Ago",
            "-c",
            "user.email=long.ago@acme.example",
        ];
        let commit = server(&[&who[..], &["commit-tree", "-m", "before", &tree]].concat());
        server(&["update-ref", PROD, &commit]);
    }

    /// A path in the world's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The bare repository.
    pub fn server(&self) -> PathBuf {
        self.server.clone()
    }

    /// The GnuPG home with everybody's secret keys.
    pub fn gnupg(&self) -> PathBuf {
        self.path("gnupg")
    }

    /// Writes `policy.yaml` and `keys/` for `relhook init`.
    pub fn write_policy(&self, policy: &PolicyText) {
        policy.write(self.root.path());
    }

    /// Runs `relhook init` in the bare repository; paths are those of the world's folder.
    pub fn init(&self, args: &[&str]) -> Ran {
        let mut init = self.server_command(RELHOOK);
        init.current_dir(self.root.path());
        run(init
            .arg("--git-dir")
            .arg(self.server())
            .arg("init")
            .args(args))
    }

    /// Runs relhook on the server.
    pub fn relhook(&self, args: &[&str]) -> Ran {
        let mut relhook = self.server_command(RELHOOK);
        run(relhook.arg("--git-dir").arg(self.server()).args(args))
    }

    /// A program in the server's own account.
    pub fn server_command(&self, program: &str) -> Command {
        let home = self.path("home/server");
        let before = self.account.borrow();
        let Some((first, rest)) = before.split_first() else {
            return command(program, &home);
        };
        let mut command = command(first, &home);
        command.args(rest).arg(program);
        command
    }

    /// From now on the server's programs run behind this: `setpriv --reuid …`.
    pub fn server_runs_behind(&self, words: Vec<String>) {
        self.account.replace(words);
    }

    /// git in the bare repository, as the server's administrator.
    pub fn server_git(&self, args: &[&str]) -> Ran {
        let mut git = self.server_command("git");
        git.arg("--git-dir").arg(self.server());
        run(git.args(args))
    }

    /// What a ref of the server names.
    pub fn server_ref(&self, name: &str) -> Option<String> {
        let shown = self.server_git(&["rev-parse", "--verify", "-q", "--end-of-options", name]);
        (shown.code == 0).then(|| shown.text())
    }

    /// What all refs of the server name.
    pub fn server_tips(&self) -> BTreeSet<String> {
        let shown = self.server_git(&["for-each-ref", "--format=%(objectname)"]);
        shown.text().lines().map(str::to_owned).collect()
    }

    /// A person with a clone; made when first named.
    #[track_caller]
    pub fn person(&self, name: &'static str) -> Person<'_> {
        let person = Person::new(self, name);
        if self.cloned.borrow_mut().insert(name.to_owned()) {
            person.clones();
        }
        person
    }

    /// The audit log's entries, without those that tell which refs moved: they come when nobody waits.
    pub fn log(&self) -> Vec<serde_json::Value> {
        self.log_text()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .filter(|entry: &serde_json::Value| entry["kind"] != "moved")
            .collect()
    }

    /// The audit log's entries, one to a line, with what is kept beside them.
    pub fn log_text(&self) -> String {
        let shown = self.relhook(&["audit", "log", "-n", "0", "--json"]);
        shown.assert_ok();
        String::from_utf8(shown.out).unwrap()
    }

    /// The head of the audit log, in which entries are committed.
    pub fn log_head(&self) -> PathBuf {
        self.server().join("relhook/audit/head/journal")
    }

    /// The world's folder.
    pub fn root(&self) -> &Path {
        self.root.path()
    }
}
