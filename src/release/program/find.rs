//! Which program is run: one of the system's, or the user's own if nobody else could change it.

use super::PATH;
use crate::release::ReleaseError;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The bits by which somebody else than the owner may write.
const OTHERS_WRITE: u32 = 0o022;

/// In a folder with this bit, nobody can replace what is somebody else's.
const STICKY: u32 = 0o1000;

/// Any of the x bits.
const ANY_X: u32 = 0o111;

/// A program of the system by its name.
///
/// # Errors
/// When it is not installed.
pub(in crate::release) fn find(name: &'static str) -> Result<PathBuf, ReleaseError> {
    PATH.split(':')
        .map(|dir| Path::new(dir).join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| ReleaseError::Program {
            program: name.to_owned(),
            why: format!("it is not installed (looked for in {PATH})"),
        })
}

/// The user's own program, by its real path: a regular file that can be run, and that neither the
/// file nor a folder on the way to it can be changed by anybody but this account and root.
///
/// # Errors
/// When it is not there or not like that.
pub(in crate::release) fn trusted(path: &Path) -> Result<PathBuf, ReleaseError> {
    let refuse = |why: String| ReleaseError::Program {
        program: path.display().to_string(),
        why,
    };
    if !path.is_absolute() {
        return Err(refuse("it is not an absolute path".into()));
    }
    let real = path
        .canonicalize()
        .map_err(|error| refuse(error.to_string()))?;
    let meta = fs::metadata(&real).map_err(|error| refuse(error.to_string()))?;
    if !meta.is_file() || meta.mode() & ANY_X == 0 {
        return Err(refuse(
            "it is not a regular file that can be run; make it so with `chmod 0755`".into(),
        ));
    }
    // The folders of the name as the policy writes it count too: whoever can change one of them
    // can make the name mean another program.
    for place in real.ancestors().chain(path.ancestors().skip(1)) {
        let meta = fs::metadata(place).map_err(|error| refuse(error.to_string()))?;
        if let Some(why) = fault(&meta) {
            return Err(refuse(format!("{} {why}", place.display())));
        }
    }
    Ok(real)
}

/// Why a file or folder on the way is not to be trusted.
fn fault(meta: &Metadata) -> Option<String> {
    let me = rustix::process::geteuid().as_raw();
    let open = meta.mode() & OTHERS_WRITE != 0;
    let sticky = meta.is_dir() && meta.mode() & STICKY != 0;
    if meta.uid() != me && meta.uid() != 0 {
        Some("belongs to another account".to_owned())
    } else if open && !sticky {
        let mode = meta.mode() & 0o7777;
        Some(format!("can be written by others (mode {mode:04o})"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn program(mode: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deploy");
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    #[test]
    fn a_program_that_others_can_change_is_not_run() {
        let (_dir, path) = program(0o755);
        assert_eq!(trusted(&path).unwrap(), path.canonicalize().unwrap());
        for mode in [0o644, 0o775, 0o757, 0o777] {
            let (_dir, path) = program(mode);
            assert!(trusted(&path).is_err(), "{mode:o}");
        }
        assert!(trusted(Path::new("deploy")).is_err());
        assert!(trusted(Path::new("/nowhere/deploy")).is_err());
    }

    #[test]
    fn a_folder_that_others_can_change_is_like_the_program_itself() {
        let (dir, path) = program(0o755);
        let link = dir.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(trusted(&link).is_ok());
        fs::set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
        let error = trusted(&path).unwrap_err().to_string();
        assert!(error.contains("written by others"), "{error}");
        assert!(trusted(&link).is_err());
    }
}
