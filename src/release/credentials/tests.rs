//! Which files are taken, and what is read from them.

use super::*;
use crate::testing::write_program;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

fn shelf(content: &str, mode: u32) -> (tempfile::TempDir, Shelves, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("site");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    let shelves = Shelves {
        service: None,
        own: dir.path().to_owned(),
    };
    (dir, shelves, path)
}

fn login(shelves: &Shelves) -> Result<Login, ReleaseError> {
    shelves.credentials(&TargetName::new("site"))?.login()
}

const GOOD: &str = "# the site's\nuser=dana\npassword=a=b c\n";

#[test]
fn reads_two_lines_and_shows_no_secret() {
    let (_dir, shelves, _) = shelf(GOOD, 0o600);
    let found = login(&shelves).unwrap();
    assert_eq!(found.user, "dana");
    assert_eq!(found.password.reveal(), "a=b c");
    assert!(!format!("{found:?}").contains("a=b"));
    let all = shelves.credentials(&TargetName::new("site")).unwrap();
    assert!(!format!("{all:?}").contains("a=b"));
}

#[test]
fn u_12_a_file_that_others_can_read_is_refused() {
    for mode in [0o604, 0o640, 0o660, 0o666] {
        let (_dir, shelves, _) = shelf(GOOD, mode);
        let error = login(&shelves).unwrap_err();
        assert!(matches!(error, ReleaseError::Credentials { .. }), "{error}");
        assert!(!error.to_string().contains("a=b"));
    }
}

#[test]
fn a_link_a_folder_and_nothing_are_refused() {
    let (dir, shelves, path) = shelf(GOOD, 0o600);
    symlink(&path, dir.path().join("link")).unwrap();
    fs::create_dir(dir.path().join("folder")).unwrap();
    for name in ["link", "folder"] {
        let error = shelves.credentials(&TargetName::new(name)).unwrap_err();
        assert!(matches!(error, ReleaseError::Credentials { .. }), "{error}");
    }
    let error = shelves.credentials(&TargetName::new("other")).unwrap_err();
    assert!(
        matches!(error, ReleaseError::NoCredentials { .. }),
        "{error}"
    );
    assert!(shelves.find(&TargetName::new("other")).unwrap().is_none());
}

#[test]
fn what_is_not_exactly_a_login_is_refused() {
    for bad in [
        "",
        "user=a",
        "password=b",
        "user=a\npassword=b\npassword=c",
        "user=\npassword=x",
        "user=a\npassword=b\nhost=c",
        "user=a\npassword=b\ntoken=c",
        "user=a\rb\npassword=c",
        "User=a\npassword=b",
        "hunter2",
        "command=/bin/true\nuser=a\npassword=b",
    ] {
        let (_dir, shelves, _) = shelf(bad, 0o600);
        let error = login(&shelves).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn other_kinds_of_target_read_other_lines() {
    let (_dir, shelves, _) = shelf("access_key=AK\nsecret_key=s3cret\n", 0o600);
    let found = shelves.credentials(&TargetName::new("site")).unwrap();
    found.only(&[Field::AccessKey, Field::SecretKey]).unwrap();
    assert_eq!(found.need(Field::SecretKey).unwrap().reveal(), "s3cret");
    let said = found.need(Field::SessionToken).unwrap_err().to_string();
    assert!(said.contains("no `session_token=…` line"), "{said}");
    let said = found.login().unwrap_err().to_string();
    assert!(said.contains("no use for `access_key=`"), "{said}");
}

#[test]
fn a_password_manager_is_asked() {
    let (dir, shelves, path) = shelf("", 0o600);
    let manager = dir.path().join("manager");
    let text = "#!/bin/sh\nprintf 'user=%s\\npassword=from the safe\\n' \"$1\"\n";
    write_program(&manager, text);
    fs::write(&path, format!("command={} web\n", manager.display())).unwrap();
    let found = login(&shelves).unwrap();
    assert_eq!(found.user, "web");
    assert_eq!(found.password.reveal(), "from the safe");
}

#[test]
fn the_service_managers_file_comes_first() {
    let (_own_dir, mut shelves, _) = shelf(GOOD, 0o600);
    let (dir, _, _) = shelf("user=service\npassword=x", 0o440);
    shelves.service = Some(dir.path().to_owned());
    let found = login(&shelves).unwrap();
    assert_eq!(found.user, "service");
}

#[test]
fn keys_of_a_store_are_read_with_and_without_a_token() {
    let found = |text: &str| {
        let (_dir, shelves, _) = shelf(text, 0o600);
        shelves.credentials(&TargetName::new("site"))
    };
    let plain = found("access_key=AKIA\nsecret_key=a=b/c+\n").unwrap();
    let keys = plain.keys().unwrap();
    assert_eq!(
        (keys.access_key.as_str(), keys.secret_key.reveal()),
        ("AKIA", "a=b/c+")
    );
    assert!(keys.session_token.is_none() && !format!("{keys:?}").contains("a=b"));
    assert!(plain.check(Account::Keys).is_ok() && plain.check(Account::Password).is_err());
    let all = found("session_token=t\nsecret_key=s\naccess_key=a\n").unwrap();
    assert_eq!(all.keys().unwrap().session_token.unwrap().reveal(), "t");
    for bad in [
        "access_key=a\n",
        "secret_key=s\n",
        "access_key=\nsecret_key=s\n",
        "user=a\naccess_key=a\nsecret_key=s\n",
    ] {
        assert!(found(bad).unwrap().keys().is_err(), "{bad}");
    }
}
