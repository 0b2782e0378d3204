//! Who is in a group, nested groups included.
//!
//! Everywhere the groups are walked. Active Directory is asked for the accounts by its own matching
//! rule as well, and the two answers have to agree: another server answers that rule with success and
//! nobody, and rights that hide a member would make a team smaller without a word.

use super::dn::DnKey;
use super::entry::Entry;
use super::fetch::Known;
use super::session::{Kind, Session, nothing};
use super::snapshot::Membership;
use super::{DirectoryError, Settings};
use crate::types::escape;
use ldap3::{Scope, ldap_escape};
use std::collections::BTreeSet;

/// "Member of it, or of a group that is, and so on".
const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";
/// The most groups within one.
const MAX_GROUPS: usize = 10_000;
/// Attributes that hold the names of members.
const BY_NAME: [&str; 2] = ["member", "uniqueMember"];
/// The attribute that holds the logins of members.
const BY_LOGIN: &str = "memberUid";

/// Who is in the group `dn`.
///
/// # Errors
/// When the group is not there, a member of it is not, or not all can be read.
pub(super) fn members(
    session: &mut Session,
    settings: &Settings,
    known: &Known,
    dn: &str,
) -> Result<Membership, DirectoryError> {
    let group = session
        .lookup(dn, &ATTRIBUTES)?
        .ok_or_else(|| nothing(dn))?;
    let mut walk = Walk {
        session,
        settings,
        known,
        seen: BTreeSet::new(),
        tokens: BTreeSet::new(),
        open: Vec::new(),
        found: Membership::default(),
    };
    walk.enter(&group)?;
    while let Some(next) = walk.open.pop() {
        walk.group(&next)?;
    }
    walk.by_rule(&group.dn)?;
    Ok(walk.found)
}

/// What is read of an entry that may be a group.
const ATTRIBUTES: [&str; 4] = ["objectClass", "memberURL", "primaryGroupToken", "uid"];

struct Walk<'a> {
    session: &'a mut Session,
    settings: &'a Settings,
    known: &'a Known,
    /// The groups and other entries that were looked at.
    seen: BTreeSet<DnKey>,
    /// By which number accounts name one of these groups as their primary one.
    tokens: BTreeSet<u32>,
    /// The groups that are still to be read.
    open: Vec<String>,
    found: Membership,
}

