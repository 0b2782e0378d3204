//! Reading the settings file: strict like the policy, by the same readers.

use super::{AttributeNames, Bind, Security, Server, Settings};
use crate::directory::Kind;
use crate::policy::complaint::Complaints;
use crate::policy::fields::{self, At, Fields};
use crate::policy::yaml::{self, Node, shown};
use crate::policy::{Fault, PolicyErrors, Position, text};
use crate::types::{PersonName, TeamName};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The most items of one list or mapping.
const MAX_ITEMS: usize = 1000;
/// The longest name of an entry, filter or attribute, in bytes.
const MAX_WORD: usize = 4096;

/// What is said against a word.
type Against = Result<(), String>;

impl Settings {
    /// Reads a settings file. `file_name` is what the complaints call it; paths in it are relative
    /// to `folder`.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn parse(yaml: &[u8], file_name: &str, folder: &Path) -> Result<Self, PolicyErrors> {
        let mut complaints = Complaints::about(file_name);
        let read = read(yaml, folder, &mut complaints);
        complaints.judge(read)
    }
}

fn read(bytes: &[u8], folder: &Path, complaints: &mut Complaints) -> Option<Settings> {
    const KNOWN: [&str; 13] = [
        "version",
        "url",
        "tls",
        "ca",
        "kind",
        "bind",
        "base",
        "filter",
        "attributes",
        "teams",
        "one-human",
        "keep",
        "leave-out",
    ];
    let text = text::read(bytes, complaints)?;
    let root = yaml::read(text, complaints)?;
    let what = ("the settings", Position::START);
    let fields = Fields::read(&root, what, "the settings", &KNOWN, complaints)?;
    fields.required("version", complaints, |node, what, complaints| {
        fields::number(node, what, 1..=1, complaints)
    });
    let security = security(&fields, complaints);
    let server = fields.required("url", complaints, |node, what, complaints| {
        read_as(node, what, complaints, |url| server(url, security))
    });
    let bind = fields.optional("bind", complaints, bind);
    let base = fields.required("base", complaints, |node, what, complaints| {
        checked(node, what, complaints, dn)
    });
    let settings = Settings {
        folder: folder.to_owned(),
        server: server?,
        kind: fields.optional("kind", complaints, |node, what, complaints| {
            let kinds = [Kind::ActiveDirectory, Kind::Ldap];
            let kinds = kinds.map(|kind| (word_of(kind), kind));
            fields::choice(node, what, &kinds, complaints)
        }),
        ca: fields.optional("ca", complaints, path),
        bind,
        base: base?,
        filter: fields.optional("filter", complaints, |node, what, complaints| {
            checked(node, what, complaints, filter)
        }),
        attributes: fields
            .optional("attributes", complaints, attributes)
            .unwrap_or_default(),
        teams: fields
            .required("teams", complaints, |node, what, complaints| {
                named(node, what, complaints, dn)
            })?
            .into_iter()
            .map(|(name, groups)| (TeamName::new(name), groups))
            .collect(),
        one_human: fields
            .optional("one-human", complaints, |node, what, complaints| {
                named(node, what, complaints, plain)
            })
            .unwrap_or_default()
            .into_iter()
            .map(|(name, logins)| (PersonName::new(name), logins))
            .collect(),
        keep: fields
            .optional("keep", complaints, |node, what, complaints| {
                words(node, what, complaints, plain)
            })
            .unwrap_or_default()
            .into_iter()
            .map(PersonName::new)
            .collect(),
        leave_out: fields
            .optional("leave-out", complaints, |node, what, complaints| {
                words(node, what, complaints, plain)
            })
            .unwrap_or_default(),
    };
    no_password_in_the_clear(&fields, &settings, complaints);
    Some(settings)
}

const fn word_of(kind: Kind) -> &'static str {
    match kind {
        Kind::ActiveDirectory => "active-directory",
        Kind::Ldap => "ldap",
    }
}

/// `tls: none` is said, never left out.
fn security(fields: &Fields<'_>, complaints: &mut Complaints) -> Security {
    let none = [("none", Security::Plain)];
    let said = fields.optional("tls", complaints, |node, what, complaints| {
        fields::choice(node, what, &none, complaints)
    });
    said.unwrap_or(Security::StartTls)
}

/// `ldaps://host`, or `ldap://host`, with a port if it is not the usual one, and nothing else.
fn server(url: &str, plain: Security) -> Result<Server, String> {
    let form = "has to be `ldaps://<host>` or `ldap://<host>`, with `:<port>` if it is another than \
                636 or 389, and nothing behind it";
    let (scheme, rest) = url.split_once("://").ok_or(form)?;
    let (usual, security) = match (scheme, plain) {
        ("ldaps", Security::Plain) => {
            return Err("is `ldaps://`, and `tls: none` denies that".into());
        }
        ("ldaps", Security::StartTls | Security::Tls) => (636, Security::Tls),
        ("ldap", security) => (389, security),
        _ => return Err(form.into()),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => match rest.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        },
    };
    let name = |ch: char| ch.is_ascii_alphanumeric() || "-.".contains(ch);
    let named = host.starts_with(|ch: char| ch.is_ascii_alphanumeric()) && host.chars().all(name);
    if host.len() > 253 || !(named || host.parse::<std::net::Ipv6Addr>().is_ok()) {
        return Err(form.into());
    }
    let port = match port {
        None => usual,
        Some(digits) => digits.parse().ok().filter(|port| *port > 0).ok_or(form)?,
    };
    Ok(Server {
        host: host.to_owned(),
        port,
        security,
    })
}

