//! What the policy says about the audit log itself: whether reading it is written down, where its
//! entries go as they are made, and who has to have seen it before a release goes out.

use super::Webhook;
use crate::cosign::{WitnessId, WitnessKey};
use crate::types::{StreamName, WitnessName};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The policy's `audit` section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditPolicy {
    /// Whether reading the log through a command is an entry of it.
    pub reading: Reading,
    /// Where entries go, by name.
    pub streams: BTreeMap<StreamName, Stream>,
    /// The independent parties that cosign what the log is, by name; no two have one key.
    pub witnesses: BTreeMap<WitnessName, WitnessKey>,
    /// How many of them have to have cosigned the entry that accepted a release before it goes out.
    pub required: u32,
}

impl AuditPolicy {
    /// The witness whose key has this identifier.
    #[must_use]
    pub fn witness(&self, id: WitnessId) -> Option<(&WitnessName, &WitnessKey)> {
        self.witnesses.iter().find(|(_, key)| key.id() == id)
    }
}

/// Whether reading the log is written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reading {
    /// It is not.
    #[default]
    Free,
    /// Each reading through a command is an entry, and none happens without it.
    Logged,
}

/// A place to which every entry goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Whether what is kept beside the entries goes there too.
    pub names: StreamNames,
    /// What the place is.
    pub place: StreamPlace,
}

/// Whether names, logins and what people wrote leave the machine with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamNames {
    /// The entry goes alone, as it is in the tree.
    Withheld,
    /// What is kept beside it goes along.
    Sent,
}

/// A place for entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamPlace {
    /// The machine's journal, at this socket.
    Journald(PathBuf),
    /// A syslog server.
    Syslog(Syslog),
    /// The end of a file.
    File(PathBuf),
    /// A program that gets them on its standard input; its absolute path, and its arguments.
    Command(Vec<String>),
    /// A POST of JSON.
    Webhook(Webhook),
}

impl StreamPlace {
    /// The file in the policy's `keys/` folder that it trusts, if it names one.
    #[must_use]
    pub fn ca(&self) -> Option<&str> {
        match self {
            Self::Webhook(webhook) => webhook.ca.as_deref(),
            Self::Syslog(syslog) => match &syslog.via {
                SyslogVia::Tls { ca, .. } => ca.as_deref(),
                SyslogVia::Local(_) | SyslogVia::Udp(_) | SyslogVia::Tcp(_) => None,
            },
            Self::Journald(_) | Self::File(_) | Self::Command(_) => None,
        }
    }
}

/// A syslog server and what it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Syslog {
    /// What kind of message these are to it.
    pub facility: Facility,
    /// How a message is written.
    pub form: SyslogForm,
    /// The longest message that it takes as a whole, in bytes.
    pub max_message: u32,
    /// How it is reached.
    pub via: SyslogVia,
}

/// How a syslog message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyslogForm {
    /// As RFC 5424 has it.
    Rfc5424,
    /// As the C library writes to the machine's own socket, which is what listens there expects.
    Bsd,
}

impl SyslogForm {
    /// Every one, with the word that the policy has for it.
    pub const ALL: [(&'static str, Self); 2] = [("rfc5424", Self::Rfc5424), ("bsd", Self::Bsd)];
}

/// A facility of syslog (RFC 5424) that an audit log may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facility(pub u8);

impl Facility {
    /// Every one, with the word that the policy has for it.
    pub const ALL: [(&'static str, Self); 12] = [
        ("user", Self(1)),
        ("daemon", Self(3)),
        ("auth", Self(4)),
        ("authpriv", Self(10)),
        ("local0", Self(16)),
        ("local1", Self(17)),
        ("local2", Self(18)),
        ("local3", Self(19)),
        ("local4", Self(20)),
        ("local5", Self(21)),
        ("local6", Self(22)),
        ("local7", Self(23)),
    ];

    /// The one that messages about who may do what have: most machines keep them from other accounts.
    pub const AUTHPRIV: Self = Self(10);
}

/// How a syslog server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyslogVia {
    /// By a socket of this machine.
    Local(PathBuf),
    /// A datagram each (RFC 5426).
    Udp(SyslogHost),
    /// A connection, in the clear (RFC 6587, counted).
    Tcp(SyslogHost),
    /// A connection, encrypted (RFC 5425).
    Tls {
        /// Where.
        host: SyslogHost,
        /// The file in `keys/` with the authorities to trust, instead of the machine's.
        ca: Option<String>,
    },
}

/// A syslog server on the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyslogHost {
    /// Its name or address.
    pub host: String,
    /// The port.
    pub port: u16,
}
