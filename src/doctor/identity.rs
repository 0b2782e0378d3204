//! Who pushes: the source that the policy names, what it needs, and how a client could make one up.

use super::Finding;
use super::outside::Outside;
use super::patient::Patient;
use crate::policy::{IdentitySource, Person, Policy, Shows};

/// So many people are named.
const MAX_SHOWN: usize = 10;

/// Looks at it.
pub(in crate::doctor) fn examine(patient: &Patient, outside: &Outside) -> Vec<Finding> {
    let Some(bundle) = patient.bundle() else {
        let what = "which source names the pusher cannot be told without a policy";
        return vec![Finding::unknown("identity", what)];
    };
    let policy = &bundle.policy;
    let mut found = vec![source(&policy.identity), people(policy)];
    found.extend(by_hand(&policy.identity));
    found.extend(super::nonces::examine(patient, policy));
    found.extend(sudo(&policy.identity, outside, &patient.account.shown()));
    found
}

/// The source, and why a client cannot be somebody else.
fn source(source: &IdentitySource) -> Finding {
    let check = "identity";
    let word = source.word();
    let why = match source {
        IdentitySource::None => {
            return Finding::warning(
                check,
                "the policy names no source (`none`): nobody is known to push, and only signatures \
                 say who made what",
            )
            .advice("name one under `identity:` in the policy: docs/hosting/README.md");
        }
        IdentitySource::Variable(_) => "set by the server; a client must have no way to set it",
        IdentitySource::SshKey => "set by `relhook serve-key`, which makes the environment anew",
        IdentitySource::SshAuthInfo => "written by sshd; looked up among the policy's keys",
        IdentitySource::OsAccount => "set by `relhook serve-account`, from what sudo says",
        IdentitySource::Http => "set by the web server, after it asked for a password",
        IdentitySource::Gitolite => "set by gitolite, from the forced command of the key",
        IdentitySource::Gitea => "set by Gitea or Forgejo, after it authenticated",
        IdentitySource::Gitlab => "set by GitLab, after it authenticated",
        IdentitySource::SignedPush => "signed by the pusher, and verified here",
    };
    let variable = source.variable().unwrap_or(word);
    Finding::ok(check, format!("source `{word}`, by {variable}: {why}"))
}

/// People whom the source can never show.
fn people(policy: &Policy) -> Finding {
    let check = "known-people";
    let shows = policy.identity.shows();
    let unknown = |person: &&Person| match shows {
        Shows::Nothing => false,
        Shows::Login => person.logins.is_empty(),
        Shows::SshKey => person.ssh_keys.is_empty(),
        Shows::Key => person.keys.is_empty(),
    };
    let what = match shows {
        Shows::Nothing => return Finding::ok(check, "nobody has to be known to push"),
        Shows::Login => "a login",
        Shows::SshKey => "an SSH key",
        Shows::Key => "a key",
    };
    let enabled = policy.people.values().filter(|person| !person.disabled);
    let names: Vec<String> = enabled
        .filter(unknown)
        .map(|person| format!("`{}`", person.name))
        .collect();
    if names.is_empty() {
        return Finding::ok(
            check,
            format!("everybody in the policy has {what} to be known by"),
        );
    }
    let shown: Vec<&str> = names.iter().take(MAX_SHOWN).map(String::as_str).collect();
    Finding::warning(
        check,
        format!(
            "{} of the policy's people have no {} to be known by ({}): what they push to a \
             protected ref is refused",
            names.len(),
            what.trim_start_matches("an ").trim_start_matches("a "),
            shown.join(", ")
        ),
    )
    .advice("add it in the policy, like any change of it")
}

/// What is not on this machine, or not in a form that relhook reads.
fn by_hand(source: &IdentitySource) -> Option<Finding> {
    let (check, what, advice) = match source {
        IdentitySource::Http => (
            "web-server",
            "whether the web server lets nobody else say who it is cannot be seen from here",
            "see that REMOTE_USER comes from its own check and from no header, that pushes without a \
             password are refused, that WebDAV is off, and that nobody else can write to the socket of \
             git-http-backend (docs/hosting/nginx.md); then `--checked web-server`",
        ),
        IdentitySource::Gitea | IdentitySource::Gitlab => (
            "forge",
            "who is an administrator of the forge, and what it does to hooks, cannot be seen from here",
            "see its page in docs/hosting/; then `--checked forge`",
        ),
        IdentitySource::Variable(_) => (
            "variable",
            "who sets the variable, and whether a client could, cannot be seen from here",
            "see that it is set after the client was authenticated, and by nothing else; then \
             `--checked variable`",
        ),
        IdentitySource::None
        | IdentitySource::SshKey
        | IdentitySource::SshAuthInfo
        | IdentitySource::OsAccount
        | IdentitySource::Gitolite
        | IdentitySource::SignedPush => return None,
    };
    Some(Finding::unknown(check, what).advice(advice))
}

