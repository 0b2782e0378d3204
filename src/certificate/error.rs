//! Why a push certificate shows nobody.

use super::{MAX_CERTIFICATE_BYTES, MIN_SEED_BYTES};
use crate::object::ObjectError;
use crate::signature::SignatureProblem;
use crate::types::RefNameError;

/// What breaks the grammar. Everything taken from the certificate is escaped and cut short.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrammarError {
    /// Larger than relhook reads.
    #[error("its {size} bytes are more than the {MAX_CERTIFICATE_BYTES} that are read")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
    },
    /// A control character.
    #[error("it holds the control character \\x{byte:02x}")]
    Control {
        /// Which.
        byte: u8,
    },
    /// A line that ends before its line break.
    #[error("it is cut off")]
    Cut,
    /// A line that is longer than any that git writes.
    #[error("a line is too long: `{line}`")]
    LongLine {
        /// Its head.
        line: String,
    },
    /// The first line is not `certificate version 0.1`.
    #[error("its first line is not `certificate version 0.1`")]
    Version,
    /// A header that has to be there.
    #[error("the header `{header}` is not where it has to be")]
    Missing {
        /// Which.
        header: &'static str,
    },
    /// A header that is unknown, empty, a second time there or out of its place.
    #[error("the header line `{line}` is unknown, empty, there twice or out of its place")]
    Header {
        /// The line.
        line: String,
    },
    /// More push options than relhook reads.
    #[error("it holds too many push options")]
    TooManyOptions,
    /// A line behind the headers that is not `<old> <new> <ref>`.
    #[error("the line `{line}` is not `<old> <new> <ref>`")]
    RefLine {
        /// The line.
        line: String,
    },
    /// A line for a ref that cannot be one.
    #[error(transparent)]
    RefName(#[from] RefNameError),
    /// No ref is named.
    #[error("it names no ref")]
    NoRefs,
    /// There is no signature.
    #[error("it is not signed")]
    Unsigned,
    /// Not exactly one clean signature at the end.
    #[error(transparent)]
    Signature(#[from] ObjectError),
}

/// Why a push certificate shows nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// It does not fit the grammar.
    #[error("it cannot be read: {0}")]
    Grammar(#[from] GrammarError),
    /// It was signed for other refs or values than git hands over.
    #[error("it was signed for other refs or values than this push is for")]
    OtherUpdates,
    /// It was signed with other push options than git hands over.
    #[error("it was signed with other push options than this push has")]
    OtherOptions,
    /// It names no server.
    #[error("it does not say to which server it was pushed")]
    NoPushee,
    /// It was made for another server.
    #[error("it was signed for a push to `{pushee}`, and this is {expected}")]
    OtherPushee {
        /// The address in it, escaped and without a password.
        pushee: String,
        /// What would be accepted.
        expected: String,
    },
    /// The server has no secret to make nonces with.
    #[error("this server has no receive.certNonceSeed, so no certificate can be shown to be fresh")]
    NoSeed,
    /// The secret can be guessed.
    #[error(
        "this server's receive.certNonceSeed is shorter than {MIN_SEED_BYTES} bytes, so a nonce could be guessed"
    )]
    WeakSeed,
    /// It holds no nonce.
    #[error("it holds no nonce of this server's")]
    NoNonce,
    /// The nonce is not one that this server made for this repository.
    #[error("its nonce was not made by this server for this repository")]
    ForeignNonce,
    /// The nonce is not the one that git gave out for this push.
    #[error("its nonce is not the one of this push (git says {status})")]
    OtherNonce {
        /// What git says, escaped.
        status: String,
    },
    /// The nonce is too old.
    #[error("its nonce is {age} seconds old, and {limit} is the most")]
    Stale {
        /// Its age in seconds.
        age: u64,
        /// The most, in seconds.
        limit: u64,
    },
    /// The nonce says that it was made later than now.
    #[error("its nonce is {ahead} seconds ahead of this server's clock")]
    Future {
        /// How far, in seconds.
        ahead: u64,
    },
    /// This server's settings cannot be read.
    #[error("this server's settings cannot be read: {why}")]
    Settings {
        /// Why, escaped.
        why: String,
    },
    /// It was used by an earlier push.
    #[error("it was used by an earlier push: each is good for one")]
    Used,
    /// Its signature does not count.
    #[error("its signature does not count: {0}")]
    Signature(SignatureProblem),
    /// It is by a key that is nobody's.
    #[error("it is signed by {key}, which is no person's key in the policy")]
    Nobody {
        /// The key.
        key: String,
    },
}

impl CertificateError {
    /// What helps, in a few words.
    #[must_use]
    pub fn mend(&self) -> String {
        const AGAIN: &str = "push again; git makes a new certificate";
        match self {
            Self::Grammar(_) | Self::OtherUpdates | Self::OtherOptions | Self::NoPushee => {
                "push with git itself: git push --signed".to_owned()
            }
            Self::OtherPushee { .. } => "push to this repository's own address; if that is one of \
                 its addresses, an administrator can say so: git config --add relhook.pushee \
                 <address>"
                .to_owned(),
            Self::NoSeed | Self::WeakSeed => "an administrator can make a strong one, on the \
                 server: relhook init"
                .to_owned(),
            Self::Settings { .. } => {
                "an administrator can look, on the server: git config --list".to_owned()
            }
            Self::NoNonce => "push to this server itself: git push --signed".to_owned(),
            Self::ForeignNonce => format!("{AGAIN}; if it stays, name the repository by its path"),
            Self::OtherNonce { status } if status == "SLOP" => {
                "push again; an administrator can allow more time to sign over http: git config \
                 receive.certNonceSlop 300"
                    .to_owned()
            }
            Self::OtherNonce { .. } | Self::Stale { .. } | Self::Used => AGAIN.to_owned(),
            Self::Future { .. } => {
                "push again; if it stays, an administrator can set the server's \
                 clock"
                    .to_owned()
            }
            Self::Signature(_) | Self::Nobody { .. } => "sign with a key that the policy has for \
                 you (git config user.signingKey), or have this one added"
                .to_owned(),
        }
    }
}
