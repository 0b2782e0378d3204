//! A glance at an entry beside the strict reader: what the one tells, the other does too.

use super::check::{evidence_of, needed_by};
use super::draft::{Draft, strictly};
use super::glance::{Glance, read};
use super::*;
use crate::types::{Claimant, Oid, Timestamp};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// What the strict reader says of the same bytes: it makes an entry of them and writes that again.
fn told(bytes: &[u8]) -> Option<Glance> {
    let entry = strictly(bytes).ok()?;
    let hidden = entry.hidden.map(|hash| {
        let pair = |at: usize| u8::from_str_radix(&hash.as_str()[2 * at..2 * at + 2], 16).unwrap();
        std::array::from_fn(pair)
    });
    Some(Glance {
        seq: entry.seq,
        time: entry.time,
        hidden,
        evidence: evidence_of(&entry.event).cloned().collect(),
        needed: needed_by(&entry.event).cloned().collect(),
    })
}

/// Most are plain, some are not; none is what an entry would hold of people.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[a-z/.0-9-]{0,12}",
        1 => select(vec![
            "\"", "\\", "a\"b", "\n", "\u{7f}", "\u{1}", "å", "\u{2028}", "{", "]", ",\"x\":1", "null",
        ])
        .prop_map(str::to_owned),
    ]
}

fn words() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(word(), 0..3)
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..3_u64,
        any::<u64>(),
        Just(u64::MAX),
        Just(9_999_999_999_999_999_999)
    ]
}

fn numbers() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(number(), 0..3)
}

fn oid() -> impl Strategy<Value = Oid> {
    any::<[u8; 20]>().prop_filter_map("an id", |bytes| Oid::from_bytes(&bytes).ok())
}

fn oids() -> impl Strategy<Value = Vec<Oid>> {
    prop::collection::vec(oid(), 0..3)
}

fn hashes() -> impl Strategy<Value = Vec<Hash>> {
    prop::collection::vec(any::<u8>().prop_map(|byte| Hash::of(&[byte])), 0..3)
}

fn permit() -> impl Strategy<Value = PermitRecord> {
    (word(), prop::option::of(oid()), oid(), words()).prop_map(|(ref_hex, old, new, release)| {
        PermitRecord {
            ref_hex,
            old,
            new,
            release,
        }
    })
}

fn emergency() -> impl Strategy<Value = EmergencyRecord> {
    (oid(), oids(), words()).prop_map(|(tag, cosigned, waived)| EmergencyRecord {
        tag,
        cosigned,
        base: None,
        due: Timestamp::from_unix(0),
        waived,
        people: vec!["dana".into()],
        reason: "fire".into(),
        ticket: None,
    })
}

fn update() -> impl Strategy<Value = UpdateRecord> {
    let rare = prop::option::weighted(0.1, emergency());
    let allowed = (prop::option::of(permit()), rare, words());
    let ids = (
        prop::option::of(oid()),
        prop::option::of(oid()),
        prop::option::of(oid()),
    );
    (word(), ids, words(), words(), allowed).prop_map(
        |(refname, (claimed, old, new), codes, approved_by, (permit, emergency, tickets))| {
            UpdateRecord {
                refname,
                claimed,
                old,
                new,
                codes,
                let_pass: Vec::new(),
                approved_by,
                contributors: vec!["dana".into()],
                rollback: None,
                tickets,
                permit,
                emergency,
            }
        },
    )
}

fn arrivals() -> impl Strategy<Value = ArrivalsRecord> {
    (prop::option::of(word()), number(), oids(), hashes()).prop_map(
        |(quarantine, count, oids, lists)| ArrivalsRecord {
            by: Claimant::Login("dana".into()),
            quarantine,
            count,
            oids,
            lists,
        },
    )
}

fn verdict() -> impl Strategy<Value = Event> {
    let what = (
        word(),
        oid(),
        prop::collection::vec(update(), 0..3),
        number(),
    );
    let kept = (words(), hashes(), oids(), prop::option::of(arrivals()));
    let rest = (numbers(), numbers(), word(), any::<bool>());
    (what, kept, rest).prop_map(|(what, kept, (landed, found, tool, named))| {
        let (outcome, policy, updates, others) = what;
        let (codes, evidence, seen, arrivals) = kept;
        Event::Verdict(VerdictRecord {
            outcome,
            person: named.then(|| "dana".into()),
            login: None,
            policy,
            updates,
            others,
            codes,
            report: named.then(|| serde_json::json!({"accepted": true})),
            evidence,
            seen,
            arrivals,
            landed,
            found,
            settled: Vec::new(),
            tool,
        })
    })
}

