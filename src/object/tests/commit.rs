//! The grammar of commits, against the tricks of the catalogue.

use super::*;

fn plain() -> Vec<&'static str> {
    vec![
        "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        AUTHOR,
        COMMITTER,
    ]
}

fn refusal(headers: &[&str]) -> ObjectError {
    Commit::parse(&commit_of(headers, "title\n")).unwrap_err()
}

fn place(header: &str) -> ObjectError {
    ObjectError::HeaderPlace {
        header: header.into(),
    }
}

fn missing(expected: &'static str, found: &str) -> ObjectError {
    ObjectError::MissingHeader {
        expected,
        found: found.into(),
    }
}

/// The refusal of a commit whose author line is this.
fn author(line: &str) -> ObjectError {
    refusal(&[&format!("tree {TREE}"), line, COMMITTER])
}

fn ident(why: &'static str) -> ObjectError {
    ObjectError::Ident {
        header: "author",
        why,
    }
}

#[test]
fn reads_what_git_writes() {
    let sig = gpgsig(ARMOR);
    let raw = commit_of(
        &[
            &format!("tree {TREE}"),
            &format!("parent {ONE}"),
            &format!("parent {TWO}"),
            AUTHOR,
            COMMITTER,
            "encoding ISO-8859-1",
            "mergetag object 2222222222222222222222222222222222222222\n type commit\n \n v1",
            "mergetag object 1111111111111111111111111111111111111111\n type commit",
            &sig,
        ],
        "title\n\nbody\n",
    );
    let commit = Commit::parse(&raw).unwrap();
    assert_eq!(commit.tree.to_string(), TREE);
    assert_eq!(commit.parents, [ONE.parse().unwrap(), TWO.parse().unwrap()]);
    assert_eq!(commit.author.name, b"Dana Dev");
    assert_eq!(commit.author.email, b"dana@example.org");
    assert_eq!(commit.author.claimed_seconds, 1_700_000_000);
    assert_eq!(commit.committer.email, b"rob@example.org");
    assert_eq!(commit.message, b"title\n\nbody\n");
    let signature = commit.signature.unwrap();
    assert_eq!(signature.armor, ARMOR.as_bytes());
    let text = String::from_utf8(raw).unwrap();
    assert_eq!(
        signature.payload,
        text.replace(&format!("{sig}\n"), "").into_bytes()
    );
}

#[test]
fn an_empty_message_is_a_message() {
    assert_eq!(
        Commit::parse(&commit_of(&plain(), "")).unwrap().message,
        b""
    );
    let cut = plain().join("\n") + "\n";
    assert_eq!(Commit::parse(cut.as_bytes()), Err(ObjectError::NoBlankLine));
    assert_eq!(Commit::parse(b""), Err(ObjectError::NoBlankLine));
}

#[test]
fn o_01_two_author_headers() {
    let mut headers = plain();
    headers.insert(2, "author Bob <bob@example.org> 1 +0000");
    assert_eq!(refusal(&headers), missing("committer", "`author`"));
}

#[test]
fn o_02_two_committer_headers() {
    let mut headers = plain();
    headers.push("committer Bob <bob@example.org> 1 +0000");
    assert_eq!(refusal(&headers), place("committer"));
}

#[test]
fn o_03_two_tree_headers() {
    let mut headers = plain();
    headers.insert(0, "tree 1111111111111111111111111111111111111111");
    assert_eq!(refusal(&headers), missing("author", "`tree`"));
}

#[test]
fn o_04_headers_out_of_order() {
    let tree = format!("tree {TREE}");
    let sig = gpgsig(ARMOR);
    let swapped = refusal(&[&tree, COMMITTER, AUTHOR]);
    assert_eq!(swapped, missing("author", "`committer`"));
    let early = refusal(&[&tree, &sig, AUTHOR, COMMITTER]);
    assert_eq!(early, missing("author", "`gpgsig`"));
    let late = refusal(&[&tree, AUTHOR, COMMITTER, &sig, "encoding UTF-8"]);
    assert_eq!(late, place("encoding"));
    assert_eq!(
        refusal(&[AUTHOR, COMMITTER, &tree]),
        missing("tree", "`author`")
    );
}

#[test]
fn o_05_parent_after_the_committer() {
    let mut headers = plain();
    headers.push("parent 1111111111111111111111111111111111111111");
    assert_eq!(refusal(&headers), place("parent"));
}

