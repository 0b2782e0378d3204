//! Credentials: read from a private file, kept out of everything that is shown or written.

use super::ReleaseError;
use crate::secret::{self, Keeper, Secret};
use crate::types::TargetName;
use std::path::{Path, PathBuf};

/// Who relhook is on a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// The folders in which a target's credentials are looked for, in this order.
#[derive(Debug, Clone)]
pub struct Shelves {
    /// Where a service manager puts them (`$CREDENTIALS_DIRECTORY`).
    pub service: Option<PathBuf>,
    /// `credentials/` in relhook's folder.
    pub own: PathBuf,
}

impl Shelves {
    /// The shelves for relhook's `folder`, with what the environment says.
    #[must_use]
    pub fn from_env(folder: &Path) -> Self {
        Self {
            service: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
            own: folder.join("credentials"),
        }
    }

    /// The credentials of `target`.
    ///
    /// # Errors
    /// When there is no file, when it is a link or others can read it, or when it does not hold
    /// exactly a `user=` and a `password=` line.
    pub fn credentials(&self, target: &TargetName) -> Result<Credentials, ReleaseError> {
        if let Some(service) = &self.service {
            let path = service.join(target.as_str());
            if let Some(found) = read(&path, Keeper::Service)? {
                return Ok(found);
            }
        }
        let path = self.own.join(target.as_str());
        read(&path, Keeper::Own)?.ok_or_else(|| ReleaseError::NoCredentials {
            target: target.to_string(),
            path,
        })
    }
}

fn read(path: &Path, keeper: Keeper) -> Result<Option<Credentials>, ReleaseError> {
    let fail = |why: String| ReleaseError::Credentials {
        path: path.to_owned(),
        why,
    };
    match secret::private_text(path, keeper).map_err(fail)? {
        Some(text) => parse(&text).map(Some).map_err(|why| fail(why.into())),
        None => Ok(None),
    }
}

/// Reads `user=` and `password=`, each once; blank lines and lines that begin with `#` are left out.
fn parse(text: &str) -> Result<Credentials, &'static str> {
    let (mut user, mut password) = (None, None);
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let slot = match line.split_once('=') {
            Some(("user", value)) => (&mut user, value),
            Some(("password", value)) => (&mut password, value),
            _ => return Err("a line is neither `user=…` nor `password=…`"),
        };
        if slot.0.replace(slot.1.to_owned()).is_some() {
            return Err("a line stands in it twice");
        }
    }
    let (Some(user), Some(password)) = (user, password) else {
        return Err("it has to hold a `user=…` and a `password=…` line");
    };
    if user.is_empty() || user.chars().chain(password.chars()).any(char::is_control) {
        return Err("the user name is empty, or a value holds a control character");
    }
    Ok(Credentials {
        user,
        password: Secret::new(password),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
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

    const GOOD: &str = "# the site's\nuser=dana\npassword=a=b c\n";

    #[test]
    fn reads_two_lines_and_shows_no_secret() {
        let (_dir, shelves, _) = shelf(GOOD, 0o600);
        let found = shelves.credentials(&TargetName::new("site")).unwrap();
        assert_eq!(found.user, "dana");
        assert_eq!(found.password.reveal(), "a=b c");
        assert!(!format!("{found:?}").contains("a=b"));
    }

    #[test]
    fn u_12_a_file_that_others_can_read_is_refused() {
        for mode in [0o604, 0o640, 0o660, 0o666] {
            let (_dir, shelves, _) = shelf(GOOD, mode);
            let error = shelves.credentials(&TargetName::new("site")).unwrap_err();
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
    }

    #[test]
    fn what_is_not_exactly_two_lines_is_refused() {
        for bad in [
            "",
            "user=a",
            "password=b",
            "user=a\npassword=b\npassword=c",
            "user=\npassword=x",
            "user=a\npassword=b\nhost=c",
            "user=a\rb\npassword=c",
            "User=a\npassword=b",
        ] {
            let (_dir, shelves, _) = shelf(bad, 0o600);
            assert!(
                shelves.credentials(&TargetName::new("site")).is_err(),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn the_service_managers_file_comes_first() {
        let (_own_dir, mut shelves, _) = shelf(GOOD, 0o600);
        let (dir, _, _) = shelf("user=service\npassword=x", 0o440);
        shelves.service = Some(dir.path().to_owned());
        let found = shelves.credentials(&TargetName::new("site")).unwrap();
        assert_eq!(found.user, "service");
    }
}
