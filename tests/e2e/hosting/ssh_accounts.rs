//! docs/hosting/ssh-separate-accounts.md, followed: OpenSSH, an account for each person, sudo.
//!
//! The accounts exist in a mount namespace alone: the machine's own are not touched. That takes
//! root, as making accounts does.

use super::sshd::{HOST, Sshd, in_namespace, login_key};
use super::{Page, plays_the_story, policy, pushes_in_log};
use crate::common::{
    PROD, Person, RELHOOK, Ran, World, command, copy_program, run, run_with, write_program,
};
use std::path::Path;
use std::process::Command;

/// The accounts of the people, and the service account. No machine has these numbers.
const ACCOUNTS: [(&str, u32); 4] = [
    ("git", 61_000),
    ("dana", 61_001),
    ("remy", 61_002),
    ("rita", 61_003),
];
/// The group `developers`.
const DEVELOPERS: u32 = 61_100;

/// A repository of one account behind the accounts of others.
struct Hosted {
    page: Page,
    world: World,
    sshd: Sshd,
}

impl Hosted {
    /// Follows the page from its first step to its last; `more` is not the page's.
    #[track_caller]
    fn new(more: &str) -> Self {
        let page = Page::named("ssh-separate-accounts");
        let world = World::without_repository("srv/site.git");
        let machine = Machine {
            page: &page,
            world: &world,
        };
        machine.has_accounts();
        machine.has_the_repository();
        let settings = page.block(
            "sshd",
            &[
                ("/usr/bin/relhook", &machine.relhook()),
                ("/srv/git", &machine.srv()),
            ],
        );
        // Each account's keys lie in its own home.
        let homes = world.path("accounts/%u");
        let settings = more.to_owned() + &settings;
        let sshd = Sshd::with_mounts(&world, &homes, &settings, &machine.mounts());
        Self { page, world, sshd }
    }

    /// As the page ends: `origin` leads to the server, by the person's own account.
    #[track_caller]
    fn connects(&self, person: &Person<'_>) {
        self.sshd.is_known_to(person);
        let ours = format!("{}@{HOST}", person.name);
        let origin = self
            .page
            .block("origin", &[("dana@git.acme.example", &ours)]);
        let mut sh = person.command("sh");
        run_with(
            sh.arg("-eu").current_dir(person.clone_dir()),
            origin.as_bytes(),
        )
        .assert_ok();
    }

    fn machine(&self) -> Machine<'_> {
        Machine {
            page: &self.page,
            world: &self.world,
        }
    }

    /// What Dana's ssh says to a command line of her own.
    fn ssh(&self, words: &[&str]) -> Ran {
        let program = self.sshd.ssh_command(&self.world, "dana");
        let mut parts = program.split(' ');
        let mut ssh = command(parts.next().unwrap(), &self.world.path("home/dana"));
        run(ssh.args(parts).arg(format!("dana@{HOST}")).args(words))
    }

    /// What Dana gets with a shell on the machine.
    fn locally(&self, script: &str) -> Ran {
        let mut shell = self.machine().as_account("dana");
        run(shell.args(["sh", "-c", script]).current_dir("/"))
    }
}

/// The machine of the page.
struct Machine<'m> {
    page: &'m Page,
    world: &'m World,
}

