//! The hook files, put in place whole or not at all.

use super::report::{Report, StepState};
use super::{InstallError, Mode};
use crate::setup::{Found, Layout, Place, Programs, is_runner, look};
use crate::types::escape;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Checks that no other program's hook stands in the way below `root`.
///
/// # Errors
/// When one does, or when a hook cannot be read.
pub(in crate::install) fn check(
    root: &Path,
    places: &[Place],
    programs: &Programs,
) -> Result<(), InstallError> {
    for place in places {
        let path = root.join(&place.path);
        if look(&path, &place.shim.render(programs.of(&place.shim))?)? == Found::Foreign {
            return Err(foreign(path));
        }
    }
    Ok(())
}

/// Another program's hook, which may be the one that should run relhook's.
fn foreign(path: PathBuf) -> InstallError {
    if is_runner(&path) {
        return InstallError::RunnersHook { path };
    }
    InstallError::ForeignHook { path }
}

/// Checks that the server's own hooks run relhook's.
///
/// # Errors
/// When one of them does not.
pub(in crate::install) fn check_runners(root: &Path, layout: Layout) -> Result<(), InstallError> {
    let mut runners = layout.runners().into_iter().map(|path| root.join(path));
    match runners.find(|path| !is_runner(path)) {
        Some(path) => Err(InstallError::NoRunner { path }),
        None => Ok(()),
    }
}

/// Puts the hooks in place.
///
/// # Errors
/// When one cannot be written, or is not there afterwards as it was written.
pub(in crate::install) fn put(
    root: &Path,
    places: &[Place],
    programs: &Programs,
    mode: Mode,
    report: &mut Report,
) -> Result<(), InstallError> {
    for place in places {
        let path = root.join(&place.path);
        let text = place.shim.render(programs.of(&place.shim))?;
        let state = match (look(&path, &text)?, mode) {
            (Found::Good, _) => StepState::Kept,
            (Found::Foreign, _) => return Err(foreign(path)),
            (Found::Wanting, Mode::DryRun) => StepState::Would,
            (Found::Wanting, Mode::Apply) => {
                write(&path, &text).map_err(InstallError::io(&path))?;
                if look(&path, &text)? != Found::Good {
                    return Err(InstallError::HookNotKept { path });
                }
                StepState::Done
            }
        };
        report.step(state, format!("hook {}", shown(place)));
    }
    Ok(())
}

/// Its name where git itself runs it, else its file.
fn shown(place: &Place) -> String {
    if place.path == Path::new("hooks").join(place.shim.name) {
        return place.shim.name.to_owned();
    }
    escape(place.path.as_os_str().as_bytes())
}

