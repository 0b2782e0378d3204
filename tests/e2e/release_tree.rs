//! What of the accepted tree is released, where the policy says more than a folder.

use crate::release_kit::*;
use relhook::policy::{Contents, Export, Names, PathGlobs, Submodule, Symlinks};
use relhook::release::Order;
use relhook::types::Oid;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::PathBuf;

const PLAIN: u32 = 0o100_644;

fn globs(patterns: &[&str]) -> PathGlobs {
    let patterns: Vec<String> = patterns.iter().map(|one| (*one).to_owned()).collect();
    PathGlobs::compile(&patterns).unwrap()
}

/// Releases to a directory; gives what a visitor finds there.
struct Site {
    bench: Bench,
    www: PathBuf,
}

impl Site {
    fn new() -> Self {
        let bench = Bench::new();
        let www = bench.outside("www");
        Self { bench, www }
    }

    fn order(&self, commit: Oid, contents: Contents) -> Order {
        let mut order = self.bench.order(dir(&self.www, 3), commit, 1);
        order.target.contents = contents;
        order
    }

    /// Every file that a visitor finds after the release, with its content.
    fn holds(&self, order: &Order) -> Vec<(String, String)> {
        released(self.bench.release(order));
        let held = tree(&self.www.join("current")).into_iter();
        held.filter(|(name, _)| !name.ends_with('/')).collect()
    }

    fn names(&self, order: &Order) -> Vec<String> {
        self.holds(order)
            .into_iter()
            .map(|(name, _)| name)
            .collect()
    }

    fn complaint(&self, order: &Order) -> String {
        let said = refused(self.bench.release(order), 601);
        assert!(tree(&self.www).is_empty(), "something was written");
        said
    }
}

#[test]
fn what_is_not_included_stays_out() {
    let site = Site::new();
    let commit = site.bench.commit(&[
        ("public/a.html", "a"),
        ("public/img/b.png", "b"),
        ("public/notes.txt", "n"),
        ("src/c.html", "c"),
    ]);
    let mut order = site.order(
        commit,
        Contents {
            include: Some(globs(&["**/*.html", "public/img/**"])),
            ..Contents::default()
        },
    );
    order.target.exclude = globs(&["src/**"]);
    assert_eq!(site.names(&order), ["public/a.html", "public/img/b.png"]);
    order.target.from = Some("public".into());
    order.sequence = 2;
    assert_eq!(site.names(&order), ["a.html", "img/b.png"]);
}

#[test]
fn u_05_links_are_kept_followed_or_refused_as_the_policy_says() {
    let site = Site::new();
    let commit = site.bench.commit_modes(&[
        (PLAIN, b"assets/logo.png", b"logo"),
        (PLAIN, b"assets/fonts/a", b"font"),
        (LINK, b"public/logo.png", b"../assets/logo.png"),
        (LINK, b"public/fonts", b"../assets/fonts"),
        (LINK, b"public/again", b"fonts/a"),
        (PLAIN, b"public/index.html", b"index"),
    ]);
    let with = |symlinks, sequence| {
        let contents = Contents {
            symlinks: Some(symlinks),
            ..Contents::default()
        };
        let mut order = site.order(commit, contents);
        order.target.from = Some("public".into());
        order.sequence = sequence;
        order
    };
    let said = site.complaint(&with(Symlinks::Refuse, 1));
    assert!(said.contains("which the policy refuses"), "{said}");
    let said = site.complaint(&with(Symlinks::Keep, 1));
    assert!(said.contains("leaves the release"), "{said}");
    let held = site.holds(&with(Symlinks::Follow, 1));
    let held: Vec<(&str, &str)> = held.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(
        held,
        [
            ("again", "font"),
            ("fonts/a", "font"),
            ("index.html", "index"),
            ("logo.png", "logo")
        ]
    );
    let link = site.www.join("current/logo.png");
    assert!(!link.symlink_metadata().unwrap().is_symlink());
}

