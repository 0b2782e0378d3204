//! The environment that git and its hooks get: made anew from a short list.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// What sshd sets, and git, GnuPG and the hooks use. `SSH_USER_AUTH` is sshd's, for a policy
/// whose source is `ssh-auth-info`.
const KEPT: [&str; 9] = [
    "HOME",
    "USER",
    "LOGNAME",
    "PATH",
    "TZ",
    "TMPDIR",
    "SSH_CONNECTION",
    "SSH_CLIENT",
    "SSH_USER_AUTH",
];

/// The longest value that is kept, in bytes.
const MAX_VALUE: usize = 4096;

/// What is kept of the environment that sshd made. A client may have a say in some of it:
/// nothing that is git's (but the protocol version), the linker's or a language's is kept.
pub fn environment(
    inherited: impl Iterator<Item = (OsString, OsString)>,
) -> Vec<(OsString, OsString)> {
    inherited
        .filter(|(name, value)| is_kept(name, value))
        .collect()
}

/// The folders in which git and what its hooks start are looked for behind sudo.
const FOLDERS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What git gets behind sudo, where the caller may have a say in all that sudo hands on: in `PATH`
/// unless `secure_path` is set, in `HOME` if a rule keeps it. So only the protocol's version is
/// taken from there, and the rest is that of the account itself, `name` with its `home`.
pub(super) fn behind_sudo(
    inherited: impl Iterator<Item = (OsString, OsString)>,
    name: &str,
    home: &str,
) -> Vec<(OsString, OsString)> {
    let own = [
        ("HOME", home),
        ("USER", name),
        ("LOGNAME", name),
        ("PATH", FOLDERS),
    ];
    let own = own.map(|(name, value)| (name.into(), value.into()));
    environment(inherited)
        .into_iter()
        .filter(|(name, _)| name == "GIT_PROTOCOL")
        .chain(own)
        .collect()
}

fn is_kept(name: &OsStr, value: &OsStr) -> bool {
    let value = value.as_bytes();
    if value.len() > MAX_VALUE || value.iter().any(u8::is_ascii_control) {
        return false;
    }
    match name.as_bytes() {
        b"GIT_PROTOCOL" => is_protocol(value),
        b"PATH" => value
            .split(|byte| *byte == b':')
            .all(|part| part.starts_with(b"/")),
        name => KEPT.iter().any(|kept| kept.as_bytes() == name),
    }
}

/// Whether this is a list of keys and values as git writes them: `version=2`.
fn is_protocol(value: &[u8]) -> bool {
    let plain =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"=.-".contains(byte);
    value.len() <= 64
        && value
            .split(|byte| *byte == b':')
            .all(|part| !part.is_empty() && part.iter().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(name: &str, value: &str) -> bool {
        is_kept(OsStr::new(name), OsStr::new(value))
    }

    #[test]
    fn keeps_what_git_needs() {
        for (name, value) in [
            ("HOME", "/srv/git"),
            ("PATH", "/usr/local/bin:/usr/bin"),
            ("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22"),
            ("SSH_USER_AUTH", "/tmp/sshauth.x"),
            ("GIT_PROTOCOL", "version=2"),
            ("GIT_PROTOCOL", "version=2:object-format=sha1"),
        ] {
            assert!(kept(name, value), "{name}={value}");
        }
    }

    #[test]
    fn i_33_behind_sudo_the_callers_folders_and_home_are_not_the_accounts() {
        let sent = [
            ("PATH", "/home/dana/bin:/usr/bin"),
            ("HOME", "/home/dana"),
            ("USER", "dana"),
            ("LOGNAME", "dana"),
            ("TMPDIR", "/home/dana/tmp"),
            ("TZ", "/home/dana/tz"),
            ("SSH_USER_AUTH", "/home/dana/auth"),
            ("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22"),
            ("GIT_PROTOCOL", "version=2"),
            ("GIT_DIR", "/home/dana/x.git"),
        ];
        let sent = sent.map(|(name, value)| (name.into(), value.into()));
        let given = behind_sudo(sent.into_iter(), "git", "/srv/git");
        let wanted = [
            ("GIT_PROTOCOL", "version=2"),
            ("HOME", "/srv/git"),
            ("USER", "git"),
            ("LOGNAME", "git"),
            ("PATH", FOLDERS),
        ];
        let wanted = wanted.map(|(name, value)| (name.into(), value.into()));
        assert_eq!(given, wanted);
    }

    #[test]
    fn i_33_drops_everything_else() {
        for (name, value) in [
            ("GIT_PROTOCOL", "version=2;id"),
            ("GIT_PROTOCOL", ""),
            ("GIT_PROTOCOL", "Version=2"),
            ("GIT_PROTOCOL", "version=2\n"),
            ("GIT_DIR", "/tmp/x"),
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_PARAMETERS", "'core.hooksPath=/dev/null'"),
            ("GIT_EXEC_PATH", "/tmp"),
            ("GIT_NAMESPACE", "x"),
            ("GIT_SHALLOW_FILE", "/tmp/x"),
            ("LD_PRELOAD", "/tmp/x.so"),
            ("LC_ALL", "x"),
            ("LANG", "x"),
            ("BASH_ENV", "/tmp/x"),
            ("ENV", "/tmp/x"),
            ("PERL5LIB", "/tmp"),
            ("GNUPGHOME", "/tmp"),
            ("GPGME_DEBUG", "9:/tmp/x"),
            ("XDG_CONFIG_HOME", "/tmp"),
            ("RELHOOK_LOGIN", "rita"),
            ("RELHOOK_USER", "rita"),
            ("REMOTE_USER", "rita"),
            ("GL_USER", "rita"),
            ("SSH_ORIGINAL_COMMAND", "id"),
            ("SSH_AUTH_SOCK", "/tmp/x"),
            ("SUDO_USER", "rita"),
            ("PATH", "/usr/bin:."),
            ("PATH", ":/usr/bin"),
            ("PATH", ""),
            ("HOME", "/x\ny"),
            ("home", "/x"),
            ("HOME ", "/x"),
        ] {
            assert!(!kept(name, value), "{name}={value}");
        }
        assert!(!kept("HOME", &"/x".repeat(4000)));
    }
}
