//! A login in an environment variable.

use super::{Get, Identified};
use crate::facts::Pusher;
use crate::policy::Policy;
use crate::types::escape;

/// The longest login, in bytes: what the policy can hold.
const MAX_LOGIN: usize = 128;

/// The person whose login this variable holds.
pub(super) fn from_variable(policy: &Policy, name: &str, get: Get<'_>) -> Identified {
    match get(name).filter(|login| !login.is_empty()) {
        None => Identified::missing(name),
        Some(login) => owner(policy, name, &login),
    }
}

fn owner(policy: &Policy, name: &str, raw: &[u8]) -> Identified {
    let shown = shown(raw);
    let login = match read(raw) {
        Ok(login) => login,
        Err(why) => return Identified::refused(name, why, Some(shown)),
    };
    let pusher = match policy.owner_of_login(login) {
        Some(person) => Pusher::Person(person.name.clone()),
        None => Pusher::Unknown {
            login: shown.clone(),
        },
    };
    Identified::by(pusher, Some(shown))
}

/// The login, if it could be one.
fn read(raw: &[u8]) -> Result<&str, &'static str> {
    if raw.len() > MAX_LOGIN {
        return Err("it is longer than 128 bytes");
    }
    let login = std::str::from_utf8(raw).map_err(|_| "it is not UTF-8")?;
    if login.contains('\n') {
        return Err("the server gives it twice and differently, or with a line break");
    }
    if escape(raw) != login {
        return Err("it holds a control or an invisible character");
    }
    Ok(login)
}

/// What the server supplied, for a message or the log.
pub(super) fn shown(raw: &[u8]) -> String {
    escape(raw.get(..raw.len().min(MAX_LOGIN)).unwrap_or(raw))
}