#[test]
fn u_05_a_link_brings_in_nothing_that_stays_out() {
    let cases: [(&[u8], &str); 7] = [
        (b"/etc/passwd", "absolute"),
        (b"../../etc/passwd", "leaves"),
        (b"../private/key", "not released"),
        (b"../.gitmodules", "not released"),
        (b"../absent", "nothing"),
        (b"..", "circle"),
        (b"../loop/b", "too many links"),
    ];
    for (target, why) in cases {
        let site = Site::new();
        let commit = site.bench.commit_modes(&[
            (PLAIN, b".gitmodules", b"x"),
            (LINK, b"loop/b", b"c"),
            (LINK, b"loop/c", b"b"),
            (PLAIN, b"private/key", b"secret"),
            (LINK, b"public/link", target),
        ]);
        let mut order = site.order(
            commit,
            Contents {
                symlinks: Some(Symlinks::Follow),
                ..Contents::default()
            },
        );
        order.target.exclude = globs(&["private/**", "loop/**"]);
        let said = site.complaint(&order);
        assert!(said.contains(why), "{}: {said}", target.escape_ascii());
    }
}

#[test]
fn u_05_links_that_lead_into_each_other_end() {
    let site = Site::new();
    let commit = site.bench.commit_modes(&[
        (LINK, b"a/x", b"../b"),
        (PLAIN, b"a/f", b"f"),
        (LINK, b"b/y", b"../a"),
    ]);
    let order = site.order(
        commit,
        Contents {
            symlinks: Some(Symlinks::Follow),
            ..Contents::default()
        },
    );
    let said = site.complaint(&order);
    assert!(said.contains("circle"), "{said}");
}

#[test]
fn q_08_a_submodules_files_come_from_where_the_policy_says() {
    let site = Site::new();
    let library = Bench::new();
    let inner = library.commit_modes(&[
        (PLAIN, b"lib.js", b"lib"),
        (PLAIN, b".gitignore", b"x"),
        (PLAIN, b"test/t.js", b"t"),
        (LINK, b"main.js", b"lib.js"),
    ]);
    let outer = site
        .bench
        .commit_with_submodule("vendor/lib", inner, &[("index.html", "i")]);
    let mut order = site.order(outer, Contents::default());
    let said = site.complaint(&order);
    assert!(said.contains("submodule"), "{said}");
    order.target.contents.submodules = vec![Submodule {
        path: "vendor/lib".into(),
        repository: library.git_dir(),
    }];
    order.target.exclude = globs(&["vendor/lib/test/**"]);
    assert_eq!(
        site.names(&order),
        ["index.html", "vendor/lib/lib.js", "vendor/lib/main.js"]
    );
    // A commit that the repository does not hold is no release.
    let absent: Oid = "ab".repeat(20).parse().unwrap();
    let outer = site
        .bench
        .commit_with_submodule("vendor/lib", absent, &[("index.html", "j")]);
    let mut next = order.clone();
    (next.commit, next.sequence) = (outer, 2);
    let said = refused(site.bench.release(&next), 603);
    assert!(said.contains("vendor/lib"), "{said}");
}

#[test]
fn q_10_lfs_content_comes_from_the_store_and_is_what_was_approved() {
    let site = Site::new();
    let film = b"a long film".as_slice();
    let sha256 = relhook::types::hex(&Sha256::digest(film));
    let pointer = format!(
        "version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {}\n",
        film.len()
    );
    let commit = site
        .bench
        .commit(&[("film.mp4", &pointer), ("index.html", "i")]);
    let store = site.bench.outside("lfs");
    let mut order = site.order(commit, Contents::default());
    let said = site.complaint(&order);
    assert!(said.contains("LFS pointer"), "{said}");
    order.target.contents.lfs = Some(store.clone());
    let said = site.complaint(&order);
    assert!(said.contains("not in the store"), "{said}");
    let folder = store.join("objects").join(&sha256[..2]).join(&sha256[2..4]);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(&sha256), "a l0ng film").unwrap();
    let said = refused(site.bench.release(&order), 603);
    assert!(said.contains("does not hold what its name says"), "{said}");
    fs::write(folder.join(&sha256), film).unwrap();
    assert_eq!(
        site.holds(&order),
        [
            ("film.mp4".to_owned(), "a long film".to_owned()),
            ("index.html".to_owned(), "i".to_owned())
        ]
    );
}

