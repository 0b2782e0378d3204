//! What is on a target already is taken along only as far as it was looked at, and only what this
//! server knows as its own is removed.

use crate::common::davd::{self, Dav, Davd};
use crate::common::ftpd::{self, Ftpd, Tls};
use crate::common::s3d::{ACCESS, BUCKET, S3d, SECRET};
use crate::release_care::drift;
use crate::release_kit::{Always, Bench, dir, ftp, refused, released, tree, written};
use relhook::policy::{
    Authentication, OnDrift, Replacing, TargetKind, TlsMode, Verify, WebdavTarget,
};
use relhook::release::{Adoption, Course, Event, Order, Outcome, Patience, What, Witness, run};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A bucket, and releases to it.
struct Scene {
    bench: Bench,
    store: S3d,
    more: &'static str,
}

impl Scene {
    /// With these lines beside the usual ones in the policy.
    fn new(more: &'static str) -> Self {
        let (bench, store) = (Bench::new(), S3d::start());
        bench.account(&format!("access_key={ACCESS}\nsecret_key={SECRET}\n"));
        Self { bench, store, more }
    }

    fn order(&self, files: &[(&str, &str)], sequence: u64) -> Order {
        let kind = written(&format!(
            "    kind: s3\n    endpoint: {}\n    tls: none\n    bucket: {BUCKET}\n    \
             prefix: www\n{}",
            self.store.endpoint(),
            self.more
        ));
        self.bench.order(kind, self.bench.commit(files), sequence)
    }

    fn releases(&self, files: &[(&str, &str)], sequence: u64) -> Order {
        let order = self.order(files, sequence);
        released(self.bench.release(&order));
        order
    }

    fn www(&self) -> PathBuf {
        self.store.bucket().join("www")
    }

    /// Writes into the bucket as somebody else, who may write and nothing more.
    fn puts(&self, key: &str, content: &str) {
        let file = self.bench.outside("files").join("body");
        fs::write(&file, content).unwrap();
        let target = format!("www/{key}");
        let ran = self
            .store
            .curl("PUT", &target, &["-f", "-T", file.to_str().unwrap()]);
        ran.assert_ok();
    }

    fn removes(&self, key: &str) {
        let target = format!("www/{key}");
        self.store.curl("DELETE", &target, &["-f"]).assert_ok();
    }

    fn names(&self) -> Vec<String> {
        let files = tree(&self.www()).into_keys();
        files.filter(|name| !name.ends_with('/')).collect()
    }

    fn holds(&self, key: &str) -> String {
        fs::read_to_string(self.www().join(key)).unwrap()
    }
}

const POINTER: &str = "    switch: pointer\n    keep: 2\n";

const PAGES: [(&str, &str); 3] = [("app.js", "genuine"), ("css/a", "a"), ("index.html", "1")];

#[test]
fn u_09_u_22_what_is_changed_by_hand_behind_a_pointer_is_found() {
    let scene = Scene::new(POINTER);
    let first = scene.releases(&PAGES, 1);
    for depth in [Verify::Quick, Verify::Deep] {
        assert!(drift(&scene.bench, &first, depth).is_empty());
    }
    scene.puts("releases/1/app.js", "changed");
    scene.removes("releases/1/index.html");
    scene.puts("releases/1/css/shell.php", "<?php");
    scene.puts("releases/1/evil/x", "x");
    scene.puts("releases/README", "theirs");
    let found = [
        "changed app.js",
        "added css/shell.php",
        "added evil",
        "missing index.html",
    ];
    for depth in [Verify::Quick, Verify::Deep] {
        assert_eq!(drift(&scene.bench, &first, depth), found);
    }
    // The next run puts back what was released, although nothing new was accepted, and copies
    // nothing that was changed.
    released(scene.bench.release(&first));
    assert!(drift(&scene.bench, &first, Verify::Deep).is_empty());
    assert_eq!(scene.holds("releases/2/app.js"), "genuine");
    assert!(scene.holds("current.json").contains("releases/2/"));
    let outcome = scene.bench.release(&first);
    assert!(matches!(outcome, Ok(Outcome::UpToDate(_))), "{outcome:?}");
}

