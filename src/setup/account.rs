//! Accounts of the machine, by its own list.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The longest account list that is read, in bytes.
const LIMIT: u64 = 1 << 20;

/// An account of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// Its name.
    pub(crate) name: String,
    /// Its number.
    pub(crate) uid: u32,
    /// The number of its first group.
    pub(crate) gid: u32,
    /// Its home.
    pub(crate) home: PathBuf,
    /// Its login shell.
    pub(crate) shell: PathBuf,
}

impl Account {
    /// The account with this number, where the machine's list has it or asks elsewhere for it, and
    /// its name is plain.
    pub(crate) fn of(uid: u32) -> Option<Self> {
        find(&read_list().unwrap_or_default(), uid)
            .or_else(|| find(&asked(uid).unwrap_or_default(), uid))
    }
}

/// The number of the group with this name, where the machine's list has it or asks elsewhere for it.
pub(crate) fn group_named(name: &str) -> Option<u32> {
    if !is_plain(name) {
        return None;
    }
    let mut text = String::new();
    let read = std::fs::File::open("/etc/group").and_then(|file| {
        let mut limited = file.take(LIMIT);
        limited.read_to_string(&mut text)
    });
    let listed = read.ok().and_then(|_| find_group(&text, name));
    listed.or_else(|| {
        let mut getent = Command::new("getent");
        getent.args(["group", name]);
        let said = getent.stdin(Stdio::null()).stderr(Stdio::null()).output();
        let text = String::from_utf8(said.ok()?.stdout).ok()?;
        find_group(&text, name)
    })
}

fn find_group(list: &str, name: &str) -> Option<u32> {
    list.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then_some(())?;
        fields.nth(1)?.parse().ok()
    })
}

/// The account that runs this, or `uid N` where nothing names it; with who became it through sudo,
/// which is a claim.
pub(crate) fn acting() -> String {
    let uid = rustix::process::getuid().as_raw();
    let list = read_list().unwrap_or_default();
    let account = find(&list, uid).map_or_else(|| format!("uid {uid}"), |account| account.name);
    match std::env::var("SUDO_USER") {
        Ok(user) if is_plain(&user) && user != account => format!("{account} for {user}"),
        _ => account,
    }
}

fn read_list() -> std::io::Result<String> {
    let mut text = String::new();
    let file = std::fs::File::open("/etc/passwd")?;
    file.take(LIMIT).read_to_string(&mut text)?;
    Ok(text)
}

/// The system's own way to find accounts that are kept in a directory.
fn asked(uid: u32) -> Option<String> {
    let mut getent = Command::new("getent");
    getent.args(["passwd", &uid.to_string()]);
    let said = getent.stdin(Stdio::null()).stderr(Stdio::null()).output();
    String::from_utf8(said.ok()?.stdout).ok()
}

fn find(list: &str, uid: u32) -> Option<Account> {
    list.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, number, group, _, home, shell] = fields.as_slice() else {
            return None;
        };
        (number.parse() == Ok(uid) && is_plain(name)).then_some(())?;
        Some(Account {
            name: (*name).to_owned(),
            uid,
            gid: group.parse().ok()?,
            home: PathBuf::from(home),
            shell: PathBuf::from(if shell.is_empty() { "/bin/sh" } else { shell }),
        })
    })
}

/// Whether a name can stand in an identity line and a log as it is.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
    !name.is_empty() && name.len() <= 64 && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::{find, find_group, is_plain};
    use std::path::Path;

    #[test]
    fn reads_the_systems_groups() {
        let list = "root:x:0:\naudit:x:998:dana,rita\nshort:x\n";
        assert_eq!(find_group(list, "audit"), Some(998));
        assert_eq!(find_group(list, "aud"), None);
        assert_eq!(find_group(list, "short"), None);
        assert_eq!(super::group_named("a b"), None);
    }

    #[test]
    fn reads_the_systems_list() {
        let list =
            "root:x:0:0:root:/root:/bin/sh\nevil <x>:x:7:7::/:\ngit:x:998:997::/srv:\nshort:x:9\n";
        let git = find(list, 998).unwrap();
        assert_eq!((git.name.as_str(), git.gid), ("git", 997));
        assert_eq!(
            (git.home.as_path(), git.shell.as_path()),
            (Path::new("/srv"), Path::new("/bin/sh"))
        );
        assert_eq!(find(list, 7), None);
        assert_eq!(find(list, 9), None);
        assert_eq!(find(list, 5), None);
        assert!(!is_plain("a\nb") && !is_plain(""));
    }
}
