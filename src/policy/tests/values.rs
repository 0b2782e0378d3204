//! What the reader says about single values, thresholds, patterns and targets.

use super::{complaints, parse, says, with};

#[test]
fn the_version_comes_first() {
    says(
        "version: 1\n",
        "",
        "1:1: the policy needs `version`; write `version: 1` first",
    );
    says(
        "version: 1",
        "version: 2\nunheard: of",
        "1:10: `version`: 2 is not known to this relhook; it knows 1",
    );
    says(
        "version: 1",
        "version: \"1\"",
        "1:10: `version` has to be a plain decimal number, not `\"1\"`",
    );
}

#[test]
fn numbers_are_plain_decimal() {
    for odd in [
        "0x10", "0o10", "1_0", "010", "+1", "-1", "1.0", "1e0", "one", "'2'",
    ] {
        let lines = complaints(&with("required: 1", &format!("required: {odd}")));
        let shown = odd.replace('\'', "\"");
        let expected = format!("24:15: `required` has to be a plain decimal number, not `{shown}`");
        assert_eq!(lines, [expected]);
    }
    says(
        "required: 1",
        "required: 0",
        "24:15: `required`: has to be from 1 to 100",
    );
    says(
        "required: 1",
        "required: 99999999999999999999",
        "24:15: `required`: has to be from 1 to 100",
    );
    for nothing in ["", " ~", " null"] {
        let lines = complaints(&with("required: 1", &format!("required:{nothing}")));
        assert_eq!(lines.len(), 1);
        assert!(lines[0].ends_with("`required` has no value"), "{lines:?}");
    }
    says(
        "required: 1",
        "required: [1]",
        "24:15: `required` has to be a number, not a list",
    );
    says(
        "    required: 1\n",
        "",
        "23:3: a branch rule needs `required`",
    );
}

#[test]
fn truth_has_one_spelling() {
    for odd in ["yes", "no", "True", "FALSE", "on", "1"] {
        let lines = complaints(&with(
            "    name: Carol Deputy",
            &format!("    disabled: {odd}"),
        ));
        let expected = "15:15: `disabled` has to be `true` or `false`, not one word";
        assert_eq!(lines, [expected], "{odd}");
    }
    says(
        "    name: Carol Deputy",
        "    disabled: \"true\"",
        "15:15: `disabled` has to be `true` or `false`, not text in quotes",
    );
}

#[test]
fn text_is_text_to_every_reader() {
    for odd in [
        "no",
        "Yes",
        "on",
        "NULL ",
        "12",
        "1e3",
        "0x1F",
        "1:30",
        "2026-12-24",
        ".inf",
        "1_000",
    ] {
        let lines = complaints(&with("name: Carol Deputy", &format!("name: {odd}")));
        let shown = odd.trim();
        if shown == "NULL" {
            assert_eq!(lines, ["15:11: `name` has no value"]);
            continue;
        }
        let expected = format!(
            "15:11: `{shown}` is not text to every reader of YAML; write \"{shown}\", in quotes"
        );
        assert_eq!(lines, [expected]);
        assert!(parse(&with("name: Carol Deputy", &format!("name: \"{shown}\""))).is_ok());
    }
    for fine in [
        "Norman",
        "3com",
        "8d01e77ab12c",
        "30d",
        "Nan",
        "e5",
        "v1.2.3",
    ] {
        assert!(
            parse(&with("name: Carol Deputy", &format!("name: {fine}"))).is_ok(),
            "{fine}"
        );
    }
    says(
        "  carol:\n",
        "  no: {}\n  carol:\n",
        "14:3: `no` is not text to every reader of YAML; write \"no\", in quotes",
    );
    says(
        "name: Carol Deputy",
        "name: \"a\\nb\"",
        "15:11: the character U+000A is not allowed here",
    );
    says(
        "name: Carol Deputy",
        "name: \"a\\u202Eb\"",
        "15:11: the character U+202E is not allowed here",
    );
}

#[test]
fn single_words_have_their_form() {
    says(
        "30d",
        "1m",
        "26:13: `expire`: `1m` has to be like `30d` or `12h`, at most 3650 days",
    );
    for odd in [
        "0d",
        "030d",
        "3651d",
        "99999999999999999999h",
        "-1d",
        "d",
        "1.5d",
        "1 d",
    ] {
        assert_eq!(complaints(&with("30d", odd)).len(), 1, "{odd}");
    }
    says(
        "repository: acme/site",
        "repository: acme//site",
        "2:13: `repository`: `acme//site` is not a repository's name like `acme/site`: ASCII letters, digits, `.`, `_`, `-`, parted by `/`",
    );
    says(
        "[bob@acme.example]",
        "[Bob <bob@acme.example>]",
        "11:14: `emails`: `Bob <bob@acme.example>` is not a bare address: no blanks, brackets, quotes or commas",
    );
    says(
        "  carol:\n",
        "  Bo b: {}\n  carol:\n",
        "14:3: `people`: `Bo b` is not a name: ASCII letters, digits, `.`, `_` and `-`, at most 64, a letter or digit first",
    );
    says(
        "    expire: 30d",
        "    independence: commits",
        "26:19: `independence`: cannot be `commits`; did you mean `commit`?",
    );
    says(
        "    expire: 30d",
        "    baseline: 8d01e77",
        "26:15: `baseline`: `8d01e77` is not a whole commit id: not 40 lower-case hexadecimal digits",
    );
    says(
        "    from: [reviewers]",
        "    from: reviewers",
        "25:11: `from` has to be a list, not one word; write it in brackets: `[…]`",
    );
    for variable in [
        "GIT_PROTOCOL",
        "HTTP_X_USER",
        "USER",
        "LC_NAME",
        "remote_user",
        "A B",
    ] {
        assert_eq!(
            complaints(&with("REMOTE_USER", variable)).len(),
            1,
            "{variable}"
        );
    }
}

