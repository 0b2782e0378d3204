//! The bind password: from a file that nobody else can read, or from a service manager.

use super::{DirectoryError, Settings};
use crate::secret::{self, Keeper, Secret};
use std::path::{Path, PathBuf};

/// The name under which a service manager keeps it (`$CREDENTIALS_DIRECTORY`).
const SERVICE_NAME: &str = "relhook-directory";

/// As whom to bind, and with which password; nothing where the settings name nobody.
pub(super) fn bind(settings: &Settings) -> Result<Option<(String, Secret)>, DirectoryError> {
    let Some(bind) = &settings.bind else {
        return Ok(None);
    };
    let service = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let (path, keeper) = match (&bind.password_file, service) {
        (Some(path), _) => (settings.beside(path), Keeper::Own),
        (None, Some(folder)) => (folder.join(SERVICE_NAME), Keeper::Service),
        (None, None) => {
            return Err(fail(
                Path::new("password-file"),
                "it is not set, and no service manager keeps a password here",
            ));
        }
    };
    let text = secret::private_text(&path, keeper).map_err(|why| fail(&path, &why))?;
    let text = text.ok_or_else(|| fail(&path, "it is not there"))?;
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    // Without a password a server takes a bind for an anonymous one, and says that it went well.
    if password.is_empty() || password.chars().any(char::is_control) {
        return Err(fail(
            &path,
            "it has to hold the password, alone on one line",
        ));
    }
    Ok(Some((bind.dn.clone(), Secret::new(password.to_owned()))))
}

fn fail(path: &Path, why: &str) -> DirectoryError {
    DirectoryError::File {
        path: path.to_owned(),
        why: why.to_owned(),
    }
}
