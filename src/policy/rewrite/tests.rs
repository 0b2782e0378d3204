//! What is written reads back, and what was not to change did not.

use super::{Notes, Register, RegisterPerson, RewriteError, rewrite, sections};
use crate::policy::Policy;
use crate::types::{PersonName, TeamName};

const POLICY: &str = r#"# Who may do what at acme.
version: 1
repository: acme/site

people:   # everybody
  # The one who knows the shop.
  dana:
    name: Dana Developer
    # Old commits have the second.
    emails: [dana@acme.example, dana@home.example]   # both hers
    keys:
      - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINf6z8MQ8EzSrAw2JAkpbQ9uhEzCRcEZ3z5nFSJmyaVB dana@laptop  # laptop
  rita: {name: Rita, emails: [rita@acme.example], keys: ["openpgp:0123456789ABCDEF0123456789ABCDEF01234567"]}

  # Gone since May.
  eve:
    emails:
      - eve@acme.example
    disabled: true
  # no more people

# Teams.
teams:
  reviewers: [rita, eve]
  developers:
    - dana   # for now
# Rules.
branches:
  refs/heads/prod: {required: 1, from: [reviewers]}
"#;

fn person(name: &str) -> PersonName {
    PersonName::new(name)
}

fn changed(change: impl FnOnce(&mut Register)) -> String {
    let mut register = Register::of(POLICY.as_bytes()).unwrap();
    change(&mut register);
    let text = rewrite(POLICY.as_bytes(), &register, &Notes::new()).unwrap();
    assert_eq!(Register::of(text.as_bytes()).unwrap(), register);
    text
}

/// The lines that only one of the two has.
fn difference(new: &str) -> (Vec<&str>, Vec<&str>) {
    let gone = POLICY.lines().filter(|line| !new.contains(line));
    let come = new.lines().filter(|line| !POLICY.contains(line));
    (gone.collect(), come.collect())
}

#[test]
fn nothing_changes_where_nothing_is_to() {
    assert_eq!(changed(|_| {}), POLICY);
}

#[test]
fn one_field_changes_and_every_other_line_stays() {
    let new = changed(|all| all.people.get_mut(&person("dana")).unwrap().disabled = true);
    assert_eq!(difference(&new).0, Vec::<&str>::new());
    assert!(
        new.contains("  # laptop\n    disabled: true\n  rita:"),
        "{new}"
    );
    let new = changed(|all| {
        let dana = all.people.get_mut(&person("dana")).unwrap();
        dana.emails.push("d@acme.example".into());
        dana.logins = vec!["dana".into(), "null".into()];
    });
    let (gone, come) = difference(&new);
    assert_eq!(gone.len(), 1);
    assert_eq!(
        come,
        [
            "    emails: [dana@acme.example, dana@home.example, d@acme.example]",
            "    logins: [dana, \"null\"]",
        ]
    );
}

#[test]
fn people_and_teams_come_and_go() {
    let new = changed(|all| {
        all.people.remove(&person("eve"));
        let zoe = RegisterPerson {
            full_name: Some("Zoë \"#1\": [x] \\".into()),
            emails: vec!["zoe@acme.example".into()],
            ..RegisterPerson::default()
        };
        all.people.insert(person("zoe"), zoe);
        all.people.insert(person("1e3"), RegisterPerson::default());
        let reviewers = TeamName::new("reviewers");
        all.teams
            .insert(reviewers, [person("rita"), person("dana")].into());
        let developers = TeamName::new("developers");
        all.teams
            .get_mut(&developers)
            .unwrap()
            .insert(person("zoe"));
        all.teams
            .insert(TeamName::new("owners"), [person("rita")].into());
    });
    let (gone, _) = difference(&new);
    assert!(gone.contains(&"  # Gone since May."));
    for kept in [
        "# no more people",
        "# Teams.",
        "# Rules.",
        "people:   # everybody",
    ] {
        assert!(new.contains(kept), "{new}");
    }
    for come in [
        "  reviewers: [rita, dana]\n",
        "  developers:\n    - dana\n    - zoe\n",
        "  owners: [rita]\n",
        "  zoe:\n    name: \"Zoë \\\"#1\\\": [x] \\\\\"\n",
        "  \"1e3\": {}\n",
    ] {
        assert!(new.contains(come), "{come} in\n{new}");
    }
}

#[test]
fn an_entry_in_braces_is_written_anew() {
    let new = changed(|all| all.people.get_mut(&person("rita")).unwrap().disabled = true);
    let key = "openpgp:0123456789ABCDEF0123456789ABCDEF01234567";
    let rita = format!(
        "  rita:\n    name: Rita\n    emails: [rita@acme.example]\n    keys:\n      - {key}\n    disabled: true\n"
    );
    assert!(new.contains(&rita), "{new}");
}

#[test]
fn a_file_without_a_last_line_end_and_a_section_in_braces() {
    let old = "version: 1\nteams: {a: [x]}\npeople:\n  x:\n    name: X";
    let mut register = Register::of(old.as_bytes()).unwrap();
    register
        .people
        .insert(person("u"), RegisterPerson::default());
    register
        .teams
        .insert(TeamName::new("b"), [person("u")].into());
    let new = rewrite(old.as_bytes(), &register, &Notes::new()).unwrap();
    let expected = "version: 1\nteams:\n  a: [x]\n  b: [u]\npeople:\n  x:\n    name: X\n  u: {}\n";
    assert_eq!(new, expected);
}

