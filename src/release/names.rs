//! Which names may be released. Judged before any connection is opened.

/// What the place that a path is released to can bear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// A directory of a Unix machine: any bytes that are a name, symbolic links included.
    Directory,
    /// An SFTP site: names are text in UTF-8.
    Sftp,
    /// An FTP site: commands are lines of UTF-8 text, and there are no links.
    Ftp,
    /// A Subversion repository: text in UTF-8, links included, and no name of Subversion's own.
    Svn,
    /// A bucket: keys of UTF-8 text, not long, and no links.
    Store,
    /// A WebDAV server: names of UTF-8 text in URLs, and no links.
    Webdav,
}

/// The beginning of every name that relhook keeps for itself on a target.
pub const OWN_PREFIX: &str = ".relhook-";

/// The longest component, in bytes, that common file systems take.
const COMPONENT_LIMIT: usize = 255;

/// The longest path: FTP servers cut command lines at 4096 bytes or less.
const PATH_LIMIT: usize = 2048;

/// The longest path in a bucket: keys have 1024 bytes, and some of them go to the prefix.
const KEY_LIMIT: usize = 900;

/// Whether the path is git's own business and never released: any component that begins with
/// `.git` in any case, such as `.gitignore`, `.github/` or `.gitmodules`.
#[must_use]
pub fn is_gits_own(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').any(|name| {
        name.get(..4)
            .is_some_and(|head| head.eq_ignore_ascii_case(b".git"))
    })
}

/// Why a path must not be released to such a place, if it must not.
#[must_use]
pub fn fault(path: &[u8], surface: Surface) -> Option<&'static str> {
    if path.len() > PATH_LIMIT {
        return Some("is longer than 2048 bytes");
    }
    path.split(|byte| *byte == b'/')
        .find_map(component_fault)
        .or_else(|| match surface {
            Surface::Directory => None,
            Surface::Ftp => ftp_fault(path),
            Surface::Svn => svn_fault(path),
            Surface::Store if path.len() > KEY_LIMIT => Some("is longer than 900 bytes"),
            Surface::Sftp | Surface::Store | Surface::Webdav => text_fault(path),
        })
}

fn component_fault(name: &[u8]) -> Option<&'static str> {
    if name.is_empty() || name == b"." || name == b".." {
        Some("has a component that is empty, `.` or `..`")
    } else if name.len() > COMPONENT_LIMIT {
        Some("has a component longer than 255 bytes")
    } else if name.iter().any(u8::is_ascii_control) {
        Some("holds a control character")
    } else if name.contains(&b'\\') {
        Some("holds a backslash")
    } else if name.starts_with(OWN_PREFIX.as_bytes()) {
        Some("begins with `.relhook-`, which relhook keeps for itself")
    } else {
        None
    }
}

/// Places whose names are text can hold no others.
fn text_fault(path: &[u8]) -> Option<&'static str> {
    match std::str::from_utf8(path) {
        Err(_) => Some("is not UTF-8"),
        Ok(text) if text.chars().any(char::is_control) => Some("holds a control character"),
        Ok(_) => None,
    }
}

fn svn_fault(path: &[u8]) -> Option<&'static str> {
    let Ok(text) = std::str::from_utf8(path) else {
        return Some("is not UTF-8");
    };
    if text.chars().any(char::is_control) {
        return Some("holds a control character");
    }
    text.split('/')
        .any(|name| name.eq_ignore_ascii_case(".svn"))
        .then_some("has the component `.svn`, which Subversion keeps for itself")
}

fn ftp_fault(path: &[u8]) -> Option<&'static str> {
    if let Some(why) = text_fault(path) {
        return Some(why);
    }
    let text = std::str::from_utf8(path).unwrap_or_default();
    // Servers trim them, each in its own way.
    text.split('/')
        .any(|name| name.starts_with(' ') || name.ends_with(' '))
        .then_some("has a component that begins or ends with a space")
}

impl Surface {
    /// Whether such a place has symbolic links.
    #[must_use]
    pub fn holds_links(self) -> bool {
        match self {
            Self::Directory | Self::Sftp | Self::Svn => true,
            Self::Ftp | Self::Store | Self::Webdav => false,
        }
    }
}

