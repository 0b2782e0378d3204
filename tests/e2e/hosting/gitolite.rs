//! docs/hosting/gitolite.md, followed: gitolite3 behind a real sshd.

use super::sshd::{HOST, Sshd, account, login_key};
use super::{Page, plays_the_story, policy, pushes_in_log};
use crate::common::{
    PROD, Person, PolicyText, RELHOOK, Ran, Words, World, command, run, run_with, shown,
};
use std::path::PathBuf;

/// gitolite in a home of its own, with the repository of the world.
struct Hosted {
    page: Page,
    world: World,
    sshd: Sshd,
}

impl Hosted {
    /// Follows the page until the repository is there; relhook is still to come.
    #[track_caller]
    fn without_relhook(repository: &str) -> Self {
        let page = Page::named("gitolite");
        let world = World::without_repository(&format!("git/repositories/{repository}.git"));
        let home = world.path("git");
        std::fs::create_dir_all(&home).unwrap();
        std::fs::copy(public(&world, "paul"), home.join("paul.pub")).unwrap();
        let sshd = Sshd::start(&world, &home, &page.block("sshd", &[]));
        let hosted = Self { page, world, sshd };
        hosted.serves(&hosted.page.block("setup", &[])).assert_ok();
        hosted.adds_people();
        hosted
    }

    /// Follows the page to its end.
    #[track_caller]
    fn new() -> Self {
        let hosted = Self::without_relhook("site");
        hosted.world.seeds();
        assert!(
            hosted
                .page
                .block("policy", &[])
                .contains("\n  source: gitolite\n")
        );
        hosted.has_policy(&policy("gitolite"));
        hosted.on_server("init").assert_ok();
        hosted
    }

    /// The administrator's side: a clone of gitolite-admin, with a line for each person.
    #[track_caller]
    fn adds_people(&self) {
        let home = self.world.path("home/paul");
        let keys = home.join("keys");
        std::fs::create_dir_all(&keys).unwrap();
        for name in ["dana", "remy", "rita"] {
            let to = keys.join(format!("{name}.pub"));
            std::fs::copy(public(&self.world, name), to).unwrap();
        }
        let ours = url("");
        let clone = self.page.block("clone", &[(&url_shown(""), &ours)]);
        self.administrates("", &clone).assert_ok();
        let conf = home.join("gitolite-admin/conf/gitolite.conf");
        let text = std::fs::read_to_string(&conf).unwrap();
        std::fs::write(&conf, text + &self.page.block("conf", &[])).unwrap();
        self.administrates("gitolite-admin", &self.page.block("people", &[]))
            .assert_ok();
    }

    /// Shell that Paul runs in a folder of his.
    fn administrates(&self, folder: &str, script: &str) -> Ran {
        let home = self.world.path("home/paul");
        let mut sh = command("sh", &home);
        sh.arg("-eu").current_dir(home.join(folder));
        sh.env(
            "GIT_SSH_COMMAND",
            self.sshd.ssh_command(&self.world, "paul"),
        );
        for role in ["AUTHOR", "COMMITTER"] {
            sh.env(format!("GIT_{role}_NAME"), "Paul Policy");
            sh.env(format!("GIT_{role}_EMAIL"), "paul@acme.example");
        }
        run_with(&mut sh, script.as_bytes())
    }

    /// A block that the page has the service account run in its home.
    fn on_server(&self, block: &str) -> Ran {
        let text = self.page.block(block, &[("relhook --", "\"$RELHOOK\" --")]);
        self.serves(&text)
    }

    fn serves(&self, script: &str) -> Ran {
        let mut sh = command("sh", &self.world.path("git"));
        sh.arg("-eu")
            .current_dir(self.world.path("git"))
            .env("RELHOOK", RELHOOK);
        run_with(&mut sh, script.as_bytes())
    }

    /// Puts a policy and its keys where the page's commands look for them.
    #[track_caller]
    fn has_policy(&self, policy: &PolicyText) {
        let home = self.world.path("git");
        std::fs::create_dir_all(home.join("keys")).unwrap();
        policy.write(&home);
    }

    /// As the page ends: `origin` leads to gitolite.
    #[track_caller]
    fn connects(&self, person: &Person<'_>) {
        self.sshd.is_known_to(person);
        let origin = self
            .page
            .block("origin", &[(&url_shown("site"), &url("site"))]);
        let mut sh = person.command("sh");
        run_with(
            sh.arg("-eu").current_dir(person.clone_dir()),
            origin.as_bytes(),
        )
        .assert_ok();
    }
}

/// A repository's address as the page has it.
fn url_shown(repository: &str) -> String {
    format!("git@{HOST}:{repository}")
}

/// A repository's address at the account that runs the tests.
fn url(repository: &str) -> String {
    format!("{}@{HOST}:{repository}", account())
}

/// The public half of a person's login key.
fn public(world: &World, name: &str) -> PathBuf {
    login_key(world, name).with_extension("pub")
}

