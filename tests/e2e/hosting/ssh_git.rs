//! A repository behind sshd with one shared account, as two pages of docs/hosting describe it.

use super::Page;
use super::sshd::{HOST, Sshd, account, login_key};
use crate::common::{
    Person, PolicyText, RELHOOK, Ran, World, command, run, run_with, write_program,
};

/// The people who log in.
pub const PEOPLE: [&str; 3] = ["dana", "remy", "rita"];

/// A repository behind sshd.
pub struct Hosted {
    /// The page that was followed.
    pub page: Page,
    /// The repository and its people.
    pub world: World,
    /// The server.
    pub sshd: Sshd,
}

impl Hosted {
    /// Follows the page from its first step to its last; `more` stands before the page's settings
    /// of sshd, and is not the page's.
    #[track_caller]
    pub fn new(page: &str, policy: impl FnOnce(&World) -> PolicyText, more: &str) -> Self {
        let page = Page::named(page);
        let world = World::without_repository("srv/site.git");
        let hosted = Followed {
            page: &page,
            world: &world,
        };
        hosted.makes_the_repository(&policy(&world));
        let settings = hosted.settings();
        let sshd = Sshd::start(
            &world,
            &world.path("home/server"),
            &(more.to_owned() + &settings),
        );
        let hosted = Self { page, world, sshd };
        hosted.has_lines("key", &PEOPLE);
        hosted
    }

    /// Writes the keys file: for each of these logins the page's line, with the login key of the
    /// person of that name.
    #[track_caller]
    pub fn has_lines(&self, block: &str, logins: &[&str]) {
        let text: String = logins
            .iter()
            .map(|login| self.line(block, login, login))
            .collect();
        std::fs::write(self.keys_file(), text).unwrap();
    }

    /// The page's line for a login, with the key of `person`.
    #[track_caller]
    pub fn line(&self, block: &str, login: &str, person: &str) -> String {
        let line = self.page.block(block, &[]);
        let (options, key) = line.split_once(" ssh-ed25519 ").unwrap();
        assert!(key.ends_with(" dana@laptop\n"), "{line}");
        let options = options
            .replace("relhook serve-key", &format!("{RELHOOK} serve-key"))
            .replace("serve-key dana ", &format!("serve-key {login} "))
            .replace("RELHOOK_LOGIN=dana", &format!("RELHOOK_LOGIN={login}"))
            .replace("/srv/git", self.world.path("srv").to_str().unwrap());
        let public = login_key(&self.world, person).with_extension("pub");
        format!("{options} {}", std::fs::read_to_string(public).unwrap())
    }

    /// The file that sshd reads the keys from.
    pub fn keys_file(&self) -> std::path::PathBuf {
        self.world.path("git.keys")
    }

    /// As the page ends: `origin` leads to the server.
    #[track_caller]
    pub fn connects(&self, person: &Person<'_>) {
        self.sshd.is_known_to(person);
        let ours = format!("{}@{HOST}", account());
        let origin = self
            .page
            .block("origin", &[("git@git.acme.example", &ours)]);
        let mut sh = person.command("sh");
        run_with(
            sh.arg("-eu").current_dir(person.clone_dir()),
            origin.as_bytes(),
        )
        .assert_ok();
    }

    /// What a person's ssh says to a command line of their own.
    #[track_caller]
    pub fn ssh(&self, name: &str, words: &[&str]) -> Ran {
        let program = self.sshd.ssh_command(&self.world, name);
        let mut parts = program.split(' ');
        let mut ssh = command(
            parts.next().unwrap(),
            &self.world.path(&format!("home/{name}")),
        );
        run(ssh.args(parts).arg(HOST).args(words))
    }

    /// A push by a person with a changed ssh command and these variables set on their side.
    #[track_caller]
    pub fn pushes_with_ssh(
        &self,
        person: &Person<'_>,
        options: &str,
        variables: &[(&str, &str)],
    ) -> Ran {
        let ssh = self.sshd.ssh_command(&self.world, person.name);
        let mut push = person.git_command();
        push.env("GIT_SSH_COMMAND", format!("{ssh} {options}"));
        push.envs(variables.iter().copied());
        run(push.args(["push", "origin", "HEAD:prod"]))
    }
}

/// A page being followed.
struct Followed<'f> {
    page: &'f Page,
    world: &'f World,
}

impl Followed<'_> {
    fn srv(&self) -> String {
        self.world.path("srv").display().to_string()
    }

    #[track_caller]
    fn makes_the_repository(&self, policy: &PolicyText) {
        std::fs::create_dir_all(self.srv()).unwrap();
        self.serves("repository").assert_ok();
        self.world.seeds();
        let source = policy
            .yaml
            .lines()
            .find(|line| line.starts_with("  source: "));
        let shown = self.page.block("policy", &[]);
        assert!(shown.contains(source.unwrap()), "{shown}");
        self.world.write_policy(policy);
        self.serves("init").assert_ok();
    }

    /// A block that the service account runs.
    fn serves(&self, block: &str) -> Ran {
        let text = self.page.block(block, &[("/srv/git", &self.srv())]);
        let text = text.replace("relhook --", "\"$RELHOOK\" --");
        let mut sh = self.world.server_command("sh");
        sh.arg("-eu")
            .current_dir(self.world.root())
            .env("RELHOOK", RELHOOK);
        run_with(&mut sh, text.as_bytes())
    }

    fn settings(&self) -> String {
        let keys = self.world.path("git.keys").display().to_string();
        let text = self.page.block(
            "sshd",
            &[
                ("Match User git", &format!("Match User {}", account())),
                ("/etc/ssh/git.keys", &keys),
            ],
        );
        text.replace("ForceCommand relhook", &format!("ForceCommand {RELHOOK}"))
            .replace("/srv/git", &self.srv())
    }
}

/// Writes what the hooks of the next push are given: an `update` hook, which relhook leaves alone,
/// writes it down. The file.
#[track_caller]
pub fn notes_environment(world: &World) -> std::path::PathBuf {
    let seen = world.path("environment");
    let hook = world.server().join("hooks/update");
    write_program(&hook, format!("#!/bin/sh\nenv > {}\n", seen.display()));
    seen
}
