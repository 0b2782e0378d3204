//! Entries at the end of a file, on disk before they count as taken in.

use super::message::Message;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// How often they are written again where the file is changed for another one meanwhile.
const TRIES: u32 = 5;

/// No entry with everything beside it is longer, in bytes.
const LIMIT: usize = 4 << 20;

/// Appends them, a line each. The file is opened for each batch, so whoever moves it aside and makes
/// another, as logrotate does, has the next one in the other.
pub(in crate::streams) fn send(path: &Path, messages: &[Message]) -> Result<(), String> {
    let mut lines = Vec::new();
    for message in messages {
        lines.extend(message.json(LIMIT).into_bytes());
        lines.push(b'\n');
    }
    for _ in 0..TRIES {
        let written = append(path, &lines);
        if written.map_err(|error| format!("{}: {error}", path.display()))? {
            return Ok(());
        }
    }
    Err(format!(
        "{} is another file again and again",
        path.display()
    ))
}

/// Whether lines could be appended to it. It is not made, and not changed.
pub(in crate::streams) fn reach(path: &Path) -> Result<(), String> {
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    match existing(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(Path::new("/"));
            let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
            rustix::fs::access(folder, access)
                .map_err(|error| format!("{}: {error}", folder.display()))
        }
        Err(error) => Err(failed(error)),
    }
}

/// The file, if it is there and one that can be appended to.
fn existing(path: &Path) -> io::Result<File> {
    regular(options().open(path)?)
}

/// Not through a link, and not blocking on a pipe that somebody put there.
fn options() -> OpenOptions {
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits();
    let mut options = OpenOptions::new();
    options
        .read(true)
        .append(true)
        .mode(0o640)
        .custom_flags(i32::try_from(flags).unwrap_or_default());
    options
}

fn regular(file: File) -> io::Result<File> {
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is not a regular file")),
    }
}

/// Appends lines; whether they are where the path leads when they are on disk. Where the file was moved
/// aside or cut meanwhile, it may be packed or removed before it had them.
fn append(path: &Path, lines: &[u8]) -> io::Result<bool> {
    let mut file = regular(options().create(true).open(path)?)?;
    let begun = file.metadata()?.len();
    if begun > 0 && !ends_a_line(&file, begun)? {
        // A write that was cut off; what it was part of is written again.
        file.write_all(b"\n")?;
    }
    file.write_all(lines)?;
    file.sync_data()?;
    if begun == 0
        && let Some(folder) = path.parent()
    {
        crate::folder::sync_dir(folder)?;
    }
    let here = file.metadata()?;
    let there = std::fs::symlink_metadata(path);
    Ok(there.is_ok_and(|there| {
        let same = (there.dev(), there.ino()) == (here.dev(), here.ino());
        same && here.len() >= begun + lines.len() as u64
    }))
}

fn ends_a_line(file: &File, length: u64) -> io::Result<bool> {
    let mut last = [0; 1];
    file.read_exact_at(&mut last, length - 1)?;
    Ok(last == *b"\n")
}
