//! Globs: what they match, and which are refused.

use super::super::PathGlobs;
use super::{complaints, parse, says, with};
use crate::types::RefName;

fn globs(patterns: &[&str]) -> PathGlobs {
    let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
    PathGlobs::compile(&patterns).unwrap_or_else(|error| panic!("{patterns:?} {error}"))
}

#[test]
fn q01_a_star_stays_within_a_component_and_two_do_not() {
    for (pattern, yes, no) in [
        (
            "src/*",
            &["src/a", "src/.a", "src/a.b"][..],
            &["src", "src/a/b", "srca", "x/src/a"][..],
        ),
        ("*", &["a", ".a"], &["a/b"]),
        (
            "src/*.rs",
            &["src/a.rs", "src/.rs"],
            &["src/a/b.rs", "src/a.rsx"],
        ),
        (
            "src/?",
            &["src/a", "src/\u{7f}"],
            &["src/", "src/ab", "src//", "src/é"],
        ),
        ("**", &["a", "a/b/c", ".x/y"], &[]),
        ("**/*.sql", &["a.sql", "x/y/a.sql"], &["a.sqlx"]),
        (
            "**/db",
            &["db", "a/db", "a/b/db"],
            &["dbx", "a/db/c", "adb"],
        ),
        (
            "a/**/z",
            &["a/z", "a/b/z", "a/b/c/z"],
            &["az", "a/zz", "a/b/zz", "b/a/z"],
        ),
        (
            "infra/**",
            &["infra/a", "infra/a/b", "infra"],
            &["infrastructure", "x/infra/a", "inf"],
        ),
        (
            "**/infra/**",
            &["infra", "a/infra", "a/infra/b", "infra/b"],
            &["infrab"],
        ),
        ("README", &["README"], &["readme", "a/README", "README/x"]),
        ("a.b", &["a.b"], &["aXb"]),
        ("x.", &["x."], &["x"]),
        ("**/x.", &["x.", "a/x."], &["a/x"]),
        ("**/..a", &["..a", "b/..a"], &[]),
        ("*.", &["a.", "."], &["a"]),
        ("-x/**", &["-x", "-x/y"], &[]),
        ("a+(b)|c^$", &["a+(b)|c^$"], &["aab"]),
        ("a,b", &["a,b"], &["a"]),
    ] {
        for path in yes {
            assert!(
                globs(&[pattern]).is_match(path.as_bytes()),
                "{pattern} {path}"
            );
        }
        for path in no {
            assert!(
                !globs(&[pattern]).is_match(path.as_bytes()),
                "{pattern} {path}"
            );
        }
    }
}

#[test]
fn q03_a_folder_that_becomes_a_file_stays_covered() {
    let covered = globs(&["infra/**", "*/secret/**"]);
    assert!(covered.is_match(b"infra"));
    assert!(covered.is_match(b"a/secret"));
    assert!(!covered.is_match(b"a/b/secret"));
}

#[test]
fn q05_and_r07_nothing_is_folded() {
    assert!(!globs(&["infra/**"]).is_match(b"Infra/x"));
    let policy = parse(super::SOUND).unwrap();
    for (name, protected) in [
        ("refs/heads/prod", true),
        ("refs/heads/Prod", false),
        ("refs/heads/prod\u{200b}", false),
        ("refs/heads/refs/heads/prod", false),
        ("refs/relhook/policy", true),
    ] {
        let refname = RefName::new(name.as_bytes()).unwrap();
        assert_eq!(policy.protects(&refname), protected, "{name}");
    }
}

#[test]
fn q06_names_are_bytes() {
    assert!(globs(&["bin/*"]).is_match(b"bin/\xff\xfe"));
    assert!(globs(&["bin/?"]).is_match(b"bin/\xff"));
    assert!(globs(&["**"]).is_match(b"\xff\n/\x80"));
    assert!(globs(&["a/**"]).is_match(b"a/\n"));
    assert!(globs(&["*.sh"]).is_match(b"\xff.sh"));
    assert!(globs(&["caf\u{e9}/*"]).is_match("caf\u{e9}/a".as_bytes()));
    // The same letter, decomposed: another name.
    assert!(!globs(&["caf\u{e9}/*"]).is_match("cafe\u{301}/a".as_bytes()));
}

#[test]
fn q02_patterns_that_would_match_nothing_are_refused_with_what_was_meant() {
    for (pattern, instead) in [
        ("infra/", Some("infra/**")),
        ("/infra/**", Some("infra/**")),
        ("./infra/**", Some("infra/**")),
        (" infra/**", Some("infra/**")),
        ("infra/** ", Some("infra/**")),
        ("infra/**/", Some("infra/**")),
        ("infra//a", Some("infra/a")),
        ("infra\\a", Some("infra/a")),
        ("src/**.rs", Some("src/**/*.rs")),
        ("src/***", Some("src/**/*")),
        ("app/[id]/x", Some("app/?id?/x")),
        ("../x", None),
        ("a/../x", None),
        ("!infra/**", None),
        ("*.{js,ts}", None),
        ("/", None),
        ("", None),
    ] {
        let error = PathGlobs::compile(&[pattern.to_owned()]).unwrap_err();
        assert_eq!(error.instead.as_deref(), instead, "{pattern:?} {error}");
    }
    assert!(PathGlobs::compile(&["x".repeat(513)]).is_err());
}

#[test]
fn refs_are_matched_by_their_full_name() {
    says(
        "  refs/heads/prod:",
        "  prod:",
        "23:3: the pattern `prod` is not a full ref name: it has to begin with `refs/`; write `refs/heads/prod`",
    );
    for (pattern, instead) in [
        ("heads/prod", "refs/heads/prod"),
        ("'**'", "refs/heads/**"),
        ("refs/heads/prod/", "refs/heads/prod/**"),
        ("'refs/heads/a b'", ""),
        ("refs/heads/x.lock", ""),
        ("refs/heads/.x", ""),
        ("refs/heads/a..b", ""),
        ("refs/heads/a~1", ""),
        ("refs", "refs/heads/refs"),
    ] {
        let lines = complaints(&with("refs/heads/prod:", &format!("{pattern}:")));
        assert_eq!(lines.len(), 1, "{pattern}: {lines:?}");
        assert_eq!(
            lines[0].contains("; write `"),
            !instead.is_empty(),
            "{lines:?}"
        );
        assert!(lines[0].contains(instead), "{lines:?}");
    }
    for pattern in [
        "refs/heads/*",
        "refs/heads/release/**",
        "refs/**",
        "refs/tags/v?.*",
        "refs/heads/@",
    ] {
        assert!(
            parse(&with("refs/heads/prod:", &format!("{pattern}:"))).is_ok(),
            "{pattern}"
        );
    }
}
