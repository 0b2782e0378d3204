//! Authors files, as `git svn --authors-file` and `git tfs --authors` read them: one line a user,
//! `user = Full Name <address>`; blank lines and lines that begin with `#` are comments.

use super::Gathered;
use super::error::LineFault;
use super::record::{Origin, Record, text};

/// What git-svn writes for a revision without an author.
const NOBODY: &str = "(no author)";

pub(super) fn read(bytes: &[u8], gathered: &mut Gathered) -> Result<(), LineFault> {
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let number = index as u64 + 1;
        let line = text(line.trim_ascii());
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((user, name, email)) = parts(&line) else {
            let why = "is not `user = Full Name <address>`";
            return Err(LineFault::new(number, why));
        };
        let shown = crate::object::shown;
        if user == NOBODY {
            gathered.notes.push(format!(
                "authors file, line {number}: `{NOBODY}` is no human; a commit by `{}` above the baseline is refused until somebody owns that address",
                shown(email.as_bytes())
            ));
            continue;
        }
        let mut record = Record::from(Origin::Authors(number));
        record.name = (!name.is_empty()).then(|| name.to_owned());
        record.former.push(user.to_owned());
        if email.is_empty() {
            gathered.notes.push(format!(
                "authors file, line {number}: `{}` has no address: commits with an empty one are refused; write one and clone again",
                shown(user.as_bytes())
            ));
        } else {
            record.emails.push(email.to_owned());
        }
        gathered.add(record, number)?;
    }
    Ok(())
}

fn parts(line: &str) -> Option<(&str, &str, &str)> {
    let (user, rest) = line.split_once('=')?;
    let (name, rest) = rest.split_once('<')?;
    let email = rest.strip_suffix('>')?;
    let user = user.trim();
    let clean = !user.is_empty() && !email.contains(['<', '>']);
    clean.then(|| (user, name.trim(), email.trim()))
}
