//! One connection to a directory: TLS, bind, and searches that are whole or an error.

use super::entry::Entry;
use super::settings::{Security, Settings};
use super::{DirectoryError, secrets};
use crate::trust;
use crate::types::escape;
use ldap3::controls::{MakeCritical, PagedResults, RawControl};
use ldap3::{
    LdapConn, LdapConnSettings, LdapError, LdapResult, Scope, SearchOptions, SearchResult,
};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long a connection, or one answer, may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many entries are asked for at once.
const PAGE: i32 = 500;
/// The most entries that one search may find.
const MAX_ENTRIES: usize = 100_000;
/// How many values are asked for at once where a server gives them out in parts: few enough for
/// every limit that an administrator may have set.
const PART: usize = 200;
/// The most members of one group.
const MAX_MEMBERS: usize = 100_000;

/// Paging (RFC 2696).
const PAGED: &str = "1.2.840.113556.1.4.319";
/// Answer for this domain alone, without pointing at others.
const DOMAIN_SCOPE: &str = "1.2.840.113556.1.4.1339";
/// A server that has this is Active Directory.
const ACTIVE_DIRECTORY: &str = "1.2.840.113556.1.4.800";

/// What kind of server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Active Directory, Samba included.
    ActiveDirectory,
    /// Any other LDAP server.
    Ldap,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ActiveDirectory => "active-directory",
            Self::Ldap => "ldap",
        })
    }
}

/// A connection.
pub(super) struct Session {
    conn: LdapConn,
    server: String,
    pub kind: Kind,
    paged: bool,
    domain_scope: bool,
}

impl Session {
    /// Connects, binds, and finds out what kind of server it is.
    ///
    /// # Errors
    /// When the connection is not as safe as the settings say, the bind is refused, or the server
    /// is of another kind than the settings say.
    pub(super) fn open(settings: &Settings) -> Result<Self, DirectoryError> {
        let server = settings.server.to_string();
        let bind = secrets::bind(settings)?;
        let mut conn = connect(settings)?;
        if let Some((dn, password)) = bind {
            conn.with_timeout(PATIENCE);
            let answer = conn.simple_bind(&dn, password.reveal());
            let answer = answer.map_err(|error| lost(&server, &error))?;
            if answer.rc != 0 {
                return Err(DirectoryError::Bind {
                    server,
                    dn: escape(dn.as_bytes()),
                    why: said(&answer),
                });
            }
        }
        let mut session = Self {
            conn,
            server,
            kind: Kind::Ldap,
            paged: false,
            domain_scope: false,
        };
        session.introduce(settings.kind)?;
        Ok(session)
    }

