//! The files in `hooks/`, and the programs that they run.

use crate::setup::{Found, Place, Shim, VERSION_LINE, look};
use crate::types::escape;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One of relhook's hooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HookFile {
    /// Its name.
    pub(super) name: &'static str,
    /// Its file, from the repository's folder, escaped.
    pub(super) path: String,
    /// How it stands.
    pub(super) stands: Stands,
}

/// How a hook's file stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stands {
    /// As this version installs it, for that program.
    AsInstalled {
        /// What it runs.
        program: PathBuf,
    },
    /// There is none.
    Absent,
    /// A link to nothing.
    Dangling,
    /// It holds nothing, and a shell that runs nothing succeeds.
    Empty,
    /// git passes over it.
    NotExecutable,
    /// A folder, a device, a link.
    NoFile,
    /// Ours by its mark, and otherwise not.
    Altered,
    /// Ours, with other permissions.
    OddMode(u32),
    /// Not ours.
    Foreign,
    /// It cannot be read.
    Unreadable(String),
}

impl HookFile {
    /// Looks at one.
    pub(super) fn look(git_dir: &Path, place: &Place) -> Self {
        let stands = stands(&git_dir.join(&place.path), &place.shim);
        Self {
            name: place.shim.name,
            path: escape(place.path.as_os_str().as_bytes()),
            stands: stands.unwrap_or_else(Stands::Unreadable),
        }
    }

    /// What it runs, where that is known.
    fn program(&self) -> Option<&Path> {
        match &self.stands {
            Stands::AsInstalled { program } => Some(program),
            Stands::Absent
            | Stands::Dangling
            | Stands::Empty
            | Stands::NotExecutable
            | Stands::NoFile
            | Stands::Altered
            | Stands::OddMode(_)
            | Stands::Foreign
            | Stands::Unreadable(_) => None,
        }
    }
}

fn stands(path: &Path, shim: &Shim) -> Result<Stands, String> {
    let said = |error: io::Error| error.to_string();
    let meta = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Stands::Absent),
        other => other.map_err(said)?,
    };
    if meta.is_symlink() && !path.exists() {
        return Ok(Stands::Dangling);
    }
    // What a link leads to is another program's way to keep hooks.
    if !meta.is_file() {
        return Ok(if meta.is_symlink() {
            Stands::Foreign
        } else {
            Stands::NoFile
        });
    }
    if meta.len() == 0 {
        return Ok(Stands::Empty);
    }
    if rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_err() || meta.mode() & 0o111 == 0 {
        return Ok(Stands::NotExecutable);
    }
    let program = names(path).map_err(said)?;
    let text = shim.render(&program).map_err(|error| error.to_string());
    // A program that cannot stand in a hook is in none of ours.
    let text = text.unwrap_or_default();
    let mode = meta.mode() & 0o7777;
    Ok(
        match look(path, &text).map_err(|error| error.to_string())? {
            Found::Good => Stands::AsInstalled { program },
            Found::Foreign => Stands::Foreign,
            Found::Wanting if fs::read(path).map_err(said)? == text => Stands::OddMode(mode),
            Found::Wanting => Stands::Altered,
        },
    )
}

/// The program that a hook of ours names; nothing that exists where it is none.
fn names(path: &Path) -> io::Result<PathBuf> {
    use std::io::Read;
    let mut text = Vec::new();
    fs::File::open(path)?
        .take(64 << 10)
        .read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().find_map(|line| line.strip_prefix("relhook="));
    let quoted = line.unwrap_or_default().replace("'\\''", "\u{0}");
    let bare = quoted.trim_matches('\'').replace('\u{0}', "'");
    Ok(PathBuf::from(bare))
}

/// A program that hooks run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Program {
    /// It says what it is.
    Runs {
        /// Its path, escaped.
        path: String,
        /// What it says.
        version: String,
    },
    /// It does not.
    Fails {
        /// Its path, escaped.
        path: String,
        /// Why.
        why: String,
    },
}

impl Program {
    fn look(path: &Path) -> Self {
        let shown = escape(path.as_os_str().as_bytes());
        let mut command = Command::new(path);
        command.arg("--version").env_clear();
        match command.stdin(Stdio::null()).output() {
            Ok(said) if said.status.success() => Self::Runs {
                path: shown,
                version: escape(said.stdout.trim_ascii()).chars().take(60).collect(),
            },
            Ok(said) => Self::Fails {
                path: shown,
                why: format!("`--version` ended with {}", said.status),
            },
            Err(error) => Self::Fails {
                path: shown,
                why: error.to_string(),
            },
        }
    }

    /// Whether it is of this version.
    pub(super) fn is_ours(&self) -> bool {
        self.version() == VERSION_LINE
    }

    /// What it says that it is.
    pub(super) fn version(&self) -> &str {
        match self {
            Self::Runs { version, .. } => version,
            Self::Fails { .. } => "",
        }
    }
}

/// The programs of some hooks, each once.
pub(super) fn programs(files: &[HookFile]) -> Vec<Program> {
    let mut paths: Vec<&Path> = files.iter().filter_map(HookFile::program).collect();
    paths.sort();
    paths.dedup();
    paths.into_iter().map(Program::look).collect()
}

/// Whether a hook in `folder` can be run at all: its interpreter is there, and its file system is
/// not mounted against it.
pub(super) fn may_run(folder: &Path) -> Option<bool> {
    let shell = rustix::fs::access("/bin/sh", rustix::fs::Access::EXEC_OK).is_ok();
    let system = rustix::fs::statvfs(folder).ok()?;
    let barred = rustix::fs::StatVfsMountFlags::NOEXEC;
    Some(shell && !system.f_flag.contains(barred))
}

/// The hooks and folders of hooks that are not relhook's, samples left out, sorted and escaped.
pub(super) fn others(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(is_run)
        .map(|entry| escape(entry.file_name().as_bytes()))
        .filter(|name| !crate::setup::SERVER.iter().any(|shim| shim.name == name))
        .collect();
    names.sort();
    names.truncate(20);
    names
}

/// Whether git, or a runner of hooks, might run it.
fn is_run(entry: &fs::DirEntry) -> bool {
    let name = entry.file_name();
    let name = name.as_bytes();
    // `update` comes after relhook's refusal and can only refuse more.
    if name == b"update"
        || name.ends_with(b".sample")
        || name.ends_with(b".old")
        || name.starts_with(b".")
    {
        return false;
    }
    match fs::metadata(entry.path()) {
        Ok(meta) if meta.is_dir() => name.ends_with(b".d"),
        Ok(meta) => meta.mode() & 0o111 != 0,
        Err(_) => false,
    }
}
