use crate::people::import::{Gathered, History, ImportError, Merge, Outcome, propose};
use crate::people::{Human, Proposal, yaml};
use crate::policy::rewrite::RegisterPerson;
use crate::types::PersonName;
use std::collections::BTreeMap;
use std::path::PathBuf;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA4yXV5l3Fy3/CQUwSknQXWSRcZSOYYRGo4eabHmvYsp";

type Reader = fn(&mut Gathered, &std::path::Path) -> Result<(), ImportError>;

fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("list");
    std::fs::write(&path, bytes).unwrap();
    (dir, path)
}

fn read(lists: &[(Reader, &str)]) -> Gathered {
    let mut gathered = Gathered::default();
    for (reader, text) in lists {
        let (_dir, path) = file(text.as_bytes());
        reader(&mut gathered, &path).unwrap();
    }
    gathered
}

fn refused(reader: Reader, bytes: &[u8]) -> String {
    let (_dir, path) = file(bytes);
    let error = reader(&mut Gathered::default(), &path).unwrap_err();
    error.to_string().rsplit_once("/list").unwrap().1.to_owned()
}

fn proposed(lists: &[(Reader, &str)]) -> Outcome {
    propose(&Proposal::default(), read(lists), &[], false).unwrap()
}

fn emails(outcome: &Outcome) -> Vec<Vec<&str>> {
    let people = outcome.people.iter();
    people
        .map(|one| one.human.entry.emails.iter().map(String::as_str).collect())
        .collect()
}

#[test]
fn i_08_a_mailmap_that_is_named_is_read_in_all_four_forms() {
    let text = "# who is who\nAlice <a@x>\n<b@x> <b@old>\nCarol C <c@x> <c@old> # left\nDan <d@x> dd <d@old>\n\
                Eve <e@x> ee <root@box>\nFay <f@x> ff <root@box>\n";
    let outcome = proposed(&[(Gathered::mailmap, text)]);
    assert_eq!(
        emails(&outcome),
        [
            vec!["a@x"],
            vec!["b@x", "b@old"],
            vec!["c@x", "c@old"],
            vec!["d@x", "d@old"],
            vec!["e@x"],
            vec!["f@x"]
        ]
    );
    assert_eq!(outcome.notes.len(), 2, "{:?}", outcome.notes);
    assert!(outcome.notes[0].contains("`root@box` is the address of more than one person"));
    for odd in ["Alice", "<a@x>", "Alice <>", "A <a@x> b", "A <a@x> <b@x> c"] {
        assert_eq!(
            refused(Gathered::mailmap, odd.as_bytes()),
            ":1: is none of the four forms of a mailmap",
            "{odd}"
        );
    }
}

#[test]
fn i_24_an_authors_file_says_whose_accounts_are_whose() {
    let uuid = "2f6bd5a0-9a7c-4c1e-8d53-0f9a6ad1c0de";
    let history = format!("<alice@{uuid}> <ACME\\bob>\n");
    let text =
        "alice = Alice <a@x>\n(no author) = nobody <n@x>\nACME\\bob = Bob <b@x>\ncarl = Carl <>\n";
    let outcome = proposed(&[(Gathered::svn_authors, text)]);
    assert_eq!(emails(&outcome), [vec!["a@x"], vec!["b@x"], vec![]]);
    assert!(
        outcome.notes[0].contains("is no human"),
        "{:?}",
        outcome.notes
    );
    assert!(
        outcome.notes[1].contains("`carl` has no address"),
        "{:?}",
        outcome.notes
    );
    assert!(
        outcome
            .people
            .iter()
            .all(|one| one.human.entry.logins.is_empty())
    );
    // One line that says that both are one joins them.
    let outcome = proposed(&[(Gathered::svn_authors, text), (Gathered::mailmap, &history)]);
    assert_eq!(outcome.people.len(), 2);
    assert_eq!(
        refused(Gathered::svn_authors, b"\nalice\n"),
        ":2: is not `user = Full Name <address>`"
    );
}