#[test]
fn o_05_parents_twice_or_too_many() {
    let mut headers = plain();
    headers.insert(1, "parent 1111111111111111111111111111111111111111");
    headers.insert(1, "parent 1111111111111111111111111111111111111111");
    let parent = ONE.parse().unwrap();
    assert_eq!(refusal(&headers), ObjectError::DuplicateParent { parent });

    let parents: Vec<String> = (1..=65)
        .map(|number| format!("parent {number:040x}"))
        .collect();
    let mut headers = plain();
    headers.splice(1..1, parents.iter().map(String::as_str));
    assert_eq!(refusal(&headers), ObjectError::TooManyParents { limit: 64 });
    headers.remove(1);
    assert!(Commit::parse(&commit_of(&headers, "")).is_ok());
}

#[test]
fn o_06_no_author_no_brackets_overflowing_date() {
    let tree = format!("tree {TREE}");
    assert_eq!(
        refusal(&[&tree, COMMITTER]),
        missing("author", "`committer`")
    );
    assert_eq!(
        refusal(&[&tree]),
        missing("author", "the end of the headers")
    );
    assert_eq!(
        author("author Bob bob@x 1 +0000"),
        ident("there is no ` <` after a name")
    );
    let date = ident("the seconds are not a plain decimal number in range");
    for seconds in [
        "99999999999999999999",
        "9223372036854775808",
        "-1",
        "+1",
        "01",
        "",
        "1e3",
        "٣",
    ] {
        assert_eq!(
            author(&format!("author Bob <b@x> {seconds} +0000")),
            date,
            "{seconds}"
        );
    }
    assert_eq!(
        author("author Bob <b@x> 1"),
        ident("there is no zone after the seconds")
    );
    assert_eq!(
        author("author Bob <b@x> 1 0000"),
        ident("the zone has no sign")
    );
    for zone in ["+000", "+00000", "+0a00", "+0000 ", "+-100"] {
        let line = format!("author Bob <b@x> 1 {zone}");
        assert_eq!(
            author(&line),
            ident("the zone is not a sign and four digits"),
            "{zone}"
        );
    }
}

#[test]
fn o_07_nul_in_the_message() {
    let raw = commit_of(&plain(), "title\0\nRelhook-Approve: refs/heads/prod\n");
    assert_eq!(Commit::parse(&raw), Err(ObjectError::Nul));
}

#[test]
fn o_08_nul_in_the_author_line() {
    assert_eq!(author("author Bob\0 <b@x> 1 +0000"), ObjectError::Nul);
}

#[test]
fn o_09_carriage_returns_among_the_headers() {
    let mut headers = plain();
    headers.push("\r");
    let place = ObjectError::CarriageReturn {
        place: "the headers",
    };
    assert_eq!(refusal(&headers), place);
    assert_eq!(author("author Bob <b@x> 1 +0000\r"), place);
    let tag = "mergetag object 2222222222222222222222222222222222222222\n type commit\r";
    let mut headers = plain();
    headers.push(tag);
    assert_eq!(refusal(&headers), place);
}

#[test]
fn o_10_encodings_in_which_letters_are_not_letters() {
    let parse = |name: &str| {
        let line = format!("encoding {name}");
        let mut headers = plain();
        headers.push(&line);
        Commit::parse(&commit_of(&headers, "title\n"))
    };
    for good in [
        "ISO-8859-1",
        "latin1",
        "windows-1252",
        "UTF-8",
        "EUC-JP",
        "KOI8-R",
        "gb18030",
    ] {
        assert!(parse(good).is_ok(), "{good}");
    }
    for bad in [
        "UTF-7",
        "UTF-16",
        "UCS-2",
        "IBM037",
        "EBCDIC-US",
        "hz",
        "latin",
        "iso-8859-",
        "x y",
    ] {
        let encoding = bad.to_owned();
        assert_eq!(parse(bad), Err(ObjectError::Encoding { encoding }), "{bad}");
    }
}

#[test]
fn unknown_headers_are_named() {
    for header in [
        "change-id",
        "HG:extra",
        "gpgsig-sha256",
        "gpgsigx",
        "tagger",
        "x",
    ] {
        let line = format!("{header} something");
        let mut headers = plain();
        headers.push(&line);
        let header = header.to_owned();
        assert_eq!(refusal(&headers), ObjectError::UnknownHeader { header });
    }
}