/// Names that Windows keeps for devices, whatever follows behind a dot.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// Why a component of a path is none that Windows and macOS hold too, if it is none.
#[must_use]
pub fn unportable(name: &[u8]) -> Option<&'static str> {
    let Ok(text) = std::str::from_utf8(name) else {
        return Some("is not UTF-8");
    };
    let stem = text.split('.').next().unwrap_or_default().trim_end();
    if text.ends_with(['.', ' ']) {
        Some("has a component that ends with a dot or a space")
    } else if text.contains(['<', '>', ':', '"', '|', '?', '*']) {
        Some("holds a character that Windows does not take")
    } else if DEVICES
        .iter()
        .any(|device| stem.eq_ignore_ascii_case(device))
    {
        Some("has a component that Windows keeps for a device")
    } else {
        None
    }
}

/// Why a symbolic link at `path` with this target must not be released, if it must not.
///
/// A target is taken only if it is relative, climbs with leading `..` alone, and never above the
/// release. A `..` behind a name could climb out through another link, so it is refused.
#[must_use]
pub fn link_fault(path: &[u8], target: &[u8]) -> Option<&'static str> {
    if target.is_empty() || target.len() > PATH_LIMIT {
        return Some("has an empty or overlong target");
    }
    if target.starts_with(b"/") {
        return Some("has an absolute target");
    }
    if target
        .iter()
        .any(|byte| byte.is_ascii_control() || *byte == b'\\')
    {
        return Some("has a control character or a backslash in its target");
    }
    let depth = path.iter().filter(|byte| **byte == b'/').count();
    let parts: Vec<&[u8]> = target.split(|byte| *byte == b'/').collect();
    let climbs = parts.iter().take_while(|part| **part == b"..").count();
    if climbs > depth {
        return Some("leaves the release");
    }
    parts
        .iter()
        .skip(climbs)
        .any(|part| *part == b"..")
        .then_some("climbs up behind a name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u_21_gits_own_files_are_known_in_any_case() {
        for own in [
            ".git",
            ".gitignore",
            "a/.gitattributes",
            ".GitHub/x",
            ".github/w/y.yml",
        ] {
            assert!(is_gits_own(own.as_bytes()), "{own}");
        }
        for other in ["git", "a.git", ".gi", "x/legit/.htaccess"] {
            assert!(!is_gits_own(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn u_01_u_02_names_that_speak_to_the_server_are_refused() {
        for surface in [Surface::Ftp, Surface::Directory] {
            for bad in [
                "a\r\nDELE b",
                "a\nb",
                "a\0b",
                "../a",
                "a/../b",
                "a//b",
                "/a",
                "a/",
                "./a",
                "a\\b",
                ".relhook-manifest.json",
                "x/.relhook-1.tmp",
                "a\x7f",
                "",
            ] {
                assert!(fault(bad.as_bytes(), surface).is_some(), "{bad:?}");
            }
            for good in [
                "a", "a b/c", "-rf", "--rsh=x", "café", "a:b", "CON", "..a", "a..",
            ] {
                assert_eq!(fault(good.as_bytes(), surface), None, "{good:?}");
            }
            assert!(fault(&[b'x'; 256], surface).is_some());
        }
    }

    #[test]
    fn u_04_an_ftp_site_takes_utf_8_only() {
        assert!(fault(b"caf\xe9", Surface::Ftp).is_some());
        assert!(fault("a\u{85}b".as_bytes(), Surface::Ftp).is_some());
        assert!(fault(b" a", Surface::Ftp).is_some());
        assert!(fault(b"d /a", Surface::Ftp).is_some());
        assert_eq!(fault(b"caf\xe9", Surface::Directory), None);
        assert_eq!(fault(b" a", Surface::Directory), None);
    }

    #[test]
    fn u_05_links_stay_inside_the_release() {
        for (path, target) in [
            ("a", "b"),
            ("d/a", "../b"),
            ("d/e/a", "../../x/y"),
            ("a", "./b/."),
        ] {
            assert_eq!(
                link_fault(path.as_bytes(), target.as_bytes()),
                None,
                "{path} {target}"
            );
        }
        for (path, target) in [
            ("a", "/etc"),
            ("a", ".."),
            ("a", "../b"),
            ("d/a", "../../b"),
            ("a", ""),
            ("a", "d/../b"),
            ("d/a", "../e/../../.."),
            ("a", "b\nc"),
            ("a", "b\\c"),
            ("a", "./.."),
        ] {
            assert!(
                link_fault(path.as_bytes(), target.as_bytes()).is_some(),
                "{path} {target}"
            );
        }
    }
}
