//! The account that runs the installation.

/// The longest account list that is read, in bytes.
const LIMIT: u64 = 1 << 20;

/// The account's name, or `uid N` where the system's list does not have it; with who became it
/// through sudo, which is a claim.
pub(in crate::install) fn name() -> String {
    let uid = rustix::process::getuid().as_raw();
    let list = read_list().unwrap_or_default();
    let account = find(&list, uid).unwrap_or_else(|| format!("uid {uid}"));
    match std::env::var("SUDO_USER") {
        Ok(user) if is_plain(&user) && user != account => format!("{account} for {user}"),
        _ => account,
    }
}

fn read_list() -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    let file = std::fs::File::open("/etc/passwd")?;
    file.take(LIMIT).read_to_string(&mut text)?;
    Ok(text)
}

fn find(list: &str, uid: u32) -> Option<String> {
    list.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let matches = fields.nth(1)?.parse() == Ok(uid);
        (matches && is_plain(name)).then(|| name.to_owned())
    })
}

/// Whether a name can stand in an identity line and a log as it is.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
    !name.is_empty() && name.len() <= 64 && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::{find, is_plain};

    #[test]
    fn reads_the_systems_list() {
        let list =
            "root:x:0:0:root:/root:/bin/sh\nevil <x>:x:7:7::/:\ngit:x:998:998::/srv:/bin/sh\n";
        assert_eq!(find(list, 998).as_deref(), Some("git"));
        assert_eq!(find(list, 7), None);
        assert_eq!(find(list, 5), None);
        assert!(!is_plain("a\nb") && !is_plain(""));
    }
}
