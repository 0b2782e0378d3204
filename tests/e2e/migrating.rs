//! Histories from elsewhere: a real Subversion server and `git svn clone`, a history with
//! git-tfs's authors and lines, and `relhook people import` in front of a real push.

use crate::common::{PolicyText, World, documented, free_port, run, shown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// svnserve on a free port of this machine, with accounts of its own.
struct Svn<'w> {
    world: &'w World,
    root: PathBuf,
    port: u16,
    server: Child,
}

impl Drop for Svn<'_> {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl<'w> Svn<'w> {
    #[track_caller]
    fn start(world: &'w World) -> Self {
        let root = world.path("svn");
        run(world.server_command("svnadmin").arg("create").arg(&root)).assert_ok();
        let conf = "[general]\nanon-access = none\nauth-access = write\npassword-db = passwd\nrealm = acme\n";
        std::fs::write(root.join("conf/svnserve.conf"), conf).unwrap();
        std::fs::write(root.join("conf/passwd"), "[users]\ndana = d\nrita = r\n").unwrap();
        let port = free_port();
        let mut serve = world.server_command("svnserve");
        serve.args(["-d", "--foreground", "--listen-host", "127.0.0.1"]);
        serve
            .arg("--listen-port")
            .arg(port.to_string())
            .arg("-r")
            .arg(&root);
        let server = serve.spawn().unwrap();
        let patience = Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < patience, "svnserve does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self {
            world,
            root,
            port,
            server,
        }
    }

    fn url(&self) -> String {
        format!("svn://127.0.0.1:{}/", self.port)
    }

    fn uuid(&self) -> String {
        run(self
            .world
            .server_command("svnlook")
            .arg("uuid")
            .arg(&self.root))
        .text()
    }

    /// Somebody commits a file, logged in under their own account.
    #[track_caller]
    fn commits(&self, user: &str, file: &str) {
        let copy = self.world.path(&format!("wc-{user}-{file}"));
        let login = [
            "--non-interactive",
            "--no-auth-cache",
            "--username",
            user,
            "--password",
            &user[..1],
        ];
        let svn = |args: &[&str]| {
            run(self.world.server_command("svn").args(args).args(login))
                .assert_ok()
                .clone()
        };
        svn(&["co", "-q", &self.url(), copy.to_str().unwrap()]);
        std::fs::write(copy.join(file), user).unwrap();
        let path = copy.join(file);
        svn(&["add", "-q", path.to_str().unwrap()]);
        svn(&[
            "ci",
            "-q",
            "-m",
            &format!("Add {file}"),
            copy.to_str().unwrap(),
        ]);
    }

    /// `git svn clone` into a folder of the world; whoever reads has an account, too.
    #[track_caller]
    fn cloned(&self, folder: &str, more: &[&str]) -> PathBuf {
        let to = self.world.path(folder);
        let password = self.world.path("password");
        std::fs::write(&password, "d\n").unwrap();
        let mut git = self.world.server_command("git");
        git.args([
            "-c",
            "init.defaultBranch=prod",
            "svn",
            "clone",
            "-q",
            "--username",
            "dana",
        ]);
        git.current_dir(self.world.root());
        git.args(more).arg(self.url()).arg(&to);
        git.stdin(std::fs::File::open(password).unwrap());
        run(&mut git).assert_ok();
        to
    }
}

fn git(world: &World, dir: &Path, args: &[&str]) -> String {
    let mut git: Command = world.server_command("git");
    git.args(["-c", "user.name=x", "-c", "user.email=x@y"]);
    run(git.arg("-C").arg(dir).args(args)).text()
}

/// A history with Dana and Rita as Subversion knows them, as the world's bare repository.
fn from_svn(more: &[&str]) -> (World, String) {
    let world = World::without_repository("server.git");
    let svn = Svn::start(&world);
    svn.commits("dana", "index.html");
    svn.commits("rita", "style.css");
    let authors = "dana = Dana Developer <dana@acme.example>\nrita = Rita R <rita@acme.example>\n";
    std::fs::write(world.path("authors.txt"), authors).unwrap();
    let clone = svn.cloned("site", more);
    let branch = git(&world, &clone, &["symbolic-ref", "--short", "HEAD"]);
    assert_eq!(branch, "prod");
    let to = world.server();
    git(
        &world,
        &clone,
        &["clone", "-q", "--bare", ".", to.to_str().unwrap()],
    );
    let uuid = svn.uuid();
    drop(svn);
    (world, uuid)
}

/// The usual people, without Remy and Vera, who have no part in this, and pushers attribute.
fn policy(world: &World) {
    let usual = PolicyText::usual().prod("attribution: signature-or-pusher");
    world.write_policy(&usual);
}

