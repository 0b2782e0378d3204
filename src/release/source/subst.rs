//! `$Format:…$`: the few keywords that say which release this is, and none that its author words.

use crate::types::{Oid, Timestamp};

/// The largest file whose keywords are replaced, in bytes.
pub(super) const LIMIT: u64 = 1024 * 1024;

/// How many keywords one file may hold.
const COUNT: usize = 100;

/// How a keyword begins.
const HEAD: &[u8] = b"$Format:";

/// What keywords are replaced by.
pub(super) struct Keywords {
    pub(super) commit: Oid,
    pub(super) tree: Oid,
    /// Seconds since 1970, as the committer says.
    pub(super) committed: i64,
}

/// The content with its keywords replaced; nothing where there are none.
///
/// # Errors
/// What about them is refused.
pub(super) fn expand(content: &[u8], keywords: &Keywords) -> Result<Option<Vec<u8>>, &'static str> {
    let (mut made, mut rest, mut count) = (Vec::new(), content, 0);
    while let Some(begin) = memchr::memmem::find(rest, HEAD) {
        let (before, format) = rest.split_at(begin);
        let format = format.get(HEAD.len()..).unwrap_or_default();
        // Without an end it is text like any other, as for git.
        let Some(end) = memchr::memchr(b'$', format) else {
            break;
        };
        count += 1;
        if count > COUNT {
            return Err("has more than 100 keywords");
        }
        made.extend_from_slice(before);
        let (format, after) = format.split_at(end);
        one(format, keywords, &mut made)?;
        rest = after.get(1..).unwrap_or_default();
    }
    made.extend_from_slice(rest);
    Ok((count > 0).then_some(made))
}

fn one(format: &[u8], keywords: &Keywords, made: &mut Vec<u8>) -> Result<(), &'static str> {
    let mut rest = format;
    while let Some((first, tail)) = rest.split_first() {
        if *first != b'%' {
            made.push(*first);
            rest = tail;
            continue;
        }
        let known: [(&[u8], String); 8] = [
            (b"H", keywords.commit.to_string()),
            (b"h", keywords.commit.subject()),
            (b"T", keywords.tree.to_string()),
            (b"t", keywords.tree.subject()),
            (b"ct", keywords.committed.to_string()),
            (b"cI", Timestamp::from_unix(keywords.committed).to_string()),
            (b"n", "\n".into()),
            (b"%", "%".into()),
        ];
        let found = known.iter().find_map(|(name, value)| {
            let tail = tail.strip_prefix(*name)?;
            Some((value, tail))
        });
        let (value, tail) =
            found.ok_or("has a keyword other than %H, %h, %T, %t, %ct, %cI, %n and %%")?;
        made.extend_from_slice(value.as_bytes());
        rest = tail;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keywords() -> Keywords {
        Keywords {
            commit: "a".repeat(40).parse().unwrap(),
            tree: "b".repeat(40).parse().unwrap(),
            committed: 1_700_000_000,
        }
    }

    fn expanded(text: &str) -> Result<Option<String>, &'static str> {
        let made = expand(text.as_bytes(), &keywords())?;
        Ok(made.map(|made| String::from_utf8(made).unwrap()))
    }

    #[test]
    fn keywords_say_which_release_this_is() {
        assert_eq!(expanded("no keyword, $Format: nor end"), Ok(None));
        assert_eq!(
            expanded("v=\"$Format:%h of %cI %%$\" $ $Format:%t$")
                .unwrap()
                .unwrap(),
            "v=\"aaaaaaaaaaaa of 2023-11-14T22:13:20Z %\" $ bbbbbbbbbbbb"
        );
    }

    #[test]
    fn q_12_keywords_that_an_author_words_or_that_grow_are_refused() {
        for bad in [
            "%an",
            "%s",
            "%(describe)",
            "%<(100000)%H",
            "%x00",
            "%",
            "%d",
        ] {
            assert!(expanded(&format!("$Format:{bad}$")).is_err(), "{bad}");
        }
        assert!(expanded(&"$Format:%H$".repeat(100)).is_ok());
        assert!(expanded(&"$Format:%H$".repeat(101)).is_err());
    }
}
