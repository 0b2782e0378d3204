//! FTP sites.

use crate::common::ftpd::{Ftpd, PASSWORD, Tls, USER};
use crate::common::proftpd::{self, Proftpd};
use crate::common::pureftpd::{self, Pureftpd};
use crate::conformance::{Has, Kind, Nature, Obstacle, Others, Shows};
use std::path::{Path, PathBuf};

/// What is true of every FTP site.
pub const NATURE: Nature = Nature {
    folders: Has::Yes,
    empties: Has::Yes,
    shows: Shows::FileByFile,
    others: Others::Among,
    obstacle: Obstacle::File,
    looks: Has::Yes,
    server: Has::Yes,
    unholdable: b"caf\xe9",
};

/// A site as the policy writes it.
pub fn lines(kind: &str, tls: &str, port: u16, path: &Path) -> String {
    let ca = match tls {
        "none" => "",
        _ => "    ca: keys/right.pem\n",
    };
    format!(
        "    kind: {kind}\n    host: localhost\n    port: {port}\n    tls: {tls}\n    \
         path: {}\n    connections: 2\n{ca}",
        path.display()
    )
}

/// A user and a password, as credentials.
pub fn account(user: &str, password: &str) -> String {
    format!("user={user}\npassword={password}\n")
}

/// A password that no server takes.
pub fn wrong(user: &str) -> (String, String) {
    let secret = "wrong-battery-staple";
    (account(user, secret), secret.to_owned())
}

/// The kinds of vsftpd.
macro_rules! vsftpd {
    ($($(#[$about:meta])* $name:ident: $kind:literal, $tls:literal, $how:expr;)*) => {$(
        $(#[$about])*
        pub struct $name(Ftpd);

        impl Kind for $name {
            const NATURE: Nature = NATURE;

            fn start() -> Self {
                Self(Ftpd::start($how))
            }

            fn policy(&self) -> String {
                lines($kind, $tls, self.0.port, &self.0.site())
            }

            fn account(&self) -> Option<String> {
                Some(account(USER, PASSWORD))
            }

            fn wrong_account(&self) -> Result<(String, String), &'static str> {
                Ok(wrong(USER))
            }

            fn root(&self) -> PathBuf {
                self.0.site()
            }

            fn sent(&self) -> Result<usize, &'static str> {
                Ok(self.0.uploads())
            }

            fn leaves(&mut self) {
                self.0.stops();
            }

            fn returns(&mut self) {
                self.0.starts_again();
            }
        }
    )*};
}

vsftpd! {
    /// Not encrypted.
    Plain: "ftp", "none", Tls::None;
    /// `AUTH TLS`.
    Explicit: "ftps", "explicit", Tls::Explicit;
    /// TLS from the first byte.
    Implicit: "ftps", "implicit", Tls::Implicit;
}

/// `kind: ftps`, proftpd.
pub struct Pro(Proftpd);

impl Kind for Pro {
    const NATURE: Nature = NATURE;

    fn start() -> Self {
        Self(Proftpd::start())
    }

    fn policy(&self) -> String {
        lines("ftps", "explicit", self.0.port, &self.0.site())
    }

    fn account(&self) -> Option<String> {
        Some(account(proftpd::USER, proftpd::PASSWORD))
    }

    fn wrong_account(&self) -> Result<(String, String), &'static str> {
        Ok(wrong(proftpd::USER))
    }

    fn root(&self) -> PathBuf {
        self.0.site()
    }

    fn sent(&self) -> Result<usize, &'static str> {
        Ok(self.0.uploads())
    }

    fn leaves(&mut self) {
        self.0.stops();
    }

    fn returns(&mut self) {
        self.0.starts();
    }
}

/// `kind: ftps`, pure-ftpd.
pub struct Pure(Pureftpd);

impl Kind for Pure {
    const NATURE: Nature = NATURE;

    fn start() -> Self {
        Self(Pureftpd::start())
    }

    fn policy(&self) -> String {
        lines("ftps", "explicit", self.0.port, &self.0.site())
    }

    fn account(&self) -> Option<String> {
        Some(account(pureftpd::USER, pureftpd::PASSWORD))
    }

    fn wrong_account(&self) -> Result<(String, String), &'static str> {
        Ok(wrong(pureftpd::USER))
    }

    fn root(&self) -> PathBuf {
        self.0.site()
    }

    fn settle(&self) {
        self.0.hands_over();
    }

    fn sent(&self) -> Result<usize, &'static str> {
        Ok(self.0.uploads())
    }

    fn leaves(&mut self) {
        self.0.stops();
    }

    fn returns(&mut self) {
        self.0.starts();
    }
}