#[test]
fn i_06_i_07_i_22_an_svn_account_and_a_git_account_are_one_person() {
    let (world, uuid) = from_svn(&[]);
    policy(&world);
    let file = world.path("policy.yaml");
    let file = file.to_str().unwrap();
    let before = std::fs::read_to_string(file).unwrap();
    let import = [
        "people",
        "import",
        "--history",
        "--policy",
        file,
        "--output",
        file,
    ];
    let asked = world.relhook(&import);
    assert_eq!(asked.code, 1, "{}", asked.err);
    let (dana, rita) = (format!("dana@{uuid}"), format!("rita@{uuid}"));
    for old in [&dana, &rita] {
        assert!(asked.err.contains(old.as_str()), "{}", asked.err);
    }
    assert!(asked.err.contains("--merge"), "{}", asked.err);
    assert_eq!(std::fs::read_to_string(file).unwrap(), before);
    let (one, other) = (format!("dana={dana}"), format!("{rita}=rita"));
    let settle = ["--merge", &one, "--merge", &other];
    world
        .relhook(&[&import[..], &settle[..]].concat())
        .assert_ok();
    let after = std::fs::read_to_string(file).unwrap();
    assert!(after.contains(&dana) && after.contains(&rita), "{after}");
    world
        .init(&["--policy", "policy.yaml", "--keys", "keys"])
        .assert_ok();

    // What a bridge brings later: by Rita's account on the old server, pushed by Dana.
    let bridge = world.person("dana");
    let late = |file: &str, email: &str| {
        let author = format!("late <{email}>");
        bridge.commits_as(file, &["--no-gpg-sign", "--author", &author])
    };
    let commit = late("late.html", &rita);
    bridge
        .pushes(&["HEAD:refs/heads/prod"])
        .refused_with("RH401");
    bridge.offers("late");
    world.person("rita").approves(&commit).accepted();
    bridge
        .pushes(&["HEAD:refs/heads/prod"])
        .refused_with("RH401");
    world.person("remy").approves(&commit).accepted();
    bridge.pushes(&["HEAD:refs/heads/prod"]).accepted();

    // Nobody's account of the old server is nobody's here.
    late("stranger.html", &format!("mallory@{uuid}"));
    bridge.pushes(&["HEAD:refs/heads/prod"]).refused();
}

#[test]
fn an_authors_file_settles_whose_the_old_accounts_are() {
    let (world, uuid) = from_svn(&["--authors-file=authors.txt"]);
    let clone = git(&world, &world.server(), &["log", "--format=%ae", "prod"]);
    assert_eq!(clone, "rita@acme.example\ndana@acme.example");
    policy(&world);
    let (file, authors) = (world.path("policy.yaml"), world.path("authors.txt"));
    let told = world.relhook(&[
        "people",
        "import",
        "--json",
        "--history",
        "prod",
        "--policy",
        file.to_str().unwrap(),
        "--svn-authors",
        authors.to_str().unwrap(),
    ]);
    told.assert_ok();
    let json: serde_json::Value = serde_json::from_str(&shown(&told)).unwrap();
    documented(&json);
    assert_eq!(json["schema"], "relhook/people-import/v1");
    assert_eq!(json["settled"], true);
    assert_eq!(json["people"].as_array().unwrap().len(), 6);
    assert_eq!(json["history"]["commits"], 2);
    assert!(!json["yaml"].as_str().unwrap().contains(&uuid));
}

#[test]
fn authors_of_team_foundation_server_map_to_people() {
    let world = World::without_relhook();
    policy(&world);
    let tip = git(&world, &world.server(), &["rev-parse", "prod"]);
    let tree = git(&world, &world.server(), &["rev-parse", "prod^{tree}"]);
    let raw = format!(
        "tree {tree}\nparent {tip}\nauthor ACME\\dana <ACME\\dana> 1 +0000\ncommitter rita <rita@acme.tfs.local> 1 +0000\n\nAdd\n\ngit-tfs-id: [http://tfs:8080/tfs/Main]$/Site;C12\n"
    );
    std::fs::write(world.path("commit"), raw).unwrap();
    let path = world.path("commit");
    let made = git(
        &world,
        &world.server(),
        &["hash-object", "-t", "commit", "-w", path.to_str().unwrap()],
    );
    git(
        &world,
        &world.server(),
        &["update-ref", "refs/heads/prod", &made],
    );
    let (file, authors) = (world.path("policy.yaml"), world.path("authors.txt"));
    std::fs::write(
        &authors,
        "ACME\\dana = Dana Developer <dana@acme.example>\n",
    )
    .unwrap();
    let base = [
        "people",
        "import",
        "--history",
        "prod",
        "--policy",
        file.to_str().unwrap(),
        "--svn-authors",
        authors.to_str().unwrap(),
        "--output",
        file.to_str().unwrap(),
    ];
    let asked = world.relhook(&base);
    assert_eq!(asked.code, 1, "{}", asked.err);
    assert!(
        asked.err.contains("rita@acme.tfs.local") && !asked.err.contains("ACME"),
        "{}",
        asked.err
    );
    let settle = ["--merge", "rita=rita@acme.tfs.local"];
    world
        .relhook(&[&base[..], &settle[..]].concat())
        .assert_ok();
    let after = std::fs::read_to_string(&file).unwrap();
    assert!(after.contains("\"ACME\\\\dana\""), "{after}");
    world
        .init(&["--policy", "policy.yaml", "--keys", "keys"])
        .assert_ok();
    let bridge = world.person("dana");
    let commit = bridge.commits_as(
        "late",
        &["--no-gpg-sign", "--author", "rita <rita@acme.tfs.local>"],
    );
    bridge.offers("late");
    world.person("rita").approves(&commit).accepted();
    bridge
        .pushes(&["HEAD:refs/heads/prod"])
        .refused_with("RH401");
    world.person("remy").approves(&commit).accepted();
    bridge.pushes(&["HEAD:refs/heads/prod"]).accepted();
}