#[test]
fn a_bucket_with_a_pointer_is_released_to_where_changes_by_hand_are_refused() {
    let scene = Scene::new(POINTER);
    scene.releases(&PAGES, 1);
    for sequence in [2, 3] {
        let page = sequence.to_string();
        let mut order = scene.order(&[("app.js", "genuine"), ("index.html", &page)], sequence);
        order.target.care.drift = OnDrift::Refuse;
        released(scene.bench.release(&order));
    }
    scene.puts("releases/3/app.js", "changed");
    let mut order = scene.order(&PAGES, 4);
    order.target.care.drift = OnDrift::Refuse;
    let error = refused(scene.bench.release(&order), 638);
    assert!(error.contains("changed app.js"), "{error}");
    order.target.care.drift = OnDrift::Overwrite;
    released(scene.bench.release(&order));
    assert_eq!(scene.holds("releases/4/app.js"), "genuine");
    order.target.care.drift = OnDrift::Refuse;
    scene.removes("current.json");
    let error = refused(scene.bench.release(&order), 615);
    assert!(error.contains("its pointer is gone"), "{error}");
}

#[test]
fn u_22_what_was_changed_in_a_bucket_is_not_copied_where_contents_are_read_back() {
    let scene = Scene::new(POINTER);
    scene.releases(&PAGES, 1);
    scene.puts("releases/1/app.js", "changed");
    let mut order = scene.order(&[("app.js", "genuine"), ("index.html", "2")], 2);
    order.target.care.verify = Verify::Deep;
    released(scene.bench.release(&order));
    assert_eq!(scene.holds("releases/2/app.js"), "genuine");
    assert!(drift(&scene.bench, &order, Verify::Deep).is_empty());
    // In the plain form, a file that is renamed is copied.
    let scene = Scene::new("");
    scene.releases(&PAGES, 1);
    scene.puts("app.js", "changed");
    let mut order = scene.order(&[("new.js", "genuine"), ("index.html", "2")], 2);
    order.target.care.verify = Verify::Deep;
    released(scene.bench.release(&order));
    assert_eq!(scene.holds("new.js"), "genuine");
    assert!(drift(&scene.bench, &order, Verify::Deep).is_empty());
}

/// Releases a renamed file whose content somebody has changed to another of the same size.
fn renames(bench: &Bench, kind: &TargetKind, site: &Path, put: impl Fn(&str, &str)) {
    let first = bench.commit(&[("app.js", "genuine"), ("index.html", "1")]);
    released(bench.release(&bench.order(kind.clone(), first, 1)));
    put("app.js", "changed");
    let second = bench.commit(&[("lib/new.js", "genuine"), ("index.html", "2")]);
    let mut order = bench.order(kind.clone(), second, 2);
    order.target.care.verify = Verify::Deep;
    released(bench.release(&order));
    let found = fs::read_to_string(site.join("lib/new.js")).unwrap();
    assert_eq!(found, "genuine");
    assert!(!site.join("app.js").exists());
}

#[test]
fn u_22_what_was_changed_on_a_site_is_sent_and_not_copied_or_renamed() {
    let (bench, ftpd) = (Bench::new(), Ftpd::start(Tls::None));
    bench.credentials(ftpd::USER, ftpd::PASSWORD);
    let site = ftpd.site();
    let kind = ftp(ftpd.port, site.to_str().unwrap(), TlsMode::Plain, 2);
    renames(&bench, &kind, &site, |name, content| {
        fs::write(site.join(name), content).unwrap();
    });
    for put in [Replacing::Beside, Replacing::Whole] {
        let (bench, server) = (Bench::new(), Davd::start(Dav::PlainNginx));
        bench.credentials(davd::USER, davd::PASSWORD);
        let site = server.site();
        let kind = TargetKind::Webdav(WebdavTarget {
            url: format!("http://localhost:{}/dav", server.port)
                .parse()
                .unwrap(),
            authentication: Authentication::Basic,
            put,
            ca: None,
            connections: 2,
        });
        renames(&bench, &kind, &site, |name, content| {
            fs::write(site.join(name), content).unwrap();
            server.hands_over();
        });
    }
}

/// Somebody who changes a file as soon as a release has begun.
struct Meddler(PathBuf);

impl Witness for Meddler {
    fn record(&mut self, event: &Event) -> Result<(), String> {
        if matches!(event.what, What::Started) {
            fs::write(&self.0, "changed").unwrap();
        }
        Ok(())
    }
}

