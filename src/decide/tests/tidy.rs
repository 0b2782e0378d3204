//! The decision stays pure: none of its files names a way out.

use std::path::Path;

#[test]
fn no_file_of_the_decision_reads_anything() {
    let forbidden = [
        "git2",
        "gpgme",
        "std::fs",
        "std::env",
        "std::process",
        "std::io",
        "std::net",
        "SystemTime",
        "Instant",
        "thread_local",
        "static mut",
        "rustix",
        "tempfile",
        "crate::cli",
        "crate::hook",
        "crate::ui",
        "crate::audit",
        "crate::ledger",
        "crate::release",
    ];
    let mut read = 0;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/decide");
    for folder in [root.clone(), root.join("reason")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|kind| kind != "rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for word in forbidden {
                assert!(!text.contains(word), "{} names {word}", path.display());
            }
            read += 1;
        }
    }
    assert!(read > 20, "{read} files");
}
