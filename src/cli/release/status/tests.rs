//! What people see, at 80 columns.

use super::super::watch::row;
use super::*;
use crate::release::Unheard;
use crate::types::PersonName;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A target that is to hold something new and has the one before.
fn status(admission: &Admission) -> TargetStatus {
    let oid = |digit: &str| Oid::from_hex(digit.repeat(40).as_bytes()).unwrap();
    TargetStatus {
        target: TargetName::new("web1"),
        stage: Some(StageName::new("production")),
        place: Some("/srv/web1".into()),
        wanted: Some(Wanted {
            refname: "refs/heads/prod".into(),
            commit: oid("8"),
            sequence: 12,
        }),
        released: Some(Landed {
            place: "/srv/web1".into(),
            refname: "refs/heads/prod".into(),
            commit: oid("7"),
            sequence: 8,
            at: at("2026-12-23T08:00:00Z"),
        }),
        last: None,
        failures: 0,
        retry_at: None,
        for_good: false,
        hold: HoldStatus::of(admission),
        running: None,
        pin: None,
        drift: None,
        unclear: None,
    }
}

fn admissions() -> Vec<Admission> {
    let (canary, production) = (StageName::new("canary"), StageName::new("production"));
    let web0 = TargetName::new("web0");
    vec![
        Admission::Go(Vec::new()),
        Admission::Waiting {
            stage: canary.clone(),
            target: web0.clone(),
        },
        Admission::Stopped {
            stage: canary,
            target: web0,
            code: "RH611".into(),
        },
        Admission::Held {
            stage: production.clone(),
            since: at("2026-12-24T08:00:00Z"),
            teams: vec![TeamName::new("release-managers"), TeamName::new("owners")],
            unheard: vec![
                (PersonName::new("dana"), Unheard::HadAPart),
                (PersonName::new("remy"), Unheard::OtherTeam),
            ],
        },
        Admission::Unwitnessed {
            sequence: 12,
            required: 2,
            by: vec![WitnessName::new("notary")],
            missing: vec![WitnessName::new("vault"), WitnessName::new("customer-lab")],
        },
        Admission::Until {
            stage: production,
            at: at("2026-12-24T08:30:00Z"),
        },
    ]
}

#[test]
fn what_holds_a_release_is_said_in_full_and_fits() {
    let text: String = admissions().iter().map(|one| shown(&status(one))).collect();
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    insta::assert_snapshot!(text);
}

#[test]
fn each_has_a_line_of_its_own_while_it_is_watched() {
    let rows = admissions();
    let rows: Vec<String> = rows.iter().map(|one| row(&status(one), None)).collect();
    insta::assert_snapshot!(rows.join("\n"));
}

#[test]
fn at_rest_is_what_only_a_person_or_a_time_moves() {
    let rest: Vec<bool> = admissions()
        .iter()
        .map(|one| status(one).is_at_rest())
        .collect();
    assert_eq!(rest, [false, false, true, true, true, true]);
    let mut done = status(&Admission::Go(Vec::new()));
    done.wanted = None;
    assert!(done.is_done() && done.is_at_rest());
    let mut failed = status(&Admission::Go(Vec::new()));
    failed.for_good = true;
    assert!(!failed.is_done() && failed.is_at_rest());
}
