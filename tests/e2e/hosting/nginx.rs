//! docs/hosting/nginx.md, followed: nginx with basic authentication over TLS, fcgiwrap,
//! git-http-backend.

use super::ssh_git::notes_environment;
use super::{Page, Served, plays_the_story, policy, pushes_in_log};
use crate::common::page::scratch;
use crate::common::{PROD, Person, Ran, World, command, ftpd, run, run_with};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Everybody's password: long enough that it can be nowhere by chance.
const PASSWORD: &str = "vanilla-trombone-41771";

/// A repository behind nginx.
struct Hosted {
    page: Page,
    world: World,
    port: u16,
    _servers: [Served; 2],
}

/// What a test changes about the site: a text of it, and what stands there instead.
type Change<'c> = (&'c str, &'c str);

impl Hosted {
    /// Follows the page from its first step to its last.
    #[track_caller]
    fn new(changes: &[Change<'_>]) -> Self {
        let page = Page::named("nginx");
        let world = World::without_repository("srv/site.git");
        std::fs::create_dir_all(world.path("srv")).unwrap();
        let srv = world.path("srv").display().to_string();
        sh(
            &world,
            "server",
            &page.block("repository", &[("/srv/git", &srv)]),
        )
        .assert_ok();
        world.seeds();
        assert!(page.block("policy", &[]).contains("\n  source: http\n"));
        world.write_policy(&policy("http"));
        let init = page.block(
            "init",
            &[("relhook --", "\"$RELHOOK\" --"), ("/srv/git", &srv)],
        );
        sh(&world, "server", &init).assert_ok();
        let servers = Servers {
            page: &page,
            world: &world,
            srv: &srv,
        };
        servers.adds_people();
        let backend = servers.backend();
        let (nginx, port) = servers.nginx(changes);
        Self {
            page,
            world,
            port,
            _servers: [nginx, backend],
        }
    }

    /// As the page ends: `origin` leads to the server. Git asks a helper for the password.
    #[track_caller]
    fn connects(&self, person: &Person<'_>) {
        self.connects_as(person, person.name);
    }

    /// As [`Hosted::connects`], with this name and its password.
    #[track_caller]
    fn connects_as(&self, person: &Person<'_>, login: &str) {
        let url = format!("https://{login}@localhost:{}/site.git", self.port);
        let helper = format!("!printf 'password={PASSWORD}\\n' #");
        let ca = ftpd::certificates().join("right.pem");
        for (key, value) in [
            ("remote.origin.url", url.as_str()),
            ("credential.helper", &helper),
            ("http.sslCAInfo", ca.to_str().unwrap()),
        ] {
            person.git(&["config", "--replace-all", key, value]);
        }
    }

    /// The status of a request.
    #[track_caller]
    fn status(&self, path: &str, more: &[&str]) -> String {
        let mut curl = command("curl", &self.world.path("home"));
        let ca = ftpd::certificates().join("right.pem");
        curl.args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert"]);
        curl.arg(ca).args(more);
        run(curl.arg(format!("https://localhost:{}/{path}", self.port))).text()
    }

    fn nginx_log(&self) -> PathBuf {
        self.world.path("nginx/error.log")
    }
}

/// What the steps of the page that start servers need.
struct Servers<'h> {
    page: &'h Page,
    world: &'h World,
    srv: &'h str,
}