fn moved() -> impl Strategy<Value = Event> {
    let outcome = select(vec![
        MoveOutcome::Moved,
        MoveOutcome::NotMoved,
        MoveOutcome::Elsewhere,
    ]);
    let ids = (prop::option::of(oid()), oid(), prop::option::of(oid()));
    (number(), word(), word(), ids, outcome).prop_map(
        |(sequence, refname, ref_hex, (old, new, now), outcome)| {
            Event::Moved(MovedRecord {
                sequence,
                refname,
                ref_hex,
                old,
                new,
                outcome,
                now,
            })
        },
    )
}

fn release() -> impl Strategy<Value = Event> {
    let state = select(vec![
        ReleaseState::Started,
        ReleaseState::Finished,
        ReleaseState::Failed,
    ]);
    let counts = (number(), number(), number(), number());
    (word(), word(), oid(), counts, state, any::<bool>()).prop_map(
        |(target, refname, commit, (sequence, uploaded, deleted, bytes), state, for_good)| {
            Event::Release(ReleaseRecord {
                target,
                refname,
                commit,
                sequence,
                state,
                uploaded,
                deleted,
                bytes,
                error: for_good.then(|| "no".into()),
                for_good,
                lifted_by: vec!["rita".into()],
            })
        },
    )
}

fn other() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Heartbeat(HeartbeatRecord::default())),
        word().prop_map(|why| Event::Heartbeat(HeartbeatRecord {
            stamp: Some(StampRecord::Missing { why }),
        })),
        (word(), word()).prop_map(|(code, why)| Event::Refused {
            code,
            why,
            login: None,
        }),
        (word(), word(), oid()).prop_map(|(refname, ref_hex, oid)| Event::Pinned(Pin {
            refname,
            ref_hex,
            oid,
            by: "root".into(),
        })),
        (word(), number(), number()).prop_map(|(command, first, last)| {
            Event::Read(ReadRecord {
                command,
                first,
                last,
                by: "root".into(),
            })
        }),
        (number(), hashes()).prop_map(|(entry, evidence)| {
            Event::Redacted(RedactionRecord {
                entry,
                evidence,
                reason: String::new(),
                by: String::new(),
            })
        }),
        number().prop_map(|dropped_bytes| Event::Recovered { dropped_bytes }),
    ]
}

/// An entry's bytes as the log has them; some hold themselves what is hidden of others.
fn entry() -> impl Strategy<Value = Vec<u8>> {
    let event = prop_oneof![4 => verdict(), 1 => moved(), 1 => release(), 3 => other()];
    let time = prop_oneof![0..4_000_000_000_i64, -70_000_000_000..253_402_200_000_i64];
    (number(), time, event, prop::bool::weighted(0.9)).prop_map(|(seq, time, event, hides)| {
        let entry = Entry::new(seq, Timestamp::from_unix(time), event);
        match hides {
            true => Draft::new(entry, |body| Ok(Hash::of(body))).unwrap().entry,
            false => serde_json::to_string(&entry).unwrap(),
        }
        .into_bytes()
    })
}

/// What means something in an entry, or nearly does.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = select(vec![
        "",
        "\"",
        "\\",
        "\\u0061",
        " ",
        "0",
        "00",
        "-1",
        "1e3",
        "1.0",
        "null",
        "true",
        "[]",
        "{}",
        ",",
        "]",
        "}",
        "{",
        ",\"landed\":[]",
        ",\"landed\":[1]",
        ",\"found\":[2]",
        ",\"for_good\":false",
        ",\"for_good\":true",
        ",\"oids\":[]",
        ",\"lists\":[]",
        ",\"tool\":\"x\"",
        ",\"hidden\":null",
        ",\"now\":null",
        ",\"report\":null",
        ",\"person\":\"x\"",
        "\"verdict\"",
        "\"heartbeat\"",
        "2026-02-30T00:00:00Z",
        "2016-12-31T23:59:60Z",
        "2026-01-01T24:00:00Z",
        "0000000000000000000000000000000000000000",
        "A",
        "f",
        "\n",
        "\u{7f}",
        "å",
        "18446744073709551616",
        "99999999999999999999",
    ]);
    prop_oneof![
        6 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ]
}

/// Where something begins or ends in it.
fn joints(bytes: &[u8]) -> Vec<usize> {
    let is_joint = |at: &usize| bytes.get(*at).is_none_or(|byte| b",:[]{}\"".contains(byte));
    (0..=bytes.len()).filter(is_joint).collect()
}

/// Puts another piece in the place of what stands between two joints, or of a few bytes anywhere.
fn change(bytes: &mut Vec<u8>, (at, length, exact, piece): &(Index, usize, bool, Vec<u8>)) {
    let (start, end) = if *exact {
        let joints = joints(bytes);
        let first = at.index(joints.len());
        (
            joints[first],
            joints[(first + length).min(joints.len() - 1)],
        )
    } else {
        let start = at.index(bytes.len() + 1);
        (start, (start + length).min(bytes.len()))
    };
    bytes.splice(start..end, piece.iter().copied());
}

