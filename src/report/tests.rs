//! What a report says, and that nothing in it gets out of hand.

use super::model::*;
use super::{csv, html, lines};
use crate::audit::{Checkpoint, Hash, RollbackWord, SettledHow};
use crate::types::{Oid, Timestamp};
use std::collections::BTreeSet;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_790_000_000 + seconds)
}

fn oid() -> Oid {
    "8d01e77ab12c00000000000000000000000000ff".parse().unwrap()
}

fn change(entry: u64, writer: &str, reviewer: &str) -> Change {
    Change {
        entry,
        time: at(7200),
        refname: "refs/heads/prod".into(),
        old: None,
        new: oid(),
        went: Went::In,
        contributors: vec![writer.into()],
        approved_by: vec![reviewer.into()],
        in_stead: BTreeSet::new(),
        let_pass: Vec::new(),
        pushed_by: Some(writer.into()),
        policy: oid(),
        committed: Some(at(0)),
        approvals: vec![Approval {
            hash: Hash::of(b"x"),
            oid: oid(),
            seen: Some(at(3600)),
        }],
        evidence: vec![Hash::of(b"x")],
        releases: vec![ReleaseOf {
            target: "web".into(),
            entry: entry + 1,
            time: at(7260),
            finished: true,
            error: None,
            lifted_by: Vec::new(),
        }],
        tickets: Vec::new(),
        checks: Vec::new(),
        overridden: Vec::new(),
        rollback: None,
        emergency: None,
    }
}

/// A change of every sort, in which people are called so.
fn of_every_sort(who: &str) -> Vec<Change> {
    let mut usual = change(3, who, who);
    usual.tickets = vec![who.into(), "CHG-7".into()];
    usual.checks = vec![CheckOf {
        check: who.into(),
        machine: who.into(),
    }];
    let mut deputy = change(4, who, who);
    deputy.in_stead.insert(InStead {
        person: who.into(),
        of: who.into(),
    });
    let mut shut = change(5, who, who);
    shut.overridden = vec![OverrideOf {
        name: who.into(),
        person: who.into(),
        reason: Some(who.into()),
    }];
    let mut warned = change(6, who, who);
    warned.let_pass = vec![who.into()];
    let mut back = change(7, who, who);
    back.approved_by.clear();
    back.rollback = Some(RollbackOf {
        by: vec![RollbackWord {
            person: who.into(),
            reason: who.into(),
        }],
        commits: 3,
        statements: vec![oid()],
    });
    let mut settled = change(8, who, who);
    settled.approved_by.clear();
    settled.emergency = Some(EmergencyOf {
        people: vec![who.into()],
        reason: who.into(),
        ticket: Some(who.into()),
        waived: vec![who.into()],
        due: at(90_000),
        settled: Some(SettledBy {
            entry: 9,
            time: at(9000),
            how: SettledHow::Review,
            people: vec![who.into()],
        }),
    });
    let mut owed = settled.clone();
    owed.entry = 9;
    if let Some(emergency) = &mut owed.emergency {
        emergency.settled = None;
    }
    vec![usual, deputy, shut, warned, back, settled, owed]
}

fn report(changes: Vec<Change>) -> Report {
    Report {
        repository: "acme/site".into(),
        period: Period {
            from: at(0),
            to: at(90_000),
        },
        made: at(90_000),
        checkpoint: Checkpoint {
            origin: "acme/site".into(),
            size: 9,
            root: [7; 32],
            note: "acme/site\n9\n\n".into(),
        },
        key: "acme/site+1+A".into(),
        entries: Some((1, 9)),
        redacted: std::collections::BTreeSet::new(),
        changes,
        refusals: Vec::new(),
        notes: Vec::new(),
    }
}

#[test]
fn a_page_says_who_did_what_and_how_long_it_took() {
    let page = html(&report(vec![change(3, "dana", "rita")]));
    for said in [
        "1 to 9, were read",
        "written by</dt><dd>dana",
        "approved by</dt><dd>rita",
        "2 h 1 min from its commit",
        "<span class=\"good\">web</span>",
        "<b>1</b>changes accepted",
    ] {
        assert!(page.contains(said), "{said}\n{page}");
    }
    assert!(!page.contains("<script"), "{page}");
}

