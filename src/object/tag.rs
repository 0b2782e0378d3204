//! Annotated tags: `object`, `type`, `tag`, `tagger`, once each in this order, a blank line, the
//! message, and at its end at most one signature.

use super::commit::check_bytes;
use super::error::{ObjectError, shown};
use super::header::Headers;
use super::signed::split_signature;
use super::{ObjectKind, Tag, ident};

/// The largest tag that is read, in bytes.
pub const MAX_TAG_BYTES: usize = 1 << 20;

impl Tag {
    /// Reads an annotated tag from its raw content.
    ///
    /// The signature is what begins at the only line that begins an armor block, as git finds it,
    /// and it reaches to the end: nothing may follow its last line. Several such lines are refused,
    /// since git takes the last of them and people the first.
    ///
    /// # Errors
    /// Everything that does not fit the grammar: see [`ObjectError`].
    pub fn parse(raw: &[u8]) -> Result<Self, ObjectError> {
        check_bytes("tag", raw, MAX_TAG_BYTES)?;
        let mut headers = Headers::new(raw, &["object", "type", "tag", "tagger"]);
        let object = headers.oid("object")?;
        let kind = read_kind(headers.one("type")?.value)?;
        let name = headers.one("tag")?.value;
        if name.iter().any(u8::is_ascii_control) {
            return Err(ObjectError::TagName);
        }
        let tagger = ident::parse("tagger", headers.one("tagger")?.value)?;
        let content = headers.message()?;
        let (message, signature) = split_signature(raw, content)?;
        Ok(Self {
            object,
            kind,
            name: name.to_vec(),
            tagger,
            message: message.to_vec(),
            signature,
        })
    }
}

fn read_kind(value: &[u8]) -> Result<ObjectKind, ObjectError> {
    match value {
        b"commit" => Ok(ObjectKind::Commit),
        b"tree" => Ok(ObjectKind::Tree),
        b"blob" => Ok(ObjectKind::Blob),
        b"tag" => Ok(ObjectKind::Tag),
        other => Err(ObjectError::ObjectType { kind: shown(other) }),
    }
}
