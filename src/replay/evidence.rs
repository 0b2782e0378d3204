//! The evidence of an entry, read back: the statements that were heard and the push's certificate.

use crate::audit::{AuditLog, Hash, VerdictRecord};
use crate::certificate::PushCertificate;
use crate::object::Tag;
use crate::statement::{Statement, StatementRef};
use crate::types::{Oid, RefName};
use std::collections::BTreeMap;

/// What an entry rests on.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The statements, by their tags.
    pub statements: BTreeMap<Oid, Raw>,
    pub certificates: Vec<PushCertificate>,
    /// What is missing or altered.
    pub lost: Vec<Hash>,
}

/// A statement as it was signed.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    /// The ref that it is stored under.
    pub name: RefName,
    pub bytes: Vec<u8>,
}

impl Heard {
    /// Reads what the entry names.
    pub(super) fn of(log: &AuditLog, record: &VerdictRecord) -> Self {
        let mut heard = Self::default();
        for hash in &record.evidence {
            match log.evidence(hash) {
                Ok(bytes) => heard.take(bytes),
                Err(_) => heard.lost.push(hash.clone()),
            }
        }
        heard
    }

    fn take(&mut self, bytes: Vec<u8>) {
        if let Some((tag, name)) = statement(&bytes) {
            self.statements.insert(tag, Raw { name, bytes });
        } else if let Ok(certificate) = PushCertificate::parse(&bytes) {
            self.certificates.push(certificate);
        }
    }
}

/// The id of a statement's tag and the name that it is stored under; nothing where it is none.
pub(super) fn statement(bytes: &[u8]) -> Option<(Oid, RefName)> {
    let tag = Tag::parse(bytes).ok()?;
    let statement = Statement::parse(&tag).ok()?;
    let id = git2::Oid::hash_object(git2::ObjectType::Tag, bytes).ok()?;
    let oid = Oid::from_bytes(id.as_bytes()).ok()?;
    let name = StatementRef::of(statement.commit, bytes).to_refname();
    Some((oid, name))
}
