//! What single words of the policy have to look like. Each reader says why a word does not fit.

use super::Minute;
use crate::types::{Oid, Seconds};

/// What a check says against a word.
type Against = Result<(), String>;

fn against(why: &str) -> Against {
    Err(why.to_owned())
}

/// The longest span of time, in days.
const MAX_DAYS: u64 = 3650;

/// A name of a person, a team, a target or a stage.
pub(crate) fn name(text: &str) -> Against {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let fits = text.len() <= 64
        && text.starts_with(|ch: char| ch.is_ascii_alphanumeric())
        && text.bytes().all(plain);
    if fits {
        Ok(())
    } else {
        against(
            "is not a name: ASCII letters, digits, `.`, `_` and `-`, at most 64, a letter or digit first",
        )
    }
}

/// The repository's name.
pub(super) fn repository(text: &str) -> Against {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let part = |part: &str| {
        part.starts_with(|ch: char| ch.is_ascii_alphanumeric()) && part.bytes().all(plain)
    };
    if text.len() <= 200 && text.split('/').all(part) {
        Ok(())
    } else {
        against(
            "is not a repository's name like `acme/site`: ASCII letters, digits, `.`, `_`, `-`, parted by `/`",
        )
    }
}

/// A person's name as people write it.
pub(super) fn full_name(text: &str) -> Against {
    if text.trim() != text || text.is_empty() {
        against("has blanks around it, or nothing in it")
    } else if text.chars().count() > 100 {
        against("is longer than 100 characters")
    } else {
        Ok(())
    }
}

/// An e-mail address as commits hold it, or the `DOMAIN\\account` that stands in its place in
/// histories from Team Foundation Server.
pub(super) fn email(text: &str) -> Against {
    let parts = text.rsplit_once('@').or_else(|| text.split_once('\\'));
    let shaped = parts.is_some_and(|(one, other)| !one.is_empty() && !other.is_empty());
    if text.len() > 254 {
        against("is longer than 254 bytes")
    } else if text.contains(|ch: char| ch.is_whitespace() || "<>\"(),;".contains(ch)) {
        against("is not a bare address: no blanks, brackets, quotes or commas")
    } else if shaped {
        Ok(())
    } else {
        against("is not an e-mail address")
    }
}

/// An account's name on the server.
pub(super) fn login(text: &str) -> Against {
    if text.is_empty() || text.len() > 128 {
        against("is not 1 to 128 bytes long")
    } else if text.contains(char::is_whitespace) {
        against("holds blanks, and a login has none")
    } else {
        Ok(())
    }
}

/// An environment variable that the server sets and that no client can.
pub(super) fn variable(text: &str) -> Against {
    const CLIENT_PREFIXES: [&str; 5] = ["GIT_", "HTTP_", "LC_", "SSH_", "LANG"];
    const CLIENT_OR_SHARED: [&str; 11] = [
        "USER",
        "LOGNAME",
        "HOME",
        "SHELL",
        "TERM",
        "PATH",
        "PWD",
        "QUERY_STRING",
        "PATH_INFO",
        "REQUEST_URI",
        "CONTENT_TYPE",
    ];
    let shaped = text.len() <= 64
        && text.starts_with(|ch: char| ch.is_ascii_uppercase() || ch == '_')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    if !shaped {
        against("is neither a source that is known nor an environment variable like `SITE_LOGIN`")
    } else if CLIENT_PREFIXES
        .iter()
        .any(|prefix| text.starts_with(prefix))
        || CLIENT_OR_SHARED.contains(&text)
    {
        against(
            "is a variable that a client can set, or that all clients share: it identifies nobody",
        )
    } else {
        Ok(())
    }
}

