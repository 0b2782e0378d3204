//! What an ssh client asks for, its environment, and logins.

use relhook::serve::{Request, Root, Service, environment, login};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// A request that is read is exactly what git writes for it, and leads to no repository outside its
/// root; what is kept of an environment is plain and none of git's own settings.
pub fn holds(data: &[u8]) {
    asked(data);
    for program in ["git-receive-pack ", "git-upload-pack '"] {
        asked(&[program.as_bytes(), data].concat());
    }
    if let Ok(text) = std::str::from_utf8(data) {
        match login(text) {
            Ok(login) => {
                assert!(
                    !login
                        .as_str()
                        .contains(|ch: char| ch.is_control() || ch.is_whitespace())
                );
            }
            Err(error) => super::is_harmless(&error),
        }
    }
    variables(data);
}

fn asked(text: &[u8]) {
    let request = match Request::parse(text) {
        Ok(request) => request,
        Err(error) => return super::is_harmless(&error),
    };
    let program = match request.service {
        Service::Receive => "git-receive-pack",
        Service::Upload => "git-upload-pack",
        Service::Archive => "git-upload-archive",
    };
    let mut again = format!("{program} '").into_bytes();
    for byte in &request.path {
        match byte {
            b'\'' | b'!' => again.extend([b'\'', b'\\', *byte, b'\'']),
            plain => again.push(*plain),
        }
    }
    again.push(b'\'');
    assert_eq!(again, text);
    ROOT.with(|(folder, root)| match root.find(&request.path) {
        Ok(place) => {
            let real = std::fs::canonicalize(place.path()).expect("it is there");
            assert_eq!(
                real,
                folder
                    .path()
                    .join("site.git")
                    .canonicalize()
                    .expect("the one")
            );
        }
        Err(error) => super::is_harmless(&error),
    });
}

thread_local! {
    /// A folder with one repository in it, beside one that nobody may reach.
    static ROOT: (tempfile::TempDir, Root) = {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["git/site.git", "secret.git"] {
            git2::Repository::init_bare(folder.path().join(name)).expect("a repository");
        }
        let inner = folder.path().join("git");
        std::os::unix::fs::symlink("../secret.git", inner.join("link.git")).expect("a link");
        let root = Root::open(&inner).expect("a root");
        std::os::unix::fs::symlink("git/site.git", folder.path().join("site.git")).expect("a link");
        (folder, root)
    };
}

/// The bytes as variables, parted by NULs.
fn variables(data: &[u8]) {
    let pairs = data.split(|byte| *byte == 0).filter_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let text = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        Some((text(&pair[..at]), text(&pair[at + 1..])))
    });
    for (name, value) in environment(pairs) {
        let name = name.to_string_lossy();
        assert!(
            !name.starts_with("GIT_") || name == "GIT_PROTOCOL",
            "{name}"
        );
        assert!(
            !name.starts_with("LD_") && !name.starts_with("RELHOOK"),
            "{name}"
        );
        assert!(!value.into_vec().iter().any(u8::is_ascii_control));
    }
}