    /// Reads what the server says of itself.
    fn introduce(&mut self, expected: Option<Kind>) -> Result<(), DirectoryError> {
        let attributes = ["supportedCapabilities", "supportedControl"];
        let found = self.search("", Scope::Base, "(objectClass=*)", &attributes)?;
        let root = found.first().ok_or_else(|| DirectoryError::Malformed {
            server: self.server.clone(),
            what: "it says nothing of itself".into(),
        })?;
        let has = |attribute: &str, oid: &str| root.texts(attribute).any(|value| value == oid);
        let active = has("supportedCapabilities", ACTIVE_DIRECTORY);
        let (paged, scope) = (
            has("supportedControl", PAGED),
            has("supportedControl", DOMAIN_SCOPE),
        );
        self.kind = if active {
            Kind::ActiveDirectory
        } else {
            Kind::Ldap
        };
        self.paged = paged;
        self.domain_scope = active && scope;
        match expected {
            Some(said) if said != self.kind => Err(DirectoryError::OtherKind {
                server: self.server.clone(),
                said,
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// Everything that a search finds.
    ///
    /// # Errors
    /// Unless the server says that this is all: limits, referrals and refusals are errors.
    pub(super) fn search(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, DirectoryError> {
        let mut all = Vec::new();
        let mut cookie = Vec::new();
        loop {
            let controls = self.controls(scope, cookie);
            self.conn
                .with_timeout(PATIENCE)
                .with_search_options(SearchOptions::new())
                .with_controls(controls);
            let answer = self.conn.search(base, scope, filter, attributes);
            let SearchResult(entries, result) =
                answer.map_err(|error| lost(&self.server, &error))?;
            ended(base, &result)?;
            for entry in entries {
                let entry = Entry::read(entry).map_err(|what| DirectoryError::Malformed {
                    server: self.server.clone(),
                    what,
                })?;
                all.push(entry);
            }
            if all.len() > MAX_ENTRIES {
                return Err(DirectoryError::TooMuch {
                    base: escape(base.as_bytes()),
                    what: "entries",
                    limit: MAX_ENTRIES,
                });
            }
            cookie = next_page(&result);
            if cookie.is_empty() {
                return Ok(all);
            }
        }
    }

    /// One entry by its name; nothing where there is none that can be seen.
    ///
    /// # Errors
    /// As for [`Self::search`].
    pub(super) fn lookup(
        &mut self,
        dn: &str,
        attributes: &[&str],
    ) -> Result<Option<Entry>, DirectoryError> {
        match self.search(dn, Scope::Base, "(objectClass=*)", attributes) {
            Ok(found) => Ok(found.into_iter().next()),
            Err(DirectoryError::Nothing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All values of an attribute of one entry, however many answers it takes.
    ///
    /// # Errors
    /// When the entry is not there, or not all values can be had.
    pub(super) fn values(
        &mut self,
        dn: &str,
        attribute: &str,
    ) -> Result<Vec<String>, DirectoryError> {
        let mut all: Vec<String> = Vec::new();
        loop {
            let from = all.len();
            let part = match self.kind {
                Kind::ActiveDirectory => format!("{attribute};range={from}-{}", from + PART - 1),
                Kind::Ldap if from > 0 => format!("{attribute};range={from}-*"),
                Kind::Ldap => attribute.to_owned(),
            };
            let entry = self.lookup(dn, &[&part])?.ok_or_else(|| nothing(dn))?;
            let (values, more) = match entry.part(attribute) {
                Some(part) if part.from == from => (part.values, part.more),
                None if from == 0 => (entry.raw(attribute), false),
                Some(_) | None => return Err(self.torn(dn, attribute)),
            };
            if more && values.is_empty() {
                return Err(self.torn(dn, attribute));
            }
            for value in values {
                let value = std::str::from_utf8(value).map_err(|_| self.torn(dn, attribute))?;
                all.push(value.to_owned());
            }
            if all.len() > MAX_MEMBERS {
                return Err(DirectoryError::TooMuch {
                    base: escape(dn.as_bytes()),
                    what: "members",
                    limit: MAX_MEMBERS,
                });
            }
            if !more {
                return Ok(all);
            }
        }
    }

    fn controls(&self, scope: Scope, cookie: Vec<u8>) -> Vec<RawControl> {
        let mut controls = Vec::new();
        if self.paged && scope != Scope::Base {
            controls.push(PagedResults { size: PAGE, cookie }.critical().into());
        }
        if self.domain_scope {
            controls.push(RawControl {
                ctype: DOMAIN_SCOPE.to_owned(),
                crit: true,
                val: None,
            });
        }
        controls
    }

    fn torn(&self, dn: &str, attribute: &str) -> DirectoryError {
        DirectoryError::Malformed {
            server: self.server.clone(),
            what: format!(
                "parts of `{attribute}` of `{}` that do not fit",
                escape(dn.as_bytes())
            ),
        }
    }
}

/// There is no such entry.
pub(super) fn nothing(dn: &str) -> DirectoryError {
    DirectoryError::Nothing {
        dn: escape(dn.as_bytes()),
    }
}

/// Connects, with TLS before anything else is said unless the settings do without.
fn connect(settings: &Settings) -> Result<LdapConn, DirectoryError> {
    let server = &settings.server;
    let mut how = LdapConnSettings::new().set_conn_timeout(PATIENCE);
    match server.security {
        Security::Plain => {}
        Security::Tls => how = how.set_config(tls(settings)?),
        Security::StartTls => how = how.set_config(tls(settings)?).set_starttls(true),
    }
    LdapConn::with_settings(how, &server.to_string()).map_err(|error| DirectoryError::Connect {
        server: server.to_string(),
        why: because(&error),
    })
}

fn tls(settings: &Settings) -> Result<Arc<rustls::ClientConfig>, DirectoryError> {
    let fail = |why: String| DirectoryError::Connect {
        server: settings.server.to_string(),
        why,
    };
    let ca = settings.authorities()?;
    let roots = trust::roots(ca.as_deref()).map_err(fail)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| fail(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Whether a search says that what it gave is all.
fn ended(base: &str, result: &LdapResult) -> Result<(), DirectoryError> {
    const NO_SUCH_OBJECT: u32 = 32;
    const REFERRAL: u32 = 10;
    if result.rc == REFERRAL || !result.refs.is_empty() {
        let shown = result.refs.iter().take(3);
        let shown: Vec<String> = shown.map(|url| escape(url.as_bytes())).collect();
        return Err(DirectoryError::Referral {
            base: escape(base.as_bytes()),
            elsewhere: shown.join(", "),
        });
    }
    match result.rc {
        0 => Ok(()),
        NO_SUCH_OBJECT => Err(nothing(base)),
        _ => Err(DirectoryError::Search {
            base: escape(base.as_bytes()),
            why: said(result),
        }),
    }
}

/// The cookie for the next page; empty after the last.
fn next_page(result: &LdapResult) -> Vec<u8> {
    let mut controls = result.ctrls.iter().map(|control| &control.1);
    let control = controls.find(|control| control.ctype == PAGED);
    control.map_or_else(Vec::new, |control| control.parse::<PagedResults>().cookie)
}

/// What a server said, in its own words where it used any.
fn said(result: &LdapResult) -> String {
    const LONGEST: usize = 200;
    let code = match result.rc {
        3 => "its time limit was reached".to_owned(),
        4 => "its size limit was reached".to_owned(),
        11 => "an administrative limit was reached".to_owned(),
        49 => "these credentials are not valid".to_owned(),
        50 => "the account may not do that".to_owned(),
        other => format!("result {other}"),
    };
    let text: String = escape(result.text.as_bytes())
        .chars()
        .take(LONGEST)
        .collect();
    if text.is_empty() {
        code
    } else {
        format!("{code} ({text})")
    }
}

fn lost(server: &str, error: &LdapError) -> DirectoryError {
    DirectoryError::Lost {
        server: server.to_owned(),
        why: because(error),
    }
}

fn because(error: &LdapError) -> String {
    if let LdapError::LdapResult { result } = error {
        return said(result);
    }
    if let LdapError::FilterParsing = error {
        return "the filter is not one".to_owned();
    }
    escape(error.to_string().as_bytes())
}
