//! Windows and freezes: what is read, and what is complained about.

use super::{complaints, parse, with};
use crate::types::{Timestamp, WindowName};

/// The usual policy, whose rule for `prod` names these, and with them at its end.
fn timed(rule: &str, sections: &str) -> String {
    let yaml = with(
        "    release: [www]\n",
        &format!("    release: [www]\n{rule}"),
    );
    format!("{yaml}{sections}")
}

const OFFICE: &str = "windows:\n  office: {zone: Europe/Berlin, days: [mon-thu, sat], from: \
                      \"08:00\", to: \"16:00\", override: [reviewers]}\n";
const CHRISTMAS: &str = "freezes:\n  christmas: {zone: Europe/Berlin, from: \"2026-12-18T12:00\", \
                         until: \"2027-01-04T06:00\"}\n";

#[test]
fn they_are_read() {
    let rule = "    windows: [office]\n    freezes: [christmas]\n";
    let yaml = timed(rule, &format!("{OFFICE}{CHRISTMAS}"));
    let policy = parse(&yaml).unwrap_or_else(|errors| panic!("{errors}"));
    let (office, christmas) = (WindowName::new("office"), WindowName::new("christmas"));
    assert_eq!(policy.rules[0].windows[..], *std::slice::from_ref(&office));
    assert_eq!(
        policy.rules[0].freezes[..],
        *std::slice::from_ref(&christmas)
    );
    assert!(policy.rules[0].has_hours() && !policy.rules[1].has_hours());
    let window = &policy.calendar.windows[&office];
    assert_eq!(
        (window.from.shown(), window.to.shown()),
        ("08:00".into(), "16:00".into())
    );
    assert_eq!(policy.calendar.overriders(&office)[0].as_str(), "reviewers");
    assert!(policy.calendar.overriders(&christmas).is_empty());
    let open = |at: &str| window.is_open(at.parse::<Timestamp>().unwrap());
    // A Thursday, a Friday, a Saturday and a Sunday.
    assert!(open("2026-11-26T12:00:00Z") && !open("2026-11-27T12:00:00Z"));
    assert!(open("2026-11-28T12:00:00Z") && !open("2026-11-29T12:00:00Z"));
    let freeze = &policy.calendar.freezes[&christmas];
    assert_eq!(freeze.from.at.to_string(), "2026-12-18T11:00:00Z");
    assert_eq!(freeze.until.unwrap().at.to_string(), "2027-01-04T05:00:00Z");
}

#[track_caller]
fn says(rule: &str, sections: &str, part: &str) {
    let lines = complaints(&timed(rule, sections));
    assert_eq!(lines.len(), 1, "{sections}: {lines:#?}");
    assert!(lines[0].contains(part), "{sections}: {lines:#?}");
}