fn bind(node: &Node, what: &str, complaints: &mut Complaints) -> Option<Bind> {
    const KNOWN: [&str; 2] = ["dn", "password-file"];
    let fields = Fields::read(node, (what, node.at), "`bind`", &KNOWN, complaints)?;
    let dn = fields.required("dn", complaints, |node, what, complaints| {
        checked(node, what, complaints, plain)
    });
    let password_file = fields.optional("password-file", complaints, path);
    Some(Bind {
        dn: dn?,
        password_file,
    })
}

fn no_password_in_the_clear(fields: &Fields<'_>, settings: &Settings, complaints: &mut Complaints) {
    let plain = settings.server.security == Security::Plain;
    if let (true, Some(_), Some(entry)) = (plain, &settings.bind, fields.get("bind")) {
        let what = "bind".to_owned();
        let why =
            "a password would cross the network in the clear: take `tls: none` away".to_owned();
        complaints.add(entry.key_at, Fault::Value { what, why });
    }
}

fn attributes(node: &Node, what: &str, complaints: &mut Complaints) -> Option<AttributeNames> {
    const KNOWN: [&str; 4] = ["login", "email", "name", "human"];
    let fields = Fields::read(node, (what, node.at), "`attributes`", &KNOWN, complaints)?;
    let list = |key: &str, complaints: &mut Complaints| {
        fields.optional(key, complaints, |node, what, complaints| {
            words(node, what, complaints, attribute)
        })
    };
    let (login, email) = (list("login", complaints), list("email", complaints));
    let one = |key: &str, complaints: &mut Complaints| {
        fields.optional(key, complaints, |node, what, complaints| {
            checked(node, what, complaints, attribute)
        })
    };
    Some(AttributeNames {
        login,
        email,
        name: one("name", complaints),
        human: one("human", complaints),
    })
}

/// Lists under names of the policy.
fn named(
    node: &Node,
    what: &str,
    complaints: &mut Complaints,
    check: fn(&str) -> Against,
) -> Option<BTreeMap<String, Vec<String>>> {
    let entries = fields::mapping(node, what, complaints)?;
    let mut all = BTreeMap::new();
    for entry in entries.iter().take(MAX_ITEMS) {
        let name = &entry.key.text;
        if let Err(against) = policy_name(name) {
            let why = format!("`{}` {against}", shown(name));
            let what = what.to_owned();
            complaints.add(entry.key_at, Fault::Value { what, why });
        }
        let list = words(&entry.value, name, complaints, check);
        all.insert(name.clone(), complaints.explained(entry.key_at, list)?);
    }
    Some(all)
}

/// A list of words; one alone needs no brackets.
fn words(
    node: &Node,
    what: &str,
    complaints: &mut Complaints,
    check: fn(&str) -> Against,
) -> Option<Vec<String>> {
    if let yaml::Value::Scalar(_) = &node.value {
        return Some(vec![checked(node, what, complaints, check)?]);
    }
    let items = fields::list(node, what, MAX_ITEMS, complaints)?;
    items
        .iter()
        .map(|item| checked(item, what, complaints, check))
        .collect()
}

fn path(node: &Node, what: &str, complaints: &mut Complaints) -> Option<PathBuf> {
    checked(node, what, complaints, plain).map(PathBuf::from)
}

fn checked(
    node: &Node,
    what: &str,
    complaints: &mut Complaints,
    check: impl FnOnce(&str) -> Against,
) -> Option<String> {
    read_as(node, what, complaints, |text| {
        check(text).map(|()| text.to_owned())
    })
}

fn read_as<T>(
    node: &Node,
    what: &str,
    complaints: &mut Complaints,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let At { value, at } = fields::text(node, what, complaints)?;
    match read(&value) {
        Ok(read) => Some(read),
        Err(against) => {
            // Not the value: a URL may hold a password.
            let (what, why) = (shown(what), against);
            complaints.add(at, Fault::Value { what, why });
            None
        }
    }
}

fn policy_name(text: &str) -> Against {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let starts = text.starts_with(|ch: char| ch.is_ascii_alphanumeric());
    if starts && text.len() <= 64 && text.bytes().all(plain) {
        Ok(())
    } else {
        Err("is not a name that a policy can have".into())
    }
}

fn plain(text: &str) -> Against {
    if text.is_empty() || text.len() > MAX_WORD || text.trim() != text {
        Err("has to hold something, not too long, without blanks around it".into())
    } else {
        Ok(())
    }
}

fn dn(text: &str) -> Against {
    plain(text)?;
    if text.contains('=') {
        Ok(())
    } else {
        Err("has to be the whole name of an entry, like `ou=people,dc=acme,dc=example`".into())
    }
}

fn filter(text: &str) -> Against {
    plain(text)?;
    let whole = text.starts_with('(') && text.ends_with(')');
    if whole && ldap3::parse_filter(text).is_ok() {
        Ok(())
    } else {
        Err("has to be a search filter in brackets, like `(objectClass=inetOrgPerson)`".into())
    }
}

fn attribute(text: &str) -> Against {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    if !text.is_empty() && text.len() <= 128 && text.bytes().all(plain) {
        Ok(())
    } else {
        Err("has to be the name of an attribute, like `employeeID`".into())
    }
}
