//! The fuzz targets' corpus, played again on a stable compiler: what was once found stays found.

#[allow(
    clippy::expect_used,
    reason = "a property that does not hold is a failed test"
)]
#[path = "../../fuzz/src/lib.rs"]
mod targets;

use std::path::Path;

#[test]
fn every_property_holds_for_every_file_of_its_corpus() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut bytes = 0;
    for (name, holds) in targets::TARGETS {
        let mut files = 0;
        for entry in std::fs::read_dir(root.join(name)).unwrap() {
            let path = entry.unwrap().path();
            let data = std::fs::read(&path).unwrap();
            let held = std::panic::catch_unwind(|| holds(&data));
            assert!(held.is_ok(), "{}", path.display());
            (files, bytes) = (files + 1, bytes + data.len());
        }
        assert!(files >= 8, "{name}: {files} files");
    }
    assert!(
        bytes < 2 << 20,
        "the corpus is to stay small: {bytes} bytes"
    );
}

#[test]
fn every_target_has_its_program_and_no_corpus_is_left_over() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let names = |folder: &str| {
        let entries = std::fs::read_dir(fuzz.join(folder)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().path())
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    let mut targets: Vec<_> = targets::TARGETS.iter().map(|(name, _)| *name).collect();
    targets.sort_unstable();
    assert_eq!(names("fuzz_targets"), targets);
    assert_eq!(names("corpus"), targets);
}