#[test]
fn what_needs_a_pusher_needs_an_identity() {
    let nobody = "`push`: without an `identity` source nobody is known to have pushed";
    says(
        "source: REMOTE_USER",
        "source: none",
        &format!("27:11: {nobody}"),
    );
    let without = with("identity:\n  source: REMOTE_USER\n", "").replace(
        "    push: [everybody]",
        "    attribution: signature-or-pusher",
    );
    assert_eq!(
        complaints(&without),
        ["25:18: `attribution`: without an `identity` source nobody is known to have pushed"]
    );
    says(
        "push: [everybody]",
        "push: [machines]",
        "27:12: there is no team `machines`; known here: `reviewers`, `everybody`",
    );
    let nobody = with("    logins: [bob]\n", "").replace("    logins: [carol]\n", "");
    let nobody = nobody.replace("push: [everybody]", "push: [reviewers]");
    assert_eq!(
        complaints(&nobody),
        ["25:11: `push`: nobody in these teams has a login, so nobody could push"]
    );
}

#[test]
fn thresholds_can_be_reached() {
    says(
        "    required: 1",
        "    required: 3",
        "24:15: `required: 3` cannot be reached: only 2 people in `reviewers` can approve (`bob`, `carol`)",
    );
    says(
        "        required: 2",
        "        required: 3",
        "30:19: `required: 3` cannot be reached: only 3 people can approve (`bob`, `carol`, `dana`), and whoever of them wrote the change may not",
    );
    let away = with("    name: Carol Deputy", "    disabled: true");
    assert_eq!(
        complaints(&away),
        [
            "30:19: `required: 2` cannot be reached: only 2 people can approve (`bob`, `dana`), and whoever of them wrote the change may not; `carol` is disabled",
            "34:15: `required: 2` cannot be reached: only 2 people can approve (`bob`, `dana`), and whoever of them wrote the change may not; `carol` is disabled",
        ]
    );
    let keyless = "    keys: ['openpgp:2123456789ABCDEF0123456789ABCDEF01234567']\n";
    let lines = complaints(&with(keyless, ""));
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0].ends_with("; `carol` has no key to sign with"),
        "{lines:?}"
    );
    says(
        "[bob, carol]",
        "[]",
        "20:14: `reviewers` is empty; leave the key out, or fill it",
    );
}

#[test]
fn a_mistake_elsewhere_makes_no_unreachable_threshold() {
    // The key is unreadable, not absent.
    let lines = complaints(&with(
        "openpgp:2123456789ABCDEF0123456789ABCDEF01234567",
        "openpgp:21234567",
    ));
    assert_eq!(lines.len(), 1);
    assert_eq!(
        lines[0],
        "18:12: `keys`: this has to be 40 or 64 hexadecimal digits without blanks, not 8 characters; short ids can be forged: `gpg --list-keys --with-colons` shows the whole fingerprint in its first `fpr` line"
    );
}

#[test]
fn the_policys_own_ref_has_a_rule() {
    says(
        "  refs/relhook/policy:\n    required: 2\n    from: [everybody]\n",
        "",
        "22:1: `branches` has no rule for `refs/relhook/policy`, so nobody could change the policy; add `refs/relhook/policy:` with `required` and `from` to `branches`",
    );
    says(
        "    required: 2\n    from: [everybody]\n",
        "    required: 2\n    from: [everybody]\n    release: [www]\n",
        "36:15: `release`: the policy itself is not released anywhere",
    );
    says(
        "  refs/relhook/policy:",
        "  refs/relhook/statements/**:\n    required: 1\n    from: [reviewers]\n  refs/relhook/policy:",
        "33:3: `refs/relhook/statements/**`: relhook governs its own refs itself; of these, only `refs/relhook/policy` takes a rule",
    );
}

#[test]
fn what_is_missing_is_told_once() {
    assert_eq!(
        complaints("version: 1\n"),
        [
            "1:1: the policy needs `repository`",
            "1:1: the policy needs `people`",
            "1:1: the policy needs `teams`",
            "1:1: the policy needs `branches`",
        ]
    );
    says("logins: [bob]", "logins:", "12:11: `logins` has no value");
}
