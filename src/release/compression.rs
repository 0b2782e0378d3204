//! Whether what travels by ssh is compressed: where the policy asks for it, and the host does it.

use russh::compression::{self, Compression as Agreed};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// As it is.
const PLAIN: &[compression::Name] = &[compression::NONE];

/// Compressed where the host does that: from the login on (`zlib@openssh.com`), so that no password's
/// length shows, and never before it (`zlib`).
const COMPRESSED: &[compression::Name] = &[compression::ZLIB_LEGACY, compression::NONE];

/// What the policy asks for, and what was found out since. Clones share what was found out.
#[derive(Debug, Clone, Default)]
pub(in crate::release) struct Compression {
    wanted: bool,
    missing: Arc<AtomicBool>,
}

impl Compression {
    /// What the policy asks for.
    pub(in crate::release) fn new(wanted: bool) -> Self {
        Self {
            wanted,
            missing: Arc::default(),
        }
    }

    /// What is offered to the host, the best first.
    pub(in crate::release) fn offer(&self) -> &'static [compression::Name] {
        match self.wanted {
            true => COMPRESSED,
            false => PLAIN,
        }
    }

    /// What the host agreed to.
    pub(in crate::release) fn agreed(&self, to: &Agreed) {
        if matches!(to, Agreed::None) {
            self.missing.store(true, Ordering::Relaxed);
        }
    }

    /// What whoever asked for it has to know, if they did not get it.
    pub(in crate::release) fn notice(&self) -> Option<String> {
        let missing = self.missing.load(Ordering::Relaxed);
        (self.wanted && missing).then(|| {
            "the policy says `compress: true`, and the host does not do that: everything travelled as \
             it is"
                .to_owned()
        })
    }
}