/// How long something is put off: `30m`, `12h` or `2d`.
pub(super) fn delay(text: &str) -> Result<Seconds, String> {
    const MAX_DELAY_DAYS: u64 = 30;
    let why = || format!("has to be like `30m`, `12h` or `2d`, at most {MAX_DELAY_DAYS} days");
    let units = [('m', 60), ('h', 60 * 60), ('d', 24 * 60 * 60)];
    let found = units
        .iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(*unit)?, *seconds)));
    let (digits, unit): (&str, u64) = found.ok_or_else(why)?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    let count: u64 = digits.parse().map_err(|_| why())?;
    match count.checked_mul(unit) {
        Some(seconds) if plain && seconds <= MAX_DELAY_DAYS * 24 * 60 * 60 => Ok(Seconds(seconds)),
        Some(_) | None => Err(why()),
    }
}

/// A span of time: `30d` or `12h`.
pub(crate) fn span(text: &str) -> Result<Seconds, String> {
    let why = || format!("has to be like `30d` or `12h`, at most {MAX_DAYS} days");
    let (digits, unit) = match (text.strip_suffix('d'), text.strip_suffix('h')) {
        (Some(days), _) => (days, 24 * 60 * 60),
        (None, Some(hours)) => (hours, 60 * 60),
        (None, None) => return Err(why()),
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    let count: u64 = digits.parse().map_err(|_| why())?;
    match count.checked_mul(unit) {
        Some(seconds) if plain && seconds <= MAX_DAYS * 24 * 60 * 60 => Ok(Seconds(seconds)),
        Some(_) | None => Err(why()),
    }
}

/// How long somebody may be stood in for at a time: `21d` or `12h`.
pub(crate) fn absence(text: &str) -> Result<Seconds, String> {
    const MAX_ABSENCE_DAYS: u64 = 92;
    let span = span(text)?;
    if span.0 <= MAX_ABSENCE_DAYS * 24 * 60 * 60 {
        Ok(span)
    } else {
        Err(format!(
            "is longer than {MAX_ABSENCE_DAYS} days: who is away for longer is replaced in the teams"
        ))
    }
}

/// A time of day: `08:00` to `24:00`.
pub(super) fn minute(text: &str) -> Result<Minute, String> {
    let why = || "is not a time of day from `00:00` to `24:00`".to_owned();
    let (hour, minute) = text.split_once(':').ok_or_else(why)?;
    let number = |digits: &str| {
        let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| plain)
    };
    let parts = number(hour).zip(number(minute));
    let minute = parts.and_then(|(hour, minute)| Minute::new(hour, minute));
    minute.ok_or_else(why)
}

/// A date and a time of day without a zone: `2026-12-18T12:00`, and seconds where somebody wants them.
pub(super) fn wall(text: &str) -> Against {
    const FORM: &[u8; 19] = b"dddd-dd-ddTdd:dd:dd";
    let fits = |(byte, form): (u8, &u8)| match form {
        b'd' => byte.is_ascii_digit(),
        _ => byte == *form,
    };
    let whole = text.len() == 16 || text.len() == FORM.len();
    if whole && text.bytes().zip(FORM).all(fits) {
        Ok(())
    } else {
        against(
            "is not a date and time like `2026-12-18T12:00`, in the zone that is named beside it",
        )
    }
}

