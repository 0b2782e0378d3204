//! What a server says, made safe to show: without the session's secrets, in whatever form it has
//! got them and repeats them.

use super::error::shown_reply;
use super::{Keys, Login, Secret};
use base64ct::{Base64Unpadded, Base64UrlUnpadded, Encoding};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use quick_xml::escape::escape;
use std::sync::Arc;

/// How much of an answer is looked through, in bytes. No more than its first 200 are shown, and no
/// secret is as long.
const LOOKED_AT: usize = 32 * 1024;

/// What is shown instead.
const INSTEAD: &str = "(an answer that repeats a secret)";

/// What a session knows and nobody is to read.
#[derive(Debug, Clone, Default)]
pub(in crate::release) struct Redactor {
    forms: Arc<Vec<Secret>>,
    /// What stands for a secret in one request.
    passing: Option<Secret>,
}

impl Redactor {
    /// A user's password, and what `Authorization: Basic` makes of it.
    pub(in crate::release) fn of_login(login: &Login) -> Self {
        let password = login.password.reveal();
        let both = Secret::new(format!("{}:{password}", login.user));
        let mut forms = spellings(password);
        if !password.is_empty() {
            forms.extend(in_base64(both.reveal()));
        }
        Self::new(forms)
    }

    /// The keys of a store, and what gives power to a signed request.
    pub(in crate::release) fn of_keys(keys: &Keys) -> Self {
        let token = keys.session_token.iter().map(Secret::reveal);
        let secrets = std::iter::once(keys.secret_key.reveal()).chain(token);
        let mut forms: Vec<Secret> = secrets.flat_map(spellings).collect();
        let words = ["X-Amz-Signature=", "X-Amz-Security-Token="];
        forms.extend(words.map(|word| Secret::new(word.to_owned())));
        Self::new(forms)
    }

    fn new(forms: Vec<Secret>) -> Self {
        Self {
            forms: Arc::new(forms),
            passing: None,
        }
    }

    /// Knows, until the next one, what stands for a secret in this request.
    pub(in crate::release) fn takes(&mut self, passing: Option<&str>) {
        let passing = passing.filter(|text| !text.is_empty());
        self.passing = passing.map(|text| Secret::new(text.to_owned()));
    }

    /// A server's words: escaped, on one line and cut, or none of them.
    pub(in crate::release) fn shown(&self, said: &[u8]) -> String {
        match self.is_repeated_in(said) {
            true => INSTEAD.to_owned(),
            false => shown_reply(said),
        }
    }

    /// A server's words as they are, or none of them.
    pub(in crate::release) fn clean(&self, said: &[u8]) -> Vec<u8> {
        match self.is_repeated_in(said) {
            true => INSTEAD.as_bytes().to_vec(),
            false => said.to_vec(),
        }
    }

    /// A sentence in which a server's words may stand, safe to show otherwise.
    pub(in crate::release) fn passed(&self, sentence: String) -> String {
        match self.is_repeated_in(sentence.as_bytes()) {
            true => INSTEAD.to_owned(),
            false => sentence,
        }
    }

    fn is_repeated_in(&self, said: &[u8]) -> bool {
        let said = said.trim_ascii();
        let said = said.get(..LOOKED_AT).unwrap_or(said);
        let mut forms = self.forms.iter().chain(&self.passing);
        forms.any(|form| {
            let form = form.reveal().as_bytes();
            said.windows(form.len()).any(|part| part == form)
        })
    }
}

/// A secret as it is, and as texts of other kinds have it.
fn spellings(secret: &str) -> Vec<Secret> {
    if secret.is_empty() {
        return Vec::new();
    }
    let mut forms = in_base64(secret);
    let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let spelled = [secret.to_owned(), escape(secret).into_owned(), percent];
    forms.extend(spelled.into_iter().map(Secret::new));
    forms
}

/// Without what fills it up, which is not always there.
fn in_base64(secret: &str) -> Vec<Secret> {
    let bytes = secret.as_bytes();
    let both = [
        Base64Unpadded::encode_string(bytes),
        Base64UrlUnpadded::encode_string(bytes),
    ];
    both.into_iter().map(Secret::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u_12_no_form_of_a_password_is_shown() {
        let redactor = Redactor::of_login(&Login {
            user: "dana".into(),
            password: Secret::new("a<b c?~\u{e9}".into()),
        });
        for said in [
            "no a<b c?~\u{e9} here",
            "no a&lt;b c?~\u{e9} here",
            "GET /?p=a%3Cb%20c%3F%7E%C3%A9",
            "Authorization: Basic ZGFuYTphPGIgYz9+w6k=",
            "Authorization: Basic ZGFuYTphPGIgYz9-w6k",
            "you said YTxiIGM/fsOp",
        ] {
            assert_eq!(redactor.shown(said.as_bytes()), INSTEAD, "{said}");
            assert_eq!(redactor.passed(said.to_owned()), INSTEAD, "{said}");
            assert_eq!(redactor.clean(said.as_bytes()), INSTEAD.as_bytes());
            let late = format!("{}{said}", " ".repeat(100_000));
            assert_eq!(redactor.shown(late.as_bytes()), INSTEAD);
        }
        assert_eq!(redactor.shown(b"530 not \x1bdana"), "530 not \\x1bdana");
        assert_eq!(redactor.clean(b"not \x1bdana\n"), b"not \x1bdana\n");
        assert!(!format!("{redactor:?}").contains("a<b"));
    }

    #[test]
    fn u_12_neither_key_nor_token_of_a_store_is_shown() {
        let redactor = Redactor::of_keys(&Keys {
            access_key: "AKIA".into(),
            secret_key: Secret::new("so/secret".into()),
            session_token: Some(Secret::new("to+ken==".into())),
        });
        for said in ["so/secret", "so%2Fsecret", "to+ken==", "to%2Bken%3D%3D"] {
            let said = format!("the request with {said} failed");
            assert_eq!(redactor.shown(said.as_bytes()), INSTEAD, "{said}");
        }
        let said = b"GET /site/a?X-Amz-Expires=900&X-Amz-Signature=0a1b";
        assert_eq!(redactor.shown(said), INSTEAD);
        assert_eq!(redactor.shown(b"AKIA is not known"), "AKIA is not known");
    }

    #[test]
    fn what_stands_for_a_password_is_known_as_long_as_it_counts() {
        let mut redactor = Redactor::of_login(&Login {
            user: "dana".into(),
            password: Secret::new(String::new()),
        });
        assert_eq!(redactor.shown(b"0a1b2c"), "0a1b2c");
        redactor.takes(Some("1b2c"));
        assert_eq!(redactor.shown(b"0a1b2c"), INSTEAD);
        redactor.takes(None);
        assert_eq!(redactor.shown(b"0a1b2c"), "0a1b2c");
    }
}
