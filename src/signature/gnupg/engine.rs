//! GnuPG's programs and its library: found at fixed places, set up once, given one home.

use gpgme::{Context, Protocol};
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Where GnuPG's programs are looked for: never along `PATH`, which a pusher may have set.
const FOLDERS: [&str; 5] = [
    "/usr/local/bin",
    "/usr/bin",
    "/bin",
    "/opt/homebrew/bin",
    "/run/current-system/sw/bin",
];

/// Which of GnuPG's programs the library knows in this process. It learns that once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// `gpg` alone: quick.
    OpenPgp,
    /// `gpgsm` too, which the library finds only by asking `gpgconf`.
    WithX509,
}

static SCOPE: OnceLock<Scope> = OnceLock::new();
/// Whether any keyring of this process has X.509 certificates.
static X509_WANTED: AtomicBool = AtomicBool::new(false);

/// Says, before the library is first used, that it will be asked for X.509.
pub(super) fn announce(scope: Scope) {
    if scope == Scope::WithX509 {
        X509_WANTED.store(true, Ordering::Relaxed);
    }
}

/// One of GnuPG's programs.
pub(super) fn program(name: &str) -> Result<PathBuf, String> {
    FOLDERS
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| format!("`{name}` is not installed in {}", FOLDERS.join(", ")))
}

/// A context for one protocol whose home is `home`.
pub(super) fn context(protocol: Protocol, home: &Path, scope: Scope) -> Result<Context, String> {
    let name = if protocol == Protocol::Cms {
        "gpgsm"
    } else {
        "gpg"
    };
    if set_up(scope) == Scope::OpenPgp && protocol == Protocol::Cms {
        return Err("this process has set GnuPG up for OpenPGP only".to_owned());
    }
    let path = c_string(&program(name)?)?;
    let mut context = Context::from_protocol(protocol).map_err(|error| text(&error))?;
    context
        .set_engine_info(Some(path), Some(c_string(home)?))
        .map_err(
            |error| match error.code() == gpgme::Error::INV_ENGINE.code() {
                true => "GnuPG's library finds nothing along PATH".to_owned(),
                false => text(&error),
            },
        )?;
    context.set_offline(true);
    Ok(context)
}

/// Sets the library up, at the first call of the process, and says how that was.
fn set_up(wanted: Scope) -> Scope {
    announce(wanted);
    // The tests of one process use both protocols, in any order.
    let x509 = cfg!(test) || X509_WANTED.load(Ordering::Relaxed);
    *SCOPE.get_or_init(|| {
        if x509 {
            return Scope::WithX509;
        }
        // Without these the library runs gpgconf three times, gpg twice and gpgsm once before it
        // does anything. Each context names its engine by path, so the one that the library finds
        // along PATH is never used; but it has to find one, and asks it for its version. A folder
        // passes for a program until it is run, and then costs nothing: no program of PATH is.
        // A library that knows neither flag is slower and otherwise the same.
        let _ = gpgme::set_flag("disable-gpgconf", "1");
        let _ = gpgme::set_flag("gpg-name", ".");
        Scope::OpenPgp
    })
}

/// What the library says of an error, for the reason of a refusal.
pub(super) fn text(error: &gpgme::Error) -> String {
    crate::types::escape(error.description().as_bytes())
}

fn c_string(path: &Path) -> Result<CString, String> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| "a path with a NUL".to_owned())
}
