//! Gitea, Forgejo and GitLab: who pressed the button or holds the key, by what they give a hook.

use super::{Get, Identified, login};
use crate::policy::Policy;

/// Gitea and Forgejo. A deploy key belongs to a repository and to nobody; they give the login of
/// the repository's owner beside it, who need not know of the push.
pub(super) fn gitea(policy: &Policy, get: Get<'_>) -> Identified {
    const DEPLOY_KEY: &str = "GITEA_DEPLOY_KEY_ID";
    if let Some(id) = get(DEPLOY_KEY).filter(|id| !id.is_empty() && id != b"0") {
        let why = "a deploy key is nobody in particular";
        return Identified::refused(DEPLOY_KEY, why, Some(login::shown(&id)));
    }
    const ACCOUNT: &str = "GITEA_PUSHER_ID";
    if let Some(id) = get(ACCOUNT).filter(|id| !is_number(id)) {
        let why = "it is not the number of a user's account";
        return Identified::refused(ACCOUNT, why, Some(login::shown(&id)));
    }
    login::from_variable(policy, "GITEA_PUSHER_NAME", get)
}

/// GitLab. `GL_ID` says what kind of key or token it was; only `user-<number>` is a person's.
pub(super) fn gitlab(policy: &Policy, get: Get<'_>) -> Identified {
    const KIND: &str = "GL_ID";
    let Some(id) = get(KIND).filter(|id| !id.is_empty()) else {
        return Identified::missing(KIND);
    };
    let user = id.strip_prefix(b"user-").is_some_and(is_number);
    if !user {
        let why = "it is not a user: a deploy key or token is nobody in particular";
        return Identified::refused(KIND, why, Some(login::shown(&id)));
    }
    login::from_variable(policy, "GL_USERNAME", get)
}

/// Whether this is a number from 1 on.
fn is_number(digits: &[u8]) -> bool {
    (1..=20).contains(&digits.len())
        && digits.first().is_some_and(|first| *first != b'0')
        && digits.iter().all(u8::is_ascii_digit)
}
