//! Releases to WebDAV servers: real nginx, real Apache.

use crate::common::davd::{Dav, Davd, PASSWORD, USER};
use crate::common::ftpd::authority;
use crate::release_kit::{Bench, Log, SITE, refused, released, tree};
use relhook::policy::{Authentication, Replacing, TargetKind, WebdavTarget};
use relhook::release::{Adoption, Order, Outcome, snapshot};
use relhook::types::{Oid, TargetName};
use std::collections::BTreeMap;
use std::fs;

/// A folder of a server on this machine.
fn webdav(server: &Davd, kind: Dav, put: Replacing) -> WebdavTarget {
    WebdavTarget {
        url: server.url().parse().unwrap(),
        authentication: match kind.is_digest() {
            true => Authentication::Digest,
            false => Authentication::Basic,
        },
        put,
        ca: None,
        connections: 3,
    }
}

struct Scene {
    bench: Bench,
    server: Davd,
    target: WebdavTarget,
}

impl Scene {
    fn new(kind: Dav, put: Replacing) -> Self {
        let (bench, server) = (Bench::new(), Davd::start(kind));
        bench.credentials(USER, PASSWORD);
        let target = webdav(&server, kind, put);
        Self {
            bench,
            server,
            target,
        }
    }

    fn order(&self, commit: Oid, sequence: u64) -> Order {
        let kind = TargetKind::Webdav(self.target.clone());
        let mut order = self.bench.order(kind, commit, sequence);
        order.ca = Some(authority("right"));
        order
    }

    /// Puts a file of somebody else there.
    fn put(&self, path: &str, content: &str) {
        let file = self.server.site().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
        self.server.hands_over();
    }

    fn site(&self) -> BTreeMap<String, String> {
        let mut files = tree(&self.server.site());
        files.retain(|name, _| !name.starts_with(".relhook-"));
        files
    }
}

fn files(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = list.iter();
    pairs
        .map(|(name, content)| ((*name).to_owned(), (*content).to_owned()))
        .collect()
}

const ODD: &str = "odd/a b&c+d%20é#?=~'(1).html";

/// Two releases, with all that can change between them, and a file that is somebody else's.
fn plays(kind: Dav, put: Replacing) {
    let scene = Scene::new(kind, put);
    scene.put("uploads/theirs", "theirs");
    let commit = scene.bench.commit(&[
        ("index.html", "1"),
        ("empty", ""),
        (ODD, "odd"),
        ("gone/deep/x", "x"),
        ("gone/y", "y"),
        ("file-to-dir", "1"),
        ("dir-to-file/p/q", "1"),
        ("old-name", "the same content under another name"),
    ]);
    let totals = released(scene.bench.release(&scene.order(commit, 1)));
    assert_eq!((totals.uploaded, totals.deleted), (8, 0));
    let big = "0123456789abcdef".repeat(65_536);
    let commit = scene.bench.commit(&[
        ("index.html", "2"),
        ("empty", ""),
        (ODD, "odd"),
        ("file-to-dir/a", "1"),
        ("dir-to-file", "1"),
        ("new-name", "the same content under another name"),
        ("big", &big),
    ]);
    let totals = released(scene.bench.release(&scene.order(commit, 2)));
    assert_eq!(totals.unchanged, 2, "{kind:?}");
    let mut expected = files(&[
        ("index.html", "2"),
        ("empty", ""),
        ("odd/", ""),
        (ODD, "odd"),
        ("file-to-dir/", ""),
        ("file-to-dir/a", "1"),
        ("dir-to-file", "1"),
        ("new-name", "the same content under another name"),
        ("big", &big),
        ("uploads/", ""),
        ("uploads/theirs", "theirs"),
    ]);
    if kind == Dav::Nginx {
        // It does not tell whether they are empty.
        expected.extend(files(&[("gone/", ""), ("gone/deep/", "")]));
    }
    assert!(
        scene.site() == expected,
        "{kind:?}: {:?}",
        scene.site().keys()
    );
    assert!(matches!(
        scene.bench.release(&scene.order(commit, 2)),
        Ok(Outcome::UpToDate(_))
    ));
    let asked = scene.server.requests();
    assert!(!asked.iter().any(|line| line.contains(PASSWORD)));
}

#[test]
fn u_04_nginx_holds_what_was_accepted() {
    plays(Dav::Nginx, Replacing::Beside);
    plays(Dav::Nginx, Replacing::Whole);
}

#[test]
fn u_04_apache_holds_what_was_accepted() {
    plays(Dav::Apache, Replacing::Beside);
    plays(Dav::Apache, Replacing::Whole);
}

#[test]
fn apache_holds_it_for_whoever_answers_its_challenge() {
    plays(Dav::ApacheDigest, Replacing::Beside);
}

