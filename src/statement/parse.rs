//! Reading a statement from its tag.

use super::{Decision, Statement, StatementError, key, particulars, tag_name};
use crate::object::{ObjectKind, Tag, reads_like, shown, split_last_paragraph, trailers};
use crate::types::{Oid, RefName, StageName, Timestamp};
use std::collections::BTreeMap;

/// The longest message that is read, in bytes.
pub const MAX_STATEMENT_BYTES: usize = 64 << 10;

/// The longest reason and repository name that are read, in bytes.
const MAX_TEXT: usize = 2048;

impl Statement {
    /// Reads what a tag states, signed or not: who signed it is another question.
    ///
    /// # Errors
    /// A tag that names no commit, whose trailers are not exactly the format's, or whose name and
    /// object are not those of its trailers.
    pub fn parse(tag: &Tag) -> Result<Self, StatementError> {
        match tag.kind {
            ObjectKind::Commit => {}
            ObjectKind::Tree => return Err(StatementError::NotACommit { kind: "tree" }),
            ObjectKind::Blob => return Err(StatementError::NotACommit { kind: "blob" }),
            ObjectKind::Tag => return Err(StatementError::NotACommit { kind: "tag" }),
        }
        let statement = read_message(&tag.message)?;
        if statement.commit != tag.object {
            return Err(StatementError::OtherCommit {
                stated: statement.commit,
                object: tag.object,
            });
        }
        let expected = tag_name(&statement);
        if tag.name != expected.as_bytes() {
            let found = shown(&tag.name);
            return Err(StatementError::TagName { found, expected });
        }
        Ok(statement)
    }
}

/// Reads what a message states, without the tag around it.
pub(super) fn read_message(message: &[u8]) -> Result<Statement, StatementError> {
    if message.len() > MAX_STATEMENT_BYTES {
        return Err(StatementError::TooLarge {
            size: message.len(),
            limit: MAX_STATEMENT_BYTES,
        });
    }
    check_text(split_last_paragraph(message).0)?;
    let mut fields = Fields::read(message)?;
    let decision = read_decision(&mut fields)?;
    let statement = Statement {
        decision,
        repository: fields.required(key::REPOSITORY, read_text)?,
        refname: fields.required(key::REF, |value| {
            RefName::new(value).map_err(|error| error.why.to_owned())
        })?,
        base: fields.optional(key::BASE, read_oid)?,
        commit: fields.required(key::COMMIT, read_oid)?,
        tree: fields.required(key::TREE, read_oid)?,
        expires: fields.optional(key::EXPIRES, read_time)?,
        checkpoint: fields.optional(key::CHECKPOINT, read_checkpoint)?,
        stage: fields.optional(key::STAGE, read_stage)?,
        reason: fields.optional(key::REASON, read_text)?,
        particulars: particulars::read(&mut fields)?,
    };
    particulars::check(&statement)?;
    Ok(statement)
}

/// What a reader takes for a trailer has to be one: nothing that reads like a statement's trailer
/// may stand in the text above them.
fn check_text(text: &[u8]) -> Result<(), StatementError> {
    let looks_like_one = |line: &&[u8]| {
        key::STATEMENT.iter().any(|key| {
            let letters = key.replace('-', "").to_ascii_lowercase();
            reads_like(line, &letters)
        })
    };
    match text.split(|byte| *byte == b'\n').find(looks_like_one) {
        Some(line) => Err(StatementError::Misplaced { line: shown(line) }),
        None => Ok(()),
    }
}

fn read_decision(fields: &mut Fields) -> Result<Decision, StatementError> {
    let word = fields.required(key::DECISION, |value| Ok(value.to_vec()))?;
    let withdraws = fields.optional(key::WITHDRAWS, read_oid)?;
    let decision = match (word.as_slice(), withdraws) {
        (b"approve", _) => Decision::Approve,
        (b"reject", _) => Decision::Reject,
        (b"lift", _) => Decision::Lift,
        (b"emergency", _) => Decision::Emergency,
        (b"delegate", _) => Decision::Delegate,
        (b"rollback", _) => Decision::Rollback,
        (b"check", _) => Decision::Check,
        (b"withdraw", Some(statement)) => Decision::Withdraw { statement },
        (b"withdraw", None) => {
            return Err(StatementError::Missing {
                key: key::WITHDRAWS,
            });
        }
        (other, _) => return Err(StatementError::Decision { word: shown(other) }),
    };
    let withdrawal = matches!(decision, Decision::Withdraw { .. });
    if withdraws.is_some() && !withdrawal {
        return Err(StatementError::NotHere {
            key: key::WITHDRAWS,
            decision: decision.word(),
        });
    }
    Ok(decision)
}

