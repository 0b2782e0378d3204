//! Credentials: read from a private file, or from what a program named there prints; kept out of
//! everything that is shown or written.

mod ask;

use super::ReleaseError;
use crate::policy::Account;
use crate::secret::{self, Keeper, Secret};
use crate::types::TargetName;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One line of a credentials file: what a kind of target may need of its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The user name.
    User,
    /// The password.
    Password,
    /// The path of a private SSH key: a file of our own that nobody else can read.
    Key,
    /// What opens that key.
    Passphrase,
    /// The id of an object store's access key.
    AccessKey,
    /// Its secret.
    SecretKey,
    /// What a temporary access key has to come with.
    SessionToken,
    /// A bearer token.
    Token,
}

impl Field {
    const ALL: [(&'static str, Self); 8] = [
        ("user", Self::User),
        ("password", Self::Password),
        ("key", Self::Key),
        ("passphrase", Self::Passphrase),
        ("access_key", Self::AccessKey),
        ("secret_key", Self::SecretKey),
        ("session_token", Self::SessionToken),
        ("token", Self::Token),
    ];

    /// How the file names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, field)| *field == self);
        found.map_or("", |(name, _)| name)
    }

    fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(own, _)| *own == name);
        found.map(|(_, field)| *field)
    }
}

/// Who relhook is on a target.
#[derive(Debug, Clone)]
pub struct Credentials {
    fields: BTreeMap<Field, Secret>,
    /// Where they were found.
    path: PathBuf,
}

/// The keys of a store.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The access key: its name.
    pub access_key: String,
    /// The secret key.
    pub secret_key: Secret,
    /// What goes with keys that last for a while only.
    pub session_token: Option<Secret>,
}

/// A user name and a password.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

impl Credentials {
    /// A value, if it is there.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<&Secret> {
        self.fields.get(&field)
    }

    /// Everything that is there.
    pub(in crate::release) fn all(&self) -> impl Iterator<Item = (Field, &Secret)> {
        self.fields.iter().map(|(field, value)| (*field, value))
    }

    /// A value that has to be there.
    ///
    /// # Errors
    /// When it is not, or is empty.
    pub fn need(&self, field: Field) -> Result<&Secret, ReleaseError> {
        match self.get(field) {
            Some(value) if !value.reveal().is_empty() => Ok(value),
            Some(_) => Err(self.unusable(format!("`{}=` is empty", field.name()))),
            None => Err(self.unusable(format!("it has no `{}=…` line", field.name()))),
        }
    }

    /// Complains where a line is there that this kind of target has no use for: it was meant for
    /// something else, and is sent nowhere.
    ///
    /// # Errors
    /// When there is such a line.
    pub fn only(&self, known: &[Field]) -> Result<(), ReleaseError> {
        match self.fields.keys().find(|field| !known.contains(field)) {
            None => Ok(()),
            Some(other) => Err(self.unusable(format!(
                "this kind of target has no use for `{}=`",
                other.name()
            ))),
        }
    }

    /// The user name and the password, and nothing else.
    ///
    /// # Errors
    /// When it does not hold exactly these.
    pub fn login(&self) -> Result<Login, ReleaseError> {
        self.only(&[Field::User, Field::Password])?;
        let password = self.get(Field::Password);
        Ok(Login {
            user: self.need(Field::User)?.reveal().to_owned(),
            password: password
                .ok_or_else(|| self.unusable("it has no `password=…` line".into()))?
                .clone(),
        })
    }

    /// The keys of a store, and nothing else.
    ///
    /// # Errors
    /// When it does not hold them, or holds more.
    pub fn keys(&self) -> Result<Keys, ReleaseError> {
        self.only(&[Field::AccessKey, Field::SecretKey, Field::SessionToken])?;
        Ok(Keys {
            access_key: self.need(Field::AccessKey)?.reveal().to_owned(),
            secret_key: self.need(Field::SecretKey)?.clone(),
            session_token: self.get(Field::SessionToken).cloned(),
        })
    }

    /// Whether it is what such a target needs.
    ///
    /// # Errors
    /// As when it is used.
    pub fn check(&self, account: Account) -> Result<(), ReleaseError> {
        match account {
            Account::None => Ok(()),
            Account::Password => self.login().map(drop),
            Account::Ssh => self.need(Field::User).map(drop),
            Account::Keys => self.keys().map(drop),
        }
    }

    /// An error about this file that repeats nothing of it.
    pub(in crate::release) fn unusable(&self, why: String) -> ReleaseError {
        ReleaseError::Credentials {
            path: self.path.clone(),
            why,
        }
    }
}

