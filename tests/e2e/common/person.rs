//! What people do: commit, push, approve.

use super::keys::keys;
use super::run::{Ran, command, run};
use super::{RELHOOK, World};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::process::Command;

/// Somebody with a clone and a key.
#[derive(Debug, Clone, Copy)]
pub struct Person<'w> {
    /// Where they work.
    pub world: &'w World,
    /// Their short name: their login, their clone's folder and their key's.
    pub name: &'static str,
}

/// What became of a push.
#[derive(Debug, Clone)]
#[must_use]
pub struct Push {
    /// Whether git says that it went in.
    pub went_in: bool,
    /// All that the pusher saw.
    pub said: String,
}

impl Push {
    /// Fails the test unless the push went in.
    #[track_caller]
    pub fn accepted(&self) {
        assert!(
            self.went_in,
            "refused, and should not have been:\n{}",
            self.said
        );
    }

    /// Fails the test unless the push was refused, whoever refused it.
    #[track_caller]
    pub fn refused(&self) {
        assert!(
            !self.went_in,
            "accepted, and should not have been:\n{}",
            self.said
        );
    }

    /// Fails the test unless the push was refused and the pusher was told this.
    #[track_caller]
    pub fn refused_with(&self, why: &str) {
        self.refused();
        assert!(
            self.said.contains(why),
            "refused, but not with {why}:\n{}",
            self.said
        );
    }
}

impl<'w> Person<'w> {
    pub(super) fn new(world: &'w World, name: &'static str) -> Self {
        Self { world, name }
    }

    fn home(&self) -> PathBuf {
        self.world.path(&format!("home/{}", self.name))
    }

    /// Their clone.
    pub fn clone_dir(&self) -> PathBuf {
        self.world.path(&format!("clone/{}", self.name))
    }

    /// Their name and address, as their commits say.
    pub fn address(&self) -> String {
        let (name, email) = identity(self.name);
        format!("{name} <{email}>")
    }

    /// Makes their account, their git settings and their clone.
    #[track_caller]
    pub(super) fn clones(&self) {
        std::fs::create_dir_all(self.home()).unwrap();
        let (name, email) = identity(self.name);
        let (format, key) = signing(self.name);
        let settings = format!(
            "[user]\n\tname = {name}\n\temail = {email}\n\tsigningKey = {key}\n\
             [gpg]\n\tformat = {format}\n[commit]\n\tgpgSign = true\n[tag]\n\tgpgSign = true\n\
             [init]\n\tdefaultBranch = prod\n[push]\n\tdefault = simple\n[advice]\n\tpushUpdateRejected = false\n\
             [protocol \"file\"]\n\tallow = always\n[core]\n\tautocrlf = false\n[maintenance]\n\tauto = false\n"
        );
        std::fs::write(self.home().join(".gitconfig"), settings).unwrap();
        let mut clone = self.command("git");
        clone
            .args(["clone", "-q"])
            .arg(self.world.server())
            .arg(self.clone_dir());
        run(&mut clone).assert_ok();
    }

    /// A program in their account. What they push is theirs: the server knows their login.
    pub fn command(&self, program: &str) -> Command {
        let mut command = command(program, &self.home());
        command
            .env("GNUPGHOME", self.world.gnupg())
            .env("RELHOOK_USER", self.name);
        command
    }

    /// git in their clone.
    pub fn git_command(&self) -> Command {
        let mut git = self.command("git");
        git.current_dir(self.clone_dir());
        git
    }

    /// git in their clone, whatever it answers.
    pub fn try_git(&self, args: &[&str]) -> Ran {
        run(self.git_command().args(args))
    }

