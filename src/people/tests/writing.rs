use crate::people::{Human, Proposal, WriteError, yaml};
use crate::policy::Policy;
use crate::policy::rewrite::{RegisterPerson, RewriteError};
use crate::types::{PersonName, TeamName};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const EXAMPLE: &str = include_str!("../../../policy.yaml.example");

/// What follows the people in a whole policy.
const REST: &str = "branches:\n  refs/relhook/policy:\n    required: 1\n    from: [all]\n";
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA4yXV5l3Fy3/CQUwSknQXWSRcZSOYYRGo4eabHmvYsp dana";
const OTHER_KEY: &str = "openpgp:1D1FB2B6C1F0A3E4957C88D2A60B3F5E7C9A4412";

fn example() -> Proposal {
    Proposal::of(&Policy::parse(EXAMPLE.as_bytes(), "example").unwrap())
}

fn human(name: &str) -> Human {
    Human::from(RegisterPerson {
        full_name: Some(name.to_owned()),
        ..RegisterPerson::default()
    })
}

/// Two people who can keep a policy, and one more under this name.
fn with_one_more(name: &str, more: Human) -> Proposal {
    let keyed = |key: &str| {
        Human::from(RegisterPerson {
            keys: vec![key.to_owned()],
            ..RegisterPerson::default()
        })
    };
    let mut people = BTreeMap::from([
        (PersonName::new("one"), keyed(KEY)),
        (PersonName::new("two"), keyed(OTHER_KEY)),
    ]);
    people.insert(PersonName::new(name), more);
    let members = people.keys().cloned().collect();
    Proposal {
        people,
        teams: Some(BTreeMap::from([(TeamName::new("all"), members)])),
    }
}

#[test]
fn nothing_to_change_changes_not_one_byte() {
    assert_eq!(yaml::replace(EXAMPLE, &example()).unwrap(), EXAMPLE);
}

#[test]
fn only_the_lines_of_who_changes_are_written_anew() {
    let mut wanted = example();
    let carol = wanted.people.get_mut(&PersonName::new("carol")).unwrap();
    carol.entry.emails.push("c.deputy@acme.example".into());
    wanted.people.remove(&PersonName::new("erin"));
    let mut zoe = human("Zoë \"Z\" O'Neil: #1 \\ {x}");
    zoe.notes.push("12 commits\n  mallory: {}".into());
    wanted.people.insert(PersonName::new("no"), zoe);
    let changed = yaml::replace(EXAMPLE, &wanted).unwrap();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (old, new) = (lines(EXAMPLE), lines(&changed));
    let added: Vec<&String> = new.iter().filter(|line| !old.contains(line)).collect();
    assert_eq!(
        added,
        [
            "    emails: [carol@acme.example, c.deputy@acme.example]",
            "  # 12 commits\\x0a  mallory: {}",
            "  \"no\":",
            "    name: \"Zoë \\\"Z\\\" O'Neil: #1 \\\\ {x}\"",
        ]
    );
    let gone: Vec<&String> = old.iter().filter(|line| !new.contains(line)).collect();
    assert_eq!(
        gone,
        [
            "    emails: [carol@acme.example]",
            "  erin:",
            "    name: Erin Emeritus",
            "    emails: [erin@acme.example]",
            "    # Somebody who has left stays here, so that what they did stays theirs, and can approve nothing.",
            "    disabled: true",
        ]
    );
    assert!(changed.contains("    # Addresses as they stand in commits"));
    let read = Policy::parse(changed.as_bytes(), "changed").unwrap();
    assert_eq!(read.people.len(), 5);
}

#[test]
fn sections_are_found_however_they_are_written() {
    let head = "version: 1\nrepository: acme/site\n";
    let people =
        "\"people\":   # everybody\n\n    # the first\n    one: {emails: [a@b]}\n\n# about teams\n";
    let teams = "teams: {all: [one]}\n";
    let wanted = with_one_more("three", human("Three"));
    for text in [
        format!("{head}{people}{teams}{REST}"),
        format!("{head}{teams}{people}{REST}# the end"),
        format!("{head}{REST}{teams}{people}"),
        format!("{head}{REST}people: {{}}"),
        format!("{head}people:\n  one:\n    emails: [a@b]\n  # odd\n{REST}"),
        format!("{head}{}", REST.trim_end()),
    ] {
        let replaced = yaml::replace(&text, &wanted).unwrap();
        let read = Policy::parse(replaced.as_bytes(), "written").unwrap();
        let mut again = Proposal::of(&read);
        for human in again.people.values_mut() {
            human.notes.clear();
        }
        assert_eq!(again, wanted, "{replaced}");
        for kept in text.lines().filter(|line| line.starts_with('#')) {
            assert!(replaced.contains(kept), "{kept}\n{replaced}");
        }
        assert_eq!(yaml::replace(&replaced, &wanted).unwrap(), replaced);
    }
}

