//! Windows and freezes against a slow oracle that knows nothing of time-zone libraries: it counts
//! minutes with a table of clock changes that was written by hand.

use super::{Days, Edge, Emergencies, Freeze, Minute, Moment, Window, Zone};
use crate::policy::Policy;
use crate::types::{Timestamp, WindowName};
use proptest::prelude::*;

/// A zone: its offset from UTC in minutes, and when it changes in 2026.
struct Table {
    name: &'static str,
    first: i64,
    changes: &'static [(&'static str, i64)],
}

const TABLES: [Table; 7] = [
    Table {
        name: "UTC",
        first: 0,
        changes: &[],
    },
    Table {
        name: "Asia/Kolkata",
        first: 330,
        changes: &[],
    },
    Table {
        name: "Europe/Berlin",
        first: 60,
        changes: &[("2026-03-29T01:00:00Z", 120), ("2026-10-25T01:00:00Z", 60)],
    },
    Table {
        name: "America/New_York",
        first: -300,
        changes: &[
            ("2026-03-08T07:00:00Z", -240),
            ("2026-11-01T06:00:00Z", -300),
        ],
    },
    // The other half of the year, and by half an hour.
    Table {
        name: "Australia/Lord_Howe",
        first: 660,
        changes: &[("2026-04-04T15:00:00Z", 630), ("2026-10-03T15:30:00Z", 660)],
    },
    // At midnight: the day begins at one, and ends twice.
    Table {
        name: "Africa/Cairo",
        first: 120,
        changes: &[("2026-04-23T22:00:00Z", 180), ("2026-10-29T21:00:00Z", 120)],
    },
    Table {
        name: "Pacific/Kiritimati",
        first: 840,
        changes: &[],
    },
];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn zone(name: &str) -> Zone {
    Zone::named(name).unwrap()
}

impl Table {
    /// Minutes since 1970 as the wall shows them.
    fn wall(&self, at: Timestamp) -> i64 {
        let past = self.changes.iter().rev();
        let offset = past
            .filter(|(when, _)| self::at(when) <= at)
            .map(|(_, offset)| *offset)
            .next()
            .unwrap_or(self.first);
        at.as_unix().div_euclid(60) + offset
    }
}

/// A window as the oracle has it.
#[derive(Debug, Clone)]
struct Plan {
    zone: usize,
    /// Monday first.
    days: [bool; 7],
    from: i64,
    to: i64,
}

impl Plan {
    fn table(&self) -> &'static Table {
        &TABLES[self.zone]
    }

    fn is_open(&self, at: Timestamp) -> bool {
        let wall = self.table().wall(at);
        let (day, minute) = (wall.div_euclid(1440), wall.rem_euclid(1440));
        // 1970-01-01 was a Thursday.
        let on = |day: i64| self.days[usize::try_from((day + 3).rem_euclid(7)).unwrap()];
        if self.from < self.to {
            on(day) && (self.from..self.to).contains(&minute)
        } else {
            (on(day) && minute >= self.from) || (on(day - 1) && minute < self.to)
        }
    }

    fn window(&self) -> Window {
        let minute = |all: i64| {
            let all = u16::try_from(all).unwrap();
            Minute::new(all / 60, all % 60).unwrap()
        };
        let days = (0..7).filter(|day| self.days[*day]);
        let days = days.map(|day| Days::between(day, day));
        Window {
            name: WindowName::new("w"),
            zone: zone(self.table().name),
            days: days.reduce(Days::and).unwrap(),
            from: minute(self.from),
            to: minute(self.to),
            overriders: Vec::new(),
            emergencies: Emergencies::Wait,
        }
    }
}

/// The first minute from `at` on at which this holds, looked for one by one.
fn watch(at: Timestamp, holds: impl Fn(Timestamp) -> bool) -> Option<Timestamp> {
    let end = at.as_unix() + 21 * 86_400;
    (at.as_unix()..=end)
        .step_by(60)
        .map(Timestamp::from_unix)
        .find(|at| holds(*at))
}

fn plans() -> impl Strategy<Value = Plan> {
    let days = any::<[bool; 7]>().prop_map(|mut days| {
        days[2] |= days == [false; 7];
        days
    });
    // Near the hours over which clocks are put forward and back.
    let edges = [
        0, 30, 60, 61, 90, 119, 120, 121, 150, 179, 180, 210, 1380, 1410, 1439,
    ];
    let minute = prop_oneof![0..1440_i64, prop::sample::select(edges.to_vec())];
    let to = prop_oneof![
        4 => minute.clone(),
        1 => Just(1440_i64),
    ];
    (0..TABLES.len(), days, minute, to).prop_filter_map("the same", |(zone, days, from, to)| {
        (from != to).then_some(Plan {
            zone,
            days,
            from,
            to,
        })
    })
}