    /// git in their clone; its answer.
    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        self.try_git(args).text()
    }

    /// relhook in their clone.
    pub fn relhook(&self, args: &[&str]) -> Ran {
        let mut relhook = self.command(RELHOOK);
        run(relhook.current_dir(self.clone_dir()).args(args))
    }

    /// Writes a file and commits it, signed, on the branch that they are on; the commit.
    #[track_caller]
    pub fn commits(&self, file: &str) -> String {
        self.commits_as(file, &[])
    }

    /// As [`Person::commits`], with options to `git commit`.
    #[track_caller]
    pub fn commits_as(&self, file: &str, options: &[&str]) -> String {
        let path = self.clone_dir().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = format!("{file} by {}\n", self.name);
        std::fs::write(&path, text).unwrap();
        self.git(&["add", "--", file]);
        let title = format!("Change {file}");
        self.git(&[&["commit", "-q", "-m", &title], options].concat());
        self.git(&["rev-parse", "HEAD"])
    }

    /// Fetches what others pushed and stands on `branch` as the server has it.
    #[track_caller]
    pub fn takes(&self, branch: &str) {
        self.git(&["fetch", "-q", "origin"]);
        self.git(&["checkout", "-q", "-B", branch, &format!("origin/{branch}")]);
    }

    /// Takes over another person's work as it is, from their clone.
    #[track_caller]
    pub fn takes_from(&self, other: &Person<'_>, branch: &str) {
        let from = other.clone_dir();
        self.git(&["fetch", "-q", from.to_str().unwrap(), branch]);
        self.git(&["checkout", "-q", "-B", branch, "FETCH_HEAD"]);
    }

    /// Pushes: branch names or refspecs.
    pub fn pushes(&self, what: &[&str]) -> Push {
        self.pushes_with(&[], what)
    }

    /// Pushes with options to `git push`.
    pub fn pushes_with(&self, options: &[&str], what: &[&str]) -> Push {
        let ran = self.try_git(&[&["push"], options, &["origin"], what].concat());
        Push {
            went_in: ran.code == 0,
            said: ran.err,
        }
    }

    /// Pushes what they stand on to an unprotected branch, for others to look at.
    #[track_caller]
    pub fn offers(&self, branch: &str) {
        self.pushes(&[&format!("HEAD:refs/heads/{branch}")])
            .accepted();
    }

    /// Approves a commit for `prod` with `git tag -s` alone, and pushes the statement.
    #[track_caller]
    pub fn approves(&self, commit: &str) -> Push {
        self.git(&["fetch", "-q", "origin"]);
        let statement = self.states(&Words::approve(self, commit));
        self.pushes(&[&statement])
    }

    /// Makes a statement and gives the refspec that stores it.
    #[track_caller]
    pub fn states(&self, words: &Words) -> String {
        let tag = self.signs(words);
        self.refspec(&tag, &words.commit)
    }

    /// Makes a statement's tag object.
    #[track_caller]
    pub fn signs(&self, words: &Words) -> String {
        let subject = words.commit.get(..12).unwrap();
        let name = format!("relhook/{}/{subject}", words.get("Relhook-Decision"));
        let text = words.text();
        self.git(&[
            "tag",
            "-s",
            "-f",
            "-m",
            &text,
            "--cleanup=verbatim",
            &name,
            &words.commit,
        ]);
        self.git(&["rev-parse", &format!("refs/tags/{name}")])
    }

    /// The refspec that stores a statement's tag under its own name.
    #[track_caller]
    pub fn refspec(&self, tag: &str, commit: &str) -> String {
        format!("{tag}:{}", self.statement_ref(tag, commit))
    }

    /// The name under which a statement's tag is stored.
    #[track_caller]
    pub fn statement_ref(&self, tag: &str, commit: &str) -> String {
        let raw = self
            .try_git(&["cat-file", "tag", tag])
            .assert_ok()
            .out
            .clone();
        let id: String = Sha256::digest(raw)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("refs/relhook/statements/{commit}/{}", &id[..16])
    }
}

/// What a statement says: a title and trailers.
#[derive(Debug, Clone)]
pub struct Words {
    /// The commit that the tag names.
    pub commit: String,
    trailers: Vec<(String, String)>,
}

impl Words {
    /// An approval of `commit` for `prod`, compared with what the server has there.
    #[track_caller]
    pub fn approve(person: &Person<'_>, commit: &str) -> Self {
        let tree = person.git(&["rev-parse", &format!("{commit}^{{tree}}")]);
        let mut words = Self {
            commit: commit.to_owned(),
            trailers: Vec::new(),
        };
        words.set("Relhook-Version", "1");
        words.set("Relhook-Decision", "approve");
        words.set("Relhook-Repository", "acme/site");
        words.set("Relhook-Ref", super::PROD);
        if let Some(base) = person.world.server_ref(super::PROD) {
            words.set("Relhook-Base", &base);
        }
        words.set("Relhook-Commit", commit);
        words.set("Relhook-Tree", &tree);
        words
    }

    /// Sets a trailer, in its place if it is there already.
    pub fn set(&mut self, key: &str, value: &str) -> &mut Self {
        match self.trailers.iter_mut().find(|(found, _)| found == key) {
            Some((_, old)) => value.clone_into(old),
            None => self.trailers.push((key.into(), value.into())),
        }
        self
    }

    /// Adds a trailer once more.
    pub fn add(&mut self, key: &str, value: &str) -> &mut Self {
        self.trailers.push((key.into(), value.into()));
        self
    }

    /// Drops a trailer.
    pub fn drop(&mut self, key: &str) -> &mut Self {
        self.trailers.retain(|(found, _)| found != key);
        self
    }

    fn get(&self, key: &str) -> &str {
        let found = self.trailers.iter().find(|(found, _)| found == key);
        found.map_or("approve", |(_, value)| value)
    }

    /// The tag's message.
    pub fn text(&self) -> String {
        let title = format!("{} {}\n\n", self.get("Relhook-Decision"), &self.commit[..7]);
        let lines = self
            .trailers
            .iter()
            .map(|(key, value)| format!("{key}: {value}\n"));
        lines.fold(title, |text, line| text + &line)
    }
}

fn identity(name: &str) -> (&'static str, &'static str) {
    match name {
        "dana" => ("Dana Developer", "dana@acme.example"),
        "dora" => ("Dora Developer", "dora@acme.example"),
        "rita" => ("Rita Reviewer", "rita@acme.example"),
        "remy" => ("Remy Reviewer", "remy@acme.example"),
        "paul" => ("Paul Policy", "paul@acme.example"),
        "vera" => ("Vera Revoked", "vera@acme.example"),
        "mallory" => ("Mallory", "mallory@elsewhere.example"),
        other => panic!("nobody is called {other}"),
    }
}

fn signing(name: &str) -> (&'static str, String) {
    match name {
        "rita" | "paul" | "vera" | "mallory" => ("openpgp", keys().fingerprint(name)),
        _ => ("ssh", keys().ssh(name).to_str().unwrap().to_owned()),
    }
}