#[test]
fn the_example_survives_a_change() {
    let example = include_bytes!("../../../policy.yaml.example");
    let mut register = Register::of(example).unwrap();
    for person in register.people.values_mut() {
        person.logins.push(format!("x{}", person.emails.len()));
        person.logins.dedup();
    }
    let text = rewrite(example, &register, &Notes::new()).unwrap();
    assert_eq!(Register::of(text.as_bytes()).unwrap(), register);
    assert!(Policy::parse(example, "example").is_ok());
}

#[test]
fn what_cannot_be_replaced_or_written_is_refused() {
    let braces = "{version: 1, people: {x: {}}, teams: {a: [x]}}";
    let mut register = Register::of(braces.as_bytes()).unwrap();
    register
        .people
        .insert(person("y"), RegisterPerson::default());
    let error = rewrite(braces.as_bytes(), &register, &Notes::new()).unwrap_err();
    assert!(matches!(error, RewriteError::Layout), "{error}");
    for hostile in ["a\nb: c", "\u{202e}x", "\u{1b}[2J"] {
        let mut register = Register::of(POLICY.as_bytes()).unwrap();
        let dana = register.people.get_mut(&person("dana")).unwrap();
        dana.full_name = Some(hostile.into());
        let error = rewrite(POLICY.as_bytes(), &register, &Notes::new()).unwrap_err();
        assert!(matches!(error, RewriteError::Character { .. }), "{error}");
    }
}

#[test]
fn whatever_a_value_is_it_stays_one_value() {
    for value in [
        "x: {admin: true}",
        "- a",
        "# no",
        "a #b",
        "&a",
        "*a",
        "!t",
        "|",
        ">",
        "{}",
        "[]",
        "a, b",
        "'",
        "\"",
        "\\",
        "no",
        "1:30",
        "2026-01-01",
        "0x10",
        "~",
        "%x",
        "@x",
        "`x`",
        "?",
        "a: b",
        "<<",
        "...",
        "---",
        "ends:",
        "é à",
        "x]",
        "y}",
    ] {
        let mut register = Register::of(POLICY.as_bytes()).unwrap();
        let dana = register.people.get_mut(&person("dana")).unwrap();
        dana.full_name = Some(value.into());
        dana.logins = vec![value.into()];
        dana.emails = vec![format!("{value}@x")];
        dana.keys = vec![value.into()];
        let text = rewrite(POLICY.as_bytes(), &register, &Notes::new()).unwrap();
        assert_eq!(Register::of(text.as_bytes()).unwrap(), register, "{value}");
    }
}

#[test]
fn a_draft_gets_the_sections_that_it_lacks_and_nothing_behind_its_end() {
    let mut wanted = Register::default();
    let zoe = RegisterPerson {
        emails: vec!["zoe@acme.example".into()],
        ..RegisterPerson::default()
    };
    wanted.people.insert(person("zoe"), zoe);
    let all = TeamName::new("all");
    wanted.teams.insert(all, [person("zoe")].into());
    let notes = Notes::from([(person("zoe"), vec!["3 commits\nmallory: {}".into()])]);
    let teams = "teams:\n  all: [zoe]\n";
    let zoe = "  # 3 commits\\x0amallory: {}\n  zoe:\n    emails: [zoe@acme.example]\n";
    let people = format!("people:\n{zoe}");
    let empty = "version: 1\npeople:   # nobody yet\nteams: ~\n";
    for (old, new) in [
        ("version: 1", format!("version: 1\n{people}{teams}")),
        (
            "version: 1\n...\n",
            format!("version: 1\n{people}{teams}...\n"),
        ),
        (
            "teams: {}\nversion: 1\n",
            format!("{teams}version: 1\n{people}"),
        ),
        (
            empty,
            format!("version: 1\npeople:   # nobody yet\n{zoe}{teams}"),
        ),
    ] {
        assert_eq!(
            rewrite(old.as_bytes(), &wanted, &notes).unwrap(),
            new,
            "{old}"
        );
    }
    assert_eq!(
        sections(&wanted, &notes).unwrap(),
        format!("{people}{teams}")
    );
    let nobody = rewrite(b"version: 1\npeople: {x: {}}", &Register::default(), &notes);
    assert_eq!(nobody.unwrap(), "version: 1\npeople: {}\n");
}

#[test]
fn an_entry_that_would_be_lost_is_not_written_over() {
    for text in [
        "people: [x]\n",
        "people: {x: ~}\n",
        "people: {x: {nickname: y}}\n",
        "people: {x: {disabled: yes}}\n",
        "people: {x: {emails: a@b}}\n",
        "teams: {all: x}\n",
        "people: {x: {}}\nteams: everybody\n",
    ] {
        let error = rewrite(text.as_bytes(), &Register::default(), &Notes::new()).unwrap_err();
        assert!(
            matches!(error, RewriteError::Unknown { .. }),
            "{text}{error}"
        );
    }
}