/// Temporary name, fsync, rename, fsync of the folder: an empty hook would let every push in.
fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let dir = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(dir)?;
    let mut temp = tempfile::Builder::new()
        .prefix(".relhook-")
        .tempfile_in(dir)?;
    temp.write_all(text)?;
    let executable = fs::Permissions::from_mode(0o755);
    temp.as_file().set_permissions(executable)?;
    temp.as_file().sync_all()?;
    temp.persist(path).map_err(|error| error.error)?;
    fs::File::open(dir)?.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::{CLIENT, SetupError, Shim};
    use crate::testing::write_program;
    use std::os::unix::fs::MetadataExt;
    use std::process::{Command, Output};
    use std::time::Duration;

    /// Runs what was just written. A program that another test starts in that moment holds it open until it is
    /// another program.
    fn ran(command: &mut Command) -> Output {
        loop {
            match command.output() {
                Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                ran => return ran.unwrap(),
            }
        }
    }

    fn all() -> impl Iterator<Item = Shim> {
        let server = Layout::Plain.places().into_iter();
        server.map(|place| place.shim).chain(CLIENT)
    }

    /// The same, all in one folder.
    fn together(shims: impl Iterator<Item = Shim>) -> Vec<Place> {
        let place = |shim: Shim| Place {
            shim,
            path: shim.name.into(),
        };
        shims.map(place).collect()
    }

    #[test]
    fn every_hook_is_plain_shell_and_refuses_without_the_program() {
        let dir = tempfile::tempdir().unwrap();
        let absent = dir.path().join("it's gone");
        let mut report = Report::default();
        put(
            dir.path(),
            &together(all()),
            &Programs::beside(&absent),
            Mode::Apply,
            &mut report,
        )
        .unwrap();
        for shim in all() {
            assert!(shim.text.starts_with("#!/bin/sh\n") && !shim.text.contains('\r'));
            let path = dir.path().join(shim.name);
            let checked = Command::new("sh").arg("-n").arg(&path).status().unwrap();
            assert!(checked.success(), "{}", shim.name);
            let ran = ran(Command::new(&path).args(["prepared", "x"]));
            assert_eq!(ran.status.code(), Some(1), "{}", shim.name);
            let said = String::from_utf8_lossy(&ran.stderr);
            assert!(said.contains("it's gone is missing"), "{said}");
        }
    }

    #[test]
    fn the_other_phases_of_a_transaction_start_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let absent = dir.path().join("gone");
        put(
            dir.path(),
            &together(all()),
            &Programs::beside(&absent),
            Mode::Apply,
            &mut Report::default(),
        )
        .unwrap();
        for phase in ["preparing", "committed", "aborted"] {
            let path = dir.path().join("reference-transaction");
            assert!(ran(Command::new(path).arg(phase)).status.success());
        }
    }

    #[test]
    fn a_password_that_a_web_server_passes_on_ends_in_the_hook() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("program");
        write_program(&program, "#!/bin/sh\nenv\n");
        let mut report = Report::default();
        put(
            dir.path(),
            &together(all()),
            &Programs::beside(&program),
            Mode::Apply,
            &mut report,
        )
        .unwrap();
        fs::create_dir_all(dir.path().join("relhook/releases")).unwrap();
        for name in ["pre-receive", "post-receive"] {
            let mut hook = Command::new(dir.path().join(name));
            for variable in ["HTTP_AUTHORIZATION", "HTTP_COOKIE", "HTTP_PROXY"] {
                hook.env(variable, "it-is-secret");
            }
            hook.env("GIT_DIR", dir.path()).env("REMOTE_USER", "dana");
            let said = String::from_utf8(ran(&mut hook).stdout).unwrap();
            assert!(said.contains("REMOTE_USER=dana"), "{name}: {said}");
            assert!(!said.contains("it-is-secret"), "{name}: {said}");
        }
    }

    #[test]
    fn h_01_h_02_a_hook_that_would_not_run_is_mended() {
        let dir = tempfile::tempdir().unwrap();
        let program = Programs::beside(Path::new("/bin/true"));
        let path = dir.path().join("pre-receive");
        let put = |mode| {
            let mut report = Report::default();
            put(dir.path(), &together(all()), &program, mode, &mut report)
                .map(|()| report.changes())
        };
        fs::write(&path, "").unwrap();
        assert!(put(Mode::DryRun).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"");
        assert!(put(Mode::Apply).unwrap());
        assert!(!put(Mode::Apply).unwrap());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(put(Mode::Apply).unwrap());
        fs::remove_file(&path).unwrap();
        assert!(put(Mode::Apply).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o755);
    }

    #[test]
    fn another_programs_hook_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let program = Programs::beside(Path::new("/bin/true"));
        let path = dir.path().join("post-receive");
        fs::write(&path, "#!/bin/sh\nmail everybody\n").unwrap();
        let refused = check(dir.path(), &together(all()), &program);
        assert!(matches!(refused, Err(InstallError::ForeignHook { .. })));
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/nowhere", &path).unwrap();
        let refused = check(dir.path(), &together(all()), &program);
        assert!(matches!(refused, Err(InstallError::ForeignHook { .. })));
    }

    #[test]
    fn odd_program_paths_are_refused() {
        for bad in ["relhook", "/x\n/y"] {
            let refused = check(
                Path::new("/nowhere"),
                &together(all()),
                &Programs::beside(Path::new(bad)),
            );
            assert!(matches!(
                refused,
                Err(InstallError::Setup(SetupError::OddProgram { .. }))
            ));
        }
    }
}