impl Servers<'_> {
    #[track_caller]
    fn adds_people(&self) {
        let nginx = self.world.path("nginx");
        std::fs::create_dir_all(&nginx).unwrap();
        let users = nginx.join("git.users").display().to_string();
        for name in ["dana", "remy", "rita", "stranger"] {
            let places = [
                ("/etc/nginx/git.users", users.as_str()),
                ("dana:", &format!("{name}:")),
                // A person types it twice; a test cannot.
                (
                    "openssl passwd -6",
                    &format!("openssl passwd -6 {PASSWORD}"),
                ),
            ];
            sh(self.world, "server", &self.page.block("person", &places)).assert_ok();
        }
    }

    fn socket(&self) -> String {
        self.world.path("git-http.socket").display().to_string()
    }

    /// What systemd does with the two units of the page.
    #[track_caller]
    fn backend(&self) -> Served {
        let ours = self.socket();
        let socket = self
            .page
            .block("socket", &[("/run/git-http.socket", &ours)]);
        assert!(
            socket.contains(&format!("\nListenStream={ours}\n")),
            "{socket}"
        );
        let service = self.page.block("service", &[]);
        let start = service
            .lines()
            .find_map(|line| line.strip_prefix("ExecStart="));
        let mut words = start.unwrap().split(' ');
        let mut fcgiwrap = self.world.server_command(words.next().unwrap());
        Served::activated(fcgiwrap.args(words), Path::new(&ours))
    }

    #[track_caller]
    fn nginx(&self, changes: &[Change<'_>]) -> (Served, u16) {
        let dir = self.world.path("nginx");
        let certificates = ftpd::certificates().display().to_string();
        let places = [
            ("/etc/ssl/git.pem", format!("{certificates}/site.pem")),
            ("/etc/ssl/git.key", format!("{certificates}/site.key")),
            ("git.acme.example", "localhost".into()),
            (
                "/etc/nginx/git.users",
                format!("{}/git.users", dir.display()),
            ),
            ("/srv/git", self.srv.to_owned()),
            ("/run/git-http.socket", self.socket()),
        ];
        let places: Vec<_> = places
            .iter()
            .map(|(shown, ours)| (*shown, ours.as_str()))
            .collect();
        let site = self.page.block("site", &[&places[..], changes].concat());
        let theirs = "/etc/nginx/fastcgi_params";
        std::os::unix::fs::symlink(theirs, dir.join("fastcgi_params")).unwrap();
        let make = |port: u16| {
            let listens = format!("listen 127.0.0.1:{port} ssl");
            let site = site.replace("listen 443 ssl", &listens);
            std::fs::write(dir.join("site.conf"), site).unwrap();
            std::fs::write(dir.join("nginx.conf"), around(&dir)).unwrap();
            let mut nginx = self.world.server_command("/usr/sbin/nginx");
            nginx
                .arg("-p")
                .arg(&dir)
                .arg("-e")
                .arg(dir.join("error.log"));
            nginx.arg("-c").arg(dir.join("nginx.conf"));
            nginx
        };
        Served::on_port(make, &dir.join("error.log"))
    }
}

/// What Debian's nginx.conf says around a site, with everything in one folder and one account.
fn around(dir: &Path) -> String {
    let scratch = scratch(dir);
    let dir = dir.display();
    let account = run(command("id", Path::new("/")).arg("-un")).text();
    format!(
        "daemon off;\nuser {account};\nworker_processes 1;\npid {dir}/pid;\n\
         error_log {dir}/error.log info;\nevents {{}}\nhttp {{\n    access_log {dir}/access.log;\n\
         {scratch}    include {dir}/site.conf;\n}}\n"
    )
}

/// A block of shell, run in an account of the world.
fn sh(world: &World, account: &str, script: &str) -> Ran {
    let mut sh = command("sh", &world.path(&format!("home/{account}")));
    sh.arg("-eu")
        .current_dir(world.root())
        .env("RELHOOK", crate::common::RELHOOK);
    run_with(&mut sh, script.as_bytes())
}

/// Every file of the repository and of relhook's folder in it that holds one of these bytes.
fn files_with(dir: &Path, wanted: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                let text = String::from_utf8_lossy(&bytes);
                if wanted.iter().any(|wanted| text.contains(wanted)) {
                    found.push(path);
                }
            }
        }
    }
    found
}

/// What the hooks of a push are given.
fn hooks_environment(hosted: &Hosted) -> String {
    let seen = notes_environment(&hosted.world);
    let dana = hosted.world.person("dana");
    hosted.connects(&dana);
    dana.commits("seen.html");
    dana.offers("seen");
    std::fs::read_to_string(seen).unwrap()
}

/// The password as a person types it, and as HTTP carries it for Dana.
fn secrets() -> [String; 2] {
    let typed = format!("dana:{PASSWORD}");
    let carried = <base64ct::Base64 as base64ct::Encoding>::encode_string(typed.as_bytes());
    [PASSWORD.to_owned(), carried]
}

#[test]
fn the_story_is_played_over_https() {
    let hosted = Hosted::new(&[]);
    plays_the_story(&hosted.world, |person| hosted.connects(person));
    // The page's other block is used in a test of its own.
    hosted.page.block("blank", &[]);
    hosted.page.was_followed();
}

