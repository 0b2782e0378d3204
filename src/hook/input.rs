//! What git hands to a hook: lines on stdin and push options in the environment. Claims, all of it.

use crate::types::{Oid, RefChange, RefName, RefNameError, escape};
use std::io::{self, BufRead, Read};

/// The longest line that is read, in bytes: two ids, a ref name and what separates them.
const MAX_LINE: u64 = 2048;
/// The most refs that one push may name.
const MAX_UPDATES: usize = 50_000;
/// The most push options, and the longest one in bytes.
const MAX_OPTIONS: usize = 64;
const MAX_OPTION: usize = 1024;

/// Why the input cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// Nothing was handed over.
    #[error("git named no ref")]
    Empty,
    /// More refs than one push may name.
    #[error("the push names more than {MAX_UPDATES} refs")]
    TooMany,
    /// A line that is too long or that ends before its line break.
    #[error("a line of git's input is cut off or longer than {MAX_LINE} bytes: `{shown}`")]
    Cut {
        /// The beginning of it, escaped.
        shown: String,
    },
    /// Not `<old> <new> <ref>`.
    #[error("a line of git's input is not `<old> <new> <ref>`: `{shown}`")]
    Line {
        /// The line, escaped.
        shown: String,
    },
    /// Not a full, well-formed ref name.
    #[error(transparent)]
    RefName(#[from] RefNameError),
    /// A push option that cannot be one.
    #[error("push option {number} {why}")]
    Option {
        /// Which, counted from 0.
        number: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The input could not be read.
    #[error("git's input could not be read: {0}")]
    Io(#[from] io::Error),
}

/// One ref update as git hands it over.
pub type Claimed = (RefName, RefChange);

/// Reads every line of `<old> <new> <ref>`, in order, one named twice twice.
///
/// # Errors
/// When a line does not fit, when there is none, or when there are too many.
pub fn updates(input: impl Read) -> Result<Vec<Claimed>, InputError> {
    let mut reader = io::BufReader::new(input);
    let mut updates = Vec::new();
    while let Some(line) = next_line(&mut reader)? {
        if updates.len() == MAX_UPDATES {
            return Err(InputError::TooMany);
        }
        updates.push(update(&line)?);
    }
    if updates.is_empty() {
        Err(InputError::Empty)
    } else {
        Ok(updates)
    }
}

/// The next line without its line break; none at the end.
pub(in crate::hook) fn next_line(reader: &mut impl BufRead) -> Result<Option<Vec<u8>>, InputError> {
    let mut line = Vec::new();
    reader
        .by_ref()
        .take(MAX_LINE)
        .read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop_if(|byte| *byte == b'\n').is_none() {
        return Err(InputError::Cut {
            shown: shown(&line),
        });
    }
    Ok(Some(line))
}

fn update(line: &[u8]) -> Result<Claimed, InputError> {
    let fault = || InputError::Line { shown: shown(line) };
    let (old, new, name) = fields(line).ok_or_else(fault)?;
    let old = Oid::from_hex_or_zero(old).map_err(|_| fault())?;
    let new = Oid::from_hex_or_zero(new).map_err(|_| fault())?;
    Ok((RefName::new(name)?, RefChange::between(old, new)))
}

/// The three fields: what follows the second space is the name, whatever it holds.
pub(in crate::hook) fn fields(line: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    Some((parts.next()?, parts.next()?, parts.next()?))
}

fn shown(line: &[u8]) -> String {
    escape(line.get(..line.len().min(160)).unwrap_or(line))
}

/// The push options, in order. None has a meaning yet; one that could be taken for something else
/// further on (a line break, an escape) is refused.
///
/// # Errors
/// When the count is not a number or too large, or an option is missing, long or unprintable.
pub fn options(get: impl Fn(&str) -> Option<Vec<u8>>) -> Result<Vec<Vec<u8>>, InputError> {
    let Some(count) = get("GIT_PUSH_OPTION_COUNT") else {
        return Ok(Vec::new());
    };
    let count = std::str::from_utf8(&count)
        .ok()
        .and_then(|text| text.parse::<usize>().ok());
    let Some(count) = count.filter(|count| *count <= MAX_OPTIONS) else {
        return Err(InputError::Option {
            number: MAX_OPTIONS,
            why: "is more than there may be",
        });
    };
    let mut options = Vec::with_capacity(count);
    for number in 0..count {
        let fault = |why| InputError::Option { number, why };
        let option = get(&format!("GIT_PUSH_OPTION_{number}")).ok_or(fault("is missing"))?;
        if option.len() > MAX_OPTION {
            return Err(fault("is longer than 1024 bytes"));
        }
        let text = std::str::from_utf8(&option).map_err(|_| fault("is not UTF-8"))?;
        if escape(text.as_bytes()) != text {
            return Err(fault("holds a control or an invisible character"));
        }
        options.push(option);
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    const ZERO: &str = "0000000000000000000000000000000000000000";

    fn read(text: &str) -> Result<Vec<Claimed>, InputError> {
        updates(text.as_bytes())
    }

    #[test]
    fn p_01_a_new_value_of_zero_is_a_deletion_whatever_the_old_one_says() {
        let both = read(&format!("{ZERO} {ZERO} refs/heads/prod\n")).unwrap();
        assert_eq!(both[0].1, RefChange::Delete { old: None });
        let one = read(&format!("{A} {ZERO} refs/heads/prod\n")).unwrap();
        assert_eq!(
            one[0].1,
            RefChange::Delete {
                old: Some(A.parse().unwrap())
            }
        );
    }

    #[test]
    fn p_03_a_ref_named_twice_stands_twice_in_order() {
        let text = format!("{A} {B} refs/heads/prod\n{B} {A} refs/heads/prod\n");
        let updates = read(&text).unwrap();
        assert_eq!(updates.len(), 2);
        assert_eq!(updates[0].1.new_oid(), Some(B.parse().unwrap()));
    }

    #[test]
    fn p_05_funny_names_are_refused() {
        for name in [
            "refs/heads/x y",
            "refs/heads//x",
            "HEAD",
            "refs/heads/x\r",
            "",
        ] {
            assert!(read(&format!("{A} {B} {name}\n")).is_err(), "{name:?}");
        }
    }

    #[test]
    fn p_11_what_is_cut_or_too_long_is_refused() {
        assert!(matches!(
            read(&format!("{A} {B} refs/heads/x")),
            Err(InputError::Cut { .. })
        ));
        let long = format!("{A} {B} refs/heads/{}\n", "x".repeat(60_000));
        assert!(matches!(read(&long), Err(InputError::Cut { .. })));
        assert!(matches!(
            read(&format!("{A} {B}\n")),
            Err(InputError::Line { .. })
        ));
        assert!(matches!(read("\n"), Err(InputError::Line { .. })));
        assert!(matches!(
            read(&format!("{} {B} refs/heads/x\n", &A[1..])),
            Err(InputError::Line { .. })
        ));
    }

    #[test]
    fn p_12_no_line_is_no_push() {
        assert!(matches!(read(""), Err(InputError::Empty)));
    }

    #[test]
    fn p_13_options_that_could_be_something_else_are_refused() {
        let check = |count: &str, option: &[u8]| {
            let option = option.to_vec();
            options(|name| match name {
                "GIT_PUSH_OPTION_COUNT" => Some(count.as_bytes().to_vec()),
                "GIT_PUSH_OPTION_0" => Some(option.clone()),
                _ => None,
            })
        };
        assert!(check("1", b"ticket=OPS-1").is_ok());
        for bad in [
            &b"a\nGIT_PUSH_OPTION_1=evil"[..],
            b"a\rb",
            b"a\x1b[2Jb",
            b"\xff",
            &[b'x'; 5000],
        ] {
            assert!(check("1", bad).is_err(), "{bad:?}");
        }
        assert!(check("2", b"the second is missing").is_err());
        assert!(check("60000", b"x").is_err());
        assert!(check("many", b"x").is_err());
    }
}
