//! What a target of the policy is: where releases go, and how.

use super::PathGlobs;
use crate::types::TargetName;
use std::path::PathBuf;

/// A place in production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The policy's name for it.
    pub name: TargetName,
    /// The folder of the tree that is released; the whole tree if absent. No trailing `/`.
    pub from: Option<String>,
    /// Globs, in the tree's own paths, of what is not released; `.git*` never is.
    pub exclude: PathGlobs,
    /// Where and how.
    pub kind: TargetKind,
}

/// Where a release goes and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetKind {
    /// A directory on the server's own machine.
    Dir(DirTarget),
    /// An FTP site.
    Ftp(FtpTarget),
}

/// `releases/<n>` and a `current` symlink below a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirTarget {
    /// The absolute path.
    pub path: PathBuf,
    /// How many releases are kept; at least 1.
    pub keep: u32,
}

/// An FTP site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FtpTarget {
    /// The host's name or address.
    pub host: String,
    /// The control connection's port.
    pub port: u16,
    /// The directory on the site: absolute, no trailing `/` unless it is `/`.
    pub path: String,
    /// Whether and how the connection is encrypted.
    pub tls: TlsMode,
    /// The name of a file in the policy's `keys/` folder (without `keys/`) with the authorities to
    /// trust, instead of the machine's.
    pub ca: Option<String>,
    /// How many connections at once; 1 to 16.
    pub connections: u32,
}

/// How an FTP connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// Not at all; the policy had to say so.
    Plain,
    /// `AUTH TLS` on the ordinary port (RFC 4217).
    Explicit,
    /// TLS from the first byte.
    Implicit,
}
