//! Annotated tags and the statements in them.

use relhook::object::Tag;
use relhook::statement::{Statement, compose, tag_name};

const OBJECT: &str = "1111111111111111111111111111111111111111";

/// What a statement's name can say.
const DECISIONS: [&str; 8] = [
    "approve",
    "reject",
    "lift",
    "withdraw",
    "emergency",
    "delegate",
    "rollback",
    "check",
];

/// A tag as it stands, and a statement's tag around the bytes as its message.
pub fn holds(data: &[u8]) {
    as_tag(data);
    for decision in DECISIONS {
        let name = format!("relhook/{decision}/{}", &OBJECT[..12]);
        let head = format!(
            "object {OBJECT}\ntype commit\ntag {name}\ntagger Rob <rob@example.org> 0 +0000\n\n"
        );
        as_tag(&[head.as_bytes(), data].concat());
    }
}

fn as_tag(data: &[u8]) {
    let tag = match Tag::parse(data) {
        Ok(tag) => tag,
        Err(error) => return super::is_harmless(&error),
    };
    if let Some(signature) = &tag.signature {
        assert_eq!([&signature.payload[..], &signature.armor].concat(), data);
        let bare = Tag::parse(&signature.payload).expect("the payload is a tag");
        assert!(bare.signature.is_none());
        assert_eq!(bare.message, tag.message);
    }
    libgit2_agrees(data, &tag);
    match Statement::parse(&tag) {
        Ok(statement) => is_written_again(&tag, &statement),
        Err(error) => super::is_harmless(&error),
    }
}

fn is_written_again(tag: &Tag, statement: &Statement) {
    assert_eq!(tag.name, tag_name(statement).as_bytes());
    // A ref name that is not UTF-8 is read, but `compose` writes text only, and says so.
    let message = match compose(statement, "title", "") {
        Ok(message) => message,
        Err(_) if std::str::from_utf8(statement.refname.as_bytes()).is_err() => return,
        Err(error) => panic!("{error}: {statement:?}"),
    };
    let again = Tag {
        message: message.into_bytes(),
        signature: None,
        ..tag.clone()
    };
    assert_eq!(Statement::parse(&again).as_ref(), Ok(statement));
}

fn libgit2_agrees(data: &[u8], tag: &Tag) {
    super::with_libgit2(|repository| {
        let odb = repository.odb().expect("the store");
        let oid = odb.write(git2::ObjectType::Tag, data).expect("stored");
        let Ok(theirs) = repository.find_tag(oid) else {
            return; // libgit2 refuses more: an empty message, an odd kind
        };
        assert_eq!(theirs.target_id().as_bytes(), tag.object.as_bytes());
        assert_eq!(theirs.name_bytes(), tag.name);
    });
}