#[test]
fn u_12_a_wrong_password_stops_the_release_and_is_not_shown() {
    for kind in [Dav::Nginx, Dav::Apache, Dav::ApacheDigest] {
        let scene = Scene::new(kind, Replacing::Beside);
        let commit = scene.bench.commit(&[("index.html", "1")]);
        scene.bench.credentials(USER, "wrong-horse");
        let said = refused(scene.bench.release(&scene.order(commit, 1)), 613);
        assert!(!said.contains("wrong-horse"), "{said}");
        assert!(scene.site().is_empty());
    }
}

#[test]
fn a_server_without_the_right_certificate_is_told_nothing() {
    let scene = Scene::new(Dav::Nginx, Replacing::Beside);
    let commit = scene.bench.commit(&[("index.html", "1")]);
    let mut order = scene.order(commit, 1);
    for ca in [None, Some(authority("wrong"))] {
        order.ca = ca;
        refused(scene.bench.release(&order), 612);
    }
    assert!(scene.server.requests().is_empty());
}

#[test]
fn a_folder_of_somebody_else_is_neither_removed_nor_moved_over() {
    for (kind, put) in [
        (Dav::Nginx, Replacing::Beside),
        (Dav::Apache, Replacing::Beside),
        (Dav::Apache, Replacing::Whole),
    ] {
        let scene = Scene::new(kind, put);
        scene.put("page/theirs", "theirs");
        let commit = scene
            .bench
            .commit(&[("page", "a file"), ("index.html", "1")]);
        let order = scene.order(commit, 1);
        let failed = scene.bench.release(&order);
        assert!(failed.is_err(), "{kind:?}: {failed:?}");
        let failed = scene
            .bench
            .release_with(&order, Adoption::Adopt, &mut Log::default());
        assert!(failed.is_err(), "{kind:?}: {failed:?}");
        assert_eq!(scene.site()["page/theirs"], "theirs", "{kind:?}");
    }
    // Files of ours that became somebody's folder since are not removed with it.
    for kind in [Dav::Nginx, Dav::Apache] {
        let scene = Scene::new(kind, Replacing::Beside);
        let first = scene.bench.commit(&[("gone", "1"), ("index.html", "1")]);
        released(scene.bench.release(&scene.order(first, 1)));
        fs::remove_file(scene.server.site().join("gone")).unwrap();
        scene.put("gone/theirs", "theirs");
        let second = scene.bench.commit(&[("index.html", "2")]);
        let _ = scene.bench.release(&scene.order(second, 2));
        assert_eq!(scene.site()["gone/theirs"], "theirs", "{kind:?}");
    }
}

/// Everything in the site's folder, under whatever name.
fn all(scene: &Scene) -> BTreeMap<String, String> {
    tree(&scene.server.site())
}

/// nginx tells of no name with a dot in front, and removes a folder with all that is in it. So what
/// looks empty stays, and what has to make room is given another name.
#[test]
fn u_08_no_folder_goes_that_nginx_may_not_tell_all_of() {
    for put in [Replacing::Beside, Replacing::Whole] {
        let scene = Scene::new(Dav::Nginx, put);
        let first = scene
            .bench
            .commit(&[("a/b/x", "1"), ("c/y", "1"), ("z", "1")]);
        released(scene.bench.release(&scene.order(first, 1)));
        scene.put("a/b/.htaccess", "deny");
        scene.put("c/.well-known/theirs", "theirs");
        let second = scene.bench.commit(&[("a", "file"), ("z", "1")]);
        let outcome = scene.bench.release(&scene.order(second, 2));
        let Ok(Outcome::Released(.., Some(told))) = outcome else {
            panic!("{outcome:?}")
        };
        let found = all(&scene);
        let moved: Vec<&str> = found
            .keys()
            .filter_map(|name| name.strip_suffix("/b/.htaccess"))
            .collect();
        assert!(
            moved.len() == 1 && moved[0].starts_with(".relhook-aside-"),
            "{found:?}"
        );
        assert_eq!(found["a"], "file");
        assert_eq!(found["c/.well-known/theirs"], "theirs");
        // Whoever releases is told of it, and whoever watches.
        assert!(told.contains("`a`") && told.contains(moved[0]), "{told}");
        let seen = snapshot(&scene.bench.folder(), &TargetName::new(SITE)).unwrap();
        assert_eq!(seen.notice.as_ref(), Some(&told));
        let asked = scene.server.requests();
        let deleted = |line: &&String| line.starts_with("DELETE ") && line.ends_with('/');
        assert_eq!(asked.iter().find(deleted), None);
        // What could not go is no reason to begin again, and makes room when it has to.
        let again = scene.bench.release(&scene.order(second, 2));
        assert!(matches!(again, Ok(Outcome::UpToDate(_))), "{again:?}");
        let third = scene.bench.commit(&[("a", "file"), ("c", "file")]);
        released(scene.bench.release(&scene.order(third, 3)));
        let found = all(&scene);
        assert_eq!((&*found["a"], &*found["c"]), ("file", "file"));
        let theirs = found.iter().find(|(_, content)| *content == "theirs");
        assert!(
            theirs.unwrap().0.starts_with(".relhook-aside-"),
            "{found:?}"
        );
    }
}

