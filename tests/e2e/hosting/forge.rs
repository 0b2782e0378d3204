//! docs/hosting/gitea.md and gitlab.md: neither server is there, so a real sshd leads to real git
//! in a repository laid out as theirs are, with the environment that they give a hook.

use super::sshd::{HOST, Sshd, account, login_key};
use super::{Page, plays_the_story, policy, pushes_in_log};
use crate::common::{
    PROD, Person, PolicyText, RELHOOK, Ran, World, command, run, run_with, write_program,
};
use std::path::Path;

/// Runs the files of the folder that is named after the hook, each with the hook's input, as
/// Gitea's and Forgejo's own hooks do; all have to agree.
const GITEA_HOOK: &str = "#!/bin/sh
lines=$(cat)
failed=0
for one in $(dirname \"$0\")/$(basename \"$0\").d/*; do
    [ -f \"$one\" ] && [ -x \"$one\" ] || continue
    printf '%s\\n' \"$lines\" | \"$one\" || failed=$?
done
exit $failed
";

/// Gitea's own part, which takes nothing that did not come through Gitea.
const GITEA_OWN: &str = "#!/bin/sh
cat >/dev/null
[ -n \"$GITEA_REPO_NAME\" ] || { echo 'Gitea environment not set' >&2; exit 1; }
";

/// Runs a project's own hooks, as Gitaly does: in the repository, with an environment made anew.
const GITALY_HOOK: &str = "#!/bin/sh
lines=$(cat)
git_dir=$(cd \"$GIT_DIR\" && pwd)
for one in \"$git_dir/custom_hooks/$(basename \"$0\").d\"/*; do
    case $one in *'~') continue ;; esac
    [ ! -d \"$one\" ] && [ -x \"$one\" ] || continue
    printf '%s\\n' \"$lines\" | (
        cd \"$git_dir\"
        exec env -i PATH=\"$PATH\" HOME=\"$HOME\" GIT_DIR=\"$git_dir\" \\
            ${GIT_OBJECT_DIRECTORY:+GIT_OBJECT_DIRECTORY=\"$GIT_OBJECT_DIRECTORY\"} \\
            ${GIT_ALTERNATE_OBJECT_DIRECTORIES:+GIT_ALTERNATE_OBJECT_DIRECTORIES=\"$GIT_ALTERNATE_OBJECT_DIRECTORIES\"} \\
            GL_ID=\"$GL_ID\" GL_USERNAME=\"$GL_USERNAME\" GL_PROTOCOL=\"$GL_PROTOCOL\" \\
            GL_REPOSITORY=\"$GL_REPOSITORY\" GL_PROJECT_PATH=\"$GL_PROJECT_PATH\" \"$one\"
    ) || exit 1
done
";

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gitea,
    Gitlab,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Gitea => "gitea",
            Self::Gitlab => "gitlab",
        }
    }

    /// The repository's folder on the page.
    fn shown(self) -> &'static str {
        match self {
            Self::Gitea => "/var/lib/gitea/data/gitea-repositories/acme/site.git",
            Self::Gitlab => "/var/opt/gitlab/git-data/repositories/@hashed/6b/86/6b86b273.git",
        }
    }
}

/// A repository as such a server keeps it.
struct Hosted {
    kind: Kind,
    page: Page,
    world: World,
    sshd: Sshd,
}

impl Hosted {
    /// The server with a repository, before relhook.
    #[track_caller]
    fn without_relhook(kind: Kind) -> Self {
        let page = Page::named(kind.name());
        let world = World::without_repository("forge/site.git");
        let home = world.path("forge");
        std::fs::create_dir_all(home.join(".ssh")).unwrap();
        let mut init = world.server_command("git");
        init.args(["init", "-q", "--bare", "-b", "prod"]);
        run(init.arg(world.server())).assert_ok();
        world.seeds();
        let hosted = Self {
            sshd: Sshd::start(&world, &home, ""),
            kind,
            page,
            world,
        };
        hosted.has_hooks();
        for (number, name) in ["dana", "remy", "rita"].iter().enumerate() {
            hosted.lets_in(name, &hosted.environment(name, number + 3));
        }
        hosted
    }

    /// The page followed to its end.
    #[track_caller]
    fn new(kind: Kind) -> Self {
        Self::with(kind, &policy(kind.name()))
    }

    /// The same with this policy.
    #[track_caller]
    fn with(kind: Kind, policy: &PolicyText) -> Self {
        let hosted = Self::without_relhook(kind);
        let source = format!("\n  source: {}\n", kind.name());
        assert!(hosted.page.block("policy", &[]).contains(&source));
        hosted.has_policy(policy);
        hosted.init("").assert_ok();
        let files = hosted.page.block("files", &[]);
        let server = hosted.world.server();
        assert!(
            files.lines().all(|file| server.join(file).exists()),
            "{files}"
        );
        hosted
    }

    #[track_caller]
    fn has_policy(&self, policy: &PolicyText) {
        let home = self.world.path("forge");
        std::fs::create_dir_all(home.join("keys")).unwrap();
        policy.write(&home);
    }

    /// The hooks that the server itself puts in place.
    fn has_hooks(&self) {
        let server = self.world.server();
        match self.kind {
            Kind::Gitea => {
                for hook in ["pre-receive", "post-receive"] {
                    puts(&server.join("hooks").join(hook), GITEA_HOOK);
                    puts(
                        &server.join("hooks").join(format!("{hook}.d/gitea")),
                        GITEA_OWN,
                    );
                }
            }
            Kind::Gitlab => {
                for hook in ["pre-receive", "post-receive"] {
                    puts(
                        &self.world.path("forge/gitaly-hooks").join(hook),
                        GITALY_HOOK,
                    );
                }
            }
        }
    }

    /// The page's command, with what stands here in front of it.
    fn init(&self, before: &str) -> Ran {
        let ours = self.world.server().display().to_string();
        let places = [
            ("relhook --git-dir", "\"$RELHOOK\" --git-dir"),
            (self.kind.shown(), &ours),
        ];
        let script = format!("{before}\n{}", self.page.block("init", &places));
        let mut sh = command("sh", &self.world.path("forge"));
        sh.arg("-eu")
            .current_dir(self.world.path("forge"))
            .env("RELHOOK", RELHOOK);
        run_with(&mut sh, script.as_bytes())
    }

    /// What the page says that a hook is given for a push by this person.
    #[track_caller]
    fn environment(&self, name: &str, number: usize) -> String {
        let number = number.to_string();
        let id = match self.kind {
            Kind::Gitea => "GITEA_PUSHER_ID=",
            Kind::Gitlab => "GL_ID=user-",
        };
        let places = [
            ("=dana", format!("={name}")),
            (&format!("{id}3"), format!("{id}{number}")),
        ];
        let places: Vec<_> = places
            .iter()
            .map(|(old, new)| (*old, new.as_str()))
            .collect();
        self.page.block("environment", &places)
    }

    /// What the server does for who logs in with a person's key: git with this environment.
    #[track_caller]
    fn lets_in(&self, name: &str, environment: &str) {
        let home = self.world.path("forge");
        let serve = home.join(format!("serve-{name}"));
        let words: String = environment
            .lines()
            .map(|line| format!("'{line}' "))
            .collect();
        let hooks = match self.kind {
            Kind::Gitea => String::new(),
            Kind::Gitlab => format!("-c core.hooksPath={}/gitaly-hooks", home.display()),
        };
        let script = format!(
            "#!/bin/sh\nset -- $SSH_ORIGINAL_COMMAND\nexec env {words} git {hooks} \
             \"${{1#git-}}\" {}\n",
            self.world.server().display()
        );
        puts(&serve, &script);
        let key = std::fs::read_to_string(login_key(&self.world, name).with_extension("pub"));
        let line = format!("restrict,command=\"{}\" {}", serve.display(), key.unwrap());
        let file = home.join(".ssh/authorized_keys");
        let others = std::fs::read_to_string(&file).unwrap_or_default();
        let others: String = others
            .lines()
            .filter(|line| !line.contains(serve.to_str().unwrap()))
            .map(|line| format!("{line}\n"))
            .collect();
        std::fs::write(&file, others + &line).unwrap();
    }

    #[track_caller]
    fn connects(&self, person: &Person<'_>) {
        self.sshd.is_known_to(person);
        let url = format!("{}@{HOST}:acme/site.git", account());
        person.git(&["remote", "set-url", "origin", &url]);
    }

    /// Dana's work, approved by Rita; the commit, and the person who has it.
    #[track_caller]
    fn approved(&self) -> (Person<'_>, String) {
        let [dana, rita] = ["dana", "rita"].map(|name| self.world.person(name));
        self.connects(&dana);
        self.connects(&rita);
        let fix = dana.commits("index.html");
        dana.offers("fix");
        rita.approves(&fix).accepted();
        (dana, fix)
    }
}

fn puts(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    write_program(path, text);
}

#[test]
fn the_story_is_played_as_through_gitea() {
    let hosted = Hosted::new(Kind::Gitea);
    plays_the_story(&hosted.world, |person| hosted.connects(person));
    hosted.page.was_followed();
}

#[test]
fn the_story_is_played_as_through_gitlab() {
    let hosted = Hosted::new(Kind::Gitlab);
    plays_the_story(&hosted.world, |person| hosted.connects(person));
    hosted.page.was_followed();
}

#[test]
fn i_14_a_deploy_key_is_nobody() {
    for (kind, person, deploy_key) in [
        (
            Kind::Gitea,
            "GITEA_DEPLOY_KEY_ID=0",
            "GITEA_DEPLOY_KEY_ID=5",
        ),
        (Kind::Gitlab, "GL_ID=user-3", "GL_ID=key-5"),
    ] {
        let hosted = Hosted::new(kind);
        let (dana, fix) = hosted.approved();
        let own = hosted.environment("dana", 3);
        assert!(own.contains(person));
        hosted.lets_in("dana", &own.replace(person, deploy_key));
        dana.pushes(&["prod"]).refused_with("RH208");
        hosted.lets_in("dana", &own);
        dana.pushes(&["prod"]).accepted();
        assert_eq!(hosted.world.server_ref(PROD), Some(fix));
        let told = ["nobody rejected", "dana accepted"];
        assert_eq!(pushes_in_log(&hosted.world, PROD), told);
    }
}

#[test]
fn who_brought_an_unsigned_commit_is_known_by_the_push() {
    for kind in [Kind::Gitea, Kind::Gitlab] {
        let rule = policy(kind.name()).prod("attribution: signature-or-pusher");
        let hosted = Hosted::with(kind, &rule);
        let [dana, rita] = ["dana", "rita"].map(|name| hosted.world.person(name));
        hosted.connects(&dana);
        hosted.connects(&rita);
        let fix = dana.commits_as("index.html", &["--no-gpg-sign"]);
        dana.offers("fix");
        rita.approves(&fix).accepted();
        rita.pushes(&[&format!("{fix}:{PROD}")]).accepted();
        // What she brings herself is hers, whatever name it carries: she cannot approve that.
        rita.takes("prod");
        rita.git(&["config", "user.email", "dora@acme.example"]);
        let own = rita.commits_as("about.html", &["--no-gpg-sign"]);
        rita.git(&["config", "--unset", "user.email"]);
        rita.offers("own");
        rita.approves(&own).accepted();
        rita.pushes(&["prod"]).refused_with("RH401");
    }
}

#[test]
fn a_server_that_leaves_its_variables_out_lets_nobody_in() {
    for kind in [Kind::Gitea, Kind::Gitlab] {
        let hosted = Hosted::new(kind);
        let (dana, _) = hosted.approved();
        let own = hosted.environment("dana", 3);
        let less = own
            .lines()
            .filter(|line| !line.contains("PUSHER") && !line.contains("GL_ID"));
        hosted.lets_in("dana", &less.collect::<Vec<_>>().join("\n"));
        dana.pushes(&["prod"]).refused_with("RH203");
    }
}

#[test]
fn giteas_button_merges_by_fast_forward() {
    let hosted = Hosted::new(Kind::Gitea);
    let (dana, fix) = hosted.approved();
    // Gitea pushes from a folder of its own, as who pressed the button.
    let button = |what: &str| {
        let mut git = dana.git_command();
        git.env_remove("RELHOOK_USER");
        for line in hosted.environment("rita", 5).lines() {
            let (name, value) = line.split_once('=').unwrap();
            git.env(name, value);
        }
        git.env("GITEA_PR_ID", "12")
            .env("GITEA_PUSH_TRIGGER", "pr-merge-to-base");
        git.args(["push"])
            .arg(hosted.world.server())
            .arg(format!("{what}:{PROD}"));
        run(&mut git)
    };
    // A commit that the button makes was seen by nobody.
    dana.git(&["checkout", "-q", "-b", "merge", "origin/prod"]);
    dana.git(&[
        "-c",
        "commit.gpgSign=false",
        "merge",
        "-q",
        "--no-ff",
        "-m",
        "Merge",
        &fix,
    ]);
    let merged = button("merge");
    assert!(merged.err.contains("RH2"), "{}", merged.err);
    button(&fix).assert_ok();
    assert_eq!(hosted.world.server_ref(PROD), Some(fix));
    let told = ["rita rejected", "rita accepted"];
    assert_eq!(pushes_in_log(&hosted.world, PROD), told);
}

#[test]
fn gitea_writes_its_hooks_anew_and_relhooks_stay() {
    let hosted = Hosted::new(Kind::Gitea);
    hosted.has_hooks();
    let again = hosted.world.relhook(&["init"]);
    assert!(String::from_utf8_lossy(&again.out).contains("nothing to do"));
    // What is missing is mended where it was, without being told the layout.
    let hook = hosted.world.server().join("hooks/post-receive.d/relhook");
    std::fs::remove_file(&hook).unwrap();
    hosted.world.relhook(&["init"]).assert_ok();
    assert!(hook.exists());
}

#[test]
fn h_16_a_repository_of_gitea_asks_for_its_layout() {
    let hosted = Hosted::without_relhook(Kind::Gitea);
    hosted.has_policy(&policy("gitea"));
    let server = hosted.world.server();
    let init = |more: &[&str]| {
        let mut init = hosted.world.server_command(RELHOOK);
        init.current_dir(hosted.world.path("forge"))
            .arg("--git-dir")
            .arg(&server);
        run(init
            .args(["init", "--policy", "policy.yaml", "--keys", "keys"])
            .args(more))
    };
    let plain = init(&[]);
    assert_eq!(plain.code, 1);
    assert!(plain.err.contains("--layout gitea"), "{}", plain.err);
    assert!(!server.join("relhook").exists());
    // A hook that runs nothing would leave relhook out.
    puts(&server.join("hooks/pre-receive"), "#!/bin/sh\nexit 0\n");
    let idle = init(&["--layout", "gitea"]);
    assert_eq!(idle.code, 1);
    assert!(idle.err.contains("would never be asked"), "{}", idle.err);
    hosted.has_hooks();
    init(&["--layout", "gitea"]).assert_ok();
    assert_eq!(init(&["--layout", "bitbucket"]).code, 2);
    // One folder of hooks for all repositories, as some versions of Forgejo have it.
    let elsewhere = ["config", "core.hooksPath", "/srv/forgejo/hooks"];
    hosted.world.server_git(&elsewhere).assert_ok();
    let init = init(&["--layout", "gitea"]);
    assert_eq!(init.code, 1);
    assert!(init.err.contains("core.hooksPath"), "{}", init.err);
}

#[test]
fn doctor_looks_where_the_server_looks() {
    for kind in [Kind::Gitea, Kind::Gitlab] {
        let hosted = Hosted::new(kind);
        let found = |check: &str| {
            let json = hosted.world.relhook(&["doctor", "--json"]);
            let json: serde_json::Value = serde_json::from_slice(&json.out).unwrap();
            let all = json["findings"].as_array().unwrap().iter();
            let found = all.filter(|one| one["check"] == check);
            let told = found.map(|one| (one["state"].to_string(), one["what"].to_string()));
            told.collect::<Vec<_>>()
        };
        let files = hosted.page.block("files", &[]);
        for file in files.lines() {
            let hook = file.split(['/', '.']).find(|word| word.contains('-'));
            let hook = found(hook.unwrap());
            assert!(
                hook.iter()
                    .any(|(state, what)| state == "\"ok\"" && what.contains(file)),
                "{file}: {hook:?}"
            );
        }
        let (trial, lock) = match kind {
            Kind::Gitea => ("\"ok\"", "\"ok\""),
            Kind::Gitlab => ("\"unknown\"", "\"warning\""),
        };
        assert_eq!(found("refusal")[0].0, trial, "{:?}", found("refusal"));
        assert_eq!(found("reference-transaction")[0].0, lock);
        // A hook that is gone is missed where it was.
        std::fs::remove_file(hosted.world.server().join(files.lines().nth(1).unwrap())).unwrap();
        assert_eq!(found("post-receive")[0].0, "\"error\"");
    }
}

#[test]
fn h_08_a_ref_that_gitlab_moves_by_itself_is_told_and_no_start() {
    let hosted = Hosted::new(Kind::Gitlab);
    let dana = hosted.world.person("dana");
    hosted.connects(&dana);
    let evil = dana.commits("evil.html");
    dana.offers("evil");
    // As pull mirroring does: nobody is asked.
    hosted
        .world
        .server_git(&["update-ref", PROD, &evil])
        .assert_ok();
    let status = hosted.world.relhook(&["status"]);
    let shown = String::from_utf8_lossy(&status.out).into_owned();
    assert!(shown.contains(PROD) && status.code == 1, "{shown}");
    dana.commits("later.html");
    dana.pushes(&["prod"]).refused_with("RH");
}
