//! What helps somebody whom the server or the policy does not know.

use super::Reason;
use crate::policy::{IdentitySource, POLICY_REF};

/// What to do about a reason that is about the pusher's identity; nothing for any other reason.
pub(super) fn hints(reason: &Reason) -> Option<Vec<String>> {
    if let Reason::PusherMissing { configured, .. } | Reason::PusherRefused { configured, .. } =
        reason
    {
        Some(vec![of_source(configured)])
    } else if let Reason::CertificateRefused { mend, .. } = reason {
        Some(vec![mend.clone()])
    } else if let Reason::PusherUnknown { login } = reason {
        Some(of_login(login))
    } else if let Reason::PusherKeyUnknown { .. } = reason {
        let key = "have the line of that key's .pub file (ssh-keygen -lf shows which it is) put \
                   under `keys` of your person in policy.yaml, or log in with a key that is there";
        Some(vec![key.to_owned(), change()])
    } else {
        None
    }
}

fn of_login(login: &str) -> Vec<String> {
    if login.contains(char::is_whitespace) {
        let blanks = "a login in the policy has no blanks: an administrator can make the server \
                      give another";
        return vec![blanks.to_owned()];
    }
    // Single quotes hold everything as it is, but for themselves.
    let quoted = login.replace('\'', "''");
    let add =
        format!("if it is yours, have `logins: ['{quoted}']` put under your person in policy.yaml");
    vec![add, change()]
}

fn change() -> String {
    format!("the policy is changed like code, starting with: git fetch origin {POLICY_REF}")
}

/// How each kind of server is made to say who pushes.
fn of_source(source: &IdentitySource) -> String {
    match source {
        IdentitySource::None => "set `identity` in the policy".to_owned(),
        IdentitySource::Variable(name) => format!(
            "push over the ordinary way; an administrator can make the server set {name} once it \
             has authenticated you"
        ),
        IdentitySource::SshKey => "push over ssh; an administrator can give your key the line \
             `restrict,command=\"relhook serve-key <login>\"` in authorized_keys"
            .to_owned(),
        IdentitySource::OsAccount => "push over ssh with your own account; an administrator can \
             have sshd start `relhook serve-account`"
            .to_owned(),
        IdentitySource::SshAuthInfo => "push over ssh, with a key alone; an administrator can set \
             `ExposeAuthInfo yes` for sshd"
            .to_owned(),
        IdentitySource::Http => "push over https and log in; an administrator can have the web \
             server pass on REMOTE_USER"
            .to_owned(),
        IdentitySource::Gitolite => "push through gitolite with your own key".to_owned(),
        IdentitySource::Gitea | IdentitySource::Gitlab => {
            "push with your own account, not with a deploy key or a token of the project".to_owned()
        }
        IdentitySource::SignedPush => {
            "sign the push: git push --signed; for all pushes: git config \
             push.gpgSign true"
                .to_owned()
        }
    }
}