impl Machine<'_> {
    fn srv(&self) -> String {
        self.world.path("srv").display().to_string()
    }

    /// relhook where every account can start it.
    fn relhook(&self) -> String {
        self.world.path("bin/relhook").display().to_string()
    }

    /// The system's files with the accounts in them, and each account's home.
    #[track_caller]
    fn has_accounts(&self) {
        let etc = self.world.path("etc");
        std::fs::create_dir_all(etc.join("sudoers.d")).unwrap();
        let mut texts = ["passwd", "group", "shadow"]
            .map(|name| std::fs::read_to_string(Path::new("/etc").join(name)).unwrap());
        texts[1] += &format!("developers:x:{DEVELOPERS}:dana,remy,rita\n");
        for (name, number) in ACCOUNTS {
            let home = self.world.path(&format!("accounts/{name}"));
            texts[0] += &format!("{name}:x:{number}:{number}::{}:/bin/sh\n", home.display());
            texts[1] += &format!("{name}:x:{number}:\n");
            texts[2] += &format!("{name}:*:19000:0:99999:7:::\n");
            std::fs::create_dir_all(home.join(".ssh")).unwrap();
            if name != "git" {
                let public = login_key(self.world, name).with_extension("pub");
                std::fs::copy(public, home.join(".ssh/authorized_keys")).unwrap();
            }
        }
        for (name, text) in ["passwd", "group", "shadow"].iter().zip(texts) {
            std::fs::write(etc.join(name), text).unwrap();
        }
        let rules = self.page.block(
            "sudoers",
            &[
                ("/usr/bin/relhook", &self.relhook()),
                ("/srv/git", &self.srv()),
            ],
        );
        std::fs::write(etc.join("sudoers.d/relhook"), rules).unwrap();
        mode(&etc.join("sudoers.d/relhook"), 0o440);
        std::fs::create_dir_all(self.world.path("bin")).unwrap();
        copy_program(RELHOOK, self.relhook().as_ref());
        // Others may go through, and look at nothing.
        mode(self.world.root(), 0o711);
    }

    /// The repository, made by the service account.
    #[track_caller]
    fn has_the_repository(&self) {
        for folder in ["srv", "home/server"] {
            std::fs::create_dir_all(self.world.path(folder)).unwrap();
            self.gives(folder, 61_000);
            mode(&self.world.path(folder), 0o700);
        }
        let behind = "setpriv --reuid 61000 --regid 61000 --clear-groups --";
        self.world
            .server_runs_behind(behind.split(' ').map(str::to_owned).collect());
        self.serves("repository").assert_ok();
        self.world.seeds();
        let policy = policy("os-account");
        assert!(
            self.page
                .block("policy", &[])
                .contains("\n  source: os-account\n")
        );
        self.world.write_policy(&policy);
        self.serves("init").assert_ok();
        // The people's clones are made by path, as the folder's owner could.
        self.gives("srv", 0);
        for name in ["dana", "remy", "rita"] {
            self.world.person(name);
        }
        self.gives("srv", 61_000);
    }

    #[track_caller]
    fn gives(&self, folder: &str, account: u32) {
        let mut chown = command("chown", self.world.root());
        run(chown
            .args(["-R", &format!("{account}:{account}")])
            .arg(self.world.path(folder)))
        .assert_ok();
    }

    /// A block that the service account runs.
    fn serves(&self, block: &str) -> Ran {
        let text = self.page.block(block, &[("/srv/git", &self.srv())]);
        let text = text.replace("relhook --", &format!("{} --", self.relhook()));
        let mut sh = self.world.server_command("sh");
        sh.arg("-eu").current_dir(self.world.root());
        run_with(&mut sh, text.as_bytes())
    }

    /// The system's files, as this machine has them.
    fn mounts(&self) -> String {
        let etc = self.world.path("etc").display().to_string();
        let bind = |name: &str| format!("mount --bind {etc}/{name} /etc/{name}\n");
        ["passwd", "group", "shadow", "sudoers.d"]
            .map(bind)
            .concat()
    }

    /// A command in an account of a person, on the machine itself.
    fn as_account(&self, name: &str) -> Command {
        let number = ACCOUNTS.iter().find(|(known, _)| *known == name).unwrap().1;
        let mut command = in_namespace("setpriv", self.world.root(), &self.mounts());
        command.args([
            "--reuid",
            &number.to_string(),
            "--regid",
            &number.to_string(),
        ]);
        command.args(["--groups", &DEVELOPERS.to_string(), "--"]);
        command
    }
}

fn mode(path: &Path, mode: u32) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(path, mode).unwrap();
}

#[test]
fn the_story_is_played_from_separate_accounts() {
    let hosted = Hosted::new("");
    plays_the_story(&hosted.world, |person| hosted.connects(person));
    hosted.page.was_followed();
    let ran = hosted.ssh(&[]);
    assert_eq!((ran.code, ran.out.as_slice()), (1, &b""[..]));
    assert!(
        ran.err.contains("relhook: hello dana, you are logged in"),
        "{}",
        ran.err
    );
}