/// The trailers by their keys, each of which a statement may have, none twice.
pub(super) struct Fields(BTreeMap<&'static str, Vec<u8>>);

impl Fields {
    fn read(message: &[u8]) -> Result<Self, StatementError> {
        let all = trailers(message)?;
        // A later version may have other keys: say first what that is about.
        let version = all.iter().find(|trailer| trailer.key == key::VERSION);
        match version.map(|trailer| trailer.value.as_slice()) {
            Some(b"1") => {}
            Some(other) => {
                return Err(StatementError::Version {
                    version: shown(other),
                });
            }
            None => return Err(StatementError::Missing { key: key::VERSION }),
        }
        let mut fields = BTreeMap::new();
        for trailer in all.iter() {
            let known = key::STATEMENT.iter().find(|key| **key == trailer.key);
            let Some(known) = known else {
                return Err(StatementError::Unknown {
                    key: shown(trailer.key.as_bytes()),
                });
            };
            if fields.insert(*known, trailer.value.clone()).is_some() {
                return Err(StatementError::Duplicate {
                    key: trailer.key.clone(),
                });
            }
        }
        Ok(Self(fields))
    }

    fn required<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Result<T, StatementError> {
        self.optional(key, read)?
            .ok_or(StatementError::Missing { key })
    }

    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Result<Option<T>, StatementError> {
        let Some(value) = self.0.remove(key) else {
            return Ok(None);
        };
        read(&value).map(Some).map_err(|why| StatementError::Value {
            key,
            value: shown(&value),
            why,
        })
    }
}

pub(super) fn read_oid(value: &[u8]) -> Result<Oid, String> {
    Oid::from_hex(value).map_err(|error| error.to_string())
}

pub(super) fn read_utf8(value: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(value).map_err(|_| "it is not UTF-8".to_owned())
}

pub(super) fn read_time(value: &[u8]) -> Result<Timestamp, String> {
    read_utf8(value)?
        .parse()
        .map_err(|error: crate::types::TimestampError| error.to_string())
}

/// Text that says something: at least one letter or digit, no blanks around it.
pub(super) fn read_text(value: &[u8]) -> Result<String, String> {
    let text = read_utf8(value)?;
    if text.len() > MAX_TEXT {
        Err(format!("it is longer than {MAX_TEXT} bytes"))
    } else if text.trim() != text || text.chars().any(char::is_control) {
        Err("it has blanks around it, or control characters".to_owned())
    } else if !text.chars().any(char::is_alphanumeric) {
        Err("it holds no letter and no digit".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// A stage's name, in the form that the policy has for names.
fn read_stage(value: &[u8]) -> Result<StageName, String> {
    particulars::read_name(value).map(StageName::new)
}

/// A log's head, `<size> <base64 root>`: a decimal number and 32 bytes.
fn read_checkpoint(value: &[u8]) -> Result<String, String> {
    let text = read_utf8(value)?;
    let (size, root) = text
        .split_once(' ')
        .ok_or("it is not a size, a space and a root")?;
    let parsed: Option<u64> = size.parse().ok();
    if parsed.map(|size| size.to_string()).as_deref() != Some(size) {
        return Err("its size is not a plain decimal number".to_owned());
    }
    if !is_base64_of_32_bytes(root.as_bytes()) {
        return Err("its root is not the base64 of 32 bytes".to_owned());
    }
    Ok(text.to_owned())
}

/// 43 digits and one `=`, the last digit holding only the four bits that 32 bytes leave it.
fn is_base64_of_32_bytes(root: &[u8]) -> bool {
    let Some((last, digits)) = root.strip_suffix(b"=").and_then(<[u8]>::split_last) else {
        return false;
    };
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'+' || *byte == b'/';
    digits.len() == 42 && digits.iter().all(digit) && b"AEIMQUYcgkosw048".contains(last)
}
