//! `notify`: who is told what happens, and how.

use super::{
    At, Complaints, Entry, Fault, Fields, Named, Node, checked, fields, items, name, named, shown,
    values,
};
use crate::policy::suggest;
use crate::policy::{Channel, Mail, NoticeKind, Notifier, Webhook};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The program that takes mail in, where the policy does not say.
const SENDMAIL: &str = "/usr/sbin/sendmail";

/// The keys that every notifier may have.
const COMMON: &[&str] = &["kind", "events"];
const MAIL: &[&str] = &["from", "to", "sendmail"];
const WEBHOOK: &[&str] = &["url", "ca"];
const COMMAND: &[&str] = &["run"];

/// How somebody is told, as the policy names it.
#[derive(Clone, Copy)]
enum Kind {
    Mail,
    Webhook,
    Command,
}

impl Kind {
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Mail => MAIL,
            Self::Webhook => WEBHOOK,
            Self::Command => COMMAND,
        }
    }
}

/// Every notifier.
pub(super) fn notifiers(
    node: &Node,
    what: &str,
    complaints: &mut Complaints,
) -> Option<Vec<Named<Option<Notifier>>>> {
    named(node, what, complaints, |entry, complaints| {
        name(entry, "notify", complaints);
        notifier(entry, complaints)
    })
}

fn notifier(entry: &Entry, complaints: &mut Complaints) -> Option<Notifier> {
    const KINDS: [(&str, Kind); 3] = [
        ("mail", Kind::Mail),
        ("webhook", Kind::Webhook),
        ("command", Kind::Command),
    ];
    let known: Vec<&'static str> = [COMMON, MAIL, WEBHOOK, COMMAND].concat();
    let what = (entry.key.text.as_str(), entry.key_at);
    let fields = Fields::read(&entry.value, what, "a notifier", &known, complaints)?;
    let events = fields.optional("events", complaints, |node, what, complaints| {
        items(node, what, complaints, |item, what, complaints| {
            let value = fields::choice(item, what, &NoticeKind::ALL, complaints)?;
            Some(At { value, at: item.at })
        })
    });
    let events: BTreeSet<NoticeKind> = match events {
        Some(events) => events.into_iter().map(|event| event.value).collect(),
        None => NoticeKind::ALL.into_iter().map(|(_, kind)| kind).collect(),
    };
    let kind = fields.required("kind", complaints, |node, what, complaints| {
        fields::choice(node, what, &KINDS, complaints)
    })?;
    let fitting = [COMMON, kind.keys()].concat();
    misplaced(
        &fields,
        "a notifier of this kind",
        &fitting,
        &known,
        complaints,
    );
    let channel = match kind {
        Kind::Mail => mail(&fields, complaints).map(Channel::Mail),
        Kind::Webhook => webhook(&fields, complaints).map(Channel::Webhook),
        Kind::Command => command(&fields, complaints).map(Channel::Command),
    };
    Some(Notifier {
        events,
        channel: channel?,
    })
}

/// Complains about keys that are known and do not fit what this is: `place`.
pub(super) fn misplaced(
    fields: &Fields<'_>,
    place: &'static str,
    fitting: &[&'static str],
    known: &[&'static str],
    complaints: &mut Complaints,
) {
    for key in known.iter().filter(|key| !fitting.contains(key)) {
        if let Some(entry) = fields.get(key) {
            let key = shown(key);
            let hint = || suggest::hint("", fitting.iter().copied());
            complaints.push(entry.key_at, Fault::UnknownKey { key, place }, hint);
        }
    }
}

fn mail(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<Mail> {
    let from = fields.required("from", complaints, address);
    let to = fields.required("to", complaints, |node, what, complaints| {
        items(node, what, complaints, address)
    });
    let sendmail = fields.optional("sendmail", complaints, |node, what, complaints| {
        checked(node, what, complaints, |text| values::absolute(text, false))
    });
    let sendmail = sendmail.map_or_else(|| SENDMAIL.to_owned(), |path| path.value);
    Some(Mail {
        from: from?.value,
        to: to?.into_iter().map(|address| address.value).collect(),
        sendmail: PathBuf::from(sendmail),
    })
}

/// An address that no program takes for an option or for two.
fn address(node: &Node, what: &str, complaints: &mut Complaints) -> Option<At<String>> {
    checked(node, what, complaints, |text| {
        values::email(text)?;
        let odd = |ch: char| !(ch.is_ascii_alphanumeric() || "@._+-=".contains(ch));
        if text.starts_with('-') || text.contains(odd) || text.matches('@').count() != 1 {
            return Err("is not a plain address like `ops@acme.example`".to_owned());
        }
        Ok(())
    })
}

/// Where a web hook goes, and what it trusts.
pub(super) fn webhook(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<Webhook> {
    let url = fields.optional("url", complaints, |node, what, complaints| {
        let text = fields::text(node, what, complaints)?;
        if is_plain_https(&text.value) {
            return Some(text.value);
        }
        // What does not fit is not repeated: it may hold a password.
        let what = what.to_owned();
        let why = "it has to be an `https://` address of plain characters, without a password";
        let hint = "an address that is a secret belongs with the credentials: docs/notify.md";
        let why = why.to_owned();
        complaints.hinted(node.at, Fault::Value { what, why }, hint);
        None
    });
    let ca = match fields.get("ca") {
        None => None,
        Some(entry) => Some(super::targets::ca(&entry.value, complaints)?),
    };
    if fields.get("url").is_some() && url.is_none() {
        return None;
    }
    Some(Webhook { url, ca })
}

/// Whether an address is `https`, has a host and no password, and cannot break a line.
pub(crate) fn is_plain_https(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    !authority.is_empty() && !authority.contains('@') && url.bytes().all(plain) && url.len() <= 2048
}

/// The words of `run`: a program by its absolute path, and its arguments.
pub(super) fn command(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<Vec<String>> {
    let words = fields.required("run", complaints, |node, what, complaints| {
        let list = fields::list(node, what, super::MAX_ITEMS, complaints)?;
        let words: Option<Vec<At<String>>> = list
            .iter()
            .map(|item| fields::text(item, what, complaints))
            .collect();
        words
    })?;
    let first = words.first()?;
    if let Err(against) = values::absolute(&first.value, false) {
        let why = format!("`{}` {against}", shown(&first.value));
        let what = "run".to_owned();
        complaints.add(first.at, Fault::Value { what, why });
        return None;
    }
    Some(words.into_iter().map(|word| word.value).collect())
}
