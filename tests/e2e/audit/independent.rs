//! What relhook publishes and proves, in the eyes of a program that is not relhook: the code of Go's
//! checksum database (`golang.org/x/mod/sumdb`), with verifier.go around it.

use super::Site;
use crate::common::{Ran, command, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The verifier, built from Debian's packages alone.
fn verifier() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let program = scratch.join("audit-verifier");
        let mut go = command("go", scratch);
        go.env("GO111MODULE", "off")
            .env("GOPATH", "/usr/share/gocode")
            .env("GOCACHE", scratch.join("go-cache"))
            .env("GOFLAGS", "")
            .args(["build", "-o"])
            .arg(&program)
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/e2e/audit/verifier.go"
            ));
        run(&mut go).assert_ok();
        program
    })
}

impl Site {
    fn key(&self) -> String {
        self.audit(&["key"]).text()
    }

    fn publishes(&self) {
        self.audit(&["checkpoint"]).assert_ok();
    }

    fn audit_folder(&self) -> PathBuf {
        self.folder().join("audit")
    }

    /// The other program reads all that is published.
    fn is_whole(&self) -> Ran {
        let mut verifier = command(verifier().to_str().unwrap(), self.path());
        run(verifier.arg("log").arg(self.audit_folder()).arg(self.key()))
    }

    /// The other program looks for an earlier log in this one.
    fn extends(&self, size: u64, root: &str) -> Ran {
        let mut verifier = command(verifier().to_str().unwrap(), self.path());
        verifier.arg("extends").arg(self.audit_folder());
        run(verifier.arg(self.key()).args([&size.to_string(), root]))
    }

    /// The other program checks a receipt.
    fn proves(&self, receipt: &[u8]) -> Ran {
        let file = self.path().join("receipt");
        fs::write(&file, receipt).unwrap();
        let mut verifier = command(verifier().to_str().unwrap(), self.path());
        run(verifier.arg("receipt").arg(file).arg(self.key()))
    }

    fn receipt(&self, seq: u64) -> Vec<u8> {
        let ran = self.audit(&["prove", &seq.to_string()]);
        ran.assert_ok();
        ran.out
    }
}

/// What the other program says of a log of this size, and of the smaller ones that it was.
fn agrees(site: &Site, was: &[(u64, String)]) {
    let last = site.log().last().unwrap();
    let size = last.seq;
    site.publishes();
    let root = last.checkpoint.root_base64();
    assert_eq!(site.is_whole().text(), format!("whole {size} {root}"));
    let own = [(size, root)];
    for (before, root) in was.iter().chain(&own) {
        let said = site.extends(*before, root).text();
        assert_eq!(said, format!("extends {size} {before}"));
        assert_eq!(site.extends(*before, &was_not(root)).code, 1, "{before}");
    }
    for seq in [1, size / 2 + 1, size] {
        let receipt = site.receipt(seq);
        assert_eq!(site.proves(&receipt).text(), format!("in {size} {seq}"));
    }
}

/// Another root.
fn was_not(root: &str) -> String {
    let other = if root.starts_with('A') { "B" } else { "A" };
    format!("{other}{}", &root[1..])
}

#[test]
fn go_reads_what_relhook_publishes_at_every_edge_of_a_tile() {
    let site = Site::of(1);
    let mut was = Vec::new();
    for size in [1, 2, 255, 256, 257, 511, 512, 600] {
        let last = site.log().last().unwrap();
        if last.seq < size {
            was.push((last.seq, last.checkpoint.root_base64()));
            site.grow(size - last.seq);
        }
        agrees(&site, &was);
    }
    // What Go's code finds, relhook finds too.
    site.audit(&["verify"]).assert_ok();
}

#[test]
fn go_reads_a_log_of_three_levels() {
    let site = Site::of(300);
    let mut was = Vec::new();
    for size in [300, 65_535, 65_537, 70_000] {
        let last = site.log().last().unwrap();
        if last.seq < size {
            was.push((last.seq, last.checkpoint.root_base64()));
            site.grow(size - last.seq);
        }
    }
    agrees(&site, &was);
    assert!(site.audit_folder().join("tile/2/000.p/1").exists());
    for seq in [256, 257, 65_536, 65_537] {
        let receipt = site.receipt(seq);
        assert_eq!(site.proves(&receipt).text(), format!("in 70000 {seq}"));
    }
    let shown = site.audit(&["verify", "--since", &format!("65537 {}", was[2].1)]);
    assert!(
        shown
            .text()
            .contains("the log of 65537 entries made longer")
    );
}

#[test]
fn l_02_go_and_relhook_refuse_the_same_changed_bytes() {
    let site = Site::of(300);
    site.publishes();
    site.is_whole().assert_ok();
    for name in ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"] {
        changed(&site, name, |site| {
            assert_eq!(site.is_whole().code, 1, "{name}");
            assert_eq!(site.audit(&["verify"]).code, 4, "{name}");
        });
    }
    // These are made from the head, for others; relhook does not read them.
    for name in ["tile/entries/001.p/44", "tile/0/001.p/44", "checkpoint"] {
        changed(&site, name, |site| {
            assert_eq!(site.is_whole().code, 1, "{name}");
        });
    }
    let receipt = site.receipt(77);
    for at in [40, receipt.len() / 2, receipt.len() - 30] {
        let mut bad = receipt.clone();
        bad[at] ^= 1;
        assert_eq!(site.proves(&bad).code, 1, "byte {at}");
        let file = site.path().join("receipt");
        let checked = site.audit(&["check", file.to_str().unwrap()]);
        assert_ne!(checked.code, 0, "byte {at}");
    }
    // Another log's key has signed nothing here.
    let other = Site::of(1);
    fs::copy(
        other.audit_folder().join("log-key"),
        site.audit_folder().join("log-key"),
    )
    .unwrap();
    assert_eq!(site.is_whole().code, 1);
    assert_eq!(site.proves(&receipt).code, 1);
}

/// One byte in the middle of a file is another for a while.
fn changed(site: &Site, name: &str, meanwhile: impl FnOnce(&Site)) {
    let path = site.audit_folder().join(name);
    let whole = fs::read(&path).unwrap();
    let mut bad = whole.clone();
    bad[whole.len() / 2] ^= 1;
    fs::write(&path, bad).unwrap();
    meanwhile(site);
    fs::write(&path, whole).unwrap();
}