#[test]
fn i_14_headers_of_a_client_make_nobody_else_of_it() {
    let hosted = Hosted::new(&[]);
    let dana = hosted.world.person("dana");
    hosted.connects(&dana);
    for header in [
        "Remote-User: rita",
        "REMOTE_USER: rita",
        "X-Remote-User: rita",
        "Proxy: http://127.0.0.1:9",
        "Relhook-Login: rita",
    ] {
        dana.git(&["config", "--add", "http.extraHeader", header]);
    }
    let told = hooks_environment(&hosted);
    assert!(told.contains("\nREMOTE_USER=dana\n"), "{told}");
    assert!(!told.contains("rita"), "{told}");
    assert!(!told.contains("\nHTTP_PROXY="), "{told}");
    dana.pushes_with(&["-o", "REMOTE_USER=rita"], &["HEAD:prod"])
        .refused_with("RH401");
    assert_eq!(pushes_in_log(&hosted.world, PROD), ["dana rejected"]);
}

#[test]
fn the_password_gets_no_further_than_nginx() {
    let hosted = Hosted::new(&[]);
    let told = hooks_environment(&hosted);
    assert!(!told.contains("HTTP_AUTHORIZATION"), "{told}");
    let blanks = hosted.page.block("blank", &[]);
    let blanked = Hosted::new(&[("        fastcgi_pass_request_headers off;\n", &blanks)]);
    let told = hooks_environment(&blanked);
    assert!(told.contains("HTTP_USER_AGENT=git/"), "{told}");
    for secret in secrets() {
        assert!(!told.contains(&secret), "{told}");
    }
}

