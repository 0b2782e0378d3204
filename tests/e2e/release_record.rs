//! The signed record on a target, and taking over a target that has files already.

use crate::common::ftpd::{Ftpd, PASSWORD, Tls, USER};
use crate::common::{command, run};
use crate::release_kit::{Always, Bench, Log, dir, ftp, refused, released, tree};
use relhook::policy::TlsMode;
use relhook::release::{
    Adoption, Comparison, Course, KEY_FILE, MANIFEST_NAME, Manifest, Order, Seal, Setting, compare,
};
use relhook::types::{Oid, RepoPath, Timestamp};
use std::fs;
use std::path::{Path, PathBuf};

fn site() -> (Bench, Ftpd) {
    let bench = Bench::new();
    bench.credentials(USER, PASSWORD);
    (bench, Ftpd::start(Tls::None))
}

fn order(bench: &Bench, ftpd: &Ftpd, commit: Oid, sequence: u64) -> Order {
    let path = ftpd.site().display().to_string();
    bench.order(ftp(ftpd.port, &path, TlsMode::Plain, 3), commit, sequence)
}

/// A site or a directory with one release, its record's file, and an order for the next.
struct Kept {
    bench: Bench,
    record: PathBuf,
    next: Order,
    root: PathBuf,
    _ftpd: Option<Ftpd>,
}

fn both() -> [Kept; 2] {
    let (bench, ftpd) = site();
    released(bench.release(&order(&bench, &ftpd, bench.commit(&[("a", "1")]), 1)));
    let next = order(&bench, &ftpd, bench.commit(&[("a", "2")]), 2);
    let root = ftpd.site();
    let on_site = Kept {
        record: root.join(MANIFEST_NAME),
        bench,
        next,
        root,
        _ftpd: Some(ftpd),
    };
    let bench = Bench::new();
    let root = bench.outside("www");
    released(bench.release(&bench.order(dir(&root, 3), bench.commit(&[("a", "1")]), 1)));
    let next = bench.order(dir(&root, 3), bench.commit(&[("a", "2")]), 2);
    let in_directory = Kept {
        record: root.join("releases/1.json"),
        bench,
        next,
        root,
        _ftpd: None,
    };
    [on_site, in_directory]
}

#[test]
fn u_08_a_record_that_somebody_changed_is_refused_until_it_is_adopted() {
    for kept in both() {
        let record = fs::read_to_string(&kept.record).unwrap();
        let before = tree(&kept.root);
        for (from, to) in [
            ("\"a\"", "\"b\""),
            ("\"sequence\":1", "\"sequence\":2"),
            ("\"size\":1", "\"size\": 1"),
            ("\"signature\":\"", "\"signature\":\"AAAA"),
        ] {
            let changed = record.replace(from, to);
            assert_ne!(changed, record);
            fs::write(&kept.record, &changed).unwrap();
            let error = refused(kept.bench.release(&kept.next), 623);
            assert!(error.contains("not as this server left it"), "{error}");
        }
        let body = record.lines().next().unwrap();
        fs::write(&kept.record, format!("{body}\n")).unwrap();
        refused(kept.bench.release(&kept.next), 623);
        fs::write(&kept.record, &record).unwrap();
        assert_eq!(tree(&kept.root), before);

        fs::write(&kept.record, record.replace("\"a\"", "\"b\"")).unwrap();
        let adopted = kept
            .bench
            .release_with(&kept.next, Adoption::Adopt, &mut Log::default());
        released(adopted);
        released(kept.bench.release(&Order {
            commit: kept.bench.commit(&[("a", "3")]),
            sequence: 3,
            ..kept.next.clone()
        }));
    }
}

#[test]
fn u_08_a_record_of_another_server_is_refused() {
    for kept in both() {
        fs::remove_file(kept.bench.folder().join(KEY_FILE)).unwrap();
        let error = refused(kept.bench.release(&kept.next), 623);
        assert!(error.contains("another server signed it"), "{error}");
    }
}