impl Walk<'_> {
    /// Takes a group in, once.
    fn enter(&mut self, group: &Entry) -> Result<(), DirectoryError> {
        if !self.seen.insert(DnKey::of(&group.dn)) {
            return Ok(());
        }
        if !group.raw("memberURL").is_empty() {
            return Err(DirectoryError::Dynamic {
                group: escape(group.dn.as_bytes()),
            });
        }
        if self.seen.len() > MAX_GROUPS {
            return Err(DirectoryError::TooMuch {
                base: escape(group.dn.as_bytes()),
                what: "groups",
                limit: MAX_GROUPS,
            });
        }
        let token = group.first("primaryGroupToken");
        self.tokens
            .extend(token.and_then(|text| text.parse::<u32>().ok()));
        self.open.push(group.dn.clone());
        Ok(())
    }

    fn group(&mut self, dn: &str) -> Result<(), DirectoryError> {
        for attribute in BY_NAME {
            if self.session.kind == Kind::ActiveDirectory && attribute != "member" {
                continue;
            }
            for member in self.session.values(dn, attribute)? {
                self.member(dn, without_uid(&member))?;
            }
        }
        if self.session.kind == Kind::Ldap {
            for login in self.session.values(dn, BY_LOGIN)? {
                self.login(dn, &login)?;
            }
        }
        Ok(())
    }

    fn member(&mut self, group: &str, member: &str) -> Result<(), DirectoryError> {
        if let Some(account) = self.known.by_dn(&DnKey::of(member)) {
            self.found.accounts.insert(account);
            return Ok(());
        }
        if self.seen.contains(&DnKey::of(member)) {
            return Ok(());
        }
        let Some(entry) = self.session.lookup(member, &ATTRIBUTES)? else {
            return self.absent(group, member);
        };
        // Its own spelling decides: a member may be written in another.
        if let Some(account) = self.known.by_dn(&DnKey::of(&entry.dn)) {
            self.found.accounts.insert(account);
        } else if is_group(&entry) {
            self.enter(&entry)?;
        } else {
            self.seen.insert(DnKey::of(&entry.dn));
            self.found.others.insert(escape(entry.dn.as_bytes()));
        }
        Ok(())
    }

    fn login(&mut self, group: &str, login: &str) -> Result<(), DirectoryError> {
        if let Some(account) = self.known.by_login(login) {
            self.found.accounts.insert(account);
            return Ok(());
        }
        let names = self.settings.attributes(self.session.kind).login;
        let name = names.first().map_or("uid", String::as_str);
        let filter = format!("({name}={})", ldap_escape(login));
        let found =
            self.session
                .search(&self.settings.base, Scope::Subtree, &filter, &ATTRIBUTES)?;
        if found.is_empty() {
            return self.absent(group, login);
        }
        for entry in found {
            match self.known.by_dn(&DnKey::of(&entry.dn)) {
                Some(account) => self.found.accounts.insert(account),
                None => self.found.others.insert(escape(entry.dn.as_bytes())),
            };
        }
        Ok(())
    }

    /// A member that is not there is an error, unless the settings know of it.
    fn absent(&self, group: &str, member: &str) -> Result<(), DirectoryError> {
        let key = DnKey::of(member);
        let mut all = self.settings.leave_out.iter();
        if all.any(|out| out == member || (out.contains('=') && DnKey::of(out) == key)) {
            return Ok(());
        }
        Err(DirectoryError::Dangling {
            group: escape(group.as_bytes()),
            member: escape(member.as_bytes()),
        })
    }

    /// Asks Active Directory itself who is in the group, and adds those whose primary group it is:
    /// they are members and stand in no list.
    fn by_rule(&mut self, dn: &str) -> Result<(), DirectoryError> {
        if self.session.kind != Kind::ActiveDirectory {
            return Ok(());
        }
        let filter = self.settings.filter(self.session.kind);
        let chain = format!("(memberOf:{IN_CHAIN}:={})", ldap_escape(dn));
        let listed = self.found.accounts.clone();
        let by_rule = self.ask(&format!("(&{filter}{chain})"), dn)?;
        let (only_listed, only_by_rule) = (&listed - &by_rule, &by_rule - &listed);
        if let Some(at) = only_listed.first().or(only_by_rule.first()) {
            return Err(DirectoryError::Contradiction {
                group: escape(dn.as_bytes()),
                what: self.named(*at),
            });
        }
        let tokens: Vec<u32> = self.tokens.iter().copied().collect();
        for token in tokens {
            let primary = format!("(&{filter}(primaryGroupID={token}))");
            let more = self.ask(&primary, dn)?;
            self.found.accounts.extend(more);
        }
        Ok(())
    }

    fn ask(&mut self, filter: &str, group: &str) -> Result<BTreeSet<usize>, DirectoryError> {
        let base = &self.settings.base;
        let found = self
            .session
            .search(base, Scope::Subtree, filter, &["1.1"])?;
        let mut accounts = BTreeSet::new();
        for entry in found {
            let account = self.known.by_dn(&DnKey::of(&entry.dn));
            accounts.insert(account.ok_or_else(|| DirectoryError::Contradiction {
                group: escape(group.as_bytes()),
                what: escape(entry.dn.as_bytes()),
            })?);
        }
        Ok(accounts)
    }

    fn named(&self, at: usize) -> String {
        let mut names = self.known.names();
        let name = names.find(|(_, account)| *account == at);
        name.map_or_else(String::new, |(key, _)| escape(key.to_string().as_bytes()))
    }
}

/// Whether an entry has members of its own.
fn is_group(entry: &Entry) -> bool {
    let mut classes = entry.texts("objectClass");
    classes.any(|class| class.to_ascii_lowercase().contains("group"))
}

/// A value of `uniqueMember` without the bit string that may stand behind its name.
fn without_uid(member: &str) -> &str {
    match member.rsplit_once("#'") {
        Some((name, bits)) if bits.ends_with("'B") => name,
        Some(_) | None => member,
    }
}