/// The folders in which a target's credentials are looked for, in this order.
#[derive(Debug, Clone)]
pub struct Shelves {
    /// Where a service manager puts them (`$CREDENTIALS_DIRECTORY`).
    pub service: Option<PathBuf>,
    /// `credentials/` in relhook's folder.
    pub own: PathBuf,
}

impl Shelves {
    /// The shelves for relhook's `folder`, with what the environment says.
    #[must_use]
    pub fn from_env(folder: &Path) -> Self {
        Self {
            service: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
            own: folder.join("credentials"),
        }
    }

    /// The credentials of `target`. Where the file names a program, it is asked, each time.
    ///
    /// # Errors
    /// When there is no file, when it is a link or others can read it, when a line of it is none
    /// that is known or stands twice, or when the program that it names does not answer.
    pub fn credentials(&self, target: &TargetName) -> Result<Credentials, ReleaseError> {
        if let Some(found) = self.find(target)? {
            return Ok(found);
        }
        Err(ReleaseError::NoCredentials {
            target: target.to_string(),
            path: self.own.join(target.as_str()),
        })
    }

    /// The same, for targets that can do without.
    ///
    /// # Errors
    /// When there are some and they cannot be used.
    pub fn find(&self, target: &TargetName) -> Result<Option<Credentials>, ReleaseError> {
        if let Some(service) = &self.service
            && let Some(found) = read(&service.join(target.as_str()), Keeper::Service)?
        {
            return Ok(Some(found));
        }
        read(&self.own.join(target.as_str()), Keeper::Own)
    }
}

fn read(path: &Path, keeper: Keeper) -> Result<Option<Credentials>, ReleaseError> {
    let fail = |why: String| ReleaseError::Credentials {
        path: path.to_owned(),
        why,
    };
    let Some(text) = secret::private_text(path, keeper).map_err(fail)? else {
        return Ok(None);
    };
    let mut lines = lines(&text).map_err(fail)?;
    if let Some(command) = lines.remove("command") {
        if !lines.is_empty() {
            return Err(fail("beside `command=` there may be no other line".into()));
        }
        let answer = ask::ask(command).map_err(fail)?;
        lines =
            self::lines(&answer).map_err(|why| fail(format!("what its command says: {why}")))?;
        return fields(lines, path).map(Some).map_err(fail);
    }
    fields(lines, path).map(Some).map_err(fail)
}

/// The lines `name=value`, each name once; blank ones and those that begin with `#` are left out.
fn lines(text: &str) -> Result<BTreeMap<&str, &str>, String> {
    let mut lines = BTreeMap::new();
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        // Nothing of a line is repeated: it may be a password that stands alone.
        let (name, value) = line.split_once('=').ok_or("a line is not `name=value`")?;
        if value.chars().any(char::is_control) {
            return Err("a value holds a control character".into());
        }
        if lines.insert(name, value).is_some() {
            return Err("a line stands in it twice".into());
        }
    }
    Ok(lines)
}

fn fields(lines: BTreeMap<&str, &str>, path: &Path) -> Result<Credentials, String> {
    let mut fields = BTreeMap::new();
    for (name, value) in lines {
        let known = || Field::ALL.map(|(name, _)| format!("`{name}=`")).join(", ");
        let field = Field::named(name)
            .ok_or_else(|| format!("a line is none that is known here: {}", known()))?;
        fields.insert(field, Secret::new(value.to_owned()));
    }
    if fields.is_empty() {
        return Err("there is nothing in it".into());
    }
    Ok(Credentials {
        fields,
        path: path.to_owned(),
    })
}

#[cfg(test)]
mod tests;