const ATTRIBUTES: &str = "[attr]hidden export-ignore\n*.psd export-ignore\n/docs/ export-ignore\n\
    src/** hidden\nsrc/keep.js -export-ignore\nversion export-subst\n\"with space\" export-ignore\n";

fn attributed(site: &Site) -> Oid {
    site.bench.commit(&[
        (".gitattributes", ATTRIBUTES),
        ("a.psd", "1"),
        (
            "deep/.gitattributes",
            "* export-ignore\n!negative\nkept !export-ignore\n",
        ),
        ("deep/kept", "2"),
        ("deep/gone", "3"),
        ("docs/x", "4"),
        ("other/docs/x", "5"),
        ("src/keep.js", "6"),
        ("src/gone.js", "7"),
        ("version", "$Format:%H %T$\n"),
        ("with space", "8"),
        ("b.html", "$Format:%H$"),
    ])
}

#[test]
fn export_ignore_keeps_out_what_git_archive_keeps_out() {
    let site = Site::new();
    let commit = attributed(&site);
    let order = site.order(
        commit,
        Contents {
            export: Export {
                ignore: true,
                subst: false,
            },
            ..Contents::default()
        },
    );
    let mut archived = site.bench.archived(commit);
    archived.retain(|name| !name.split('/').any(|part| part.starts_with(".git")));
    assert!(archived.len() > 3 && archived.len() < 10, "{archived:?}");
    assert_eq!(site.names(&order), archived);
    let version = site.www.join("current/version");
    assert_eq!(fs::read_to_string(version).unwrap(), "$Format:%H %T$\n");
}

#[test]
fn q_12_export_subst_says_which_release_this_is_and_nothing_else() {
    let site = Site::new();
    let contents = Contents {
        export: Export {
            ignore: false,
            subst: true,
        },
        ..Contents::default()
    };
    let commit = attributed(&site);
    let held = site.holds(&site.order(commit, contents.clone()));
    let version = &held.iter().find(|(name, _)| name == "version").unwrap().1;
    assert!(version.starts_with(&commit.to_string()), "{version}");
    assert!(
        held.iter()
            .any(|(name, text)| name == "b.html" && text == "$Format:%H$")
    );
    assert!(held.iter().any(|(name, _)| name == "a.psd"));
    let commit = site.bench.commit(&[
        (".gitattributes", "version export-subst\n"),
        ("version", "$Format:%an$"),
    ]);
    let mut order = site.order(commit, contents);
    order.sequence = 2;
    let said = refused(site.bench.release(&order), 601);
    assert!(said.contains("keyword"), "{said}");
}

#[test]
fn u_15_names_that_windows_cannot_hold_are_refused_where_the_policy_says_so() {
    let site = Site::new();
    let commit = site.bench.commit(&[
        ("Index.html", "1"),
        ("index.html", "2"),
        ("aux.txt", "3"),
        ("a:b", "4"),
        ("dot.", "5"),
        ("fine", "6"),
    ]);
    let portable = site.order(
        commit,
        Contents {
            names: Names::Portable,
            ..Contents::default()
        },
    );
    let said = site.complaint(&portable);
    for part in ["takes it for `Index.html`", "aux.txt", "a:b", "dot."] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("fine"), "{said}");
    assert_eq!(
        site.names(&site.order(commit, Contents::default())).len(),
        6
    );
}