#[test]
fn u_22_a_file_that_is_changed_on_its_way_to_another_name_is_found() {
    let (bench, ftpd) = (Bench::new(), Ftpd::start(Tls::None));
    bench.credentials(ftpd::USER, ftpd::PASSWORD);
    let site = ftpd.site();
    let kind = ftp(ftpd.port, site.to_str().unwrap(), TlsMode::Plain, 1);
    let first = bench.commit(&[("app.js", "genuine"), ("index.html", "1")]);
    released(bench.release(&bench.order(kind.clone(), first, 1)));
    let second = bench.commit(&[("new.js", "genuine"), ("index.html", "1")]);
    let mut order = bench.order(kind, second, 2);
    order.target.care.verify = Verify::Deep;
    let mut meddler = Meddler(site.join("app.js"));
    let outcome = bench.with_setting(|setting| {
        let (orders, name) = (Always(order.clone()), order.target.name.clone());
        run(
            setting,
            &name,
            &orders,
            &mut meddler,
            Adoption::Refuse,
            Patience::Wait,
        )
    });
    let error = refused(outcome, 619);
    assert!(error.contains("`new.js`"), "{error}");
    // It was not taken down as being there, so the next run sends it.
    let totals = released(bench.release(&order));
    assert_eq!(totals.uploaded, 1);
    assert_eq!(fs::read_to_string(site.join("new.js")).unwrap(), "genuine");
}

#[test]
fn u_08_a_name_in_a_bucket_does_not_say_that_a_release_may_be_removed() {
    let scene = Scene::new(POINTER);
    scene.releases(&PAGES, 1);
    let second = scene.releases(&[("index.html", "2")], 2);
    let before = scene.names();
    // Whoever can write and not delete.
    scene.puts("releases/.relhook-1.tmp", "");
    scene.puts("releases/.relhook-7.tmp", "");
    let outcome = scene.bench.release(&second);
    assert!(matches!(outcome, Ok(Outcome::UpToDate(_))), "{outcome:?}");
    let mut left = scene.names();
    left.retain(|name| !name.contains(".relhook-"));
    assert_eq!(left, before);
    scene.releases(&[("index.html", "3")], 3);
    assert!(scene.names().contains(&"releases/8/index.html".to_owned()));
    assert!(scene.names().contains(&"releases/2/index.html".to_owned()));
}

#[test]
fn u_08_another_releases_record_in_the_place_of_the_last_is_no_return_to_it() {
    let scene = Scene::new(POINTER);
    let mut first = scene.releases(&PAGES, 1);
    scene.releases(&[("index.html", "2")], 2);
    let record = scene.holds("releases/1.json");
    scene.puts("releases/2.json", &record);
    first.course = Course::Back;
    refused(scene.bench.release(&first), 615);
}

#[test]
fn u_08_only_releases_that_this_server_signed_make_room_for_later_ones() {
    let scene = Scene::new("    switch: pointer\n    keep: 1\n");
    scene.puts("releases/3/theirs", "theirs");
    scene.puts("releases/3.json", "{}");
    scene.releases(&PAGES, 1);
    scene.releases(&[("index.html", "2")], 2);
    let names = [
        "current.json",
        "releases/3.json",
        "releases/3/theirs",
        "releases/5.json",
        "releases/5/index.html",
    ];
    assert_eq!(scene.names(), names);
    // A copy of a record that is ours makes nothing else ours.
    let record = scene.holds("releases/5.json");
    scene.puts("releases/3.json", &record);
    scene.releases(&[("index.html", "3")], 3);
    assert!(scene.names().contains(&"releases/3/theirs".to_owned()));
    assert!(scene.names().contains(&"releases/6/index.html".to_owned()));
}

#[test]
fn u_08_a_directory_that_this_server_did_not_fill_is_kept() {
    let bench = Bench::new();
    let www = bench.outside("www");
    fs::create_dir_all(www.join("releases/3")).unwrap();
    fs::write(www.join("releases/3/theirs"), "theirs").unwrap();
    fs::write(www.join("releases/3.json"), "{}").unwrap();
    for sequence in 1..4 {
        let commit = bench.commit(&[("index.html", &sequence.to_string())]);
        released(bench.release(&bench.order(dir(&www, 1), commit, sequence)));
    }
    let files: BTreeMap<String, String> = tree(&www.join("releases"));
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["3.json", "3/", "3/theirs", "6.json", "6/", "6/index.html"]
    );
}
