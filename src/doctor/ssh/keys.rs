//! The keys that open the account: each has to lead to one command, which knows whose it is.

use crate::doctor::Finding;
use crate::doctor::outside::Outside;
use crate::doctor::words::path as word;
use crate::policy::{IdentitySource, Policy};
use crate::types::{KeyFingerprint, escape};

/// So many lines are named.
const MAX_SHOWN: usize = 8;

/// Commands that read what a client asks for without a shell.
const SERVERS: [&str; 8] = [
    "serve-key",
    "serve-account",
    "git-shell",
    "gitolite-shell",
    "gitea",
    "forgejo",
    "gitlab-shell",
    "internal-sftp",
];

/// One line of a file of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Its options, names in lower case.
    pub(super) options: Vec<(String, Option<String>)>,
    /// The key's kind and itself.
    pub(super) key: String,
}

impl Line {
    /// Reads a line; nothing for a blank line or a remark.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            return None;
        }
        let kinds = ["ssh-", "ecdsa-", "sk-"];
        let is_key = |text: &str| kinds.iter().any(|kind| text.starts_with(kind));
        let (options, rest) = if is_key(text) {
            ("", text)
        } else {
            split(text)
        };
        let mut words = rest.split_whitespace();
        let key = format!(
            "{} {}",
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default()
        );
        Some(Self {
            options: parse_options(options),
            key,
        })
    }

    fn option(&self, name: &str) -> Option<&str> {
        let found = self.options.iter().find(|(own, _)| own == name)?;
        Some(found.1.as_deref().unwrap_or_default())
    }

    /// The key's fingerprint, where it is one.
    fn fingerprint(&self) -> Option<KeyFingerprint> {
        let key = ssh_key::PublicKey::from_openssh(&self.key).ok()?;
        let print = key.fingerprint(ssh_key::HashAlg::Sha256);
        Some(KeyFingerprint::Ssh(print.to_string()))
    }

    /// The login that its command is given.
    fn login(&self) -> Option<&str> {
        let mut words = self.option("command")?.split_whitespace();
        words.find(|word| *word == "serve-key" || word.ends_with("gitolite-shell"))?;
        words.next().map(|word| word.trim_matches(['\'', '"']))
    }
}

/// The options before the first blank that is not in quotes, and the rest.
fn split(text: &str) -> (&str, &str) {
    let (mut quoted, mut escaped) = (false, false);
    for (at, ch) in text.char_indices() {
        match ch {
            '"' if !escaped => quoted = !quoted,
            ch if ch.is_whitespace() && !quoted => return text.split_at(at),
            _ => {}
        }
        escaped = ch == '\\' && !escaped;
    }
    (text, "")
}

fn parse_options(text: &str) -> Vec<(String, Option<String>)> {
    let mut options = Vec::new();
    let (mut quoted, mut escaped) = (false, false);
    let mut one = String::new();
    for ch in text.chars().chain([',']) {
        match ch {
            ',' if !quoted => {
                let one = std::mem::take(&mut one);
                let (name, value) = one
                    .split_once('=')
                    .map_or((one.as_str(), None), |(n, v)| (n, Some(v)));
                options.push((name.to_ascii_lowercase(), value.map(str::to_owned)));
            }
            '"' if !escaped => quoted = !quoted,
            '\\' if !escaped && quoted => {}
            ch => one.push(ch),
        }
        escaped = ch == '\\' && !escaped;
    }
    options.retain(|(name, _)| !name.is_empty());
    options
}

