//! Releases of many files: the record has two parts, and a small change reads and writes little.

use crate::common::ftpd::{Ftpd, PASSWORD, Tls, USER};
use crate::release_kit::{Bench, Log, PROGRAM, ftp, refused, released, tree};
use relhook::policy::{OnDrift, TlsMode, Verify};
use relhook::release::{
    Adoption, Course, MANIFEST_NAME, Manifest, Order, Outcome, Record, SPLIT, Seal, is_base, look,
};
use relhook::types::Oid;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

const FILE: u32 = 0o100_644;

/// Paths with their mode and content.
type Files = BTreeMap<String, (u32, String)>;

/// So many files that the record has two parts.
fn many() -> Files {
    let name = |n: usize| format!("d{:02}/f{n:03}.png", n % 20);
    (0..SPLIT + 10)
        .map(|n| (name(n), (FILE, "same".to_owned())))
        .collect()
}

/// A large site.
struct Large {
    bench: Bench,
    ftpd: Ftpd,
    files: Files,
    sequence: u64,
}

impl Large {
    fn new() -> Self {
        let bench = Bench::new();
        bench.credentials(USER, PASSWORD);
        let mut large = Self {
            bench,
            ftpd: Ftpd::start(Tls::None),
            files: many(),
            sequence: 0,
        };
        large.arrives();
        large
    }

    fn put(&mut self, path: &str, content: &str) {
        self.files
            .insert(path.to_owned(), (FILE, content.to_owned()));
    }

    fn commit(&self) -> Oid {
        let entries = self.files.iter();
        let entries =
            entries.map(|(path, (mode, content))| (*mode, path.as_bytes(), content.as_bytes()));
        self.bench.commit_modes(&entries.collect::<Vec<_>>())
    }

    fn order(&mut self) -> Order {
        self.sequence += 1;
        let path = self.ftpd.site().display().to_string();
        let kind = ftp(self.ftpd.port, &path, TlsMode::Plain, 2);
        self.bench.order(kind, self.commit(), self.sequence)
    }

    /// Releases the files, and finds them and nothing else. Gives the names of files that were sent, and
    /// all commands.
    #[track_caller]
    fn arrives(&mut self) -> Vec<String> {
        let order = self.order();
        let before = self.ftpd.commands().len();
        released(self.bench.release(&order));
        self.holds(&order);
        self.ftpd.commands().split_off(before)
    }

    #[track_caller]
    fn holds(&self, order: &Order) {
        let mut found = tree(&self.ftpd.site());
        found.retain(|name, _| !name.starts_with(".relhook-") && !name.ends_with('/'));
        let wanted = self.files.iter();
        let wanted: BTreeMap<String, String> = wanted
            .map(|(path, (_, content))| (path.clone(), content.clone()))
            .collect();
        assert!(found == wanted, "{:?}", found.keys());
        let record = self.record();
        assert_eq!(record.commit, order.commit);
        let kinds: Vec<String> = record
            .kinds()
            .iter()
            .map(|(path, _, _)| path.to_string())
            .collect();
        assert_eq!(kinds, wanted.into_keys().collect::<Vec<_>>());
    }

    fn seal(&self) -> Seal {
        Seal::open(&self.bench.folder()).unwrap()
    }

    fn base(&self) -> PathBuf {
        let names = fs::read_dir(self.ftpd.site()).unwrap();
        let mut bases: Vec<PathBuf> = names
            .map(|entry| entry.unwrap().path())
            .filter(|path| is_base(path.file_name().unwrap().to_str().unwrap()))
            .collect();
        assert_eq!(bases.len(), 1, "{bases:?}");
        bases.remove(0)
    }

    fn head(&self) -> PathBuf {
        self.ftpd.site().join(MANIFEST_NAME)
    }

    /// What both parts of the record say, and nothing else of relhook's is there.
    #[track_caller]
    fn record(&self) -> Manifest {
        let own = tree(&self.ftpd.site()).into_keys();
        let own: Vec<String> = own.filter(|name| name.starts_with(".relhook-")).collect();
        let bytes = fs::read(self.head()).unwrap();
        match Record::read(&bytes, &self.seal()).unwrap() {
            Record::Whole(manifest) => {
                assert_eq!(own.len(), 1, "{own:?}");
                manifest
            }
            Record::Parts(head) => {
                assert_eq!(own.len(), 2, "{own:?}");
                let base = fs::read(self.base()).unwrap();
                assert!(head.base.is(&base));
                head.over(&Manifest::read(&base, &self.seal()).unwrap())
                    .unwrap()
            }
        }
    }

    /// Forgets what the server keeps at hand.
    fn forget(&self) {
        for name in ["known.json", "base.json"] {
            let _ = fs::remove_file(self.bench.folder().join("release/site").join(name));
        }
    }
}

