//! Names that a tree entry may have.
//!
//! A name that some file system folds into `.git`, or that steps out of its folder, would change
//! what a checkout does; git's own `fsck` refuses the same ones, if it is asked to.

/// The longest name that is read, in bytes.
const MAX_NAME: usize = 4096;

/// Whether a name is what nearly every name is: only what begins like this can be a spelling of
/// `.git` without a backslash or a byte that is not ASCII.
pub(super) fn is_plain(name: &[u8]) -> bool {
    let starts_plainly = !matches!(name.first(), None | Some(b'.' | b'g' | b'G'));
    let plain = |byte: &u8| byte.is_ascii() && !matches!(byte, b'/' | b'\\');
    starts_plainly && name.len() <= MAX_NAME && name.iter().all(plain)
}

/// What is wrong with `name`, as the rest of a sentence about the entry.
pub(super) fn fault(name: &[u8]) -> Option<&'static str> {
    if is_plain(name) {
        None
    } else if name.is_empty() {
        Some("has no name")
    } else if name == b"." || name == b".." {
        Some("is a step, not a name")
    } else if name.contains(&b'/') {
        Some("holds a slash")
    } else if name.len() > MAX_NAME {
        Some("has a name of more than 4096 bytes")
    } else if is_dot_git(name) {
        Some("is a spelling of `.git`")
    } else {
        None
    }
}

/// Whether some file system takes the name, or a part of it behind a backslash, for `.git`.
fn is_dot_git(name: &[u8]) -> bool {
    let hfs = if name.is_ascii() {
        name.eq_ignore_ascii_case(b".git")
    } else {
        is_hfs_dot_git(name)
    };
    hfs || name.split(|byte| *byte == b'\\').any(is_ntfs_dot_git)
}

/// HFS+ folds case and skips these code points.
fn is_hfs_dot_git(name: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(name) else {
        return false;
    };
    text.chars()
        .filter(|ch| {
            !matches!(u32::from(*ch), 0x200c..=0x200f | 0x202a..=0x202e | 0x206a..=0x206f | 0xfeff)
        })
        .map(|ch| ch.to_ascii_lowercase())
        .eq(".git".chars())
}

/// NTFS folds case, drops dots and blanks at the end, cuts at a colon, and has a short name.
fn is_ntfs_dot_git(name: &[u8]) -> bool {
    let rest = strip_folded(name, b".git").or_else(|| strip_folded(name, b"git~1"));
    let Some(rest) = rest else {
        return false;
    };
    rest.iter()
        .take_while(|byte| **byte != b':')
        .all(|byte| matches!(byte, b'.' | b' '))
}

fn strip_folded<'a>(name: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = name.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}
