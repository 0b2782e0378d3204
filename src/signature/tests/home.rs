//! The folder that GnuPG works in.

use super::lab::{Lab, TEXT, key_files, signer};
use crate::signature::{Keyring, KeyringError};
use crate::types::KeyFingerprint;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

const BOB: &str = "Bob <bob@corp.example>";

/// The one folder of a cache.
fn only(cache: &Path) -> PathBuf {
    let entries: Vec<_> = fs::read_dir(cache)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries[0].clone()
}

#[test]
fn s_27_a_folder_that_is_not_ours_alone_is_refused() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let files = key_files([("bob.asc".to_owned(), lab.export(&bob))]);
    let build =
        |cache: &Path| Keyring::of([KeyFingerprint::OpenPgp(bob.clone())].into(), &files, cache);
    let refused = |cache: &Path| {
        let error = build(cache).unwrap_err();
        assert!(matches!(error, KeyringError::Folder { .. }), "{error}");
    };
    let cache = lab.cache();
    build(&cache).unwrap();
    let set =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    for mode in [0o755, 0o770, 0o701] {
        set(&cache, mode);
        refused(&cache);
    }
    set(&cache, 0o700);
    let inner = only(&cache);
    set(&inner, 0o777);
    refused(&cache);
    set(&inner, 0o700);
    build(&cache).unwrap();

    let link = lab.path("link");
    symlink(&cache, &link).unwrap();
    refused(&link);
    refused(&lab.write("file", b""));
    // Somebody else's, where the tests may make one.
    let foreign = lab.path("foreign");
    fs::create_dir(&foreign).unwrap();
    set(&foreign, 0o700);
    if std::os::unix::fs::chown(&foreign, Some(65534), None).is_ok() {
        refused(&foreign);
    }
}

#[test]
fn a_folder_is_made_once_and_never_half() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let cache = lab.cache();
    let block = lab.gpg_sign(&bob, TEXT, &[]);
    signer(&lab.openpgp_keyring(&[&bob]), &block);
    let inner = only(&cache);
    let ring = inner.join("openpgp/pubring.kbx");
    let made = fs::metadata(&ring).unwrap().modified().unwrap();
    signer(&lab.openpgp_keyring(&[&bob]), &block);
    assert_eq!(fs::metadata(&ring).unwrap().modified().unwrap(), made);

    // One that is not whole is made again, and put in its place.
    fs::remove_file(inner.join("index.json")).unwrap();
    fs::remove_file(&ring).unwrap();
    signer(&lab.openpgp_keyring(&[&bob]), &block);
    assert_eq!(only(&cache), inner);
    fs::write(inner.join("index.json"), "{").unwrap();
    signer(&lab.openpgp_keyring(&[&bob]), &block);

    // Another policy gets another folder, beside the first.
    let carol = lab.openpgp_key("Carol <c@x.example>", "ed25519", &[]);
    lab.openpgp_keyring(&[&bob, &carol]);
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 2);
}

#[test]
fn many_at_once_make_one_folder() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let files = key_files([("bob.asc".to_owned(), lab.export(&bob))]);
    let block = lab.gpg_sign(&bob, TEXT, &[]);
    let cache = lab.cache();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let known = [KeyFingerprint::OpenPgp(bob.clone())].into();
                signer(&Keyring::of(known, &files, &cache).unwrap(), &block);
            });
        }
    });
    only(&cache);
}

#[test]
fn s_25_and_s_26_verifying_starts_no_daemon_and_waits_for_no_lock() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let keyring = lab.openpgp_keyring(&[&bob]);
    let home = only(&lab.cache()).join("openpgp");
    // Locks that another machine seems to hold: without our settings gpg waits for ever.
    for name in ["trustdb.gpg.lock", "pubring.kbx.lock"] {
        fs::write(home.join(name), "      4711\nelsewhere\n").unwrap();
    }
    signer(&keyring, &lab.gpg_sign(&bob, TEXT, &[]));
    let names: Vec<_> = fs::read_dir(&home)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        !names
            .iter()
            .any(|name| name.starts_with("S.") || name.contains("private")),
        "{names:?}"
    );
}

#[test]
fn keys_of_ssh_alone_need_no_folder() {
    let lab = Lab::new();
    let key = lab.ssh_key("dana", &["-t", "ed25519"]);
    Keyring::of([key].into(), &key_files([]), &lab.cache()).unwrap();
    assert!(!lab.cache().exists());
}
