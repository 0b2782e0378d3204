//! Gitea, Forgejo and GitLab: who pressed the button or holds the key, by what they give a hook.

use super::{Get, Identified, login};
use crate::policy::Policy;

/// What Gitea and Forgejo set beside a push by something that belongs to nobody in particular, or
/// to `0` or `false` where it is none. The login that they give then is that of the repository's
/// owner or of a made-up account.
const GITEA_MACHINES: [(&str, &str); 3] = [
    (
        "GITEA_DEPLOY_KEY_ID",
        "a deploy key is nobody in particular",
    ),
    (
        "GITEA_IS_DEPLOY_KEY",
        "a deploy key is nobody in particular",
    ),
    (
        "GITEA_ACTIONS_TASK_ID",
        "a job's token is nobody in particular",
    ),
];

/// Gitea and Forgejo: the account that pushed, or that pressed the button of a pull request.
pub(super) fn gitea(policy: &Policy, get: Get<'_>) -> Identified {
    for (name, why) in GITEA_MACHINES {
        let set = get(name).filter(|value| !matches!(&value[..], b"" | b"0" | b"false"));
        if let Some(value) = set {
            return Identified::refused(name, why, Some(login::shown(&value)));
        }
    }
    const ACCOUNT: &str = "GITEA_PUSHER_ID";
    match get(ACCOUNT).filter(|id| !id.is_empty()) {
        None => Identified::missing(ACCOUNT),
        Some(id) if is_number(&id) => login::from_variable(policy, "GITEA_PUSHER_NAME", get),
        Some(id) => {
            let why = "it is not the number of a user's account";
            Identified::refused(ACCOUNT, why, Some(login::shown(&id)))
        }
    }
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
