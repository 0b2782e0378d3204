//! Whether what travels by ssh is compressed: where the policy asks for it, and the host does it.

use russh::compression::{self, Compression as Agreed};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// As it is.
const PLAIN: &[compression::Name] = &[compression::NONE];

/// Compressed where the host does that, and from the login on alone: how well a password compresses tells
/// of it. So `zlib`, which begins before, is never offered.
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
            "the policy says `compress: true`, and the host does not do that: files travelled as they \
             are"
                .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u_12_nothing_is_compressed_before_the_login() {
        let offered = |wanted| {
            let names = Compression::new(wanted).offer().iter();
            names.map(AsRef::as_ref).collect::<Vec<&str>>()
        };
        assert_eq!(offered(true), ["zlib@openssh.com", "none"]);
        assert_eq!(offered(false), ["none"]);
    }

    #[test]
    fn whoever_did_not_ask_for_it_is_not_told() {
        for (wanted, agreed, told) in [
            (true, Agreed::None, true),
            (true, Agreed::ZlibOpenSSH, false),
            (false, Agreed::None, false),
        ] {
            let compression = Compression::new(wanted);
            compression.clone().agreed(&agreed);
            assert_eq!(compression.notice().is_some(), told, "{wanted} {agreed:?}");
        }
    }
}
