//! The order in which a release becomes visible on a site, and what is not sent again.

use crate::common::ftpd::{Ftpd, PASSWORD, Tls, USER};
use crate::release_kit::{Bench, ftp, released, tree};
use relhook::policy::{PathGlobs, TlsMode};
use relhook::release::Order;
use relhook::types::Oid;
use std::fs;

struct Scene {
    bench: Bench,
    ftpd: Ftpd,
}

impl Scene {
    fn new() -> Self {
        let bench = Bench::new();
        bench.credentials(USER, PASSWORD);
        Self {
            bench,
            ftpd: Ftpd::start(Tls::None),
        }
    }

    fn order(&self, commit: Oid, sequence: u64) -> Order {
        let path = self.ftpd.site().display().to_string();
        let kind = ftp(self.ftpd.port, &path, TlsMode::Plain, 4);
        self.bench.order(kind, commit, sequence)
    }

    /// The paths that commands with this verb named, in order, without the manifest.
    fn named(&self, verb: &str, since: usize) -> Vec<String> {
        let site = format!("{}/", self.ftpd.site().display());
        let commands = self.ftpd.commands().split_off(since);
        let named = commands.iter().filter_map(|line| {
            let path = line.strip_prefix(verb)?.strip_prefix(' ')?;
            path.strip_prefix(&site).map(str::to_owned)
        });
        named
            .filter(|path| !path.starts_with(".relhook-manifest"))
            .collect()
    }
}

#[test]
fn pages_come_after_what_they_refer_to_and_what_the_policy_names_comes_last() {
    let scene = Scene::new();
    let names = [
        "about.html",
        "app.js",
        "index.html",
        "shop/a.css",
        "shop/index.php",
        "sw.js",
        "z.png",
    ];
    let files = |version: &'static str| {
        let file = move |name: &&'static str| (*name, format!("{version} of {name}"));
        names.iter().map(file).collect::<Vec<_>>()
    };
    let commit = |version, also: &[(&str, &str)]| {
        let files = files(version);
        let mut all: Vec<(&str, &str)> = files
            .iter()
            .map(|(name, content)| (*name, content.as_str()))
            .collect();
        all.extend(also);
        scene.bench.commit(&all)
    };
    released(
        scene
            .bench
            .release(&scene.order(commit("one", &[("old.js", "goes")]), 1)),
    );
    let since = scene.ftpd.commands().len();
    let mut order = scene.order(commit("two", &[]), 2);
    order.target.last = PathGlobs::compile(&["sw.js".to_owned()]).unwrap();
    released(scene.bench.release(&order));

    let places = scene.named("RNTO", since);
    let mut parts: Vec<Vec<&str>> = Vec::new();
    let mut rest: Vec<&str> = places.iter().map(String::as_str).collect();
    for size in [3, 1, 2, 1] {
        let mut part: Vec<&str> = rest.drain(..size).collect();
        part.sort_unstable();
        parts.push(part);
    }
    assert_eq!(
        parts,
        [
            vec!["app.js", "shop/a.css", "z.png"],
            vec!["about.html"],
            vec!["index.html", "shop/index.php"],
            vec!["sw.js"],
        ]
    );
    let commands = scene.ftpd.commands().split_off(since);
    let place = |verb: &str, name: &str| {
        let ends = format!("/{name}");
        let found = commands
            .iter()
            .position(|line| line.starts_with(verb) && line.ends_with(&ends));
        found.unwrap()
    };
    assert!(place("DELE", "old.js") > place("RNTO", "sw.js"));
    assert!(place("RNTO", ".relhook-manifest.json") > place("DELE", "old.js"));
}

#[test]
fn a_file_that_only_moved_is_renamed_on_the_site() {
    let scene = Scene::new();
    let film = "film".repeat(10_000);
    let first = scene.bench.commit(&[
        ("a/film.mp4", &film),
        ("b", "stays"),
        ("c", "twice"),
        ("d", "twice"),
    ]);
    released(scene.bench.release(&scene.order(first, 1)));
    let (since, uploads) = (scene.ftpd.commands().len(), scene.ftpd.uploads());

    let second = scene.bench.commit(&[
        ("films/film.mp4", &film),
        ("b", "stays"),
        ("e", "twice"),
        ("f", "twice"),
    ]);
    let totals = released(scene.bench.release(&scene.order(second, 2)));

    // Only the manifest.
    assert_eq!(scene.ftpd.uploads() - uploads, 1);
    assert_eq!((totals.bytes, totals.unchanged), (0, 1));
    let mut from = scene.named("RNFR", since);
    from.retain(|path| !path.contains(".relhook-"));
    from.sort();
    assert_eq!(from, ["a/film.mp4", "c", "d"]);
    let mut now = tree(&scene.ftpd.site());
    now.remove(".relhook-manifest.json");
    let names: Vec<&str> = now.keys().map(String::as_str).collect();
    assert_eq!(names, ["b", "e", "f", "films/", "films/film.mp4"]);
    assert!(now["films/film.mp4"] == film && now["e"] == "twice" && now["f"] == "twice");
}

#[test]
fn a_moved_file_that_somebody_changed_on_the_site_is_sent() {
    let scene = Scene::new();
    let first = scene
        .bench
        .commit(&[("a", "the right content"), ("b", "another")]);
    released(scene.bench.release(&scene.order(first, 1)));
    fs::write(scene.ftpd.site().join("a"), "a longer content of somebody").unwrap();
    fs::remove_file(scene.ftpd.site().join("b")).unwrap();
    let second = scene
        .bench
        .commit(&[("x/a", "the right content"), ("x/b", "another")]);
    let totals = released(scene.bench.release(&scene.order(second, 2)));
    assert_eq!((totals.uploaded, totals.bytes), (2, 17 + 7));
    let now = tree(&scene.ftpd.site());
    assert_eq!(now["x/a"], "the right content");
    assert_eq!(now["x/b"], "another");
    assert!(!now.contains_key("a"));
}
