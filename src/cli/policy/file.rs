//! A policy that is still a file.

use crate::policy::{MAX_POLICY_BYTES, Policy, PolicyErrors};
use crate::types::escape;
use anyhow::Context;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A file that is read whole: what messages call it, and what it holds.
pub(super) struct File {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

impl File {
    /// Reads a file, or standard input for `-`: as much as a policy may be, and a byte more.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        let limit = MAX_POLICY_BYTES as u64 + 1;
        let mut bytes = Vec::new();
        if file == Path::new("-") {
            std::io::stdin().take(limit).read_to_end(&mut bytes)?;
            let name = "standard input".to_owned();
            return Ok(Self { name, bytes });
        }
        let name = escape(file.as_os_str().as_bytes());
        let opened = std::fs::File::open(file).with_context(|| format!("{name} cannot be read"))?;
        let read = opened.take(limit).read_to_end(&mut bytes);
        read.with_context(|| format!("{name} cannot be read"))?;
        Ok(Self { name, bytes })
    }

    /// The policy that it holds.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn policy(&self) -> Result<Policy, PolicyErrors> {
        Policy::parse(&self.bytes, &self.name)
    }
}