#[test]
fn a_layout_that_cannot_be_kept_is_refused_and_not_guessed_at() {
    let wanted = with_one_more("three", human("Three"));
    for text in [
        "{version: 1, people: {}, teams: {}}\n",
        "  version: 1\n  people: {}\n",
        "- people\n",
    ] {
        let refused = yaml::replace(text, &wanted);
        assert!(
            matches!(refused, Err(WriteError::Rewrite(RewriteError::Layout))),
            "{refused:?}"
        );
    }
    let twice = yaml::replace("people: {}\npeople: {}\n", &wanted);
    assert!(
        matches!(twice, Err(WriteError::Rewrite(RewriteError::Unreadable(_)))),
        "{twice:?}"
    );
}

#[test]
fn i_06_what_a_policy_would_refuse_is_not_written() {
    for odd in [
        "a\u{202e}b",
        "a\nb",
        "a\x1b[2Jb",
        " a",
        "",
        "a\u{85}b",
        "\u{feff}a",
    ] {
        let refused = yaml::write(&with_one_more("three", human(odd)));
        assert!(matches!(refused, Err(WriteError::Value { .. })), "{odd:?}");
    }
    let said = yaml::write(&with_one_more("a b", human("A")))
        .unwrap_err()
        .to_string();
    assert!(
        said.starts_with("the name `a b` of `a b` is not a name"),
        "{said}"
    );
    let mut empty = with_one_more("three", human("Three"));
    empty.teams = Some(BTreeMap::from([(TeamName::new("all"), BTreeSet::new())]));
    assert!(matches!(
        yaml::write(&empty),
        Err(WriteError::EmptyTeam { .. })
    ));
}

/// Text that some reader of YAML trips over.
fn hostile() -> impl Strategy<Value = String> {
    let picked = prop::sample::select(vec![
        "no",
        "~",
        "null",
        "1e3",
        "12:30",
        "0x1f",
        "a: b",
        "a #b",
        "# a",
        "- a",
        "& a",
        "*a",
        "!!str a",
        "'a'",
        "\"a\"",
        "a\\",
        "\\n",
        "{a: b}",
        "[a]",
        "|",
        ">",
        "%YAML 1.1",
        "---",
        "<<",
        "?",
        ": ",
        "@a",
        "`a`",
        "é",
        "日本",
        "a\u{301}",
        "\u{202e}a",
        "a\tb",
        "\u{85}",
        "a\u{2028}b",
        "\u{feff}",
    ]);
    let picked = picked.prop_map(str::to_owned);
    let pair = (picked.clone(), any::<String>()).prop_map(|(one, other)| format!("{one}{other}"));
    prop_oneof![picked, any::<String>(), pair]
}

proptest! {
    #[test]
    fn whatever_is_written_reads_back_as_it_was(
        full_name in prop::option::of(hostile()),
        email in hostile(),
        login in hostile(),
        name in prop_oneof![hostile(), "[a-zA-Z0-9._-]{1,12}"],
        disabled in any::<bool>(),
    ) {
        let more = Human {
            entry: RegisterPerson {
                full_name,
                emails: vec![format!("{email}@x")],
                logins: vec![login],
                disabled,
                ..RegisterPerson::default()
            },
            notes: vec![email],
        };
        let wanted = with_one_more(&name, more);
        let text = match yaml::write(&wanted) {
            Ok(text) => text,
            Err(WriteError::Value { .. }) => return Ok(()),
            Err(other) => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
        let whole = format!("version: 1\nrepository: acme/site\n{text}{REST}");
        let read = Policy::parse(whole.as_bytes(), "written");
        let read = read.map_err(|errors| TestCaseError::fail(format!("{errors}\n{whole}")))?;
        let mut again = Proposal::of(&read);
        let name = PersonName::new(name);
        let human = again.people.remove(&name).unwrap();
        prop_assert_eq!(&human.entry, &wanted.people[&name].entry);
    }
}