fn agree(bytes: &[u8]) {
    if let Some(glance) = read(bytes) {
        assert_eq!(
            Some(glance),
            told(bytes),
            "{}",
            String::from_utf8_lossy(bytes)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn l_05_what_a_glance_tells_the_strict_reader_tells(entry in entry()) {
        prop_assert!(told(&entry).is_some(), "{}", String::from_utf8_lossy(&entry));
        agree(&entry);
    }

    #[test]
    fn l_05_no_change_to_an_entry_deceives_a_glance(
        entry in entry(),
        changes in prop::collection::vec((any::<Index>(), 0..4_usize, any::<bool>(), piece()), 1..3),
    ) {
        let mut bytes = entry;
        changes.iter().for_each(|one| change(&mut bytes, one));
        agree(&bytes);
    }
}

/// A verdict of an accepted push, with everything that one usually has.
fn usual_verdict(oid: Oid) -> VerdictRecord {
    let permit = PermitRecord {
        ref_hex: "726566".into(),
        old: Some(oid),
        new: oid,
        release: vec!["site".into()],
    };
    let update = UpdateRecord {
        refname: "refs/heads/prod".into(),
        claimed: None,
        old: Some(oid),
        new: Some(oid),
        codes: vec!["RH401".into()],
        let_pass: Vec::new(),
        approved_by: vec!["rita".into()],
        contributors: vec!["dana".into()],
        rollback: None,
        tickets: vec!["CHG-7".into()],
        permit: Some(permit),
        emergency: None,
    };
    let arrivals = ArrivalsRecord {
        by: Claimant::Login("dana".into()),
        quarantine: Some("tmp_objdir-incoming-x".into()),
        count: 2,
        oids: vec![oid, oid],
        lists: vec![Hash::of(b"list")],
    };
    VerdictRecord {
        outcome: "accepted".into(),
        person: Some("dana".into()),
        login: None,
        policy: oid,
        updates: vec![update.clone(), update],
        others: 0,
        codes: Vec::new(),
        report: Some(serde_json::json!({"accepted": true})),
        evidence: vec![Hash::of(b"one"), Hash::of(b"two")],
        seen: vec![oid],
        arrivals: Some(arrivals),
        landed: vec![7],
        found: vec![8, 9],
        settled: Vec::new(),
        tool: "0.1.0".into(),
    }
}

/// An entry of each usual kind.
fn usual() -> Vec<String> {
    let oid: Oid = "8d01e77ab12c00000000000000000000000000ff".parse().unwrap();
    let release = ReleaseRecord {
        target: "site".into(),
        refname: "refs/heads/prod".into(),
        commit: oid,
        sequence: 7,
        state: ReleaseState::Failed,
        uploaded: 1,
        deleted: 0,
        bytes: 8,
        error: Some("no".into()),
        for_good: true,
        lifted_by: vec!["rita".into()],
    };
    let moved = MovedRecord {
        sequence: 7,
        refname: "refs/heads/prod".into(),
        ref_hex: "726566".into(),
        old: None,
        new: oid,
        outcome: MoveOutcome::NotMoved,
        now: Some(oid),
    };
    let events = [
        Event::Verdict(usual_verdict(oid)),
        Event::Release(release),
        Event::Moved(moved),
        Event::Heartbeat(HeartbeatRecord::default()),
        Event::Refused {
            code: "RH106".into(),
            why: "nobody known pushed".into(),
            login: Some("guest".into()),
        },
        Event::Pinned(Pin {
            refname: "refs/heads/prod".into(),
            ref_hex: "726566".into(),
            oid,
            by: "root".into(),
        }),
        Event::Read(ReadRecord {
            command: "audit log".into(),
            first: 1,
            last: 9,
            by: "root".into(),
        }),
    ];
    let written = events.into_iter().map(|event| {
        let entry = Entry::new(7, Timestamp::from_unix(1_790_000_000), event);
        Draft::new(entry, |_| panic!("a long one")).unwrap().entry
    });
    written.collect()
}

#[test]
fn usual_entries_are_told_by_a_glance() {
    for entry in usual() {
        let glance = read(entry.as_bytes());
        assert!(glance.is_some(), "{entry}");
        assert_eq!(glance, told(entry.as_bytes()), "{entry}");
    }
}

#[test]
fn l_05_each_byte_of_an_entry_counts() {
    for entry in usual() {
        for at in 0..entry.len() {
            for byte in *b" \"\\0a1}],{:\n" {
                let mut bytes = entry.clone().into_bytes();
                bytes[at] = byte;
                agree(&bytes);
                bytes.insert(at, entry.as_bytes()[at]);
                agree(&bytes);
            }
            let mut less = entry.clone().into_bytes();
            less.remove(at);
            agree(&less);
        }
    }
}
