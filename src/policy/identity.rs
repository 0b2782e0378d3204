//! The sources from which a server can learn who pushes, and how the policy names them.

use super::{Person, suggest, values};

/// Where the authenticated pusher comes from. Exactly one source is read; what any other says is
/// ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentitySource {
    /// No authenticated identity: signatures are the only attribution.
    None,
    /// An environment variable that the server sets and no client can.
    Variable(String),
    /// One shared account with a key per person: `relhook serve-key LOGIN`, the forced command of
    /// the key, gives the login in `RELHOOK_LOGIN`.
    SshKey,
    /// sshd's `ExposeAuthInfo`: the key in the file that `SSH_USER_AUTH` names is one of a
    /// person's `keys`.
    SshAuthInfo,
    /// An operating system account per person: `relhook serve-account` gives the account's name in
    /// `RELHOOK_LOGIN`.
    OsAccount,
    /// git-http-backend behind a web server that authenticates: `REMOTE_USER`.
    Http,
    /// gitolite: `GL_USER`.
    Gitolite,
    /// Gitea and Forgejo: `GITEA_PUSHER_NAME`, and nobody for a deploy key.
    Gitea,
    /// GitLab: `GL_USERNAME`, and nobody for a deploy key.
    Gitlab,
    /// `git push --signed`: the signer of the push certificate.
    SignedPush,
}

/// What of a person a source shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// Nothing: nobody is known to have pushed.
    Nothing,
    /// One of the person's `logins`.
    Login,
    /// One of the person's SSH `keys`.
    SshKey,
    /// One of the person's `keys`, of any kind.
    Key,
}

/// By what a person could be known to a source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// Whether they have a login.
    pub(super) login: bool,
    /// Whether they have an SSH key.
    pub(super) ssh_key: bool,
    /// Whether they have a key of any kind.
    pub(super) key: bool,
}

impl Shows {
    /// Whether it can show somebody who is known by this.
    pub(super) fn can_show(self, known: Known) -> bool {
        match self {
            Self::Nothing => false,
            Self::Login => known.login,
            Self::SshKey => known.ssh_key,
            Self::Key => known.key,
        }
    }

    /// What a person needs for it.
    pub(super) fn needs(self) -> &'static str {
        match self {
            Self::Nothing => "a source",
            Self::Login => "a login",
            Self::SshKey => "an SSH key",
            Self::Key => "a key",
        }
    }
}

impl From<&Person> for Known {
    fn from(person: &Person) -> Self {
        Self {
            login: !person.logins.is_empty(),
            ssh_key: !person.ssh_keys.is_empty(),
            key: !person.keys.is_empty(),
        }
    }
}

/// The sources that have a word of their own, in the order in which they are listed.
const WORDS: [(&str, IdentitySource); 9] = [
    ("none", IdentitySource::None),
    ("ssh-key", IdentitySource::SshKey),
    ("ssh-auth-info", IdentitySource::SshAuthInfo),
    ("os-account", IdentitySource::OsAccount),
    ("http", IdentitySource::Http),
    ("gitolite", IdentitySource::Gitolite),
    ("gitea", IdentitySource::Gitea),
    ("gitlab", IdentitySource::Gitlab),
    ("signed-push", IdentitySource::SignedPush),
];

/// Variables that alone do not tell a person from a deploy key, or that only relhook's own
/// commands set, with the words of the sources that know how to read them.
const OWN_VARIABLES: [(&str, &str); 6] = [
    ("RELHOOK_LOGIN", "`ssh-key` or `os-account`"),
    ("GITEA_PUSHER_NAME", "`gitea`"),
    ("GITEA_PUSHER_EMAIL", "`gitea`"),
    ("GITEA_PUSHER_ID", "`gitea`"),
    ("GL_USERNAME", "`gitlab`"),
    ("GL_ID", "`gitlab`"),
];