/// What a stranger signed with a key of their own is told of, and not repeated at its own length.
#[test]
fn u_17_what_a_record_says_is_cut_and_escaped() {
    let (bench, ftpd) = site();
    released(bench.release(&order(&bench, &ftpd, bench.commit(&[("a", "1")]), 1)));
    let record = ftpd.site().join(MANIFEST_NAME);
    let body = fs::read_to_string(&record).unwrap();
    let body = body.lines().next().unwrap();
    let stranger = Seal::open(&bench.outside("stranger")).unwrap();
    let ours = Seal::open(&bench.folder()).unwrap();
    let long = "\\u001b[2J".repeat(100_000);
    let next = order(&bench, &ftpd, bench.commit(&[("a", "2")]), 2);
    for (seal, from, to, code) in [
        (&stranger, "acme/site", long.clone(), 617),
        // Nobody else has this server's key; but what it signed may be of another version.
        (&ours, "relhook/manifest/v2", long.clone(), 615),
        (&ours, "\"tool\":", format!("\"{long}\":1,\"tool\":"), 615),
        (
            &ours,
            "\"path\":\"a\"",
            format!("\"path\":\"../{long}\""),
            615,
        ),
        (
            &ours,
            "\"kind\":\"file\"",
            format!("\"kind\":\"{long}\""),
            615,
        ),
    ] {
        let changed = body.replace(from, &to) + "\n";
        assert!(changed.len() > 100_000);
        fs::write(&record, seal.sealed(changed.as_bytes()).unwrap()).unwrap();
        let error = refused(bench.release(&next), code);
        assert!(!error.contains('\x1b') && error.len() < 2_000, "{error}");
    }
}

#[test]
fn u_08_an_older_record_that_was_put_back_is_refused() {
    let (bench, ftpd) = site();
    let record = ftpd.site().join(MANIFEST_NAME);
    released(bench.release(&order(&bench, &ftpd, bench.commit(&[("a", "1")]), 1)));
    let first = fs::read(&record).unwrap();
    released(bench.release(&order(&bench, &ftpd, bench.commit(&[("a", "2")]), 2)));
    fs::write(&record, first).unwrap();
    let third = order(&bench, &ftpd, bench.commit(&[("a", "1")]), 3);
    let error = refused(bench.release(&third), 615);
    assert!(error.contains("an older one, of entry 1"), "{error}");
}

#[test]
fn u_08_a_later_record_that_was_put_back_after_going_back_is_refused() {
    let (bench, ftpd) = site();
    let record = ftpd.site().join(MANIFEST_NAME);
    let first = bench.commit(&[("a", "1"), ("b", "1")]);
    released(bench.release(&order(&bench, &ftpd, first, 1)));
    released(bench.release(&order(&bench, &ftpd, bench.commit(&[("a", "2")]), 2)));
    let second = fs::read(&record).unwrap();
    released(bench.release(&Order {
        course: Course::Back,
        ..order(&bench, &ftpd, first, 1)
    }));
    fs::write(&record, second).unwrap();
    // By that record `a` would not be sent, and it is not there.
    let third = order(&bench, &ftpd, bench.commit(&[("a", "2"), ("c", "3")]), 3);
    let error = refused(bench.release(&third), 615);
    assert!(error.contains("another one, of entry 2"), "{error}");
}

#[test]
fn u_08_a_record_whose_signature_was_taken_away_is_refused() {
    for kept in both() {
        let record = fs::read_to_string(&kept.record).unwrap();
        let body = record.lines().next().unwrap();
        let grown = body.replace("\"files\":[", "\"files\":[{\"path\":\"theirs\"},");
        for text in [
            format!("{body}\n"),
            format!("{body}\n").replace("manifest/v2", "manifest/v1"),
            format!("{grown}\n"),
        ] {
            fs::write(&kept.record, text).unwrap();
            refused(kept.bench.release(&kept.next), 623);
        }
    }
}

#[test]
fn stock_openssl_verifies_a_record() {
    for kept in both() {
        let folder = kept.bench.outside("check");
        let seal = Seal::open(&kept.bench.folder()).unwrap();
        fs::write(folder.join("release-key.pem"), seal.public_pem()).unwrap();
        fs::copy(&kept.record, folder.join("manifest")).unwrap();
        assert!(verified(&folder));
        let record = fs::read_to_string(folder.join("manifest")).unwrap();
        fs::write(folder.join("manifest"), record.replace("\"a\"", "\"b\"")).unwrap();
        assert!(!verified(&folder));
        // The private key is one that openssl reads too.
        let key = kept.bench.folder().join(KEY_FILE);
        let mut openssl = command("openssl", &folder);
        openssl.args(["pkey", "-pubout", "-in"]).arg(key);
        assert_eq!(run(&mut openssl).text(), seal.public_pem().trim_end());
    }
}