/// The paths of files that commands name, without those of relhook's own.
fn touched(commands: &[String]) -> Vec<&str> {
    let named = commands.iter().filter_map(|command| {
        let (verb, path) = command.split_once(' ')?;
        let name = path.rsplit('/').next()?;
        let file = ["STOR", "RETR", "SIZE", "RNFR", "RNTO", "DELE"].contains(&verb);
        (file && !name.starts_with(".relhook-")).then_some(name)
    });
    let mut named: Vec<&str> = named.collect();
    named.sort_unstable();
    named.dedup();
    named
}

fn sent(commands: &[String]) -> usize {
    commands
        .iter()
        .filter(|command| command.starts_with("STOR "))
        .count()
}

fn read(commands: &[String]) -> Vec<&str> {
    let read = commands
        .iter()
        .filter_map(|command| command.strip_prefix("RETR "));
    read.filter_map(|path| path.rsplit('/').next()).collect()
}

#[test]
fn u_22_a_small_change_on_a_large_site_names_nothing_else() {
    let mut large = Large::new();
    let base = fs::read(large.base()).unwrap();
    large.put("d03/f003.png", "SAME");
    large.put("d04/new.html", "new");
    large.files.remove("d05/f005.png");
    let commands = large.arrives();
    assert_eq!(touched(&commands), ["f003.png", "f005.png", "new.html"]);
    // The two files, and the head of the record.
    assert_eq!(sent(&commands), 3);
    assert_eq!(read(&commands), [MANIFEST_NAME]);
    assert_eq!(fs::read(large.base()).unwrap(), base);
    assert!(fs::metadata(large.head()).unwrap().len() < 4_000);
}

#[test]
fn one_change_after_another_leaves_the_record_of_all_of_them() {
    let mut large = Large::new();
    // Folders that go, files that become folders and back, what only moves, and what goes both ways.
    large.put("old/deep/x", "x");
    large.put("old/y", "y");
    large.put("both", "1");
    large.arrives();
    large.files.remove("old/deep/x");
    large.files.remove("both");
    large.put("both/inner", "2");
    large.put("moved/y", "y");
    large.files.remove("old/y");
    let commands = large.arrives();
    assert_eq!(read(&commands), [MANIFEST_NAME]);
    assert!(!large.ftpd.site().join("old").exists());
    large.files.remove("both/inner");
    large.put("both", "1");
    large.put("old/deep/x", "x");
    large.arrives();
    large
        .files
        .insert("d01/f001.png".into(), (PROGRAM, "same".into()));
    large.arrives();
    large.files = many();
    let commands = large.arrives();
    assert_eq!(read(&commands), [MANIFEST_NAME]);
    let kinds = large.record().kinds();
    // The record of a site that was filled at once.
    let fresh = Large::new();
    assert_eq!(fresh.record().kinds(), kinds);
}

#[test]
fn the_base_is_written_anew_when_much_has_changed_since() {
    let mut large = Large::new();
    let first = large.base();
    for round in 0..5 {
        let names: Vec<String> = large
            .files
            .keys()
            .skip(round * 60)
            .take(70)
            .cloned()
            .collect();
        for name in names {
            large.put(&name, &format!("round {round}"));
        }
        large.arrives();
    }
    assert_ne!(large.base(), first);
    // From many to few and back: a record of one part, and of two.
    let all = large.files.clone();
    large.files = many().into_iter().take(20).collect();
    large.arrives();
    assert!(Manifest::read(&fs::read(large.head()).unwrap(), &large.seal()).is_ok());
    large.files = all;
    large.arrives();
    large.base();
}

#[test]
fn the_whole_record_of_an_older_relhook_is_taken_over() {
    let mut large = Large::new();
    let whole = large.record().to_bytes(&large.seal()).unwrap();
    fs::remove_file(large.base()).unwrap();
    fs::write(large.head(), whole).unwrap();
    large.forget();
    large.put("d03/f003.png", "other");
    let commands = large.arrives();
    assert_eq!(touched(&commands), ["f003.png"]);
    large.base();
}

#[test]
fn what_the_server_keeps_at_hand_may_be_lost() {
    let mut large = Large::new();
    large.put("d03/f003.png", "other");
    large.arrives();
    large.forget();
    large.put("d03/f003.png", "another");
    let commands = large.arrives();
    assert_eq!(touched(&commands), ["f003.png"]);
    assert_eq!(read(&commands).len(), 2);
    for bad in ["", "{}", "x"] {
        let folder = large.bench.folder().join("release/site");
        fs::write(folder.join("known.json"), bad).unwrap();
        fs::write(folder.join("base.json"), bad).unwrap();
        large.put("d03/f003.png", &format!("once more {bad}"));
        assert_eq!(touched(&large.arrives()), ["f003.png"]);
    }
}

