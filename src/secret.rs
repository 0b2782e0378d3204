//! Secrets: read from files that nobody else can read, and kept out of everything that is shown.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use zeroize::Zeroizing;

/// The largest file with a secret, in bytes.
pub(crate) const LIMIT: u64 = 4096;

/// A value that must not be shown. Its `Debug` says so instead of telling, and its memory is wiped
/// when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a value in.
    pub(crate) fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value itself, for the one place that sends it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Who else a file may belong to or be read by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeper {
    /// A service manager wrote it: it may be the system's, and a group may read it (that is how
    /// an access list shows).
    Service,
    /// It is ours alone.
    Own,
}

/// The 32 random bytes of a new private key.
pub(crate) fn seed() -> io::Result<Zeroizing<[u8; 32]>> {
    let mut seed = Zeroizing::new([0_u8; 32]);
    File::open("/dev/urandom")?.read_exact(&mut seed[..])?;
    Ok(seed)
}

/// Makes a file that nobody else can read of these parts, on disk when this returns, unless another
/// run has made one meanwhile: what is there stays.
pub(crate) fn make_private(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::other("no folder"))?;
    let mut file = tempfile::Builder::new()
        .prefix(".tmp-")
        .tempfile_in(folder)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => crate::folder::sync_dir(folder),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}

/// The text of a file that nobody else can read; nothing where there is no file.
///
/// # Errors
/// Why it is not taken: it is a link, no regular file, somebody else's, readable by others, too
/// large, or not UTF-8.
pub(crate) fn private_text(
    path: &Path,
    keeper: Keeper,
) -> Result<Option<Zeroizing<String>>, String> {
    // Not through a link, and not blocking on a pipe that somebody put there.
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits();
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags).unwrap_or_default())
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    if let Some(why) = exposure(&file, keeper).map_err(|error| error.to_string())? {
        return Err(why);
    }
    // Of this size at once, so that no copy is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(capacity()));
    let read = file.take(LIMIT + 1).read_to_string(&mut text);
    read.map_err(|error| error.to_string())?;
    if text.len() as u64 > LIMIT {
        return Err(format!("it is larger than {LIMIT} bytes"));
    }
    Ok(Some(text))
}

/// Room for the largest file that is taken.
pub(crate) fn capacity() -> usize {
    usize::try_from(LIMIT + 1).unwrap_or_default()
}

fn exposure(file: &File, keeper: Keeper) -> io::Result<Option<String>> {
    let meta = file.metadata()?;
    let me = rustix::process::geteuid().as_raw();
    let (owned, hidden_bits) = match keeper {
        Keeper::Own => (meta.uid() == me, 0o077),
        Keeper::Service => (meta.uid() == me || meta.uid() == 0, 0o037),
    };
    Ok(if !meta.is_file() {
        Some("it is not a regular file".into())
    } else if !owned {
        Some("it belongs to another account".into())
    } else if meta.mode() & hidden_bits != 0 {
        Some(format!(
            "others can read it: mode {:04o}, must be 0600",
            meta.mode() & 0o7777
        ))
    } else {
        None
    })
}
