//! Trailers and co-authors.

use super::*;

fn read(message: &str) -> Result<Vec<(String, String)>, TrailerError> {
    let text = |trailer: &Trailer| {
        let value = String::from_utf8(trailer.value.clone()).unwrap();
        (trailer.key.clone(), value)
    };
    trailers(message.as_bytes()).map(|all| all.iter().map(text).collect())
}

fn line_refused(line: &str) -> &'static str {
    match read(&format!("title\n\nA: b\n{line}\nC: d\n")) {
        Err(TrailerError::Line { why, .. }) => why,
        other => panic!("{line:?}: {other:?}"),
    }
}

#[test]
fn trailers_are_the_last_paragraph() {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(read("t\n\nA: b\n").unwrap(), [pair("A", "b")]);
    assert_eq!(read("t\n\nA: b").unwrap(), [pair("A", "b")]);
    let two = read("t\n\nA: b\n\nC-2: d: e\nC-2: f\n").unwrap();
    assert_eq!(two, [pair("C-2", "d: e"), pair("C-2", "f")]);
    assert_eq!(read(""), Err(TrailerError::NoParagraph));
    assert_eq!(read("\n"), Err(TrailerError::NoParagraph));
    assert_eq!(read("t\n\nA: b\n\n"), Err(TrailerError::NoParagraph));
    assert_eq!(read("A: b\n"), Err(TrailerError::NoTitle));
    assert_eq!(read("\nA: b\n"), Err(TrailerError::NoTitle));
    assert_eq!(read(" \n\t\n\nA: b\n"), Err(TrailerError::NoTitle));
    let many = format!("t\n\n{}", "A: b\n".repeat(65));
    assert_eq!(read(&many), Err(TrailerError::TooMany { limit: 64 }));
}

#[test]
fn v_17_a_trailer_is_exact_to_the_byte() {
    assert_eq!(line_refused("prose"), "it has no colon");
    for key in [
        "",
        " A",
        "A ",
        "A_b",
        "1A",
        "-A",
        "\u{c4}",
        "A\u{200b}",
        "A b",
    ] {
        let why = line_refused(&format!("{key}: x"));
        assert_eq!(why, "its key is not letters, digits and hyphens", "{key:?}");
    }
    assert_eq!(line_refused("A:x"), "there is no space behind the colon");
    assert_eq!(line_refused("A:\tx"), "there is no space behind the colon");
    assert_eq!(line_refused("A: "), "it has no value");
    assert_eq!(line_refused("A:  x"), "there are blanks around the value");
    assert_eq!(line_refused("A: x "), "there are blanks around the value");
    assert_eq!(line_refused("A: x\r"), "it holds a control character");
    assert_eq!(line_refused("A: x\ty"), "it holds a control character");
    assert_eq!(
        line_refused(&format!("A: {}", "x".repeat(5000))),
        "it is longer than 4096 bytes"
    );
}

fn named(message: &str) -> Vec<String> {
    co_authors(message.as_bytes())
        .into_iter()
        .map(|author| match author {
            CoAuthor::Named { name, email } => {
                format!("{}|{}", name.escape_ascii(), email.escape_ascii())
            }
            CoAuthor::Unreadable { line } => format!("?{}", line.escape_ascii()),
        })
        .collect()
}

#[test]
fn i_09_co_authors_are_found_wherever_they_stand() {
    for message in [
        "t\n\nCo-authored-by: Bob <bob@x>\n",
        "t\n\nCo-authored-by: Bob <bob@x>\n\nmore prose\n",
        "t\nCo-authored-by: Bob <bob@x>",
        "Co-authored-by: Bob <bob@x>",
        "t\n\nprose\nCo-authored-by: Bob <bob@x>\nprose\n",
        "t\n---\nCo-authored-by: Bob <bob@x>\n",
        "t\n\n    Co-authored-by: Bob <bob@x>\n",
        "t\n\n\tCO-AUTHORED-BY:Bob<bob@x>\n",
        "t\n\n* Co-authored-by : Bob <bob@x>,\n",
        "t\n\n> co-authored-by: Bob <bob@x> (again)\n",
        "t\n\nCo\u{2010}authored\u{2011}by: Bob <bob@x>\n",
        "t\n\nCo\u{2013}authored\u{200b}-\u{2212}by\u{ff1a} Bob <bob@x>\n",
        "t\n\nCoauthored by: Bob <bob@x>\n",
        "t\n\nCo-Authored-By Bob <bob@x>\n",
        "t\rCo-authored-by: Bob <bob@x>\r\n",
        "t\u{2028}Co-authored-by: Bob <bob@x>\u{85}",
        "t\n\nThanks! Co-authored-by: Bob <bob@x>\n",
        "t\n\n1. Co-authored-by: Bob <bob@x>\n",
        "t\n\nSigned-off-by: Bob <bob@x>\n",
        "t\n\nCo-developed-by: Bob <bob@x>\n",
        "t\n\nOn-behalf-of: Bob <bob@x>\n",
    ] {
        assert_eq!(named(message), ["Bob|bob@x"], "{message:?}");
    }
}

#[test]
fn i_09_several_on_one_line_and_several_lines() {
    let message = "t\n\nCo-authored-by: A <a@x>, B B <b@x>\nSigned-off-by: C <c@x>\n";
    assert_eq!(named(message), ["A|a@x", "B B|b@x", "C|c@x"]);
    assert_eq!(named("t\n\nCo-authored-by: bob@x\n"), ["|bob@x"]);
    assert_eq!(named("t\n\nCo-authored-by: <bob>\n"), ["|bob"]);
}

#[test]
fn i_09_an_unreadable_co_author_stays_a_stranger() {
    for line in [
        "Co-authored-by:",
        "Co-authored-by: Bob",
        "Co-authored-by: Bob <>",
        "Co-authored-by: Bob < bob@x >",
        "Co-authored-by Bob < bob@x >",
        "Co-authored-by: Bob <bob@x",
        "Co-authored-by: Bob <bob@x> and <Al ice>",
        "Co-authored-by: Bob bob@x",
        "Signed-off-by: @team",
    ] {
        assert_eq!(named(&format!("t\n\n  {line}\n")), [format!("?{line}")]);
    }
    let raw = b"t\n\nCo-authored-by: B\xf6b <b\xf6b@x>\n";
    let (name, email) = (b"B\xf6b".to_vec(), b"b\xf6b@x".to_vec());
    assert_eq!(co_authors(raw), [CoAuthor::Named { name, email }]);
}

#[test]
fn prose_names_nobody() {
    for message in [
        "",
        "Fix the parser",
        "On behalf of the team, thanks",
        "see what was signed off by whom",
        "Recoauthored-by: x",
        "Co-authored-bylaws: x",
        "Reviewed-by: Bob <bob@x>",
        "this is on behalf of: nobody in particular",
    ] {
        assert!(named(message).is_empty(), "{message:?}");
    }
}
