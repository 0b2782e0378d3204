//! The harness for releases: a bare repository with commits made to measure, orders, a log, and a
//! way to run a release in a process of its own that can be killed.

use crate::common::write_program;
use relhook::policy::{
    DirTarget, FtpTarget, HostKey, Policy, RepositoryName, SftpTarget, SshLogin, SshProof, Target,
    TargetKind, TlsMode,
};
use relhook::release::{
    Adoption, Course, Credits, Event, Order, Orders, Outcome, Patience, ReleaseError, Setting,
    Totals, What, Witness,
};
use relhook::types::{Oid, RefName, TargetName, Timestamp};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// The usual target's name.
pub const SITE: &str = "site";

const FILE: u32 = 0o100_644;
pub const PROGRAM: u32 = 0o100_755;
pub const LINK: u32 = 0o120_000;
pub const SUBMODULE: u32 = 0o160_000;

/// A repository and relhook's folder in it.
pub struct Bench {
    home: TempDir,
    git: git2::Repository,
}

/// What a witness was told: the log of a test.
#[derive(Debug, Default)]
pub struct Log(pub Vec<Event>);

impl Witness for Log {
    fn record(&mut self, event: &Event) -> Result<(), String> {
        self.0.push(event.clone());
        Ok(())
    }
}

impl Log {
    /// What happened, in words.
    pub fn words(&self) -> Vec<&'static str> {
        let word = |event: &Event| match event.what {
            What::Started => "started",
            What::Finished(_) => "finished",
            What::Failed { .. } => "failed",
            What::Pinned { .. } => "pinned",
            What::Unpinned { .. } => "unpinned",
            What::Drifted(_) => "drifted",
        };
        self.0.iter().map(word).collect()
    }
}

/// One answer to every question.
pub struct Always(pub Order);

impl Orders for Always {
    fn order(&self, _: &TargetName) -> Result<Option<Order>, String> {
        Ok(Some(self.0.clone()))
    }
}

fn clock() -> Timestamp {
    Timestamp::from_unix(1_800_000_000)
}

impl Bench {
    pub fn new() -> Self {
        let home = tempfile::Builder::new()
            .prefix("rel")
            .tempdir_in("/tmp")
            .unwrap();
        let git = git2::Repository::init_bare(home.path().join("site.git")).unwrap();
        let bench = Self { home, git };
        relhook::folder::Folder::create(&bench.git_dir()).unwrap();
        bench
    }

    pub fn git_dir(&self) -> PathBuf {
        self.home.path().join("site.git")
    }

    /// relhook's folder.
    pub fn folder(&self) -> PathBuf {
        self.git_dir().join("relhook")
    }

