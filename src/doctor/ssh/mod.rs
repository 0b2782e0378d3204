//! sshd: whether a client could bring a variable, and whether every key that opens the account
//! leads to git and nowhere else.

mod keys;

use super::outside::Outside;
use super::patient::Patient;
use super::words::path as word;
use super::{Finding, Words};
use crate::policy::{IdentitySource, Policy};
use std::path::Path;

/// Looks at it.
pub(in crate::doctor) fn examine(patient: &Patient, outside: &Outside) -> Vec<Finding> {
    let policy = patient.bundle().map(|bundle| &bundle.policy);
    let account = patient.account.account.as_ref();
    let facts = Facts {
        outside,
        account: patient.account.shown(),
        shell: account.map(|account| account.shell.as_path()),
        policy,
    };
    judge(&facts, &patient.words)
}

/// What is known of the way in by ssh.
struct Facts<'a> {
    outside: &'a Outside,
    account: String,
    shell: Option<&'a Path>,
    policy: Option<&'a Policy>,
}

impl Facts<'_> {
    /// Whether people come in by ssh, as the policy's source has it; unknown without a policy or
    /// with a variable of the server's own.
    fn by_ssh(&self) -> bool {
        let source = self.policy.map(|policy| &policy.identity);
        match source {
            Some(
                IdentitySource::SshKey
                | IdentitySource::SshAuthInfo
                | IdentitySource::OsAccount
                | IdentitySource::Gitolite,
            ) => true,
            Some(
                IdentitySource::None
                | IdentitySource::Variable(_)
                | IdentitySource::Http
                | IdentitySource::Gitea
                | IdentitySource::Gitlab
                | IdentitySource::SignedPush,
            )
            | None => false,
        }
    }

    /// The variable in which the source supplies the pusher.
    fn variable(&self) -> Option<&str> {
        self.policy.and_then(|policy| policy.identity.variable())
    }
}

fn judge(facts: &Facts<'_>, words: &Words) -> Vec<Finding> {
    let check = "sshd";
    let text = match &facts.outside.sshd {
        None if facts.by_ssh() => {
            let what = "the policy's source is sshd, and there is none on this machine";
            return vec![Finding::warning(check, what)];
        }
        None => return vec![Finding::ok(check, "there is no sshd on this machine")],
        // Its folder is made when it starts.
        Some(Err(why)) if why.contains("privilege separation directory") && !facts.by_ssh() => {
            return vec![Finding::ok(check, "sshd does not run on this machine")];
        }
        Some(Err(why)) => {
            let what = format!("sshd does not say what it is set to: {why}");
            let root = format!("sudo relhook doctor {}", words.git_dir());
            return vec![Finding::unknown(check, what).advice(format!("as root: `{root}`"))];
        }
        Some(Ok(text)) => text,
    };
    let settings = Settings(text);
    let config = &facts.outside.sshd_config;
    let mut found = vec![Finding::ok(
        check,
        "sshd said what it is set to for this account",
    )];
    found.push(accept_env(&settings, facts, config));
    found.push(user_environment(&settings, facts, config));
    found.extend(auth_info(&settings, facts, config));
    let forced = settings.is_set("forcecommand");
    found.push(shell(facts, &settings, words));
    found.extend(other_ways(&settings, forced));
    found.extend(keys::judge(
        facts.outside,
        facts.policy,
        forced || is_git_shell(facts.shell),
    ));
    found
}

/// sshd's settings, as it lists them: a name in lower case and a value on each line.
struct Settings<'a>(&'a str);

impl<'a> Settings<'a> {
    fn all(&self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.0.lines().filter_map(|line| line.split_once(' '));
        lines
            .filter(move |(key, _)| *key == name)
            .map(|(_, value)| value.trim())
    }

    fn first(&self, name: &'a str) -> &'a str {
        self.all(name).next().unwrap_or_default()
    }

    /// Whether something is set that may also be `none` or `no`.
    fn is_set(&self, name: &'a str) -> bool {
        !["", "none", "no"].contains(&self.first(name))
    }
}

/// What a client must not bring, beside everything of git's: it changes what runs, or who it is.
const HARMFUL: [&str; 18] = [
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_EXEC_PATH",
    "GIT_NAMESPACE",
    "RELHOOK_LOGIN",
    "REMOTE_USER",
    "GL_USER",
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "PATH",
    "HOME",
    "XDG_CONFIG_HOME",
    "GNUPGHOME",
    "BASH_ENV",
    "ENV",
    "SSH_USER_AUTH",
];

fn accept_env(settings: &Settings<'_>, facts: &Facts<'_>, config: &Path) -> Finding {
    let check = "accept-env";
    let names = || HARMFUL.into_iter().chain(facts.variable());
    let patterns = settings.all("acceptenv").flat_map(str::split_whitespace);
    let bad: Vec<&str> = patterns
        .filter(|pattern| names().any(|name| matches(pattern.as_bytes(), name.as_bytes())))
        .collect();
    let Some(first) = bad.first() else {
        return Finding::ok(
            check,
            "sshd takes no variable from a client that matters here",
        );
    };
    let finding = Finding::error(
        check,
        format!(
            "sshd accepts `{first}` from clients (AcceptEnv): a client can switch the hooks off, or \
             be anybody"
        ),
    )
    .advice("then `sshd -t`, and let sshd read it again: `systemctl reload ssh`");
    bad.iter().fold(finding, |finding, pattern| {
        let pattern = pattern.replace('*', "\\*").replace('?', "\\?");
        let takes = format!(
            "/^[[:space:]]*AcceptEnv[[:space:]]/I {{ s/[[:space:]]+{pattern}([[:space:]]|$)/\\1/; \
             /AcceptEnv[[:space:]]*$/Id }}"
        );
        finding.mend(format!(
            "sed -E -i {} {}",
            crate::types::shell_word(&takes),
            files(config)
        ))
    })
}

/// The file of settings and what Debian's includes.
fn files(config: &Path) -> String {
    let own = word(config);
    match config.parent().map(|folder| folder.join("sshd_config.d")) {
        Some(folder) if folder.is_dir() => format!("{own} $(ls {}/*.conf)", word(&folder)),
        Some(_) | None => own,
    }
}

/// sshd's patterns: `*` is anything, `?` any one character.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            matches(rest, name)
                || name
                    .split_first()
                    .is_some_and(|(_, tail)| matches(pattern, tail))
        }
        (Some((want, rest)), Some((is, tail))) => {
            (*want == b'?' || want == is) && matches(rest, tail)
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}

