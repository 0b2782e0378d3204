//! Input that wants to mean something else than it seems to say, or to exhaust the reader.

use super::super::MAX_POLICY_BYTES;
use super::{Policy, SOUND, complaints, says, with};

#[test]
fn no_policy_at_all_is_an_error() {
    for nothing in [
        "",
        "\n\n",
        "# only a comment\n",
        "---\n",
        "~\n",
        "---\n...\n",
    ] {
        assert_eq!(
            complaints(nothing),
            ["1:1: the file is empty"],
            "{nothing:?}"
        );
    }
    assert_eq!(
        complaints("[]\n"),
        ["1:1: `the policy` has to be a mapping, not a list"]
    );
    assert_eq!(
        complaints("{}\n"),
        ["1:1: the policy needs `version`; write `version: 1` first"]
    );
    let truncated = &SOUND[..SOUND.len() / 2];
    assert!(!complaints(truncated).is_empty());
}

#[test]
fn characters_that_editors_hide_are_refused() {
    let lines =
        complaints("version: 1\nrepository: a\u{85}b\u{2028}\nx: \u{202e}\u{200b}\t\r\n\u{0}");
    assert_eq!(
        lines,
        [
            "2:14: the character U+0085 is not allowed here",
            "2:16: the character U+2028 is not allowed here",
            "3:4: the character U+202E is not allowed here",
            "3:5: the character U+200B is not allowed here",
            "3:6: the character U+0009 is not allowed here; a tab: use blanks",
            "3:7: the character U+000D is not allowed here; a carriage return: save the file with LF line ends",
            "4:1: the character U+0000 is not allowed here",
        ]
    );
    let bom = format!("\u{feff}{SOUND}");
    assert!(complaints(&bom)[0].starts_with("1:1: the character U+FEFF"));
    let mut latin = SOUND.replace("Carol", "Car\u{f3}l").into_bytes();
    let at = latin.iter().position(|byte| *byte == 0xc3).unwrap();
    latin.remove(at);
    let errors = Policy::parse(&latin, "p.yaml").unwrap_err();
    assert_eq!(
        errors.lines(),
        ["p.yaml:15:14: the file is not UTF-8 text from here on"]
    );
}

#[test]
fn the_features_that_let_yaml_mean_something_else_are_refused() {
    says(
        "logins: [bob]",
        "logins: &b [bob]",
        "12:16: anchors (`&name`) are not allowed here",
    );
    says(
        "logins: [bob]",
        "logins: [*gone]",
        "12:14: aliases (`*name`) are not allowed here",
    );
    says(
        "required: 1",
        "required: !!int 1",
        "24:15: tags (`!name`) are not allowed here",
    );
    says(
        "required: 1",
        "required: !x 1",
        "24:15: tags (`!name`) are not allowed here",
    );
    says(
        "  dana:\n",
        "  dana:\n    <<: {disabled: true}\n",
        "7:5: merge keys (`<<`) are not allowed here",
    );
    says(
        "name: Carol Deputy",
        "name: >-\n      Carol",
        "16:7: values of several lines are not allowed here",
    );
    says(
        "name: Carol Deputy",
        "name: Carol\n      Deputy",
        "15:11: values of several lines are not allowed here",
    );
    says(
        "  carol:\n",
        "  ? [a, b]\n  : {}\n  carol:\n",
        "14:5: a key has to be one word",
    );
    let two = format!("{SOUND}---\nversion: 1\n");
    assert_eq!(
        complaints(&two),
        ["40:1: further documents (`---`) are not allowed here"]
    );
    let directive = format!("%YAML 1.1\n---\n{SOUND}");
    assert_eq!(complaints(&directive).len(), 1);
    assert!(complaints(&directive)[0].starts_with("1:1: not readable as YAML: "));
}

#[test]
fn everything_is_bounded() {
    let large = format!("{SOUND}# {}\n", "x".repeat(MAX_POLICY_BYTES));
    assert_eq!(
        complaints(&large),
        ["1:1: the file is larger than 65536 bytes"]
    );
    let nested = |count: usize| {
        format!(
            "version: 1\nx: {}{}\n",
            "[".repeat(count),
            "]".repeat(count)
        )
    };
    assert_eq!(
        complaints(&nested(13)),
        ["2:16: nested more than 12 levels deep"]
    );
    for count in [15, 300, 30_000] {
        let lines = complaints(&nested(count));
        assert_eq!(lines.len(), 1, "{count}");
    }
    let deep: String = (0..300)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    assert_eq!(complaints(&deep).len(), 1);
    let many = format!("version: 1\nx: [{}]\n", "a,".repeat(25_000));
    assert_eq!(complaints(&many), ["2:39995: more than 20000 values"]);
    let wrong: String = (0..300).map(|index| format!("x{index}: 1\n")).collect();
    let lines = complaints(&with("teams:", &format!("{wrong}teams:")));
    assert_eq!(lines.len(), 101);
    assert_eq!(lines[100], "and 200 more");
}

#[test]
fn all_complaints_come_at_once_and_in_order() {
    let mut yaml = with("required: 1", "required: 0x1");
    for (part, by) in [
        ("logins: [bob]", "logins: [bob]\n    colour: red"),
        ("[bob, carol]", "[bob, carl]"),
        ("match: [infra/**]", "match: [/infra/]"),
        ("release: [www]", "release: [web]"),
        ("path: /srv/www/site", "path: srv/www/site"),
    ] {
        assert!(yaml.contains(part));
        yaml = yaml.replacen(part, by, 1);
    }
    assert_eq!(
        complaints(&yaml),
        [
            "13:5: unknown key `colour` in a person; known here: `name`, `emails`, `logins`, `keys`, `disabled`",
            "21:20: there is no person `carl`; did you mean `carol`?",
            "25:15: `required` has to be a plain decimal number, not `0x1`",
            "30:17: the pattern `/infra/` begins with `/`, so that it would match nothing; write `infra/**`",
            "33:15: there is no target `web`; known here: `www`",
            "40:11: `path`: `srv/www/site` has to be an absolute path",
        ]
    );
}