    /// A folder outside the repository.
    pub fn outside(&self, name: &str) -> PathBuf {
        let path = self.home.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    /// Stores the credentials of the usual target.
    pub fn credentials(&self, user: &str, password: &str) {
        self.account(&format!("user={user}\npassword={password}\n"));
    }

    /// Stores the credentials of the usual target, in these lines.
    pub fn account(&self, lines: &str) {
        use std::os::unix::fs::PermissionsExt;
        let folder = self.folder().join("credentials");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(SITE);
        std::fs::write(&file, lines).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// A commit with these files and nothing else.
    pub fn commit(&self, files: &[(&str, &str)]) -> Oid {
        let entries: Vec<(u32, &[u8], &[u8])> = files
            .iter()
            .map(|(path, content)| (FILE, path.as_bytes(), content.as_bytes()))
            .collect();
        self.commit_modes(&entries)
    }

    /// A commit with these entries: mode, path, content (a commit's id for a submodule).
    pub fn commit_modes(&self, files: &[(u32, &[u8], &[u8])]) -> Oid {
        let mut tree = Node::default();
        for (mode, path, content) in files {
            let blob = self.git.blob(content).unwrap();
            let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
            tree.insert(&parts, *mode, blob);
        }
        self.commit_tree(tree)
    }

    fn commit_tree(&self, tree: Node) -> Oid {
        let root = self.git.find_tree(tree.write(&self.git)).unwrap();
        let who = git2::Signature::new("Dana", "dana@example.org", &git2::Time::new(1, 0)).unwrap();
        let oid = self
            .git
            .commit(None, &who, &who, "change", &root, &[])
            .unwrap();
        Oid::from_bytes(oid.as_bytes()).unwrap()
    }

    /// A commit with these files and a submodule at this path, which names a commit of another
    /// repository.
    pub fn commit_with_submodule(&self, at: &str, inner: Oid, files: &[(&str, &str)]) -> Oid {
        let mut tree = Node::default();
        let inner = git2::Oid::from_bytes(inner.as_bytes()).unwrap();
        let parts = |path: &str| -> Vec<Vec<u8>> {
            path.split('/')
                .map(|part| part.as_bytes().to_vec())
                .collect()
        };
        let mut insert = |path: &str, mode, oid| {
            let parts = parts(path);
            tree.insert(
                &parts.iter().map(Vec::as_slice).collect::<Vec<_>>(),
                mode,
                oid,
            );
        };
        insert(at, SUBMODULE, inner);
        for (path, content) in files {
            insert(path, FILE, self.git.blob(content.as_bytes()).unwrap());
        }
        self.commit_tree(tree)
    }

    /// The files that `git archive` finds in a commit.
    pub fn archived(&self, commit: Oid) -> Vec<String> {
        let script = format!("git archive {commit} | tar -t");
        let git_dir = self.git_dir();
        let output = Command::new("sh")
            .args(["-c", &script])
            .current_dir(git_dir)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        let names = String::from_utf8(output.stdout).unwrap();
        let mut names: Vec<String> = names
            .lines()
            .filter(|name| !name.ends_with('/'))
            .map(str::to_owned)
            .collect();
        names.sort();
        names
    }

    /// An order to bring `commit` to `kind`.
    pub fn order(&self, kind: TargetKind, commit: Oid, sequence: u64) -> Order {
        Order {
            target: Target::new(TargetName::new(SITE), kind),
            repository: RepositoryName("acme/site".into()),
            ca: None,
            refname: RefName::new(b"refs/heads/prod").unwrap(),
            commit,
            sequence,
            credits: Credits::default(),
            course: Course::Forward,
        }
    }

    /// Carries an order out.
    pub fn release(&self, order: &Order) -> Result<Outcome, ReleaseError> {
        self.release_with(order, Adoption::Refuse, &mut Log::default())
    }

    /// Carries an order out, overwriting what stands in the way if so told.
    pub fn release_with(
        &self,
        order: &Order,
        adoption: Adoption,
        log: &mut Log,
    ) -> Result<Outcome, ReleaseError> {
        release(&self.git_dir(), order, adoption, log)
    }

    /// Does something where the releases are done.
    pub fn with_setting<T>(&self, what: impl FnOnce(Setting<'_>) -> T) -> T {
        let (git_dir, folder) = (self.git_dir(), self.folder());
        what(Setting {
            git_dir: &git_dir,
            folder: &folder,
            program: Some(Path::new(crate::common::RELHOOK)),
            now: &clock,
        })
    }

    /// Starts to carry an order out in a process of its own: `test` is one that is ignored and
    /// calls [`carry_out_apart`], with `more` in its environment to tell the target by.
    pub fn release_in(&self, test: &str, order: &Order, more: &[(&str, &str)]) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--ignored", "--nocapture"])
            .env("RELHOOK_APART", self.git_dir())
            .env("RELHOOK_APART_COMMIT", order.commit.to_string())
            .env("RELHOOK_APART_SEQUENCE", order.sequence.to_string())
            .envs(more.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Starts to carry an order to an FTP site out in a process of its own.
    pub fn release_apart(&self, order: &Order) -> Child {
        let mut apart = Command::new(std::env::current_exe().unwrap());
        match &order.target.kind {
            TargetKind::Ftp(target) => apart
                .env("RELHOOK_APART_PORT", target.port.to_string())
                .env("RELHOOK_APART_PATH", &target.path)
                .env("RELHOOK_APART_CONNECTIONS", target.connections.to_string()),
            TargetKind::Sftp(target) => apart
                .env("RELHOOK_APART_PORT", target.login.port.to_string())
                .env("RELHOOK_APART_PATH", &target.path)
                .env(
                    "RELHOOK_APART_HOST_KEY",
                    target.login.host_keys[0].to_string(),
                ),
            other => panic!("not released to apart: {other:?}"),
        };
        apart
            .args(["release_kit::apart", "--exact", "--ignored", "--nocapture"])
            .env("RELHOOK_APART", self.git_dir())
            .env("RELHOOK_APART_COMMIT", order.commit.to_string())
            .env("RELHOOK_APART_SEQUENCE", order.sequence.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }
}

/// Carries an order out for the repository in `git_dir`.
pub fn release(
    git_dir: &Path,
    order: &Order,
    adoption: Adoption,
    log: &mut Log,
) -> Result<Outcome, ReleaseError> {
    let setting = Setting {
        git_dir,
        folder: &git_dir.join("relhook"),
        program: Some(Path::new(crate::common::RELHOOK)),
        now: &clock,
    };
    let orders = Always(order.clone());
    let target = order.target.name.clone();
    relhook::release::run(setting, &target, &orders, log, adoption, Patience::Wait)
}

/// Not a test: the other end of [`Bench::release_apart`].
#[test]
#[ignore = "started by other tests, in a process that they kill"]
fn apart() {
    let variable = |name: &str| std::env::var(format!("RELHOOK_APART{name}")).unwrap();
    let Ok(git_dir) = std::env::var("RELHOOK_APART") else {
        return;
    };
    let port = variable("_PORT").parse().unwrap();
    let kind = match std::env::var("RELHOOK_APART_HOST_KEY") {
        Ok(key) => TargetKind::Sftp(SftpTarget {
            compress: false,
            host: "127.0.0.1".into(),
            path: variable("_PATH"),
            login: SshLogin {
                port,
                host_keys: vec![HostKey::Whole(key)],
                proof: SshProof::Key,
            },
        }),
        Err(_) => {
            let connections = variable("_CONNECTIONS").parse().unwrap();
            ftp(port, &variable("_PATH"), TlsMode::Plain, connections)
        }
    };
    let order = Order {
        target: Target::new(TargetName::new(SITE), kind),
        repository: RepositoryName("acme/site".into()),
        ca: None,
        refname: RefName::new(b"refs/heads/prod").unwrap(),
        commit: variable("_COMMIT").parse().unwrap(),
        sequence: variable("_SEQUENCE").parse().unwrap(),
        credits: Credits::default(),
        course: Course::Forward,
    };
    release(
        Path::new(&git_dir),
        &order,
        Adoption::Refuse,
        &mut Log::default(),
    )
    .unwrap();
}

/// A policy around one target.
const AROUND: &str = "\
version: 1
repository: acme/site
people:
  dana:
    emails: [dana@acme.example]
    keys: ['openpgp:0123456789ABCDEF0123456789ABCDEF01234567']
  bob:
    emails: [bob@acme.example]
    keys: ['openpgp:1123456789ABCDEF0123456789ABCDEF01234567']
  carol:
    emails: [carol@acme.example]
    keys: ['openpgp:2123456789ABCDEF0123456789ABCDEF01234567']
teams:
  everybody: [dana, bob, carol]
branches:
  refs/heads/prod:
    required: 1
    from: [everybody]
    release: [site]
  refs/relhook/policy:
    required: 1
    from: [everybody]
targets:
  site:
";

/// A target as a policy writes it, its keys four spaces in.
#[track_caller]
pub fn written(text: &str) -> TargetKind {
    let policy = Policy::parse(format!("{AROUND}{text}").as_bytes(), "policy.yaml");
    let policy = policy.unwrap_or_else(|errors| panic!("{errors}"));
    policy.targets.into_values().next().unwrap().kind
}

/// The other end of [`Bench::release_in`]: carries the order out to the target that `kind` reads
/// from the environment. Nothing, where the process was not started that way.
pub fn carry_out_apart(kind: impl Fn(&dyn Fn(&str) -> String) -> TargetKind) {
    let variable = |name: &str| std::env::var(format!("RELHOOK_APART{name}")).unwrap();
    let Ok(git_dir) = std::env::var("RELHOOK_APART") else {
        return;
    };
    let order = Order {
        target: Target::new(TargetName::new(SITE), kind(&variable)),
        repository: RepositoryName("acme/site".into()),
        ca: std::env::var_os("RELHOOK_APART_CA").map(|file| std::fs::read(file).unwrap()),
        refname: RefName::new(b"refs/heads/prod").unwrap(),
        commit: variable("_COMMIT").parse().unwrap(),
        sequence: variable("_SEQUENCE").parse().unwrap(),
        credits: Credits::default(),
        course: Course::Forward,
    };
    let git_dir = Path::new(&git_dir);
    release(git_dir, &order, Adoption::Refuse, &mut Log::default()).unwrap();
}

/// Not a test: starts a worker, in a process whose environment another test has made.
#[test]
#[ignore = "started by another test, with an environment of its own"]
fn spawns() {
    let Ok(program) = std::env::var("RELHOOK_SPAWNS") else {
        return;
    };
    let git_dir = std::env::var("RELHOOK_SPAWNS_GIT_DIR").unwrap();
    relhook::release::spawn_worker(Path::new(&program), Path::new(&git_dir)).unwrap();
}

/// N-06, D-07, U-12: nothing of the push reaches the worker.
#[test]
fn n_06_d_07_a_worker_gets_neither_the_pushs_variables_nor_its_pipes() {
    let bench = Bench::new();
    let folder = bench.outside("worker");
    let (program, answer) = (folder.join("program"), folder.join("answer"));
    let script = format!(
        "#!/bin/sh\n{{ echo \"$@\"; pwd; env; ls -l /proc/$$/fd; }} >{0}.new\nmv {0}.new {0}\n",
        answer.display()
    );
    write_program(&program, script);
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["release_kit::spawns", "--exact", "--ignored"])
        .env("RELHOOK_SPAWNS", &program)
        .env("RELHOOK_SPAWNS_GIT_DIR", bench.git_dir())
        .env("GIT_QUARANTINE_PATH", "/quarantine")
        .env("GIT_DIR", "/elsewhere")
        .env("HTTP_AUTHORIZATION", "Basic c2VjcmV0")
        .env("LD_PRELOAD_NOT", "x")
        .env("SSH_AUTH_SOCK", "/tmp/ssh-forwarded/agent.1")
        .env("SSH_CONNECTION", "192.0.2.7 40000 192.0.2.1 22")
        .env("CREDENTIALS_DIRECTORY", "/run/credentials/x")
        .output()
        .unwrap();
    assert!(output.status.success());
    while !answer.exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let said = std::fs::read_to_string(answer).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "release --worker");
    assert_eq!(lines[1], bench.git_dir().to_str().unwrap());
    assert!(
        said.contains("CREDENTIALS_DIRECTORY=/run/credentials/x"),
        "{said}"
    );
    for gone in [
        "QUARANTINE",
        "GIT_DIR",
        "AUTHORIZATION",
        "LD_PRELOAD_NOT",
        "SSH_",
        "RELHOOK_SPAWNS",
    ] {
        assert!(!said.contains(gone), "{gone}: {said}");
    }
    assert!(said.contains(" 0 -> /dev/null"), "{said}");
    assert!(
        said.contains(" 1 -> ") && !said.contains(" 1 -> pipe"),
        "{said}"
    );
    assert!(
        said.contains(" 2 -> ") && said.contains("/relhook/release/worker.log"),
        "{said}"
    );
}

/// An FTP target on this machine.
pub fn ftp(port: u16, path: &str, tls: TlsMode, connections: u32) -> TargetKind {
    TargetKind::Ftp(FtpTarget {
        host: "localhost".into(),
        port,
        path: path.to_owned(),
        tls,
        ca: None,
        connections,
    })
}

/// A directory target.
pub fn dir(path: &Path, keep: u32) -> TargetKind {
    TargetKind::Dir(DirTarget {
        path: path.to_owned(),
        keep,
        shared: Vec::new(),
    })
}

/// What a release did, or the test fails.
#[track_caller]
pub fn released(outcome: Result<Outcome, ReleaseError>) -> Totals {
    match outcome {
        Ok(Outcome::Released(_, totals, _)) => totals,
        other => panic!("not released: {other:?}"),
    }
}

/// The error of a release, or the test fails.
#[track_caller]
pub fn refused(outcome: Result<Outcome, ReleaseError>, code: u16) -> String {
    match outcome {
        Err(error) if error.code().to_string() == format!("RH{code}") => error.to_string(),
        other => panic!("not refused with RH{code}: {other:?}"),
    }
}

/// The fingerprint of a public key, as `ssh-keygen -l` prints it and a policy names it.
#[track_caller]
pub fn fingerprint(public: &Path) -> HostKey {
    let mut keygen = crate::common::command("ssh-keygen", Path::new("/"));
    let told = crate::common::run(keygen.arg("-lf").arg(public)).text();
    let print = told.split(' ').nth(1).unwrap();
    let sftp = format!(
        "    kind: sftp\n    host: localhost\n    path: /srv\n    host_keys: ['{print}']\n"
    );
    let TargetKind::Sftp(target) = written(&sftp) else {
        panic!("{sftp}")
    };
    assert_eq!(target.login.host_keys[0].to_string(), print);
    target.login.host_keys[0].clone()
}

/// Every file below a folder with its content, directories ending in `/`, links as `-> target`.
/// The manifest's moment and relhook's own lock are left out.
pub fn tree(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    walk(root, "", &mut found);
    found
}

fn walk(root: &Path, at: &str, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(root.join(at)).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{at}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            let target = std::fs::read_link(entry.path()).unwrap();
            found.insert(name, format!("-> {}", target.display()));
        } else if kind.is_dir() {
            let below = format!("{name}/");
            found.insert(below.clone(), String::new());
            walk(root, &below, found);
        } else {
            let bytes = std::fs::read(entry.path()).unwrap();
            found.insert(name, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}

/// A tree that is being put together.
#[derive(Default)]
struct Node {
    entries: BTreeMap<Vec<u8>, Entry>,
}

enum Entry {
    Leaf(u32, git2::Oid),
    Tree(Node),
}

impl Node {
    fn insert(&mut self, path: &[&[u8]], mode: u32, blob: git2::Oid) {
        match path {
            [name] => {
                self.entries.insert(name.to_vec(), Entry::Leaf(mode, blob));
            }
            [name, rest @ ..] => {
                let entry = self.entries.entry(name.to_vec());
                if let Entry::Tree(node) = entry.or_insert_with(|| Entry::Tree(Self::default())) {
                    node.insert(rest, mode, blob);
                }
            }
            [] => {}
        }
    }

    /// Writes the tree raw, so that names which git would not take can be made too.
    fn write(&self, git: &git2::Repository) -> git2::Oid {
        let mut entries: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for (name, entry) in &self.entries {
            let (mode, oid, order) = match entry {
                Entry::Leaf(mode, blob) => (*mode, *blob, name.clone()),
                Entry::Tree(node) => (0o040_000, node.write(git), [&name[..], b"/"].concat()),
            };
            let mut raw = format!("{mode:o} ").into_bytes();
            raw.extend_from_slice(name);
            raw.push(0);
            raw.extend_from_slice(oid.as_bytes());
            entries.push((order, raw));
        }
        entries.sort();
        let raw: Vec<u8> = entries.into_iter().flat_map(|(_, raw)| raw).collect();
        let odb = git.odb().unwrap();
        odb.write(git2::ObjectType::Tree, &raw).unwrap()
    }
}
