//! The audit log, receipts and the manifests on targets, as somebody may have left them.

use relhook::audit::{AuditLog, Entry, Event, Receipt, verify};
use relhook::release::Manifest;
use relhook::types::Timestamp;
use std::fs;

/// A log of which something was changed does not verify, unless only its end was cut off; a receipt
/// or a manifest that is read is written to what is read the same.
pub fn holds(data: &[u8]) {
    log(data);
    if let Some(receipt) = std::str::from_utf8(data).ok().map(Receipt::parse) {
        match receipt {
            Ok(receipt) => {
                let again = Receipt::parse(&receipt.to_string());
                assert_eq!(again, Ok(receipt));
            }
            Err(fault) => drop(fault.to_string()),
        }
    }
    match Manifest::parse(data) {
        Ok(manifest) => {
            let bytes = manifest.body().expect("a manifest is written");
            assert_eq!(Manifest::parse(&bytes).expect("and read"), manifest);
        }
        Err(why) => drop(why),
    }
}

/// A log of a few entries, and what its head is.
struct Log {
    folder: tempfile::TempDir,
    head: Vec<u8>,
    entries: Vec<Entry>,
}

thread_local! {
    /// Made once, since only its head changes.
    static LOG: Log = {
        let folder = tempfile::tempdir().expect("a folder");
        let log = AuditLog::at(folder.path());
        let now = Timestamp::from_unix(1_800_000_000);
        log.begin("acme/site", now).expect("a log");
        for code in ["RH106", "RH117"] {
            let event = Event::Refused {
                code: code.to_owned(),
                why: "it is not to be".to_owned(),
                login: Some("dana".to_owned()),
            };
            log.append(now, event).expect("an entry");
        }
        let head = fs::read(log.file()).expect("its head");
        let mut entries = Vec::new();
        verify(&log, |entry| entries.push(entry.clone())).expect("it verifies");
        Log { folder, head, entries }
    };
}

/// The first three bytes say where the head is changed and how much of it is left out there; the
/// rest is put in its place.
fn log(data: &[u8]) {
    let Some(([high, low, left_out], put)) = data.split_first_chunk::<3>() else {
        return;
    };
    LOG.with(|made| {
        let at = usize::from(u16::from_be_bytes([*high, *low])) % (made.head.len() + 1);
        let (before, rest) = made.head.split_at(at);
        let rest = rest.get(usize::from(*left_out)..).unwrap_or_default();
        let head = [before, put, rest].concat();
        let log = AuditLog::at(made.folder.path());
        fs::write(log.file(), &head).expect("the head");
        let mut entries = Vec::new();
        match verify(&log, |entry: &Entry| entries.push(entry.clone())) {
            Ok(_) => assert!(made.entries.starts_with(&entries)),
            Err(error) => drop(error.to_string()),
        }
        let _ = log.last();
    });
}