#[test]
fn only_mergetag_and_gpgsig_go_on_over_several_lines() {
    let continued = |header: &str| ObjectError::Continued {
        header: header.into(),
    };
    assert_eq!(
        author("author Bob <b@x> 1 +0000\n more"),
        continued("author")
    );
    let mut headers = plain();
    headers.push("encoding UTF-8\n more");
    assert_eq!(refusal(&headers), continued("encoding"));
    assert_eq!(
        refusal(&[" tree", AUTHOR]),
        ObjectError::HeaderLine {
            line: " tree".into()
        }
    );
    assert_eq!(
        refusal(&["tree"]),
        ObjectError::HeaderLine {
            line: "tree".into()
        }
    );
    assert_eq!(
        refusal(&["tree "]),
        ObjectError::HeaderLine {
            line: "tree ".into()
        }
    );
}

#[test]
fn ids_are_whole_and_lower_case() {
    for (id, source) in [
        ("4b825dc6", crate::types::OidError::Malformed),
        (
            "4B825DC642CB6EB9A060E54BF8D69288FBEE4904",
            crate::types::OidError::Malformed,
        ),
        (
            "4b825dc642cb6eb9a060e54bf8d69288fbee4904 ",
            crate::types::OidError::Malformed,
        ),
        (
            "0000000000000000000000000000000000000000",
            crate::types::OidError::Zero,
        ),
    ] {
        let error = refusal(&[&format!("tree {id}"), AUTHOR, COMMITTER]);
        let header = "tree";
        assert_eq!(error, ObjectError::HeaderOid { header, source }, "{id}");
    }
}

#[test]
fn i_03_blanks_and_controls_around_an_address() {
    let blank = ident("the e-mail holds a blank, `<` or `>`");
    for email in [" a@x", "a@x ", "a @x"] {
        assert_eq!(
            author(&format!("author A <{email}> 1 +0000")),
            blank,
            "{email:?}"
        );
    }
    for email in ["a\t@x", "a@x\u{7f}", "a\u{1b}[2K@x"] {
        let error = author(&format!("author A <{email}> 1 +0000"));
        assert_eq!(error, ident("it holds a control character"), "{email:?}");
    }
}

#[test]
fn i_04_two_addresses_in_one_line() {
    let error = author("author X <a@x> <b@y> 1 +0000");
    assert_eq!(error, ident("the zone has no sign"));
    let error = author("author X <a@x> <b@y> +0000");
    let why = "the seconds are not a plain decimal number in range";
    assert_eq!(error, ident(why));
    assert_eq!(
        author("author X <a@x <b@y> 1 +0000"),
        ident("the e-mail holds a blank, `<` or `>`")
    );
    assert_eq!(
        author("author X> <a@x> 1 +0000"),
        ident("the name holds `<` or `>`")
    );
}

#[test]
fn i_05_an_identity_is_bytes() {
    let line = b"author J\xfcrgen <j\xfcrgen@x> 1 +0000";
    let mut raw = format!("tree {TREE}\n").into_bytes();
    raw.extend_from_slice(line);
    raw.extend_from_slice(format!("\n{COMMITTER}\n\nx").as_bytes());
    let commit = Commit::parse(&raw).unwrap();
    assert_eq!(commit.author.name, b"J\xfcrgen");
    assert_eq!(commit.author.email, b"j\xfcrgen@x");
}

#[test]
fn i_24_empty_identities() {
    assert_eq!(author("author  <a@x> 1 +0000"), ident("the name is empty"));
    assert_eq!(author("author A <> 1 +0000"), ident("the e-mail is empty"));
    assert_eq!(author("author  <> 0 +0000"), ident("the name is empty"));
    assert_eq!(
        author("author <a@x> 1 +0000"),
        ident("there is no ` <` after a name")
    );
    assert_eq!(
        author("author   A <a@x> 1 +0000"),
        ident("there are blanks around the name")
    );
}

#[test]
fn a_commit_has_a_largest_size() {
    let raw = commit_of(&plain(), &"x".repeat(MAX_COMMIT_BYTES));
    let (kind, size, limit) = ("commit", raw.len(), MAX_COMMIT_BYTES);
    assert_eq!(
        Commit::parse(&raw),
        Err(ObjectError::TooLarge { kind, size, limit })
    );
}
