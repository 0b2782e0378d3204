//! Who is locked out, and what is worth a second look.

use super::super::{Bundle, KeyFiles, Policy, locks_out, warnings};
use super::{SOUND, parse, with};
use crate::types::RefName;

fn sound(yaml: &str) -> Policy {
    parse(yaml).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn a_policy_that_can_be_changed_locks_nobody_out() {
    assert_eq!(locks_out(&sound(SOUND)), None);
}

#[test]
fn y14_rules_that_only_together_cannot_be_met_lock_everybody_out() {
    // dana alone may approve for one rule, bob alone for the other, and only carol could write.
    let base = with(
        "  everybody: [dana, bob, carol]",
        "  everybody: [dana, bob, carol]\n  d: [dana]\n  b: [bob]",
    );
    let two = |extra: &str| {
        base.replace(
            "  refs/relhook/policy:\n    required: 2\n    from: [everybody]\n",
            &format!("  refs/relhook/policy:\n    required: 1\n    from: [d]\n  refs/**:\n    required: 1\n    from: [b]\n{extra}"),
        )
    };
    assert_eq!(locks_out(&sound(&two(""))), None);
    let without_carol = two("")
        .replace("[dana, bob, carol]", "[dana, bob]")
        .replace("[bob, carol]", "[bob]");
    let without_carol = without_carol
        .replace("        required: 2", "        required: 1")
        .replace("    name: Carol Deputy", "    disabled: true");
    let why = locks_out(&sound(&without_carol)).unwrap();
    assert_eq!(
        why,
        "a change of `refs/relhook/policy` needs 1 approval by people other than its author, by every rule for it, and there are too few with keys"
    );
}

#[test]
fn y14_path_rules_on_the_policys_file_count() {
    let paths = |required| {
        let rule = "  refs/relhook/policy:\n    required: 2\n    from: [everybody]\n";
        let more = format!(
            "{rule}    paths:\n      - match: [policy.yaml]\n        required: {required}\n        from: [reviewers]\n"
        );
        with(rule, &more)
    };
    // bob and carol approve what dana writes.
    assert_eq!(locks_out(&sound(&paths(2))), None);
}

#[test]
fn y14_somebody_has_to_be_able_to_push() {
    let rule = "  refs/relhook/policy:\n    required: 2\n    from: [everybody]\n";
    let pushes = |own: &str| {
        with(rule, &format!("{rule}    push: [{own}]\n  refs/**:\n    required: 1\n    from: [everybody]\n    push: [b]\n"))
            .replace("  everybody:", "  d: [dana]\n  b: [bob]\n  everybody:")
    };
    assert_eq!(locks_out(&sound(&pushes("b"))), None);
    assert_eq!(
        locks_out(&sound(&pushes("d"))).unwrap(),
        "nobody who may push `refs/relhook/policy` has a login"
    );
}

#[test]
fn a_certificate_file_that_is_named_has_to_be_there() {
    let ftps = "    kind: ftps\n    host: ftp.acme.example\n    ca: keys/ca.pem\n    path: /";
    let policy = sound(&with("    kind: dir\n    path: /srv/www/site", ftps));
    let missing = Bundle::new(policy.clone(), KeyFiles::new()).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "the target `www` trusts `keys/ca.pem`, which is not there"
    );
    let mut keys = KeyFiles::new();
    keys.insert(b"ca.pem", b"-".to_vec()).unwrap();
    assert!(Bundle::new(policy, keys).is_ok());
}

fn warned(yaml: &str) -> Vec<String> {
    warnings(&sound(yaml), None)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn the_sound_policy_depends_on_everybody_where_it_asks_for_two_of_three() {
    assert_eq!(
        warned(SOUND),
        [
            "`refs/heads/prod`: while `bob` or `carol` or `dana` is away, nothing can be approved",
            "`refs/relhook/policy`: while `bob` or `carol` or `dana` is away, nothing can be approved",
        ]
    );
}

#[test]
fn i07_one_human_under_two_names_is_pointed_out() {
    let lines = warned(&with(
        "    name: Carol Deputy\n    emails: [carol@acme.example]",
        "    name: Carol Deputy\n    emails: [Dana+work@other.example]",
    ));
    assert!(
        lines.contains(
            &"`carol` and `dana` may be one human: both have the mailbox `dana`".to_owned()
        ),
        "{lines:?}"
    );
    let lines = warned(&with("  bob:\n", "  bob:\n    name: carol  DEPUTY\n"));
    assert!(
        lines.contains(
            &"`bob` and `carol` may be one human: both have the name `carol deputy`".to_owned()
        ),
        "{lines:?}"
    );
}

#[test]
fn what_does_nothing_is_pointed_out() {
    let lines = warned(
        &with("    release: [www]\n", "")
            .replace("  everybody:", "  idle: [dana]\n  everybody:")
            .replace("        required: 2", "        required: 1")
            .replace("    required: 2", "    required: 1")
            .replace(
                "    keys: ['openpgp:2123456789ABCDEF0123456789ABCDEF01234567']\n",
                "",
            ),
    );
    for expected in [
        "no rule releases to the target `www`",
        "no rule names the team `idle`",
        "`carol` is asked for approvals and has no key to give any with",
    ] {
        assert!(
            lines.contains(&expected.to_owned()),
            "{expected}: {lines:?}"
        );
    }
    let refs = [RefName::new(b"refs/heads/main").unwrap()];
    let lines: Vec<String> = warnings(&sound(SOUND), Some(&refs))
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        lines.contains(&"`refs/heads/prod` matches no ref of this repository".to_owned()),
        "{lines:?}"
    );
    assert!(
        !lines
            .iter()
            .any(|line| line.contains("relhook/policy` matches no"))
    );
}

#[test]
fn a_single_pusher_is_pointed_out() {
    let lines = warned(
        &with("push: [everybody]", "push: [d]")
            .replace("  everybody:", "  d: [dana]\n  everybody:"),
    );
    assert!(
        lines
            .contains(&"`refs/heads/prod`: while `dana` is away, nothing can be pushed".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn a_rule_that_only_warns_is_pointed_out_and_never_one_for_the_policy() {
    let prod = "    required: 1\n    from: [reviewers]\n";
    let lines = warned(&with(prod, &format!("{prod}    enforce: warn\n")));
    assert!(
        lines.contains(
            &"`refs/heads/prod` only warns (`enforce: warn`): what lacks approvals goes in all the same"
                .to_owned()
        ),
        "{lines:?}"
    );
    // What it asks for stops nothing while it does.
    assert!(
        !lines
            .iter()
            .any(|line| line.starts_with("`refs/heads/prod`: while")),
        "{lines:?}"
    );
    let own = "  refs/relhook/policy:\n    required: 2\n    from: [everybody]\n";
    let says = |yaml: &str| super::complaints(yaml);
    let why = "`enforce`: no rule for `refs/relhook/policy` only warns, and this one matches it";
    let found = says(&with(own, &format!("{own}    enforce: warn\n")));
    assert!(found[0].ends_with(why), "{found:?}");
    let glob =
        format!("{own}  refs/**:\n    required: 1\n    from: [everybody]\n    enforce: warn\n");
    let found = says(&with(own, &glob));
    assert!(found[0].ends_with(why), "{found:?}");
    let found = says(&with(prod, &format!("{prod}    enforce: maybe\n")));
    assert!(
        found[0].contains("`enforce`: cannot be `maybe`"),
        "{found:?}"
    );
}
