//! The tiles: the tree and its entries in the files of C2SP tlog-tiles, 256 to a file.
//!
//! Full ones are written once and are what the log consists of; those that are not full yet are made
//! from the journal, for whoever reads the log with other tools.

use super::AuditError;
use super::bundle::{Beside, Bundle};
use super::hidden::Hidden;
use super::tree::{Node, Peaks, leaf};
use crate::folder::{Lasting, replace_shared, shared_dir, sync_dir};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// So many entries or hashes are in a full tile.
pub const TILE_WIDTH: u64 = 256;
pub(in crate::audit) use TILE_WIDTH as WIDTH;

/// The longest entry, in bytes: a bundle gives its length in 16 bits.
pub(in crate::audit) const MAX_ENTRY: usize = 65_535;

/// The largest file of hidden fields: that of 256 lines of the journal.
const MAX_FILE: u64 = 1 << 29;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::audit) enum Of {
    /// Entries.
    Entries,
    /// Hashes, so many times eight levels above the leaves.
    Hashes(u32),
}

/// One line of a file of hidden fields.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::audit) struct HiddenOf {
    pub seq: u64,
    pub hidden: Hidden,
}

/// The files of a log.
#[derive(Debug, Clone)]
pub(in crate::audit) struct Tiles {
    dir: PathBuf,
}

/// One entry, and what is kept beside it.
pub(in crate::audit) struct Kept {
    pub entry: Vec<u8>,
    pub hidden: Option<Hidden>,
}

