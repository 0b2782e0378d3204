//! Whose account called through sudo: what sudo says, held against the system's user database.

use super::environment::behind_sudo;
use super::{ServeError, login};
use crate::types::{Login, escape};
use std::ffi::OsString;
use std::process::{Command, Stdio};

/// The longest entry of the user database that is looked at, in bytes.
const MAX_ENTRY: usize = 16 << 10;

/// The account that called this program through sudo.
///
/// `get` reads a variable of the environment that sudo made. Name and number have to agree both
/// ways with the system's user database (local or LDAP: `getent` is asked), and the caller is
/// neither root nor the service account itself, behind which nobody in particular stands.
///
/// # Errors
/// When that cannot be told.
pub fn calling_account(get: impl Fn(&str) -> Option<String>) -> Result<Login, ServeError> {
    let own = rustix::process::getuid();
    if own != rustix::process::geteuid() {
        return Err(fault("this program may not be setuid"));
    }
    let called = caller(own.as_raw(), get)?;
    agree(&called, entry)?;
    login(&called.name)
}

/// The environment for git in the account that sudo started this program as: the account's own, by
/// the system's user database, whatever the caller's was.
///
/// # Errors
/// When the database does not have this account, or no home for it.
pub fn account_environment(
    inherited: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Vec<(OsString, OsString)>, ServeError> {
    let line = entry(&rustix::process::getuid().as_raw().to_string())?;
    let fields: Vec<&str> = line.split(':').collect();
    match fields[..] {
        [name, _, _, _, _, home, _] if home.starts_with('/') => {
            Ok(behind_sudo(inherited, name, home))
        }
        _ => Err(fault("the service account has no home of its own")),
    }
}

/// Who called, as sudo says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Caller {
    name: String,
    uid: u32,
}

fn caller(own: u32, get: impl Fn(&str) -> Option<String>) -> Result<Caller, ServeError> {
    let (Some(name), Some(uid)) = (get("SUDO_USER"), get("SUDO_UID")) else {
        return Err(fault(
            "SUDO_USER and SUDO_UID are not set: sudo did not start this",
        ));
    };
    let uid = number(&uid).ok_or_else(|| fault("SUDO_UID is not a number"))?;
    if uid == 0 || name == "root" {
        return Err(fault("root called: that is nobody in particular"));
    }
    if uid == own {
        return Err(fault(
            "the service account called itself: that is nobody in particular",
        ));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@\\+$".contains(&byte);
    let starts = name.starts_with(|ch: char| ch.is_ascii_alphabetic() || ch == '_');
    if name.len() > 128 || !starts || !name.bytes().all(plain) {
        return Err(fault("SUDO_USER is not an account's name"));
    }
    Ok(Caller { name, uid })
}

/// Whether the database has this name for this number, and this number for this name.
fn agree(
    caller: &Caller,
    entry: impl Fn(&str) -> Result<String, ServeError>,
) -> Result<(), ServeError> {
    for key in [caller.name.clone(), caller.uid.to_string()] {
        let line = entry(&key)?;
        let fields: Vec<&str> = line.split(':').collect();
        let same = matches!(fields[..], [name, _, uid, _, _, _, _]
            if name == caller.name && number(uid) == Some(caller.uid));
        if !same {
            return Err(ServeError::Account {
                why: format!(
                    "sudo says `{}` with number {}, and the user database another for `{}`",
                    escape(caller.name.as_bytes()),
                    caller.uid,
                    escape(key.as_bytes())
                ),
            });
        }
    }
    Ok(())
}

/// The one line that the user database has for a name or a number.
fn entry(key: &str) -> Result<String, ServeError> {
    let unusable = |why: String| ServeError::Account {
        why: format!("the user database cannot be asked: {why}"),
    };
    let output = Command::new("getent")
        .args(["passwd", key])
        .env_clear()
        .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|error| unusable(error.to_string()))?;
    if !output.status.success() {
        return Err(unusable(format!("it has no `{}`", escape(key.as_bytes()))));
    }
    let line = String::from_utf8(output.stdout).unwrap_or_default();
    match line.strip_suffix('\n') {
        Some(line) if line.len() <= MAX_ENTRY && !line.contains('\n') => Ok(line.to_owned()),
        Some(_) | None => Err(unusable("its answer is not one line".to_owned())),
    }
}

/// A plain decimal number.
fn number(digits: &str) -> Option<u32> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

fn fault(why: &str) -> ServeError {
    ServeError::Account {
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIT: u32 = 998;

    fn told(name: Option<&str>, uid: Option<&str>) -> Result<Caller, ServeError> {
        caller(GIT, |variable| match variable {
            "SUDO_USER" => name.map(str::to_owned),
            "SUDO_UID" => uid.map(str::to_owned),
            _ => None,
        })
    }

    #[test]
    fn sudo_says_who_called() {
        let dana = told(Some("dana"), Some("1001")).unwrap();
        assert_eq!((dana.name.as_str(), dana.uid), ("dana", 1001));
        assert!(told(Some("ACME\\dana"), Some("70001")).is_ok());
    }

    #[test]
    fn i_34_root_the_service_account_and_nobody_are_refused() {
        for (name, uid) in [
            (None, None),
            (Some("dana"), None),
            (None, Some("1001")),
            (Some("dana"), Some("")),
            (Some("dana"), Some("0")),
            (Some("dana"), Some("00")),
            (Some("root"), Some("1001")),
            (Some("git"), Some("998")),
            (Some("dana"), Some("0998")),
            (Some("dana"), Some("-1")),
            (Some("dana"), Some("+1001")),
            (Some("dana"), Some("4294967296")),
            (Some(""), Some("1001")),
            (Some("dana:x"), Some("1001")),
            (Some("1001"), Some("1001")),
            (Some("-s"), Some("1001")),
            (Some("dana\n"), Some("1001")),
        ] {
            assert!(told(name, uid).is_err(), "{name:?} {uid:?}");
        }
    }

    #[test]
    fn name_and_number_have_to_agree_both_ways() {
        let dana = Caller {
            name: "dana".to_owned(),
            uid: 1001,
        };
        let database = |by_name: &'static str, by_number: &'static str| {
            agree(&dana, |key| {
                Ok(if key == "dana" { by_name } else { by_number }.to_owned())
            })
        };
        let good = "dana:x:1001:1001:Dana:/home/dana:/bin/sh";
        assert_eq!(database(good, good), Ok(()));
        for bad in [
            "dana:x:1002:1002::/home/dana:/bin/sh",
            "rita:x:1001:1001::/home/rita:/bin/sh",
            "dana",
            "",
            "dana:1001:1001",
        ] {
            assert!(database(bad, good).is_err(), "{bad}");
            assert!(database(good, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_real_database_is_asked() {
        let root = entry("root").unwrap();
        assert!(root.starts_with("root:") && entry("0").unwrap() == root);
        assert!(entry("no-such-account-at-all").is_err());
    }
}
