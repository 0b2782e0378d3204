//! What a git client asks an ssh server to run: one of three programs, and one quoted path.

use super::ServeError;

/// The longest request, in bytes.
const MAX_REQUEST: usize = 8 << 10;

/// What git is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// `git-receive-pack`: take a push.
    Receive,
    /// `git-upload-pack`: serve a fetch or clone.
    Upload,
    /// `git-upload-archive`: serve `git archive --remote`.
    Archive,
}

impl Service {
    const ALL: [Self; 3] = [Self::Receive, Self::Upload, Self::Archive];

    /// The program as a client names it.
    fn program(self) -> &'static [u8] {
        match self {
            Self::Receive => b"git-receive-pack",
            Self::Upload => b"git-upload-pack",
            Self::Archive => b"git-upload-archive",
        }
    }

    /// git's own command for it.
    #[must_use]
    pub fn subcommand(self) -> &'static str {
        match self {
            Self::Receive => "receive-pack",
            Self::Upload => "upload-pack",
            Self::Archive => "upload-archive",
        }
    }
}

/// A request, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What git is to do.
    pub service: Service,
    /// Where, as the client wrote it: bytes without NUL, unchecked beyond that.
    pub path: Vec<u8>,
}

impl Request {
    /// Reads `git-receive-pack '<path>'` and its like, quoted exactly as git quotes: one blank,
    /// the path in single quotes, each `'` and `!` in it as `'\''` and `'\!'`.
    ///
    /// # Errors
    /// When it is anything else; nothing is guessed.
    pub fn parse(text: &[u8]) -> Result<Self, ServeError> {
        if text.len() > MAX_REQUEST {
            return Err(ServeError::TooLong);
        }
        let split = Service::ALL.into_iter().find_map(|service| {
            let rest = text.strip_prefix(service.program())?;
            Some((service, rest.strip_prefix(b" ")?))
        });
        let Some((service, quoted)) = split else {
            return Err(ServeError::NotGit { shown: shown(text) });
        };
        match unquote(quoted) {
            Some(path) if !path.is_empty() && !path.contains(&0) => Ok(Self { service, path }),
            Some(_) | None => Err(ServeError::Quoting { shown: shown(text) }),
        }
    }
}

/// What stands in single quotes as git writes them; nothing where it would have written otherwise.
fn unquote(quoted: &[u8]) -> Option<Vec<u8>> {
    let mut rest = quoted.strip_prefix(b"'")?;
    let mut path = Vec::with_capacity(rest.len());
    loop {
        let (first, after) = rest.split_first()?;
        rest = match (*first, after) {
            (b'\'', []) => return Some(path),
            (b'\'', [b'\\', escaped @ (b'\'' | b'!'), b'\'', tail @ ..]) => {
                path.push(*escaped);
                tail
            }
            // A quote that ends before the end, or `!`, which git never leaves as it is.
            (b'\'' | b'!', _) => return None,
            (plain, tail) => {
                path.push(plain);
                tail
            }
        };
    }
}

/// The request for a message, cut.
fn shown(text: &[u8]) -> String {
    crate::types::escape(text.get(..text.len().min(160)).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// How git quotes an argument for ssh.
    fn quoted(path: &[u8]) -> Vec<u8> {
        let mut text = b"'".to_vec();
        for byte in path {
            match byte {
                b'\'' | b'!' => text.extend([b'\'', b'\\', *byte, b'\'']),
                plain => text.push(*plain),
            }
        }
        text.push(b'\'');
        text
    }

    fn asked(service: Service, path: &[u8]) -> Vec<u8> {
        [service.program(), b" ", &quoted(path)].concat()
    }

    #[test]
    fn reads_what_git_writes() {
        for service in Service::ALL {
            for path in [
                &b"site.git"[..],
                b"/srv/git/a b.git",
                b"it's!",
                b"'",
                b"!!",
                b"\xff\\x",
            ] {
                let request = Request::parse(&asked(service, path)).unwrap();
                let path = path.to_vec();
                assert_eq!(request, Request { service, path });
            }
        }
    }

    #[test]
    fn i_31_anything_else_is_refused() {
        for text in [
            "",
            " ",
            "sh",
            "git-receive-pack",
            "git-receive-pack ",
            "git-receive-pack site.git",
            "git-receive-pack \"site.git\"",
            "git-receive-pack ''",
            "git-receive-pack 'site.git",
            "git-receive-pack  'site.git'",
            " git-receive-pack 'site.git'",
            "git-receive-pack 'site.git' ",
            "git-receive-pack 'site.git'\n",
            "git-receive-pack 'site.git'; id",
            "git-receive-pack 'site.git' 'other.git'",
            "git-receive-pack --advertise-refs 'site.git'",
            "git-receive-pack 'a'b",
            "git-receive-pack 'a'\\''",
            "git-receive-pack 'a'\\'b'",
            "git-receive-pack 'a!b'",
            "git-receive-pack 'a'\\$'b'",
            "git-receive-pack $(id)",
            "git-receive-pack 'a\0b'",
            "git receive-pack 'site.git'",
            "Git-Receive-Pack 'site.git'",
            "git-receive-packs 'site.git'",
            "git-shell 'site.git'",
            "/usr/bin/git-receive-pack 'site.git'",
            "RELHOOK_LOGIN=rita git-receive-pack 'site.git'",
            "env GIT_DIR=/x git-receive-pack 'site.git'",
            "git -c core.hooksPath=/dev/null receive-pack 'site.git'",
            "git-upload-pack 'site.git' && git-receive-pack 'site.git'",
        ] {
            assert!(Request::parse(text.as_bytes()).is_err(), "{text:?}");
        }
        let long = asked(Service::Receive, &[b'x'; MAX_REQUEST]);
        assert!(matches!(Request::parse(&long), Err(ServeError::TooLong)));
    }

    proptest! {
        /// Every path comes back as it was; so there is one way only to write each.
        #[test]
        fn every_path_survives_gits_quoting(path in prop::collection::vec(1_u8.., 1..200)) {
            let request = Request::parse(&asked(Service::Upload, &path)).unwrap();
            prop_assert_eq!(request.path, path);
        }

        /// What is read is exactly what git would have written for it, whatever the input was.
        #[test]
        fn nothing_is_read_that_git_would_not_write(
            head in prop::sample::select(vec!["git-receive-pack ", "git-upload-pack '", "", "git-upload-archive '"]),
            tail in prop::collection::vec(prop::sample::select(b"'\\! ab/.-;$\0\n".to_vec()), 0..24),
        ) {
            let text = [head.as_bytes(), &tail].concat();
            if let Ok(request) = Request::parse(&text) {
                prop_assert_eq!(asked(request.service, &request.path), text);
            }
        }

        /// Random bytes are never a panic.
        #[test]
        fn random_bytes_are_answered(text in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Request::parse(&text);
        }
    }
}
