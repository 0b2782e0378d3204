//! Which level a move reaches.

use super::{Level, Options, Subject, is_attested};
use crate::replay::{Admission, Move};
use crate::types::{Oid, PersonName, RefName, Timestamp};
use std::collections::BTreeSet;

fn oid(number: u8) -> Oid {
    Oid::from_bytes(&[number; 20]).unwrap()
}

fn people(names: &[&str]) -> BTreeSet<PersonName> {
    names.iter().map(|name| PersonName::new(*name)).collect()
}

/// By Dana, approved by Rita.
fn good() -> Move {
    Move {
        seq: 6,
        time: Timestamp::from_unix(1_790_000_100),
        refname: RefName::new(b"refs/heads/prod").unwrap(),
        old: Some(oid(1)),
        new: oid(2),
        policy: oid(9),
        pushed_by: Some("dana".into()),
        contributors: people(&["dana"]),
        approved_by: people(&["rita"]),
        final_approvers: people(&["rita"]),
        admission: Admission::Approved,
        held: true,
        named: true,
        went_in: true,
        since: Timestamp::from_unix(1_790_000_000),
        gap: false,
    }
}

#[test]
fn each_level_needs_what_it_claims() {
    let level = |change: fn(&mut Move)| {
        let mut one = good();
        change(&mut one);
        Level::of(&one)
    };
    assert_eq!(level(|_| {}), Level::Four);
    // Whoever approved it, nothing was held to.
    assert_eq!(level(|one| one.admission = Admission::Warned), Level::Two);
    // Nobody but a maker of it approved the final revision.
    assert_eq!(level(|one| one.final_approvers.clear()), Level::Three);
    assert_eq!(
        level(|one| one.contributors = people(&["dana", "rita"])),
        Level::Three
    );
    // Nobody who is known made it.
    assert_eq!(level(|one| one.contributors.clear()), Level::Three);
    assert_eq!(level(|one| one.gap = true), Level::Two);
    assert_eq!(level(|one| one.held = false), Level::One);
    for change in [
        (|one| one.held = false) as fn(&mut Move),
        |one| one.named = false,
        |one| one.went_in = false,
    ] {
        let mut one = good();
        change(&mut one);
        assert!(is_attested(&good()) && !is_attested(&one));
    }
}

#[test]
fn l_08_people_are_named_only_where_that_is_asked_for() {
    let one = good();
    let mut options = Options::default();
    let said = |options: &Options| {
        let subject = Subject {
            repository: "acme/s\u{ef}te",
            options,
            one: &one,
        };
        format!(
            "{} {}",
            subject.summary(Level::Four),
            subject.provenance(Level::Four)
        )
    };
    let text = said(&options);
    assert!(!text.contains("dana") && !text.contains("rita"), "{text}");
    assert!(text.contains("urn:relhook:acme/s%C3%AFte"), "{text}");
    options.people = super::People::Named;
    options.uri = Some("git+https://git.acme.example/site".into());
    let text = said(&options);
    assert!(
        text.contains("\"actor\":\"dana\"") && text.contains("rita"),
        "{text}"
    );
    assert!(text.contains("git+https://git.acme.example/site"), "{text}");
}

#[test]
fn an_emergency_claims_no_review() {
    let mut one = good();
    assert_eq!(Level::of(&one), Level::Four);
    one.admission = Admission::Emergency;
    assert_eq!(Level::of(&one), Level::Two);
}