#[test]
fn what_does_not_fit_is_said() {
    let window = |inside: &str| format!("windows:\n  w: {{zone: UTC, {inside}}}\n");
    for (inside, part) in [
        ("from: 08:00, to: \"16:00\"", "in quotes"),
        (
            "from: \"8:00\", to: \"16:00\"",
            "`8:00` is not a time of day",
        ),
        (
            "from: \"08:60\", to: \"16:00\"",
            "`08:60` is not a time of day",
        ),
        (
            "from: \"08:00\", to: \"24:01\"",
            "`24:01` is not a time of day",
        ),
        ("from: \"24:00\", to: \"16:00\"", "beginning of the next"),
        ("from: \"08:00\", to: \"08:00\"", "the same as `from`"),
        ("from: \"08:00\"", "a window needs `to`"),
        ("to: \"08:00\"", "a window needs `from`"),
        ("days: [monday]", "cannot be `monday`"),
        ("days: [mon-funday]", "days are `mon`"),
        ("days: [tus]", "did you mean `tue`?"),
        ("days: []", "is empty"),
        ("days: mon", "in brackets"),
        ("override: [nobody]", "there is no team `nobody`"),
        ("hours: 3", "unknown key `hours`"),
    ] {
        says("", &window(inside), part);
    }
    let freeze = |inside: &str| format!("freezes:\n  f: {{{inside}}}\n");
    for (inside, part) in [
        ("from: \"2026-12-18T12:00\"", "a freeze needs `zone`"),
        (
            "zone: Berlin, from: \"2026-12-18T12:00\"",
            "did you mean `Europe/Berlin`?",
        ),
        ("zone: UTC", "a freeze needs `from`"),
        ("zone: UTC, from: 2026-12-18T12:00", "in quotes"),
        (
            "zone: UTC, from: \"2026-12-18\"",
            "is not a date and time like",
        ),
        (
            "zone: UTC, from: \"2026-12-18T12:00Z\"",
            "is not a date and time like",
        ),
        ("zone: UTC, from: \"2026-02-30T12:00\"", "that there is"),
        (
            "zone: UTC, from: \"2026-12-18T12:00\", until: \"2026-12-18T12:00\"",
            "is not after `from`",
        ),
    ] {
        says("", &freeze(inside), part);
    }
}

#[test]
fn names_are_there_once() {
    let both = format!("{OFFICE}{CHRISTMAS}");
    says("    windows: [offce]\n", OFFICE, "did you mean `office`?");
    says(
        "    windows: [christmas]\n",
        &both,
        "there is no window `christmas`",
    );
    says(
        "    freezes: [office]\n",
        &both,
        "there is no freeze `office`",
    );
    says("    freezes: [x]\n", "", "add `freezes:` with it");
    let one = both.replace("christmas", "office");
    says("", &one, "is the name of a window too");
    let cased = both.replace("christmas", "Office");
    says("", &cased, "differ in case only");
}

#[test]
fn what_nothing_names_is_worth_a_second_look() {
    let warned = |rule: &str| {
        let policy = parse(&timed(rule, &format!("{OFFICE}{CHRISTMAS}"))).unwrap();
        let all = crate::policy::warnings(&policy, None);
        let unused = all.iter().map(ToString::to_string);
        let unused = unused.filter(|line| line.contains("no rule names"));
        unused.collect::<Vec<_>>()
    };
    let used = "    windows: [office]\n    freezes: [christmas]\n";
    assert_eq!(warned(used), [""; 0]);
    assert_eq!(
        warned("    windows: [office]\n"),
        ["no rule names the window or freeze `christmas`"]
    );
    // A team that does nothing but override is named, too.
    let team = format!("{OFFICE}{CHRISTMAS}").replace("override: [reviewers]", "override: [two]");
    let yaml = timed(used, &team).replace("teams:\n", "teams:\n  two: [bob, carol]\n");
    let all = crate::policy::warnings(&parse(&yaml).unwrap(), None);
    assert!(
        !all.iter().any(|one| one.to_string().contains("`two`")),
        "{all:?}"
    );
}

#[test]
fn the_policy_itself_is_changed_at_any_time() {
    let yaml = with(
        "  refs/relhook/policy:\n",
        "  refs/relhook/policy:\n    freezes: [christmas]\n",
    );
    let lines = complaints(&format!("{yaml}{CHRISTMAS}"));
    assert!(lines[0].contains("can be changed at any time"), "{lines:?}");
}

#[test]
fn an_override_has_to_be_signed_by_somebody() {
    let yaml = timed("", OFFICE).replace(
        "    keys: ['openpgp:1",
        "    disabled: true\n    keys: ['openpgp:1",
    );
    let yaml = yaml.replace(
        "    keys: ['openpgp:2",
        "    disabled: true\n    keys: ['openpgp:2",
    );
    let lines = complaints(&yaml);
    let about = |line: &&String| line.contains("can sign an override");
    assert_eq!(lines.iter().filter(about).count(), 1, "{lines:?}");
}