#[test]
fn a_password_that_reaches_the_hooks_is_written_nowhere() {
    // A site without the line that keeps headers back.
    let hosted = Hosted::new(&[("        fastcgi_pass_request_headers off;\n", "")]);
    let told = hooks_environment(&hosted);
    let [typed, carried] = secrets();
    assert!(told.contains(&carried), "{told}");
    plays_the_story(&hosted.world, |person| hosted.connects(person));
    let dana = hosted.world.person("dana");
    // Nor does a refusal that comes before any judgement show it.
    std::fs::write(hosted.world.server().join("shallow"), "broken").unwrap();
    dana.commits("later.html");
    let push = dana.pushes(&["prod"]);
    push.refused();
    for secret in [typed.as_str(), carried.as_str()] {
        assert!(!push.said.contains(secret), "{}", push.said);
    }
    let found = files_with(&hosted.world.server(), &[&typed, &carried]);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn h_10_nobody_pushes_without_a_password() {
    let hosted = Hosted::new(&[]);
    let dana = hosted.world.person("dana");
    hosted.connects(&dana);
    dana.commits("index.html");
    dana.git(&[
        "config",
        "credential.helper",
        "!printf 'password=guess\\n' #",
    ]);
    let push = dana.pushes(&["prod"]);
    push.refused_with("Authentication failed");
    let refs = "site.git/info/refs?service=git-receive-pack";
    assert_eq!(hosted.status(refs, &[]), "401");
    assert_eq!(hosted.status(refs, &["-u", "dana:guess"]), "401");
    assert_eq!(
        hosted.status(refs, &["-u", &format!("dana:{PASSWORD}")]),
        "200"
    );
    assert!(pushes_in_log(&hosted.world, PROD).is_empty());
}

#[test]
fn h_10_a_site_that_asks_for_no_password_pushes_nothing() {
    let hosted = Hosted::new(&[("auth_basic           \"git\"", "auth_basic off")]);
    let dana = hosted.world.person("dana");
    hosted.connects(&dana);
    let url = format!("https://localhost:{}/site.git", hosted.port);
    dana.git(&["config", "remote.origin.url", &url]);
    dana.commits("index.html");
    dana.pushes(&["prod"]).refused_with("403");
    let allow = ["config", "http.receivepack", "true"];
    hosted.world.server_git(&allow).assert_ok();
    let push = dana.pushes(&["prod"]);
    push.refused_with("RH203");
    push.refused_with("REMOTE_USER");
    assert_eq!(pushes_in_log(&hosted.world, PROD), ["nobody rejected"]);
}

#[test]
fn somebody_whom_the_policy_does_not_know_is_refused() {
    let hosted = Hosted::new(&[]);
    let dana = hosted.world.person("dana");
    hosted.connects_as(&dana, "stranger");
    dana.commits("index.html");
    let push = dana.pushes(&["prod"]);
    push.refused_with("RH204");
    push.refused_with("stranger");
}

#[test]
fn i_14_a_server_that_names_two_people_names_nobody() {
    // With a cookie, the gate starts itself again to be rid of it.
    for more in ["", "\nfastcgi_param HTTP_COOKIE x;"] {
        let again = format!("$remote_user;\nfastcgi_param REMOTE_USER rita;{more}");
        let hosted = Hosted::new(&[("$remote_user;", &again)]);
        let dana = hosted.world.person("dana");
        hosted.connects(&dana);
        dana.commits("index.html");
        let push = dana.pushes(&["prod"]);
        push.refused_with("RH208");
        push.refused_with("twice");
    }
}

#[test]
fn h_10_files_are_not_served() {
    let hosted = Hosted::new(&[]);
    let who = format!("dana:{PASSWORD}");
    let asks = |path: &str| hosted.status(path, &["-u", &who, "--path-as-is"]);
    for path in [
        "site.git/HEAD",
        "site.git/config",
        "site.git/objects/info/packs",
        "site.git/relhook/audit/head/journal",
        "site.git/relhook/audit/log-key",
        "site.git/relhook/../config",
        "../srv/site.git/config",
        "",
    ] {
        let status = asks(path);
        assert!(
            ["404", "400"].contains(&status.as_str()),
            "{path}: {status}"
        );
    }
    assert_eq!(asks("site.git/info/refs"), "403");
    // The old protocol's way to write is a method that nothing here serves.
    let put = hosted.status("site.git/info/refs", &["-u", &who, "-X", "PUT", "-d", "x"]);
    assert!(put.starts_with('4'), "{put}");
}

#[test]
fn a_large_request_and_its_compressed_kind_arrive() {
    let hosted = Hosted::new(&[]);
    let dana = hosted.world.person("dana");
    hosted.connects(&dana);
    // More than nginx takes by default, so that it comes in pieces of unknown length.
    let noise: Vec<u8> = (0..3_000_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    std::fs::write(dana.clone_dir().join("noise"), noise).unwrap();
    dana.git(&["add", "noise"]);
    let large = dana.commits("large.html");
    dana.offers("large");
    assert_eq!(
        hosted.world.server_ref("refs/heads/large"),
        Some(large.clone())
    );
    // So many wishes that git compresses the request.
    let remy = hosted.world.person("remy");
    hosted.connects(&remy);
    for number in 0..60 {
        let name = format!("refs/heads/many/{number}");
        let parent = dana.git(&["rev-parse", "HEAD"]);
        dana.git(&["commit", "-q", "--allow-empty", "-m", &name]);
        let here = dana.git(&["rev-parse", "HEAD"]);
        assert_ne!(parent, here);
        dana.git(&["update-ref", &name, &here]);
    }
    dana.pushes(&["refs/heads/many/*:refs/heads/many/*"])
        .accepted();
    remy.git(&["fetch", "-q", "origin"]);
    remy.git(&["cat-file", "-e", &large]);
}

/// A program as root, which installing the servers took too.
fn as_root(program: &str, home: &Path) -> Command {
    if run(command("id", home).arg("-u")).text() == "0" {
        return command(program, home);
    }
    let mut sudo = command("sudo", home);
    sudo.args(["-n", program]);
    sudo
}

#[test]
fn a_repository_of_another_account_is_refused_and_mended_as_the_page_says() {
    let hosted = Hosted::new(&[]);
    let dana = hosted.world.person("dana");
    hosted.connects(&dana);
    dana.commits("index.html");
    let server = hosted.world.server();
    let gives = |account: &str| {
        let mut chown = as_root("chown", hosted.world.root());
        run(chown.args(["-R", account]).arg(&server)).assert_ok();
    };
    gives("65534");
    dana.pushes(&["HEAD:fix"]).refused();
    assert_eq!(hosted.world.server_ref("refs/heads/fix"), None);
    let own = run(command("id", hosted.world.root()).arg("-u")).text();
    gives(&own);
    dana.pushes(&["HEAD:fix"]).accepted();
}