#[test]
fn i_14_i_33_what_a_client_sends_stays_in_its_own_account() {
    for more in ["", "AcceptEnv *\n"] {
        let hosted = Hosted::new(more);
        let dana = hosted.world.person("dana");
        hosted.connects(&dana);
        dana.commits("index.html");
        let ssh = hosted.sshd.ssh_command(&hosted.world, "dana");
        let sent = "RELHOOK_LOGIN=rita SUDO_USER=rita SUDO_UID=61003 REMOTE_USER=rita \
                    GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0=/dev/null";
        let mut push = dana.git_command();
        push.env("GIT_SSH_COMMAND", format!("{ssh} -o 'SetEnv={sent}'"));
        push.args(["push", "-o", "RELHOOK_LOGIN=rita", "origin", "HEAD:prod"]);
        let ran = run(&mut push);
        assert!(ran.err.contains("RH401"), "{}", ran.err);
        assert_eq!(pushes_in_log(&hosted.world, PROD), ["dana rejected"]);
    }
}

#[test]
fn i_31_i_34_an_account_gets_nothing_but_git() {
    let hosted = Hosted::new("");
    let dana = hosted.world.person("dana");
    hosted.connects(&dana);
    dana.commits("index.html");
    for program in [
        "touch pwned; git-receive-pack",
        "SUDO_USER=rita git-receive-pack",
    ] {
        let push = dana.pushes_with(&[&format!("--receive-pack={program}")], &["HEAD:prod"]);
        push.refused_with("is not served");
    }
    for words in [
        "id",
        "git-receive-pack 'site.git'; id",
        "$(id)",
        "\"; id; \"",
        "' id",
    ] {
        let ran = hosted.ssh(&[words]);
        assert!(ran.code != 0 && ran.out.is_empty(), "{words}");
        assert!(ran.err.contains("relhook: `"), "{words}: {}", ran.err);
    }
    // With a shell on the machine there is no more.
    let relhook = hosted.machine().relhook();
    let srv = hosted.machine().srv();
    for script in [
        format!("sudo -n -u git {relhook} serve-account --root / \"git-upload-pack 'etc'\""),
        format!(
            "sudo -n -u git {relhook} serve-account --root {srv} --root / \"git-upload-pack 'x'\""
        ),
        format!("sudo -n -u git {relhook} status"),
        "sudo -n -u git sh -c id".to_owned(),
        "sudo -n id".to_owned(),
        format!("ls {srv}"),
        format!(
            "SUDO_USER=rita SUDO_UID=61003 {relhook} serve-account --root {srv} \"git-upload-pack 'site.git'\""
        ),
    ] {
        let ran = hosted.locally(&script);
        assert!(ran.code != 0 && ran.out.is_empty(), "{script}: {}", ran.err);
    }
    let served = format!(
        "sudo -n -u git {relhook} serve-account --root {srv} \"git-upload-pack 'site.git'\" </dev/null"
    );
    let ran = hosted.locally(&served);
    assert!(
        String::from_utf8_lossy(&ran.out).contains(PROD),
        "{}",
        ran.err
    );
    assert!(pushes_in_log(&hosted.world, PROD).is_empty());
}

#[test]
fn i_33_git_is_not_looked_for_where_the_caller_says() {
    let hosted = Hosted::new("");
    // A rule that hands on what sudo, left to itself, hands on, and more.
    let rules = hosted.world.path("etc/sudoers.d/zz");
    let more = "Defaults!RELHOOK !secure_path, env_keep += \"PATH HOME\"\n";
    std::fs::write(&rules, more).unwrap();
    mode(&rules, 0o440);
    let bin = hosted.world.path("accounts/dana/bin");
    std::fs::create_dir_all(&bin).unwrap();
    write_program(&bin.join("git"), "#!/bin/sh\necho \"pwned: $(id -u)\"\n");
    let machine = hosted.machine();
    let ran = hosted.locally(&format!(
        "PATH={}:$PATH sudo -n -u git {} serve-account --root {} \"git-upload-pack 'site.git'\" </dev/null",
        bin.display(),
        machine.relhook(),
        machine.srv()
    ));
    let said = String::from_utf8_lossy(&ran.out);
    assert!(said.contains(PROD), "{said} {}", ran.err);
}