#[test]
fn what_went_another_way_is_told_with_who_and_why_and_how_it_ended() {
    let page = html(&report(of_every_sort("dana")));
    for said in [
        "asked for in</dt><dd>dana, CHG-7",
        "checks passed</dt><dd><span class=\"good\">dana</span> by dana",
        "override</td><td>dana overrode <b>dana</b>: dana",
        "takes back 3 commits</span><br>dana: dana",
        "dana approved in the stead of dana",
        "declared by dana in the place of dana: dana (dana)",
        "review owed</span>, due",
        "<span class=\"good\">reviewed</span> by dana",
        "<b>2</b>emergencies, <span class=\"warn\">1 with a review owed",
        "<b>1</b>rollbacks",
        "as the rules ask 1 of 7",
        "by an emergency 2 of 7",
        "<a href=\"#entry-8\">8</a>",
    ] {
        assert!(page.contains(said), "{said}\n{page}");
    }
    // Nobody approved what went back or in by an emergency, and that is known.
    assert_eq!(page.matches("<dt>approved by</dt>").count(), 4);
    let usual = html(&report(vec![change(3, "dana", "rita")]));
    assert!(!usual.contains("What went another way"));
    let lines = String::from_utf8(lines(&report(of_every_sort("dana"))).unwrap()).unwrap();
    let all: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(all[1]["tickets"][1], "CHG-7");
    assert_eq!(all[1]["checks"][0]["machine"], "dana");
    assert_eq!(all[3]["overridden"][0]["reason"], "dana");
    assert_eq!(all[5]["rollback"]["commits"], 3);
    assert_eq!(all[7]["emergency"]["settled"], serde_json::Value::Null);
}

#[test]
fn l_05_t_01_what_people_are_called_stays_text_in_a_page() {
    let evil = "<script>alert(1)</script>\"'&";
    let mut one = change(3, evil, evil);
    one.pushed_by = Some(evil.into());
    one.refname = format!("refs/heads/{evil}");
    one.releases[0].target = evil.into();
    one.releases[0].lifted_by = vec![evil.into()];
    let mut failed = change(4, evil, evil);
    failed.releases[0].finished = false;
    failed.releases[0].error = Some(evil.into());
    let mut all = of_every_sort(evil);
    all.extend([one, failed]);
    let mut report = report(all);
    report.repository = evil.into();
    report.refusals.push(Refusal {
        entry: 5,
        time: at(1),
        by: Some(evil.into()),
        refs: vec![evil.into()],
        codes: vec![evil.into()],
    });
    report.notes.push(Note {
        entry: 6,
        time: at(1),
        about: Kept::Target,
        text: evil.into(),
    });
    let page = html(&report);
    assert!(!page.contains("<script"), "{page}");
    assert!(!page.contains("alert(1)<"), "{page}");
}

#[test]
fn l_05_no_cell_of_the_table_is_a_formula() {
    for evil in [
        "=cmd|' /C calc'!A0",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\u{ff1d}1",
    ] {
        let everything = csv(&report(of_every_sort(evil))).unwrap();
        for row in ::csv::Reader::from_reader(everything.as_slice()).records() {
            for cell in &row.unwrap() {
                let first = evil.chars().next().unwrap();
                assert!(!cell.starts_with(first), "{cell}");
            }
        }
        let table = csv(&report(vec![change(3, evil, "rita")])).unwrap();
        let mut reader = ::csv::Reader::from_reader(table.as_slice());
        let row = reader.records().next().unwrap().unwrap();
        assert_eq!(row.get(6).unwrap(), format!("'{evil}"));
        assert_eq!(row.get(7).unwrap(), "rita");
    }
}

#[test]
fn lines_are_objects_of_their_kinds() {
    let bytes = lines(&report(vec![change(3, "dana", "rita")])).unwrap();
    let kinds: Vec<serde_json::Value> = String::from_utf8(bytes)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(kinds[0]["schema"], "relhook/report/v1");
    assert_eq!(kinds[1]["kind"], "change");
    assert_eq!(kinds[1]["went"], "in");
    assert_eq!(kinds[1]["approvals"][0]["seen"], at(3600).to_string());
}

#[test]
fn a_last_day_is_in_the_period_as_a_whole() {
    let period = Period::new(Some("2026-12-01"), Some("2026-12-31"), at(0)).unwrap();
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    assert!(period.has(time("2026-12-01T00:00:00Z")));
    assert!(period.has(time("2026-12-31T23:59:59Z")));
    assert!(!period.has(time("2027-01-01T00:00:00Z")));
    assert!(!period.has(time("2026-11-30T23:59:59Z")));
    assert!(Period::new(Some("yesterday"), None, at(0)).is_err());
}
