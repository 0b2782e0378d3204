use super::*;
use crate::release::{Planned, Totals};
use crate::types::Oid;

fn snapshot(phase: Phase, done: u64, bytes: u64) -> Snapshot {
    Snapshot {
        run: 1,
        commit: Oid::from_hex(b"8d01e77ab12c40a1d2f3e4b5968778695a4b3c2d").unwrap(),
        sequence: 7,
        phase,
        done,
        of: 340,
        totals: Totals {
            uploaded: done,
            deleted: 0,
            unchanged: 12,
            bytes,
        },
        planned: Some(Planned {
            files: 340,
            bytes: 9_100_000,
        }),
        code: (phase == Phase::Failed).then(|| "RH611".to_owned()),
        error: (phase == Phase::Failed).then(|| "the site is away".to_owned()),
        hints: Vec::new(),
        note: (phase == Phase::Held).then(|| "held until 2026-12-24T00:00:00Z".to_owned()),
        notice: None,
    }
}

fn site(number: usize) -> TargetName {
    TargetName::new(format!("site{number}"))
}

#[test]
fn one_line_has_files_and_bytes_and_rate_and_time_left() {
    let shown = |phase, rate| progress_line(&site(1), &snapshot(phase, 120, 3_400_000), rate);
    let noticed = Snapshot {
        notice: Some("`d` is `e` now".to_owned()),
        ..snapshot(Phase::Finished, 120, 3_400_000)
    };
    insta::assert_snapshot!([
        shown(Phase::Comparing, None),
        shown(Phase::Sending, None),
        shown(Phase::Sending, Some(1_200_000)),
        shown(Phase::Sending, Some(900)),
        shown(Phase::Moving, Some(5)),
        shown(Phase::Checking, None),
        shown(Phase::Held, None),
        shown(Phase::Finished, None),
        shown(Phase::Failed, None),
        progress_line(&site(1), &noticed, None),
    ]
    .join("\n"), @r"
    site1: comparing
    site1: sending 120 of 340 files, 3.4 of 9.1 MB
    site1: sending 120 of 340 files, 3.4 of 9.1 MB, 1.2 MB/s, 5 s left
    site1: sending 120 of 340 files, 3.4 of 9.1 MB, 900 B/s, 105 min left
    site1: putting into place 120 of 340
    site1: checking 120 of 340
    site1: held until 2026-12-24T00:00:00Z
    site1: released 8d01e77 (120 sent, 0 deleted, 12 unchanged)
    site1: stopped: RH611 the site is away
    site1: released 8d01e77 (120 sent, 0 deleted, 12 unchanged); `d` is `e` now
    ");
}

#[test]
fn a_rate_is_that_of_the_last_seconds() {
    let start = Instant::now();
    let mut meter = Meter::default();
    assert_eq!(meter.rate(), None);
    for second in 0..20u32 {
        let sent = if second < 10 {
            0
        } else {
            u64::from(second - 10) * 1000
        };
        meter.take(start + Duration::from_secs(second.into()), sent);
    }
    assert_eq!(meter.rate(), Some(1000));
    meter.take(start + Duration::from_secs(21), 5);
    assert_eq!(meter.rate(), None);
}

/// However many targets there are and however long they take, it is a screen and no more.
#[test]
fn d_02_what_is_said_is_never_more_than_a_screen() {
    for targets in [1, 2, 3, 8, 30, 1000] {
        for end in [Phase::Finished, Phase::Failed, Phase::Held] {
            let mut board = Board::default();
            let mut text = String::new();
            let mut now = Instant::now();
            for step in 0..100 {
                now += Duration::from_secs(1);
                let all: BTreeMap<TargetName, Snapshot> = (0..targets)
                    .map(|number| (site(number), snapshot(Phase::Sending, step, step * 1000)))
                    .collect();
                for (target, snapshot) in &all {
                    text += &board.take(target, snapshot, now);
                }
                text += &board.round(&all);
            }
            for number in 0..targets {
                let mut last = snapshot(end, 340, 9_100_000);
                last.error = last.error.map(|_| "x".repeat(100_000));
                text += &board.take(&site(number), &last, now);
                text += &board.take(&site(number), &last, now);
            }
            text += &board.close();
            assert!(text.lines().count() <= 24, "{targets}:\n{text}");
            assert!(text.len() < 8 * 1024, "{targets}: {} bytes", text.len());
            assert!(!text.is_empty() && text.ends_with('\n'));
        }
    }
}
