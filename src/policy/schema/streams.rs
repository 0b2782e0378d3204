//! `audit.streams`: where entries of the audit log go, each under a name.

use super::notify::{command, misplaced, webhook};
use super::targets::{count, host, optional_ca};
use super::{Complaints, Entry, Fault, Fields, checked, fields, shown, values};
use crate::policy::suggest;
use crate::policy::{
    Facility, Stream, StreamNames, StreamPlace, Syslog, SyslogForm, SyslogHost, SyslogVia,
};
use std::path::PathBuf;

/// The machine's journal, where the policy does not say.
const JOURNAL: &str = "/run/systemd/journal/socket";
/// The machine's syslog, where the policy does not say.
const DEV_LOG: &str = "/dev/log";

/// The longest message that servers take which were not told of longer ones, in bytes.
const MAX_MESSAGE: u32 = 8192;

/// The keys that every stream may have.
const COMMON: &[&str] = &["kind", "names"];
const JOURNALD: &[&str] = &["socket"];
const SYSLOG: &[&str] = &[
    "transport",
    "format",
    "facility",
    "max_message",
    "socket",
    "host",
    "port",
    "ca",
];
const FILE: &[&str] = &["path"];
const COMMAND: &[&str] = &["run"];
const WEBHOOK: &[&str] = &["url", "ca"];

/// What a place is, as the policy names it.
#[derive(Clone, Copy)]
enum Kind {
    Journald,
    Syslog,
    File,
    Command,
    Webhook,
}

impl Kind {
    const ALL: [(&'static str, Self); 5] = [
        ("journald", Self::Journald),
        ("syslog", Self::Syslog),
        ("file", Self::File),
        ("command", Self::Command),
        ("webhook", Self::Webhook),
    ];

    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Journald => JOURNALD,
            Self::Syslog => SYSLOG,
            Self::File => FILE,
            Self::Command => COMMAND,
            Self::Webhook => WEBHOOK,
        }
    }
}

/// How a syslog server is reached, as the policy names it.
#[derive(Clone, Copy)]
enum Transport {
    Local,
    Udp,
    Tcp,
    Tls,
}

impl Transport {
    const ALL: [(&'static str, Self); 4] = [
        ("local", Self::Local),
        ("udp", Self::Udp),
        ("tcp", Self::Tcp),
        ("tls", Self::Tls),
    ];

    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Local => &["socket"],
            Self::Udp | Self::Tcp => &["host", "port"],
            Self::Tls => &["host", "port", "ca"],
        }
    }
}

/// One stream.
pub(super) fn stream(entry: &Entry, complaints: &mut Complaints) -> Option<Stream> {
    let known = [
        "kind",
        "names",
        "socket",
        "transport",
        "facility",
        "format",
        "max_message",
        "host",
        "port",
        "ca",
        "path",
        "run",
        "url",
    ];
    let what = (entry.key.text.as_str(), entry.key_at);
    let fields = Fields::read(&entry.value, what, "a stream", &known, complaints)?;
    let names = fields.optional("names", complaints, fields::truth);
    let kind = fields.required("kind", complaints, |node, what, complaints| {
        fields::choice(node, what, &Kind::ALL, complaints)
    })?;
    let place = "a stream of this kind";
    let fitting = [COMMON, kind.keys()].concat();
    misplaced(&fields, place, &fitting, &known, complaints);
    let place = match kind {
        Kind::Journald => path(&fields, "socket", JOURNAL, complaints).map(StreamPlace::Journald),
        Kind::Syslog => syslog(&fields, complaints).map(StreamPlace::Syslog),
        Kind::File => file(&fields, complaints).map(StreamPlace::File),
        Kind::Command => command(&fields, complaints).map(StreamPlace::Command),
        Kind::Webhook => webhook(&fields, complaints).map(StreamPlace::Webhook),
    };
    Some(Stream {
        names: match names {
            Some(true) => StreamNames::Sent,
            Some(false) | None => StreamNames::Withheld,
        },
        place: place?,
    })
}

/// An absolute path that may be left out; nothing where one is written that does not fit.
fn path(
    fields: &Fields<'_>,
    key: &str,
    default: &str,
    complaints: &mut Complaints,
) -> Option<PathBuf> {
    let check = |text: &str| values::absolute(text, false);
    let text = super::checked_text(fields, key, complaints, check)?;
    Some(text.map_or_else(|| default.into(), PathBuf::from))
}

fn file(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<PathBuf> {
    let path = fields.required("path", complaints, |node, what, complaints| {
        checked(node, what, complaints, |text| values::absolute(text, false))
    });
    path.map(|path| path.value.into())
}

fn syslog(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<Syslog> {
    let facility = match fields.get("facility") {
        None => Some(Facility::AUTHPRIV),
        Some(entry) => fields::choice(&entry.value, "facility", &Facility::ALL, complaints),
    };
    // There is none without being asked for: nobody sends in the clear by leaving something out.
    let transport = fields.required("transport", complaints, |node, what, complaints| {
        fields::choice(node, what, &Transport::ALL, complaints)
    })?;
    for key in ["socket", "host", "port", "ca"] {
        let fits = transport.keys().contains(&key);
        if let Some(entry) = fields.get(key).filter(|_| !fits) {
            let (key, place) = (shown(key), "a stream of this `transport`");
            let hint = || suggest::hint("", transport.keys().iter().copied());
            complaints.push(entry.key_at, Fault::UnknownKey { key, place }, hint);
        }
    }
    let form = match (fields.get("format"), transport) {
        (Some(entry), _) => fields::choice(&entry.value, "format", &SyslogForm::ALL, complaints),
        (None, Transport::Local) => Some(SyslogForm::Bsd),
        (None, Transport::Udp | Transport::Tcp | Transport::Tls) => Some(SyslogForm::Rfc5424),
    };
    let max_message = count(fields, "max_message", 1024..=65536, MAX_MESSAGE, complaints);
    let via = match transport {
        Transport::Local => path(fields, "socket", DEV_LOG, complaints).map(SyslogVia::Local),
        Transport::Udp => server(fields, 514, complaints).map(SyslogVia::Udp),
        Transport::Tcp => server(fields, 514, complaints).map(SyslogVia::Tcp),
        Transport::Tls => {
            let ca = optional_ca(fields, complaints);
            let host = server(fields, 6514, complaints);
            host.zip(ca).map(|(host, ca)| SyslogVia::Tls { host, ca })
        }
    };
    Some(Syslog {
        facility: facility?,
        form: form?,
        max_message: max_message?,
        via: via?,
    })
}

fn server(fields: &Fields<'_>, port: u32, complaints: &mut Complaints) -> Option<SyslogHost> {
    let host = fields.required("host", complaints, host);
    let port = count(fields, "port", 1..=65535, port, complaints);
    Some(SyslogHost {
        host: host?,
        port: u16::try_from(port?).ok()?,
    })
}