/// A short span of time: `30s` or `5m`.
pub(crate) fn wait(text: &str) -> Result<Seconds, String> {
    let why = || "has to be like `30s` or `5m`, at most an hour".to_owned();
    let (digits, unit) = match (text.strip_suffix('s'), text.strip_suffix('m')) {
        (Some(seconds), _) => (seconds, 1),
        (None, Some(minutes)) => (minutes, 60),
        (None, None) => return Err(why()),
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    let count: u64 = digits.parse().map_err(|_| why())?;
    match count.checked_mul(unit) {
        Some(seconds) if plain && seconds <= 60 * 60 => Ok(Seconds(seconds)),
        Some(_) | None => Err(why()),
    }
}

/// The address of a page that relhook asks for. What does not fit is not repeated: it may hold a
/// password.
pub(super) fn page(text: &str) -> Against {
    let Some(rest) = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
    else {
        return against("has to begin with `https://` or `http://`");
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if text.len() > 2000 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        against("has to be at most 2000 ASCII characters without blanks")
    } else if authority.is_empty() || text.contains(['#', '\\', '"', '<', '>', '`']) {
        against("is not the address of a page")
    } else if authority.contains('@') {
        against("holds a user's name: a policy has no credentials in it")
    } else {
        Ok(())
    }
}

/// What a page has to hold.
pub(super) fn excerpt(text: &str) -> Against {
    if text.is_empty() || text.len() > 1000 {
        against("is not 1 to 1000 bytes long")
    } else {
        Ok(())
    }
}

/// A whole object id.
pub(super) fn oid(text: &str) -> Result<Oid, String> {
    text.parse()
        .map_err(|error| format!("is not a whole commit id: {error}"))
}

/// A folder of the tree: no `/` around it, no `.`, `..` or `.git` in it.
pub(super) fn folder(text: &str) -> Against {
    if text.starts_with('/') || text.ends_with('/') {
        against("is not a folder of the tree: no `/` in front or behind")
    } else if text
        .split('/')
        .any(|part| is_dot(part) || part.eq_ignore_ascii_case(".git"))
    {
        against("is not a folder of the tree: no empty, `.`, `..` or `.git` component")
    } else {
        Ok(())
    }
}

/// An absolute path, `/` only where `root` allows it.
pub(super) fn absolute(text: &str, root: bool) -> Against {
    if !text.starts_with('/') {
        against("has to be an absolute path")
    } else if text == "/" {
        if root {
            Ok(())
        } else {
            against("may not be the root folder")
        }
    } else if text.len() > 1024 {
        against("is longer than 1024 bytes")
    } else if text.ends_with('/') || text.split('/').skip(1).any(is_dot) {
        against("is not a plain path: no `//`, no `.` or `..` component, no `/` at its end")
    } else {
        Ok(())
    }
}

fn is_dot(part: &str) -> bool {
    matches!(part, "" | "." | "..")
}

/// A region of a store, as it stands in signatures.
pub(super) fn region(text: &str) -> Against {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if text.is_empty() || text.len() > 64 || !text.bytes().all(plain) {
        against("is not a region like `eu-central-1`")
    } else {
        Ok(())
    }
}

/// A bucket's name, old ones included.
pub(super) fn bucket(text: &str) -> Against {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let shaped = (3..=255).contains(&text.len())
        && text.starts_with(|ch: char| ch.is_ascii_alphanumeric())
        && text.bytes().all(plain)
        && !text.contains("..");
    if shaped {
        Ok(())
    } else {
        against("is not a bucket's name: 3 to 255 ASCII letters, digits, `.`, `-` and `_`")
    }
}

/// What the keys in a bucket begin with.
pub(super) fn prefix(text: &str) -> Against {
    if text.len() > 100 {
        return against("is longer than 100 bytes");
    }
    folder(text)
}

/// Whether a bucket's name can stand before a host's name, and a certificate match it.
pub(super) fn is_host_label(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.len() <= 63 && text.bytes().all(plain) && !text.ends_with('-')
}

/// The value of a header field.
pub(super) fn header(text: &str) -> Against {
    let shown = text
        .bytes()
        .all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if text.is_empty() || text.len() > 256 || !shown || text.trim() != text {
        against("is not the value of a header field: at most 256 printable ASCII characters")
    } else {
        Ok(())
    }
}

/// A host's name or address.
pub(super) fn host(text: &str) -> Against {
    let name = |ch: char| ch.is_ascii_alphanumeric() || "-.".contains(ch);
    let shaped = text.len() <= 253
        && text.starts_with(|ch: char| ch.is_ascii_alphanumeric())
        && text.chars().all(name);
    if shaped || text.parse::<std::net::Ipv6Addr>().is_ok() {
        Ok(())
    } else {
        // The text may hold a password: `user:password@host`.
        against("has to be a host's name or address alone: no `ftp://`, no user, no port")
    }
}