fn user_environment(settings: &Settings<'_>, facts: &Facts<'_>, config: &Path) -> Finding {
    let check = "user-environment";
    let set = settings.first("permituserenvironment");
    if !settings.is_set("permituserenvironment") {
        return Finding::ok(check, "no file of the account's sets variables for sshd");
    }
    if let Some(IdentitySource::Variable(name)) = facts.policy.map(|policy| &policy.identity)
        && set == name
    {
        return Finding::ok(
            check,
            format!("a key's line may set {name}, and nothing else"),
        );
    }
    Finding::warning(
        check,
        format!(
            "PermitUserEnvironment is `{set}`: whoever can write ~/.ssh/environment or a line of \
             keys can set what git runs, and who it is"
        ),
    )
    .mend(format!(
        "sed -E -i 's/^([[:space:]]*PermitUserEnvironment)[[:space:]].*/\\1 no/I' {}",
        files(config)
    ))
    .advice("then `sshd -t`, and let sshd read it again: `systemctl reload ssh`")
}

fn auth_info(settings: &Settings<'_>, facts: &Facts<'_>, config: &Path) -> Option<Finding> {
    let check = "auth-info";
    match facts.policy.map(|policy| &policy.identity) {
        Some(IdentitySource::SshAuthInfo) => {}
        Some(
            IdentitySource::None
            | IdentitySource::Variable(_)
            | IdentitySource::SshKey
            | IdentitySource::OsAccount
            | IdentitySource::Http
            | IdentitySource::Gitolite
            | IdentitySource::Gitea
            | IdentitySource::Gitlab
            | IdentitySource::SignedPush,
        )
        | None => return None,
    }
    if settings.is_set("exposeauthinfo") {
        return Some(Finding::ok(
            check,
            "sshd tells which key somebody came in with",
        ));
    }
    let account = &facts.account;
    let finding = Finding::error(
        check,
        "the policy's source is what sshd tells of the key, and ExposeAuthInfo is off: nobody is \
         known, and every push to a protected ref is refused",
    );
    Some(finding.mend(format!(
        "printf '\\nMatch User {account}\\n    ExposeAuthInfo yes\\n' >> {}",
        word(config)
    )))
}

fn is_git_shell(shell: Option<&Path>) -> bool {
    shell.is_some_and(|shell| shell.ends_with("git-shell"))
}

/// Without a forced command, somebody with a shell starts git with settings of their own.
fn shell(facts: &Facts<'_>, settings: &Settings<'_>, words: &Words) -> Finding {
    let check = "login-shell";
    let none = ["nologin", "false", "git-shell"];
    let Some(shell) = facts.shell else {
        return Finding::unknown(check, "the account is not in the machine's list");
    };
    if none.iter().any(|name| shell.ends_with(name)) {
        return Finding::ok(check, format!("{} is no shell to work in", word(shell)));
    }
    if settings.is_set("forcecommand") {
        return Finding::ok(check, "sshd starts one command, whatever a client asks for");
    }
    let by_password = settings.first("passwordauthentication") != "no";
    if facts.account == "root" || !by_password {
        return Finding::ok(check, "only keys open the account; see `authorized-keys`");
    }
    Finding::warning(
        check,
        format!(
            "the account has a shell ({}), and sshd takes passwords for it: whoever knows one goes \
             round the hooks",
            word(shell)
        ),
    )
    .mend(format!("passwd --lock {}", facts.account))
    .advice(format!(
        "or `PasswordAuthentication no` for it; nothing of {} needs one",
        words.git_dir()
    ))
}

/// Keys that come from elsewhere than files.
fn other_ways(settings: &Settings<'_>, forced: bool) -> Vec<Finding> {
    let ways = [
        ("authorizedkeyscommand", "AuthorizedKeysCommand"),
        ("trustedusercakeys", "TrustedUserCAKeys"),
    ];
    let open = ways
        .into_iter()
        .filter(|(key, _)| settings.is_set(key) && !forced);
    let found = open.map(|(key, name)| {
        Finding::unknown(
            "key-sources",
            format!(
                "keys also come from {name} ({}): whether each has a forced command cannot be seen",
                crate::types::escape(settings.first(key).as_bytes())
            ),
        )
        .advice(
            "see that it does, or set ForceCommand for the account; then `--checked key-sources`",
        )
    });
    let mut found: Vec<Finding> = found.collect();
    if found.is_empty() {
        found.push(Finding::ok(
            "key-sources",
            "no keys come from programs or authorities",
        ));
    }
    found
}

#[cfg(test)]
mod tests;