/// A minute of 2026, often one near a change of some clock.
fn minutes() -> impl Strategy<Value = Timestamp> {
    let near: Vec<i64> = TABLES
        .iter()
        .flat_map(|table| table.changes)
        .map(|(when, _)| at(when).as_unix() / 60)
        .collect();
    let first = at("2026-01-03T00:00:00Z").as_unix() / 60;
    let any = first..first + 330 * 1440;
    let near = (prop::sample::select(near), -4320..4320_i64).prop_map(|(at, by)| at + by);
    prop_oneof![any, near].prop_map(|minute| Timestamp::from_unix(minute * 60))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_window_is_open_when_a_watched_clock_says_so(plan in plans(), start in minutes()) {
        let window = plan.window();
        for minute in 0..3 * 1440 {
            // Not only whole minutes.
            let at = Timestamp::from_unix(start.as_unix() + minute * 60 + minute % 60);
            prop_assert_eq!(window.is_open(at), plan.is_open(at), "{}", at);
        }
    }

    #[test]
    fn it_opens_and_closes_when_a_watched_clock_says_so(plan in plans(), start in minutes()) {
        let window = plan.window();
        prop_assert_eq!(window.opens(start), watch(start, |at| plan.is_open(at)));
        prop_assert_eq!(window.closes(start), watch(start, |at| !plan.is_open(at)));
    }

    #[test]
    fn several_rules_open_when_all_of_them_do(
        one in plans(),
        other in plans(),
        third in plans(),
        start in minutes(),
        freeze in 0..20_000_i64,
        long in 1..20_000_i64,
    ) {
        let from = Timestamp::from_unix(start.as_unix() + (freeze - 10_000) * 60);
        let until = Timestamp::from_unix(from.as_unix() + long * 60);
        let limit = |at| Edge { wall: zone("UTC").wall(at), at };
        let freeze = Freeze {
            name: WindowName::new("f"),
            zone: zone("UTC"),
            from: limit(from),
            until: Some(limit(until)),
            overriders: Vec::new(),
            emergencies: Emergencies::Wait,
        };
        // One rule of two windows, one of one window and the freeze.
        let mut policy = crate::policy::tests::parse(crate::policy::tests::SOUND).unwrap();
        let calendar = &mut policy.calendar;
        for (name, plan) in [("a", &one), ("b", &other), ("c", &third)] {
            let window = Window { name: WindowName::new(name), ..plan.window() };
            calendar.windows.insert(WindowName::new(name), window);
        }
        calendar.freezes.insert(WindowName::new("f"), freeze);
        let mut rules = [policy.rules[0].clone(), policy.rules[0].clone()];
        rules[0].windows = vec![WindowName::new("a"), WindowName::new("b")];
        rules[1].windows = vec![WindowName::new("c")];
        rules[1].freezes = vec![WindowName::new("f")];
        let rules = [&rules[0], &rules[1]];
        let open = |at: Timestamp| {
            (one.is_open(at) || other.is_open(at)) && third.is_open(at) && !(from <= at && at < until)
        };
        let hours = policy.hours(&rules, start).unwrap();
        prop_assert_eq!(hours.closed.is_empty(), open(start));
        let turn = watch(start, |at| open(at) != open(start));
        let told = hours.changes.map(|moment| moment.at);
        // Looked for one by one, three weeks are seen; the answer may lie beyond.
        let end = start.as_unix() + 21 * 86_400;
        prop_assert_eq!(told.filter(|at| at.as_unix() <= end), turn);
    }
}

fn limits(name: &str, wall: &str) -> (String, String) {
    let (zone, wall) = (zone(name), wall.parse().unwrap());
    let (from, until) = (Edge::beginning(&zone, wall), Edge::ending(&zone, wall));
    (from.at.to_string(), until.at.to_string())
}

#[test]
fn a_freeze_lasts_as_long_as_it_can_be_read() {
    let both = |text: &str| (text.to_owned(), text.to_owned());
    assert_eq!(
        limits("Europe/Berlin", "2026-12-18T12:00"),
        both("2026-12-18T11:00:00Z")
    );
    // Half past two is there twice.
    assert_eq!(
        limits("Europe/Berlin", "2026-10-25T02:30"),
        (
            "2026-10-25T00:30:00Z".to_owned(),
            "2026-10-25T01:30:00Z".to_owned()
        )
    );
    // Half past two is not there at all: the clock is put forward at two.
    assert_eq!(
        limits("Europe/Berlin", "2026-03-29T02:30"),
        both("2026-03-29T01:00:00Z")
    );
    // West of Greenwich, by half an hour, and at midnight.
    assert_eq!(
        limits("America/New_York", "2026-03-08T02:15"),
        both("2026-03-08T07:00:00Z")
    );
    assert_eq!(
        limits("Australia/Lord_Howe", "2026-10-04T02:15"),
        both("2026-10-03T15:30:00Z")
    );
    assert_eq!(
        limits("Africa/Cairo", "2026-04-24T00:30"),
        both("2026-04-23T22:00:00Z")
    );
    // A whole day that there never was.
    assert_eq!(
        limits("Pacific/Apia", "2011-12-30T12:00"),
        both("2011-12-30T10:00:00Z")
    );
}

