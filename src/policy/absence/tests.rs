//! Stories; that the numbers are those of the decision is tried in `decide`.

use super::super::tests::{SOUND, parse, with};
use super::{Number, absences};

fn rows(yaml: &str) -> Vec<super::Absence> {
    absences(
        &parse(yaml).unwrap_or_else(|errors| panic!("{errors}")),
        &[],
    )
}

fn listed(blocking: &super::Blocking) -> Vec<String> {
    let sets = blocking.sets.iter();
    sets.map(|set| {
        set.iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("+")
    })
    .collect()
}

#[test]
fn one_of_two_reviewers_may_be_away_but_not_for_the_others_own_work() {
    let rows = rows(SOUND);
    let prod = &rows[0];
    assert_eq!(
        (prod.rule.as_str(), prod.paths.len()),
        ("refs/heads/prod", 0)
    );
    assert_eq!(prod.nothing.number, Number::Exactly(2));
    // Of any two who stay away, one could have written it and the other approved it.
    assert_eq!(
        listed(&prod.nothing),
        ["bob+carol", "bob+dana", "carol+dana"]
    );
    assert_eq!(prod.asked[0].slack(), Some(2));
    let by = |name: &str| {
        let mut authors = prod.authors.iter();
        let own = authors.find(|one| one.authors.iter().any(|author| author.as_str() == name));
        listed(&own.unwrap().blocking)
    };
    assert_eq!(by("dana"), ["bob+carol"]);
    assert_eq!(by("bob"), ["carol"]);
    assert_eq!(by("carol"), ["bob"]);
    let infra = &rows[1];
    assert_eq!(infra.paths, ["infra/**"]);
    assert_eq!(infra.nothing.number, Number::Exactly(1));
    assert!(infra.nothing.number.is_one());
    assert_eq!(rows.len(), 3);
}

#[test]
fn the_only_pusher_is_one_too() {
    let rows = rows(
        &with("push: [everybody]", "push: [d]")
            .replace("  everybody:", "  d: [dana]\n  everybody:"),
    );
    assert_eq!(listed(&rows[0].nothing), ["dana"]);
}

#[test]
fn rules_that_hold_for_one_ref_are_counted_together() {
    let more = "  refs/heads/*:\n    required: 1\n    from: [b]\n  refs/relhook/policy:";
    let yaml =
        with("  refs/relhook/policy:", more).replace("  everybody:", "  b: [bob]\n  everybody:");
    let rows = rows(&yaml);
    // bob has to say yes to everything on prod, and on any other branch.
    assert_eq!(listed(&rows[0].nothing), ["bob"]);
    assert_eq!(rows[0].asked.len(), 2);
    let other = rows.iter().find(|row| row.rule == "refs/heads/*").unwrap();
    assert_eq!(
        (listed(&other.nothing), other.asked.len()),
        (vec!["bob".to_owned()], 1)
    );
}

#[test]
fn a_number_that_is_too_large_to_find_is_bounded_instead() {
    let people: Vec<String> = (0..60).map(|number| format!("p{number}")).collect();
    let entries: String = people
        .iter()
        .enumerate()
        .map(|(at, name)| {
            format!("  {name}:\n    logins: [{name}]\n    keys: ['openpgp:{at:040X}']\n")
        })
        .collect();
    let yaml = format!(
        "version: 1\nrepository: a/b\nidentity:\n  source: http\npeople:\n{entries}teams:\n  all: [{}]\n\
         branches:\n  refs/relhook/policy:\n    required: 20\n    from: [all]\n",
        people.join(", ")
    );
    let started = std::time::Instant::now();
    let rows = rows(&yaml);
    assert!(
        matches!(rows[0].nothing.number, Number::MoreThan(1..)),
        "{:?}",
        rows[0].nothing
    );
    assert_eq!(rows[0].asked[0].slack(), Some(41));
    // All authors are alike.
    assert_eq!(rows[0].authors.len(), 1);
    assert!(started.elapsed().as_secs() < 60);
}

#[test]
fn who_may_break_the_glass_counts_where_that_is_asked() {
    let rule = "    required: 1\n    from: [reviewers]\n";
    let glass = |more: &str| {
        let emergency = format!("{rule}    emergency:\n      by: [d]\n{more}");
        with(rule, &emergency).replace("  everybody:", "  d: [dana]\n  everybody:")
    };
    let all = rows(&glass(""));
    assert_eq!(
        listed(&all[0].nothing),
        ["bob+carol", "bob+dana", "carol+dana"]
    );
    // While dana is there, she lets in what she or anybody wrote.
    assert_eq!(
        listed(all[0].with_emergency.as_ref().unwrap()),
        ["bob+dana", "carol+dana"]
    );
    let second = rows(&glass("      cosign: [reviewers]\n"));
    let second = second[0].with_emergency.as_ref().unwrap();
    assert_eq!(listed(second), ["bob+carol", "bob+dana", "carol+dana"]);
    let except = rows(&glass("      except: [infra/**]\n"));
    assert!(except[0].with_emergency.is_some() && except[1].with_emergency.is_none());
    assert!(rows(SOUND).iter().all(|row| row.with_emergency.is_none()));
}