#[test]
fn u_08_a_part_of_the_record_that_somebody_changed_is_refused() {
    let mut large = Large::new();
    large.put("d03/f003.png", "other");
    large.arrives();
    large.put("d03/f003.png", "next");
    let next = large.order();
    let (head, base) = (large.head(), large.base());
    let (good_head, good_base) = (fs::read(&head).unwrap(), fs::read(&base).unwrap());
    let edited = |bytes: &[u8]| {
        String::from_utf8(bytes.to_vec())
            .unwrap()
            .replacen("f003", "f004", 1)
    };
    fs::write(&head, edited(&good_head)).unwrap();
    refused(large.bench.release(&next), 623);
    fs::write(&head, &good_head).unwrap();
    // Longer or shorter it is seen at once; and of the same size by whoever reads it.
    fs::write(&base, [&good_base[..], b"\n"].concat()).unwrap();
    refused(large.bench.release(&next), 623);
    fs::write(&base, edited(&good_base)).unwrap();
    let drift = |depth| {
        let mut log = Log::default();
        large
            .bench
            .with_setting(|setting| look(setting, &next, depth, &mut log).map(drop))
    };
    assert_eq!(
        drift(Verify::Quick).unwrap_err().code().to_string(),
        "RH623"
    );
    let mut deep = next.clone();
    deep.target.care.verify = Verify::Deep;
    refused(large.bench.release(&deep), 623);
    let mut looks_first = next.clone();
    looks_first.target.care.drift = OnDrift::Refuse;
    refused(large.bench.release(&looks_first), 623);
    fs::remove_file(&base).unwrap();
    refused(large.bench.release(&next), 615);
    large.forget();
    refused(large.bench.release(&next), 615);
    // Taken over, it has a record of its own again.
    released(
        large
            .bench
            .release_with(&next, Adoption::Adopt, &mut Log::default()),
    );
    large.holds(&next);
    assert!(drift_of(&large, &next).is_empty());
}

fn drift_of(large: &Large, order: &Order) -> Vec<String> {
    let mut log = Log::default();
    let looked = large
        .bench
        .with_setting(|setting| look(setting, order, Verify::Quick, &mut log));
    let found = looked.unwrap().unwrap().differences;
    found
        .iter()
        .map(|one| format!("{} {}", one.what.word(), one.path))
        .collect()
}

#[test]
fn u_08_an_earlier_head_that_was_put_back_is_refused() {
    let mut large = Large::new();
    large.put("d03/f003.png", "1");
    large.arrives();
    let earlier = fs::read(large.head()).unwrap();
    large.put("d03/f003.png", "2");
    large.arrives();
    fs::write(large.head(), earlier).unwrap();
    large.put("d03/f003.png", "3");
    let next = large.order();
    let error = refused(large.bench.release(&next), 615);
    assert!(error.contains("an older one, of entry 2"), "{error}");
}

#[test]
fn u_08_u_09_what_others_did_is_found_on_the_short_way_too() {
    let mut large = Large::new();
    large.put("d03/f003.png", "ours");
    let order = large.order();
    released(large.bench.release(&order));
    assert!(drift_of(&large, &order).is_empty());
    // In the way of a new file.
    fs::write(large.ftpd.site().join("d04/new"), "theirs").unwrap();
    large.put("d04/new", "ours");
    let blocked = large.order();
    refused(large.bench.release(&blocked), 616);
    assert_eq!(
        fs::read(large.ftpd.site().join("d04/new")).unwrap(),
        b"theirs"
    );
    fs::remove_file(large.ftpd.site().join("d04/new")).unwrap();
    large.arrives();
    // Changed by hand, and found by a look: it is sent again.
    fs::write(large.ftpd.site().join("d07/f007.png"), "by hand").unwrap();
    let next = large.order();
    assert_eq!(drift_of(&large, &next), ["changed d07/f007.png"]);
    large.put("d03/f003.png", "ours again");
    assert_eq!(touched(&large.arrives()), ["f003.png", "f007.png"]);
}

#[test]
fn r_13_an_earlier_release_comes_back_on_the_short_way() {
    let mut large = Large::new();
    large.put("d03/f003.png", "first");
    let mut first = large.order();
    released(large.bench.release(&first));
    let files = large.files.clone();
    large.put("d03/f003.png", "second");
    large.arrives();
    refused(large.bench.release(&first), 618);
    first.course = Course::Back;
    released(large.bench.release(&first));
    large.files = files;
    large.holds(&first);
    let again = large.bench.release(&first);
    assert!(matches!(again, Ok(Outcome::UpToDate(_))), "{again:?}");
    large.put("d03/f003.png", "third");
    assert_eq!(read(&large.arrives()), [MANIFEST_NAME]);
}