#[test]
fn a_table_is_data_and_every_value_has_to_fit() {
    let text = format!(
        "name,email,email,login,ssh_key\n\"=HYPERLINK(1), A\",@a@x,+b@x,=cmd|x,\"{KEY} laptop\"\n"
    );
    let outcome = proposed(&[(Gathered::table, &text)]);
    let human = &outcome.people[0].human;
    assert_eq!(human.entry.full_name.as_deref(), Some("=HYPERLINK(1), A"));
    assert_eq!(human.entry.emails, ["@a@x", "+b@x"]);
    assert_eq!(human.entry.logins, ["=cmd|x"]);
    assert!(
        yaml::write(&outcome.proposal)
            .unwrap()
            .contains("name: \"=HYPERLINK(1), A\"")
    );
    let table = |text: &str| refused(Gathered::table, text.as_bytes());
    assert!(table("name,shoe\x1b[2J\n").starts_with(":1: the column `shoe\\x1b[2J` is not known"));
    assert_eq!(table("name,name\n"), ":1: the column `name` is there twice");
    assert_eq!(
        table("name,email\nA\n"),
        ":2: has another number of fields than the header"
    );
    assert_eq!(
        table("name,email\nA,a\u{202e}@x\n"),
        ":2: the e-mail holds the character U+202E"
    );
    assert_eq!(
        table("openpgp\nABCD\n"),
        ":2: the key has to be 40 or 64 hexadecimal digits without blanks, not 4 characters"
    );
    assert_eq!(table("name\na\n\0"), ":3: holds a NUL byte");
}

#[test]
fn lists_are_bounded() {
    let large = vec![b'#'; super::super::import::MAX_FILE_BYTES + 1];
    let said = refused(Gathered::mailmap, &large);
    assert!(said.contains("is larger than"), "{said}");
    let many: String = (0..=super::super::import::MAX_RECORDS)
        .map(|n| format!("u{n} = U <u{n}@x>\n"))
        .collect();
    let said = refused(Gathered::svn_authors, many.as_bytes());
    assert!(said.contains("more than 100000 identities"), "{said}");
}

#[test]
fn i_06_who_looks_like_one_human_is_asked_about() {
    let twins = |one: &str, other: &str| {
        let lines = format!("{one}\n{other}\n");
        let outcome = proposed(&[(Gathered::mailmap, &lines)]);
        assert_eq!(outcome.people.len(), 2, "{lines}");
        !outcome.is_settled()
    };
    for (one, other) in [
        ("Alice Example <a@x>", "Example, Alice <b@x>"),
        ("Zoë Müller <a@x>", "ZOE  MUELLER <b@x>"),
        ("Zoe Muller <a@x>", "Zoë Müller <b@x>"),
        ("Alice Example <a@x>", "\u{410}lice Example <b@x>"),
        ("Alice Example <a@x>", "AIice Example <b@x>"),
        ("Alice Example (ext) <a@x>", "Alice Example <b@x>"),
        ("A <alice@x>", "B <alice+git@y>"),
        ("A <alice@x>", "B <ACME\\Alice>"),
        ("A <a.example@x>", "B <aexample@y>"),
        ("Alice Example <a1@x>", "alice <aexample@y>"),
        (
            "Alice Example <a1@x>",
            "q <alice@2f6bd5a0-9a7c-4c1e-8d53-0f9a6ad1c0de>",
        ),
    ] {
        assert!(twins(one, other), "{one} and {other}");
    }
    assert!(!twins("Alice Example <a@x>", "Bob Other <b@x>"));
}

#[test]
fn i_07_a_list_that_makes_one_of_two_people_is_a_conflict() {
    let human = |email: &str| {
        Human::from(RegisterPerson {
            emails: vec![email.into()],
            ..RegisterPerson::default()
        })
    };
    let policy = Proposal {
        people: BTreeMap::from([
            (PersonName::new("ann"), human("a@x")),
            (PersonName::new("bo"), human("b@x")),
        ]),
        teams: None,
    };
    let gathered = read(&[(Gathered::mailmap, "<a@x> <B@X>\n")]);
    let outcome = propose(&policy, gathered, &[], false).unwrap();
    assert!(outcome.conflicts[0].starts_with("`ann` and `bo` are several people of the policy"));
    let missing = propose(
        &policy,
        Gathered::default(),
        &[Merge("ann=no\x1bone".into())],
        false,
    );
    assert!(
        missing
            .unwrap_err()
            .to_string()
            .contains("nobody here is `no\\x1bone`")
    );
}

#[test]
fn what_is_shown_repaints_no_terminal() {
    let hostile = "E\x1b[2Jve \u{202e}X <e\x1b[31m@x>\nEve X <eve\u{200b}@y>\n";
    let outcome = proposed(&[(Gathered::mailmap, hostile)]);
    let report = crate::ui::imported(&outcome, &History::default(), false);
    let text = yaml::write(&outcome.proposal).unwrap();
    for shown in [report, text] {
        assert!(
            !shown.contains(['\x1b', '\u{202e}', '\u{200b}']),
            "{shown:?}"
        );
    }
}
