//! Names of entries, compared as a directory compares them.

/// A name in the one form by which it is compared: attribute names and values in lower case, blanks
/// around them gone, escapes resolved. Two names with one key may still be two to a server with
/// case-sensitive values; then what is found says so ([`super::DirectoryError::Contradiction`]).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DnKey(Vec<String>);

impl DnKey {
    /// The key of a name.
    pub(super) fn of(dn: &str) -> Self {
        Self(parts(dn, ',').iter().map(|part| component(part)).collect())
    }
}

impl std::fmt::Display for DnKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

/// One component; the attributes of one with several are sorted.
fn component(text: &str) -> String {
    let mut pairs: Vec<String> = parts(text, '+')
        .iter()
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) => {
                let name = name.trim().to_ascii_lowercase();
                format!("{name}={}", unescaped(value).to_lowercase())
            }
            None => pair.trim().to_lowercase(),
        })
        .collect();
    pairs.sort();
    pairs.join("+")
}

/// The parts of a name between separators that are not escaped.
fn parts(text: &str, separator: char) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut escaped = false;
    for ch in text.chars() {
        if ch == separator && !escaped {
            all.push(String::new());
            continue;
        }
        escaped = ch == '\\' && !escaped;
        if let Some(last) = all.last_mut() {
            last.push(ch);
        }
    }
    all
}

/// A value without its escapes (`\,` and `\2C`), and without blanks around it that are not escaped.
fn unescaped(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut kept = 0;
    let mut rest = value.trim_start().as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        if *byte != b'\\' {
            bytes.push(*byte);
            if *byte != b' ' {
                kept = bytes.len();
            }
            continue;
        }
        let hex = behind.split_at_checked(2).and_then(|(digits, after)| {
            let digits = std::str::from_utf8(digits).ok()?;
            Some((u8::from_str_radix(digits, 16).ok()?, after))
        });
        let plain = behind.split_first().map(|(byte, after)| (*byte, after));
        if let Some((byte, after)) = hex.or(plain) {
            bytes.push(byte);
            rest = after;
        }
        kept = bytes.len();
    }
    bytes.truncate(kept);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::DnKey;

    #[test]
    fn spellings_of_one_name_have_one_key() {
        let key = DnKey::of("cn=Smith\\, Jane,ou=People,dc=acme");
        for same in [
            "CN=Smith\\2C Jane,OU=people,DC=acme",
            "cn = smith\\, jane , ou=People, dc=acme ",
        ] {
            assert_eq!(DnKey::of(same), key, "{same}");
        }
        for other in [
            "cn=Smith,cn=Jane,ou=People,dc=acme",
            "cn=Smith\\, Jane,ou=People",
            "cn=Smith\\\\, Jane,ou=People,dc=acme",
        ] {
            assert_ne!(DnKey::of(other), key, "{other}");
        }
        assert_eq!(DnKey::of("uid=x+cn=Y,dc=a"), DnKey::of("CN=y+uid=X,dc=a"));
        assert_ne!(DnKey::of("cn=x\\ ,dc=a"), DnKey::of("cn=x,dc=a"));
    }
}