fn night() -> Plan {
    Plan {
        zone: 2,
        days: [false, false, false, false, false, true, false],
        from: 22 * 60,
        to: 4 * 60,
    }
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_on_which_it_opens() {
    let window = night().window();
    // Saturday the 24th of October; the clock is put back at three on Sunday.
    for (moment, open) in [
        ("2026-10-23T23:00:00Z", false),
        ("2026-10-24T19:59:59Z", false),
        ("2026-10-24T20:00:00Z", true),
        ("2026-10-25T02:59:59Z", true),
        ("2026-10-25T03:00:00Z", false),
        ("2026-10-25T21:00:00Z", false),
    ] {
        assert_eq!(window.is_open(at(moment)), open, "{moment}");
    }
    let closes = window.closes(at("2026-10-24T20:00:00Z")).unwrap();
    assert_eq!(closes, at("2026-10-25T03:00:00Z"));
}

#[test]
fn an_hour_that_is_skipped_opens_nothing_and_one_that_is_there_twice_opens_twice() {
    let plan = Plan {
        zone: 2,
        days: [false, false, false, false, false, false, true],
        from: 150,
        to: 165,
    };
    let window = plan.window();
    // On the last Sunday of March there is no half past two.
    let opens = window.opens(at("2026-03-28T00:00:00Z")).unwrap();
    assert_eq!(opens, at("2026-04-05T00:30:00Z"));
    // On the last Sunday of October there are two.
    let first = window.opens(at("2026-10-24T22:00:00Z")).unwrap();
    assert_eq!(first, at("2026-10-25T00:30:00Z"));
    let shut = window.closes(first).unwrap();
    assert_eq!(shut, at("2026-10-25T00:45:00Z"));
    assert_eq!(window.opens(shut).unwrap(), at("2026-10-25T01:30:00Z"));
}

#[test]
fn a_window_without_end_never_closes() {
    let plan = Plan {
        zone: 0,
        days: [true; 7],
        from: 0,
        to: 1440,
    };
    let window = plan.window();
    assert_eq!(window.closes(at("2026-03-28T00:00:00Z")), None);
    // Nor does anything go wrong where the calendar ends.
    for far in [i64::MIN, -400_000_000_000, 253_402_300_799, i64::MAX] {
        let far = Timestamp::from_unix(far);
        assert!(window.is_open(far));
        let _ = (night().window().opens(far), night().window().closes(far));
    }
}

#[test]
fn moments_are_told_by_the_wall_and_in_utc() {
    let moment = Moment::new(&zone("Europe/Berlin"), at("2026-11-30T07:00:00Z"));
    assert_eq!(
        moment.to_string(),
        "Mon 2026-11-30 08:00 Europe/Berlin (2026-11-30T07:00:00Z)"
    );
}

#[test]
fn zones_are_spelt_as_the_database_spells_them() {
    for (name, meant) in [
        ("europe/berlin", Some("Europe/Berlin")),
        ("Berlin", Some("Europe/Berlin")),
        ("Europe/Berln", Some("Europe/Berlin")),
        ("new york", Some("America/New_York")),
        ("Mars/Olympus", None),
        ("", None),
        ("../../etc/localtime", None),
    ] {
        assert_eq!(Zone::named(name).unwrap_err().meant, meant, "{name}");
    }
    assert_eq!(zone("UTC").name(), "UTC");
    assert_ne!(super::zone_rules(), "unknown");
}

#[test]
fn days_go_over_the_end_of_the_week() {
    let all = |days: &[usize]| {
        let days = days.iter().map(|day| Days::between(*day, *day));
        days.reduce(Days::and).unwrap()
    };
    assert_eq!(Days::between(0, 3), all(&[0, 1, 2, 3]));
    assert_eq!(Days::between(5, 0), all(&[5, 6, 0]));
    assert_eq!(Days::between(1, 0), Days::ALL);
    assert_eq!(Days::between(4, 4), all(&[4]));
}

/// What a policy is told to say of moments beyond the looked-for years.
#[test]
fn what_never_opens_is_said() {
    let yaml = crate::policy::tests::with(
        "    release: [www]\n",
        "    release: [www]\n    freezes: [incident]\n",
    );
    let yaml = format!("{yaml}freezes: {{incident: {{zone: UTC, from: \"2026-11-01T00:00\"}}}}\n");
    let policy = Policy::parse(yaml.as_bytes(), "policy.yaml").unwrap();
    let rules = [&policy.rules[0]];
    let before = policy.hours(&rules, at("2026-10-31T00:00:00Z")).unwrap();
    assert_eq!(
        before.shown(),
        "open until Sun 2026-11-01 00:00 UTC (2026-11-01T00:00:00Z)"
    );
    let since = policy.hours(&rules, at("2026-11-01T00:00:00Z")).unwrap();
    assert_eq!(
        since.shown(),
        "shut (the freeze incident), and no opening is in sight"
    );
    assert!(
        policy
            .hours(&[&policy.rules[1]], at("2026-11-01T00:00:00Z"))
            .is_none()
    );
}