/// The commands of docs/release.md.
fn verified(folder: &Path) -> bool {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/release.md");
    let docs = fs::read_to_string(docs).unwrap();
    let (_, script) = docs.split_once("```sh verify\n").unwrap();
    let (script, _) = script.split_once("```").unwrap();
    let mut shell = command("sh", folder);
    shell.current_dir(folder).args(["-ec", script]);
    run(&mut shell).code == 0
}

fn compared(bench: &Bench, order: &Order) -> Comparison {
    let git_dir = bench.git_dir();
    let setting = Setting {
        git_dir: &git_dir,
        folder: &bench.folder(),
        program: None,
        now: &|| Timestamp::from_unix(1_800_000_000),
    };
    let orders = Always(order.clone());
    let compared = compare(setting, &order.target.name, &orders).unwrap();
    compared.unwrap().1
}

fn paths(names: &[&str]) -> Vec<RepoPath> {
    let path = |name: &&str| RepoPath::new(name.as_bytes().to_vec());
    names.iter().map(path).collect()
}

#[test]
fn a_site_with_files_is_compared_and_only_what_differs_is_sent() {
    let (bench, ftpd) = site();
    for dir in ["d", "d/old", "uploads", "uploads/deep"] {
        fs::create_dir(ftpd.site().join(dir)).unwrap();
    }
    for (name, content) in [
        ("same", "the same"),
        ("d/same too", "also the same"),
        ("d/size", "longer than ours"),
        ("content", "thEirs"),
        ("theirs", "1"),
        ("d/old/x", "1"),
        ("uploads/deep/y", "1"),
    ] {
        fs::write(ftpd.site().join(name), content).unwrap();
    }
    let commit = bench.commit(&[
        ("same", "the same"),
        ("d/same too", "also the same"),
        ("d/size", "ours"),
        ("content", "theirs"),
        ("new/file", "new"),
    ]);
    let order = order(&bench, &ftpd, commit, 1);
    let before = tree(&ftpd.site());
    let uploads = ftpd.uploads();
    let error = refused(bench.release(&order), 616);
    assert!(error.contains("d/size"), "{error}");

    let comparison = compared(&bench, &order);
    let equal: Vec<RepoPath> = comparison.equal.keys().cloned().collect();
    assert_eq!(equal, paths(&["d/same too", "same"]));
    assert_eq!(comparison.different, paths(&["content", "d/size"]));
    assert_eq!(comparison.missing, paths(&["new/file"]));
    assert_eq!(comparison.foreign, paths(&["d/old/", "theirs", "uploads/"]));
    assert!(!comparison.is_equal());
    assert_eq!(tree(&ftpd.site()), before);
    assert_eq!(ftpd.uploads(), uploads);
    let changes = ["STOR", "DELE", "RNFR", "MKD", "RMD", "APPE"];
    for command in ftpd.commands() {
        let verb = command.split(' ').next().unwrap_or_default();
        assert!(!changes.contains(&verb), "{command}");
    }

    let totals = released(bench.release_with(&order, Adoption::Adopt, &mut Log::default()));
    assert_eq!((totals.uploaded, totals.unchanged), (3, 2));
    assert_eq!(ftpd.uploads() - uploads, 3 + 1);
    let after = tree(&ftpd.site());
    assert_eq!(after["d/size"], "ours");
    assert_eq!(after["content"], "theirs");
    assert_eq!((&*after["d/old/x"], &*after["uploads/deep/y"]), ("1", "1"));
    let record = fs::read(ftpd.site().join(MANIFEST_NAME)).unwrap();
    let seal = Seal::open(&bench.folder()).unwrap();
    assert_eq!(Manifest::read(&record, &seal).unwrap().kinds().len(), 5);
    assert!(compared(&bench, &order).is_equal());
}

#[test]
fn a_directory_is_compared_with_what_visitors_find() {
    let bench = Bench::new();
    let www = bench.outside("www");
    let first = bench.order(dir(&www, 3), bench.commit(&[("a", "1"), ("b", "2")]), 1);
    assert_eq!(compared(&bench, &first).missing, paths(&["a", "b"]));
    assert_eq!(tree(&www).len(), 0);
    released(bench.release(&first));
    assert!(compared(&bench, &first).is_equal());
    fs::write(www.join("current/a"), "changed by hand").unwrap();
    assert_eq!(compared(&bench, &first).different, paths(&["a"]));
}