/// sudo has to start `relhook serve-account` for people, and nothing else as this account.
fn sudo(source: &IdentitySource, outside: &Outside, account: &str) -> Option<Finding> {
    let check = "sudo";
    match source {
        IdentitySource::OsAccount => {}
        IdentitySource::None
        | IdentitySource::Variable(_)
        | IdentitySource::SshKey
        | IdentitySource::SshAuthInfo
        | IdentitySource::Http
        | IdentitySource::Gitolite
        | IdentitySource::Gitea
        | IdentitySource::Gitlab
        | IdentitySource::SignedPush => return None,
    }
    let rules = match &outside.sudoers {
        Some(Ok(rules)) => rules.as_str(),
        Some(Err(why)) => {
            let what = format!("sudo's rules cannot be read: {why}");
            return Some(Finding::unknown(check, what).advice("run this as root"));
        }
        None => "",
    };
    Some(judge_sudo(rules, account))
}

fn judge_sudo(rules: &str, account: &str) -> Finding {
    let check = "sudo";
    let lines = || {
        let lines = rules.lines().map(str::trim);
        lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
    };
    let bad = |what: String| {
        Finding::error(check, what)
            .advice("docs/hosting/ssh-separate-accounts.md has the rule; edit it with `visudo`")
    };
    let lets_in = |line: &&str| {
        let line = line.to_ascii_uppercase();
        line.contains("!ENV_RESET")
            || line.contains("SETENV:")
            || (line.contains("ENV_KEEP")
                && ["GIT_", "RELHOOK_", "LD_"]
                    .iter()
                    .any(|name| line.contains(name)))
    };
    if let Some(line) = lines().find(lets_in) {
        let line = crate::types::escape(line.as_bytes());
        return bad(format!(
            "sudo lets people bring variables (`{line}`): they can switch the hooks off"
        ));
    }
    let as_account = format!("({account})");
    let of_account = || lines().filter(|line| line.contains(&as_account));
    let serves = |line: &&str| line.contains("serve-account");
    if let Some(line) = of_account().find(|line| !serves(line)) {
        let line = crate::types::escape(line.as_bytes());
        return bad(format!(
            "sudo lets people do more than push as {account} (`{line}`)"
        ));
    }
    if !of_account().any(|line| serves(&line)) {
        return bad(format!(
            "no rule of sudo starts `relhook serve-account` as {account}: nobody can push"
        ));
    }
    Finding::ok(
        check,
        format!("as {account}, sudo starts `relhook serve-account` only"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn sudo_starts_one_program_and_brings_nothing() {
        let good = "%developers ALL=(git) NOPASSWD: /usr/bin/relhook serve-account *";
        let of = |more: &str| judge_sudo(&format!("# x\n{good}\n{more}\n"), "git").state;
        assert_eq!(of(""), State::Ok);
        assert_eq!(of("Defaults env_reset"), State::Ok);
        assert_eq!(of("Defaults !env_reset"), State::Error);
        assert_eq!(
            of("Defaults env_keep += \"GIT_CONFIG_COUNT\""),
            State::Error
        );
        assert_eq!(
            of("dana ALL=(git) NOPASSWD: SETENV: /usr/bin/relhook serve-account *"),
            State::Error
        );
        assert_eq!(of("dana ALL=(git) /bin/sh"), State::Error);
        assert_eq!(judge_sudo("", "git").state, State::Error);
    }

    #[test]
    fn every_source_is_told_and_what_cannot_be_seen_is_unknown() {
        assert_eq!(source(&IdentitySource::None).state, State::Warning);
        assert_eq!(source(&IdentitySource::SshKey).state, State::Ok);
        let unknown = |source| by_hand(&source).map(|one| one.state);
        assert_eq!(unknown(IdentitySource::Http), Some(State::Unknown));
        assert_eq!(unknown(IdentitySource::SshKey), None);
    }
}
