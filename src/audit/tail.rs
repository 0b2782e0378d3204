//! The end of the log file: its last whole line, found without reading the rest.

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::os::unix::fs::FileExt;

/// The longest line, in bytes, line break included.
pub(in crate::audit) const MAX_LINE: usize = 1 << 20;

/// The next whole line without its line break. A cut last line is none: it was never answered.
pub(in crate::audit) fn next_line(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let limit = MAX_LINE as u64 + 1;
    reader.by_ref().take(limit).read_until(b'\n', &mut line)?;
    Ok(line.pop_if(|byte| *byte == b'\n').map(|_| line))
}

/// What stands at the end of the file.
pub(in crate::audit) struct Tail {
    /// The last whole line without its line break; empty if there is none.
    pub line: Vec<u8>,
    /// The file's length up to and with the last line break.
    pub whole: u64,
    /// How many bytes follow it: the rest of a line that was cut.
    pub cut: u64,
}

/// Reads the end of `file`, which is so long.
pub(in crate::audit) fn read(file: &File, length: u64) -> io::Result<Tail> {
    let mut window: u64 = 8 << 10;
    loop {
        let start = length.saturating_sub(window);
        let mut bytes = vec![0; usize::try_from(length - start).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, start)?;
        if let Some(tail) = split(&bytes, start, length) {
            return Ok(tail);
        }
        if window > 4 * MAX_LINE as u64 {
            return Err(io::Error::other(
                "the last line is longer than a line may be",
            ));
        }
        window *= 8;
    }
}

/// The last whole line in `bytes`, which end the file and begin at `start`; none if they do not
/// hold one from its beginning.
fn split(bytes: &[u8], start: u64, length: u64) -> Option<Tail> {
    let end = match bytes.iter().rposition(|byte| *byte == b'\n') {
        Some(end) => end,
        None if start == 0 => {
            return Some(Tail {
                line: Vec::new(),
                whole: 0,
                cut: length,
            });
        }
        None => return None,
    };
    let line = bytes.get(..end)?;
    let begin = match line.iter().rposition(|byte| *byte == b'\n') {
        Some(before) => before + 1,
        None if start == 0 => 0,
        None => return None,
    };
    let whole = start + end as u64 + 1;
    Some(Tail {
        line: line.get(begin..)?.to_vec(),
        whole,
        cut: length - whole,
    })
}
