//! The `encoding` header of commits.
//!
//! relhook reads messages as bytes and never re-encodes them; people see them re-encoded. The two
//! agree on what matters (trailers, addresses) only where ASCII bytes stay ASCII letters, so an
//! encoding such as UTF-7, UTF-16 or EBCDIC, in which a co-author could be written unreadably, is
//! refused.

use super::error::{ObjectError, shown};

/// Exact names, in lower case.
const NAMES: [&str; 15] = [
    "utf-8",
    "utf8",
    "us-ascii",
    "ascii",
    "gbk",
    "gb2312",
    "gb18030",
    "big5",
    "cp932",
    "cp936",
    "cp949",
    "cp950",
    "sjis",
    "shift_jis",
    "shift-jis",
];

/// Families, in lower case; a number or letter that names the member follows.
const FAMILIES: [&str; 8] = [
    "iso-8859-",
    "iso8859-",
    "latin",
    "latin-",
    "windows-125",
    "cp125",
    "koi8-",
    "euc-",
];

/// Checks the value of an `encoding` header.
pub(super) fn check(value: &[u8]) -> Result<(), ObjectError> {
    let name = value.to_ascii_lowercase();
    let exact = NAMES.iter().any(|known| known.as_bytes() == name);
    if exact || FAMILIES.iter().any(|family| is_member(&name, family)) {
        Ok(())
    } else {
        Err(ObjectError::Encoding {
            encoding: shown(value),
        })
    }
}

fn is_member(name: &[u8], family: &str) -> bool {
    name.strip_prefix(family.as_bytes()).is_some_and(|member| {
        (1..=2).contains(&member.len()) && member.iter().all(u8::is_ascii_alphanumeric)
    })
}