impl IdentitySource {
    /// The source of this word: one of the known ones, or the name of an environment variable.
    ///
    /// # Errors
    /// With what speaks against the word, and what to do about it where that is known.
    pub(super) fn parse(word: &str) -> Result<Self, (String, Option<String>)> {
        if let Some((_, source)) = WORDS.iter().find(|(own, _)| *own == word) {
            return Ok(source.clone());
        }
        let own = OWN_VARIABLES.iter().find(|(name, _)| *name == word);
        if let Some((_, source)) = own {
            let why = "does not say alone who pushes".to_owned();
            return Err((why, Some(format!("write {source}"))));
        }
        match values::variable(word) {
            Ok(()) => Ok(Self::Variable(word.to_owned())),
            Err(why) => Err((why, hint(word))),
        }
    }

    /// The word for it in the policy.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::None => "none",
            Self::Variable(name) => name,
            Self::SshKey => "ssh-key",
            Self::SshAuthInfo => "ssh-auth-info",
            Self::OsAccount => "os-account",
            Self::Http => "http",
            Self::Gitolite => "gitolite",
            Self::Gitea => "gitea",
            Self::Gitlab => "gitlab",
            Self::SignedPush => "signed-push",
        }
    }

    /// The environment variable in which the server supplies it; nothing where there is none.
    #[must_use]
    pub fn variable(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Variable(name) => Some(name),
            Self::SshKey | Self::OsAccount => Some("RELHOOK_LOGIN"),
            Self::SshAuthInfo => Some("SSH_USER_AUTH"),
            Self::Http => Some("REMOTE_USER"),
            Self::Gitolite => Some("GL_USER"),
            Self::Gitea => Some("GITEA_PUSHER_NAME"),
            Self::Gitlab => Some("GL_USERNAME"),
            Self::SignedPush => Some("GIT_PUSH_CERT"),
        }
    }

    /// What of a person it shows.
    #[must_use]
    pub fn shows(&self) -> Shows {
        match self {
            Self::None => Shows::Nothing,
            Self::SshAuthInfo => Shows::SshKey,
            Self::SignedPush => Shows::Key,
            Self::Variable(_)
            | Self::SshKey
            | Self::OsAccount
            | Self::Http
            | Self::Gitolite
            | Self::Gitea
            | Self::Gitlab => Shows::Login,
        }
    }
}

fn hint(word: &str) -> Option<String> {
    let words = || WORDS.iter().map(|(word, _)| *word);
    // Somebody who writes `remote_user` means the variable.
    let upper = word.to_ascii_uppercase().replace('-', "_");
    let meant = values::variable(&upper).is_ok() && word.contains('_') && upper != word;
    match suggest::nearest(word, words()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if meant => Some(format!("did you mean `{upper}`?")),
        None => {
            let known: Vec<String> = words().map(|word| format!("`{word}`")).collect();
            Some(format!("known here: {}", known.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_as_the_source_that_writes_it() {
        for (word, source) in WORDS {
            assert_eq!(IdentitySource::parse(word), Ok(source.clone()));
            assert_eq!(source.word(), word);
        }
        let own = IdentitySource::parse("SITE_LOGIN").unwrap();
        assert_eq!(own.word(), "SITE_LOGIN");
        assert_eq!(own.variable(), Some("SITE_LOGIN"));
    }

    #[test]
    fn a_slip_is_answered_with_the_nearest_word() {
        for (word, expected) in [
            ("gitlabs", "did you mean `gitlab`?"),
            ("ssh_key", "did you mean `ssh-key`?"),
            ("SignedPush", "did you mean `signed-push`?"),
            ("Gitea", "did you mean `gitea`?"),
            ("remote_user", "did you mean `REMOTE_USER`?"),
            ("GL_USERNAME", "write `gitlab`"),
            ("GITEA_PUSHER_NAME", "write `gitea`"),
            ("RELHOOK_LOGIN", "write `ssh-key` or `os-account`"),
        ] {
            let (_, hint) = IdentitySource::parse(word).unwrap_err();
            assert_eq!(hint.as_deref(), Some(expected), "{word}");
        }
        let (_, hint) = IdentitySource::parse("kerberos").unwrap_err();
        assert!(hint.unwrap().starts_with("known here: `none`, `ssh-key`"));
    }

    #[test]
    fn what_a_client_can_set_is_no_source() {
        for word in [
            "SSH_ORIGINAL_COMMAND",
            "HTTP_REMOTE_USER",
            "GIT_COMMITTER_NAME",
            "USER",
            "",
        ] {
            assert!(IdentitySource::parse(word).is_err(), "{word}");
        }
    }
}
