//! Saying who we are: user and password with each request, or an answer to a challenge.

use crate::policy::Authentication;
use crate::release::Login as Account;
use base64ct::{Base64, Encoding};
use http_auth::{DigestClient, PasswordParams, parse_challenges};

/// The longest challenge that is read, in bytes.
const CHALLENGE_LIMIT: usize = 4096;

/// How a session says who it is.
pub(super) struct Login {
    credentials: Account,
    way: Way,
}

enum Way {
    Basic,
    /// With the last challenge, once there was one.
    Digest(Option<DigestClient>),
}

impl Login {
    pub(super) fn new(credentials: Account, authentication: Authentication) -> Self {
        let way = match authentication {
            Authentication::Basic => Way::Basic,
            Authentication::Digest => Way::Digest(None),
        };
        Self { credentials, way }
    }

    /// What `Authorization` is to say; nothing before the server has asked.
    pub(super) fn authorization(
        &mut self,
        method: &str,
        target: &str,
    ) -> Result<Option<String>, String> {
        let Account { user, password } = &self.credentials;
        match &mut self.way {
            Way::Basic => {
                let both = format!("{user}:{}", password.reveal());
                Ok(Some(format!(
                    "Basic {}",
                    Base64::encode_string(both.as_bytes())
                )))
            }
            Way::Digest(None) => Ok(None),
            Way::Digest(Some(client)) => client
                .respond(&PasswordParams {
                    username: user,
                    password: password.reveal(),
                    uri: target,
                    method,
                    body: None,
                })
                .map(Some),
        }
    }

    /// Takes a server's challenges in. Says whether it is worth while to ask again: only when there
    /// was none before, or the server says that it merely was too old.
    pub(super) fn challenged<'a>(&mut self, challenges: impl Iterator<Item = &'a str>) -> bool {
        let Way::Digest(last) = &mut self.way else {
            return false;
        };
        let mut texts = challenges.filter(|text| text.len() <= CHALLENGE_LIMIT);
        let new = texts.find_map(|text| {
            let all = parse_challenges(text).ok()?;
            let mut digests = all
                .iter()
                .filter(|one| one.scheme.eq_ignore_ascii_case("digest"));
            digests.find_map(|one| DigestClient::try_from(one).ok())
        });
        let Some(new) = new else { return false };
        let again = last.is_none() || new.stale();
        *last = Some(new);
        again
    }
}

/// What stands for the password in an answer to a challenge.
pub(super) fn response(said: &str) -> Option<&str> {
    let digest = said.strip_prefix("Digest ")?;
    let (_, rest) = digest.split_once("response=\"")?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::Secret;

    fn login(authentication: Authentication) -> Login {
        let credentials = Account {
            user: "Mufasa".into(),
            password: Secret::new("Circle of Life".into()),
        };
        Login::new(credentials, authentication)
    }

    #[test]
    fn basic_says_it_at_once_and_answers_no_challenge() {
        let mut login = login(Authentication::Basic);
        let said = login.authorization("GET", "/").unwrap().unwrap();
        assert_eq!(said, "Basic TXVmYXNhOkNpcmNsZSBvZiBMaWZl");
        let digest = "Digest realm=\"a\", nonce=\"b\", qop=\"auth\"";
        assert!(!login.challenged([digest].into_iter()));
    }

    #[test]
    fn u_12_digest_never_says_the_password_whatever_the_server_asks_for() {
        let mut login = login(Authentication::Digest);
        assert_eq!(login.authorization("GET", "/").unwrap(), None);
        let long = format!("Digest realm=\"{}\", nonce=\"b\"", "x".repeat(5000));
        for bad in [
            "Basic realm=\"x\"",
            "",
            "Digest",
            "Digest realm=\"",
            "\u{7f}",
            &long,
        ] {
            assert!(!login.challenged([bad].into_iter()), "{bad}");
        }
        assert_eq!(login.authorization("GET", "/").unwrap(), None);
        let digest = "Digest realm=\"a\", nonce=\"b\", qop=\"auth\", algorithm=SHA-256";
        assert!(login.challenged(["Basic realm=\"x\"", digest].into_iter()));
        let said = login.authorization("PUT", "/x").unwrap().unwrap();
        assert!(
            said.starts_with("Digest ") && said.contains("nc=00000001"),
            "{said}"
        );
        let hash = response(&said).unwrap();
        assert_eq!((hash.len(), response("Basic x")), (64, None));
        let next = login.authorization("PUT", "/x").unwrap().unwrap();
        assert!(
            next.contains("nc=00000002") && !next.contains("Circle"),
            "{next}"
        );
        // The same question again means that the answer was wrong.
        assert!(!login.challenged([digest].into_iter()));
        let stale = format!("{digest}, stale=true");
        assert!(login.challenged([stale.as_str()].into_iter()));
    }
}
