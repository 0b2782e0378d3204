//! What lies outside the repository and only root may see: sshd's settings, the keys that open the
//! account, sudo's rules. Root gathers it, and the repository's own account judges it.

use super::patient::Owner;
use crate::types::escape;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The longest file that is read, in bytes.
const LIMIT: u64 = 1 << 20;
/// So many files of one kind are read.
const MAX_FILES: usize = 64;
/// Where sshd is: it has to be started by its whole path.
const SSHD: [&str; 3] = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"];
/// sshd's settings, where nothing else is said.
const SSHD_CONFIG: &str = "/etc/ssh/sshd_config";

/// What was seen there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outside {
    /// Whether root looked.
    pub(crate) by_root: bool,
    /// The file of sshd's settings.
    pub(crate) sshd_config: PathBuf,
    /// sshd's settings for the account as sshd itself lists them, or why it did not; nothing where
    /// there is no sshd.
    pub(crate) sshd: Option<Result<String, String>>,
    /// The files of keys that open the account, and what is in each; those that are not there left
    /// out.
    pub(crate) keys: Vec<(PathBuf, Result<String, String>)>,
    /// sudo's rules, one file after the other; nothing where there are none.
    pub(crate) sudoers: Option<Result<String, String>>,
}

impl Outside {
    /// Looks there.
    pub(in crate::doctor) fn gather(account: &Owner, sshd_config: Option<&Path>) -> Self {
        let name = account
            .account
            .as_ref()
            .map_or("root", |account| &account.name);
        let config = sshd_config.unwrap_or(Path::new(SSHD_CONFIG));
        let sshd = sshd(name, config);
        let home = account.account.as_ref().map(|account| account.home.clone());
        let files = match &sshd {
            Some(Ok(text)) => key_files(text, name, &home.unwrap_or_default()),
            Some(Err(_)) | None => Vec::new(),
        };
        Self {
            by_root: rustix::process::geteuid().is_root(),
            sshd_config: config.to_owned(),
            sshd,
            keys: files
                .into_iter()
                .filter_map(|file| Some((file.clone(), read(&file)?)))
                .collect(),
            sudoers: sudoers(),
        }
    }
}

fn sshd(account: &str, config: &Path) -> Option<Result<String, String>> {
    let program = SSHD.iter().find(|path| Path::new(path).exists())?;
    let connection = format!("user={account},host=localhost,addr=127.0.0.1");
    let mut command = Command::new(program);
    command
        .arg("-T")
        .arg("-f")
        .arg(config)
        .args(["-C", &connection]);
    let said = command.env("LC_ALL", "C").stdin(Stdio::null()).output();
    Some(match said {
        Ok(said) if said.status.success() => Ok(String::from_utf8_lossy(&said.stdout).into()),
        Ok(said) => {
            let first = said.stderr.split(|byte| *byte == b'\n').next();
            Err(escape(first.unwrap_or_default().trim_ascii()))
        }
        Err(error) => Err(error.to_string()),
    })
}

/// The files that sshd would look for the account's keys in.
fn key_files(sshd: &str, account: &str, home: &Path) -> Vec<PathBuf> {
    let line = sshd
        .lines()
        .find_map(|line| line.strip_prefix("authorizedkeysfile "));
    let words = line.unwrap_or_default().split_whitespace();
    let named = words.filter(|word| *word != "none");
    let files = named.map(|word| {
        let shown = home.to_string_lossy();
        let word = word.replace("%h", &shown).replace("%u", account);
        home.join(word)
    });
    files.take(MAX_FILES).collect()
}

/// A file; nothing where it is not there.
fn read(path: &Path) -> Option<Result<String, String>> {
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        other => other.map_err(|error| error.to_string()),
    };
    Some(file.and_then(|file| {
        let mut bytes = Vec::new();
        let read = file.take(LIMIT + 1).read_to_end(&mut bytes);
        match read {
            Ok(length) if length as u64 > LIMIT => Err("it is larger than 1 MiB".into()),
            Ok(_) => Ok(String::from_utf8_lossy(&bytes).into()),
            Err(error) => Err(error.to_string()),
        }
    }))
}

fn sudoers() -> Option<Result<String, String>> {
    let mut files = vec![PathBuf::from("/etc/sudoers")];
    let folder = fs::read_dir("/etc/sudoers.d")
        .into_iter()
        .flatten()
        .flatten();
    // sudo passes over names with a dot or a `~` in them.
    let named = folder.filter(|entry| {
        !entry
            .file_name()
            .as_bytes()
            .iter()
            .any(|b| b".~".contains(b))
    });
    files.extend(named.map(|entry| entry.path()).take(MAX_FILES));
    let read = files.iter().filter_map(|file| read(file));
    let texts: Vec<Result<String, String>> = read.collect();
    if texts.is_empty() {
        return None;
    }
    let whole: Result<Vec<String>, String> = texts.into_iter().collect();
    Some(whole.map(|texts| texts.join("\n").replace("\\\n", " ")))
}

#[cfg(test)]
mod tests {
    use super::key_files;
    use std::path::{Path, PathBuf};

    #[test]
    fn the_files_of_keys_are_those_that_sshd_would_read() {
        let said = "port 22\nauthorizedkeysfile .ssh/authorized_keys /etc/ssh/keys/%u %h/k\n";
        assert_eq!(
            key_files(said, "git", Path::new("/srv/git")),
            [
                "/srv/git/.ssh/authorized_keys",
                "/etc/ssh/keys/git",
                "/srv/git/k"
            ]
            .map(PathBuf::from)
        );
        assert!(key_files("authorizedkeysfile none", "git", Path::new("/")).is_empty());
    }
}
