//! A real svnserve on the loopback, for one test.

use super::run::{command, run, write_program};
use crate::hosting::Daemon;
use std::path::PathBuf;
use tempfile::TempDir;

/// The account that releases.
pub const USER: &str = "relhook";

/// Its password.
pub const PASSWORD: &str = "correct-horse-battery";

/// A repository with the folder `/www`, and the server in front of it.
pub struct Svnserve {
    home: TempDir,
    /// The port.
    pub port: u16,
    daemon: Daemon,
}

impl Svnserve {
    #[track_caller]
    pub fn start() -> Self {
        let home = tempfile::Builder::new()
            .prefix("svn")
            .tempdir_in("/tmp")
            .unwrap();
        let repository = home.path().join("repository");
        run(command("svnadmin", home.path())
            .arg("create")
            .arg(&repository))
        .assert_ok();
        let conf = repository.join("conf");
        let settings = "[general]\nanon-access = none\nauth-access = write\n\
                        password-db = passwd\nrealm = acme\n";
        std::fs::write(conf.join("svnserve.conf"), settings).unwrap();
        let users = format!("[users]\n{USER} = {PASSWORD}\ncarl = x\n");
        std::fs::write(conf.join("passwd"), users).unwrap();
        let (at, log) = (home.path().to_owned(), home.path().join("log"));
        let make = move |port: u16| {
            let mut svnserve = command("svnserve", &at);
            svnserve.args(["--daemon", "--foreground", "--listen-host", "127.0.0.1"]);
            svnserve.args(["--listen-port", &port.to_string()]);
            svnserve.arg("--root").arg(at.join("repository"));
            svnserve.arg("--log-file").arg(at.join("log"));
            svnserve
        };
        let daemon = Daemon::start(make, log);
        let server = Self {
            home,
            port: daemon.port,
            daemon,
        };
        server.svn(&["mkdir", "-q", "-m", "a folder", &server.local("www")]);
        server
    }

    /// Takes it off the network.
    pub fn stops(&mut self) {
        self.daemon.stops();
    }

    /// Brings it back.
    #[track_caller]
    pub fn starts(&mut self) {
        self.daemon.starts();
    }

    /// The repository on the disk.
    pub fn repository(&self) -> PathBuf {
        self.home.path().join("repository")
    }

    fn local(&self, path: &str) -> String {
        format!("file://{}/{path}", self.repository().display())
    }

    /// What `svn` says, past the server.
    #[track_caller]
    pub fn svn(&self, args: &[&str]) -> String {
        let mut svn = command("svn", self.home.path());
        svn.env("LC_ALL", "C.UTF-8");
        run(svn.args(args)).text()
    }

    /// The number of the last revision.
    pub fn revision(&self) -> u64 {
        let url = self.local("");
        let told = self.svn(&["info", "--show-item", "revision", &url]);
        told.trim().parse().unwrap()
    }

    /// What a revision changed.
    pub fn log(&self, revision: u64) -> String {
        let url = self.local("");
        self.svn(&["log", "-v", "-r", &revision.to_string(), &url])
    }

    /// A property of a file in the folder.
    pub fn property(&self, name: &str, path: &str) -> String {
        let url = self.local(&format!("www/{path}@"));
        let mut svn = command("svn", self.home.path());
        let told = run(svn.args(["propget", name, &url]));
        // That a file does not have it is an error to svn.
        String::from_utf8_lossy(&told.out).trim().to_owned()
    }

    /// The revision that changed a file of the folder last.
    #[track_caller]
    pub fn changed_in(&self, path: &str) -> String {
        let url = self.local(&format!("www/{path}@"));
        self.svn(&["info", "--show-item", "last-changed-revision", &url])
    }

    /// The folder as a working copy shows it, in a new place each time.
    #[track_caller]
    pub fn export(&self) -> PathBuf {
        let place = tempfile::Builder::new()
            .prefix("export")
            .tempdir_in(self.home.path())
            .unwrap()
            .keep();
        let place = place.join("www");
        let url = self.local("www");
        self.svn(&["export", "-q", &url, place.to_str().unwrap()]);
        place
    }

    /// Commits as somebody else: words of `svnmucc`.
    #[track_caller]
    pub fn commit(&self, words: &[&str]) {
        let mut svnmucc = command("svnmucc", self.home.path());
        svnmucc.args(["-m", "by hand", "-u", "carl", "-U", &self.local("www")]);
        run(svnmucc.args(words)).assert_ok();
    }

    /// Lets everybody give revisions another author.
    pub fn lets_authors_be_set(&self) {
        let hook = self.repository().join("hooks/pre-revprop-change");
        write_program(&hook, "#!/bin/sh\n[ \"$4\" = svn:author ]\n");
    }

    /// Has the repository hold another content than what is committed next: as if its disk had lost what
    /// it was told, with sums that fit.
    pub fn alters_once(&self, from: &str, to: &str) {
        let hook = self.repository().join("hooks/post-commit");
        let script = format!(
            "#!/bin/sh\nset -e\nexport PATH=/usr/bin:/bin\nmv \"$0\" \"$0.done\"\n\
             rm -rf \"$1.new\" \"$1/db.old\"\n\
             svnadmin dump -q \"$1\" | sed -e '/^Text-content-[ms][dh]a*[15]: /d' -e 's/{from}/{to}/' >\"$1.dump\"\n\
             svnadmin create \"$1.new\"\nsvnadmin load -q \"$1.new\" <\"$1.dump\"\n\
             mv \"$1/db\" \"$1/db.old\"\nmv \"$1.new/db\" \"$1/db\"\n"
        );
        write_program(&hook, script);
    }

    /// A file to commit.
    pub fn file(&self, content: &str) -> String {
        self.file_named("file", content)
    }

    /// One of several.
    pub fn file_named(&self, name: &str, content: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}
