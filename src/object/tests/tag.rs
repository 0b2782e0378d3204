//! The grammar of tags, against the tricks of the catalogue.

use super::*;

const TAGGER: &str = "tagger Rob <rob@example.org> 1700000001 -0330";

fn headers() -> Vec<&'static str> {
    vec![
        "object 1111111111111111111111111111111111111111",
        "type commit",
        "tag v1",
        TAGGER,
    ]
}

fn refusal(headers: &[&str]) -> ObjectError {
    Tag::parse(&commit_of(headers, "title\n")).unwrap_err()
}

#[test]
fn reads_what_git_writes() {
    let raw = commit_of(&headers(), &format!("title\n\nbody\n{ARMOR}"));
    let tag = Tag::parse(&raw).unwrap();
    assert_eq!(tag.object.to_string(), ONE);
    assert_eq!(tag.kind, ObjectKind::Commit);
    assert_eq!(tag.name, b"v1");
    assert_eq!(tag.tagger.email, b"rob@example.org");
    assert_eq!(tag.message, b"title\n\nbody\n");
    let signature = tag.signature.unwrap();
    assert_eq!(signature.armor, ARMOR.as_bytes());
    assert_eq!([signature.payload, ARMOR.as_bytes().to_vec()].concat(), raw);
}

#[test]
fn o_18_the_type_is_read_as_it_is_claimed() {
    for (word, kind) in [
        ("commit", ObjectKind::Commit),
        ("tree", ObjectKind::Tree),
        ("blob", ObjectKind::Blob),
        ("tag", ObjectKind::Tag),
    ] {
        let line = format!("type {word}");
        let mut headers = headers();
        headers[1] = &line;
        assert_eq!(Tag::parse(&commit_of(&headers, "")).unwrap().kind, kind);
    }
    let mut headers = headers();
    headers[1] = "type Commit";
    let kind = "Commit".to_owned();
    assert_eq!(refusal(&headers), ObjectError::ObjectType { kind });
}

#[test]
fn o_20_each_header_once_and_in_order() {
    for index in 0..4 {
        let mut twice = headers();
        twice.insert(index, twice[index]);
        let error = refusal(&twice);
        let known = matches!(
            error,
            ObjectError::MissingHeader { .. } | ObjectError::HeaderPlace { .. }
        );
        assert!(known, "{error}");
        let mut without = headers();
        without.remove(index);
        assert!(matches!(
            refusal(&without),
            ObjectError::MissingHeader { .. }
        ));
    }
    for header in [
        "gpgsig x",
        "gpgsig-sha256 x",
        "parent x",
        "encoding UTF-8",
        "x y",
    ] {
        let mut more = headers();
        more.push(header);
        let header = header.split(' ').next().unwrap().to_owned();
        assert_eq!(refusal(&more), ObjectError::UnknownHeader { header });
    }
    let mut more = headers();
    more[2] = "tag v1\n more";
    assert_eq!(
        refusal(&more),
        ObjectError::Continued {
            header: "tag".into()
        }
    );
}

#[test]
fn i_24_a_tagger_is_somebody() {
    let mut odd = headers();
    odd[3] = "tagger  <> 0 +0000";
    let why = "the name is empty";
    assert_eq!(
        refusal(&odd),
        ObjectError::Ident {
            header: "tagger",
            why
        }
    );
    let mut odd = headers();
    odd[2] = "tag a\u{1b}b";
    assert_eq!(refusal(&odd), ObjectError::TagName);
}

#[test]
fn two_lines_that_begin_a_block_are_refused() {
    // git takes the last such line, so that the first block would be signed text.
    for first in [
        ARMOR,
        "-----BEGIN PGP MESSAGE-----\n",
        "-----BEGIN PGP SIGNATURE-----x\n",
    ] {
        let raw = commit_of(&headers(), &format!("title\n{first}more\n{ARMOR}"));
        assert_eq!(Tag::parse(&raw), Err(ArmorError::Several.into()));
    }
    let quoted = commit_of(
        &headers(),
        &format!("title\n -----BEGIN PGP MESSAGE-----\n{ARMOR}"),
    );
    assert!(Tag::parse(&quoted).unwrap().signature.is_some());
}

#[test]
fn the_whole_message_may_be_a_signature() {
    let tag = Tag::parse(&commit_of(&headers(), ARMOR)).unwrap();
    assert_eq!(tag.message, b"");
    assert!(tag.signature.is_some());
}
