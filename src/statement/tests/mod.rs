//! Tests of the statement format: what is refused by the name of the trick that it meets, and that
//! what is written is what is read.

mod approving;
mod format;
mod made_by_git;
mod particulars;
mod round_trip;

use super::*;
use crate::object::{Ident, ObjectKind, Tag};
use crate::types::{Oid, RefName, Timestamp};

pub(super) const ONE: &str = "1111111111111111111111111111111111111111";
pub(super) const TWO: &str = "2222222222222222222222222222222222222222";

pub(super) const ROOT: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

pub(super) fn oid(digit: u8) -> Oid {
    Oid::from_bytes(&[digit; 20]).unwrap()
}

/// An approval with everything that one can have.
pub(super) fn approval() -> Statement {
    Statement {
        decision: Decision::Approve,
        repository: "acme/site".into(),
        refname: RefName::new(b"refs/heads/prod").unwrap(),
        base: Some(oid(0x22)),
        commit: oid(0x11),
        tree: oid(0x33),
        expires: Some(Timestamp::from_unix(1_798_070_400)),
        checkpoint: Some(format!("17 {ROOT}")),
        stage: None,
        reason: Some("looks right".into()),
        particulars: Particulars::default(),
    }
}

/// A tag about the commit `11…` with this name and message.
pub(super) fn tag(name: &str, message: &str) -> Tag {
    Tag {
        object: oid(0x11),
        kind: ObjectKind::Commit,
        name: name.into(),
        tagger: Ident {
            name: b"Rob".to_vec(),
            email: b"rob@example.org".to_vec(),
            claimed_seconds: 0,
        },
        message: message.into(),
        signature: None,
    }
}

/// The approval's message with one thing replaced, read again.
pub(super) fn changed(from: &str, to: &str) -> Result<Statement, StatementError> {
    let message = compose(&approval(), "Approve", "It works.").unwrap();
    assert!(message.contains(from), "{from}");
    let message = message.replacen(from, to, 1);
    Statement::parse(&tag("relhook/approve/111111111111", &message))
}