#[test]
fn the_story_is_played_through_gitolite() {
    let hosted = Hosted::new();
    plays_the_story(&hosted.world, |person| hosted.connects(person));
    // gitolite-admin was left alone, and goes on taking what its administrator pushes.
    assert!(
        !hosted
            .world
            .path("git/repositories/gitolite-admin.git/hooks/pre-receive")
            .exists()
    );
    hosted
        .administrates(
            "gitolite-admin",
            "git rm -q keydir/remy.pub; git commit -qm left; git push -q",
        )
        .assert_ok();
    let remy = hosted.world.person("remy");
    remy.pushes(&["HEAD:refs/heads/late"])
        .refused_with("Permission denied");
    // Setting gitolite up again takes nothing away.
    let again = hosted.on_server("again").assert_ok().clone();
    assert!(shown(&again).contains("nothing to do"), "{}", shown(&again));
    let dana = hosted.world.person("dana");
    dana.commits("later.html");
    dana.pushes(&["prod"]).refused_with("RH401");
    hosted.page.block("admin", &[]);
    hosted.page.was_followed();
}

#[test]
fn i_14_a_client_brings_no_variables_to_gitolite() {
    let hosted = Hosted::new();
    let dana = hosted.world.person("dana");
    hosted.connects(&dana);
    dana.commits("index.html");
    let mut push = dana.git_command();
    let ssh = hosted.sshd.ssh_command(&hosted.world, "dana")
        + " -o SendEnv=GL_* -o SendEnv=G3T_* -o SetEnv=GL_USER=rita";
    push.env("GIT_SSH_COMMAND", ssh)
        .env("GL_USER", "rita")
        .env("G3T_USER", "rita");
    push.env("GL_BYPASS_ACCESS_CHECKS", "1");
    push.args(["push", "-o", "GL_USER=rita", "origin", "prod"]);
    let ran = run(&mut push);
    assert!(ran.err.contains("RH401"), "{}", ran.err);
    assert_eq!(pushes_in_log(&hosted.world, PROD), ["dana rejected"]);
}

#[test]
fn h_16_a_hook_that_gitolite_links_over_ours_moves_no_protected_ref() {
    let hosted = Hosted::new();
    let common = hosted.world.path("git/.gitolite/hooks/common/pre-receive");
    std::fs::write(&common, "#!/bin/sh\nexit 0\n").unwrap();
    hosted
        .serves("chmod +x .gitolite/hooks/common/pre-receive; gitolite setup --hooks-only")
        .assert_ok();
    let dana = hosted.world.person("dana");
    hosted.connects(&dana);
    dana.commits("index.html");
    let before = hosted.world.server_ref(PROD);
    dana.pushes(&["prod"]).refused();
    assert_eq!(hosted.world.server_ref(PROD), before);
    let init = hosted.on_server("again");
    assert_eq!(init.code, 1);
    assert!(init.err.contains("another program's hook"), "{}", init.err);
    // Taken away as that says, it is mended.
    std::fs::remove_file(&common).unwrap();
    std::fs::remove_file(hosted.world.server().join("hooks/pre-receive")).unwrap();
    hosted.on_server("again").assert_ok();
    dana.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn gitolite_admin_itself_goes_under_the_rule() {
    let hosted = Hosted::without_relhook("gitolite-admin");
    let world = &hosted.world;
    let rita_too = "sed -i '/^repo gitolite-admin/,/^$/s/= *paul/& rita/' conf/gitolite.conf
                    git commit -qam 'Rita too' && git push -q";
    hosted.administrates("gitolite-admin", rita_too).assert_ok();
    let (prod, master) = (
        "prod:\n    required: 1\n    from: [reviewers]",
        "refs/heads/master",
    );
    let rule = "master:\n    required: 1\n    from: [admins]";
    hosted.has_policy(&policy("gitolite").replacing(prod, rule));
    hosted.on_server("admin").assert_ok();
    let [paul, rita] = ["paul", "rita"].map(|name| {
        let person = world.person(name);
        hosted.sshd.is_known_to(&person);
        person.git(&["remote", "set-url", "origin", &url("gitolite-admin")]);
        person
    });
    let enrolled = |name: &str| std::fs::read(world.path("git/.gitolite/keydir").join(name));
    let enrols = |name: &str, key: &str| {
        let to = paul.clone_dir().join("keydir").join(name);
        std::fs::copy(public(world, key), to).unwrap();
        paul.git(&["add", "keydir"]);
        paul.commits("conf/note")
    };
    // Paul enrols his own key as Rita's.
    enrols("rita.pub", "paul");
    paul.pushes(&["master"]).refused_with("RH401");
    let hers = std::fs::read(public(world, "rita")).unwrap();
    assert_eq!(enrolled("rita.pub").unwrap(), hers);
    // Two of them enrol Dora.
    paul.git(&["reset", "-q", "--hard", "origin/master"]);
    let dora = enrols("dora.pub", "dora");
    paul.offers("dora");
    rita.git(&["fetch", "-q", "origin"]);
    let mut yes = Words::approve(&rita, &dora);
    yes.set("Relhook-Ref", master);
    yes.set("Relhook-Base", &world.server_ref(master).unwrap());
    rita.pushes(&[&rita.states(&yes)]).accepted();
    paul.pushes(&["master"]).accepted();
    assert_eq!(
        enrolled("dora.pub").unwrap(),
        std::fs::read(public(world, "dora")).unwrap()
    );
    assert_eq!(
        pushes_in_log(world, master),
        ["paul rejected", "paul accepted"]
    );
}
