//! How targets are looked after.

use super::super::{Care, Health, HealthCheck, OnDrift, Verify};
use super::{complaints, parse, says, with};
use crate::types::Seconds;
use std::path::PathBuf;

const DIR: &str = "    kind: dir\n    path: /srv/www/site\n";

fn care(more: &str) -> Care {
    let text = with(DIR, &format!("{DIR}{more}"));
    let policy = parse(&text).unwrap_or_else(|errors| panic!("{errors}"));
    let mut targets = policy.targets.into_values();
    targets.next().unwrap().care
}

#[test]
fn what_is_left_out_is_overwritten_and_looked_at_quickly() {
    let plain = Care {
        verify: Verify::Quick,
        drift: OnDrift::Overwrite,
        health: None,
    };
    assert_eq!(care(""), plain);
    let strict = Care {
        verify: Verify::Deep,
        drift: OnDrift::Refuse,
        health: None,
    };
    assert_eq!(care("    verify: deep\n    drift: refuse\n"), strict);
}

#[test]
fn a_health_check_is_a_page_or_a_program() {
    let page = care("    health:\n      url: https://a.example/x?y=1\n      contains: well\n");
    let health = Health {
        check: HealthCheck::Http {
            url: "https://a.example/x?y=1".into(),
            status: 200,
            contains: Some("well".into()),
        },
        within: Seconds(30),
        retries: 3,
    };
    assert_eq!(page.health, Some(health));
    let program = care(
        "    health:\n      command: [/bin/check, -x, \"$(id)\"]\n      within: 2m\n      retries: 0\n",
    );
    let health = Health {
        check: HealthCheck::Command {
            program: PathBuf::from("/bin/check"),
            args: vec!["-x".into(), "$(id)".into()],
        },
        within: Seconds(120),
        retries: 0,
    };
    assert_eq!(program.health, Some(health));
}

#[test]
fn what_does_not_fit_is_refused_at_its_place() {
    let health = |text: &str| complaints(&with(DIR, &format!("{DIR}    health:\n{text}")));
    for bad in [
        "      url: ftp://a.example/\n",
        "      url: https://user:password@a.example/\n",
        "      url: https://\n",
        "      url: a.example\n",
        "      command: [check]\n",
        "      command: []\n",
        "      command: /bin/check\n",
        "      url: https://a/\n      within: 2h\n",
        "      url: https://a/\n      within: 0s\n",
        "      url: https://a/\n      status: 99\n",
        "      url: https://a/\n      retries: 101\n",
        "      url: https://a/\n      contains: ''\n",
        "      command: [/bin/check]\n      status: 200\n",
        "      url: https://a/\n      command: [/bin/check]\n",
        "      within: 1m\n",
        "      url: https://a/\n      method: POST\n",
    ] {
        let lines = health(bad);
        assert_eq!(lines.len(), 1, "{bad}: {lines:?}");
        assert!(!lines[0].contains("password@"), "{lines:?}");
    }
    says(
        DIR,
        &format!("{DIR}    drift: refused\n"),
        "40:12: `drift`: cannot be `refused`; did you mean `refuse`?",
    );
    let program = "    kind: command\n    program: /bin/deploy\n";
    for key in ["drift: refuse", "verify: deep"] {
        let lines = complaints(&with(DIR, &format!("{program}    {key}\n")));
        assert_eq!(lines.len(), 1, "{key}: {lines:?}");
        assert!(lines[0].contains("cannot be looked at"), "{lines:?}");
    }
}