/// The first release is cut off before there is a record to tell nginx from others by.
#[test]
fn u_08_an_apache_that_has_no_record_yet_still_loses_its_empty_folders() {
    for kind in [Dav::Nginx, Dav::Apache] {
        let scene = Scene::new(kind, Replacing::Beside);
        // A folder is where the page is to be, which nobody sees before.
        let first = scene.bench.commit(&[("a/b/x", "1"), ("page", "1")]);
        scene.put("page/.htaccess", "theirs");
        let order = scene.order(first, 1);
        let failed = scene.bench.release(&order);
        assert!(failed.is_err(), "{kind:?}: {failed:?}");
        assert!(all(&scene).contains_key("a/b/"), "{kind:?}");
        let second = scene.bench.commit(&[("a", "1")]);
        released(scene.bench.release(&scene.order(second, 2)));
        let found = all(&scene);
        assert_eq!(found["a"], "1", "{kind:?}");
        assert_eq!(found["page/.htaccess"], "theirs", "{kind:?}");
        let aside = found.keys().any(|name| name.starts_with(".relhook-aside-"));
        assert_eq!(aside, kind == Dav::Nginx, "{found:?}");
        assert!(
            !found.keys().any(|name| name.ends_with(".tmp")),
            "{found:?}"
        );
    }
}

#[test]
fn what_relhook_did_not_put_there_is_left_alone_until_told() {
    let scene = Scene::new(Dav::Apache, Replacing::Beside);
    scene.put("index.html", "theirs");
    let commit = scene.bench.commit(&[("index.html", "ours")]);
    let order = scene.order(commit, 1);
    refused(scene.bench.release(&order), 616);
    assert_eq!(scene.site(), files(&[("index.html", "theirs")]));
    let adopted = scene
        .bench
        .release_with(&order, Adoption::Adopt, &mut Log::default());
    released(adopted);
    assert_eq!(scene.site(), files(&[("index.html", "ours")]));
}

#[test]
fn what_apache_says_of_many_files_travels_compressed() {
    let scene = Scene::new(Dav::Apache, Replacing::Beside);
    let names: Vec<String> = (0..200).map(|n| format!("many/page-{n}.html")).collect();
    let entries: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    let order = scene.order(scene.bench.commit(&entries), 1);
    released(scene.bench.release(&order));
    assert_eq!(scene.site().len(), 201);
    let ours = scene.server.largest_listing();
    let plain = scene.server.curl("PROPFIND", "many/", &["-H", "Depth: 1"]);
    let plain = plain.text().len() as u64;
    assert!(ours > 0 && ours * 5 < plain, "{ours} of {plain}");
}

#[test]
fn a_folder_that_is_not_there_is_not_made() {
    for kind in [Dav::Nginx, Dav::Apache] {
        let mut scene = Scene::new(kind, Replacing::Beside);
        scene.target.url = format!("{}/none", scene.server.url()).parse().unwrap();
        let commit = scene.bench.commit(&[("index.html", "1")]);
        refused(scene.bench.release(&scene.order(commit, 1)), 620);
        assert!(scene.site().is_empty());
    }
}

#[test]
fn a_locked_file_is_waited_for() {
    let scene = Scene::new(Dav::Apache, Replacing::Beside);
    let commit = scene.bench.commit(&[("index.html", "1")]);
    released(scene.bench.release(&scene.order(commit, 1)));
    let lock = "<?xml version=\"1.0\"?><lockinfo xmlns=\"DAV:\"><lockscope><exclusive/></lockscope>\
        <locktype><write/></locktype></lockinfo>";
    let locked = scene.server.curl(
        "LOCK",
        "index.html",
        &["-f", "-d", lock, "-H", "Timeout: Second-600"],
    );
    locked.assert_ok();
    let commit = scene.bench.commit(&[("index.html", "2")]);
    let error = scene.bench.release(&scene.order(commit, 2)).unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert!(error.to_string().contains("423"), "{error}");
    assert_eq!(scene.site()["index.html"], "1");
    let token = locked.text();
    let from = token.find("opaquelocktoken:").unwrap();
    let token: String = token[from..].chars().take_while(|ch| *ch != '<').collect();
    let header = format!("Lock-Token: <{token}>");
    let unlocked = scene
        .server
        .curl("UNLOCK", "index.html", &["-f", "-H", &header]);
    unlocked.assert_ok();
    released(scene.bench.release(&scene.order(commit, 2)));
    assert_eq!(scene.site(), files(&[("index.html", "2")]));
}