impl Tiles {
    /// Those in the folder of a log.
    pub(in crate::audit) fn at(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// Where a tile is; one that is not full by how much it holds.
    pub(in crate::audit) fn path(&self, of: Of, index: u64, width: u64) -> PathBuf {
        let mut path = match of {
            Of::Entries => self.dir.join("tile/entries"),
            Of::Hashes(level) => self.dir.join("tile").join(level.to_string()),
        };
        path.push(number(index));
        if width < WIDTH {
            path.as_mut_os_string().push(".p");
            path.push(width.to_string());
        }
        path
    }

    fn hidden_path(&self, index: u64) -> PathBuf {
        self.dir.join("hidden").join(number(index))
    }

    /// Whether there is a full tile of entries of this number.
    pub(in crate::audit) fn is_full(&self, index: u64) -> Result<bool, AuditError> {
        let path = self.path(Of::Entries, index, WIDTH);
        path.try_exists().map_err(AuditError::io(&path))
    }

    /// Writes the full tiles that end with these entries, the last of a tree of `peaks`: they are on
    /// disk when this returns.
    pub(in crate::audit) fn complete(
        &self,
        kept: &[Kept],
        peaks: &Peaks,
    ) -> Result<(), AuditError> {
        let index = peaks.size() / WIDTH - 1;
        let path = self.path(Of::Entries, index, WIDTH);
        let bundle = bundle(kept.iter().map(|kept| &*kept.entry));
        let leaves: Vec<Node> = kept.iter().map(|kept| leaf(&kept.entry)).collect();
        self.put_hidden(index, kept)?;
        self.put(
            &self.path(Of::Hashes(0), index, WIDTH),
            &leaves.concat(),
            Lasting::PowerCut,
        )?;
        let mut level = 1;
        let mut count = peaks.size() / WIDTH;
        while count > 0 {
            let width = (count - 1) % WIDTH + 1;
            let row = self.row(level, (count - 1) / WIDTH, width)?;
            let path = self.path(Of::Hashes(level), (count - 1) / WIDTH, width);
            self.put(&path, &row.concat(), Lasting::PowerCut)?;
            if width < WIDTH {
                self.drop_partial(Of::Hashes(level), (count - 1) / WIDTH, width)?;
                break;
            }
            self.drop_partial(Of::Hashes(level), (count - 1) / WIDTH, WIDTH)?;
            count /= WIDTH;
            level += 1;
        }
        // The entries last: a tile of them says that all the rest is there.
        self.put(&path, &bundle, Lasting::PowerCut)?;
        self.drop_partial(Of::Entries, index, WIDTH)?;
        self.drop_partial(Of::Hashes(0), index, WIDTH)
    }

    /// Writes a tile that is not full, for others to read; the ones before it go.
    pub(in crate::audit) fn publish(&self, index: u64, kept: &[Kept]) -> Result<(), AuditError> {
        let width = kept.len() as u64;
        if width == 0 {
            return Ok(());
        }
        let leaves: Vec<Node> = kept.iter().map(|kept| leaf(&kept.entry)).collect();
        self.put(
            &self.path(Of::Hashes(0), index, width),
            &leaves.concat(),
            Lasting::Kill,
        )?;
        let bundle = bundle(kept.iter().map(|kept| &*kept.entry));
        self.put(
            &self.path(Of::Entries, index, width),
            &bundle,
            Lasting::Kill,
        )?;
        self.drop_partial(Of::Hashes(0), index, width)?;
        self.drop_partial(Of::Entries, index, width)
    }

    /// The hashes of a tile above the lowest level, from the full ones below it.
    fn row(&self, level: u32, index: u64, width: u64) -> Result<Vec<Node>, AuditError> {
        let from = index * WIDTH;
        (from..from + width)
            .map(|below| {
                Ok(self
                    .hashes(level - 1, below, WIDTH)?
                    .into_iter()
                    .collect::<Peaks>()
                    .root())
            })
            .collect()
    }

    /// The hashes of a tile, so many as it had. Where it has got more of them meanwhile, the first.
    pub(in crate::audit) fn hashes(
        &self,
        level: u32,
        index: u64,
        width: u64,
    ) -> Result<Vec<Node>, AuditError> {
        let (held, path) = self.grown(level, index, width)?;
        let bytes = read(&path)?;
        let (nodes, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() || nodes.len() as u64 != held {
            return Err(broken(
                &path,
                index * WIDTH,
                "the tile is not as long as it has to be",
            ));
        }
        let mut nodes = nodes.to_vec();
        nodes.truncate(usize::try_from(width).unwrap_or(usize::MAX));
        Ok(nodes)
    }

    /// Where a tile of hashes is that had `width` of them when the head was read, and how many it has
    /// now: the next tile below was perhaps closed since, by another program or by one that was
    /// killed before the head began anew.
    fn grown(&self, level: u32, index: u64, width: u64) -> Result<(u64, PathBuf), AuditError> {
        for held in width..=WIDTH {
            let path = self.path(Of::Hashes(level), index, held);
            if path.try_exists().map_err(AuditError::io(&path))? {
                return Ok((held, path));
            }
        }
        let path = self.path(Of::Hashes(level), index, width);
        Err(broken(&path, index * WIDTH, "it is missing"))
    }

    /// The files of a full tile of entries.
    pub(in crate::audit) fn bundle(&self, index: u64) -> Result<Bundle, AuditError> {
        let both = |path: PathBuf| read(&path).map(|bytes| (path, bytes));
        let entries = both(self.path(Of::Entries, index, WIDTH))?;
        Ok(Bundle::new(index, entries, both(self.hidden_path(index))?))
    }

    /// The entries of a full tile.
    pub(in crate::audit) fn entries(&self, index: u64) -> Result<Vec<Kept>, AuditError> {
        let bundle = self.bundle(index)?;
        let path = self.hidden_path(index);
        let kept = bundle.lying()?.into_iter().map(|lying| {
            let hidden = lying.beside.map(Beside::read).transpose();
            Ok(Kept {
                entry: lying.entry.to_vec(),
                hidden: hidden.map_err(|why| broken(&path, index * WIDTH, &why))?,
            })
        });
        kept.collect()
    }

    fn put_hidden(&self, index: u64, kept: &[Kept]) -> Result<(), AuditError> {
        let path = self.hidden_path(index);
        let mut bytes = Vec::new();
        for (seq, kept) in (index * WIDTH + 1..).zip(kept) {
            if let Some(hidden) = &kept.hidden {
                let of = HiddenOf {
                    seq,
                    hidden: hidden.clone(),
                };
                let written = serde_json::to_writer(&mut bytes, &of).map_err(io::Error::other);
                written.map_err(AuditError::io(&path))?;
                bytes.push(b'\n');
            }
        }
        self.put(&path, &bytes, Lasting::PowerCut)
    }

    /// Deletes what is kept beside entry `seq` of a full tile.
    pub(in crate::audit) fn redact(&self, seq: u64) -> Result<(), AuditError> {
        let index = (seq - 1) / WIDTH;
        let mut kept = self.entries(index)?;
        let place = usize::try_from((seq - 1) % WIDTH).ok();
        if let Some(one) = place.and_then(|place| kept.get_mut(place)) {
            one.hidden = None;
        }
        self.put_hidden(index, &kept)
    }

    fn put(&self, path: &Path, bytes: &[u8], lasting: Lasting) -> Result<(), AuditError> {
        let mut made = Vec::new();
        let mut folder = path.parent();
        // A new folder's own name has to be on disk too.
        while let Some(missing) = folder.filter(|folder| !folder.is_dir()) {
            made.push(missing.to_owned());
            folder = missing.parent();
        }
        for folder in made.iter().rev() {
            shared_dir(folder).map_err(AuditError::io(folder))?;
            if let Some(above) = folder.parent() {
                sync_dir(above).map_err(AuditError::io(above))?;
            }
        }
        replace_shared(path, bytes, lasting).map_err(AuditError::io(path))
    }

    /// Removes the tiles of this number that hold less than `width`.
    fn drop_partial(&self, of: Of, index: u64, width: u64) -> Result<(), AuditError> {
        let any = self.path(of, index, 0);
        let Some(folder) = any.parent() else {
            return Ok(());
        };
        let names = match fs::read_dir(folder) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(AuditError::io(folder)(source)),
        };
        for name in names {
            let name = name.map_err(AuditError::io(folder))?.path();
            let held = name
                .file_name()
                .and_then(|name| name.to_str()?.parse().ok());
            if held.is_none_or(|held: u64| held < width) {
                fs::remove_file(&name).map_err(AuditError::io(&name))?;
            }
        }
        if width == WIDTH {
            fs::remove_dir(folder).map_err(AuditError::io(folder))?;
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, AuditError> {
    use std::io::Read;
    let file = fs::File::open(path).map_err(AuditError::missing(path))?;
    let size = file.metadata().map_err(AuditError::io(path))?.len();
    // One byte more, so that the end is seen without making room for it.
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(MAX_FILE)).unwrap_or(0) + 1);
    file.take(MAX_FILE)
        .read_to_end(&mut bytes)
        .map_err(AuditError::io(path))?;
    Ok(bytes)
}

pub(in crate::audit) fn broken(path: &Path, before: u64, why: &str) -> AuditError {
    AuditError::Broken {
        path: path.to_owned(),
        seq: before + 1,
        why: why.to_owned(),
    }
}

/// The path of a tile of hashes, below the log's folder: of so many times eight levels above the
/// leaves, its number, and how much it holds (C2SP tlog-tiles).
#[must_use]
pub fn tile_path(level: u32, index: u64, width: u64) -> PathBuf {
    Tiles::at(Path::new("")).path(Of::Hashes(level), index, width)
}

/// The number of a tile as a path: three digits a folder, all but the last with an `x` before them.
fn number(index: u64) -> PathBuf {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    PathBuf::from(path)
}

/// Entries one behind the other, each after its length in 16 bits.
fn bundle<'a>(entries: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        // What is longer was refused when it was appended.
        bytes.extend(u16::try_from(entry.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend(entry);
    }
    bytes
}

/// The entries of a bundle; nothing where it does not end with one.
pub(in crate::audit) fn unbundle(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry);
        bytes = rest;
    }
    bytes.is_empty().then_some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let tiles = Tiles::at(Path::new(""));
        let path = |of, index, width| tiles.path(of, index, width).display().to_string();
        assert_eq!(path(Of::Hashes(0), 0, 256), "tile/0/000");
        assert_eq!(path(Of::Hashes(0), 1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(path(Of::Hashes(2), 5, 17), "tile/2/005.p/17");
        assert_eq!(path(Of::Entries, 273, 112), "tile/entries/273.p/112");
    }

    #[test]
    fn a_bundle_ends_with_an_entry() {
        let whole = bundle([&b"one"[..], b"", b"three"].into_iter());
        assert_eq!(unbundle(&whole).unwrap(), [&b"one"[..], b"", b"three"]);
        for cut in [1, 3, whole.len() - 1] {
            assert!(unbundle(&whole[..cut]).is_none(), "{cut}");
        }
        assert!(unbundle(b"").unwrap().is_empty());
    }
}
