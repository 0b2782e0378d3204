//! The audit log and the manifests on targets, as somebody may have left them.

use relhook::audit::{AuditLog, Entry, verify};
use relhook::release::Manifest;
use std::fs;

/// A log that verifies is canonical, line by line, and ends where it says; a manifest that is read
/// is written to what is read the same.
pub fn holds(data: &[u8]) {
    log(data);
    match Manifest::parse(data) {
        Ok(manifest) => {
            let bytes = manifest.body().expect("a manifest is written");
            assert_eq!(Manifest::parse(&bytes).expect("and read"), manifest);
        }
        Err(why) => drop(why),
    }
}

thread_local! {
    /// A folder for the log: made once, since only two files in it change.
    static FOLDER: tempfile::TempDir = {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("audit/evidence")).expect("its folders");
        folder
    };
}

fn log(data: &[u8]) {
    FOLDER.with(|folder| {
        // What stands before a NUL is the head file, what follows it the log.
        let at = data.iter().position(|byte| *byte == 0);
        let (head, lines) = data.split_at(at.unwrap_or(0));
        let lines = lines.strip_prefix(b"\0").unwrap_or(lines);
        fs::write(folder.path().join("audit/head"), head).expect("the head");
        fs::write(folder.path().join("audit/log.jsonl"), lines).expect("the log");
        let log = AuditLog::at(folder.path());
        let mut written = Vec::new();
        let report = verify(&log, |entry: &Entry| {
            written.extend(serde_json::to_vec(entry).expect("an entry is written"));
            written.push(b'\n');
        });
        match report {
            Ok(report) => {
                assert!(lines.starts_with(&written));
                assert!(!lines[written.len()..].contains(&b'\n'), "only a cut line");
                let last = log.last().expect("a log that verifies has an end");
                assert_eq!((last.seq, &last.hash), (report.entries, &report.head));
            }
            Err(error) => drop(error.to_string()),
        }
        let _ = log.last();
    });
}