/// Judges every line. `closed`: whether the account leads to one command without any.
pub(super) fn judge(outside: &Outside, policy: Option<&Policy>, closed: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    for (file, text) in &outside.keys {
        let shown = word(file);
        match text {
            Err(why) => found.push(Finding::unknown(
                "authorized-keys",
                format!("{shown} cannot be read: {why}"),
            )),
            Ok(text) => {
                let lines = text.lines().enumerate();
                let lines = lines.filter_map(|(at, text)| Some((at + 1, Line::parse(text)?)));
                for (number, line) in lines {
                    let place = format!("line {number} of {shown}");
                    found.extend(way(&line, &place, number, &shown, closed));
                    found.extend(policy.and_then(|policy| whose(&line, &place, policy)));
                }
            }
        }
    }
    let more = found.len().saturating_sub(MAX_SHOWN);
    found.truncate(MAX_SHOWN);
    if more > 0 {
        found.push(Finding::error(
            "authorized-keys",
            format!("{more} more lines are not as they have to be"),
        ));
    }
    if found.is_empty() {
        let what = "every key that opens the account leads to one command";
        found.push(Finding::ok("authorized-keys", what));
    }
    found
}

/// Where a key leads.
fn way(line: &Line, place: &str, number: usize, file: &str, closed: bool) -> Option<Finding> {
    let check = "authorized-keys";
    let out = format!("sed -i {number}d {file}");
    let Some(command) = line.option("command") else {
        if closed {
            return None;
        }
        return Some(
            Finding::error(
                check,
                format!("{place} has no command=\"…\": its key opens a shell, and goes round the hooks"),
            )
            .mend(out)
            .advice("write `restrict,command=\"relhook serve-key LOGIN --root DIR\"` before the key instead"),
        );
    };
    let asked = "SSH_ORIGINAL_COMMAND";
    let serves = SERVERS.iter().any(|name| command.contains(name));
    let evaluates = command.contains("eval") || (command.contains(asked) && !serves);
    if evaluates {
        return Some(
            Finding::error(
                check,
                format!("{place} lets a shell run what the client asks for: it goes round the hooks"),
            )
            .mend(out)
            .advice("write `restrict,command=\"relhook serve-key LOGIN --root DIR\"` before the key instead"),
        );
    }
    if line.option("restrict").is_none() && line.option("no-port-forwarding").is_none() {
        return Some(
            Finding::warning(
                check,
                format!("{place} does not say `restrict`: its key can forward ports"),
            )
            .mend(format!(
                "sed -i '{number}s/^[[:space:]]*/restrict,/' {file}"
            )),
        );
    }
    (!serves).then(|| {
        let command: String = escape(command.as_bytes()).chars().take(60).collect();
        Finding::warning(
            check,
            format!("{place} starts `{command}`, which relhook does not know"),
        )
        .advice("see that it runs nothing that the client asks for")
    })
}

/// Whether the key and the login that its command is given are one person's.
fn whose(line: &Line, place: &str, policy: &Policy) -> Option<Finding> {
    let check = "key-owners";
    let owner = line.fingerprint().and_then(|key| policy.owner_of_key(&key));
    let by_key = match &policy.identity {
        IdentitySource::SshAuthInfo => true,
        IdentitySource::SshKey | IdentitySource::Gitolite => false,
        IdentitySource::None
        | IdentitySource::Variable(_)
        | IdentitySource::OsAccount
        | IdentitySource::Http
        | IdentitySource::Gitea
        | IdentitySource::Gitlab
        | IdentitySource::SignedPush => return None,
    };
    if by_key {
        return owner.is_none().then(|| {
            Finding::warning(
                check,
                format!("{place} has a key that is nobody's in the policy"),
            )
            .advice("what it pushes to a protected ref is refused")
        });
    }
    let login = line.login()?;
    let shown = escape(login.as_bytes());
    match (policy.owner_of_login(login), owner) {
        (None, _) => Some(
            Finding::warning(check, format!("{place} is for `{shown}`, a login that nobody in the policy has"))
                .advice("what it pushes to a protected ref is refused"),
        ),
        (Some(by_login), Some(owner)) if by_login.name != owner.name => Some(
            Finding::error(
                check,
                format!(
                    "{place} is for `{shown}`, and the policy says that its key is {}'s: one of them \
                     can push as the other",
                    owner.name
                ),
            )
            .advice("find out whose key it is, and give the line that login"),
        ),
        (Some(_), _) => None,
    }
}
