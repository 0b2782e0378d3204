//! Who brought what: pushes that get in, that do not, that are killed, and that race.

use super::*;
use crate::audit::{ArrivalsRecord, Hash};
use crate::types::{Claimant, PersonName};
use std::collections::BTreeSet;

/// What is in the store.
type Kept = BTreeSet<Oid>;

fn person(name: &str) -> Claimant {
    Claimant::Person(PersonName::new(name))
}

impl Server {
    /// A push by somebody that brings these objects is accepted, in a process of its own.
    fn brings(&self, by: &str, oids: &[Oid], when: i64) -> u64 {
        self.records(by, oids.to_vec(), Vec::new(), when)
    }

    fn records(&self, by: &str, oids: Vec<Oid>, lists: Vec<Hash>, when: i64) -> u64 {
        let mut verdict = accepted(None, oid('f'), Vec::new());
        verdict.updates.clear();
        verdict.arrivals = Some(ArrivalsRecord {
            by: match by {
                "nobody" => Claimant::Nobody,
                name => person(name),
            },
            quarantine: Some(format!("incoming-{by}")),
            count: oids.len() as u64,
            oids,
            lists,
        });
        let tidings = self.tidings();
        (verdict.landed, verdict.found) = (tidings.landed, tidings.found);
        let event = Event::Verdict(verdict.clone());
        let recorded = self.log.append(at(when), event).unwrap();
        let (seq, time) = (recorded.seq, recorded.time);
        let process = format!("process of {by}");
        self.ledger
            .apply(seq, time, &verdict, Some(&process))
            .unwrap();
        seq
    }

    /// Git moves refs for this push.
    fn moves(&self, by: &str) {
        let process = format!("process of {by}");
        Ledger::open_for_move(self.dir.path(), &self.log, Some(&process)).unwrap();
    }

    fn tidings(&self) -> Tidings {
        self.ledger.tidings(&[]).unwrap().0
    }

    /// The pushes of these people are over, and this is what the store has.
    fn over(&self, who: &[&str], kept: &[Oid]) {
        settle(&self.ledger, who, kept);
    }

    fn first(&self, commit: Oid) -> Vec<(Claimant, bool)> {
        first(&self.ledger, commit)
    }

    /// The ledger that the log alone makes.
    fn again(self) -> Closed {
        let (dir, log) = self.closed();
        std::fs::remove_dir_all(dir.path().join("ledger")).unwrap();
        Closed { dir, log }
    }
}

fn open_pushes(ledger: &Ledger) -> Vec<OpenPush> {
    crate::ledger::arrivals::open(ledger.database.connection()).unwrap()
}

fn settle(ledger: &Ledger, who: &[&str], kept: &[Oid]) {
    let kept: Kept = kept.iter().copied().collect();
    let mut over = open_pushes(ledger);
    over.retain(|push| {
        let quarantine = push.quarantine.as_deref().unwrap_or_default();
        who.iter()
            .any(|who| quarantine == format!("incoming-{who}"))
    });
    let looked = ledger.settle(&over, &|oid| Ok::<_, LedgerError>(kept.contains(&oid)));
    looked.unwrap();
}

fn first(ledger: &Ledger, commit: Oid) -> Vec<(Claimant, bool)> {
    let pushes = ledger.first_pushes(&[commit]).unwrap().remove(&commit);
    let pushes = pushes.unwrap_or_default();
    let pairs = pushes.into_iter().map(|push| (push.by, push.landed));
    pairs.collect()
}

#[test]
fn i_12_who_brought_many_is_told_as_of_each_alone() {
    let server = server();
    let all: Vec<Oid> = (1..=200u8)
        .map(|n| Oid::from_bytes(&[n; 20]).unwrap())
        .collect();
    server.brings("dana", &all[..150], 1);
    server.brings("ann", &all[100..170], 2);
    server.brings("bob", &all[100..101], 3);
    server.moves("ann");
    for count in [0, 1, 63, 64, 65, 128, 200] {
        let together = server.ledger.first_pushes(&all[200 - count..]).unwrap();
        for oid in &all[200 - count..] {
            let of_it = together.get(oid).into_iter().flatten();
            let of_it: Vec<_> = of_it.map(|push| (push.by.clone(), push.landed)).collect();
            assert_eq!(of_it, server.first(*oid), "{oid} of {count}");
        }
    }
    assert_eq!(server.first(all[100]).len(), 3);
    assert_eq!(server.first(all[180]), []);
}

#[test]
fn i_12_who_brought_a_commit_is_remembered_with_the_time() {
    let server = server();
    server.brings("dana", &[oid('1'), oid('2')], 5);
    server.moves("dana");
    assert_eq!(server.first(oid('1')), [(person("dana"), true)]);
    assert_eq!(server.first(oid('3')), []);
    assert_eq!(server.ledger.first_seen(oid('2')).unwrap(), Some(at(5)));
    assert_eq!(
        server.ledger.seen(oid('2')).unwrap(),
        None,
        "that it came is no word that it is a statement"
    );
}

#[test]
fn a_statement_ages_from_when_it_first_came_by_whatever_ref() {
    let server = server();
    server.brings("dana", &[oid('1')], 5);
    server.accepts(None, oid('b'), 9, vec![oid('1'), oid('2')]);
    assert_eq!(server.ledger.first_seen(oid('1')).unwrap(), Some(at(5)));
    assert_eq!(server.ledger.first_seen(oid('2')).unwrap(), Some(at(9)));
}

#[test]
fn i_12_a_push_that_never_gets_in_claims_nothing() {
    let server = server();
    server.brings("dana", &[oid('1')], 5);
    server.over(&["dana"], &[]);
    assert_eq!(server.first(oid('1')), []);
    assert_eq!(server.ledger.first_seen(oid('1')).unwrap(), None);
    server.brings("rita", &[oid('1')], 9);
    assert_eq!(server.first(oid('1')), [(person("rita"), false)]);
}

#[test]
fn d_08_what_got_in_stays_claimed_though_nobody_saw_the_refs_move() {
    let server = server();
    server.brings("dana", &[oid('1'), oid('2')], 5);
    // Killed after git had put the objects into the store; perhaps half of them.
    server.over(&["dana"], &[oid('2')]);
    assert_eq!(server.first(oid('1')), [(person("dana"), true)]);
    assert_eq!(server.first(oid('2')), [(person("dana"), true)]);
}

#[test]
fn r_01_two_pushes_at_once_both_count_until_one_is_seen_not_to_get_in() {
    let server = server();
    server.brings("dana", &[oid('1')], 5);
    server.brings("rita", &[oid('1')], 6);
    let both = [(person("dana"), false), (person("rita"), false)];
    assert_eq!(server.first(oid('1')), both);
    // rita's is seen to move refs; dana's is over, and nothing says that it did.
    server.moves("rita");
    server.over(&["dana"], &[oid('1')]);
    assert_eq!(server.first(oid('1')), [(person("rita"), true)]);
}

#[test]
fn r_01_of_two_pushes_that_both_get_in_both_count() {
    let server = server();
    server.brings("dana", &[oid('1')], 5);
    server.brings("rita", &[oid('1')], 6);
    server.moves("rita");
    server.moves("dana");
    let both = [(person("dana"), true), (person("rita"), true)];
    assert_eq!(server.first(oid('1')), both);
}

#[test]
fn r_01_where_no_push_is_seen_to_move_refs_neither_is_dropped() {
    let server = server();
    server.brings("dana", &[oid('1')], 5);
    server.brings("nobody", &[oid('1')], 6);
    server.over(&["dana", "nobody"], &[oid('1')]);
    let both = [(person("dana"), false), (Claimant::Nobody, false)];
    assert_eq!(server.first(oid('1')), both);
    let again = server.again();
    let ledger = Ledger::open(again.dir.path(), &again.log).unwrap();
    settle(&ledger, &["dana", "nobody"], &[oid('1')]);
    assert_eq!(first(&ledger, oid('1')), both);
}

#[test]
fn r_01_one_that_alone_can_have_brought_something_got_in() {
    let server = server();
    server.brings("dana", &[oid('1'), oid('2')], 5);
    server.brings("rita", &[oid('1')], 6);
    server.over(&["dana", "rita"], &[oid('1'), oid('2')]);
    let found = [(person("dana"), true), (person("rita"), false)];
    assert_eq!(server.first(oid('1')), found);
}

#[test]
fn i_12_garbage_collection_makes_nobody_forget() {
    let server = server();
    server.brings("dana", &[oid('1')], 5);
    server.moves("dana");
    // The branch was deleted and the commit pruned: whoever brings it again counts beside.
    server.brings("rita", &[oid('1'), oid('2')], 9);
    server.moves("rita");
    let both = [(person("dana"), true), (person("rita"), true)];
    assert_eq!(server.first(oid('1')), both);
    assert_eq!(server.ledger.first_seen(oid('1')).unwrap(), Some(at(5)));
    // The log knows of dana's; of rita's, the store.
    let again = server.again();
    let ledger = Ledger::open(again.dir.path(), &again.log).unwrap();
    settle(&ledger, &["dana", "rita"], &[oid('2')]);
    assert_eq!(first(&ledger, oid('1')), both);
}

#[test]
fn d_08_a_push_under_way_survives_the_loss_of_the_ledger() {
    let server = server();
    server.brings("dana", &[oid('1')], 5);
    let again = server.again();
    let ledger = Ledger::open(again.dir.path(), &again.log).unwrap();
    // Its quarantine is still there, so it is not over, though the store has nothing yet.
    let open = open_pushes(&ledger);
    let quarantines: Vec<_> = open.iter().map(|push| push.quarantine.as_deref()).collect();
    assert_eq!(quarantines, [Some("incoming-dana")]);
    assert_eq!(first(&ledger, oid('1')), [(person("dana"), false)]);
    settle(&ledger, &["dana"], &[oid('1')]);
    assert_eq!(first(&ledger, oid('1')), [(person("dana"), true)]);
}

#[test]
fn what_a_push_asks_first_is_read_as_the_ledger_is_opened() {
    let server = server();
    server.brings("dana", &[oid('1')], 5);
    server.accepts(None, oid('b'), 9, vec![oid('2')]);
    let (ledger, open) = Ledger::open_with_pushes(server.dir.path(), &server.log).unwrap();
    assert_eq!(open, open_pushes(&ledger));
    assert_eq!(open.len(), 1);
    let (_, seen) = ledger.tidings(&[oid('1'), oid('2'), oid('3')]).unwrap();
    assert_eq!(seen, HashSet::from([oid('2')]));
    // Another process has nothing open, and one without a name neither.
    for process in [Some("another"), None] {
        Ledger::open_for_move(server.dir.path(), &server.log, process).unwrap();
        assert_eq!(open_pushes(&ledger).len(), 1);
    }
    server.moves("dana");
    assert_eq!(open_pushes(&ledger), []);
    // One that has to be made again answers too.
    drop(ledger);
    let again = server.again();
    let (_, open) = Ledger::open_with_pushes(again.dir.path(), &again.log).unwrap();
    assert_eq!(open.len(), 1);
}

#[test]
fn each_push_is_told_to_the_log_once() {
    let server = server();
    let first = server.brings("dana", &[oid('1')], 5);
    assert_eq!(server.tidings(), Tidings::default());
    server.moves("dana");
    let tidings = server.tidings();
    assert_eq!((tidings.landed, tidings.found), (vec![first], vec![]));
    let second = server.brings("rita", &[oid('2')], 6);
    assert_eq!(server.tidings(), Tidings::default());
    server.over(&["rita"], &[oid('2')]);
    let tidings = server.tidings();
    assert_eq!((tidings.landed, tidings.found), (vec![], vec![second]));
}

#[test]
fn long_lists_are_evidence_and_the_ledger_comes_back_with_them_or_not_at_all() {
    let server = server();
    let oids: Vec<Oid> = (1..=300u32)
        .map(|number| format!("{number:040x}").parse().unwrap())
        .collect();
    let lines: String = oids.iter().map(|oid| format!("{oid}\n")).collect();
    let list = server.log.keep(lines.as_bytes()).unwrap();
    server.records("dana", Vec::new(), vec![list.clone()], 5);
    server.moves("dana");
    assert!(oids.iter().all(|oid| server.first(*oid).len() == 1));
    let again = server.again();
    let ledger = Ledger::open(again.dir.path(), &again.log).unwrap();
    assert!(oids.iter().all(|oid| first(&ledger, *oid).len() == 1));
    drop(ledger);
    std::fs::remove_dir_all(again.dir.path().join("ledger")).unwrap();
    std::fs::remove_file(again.log.evidence_dir().join(list.as_str())).unwrap();
    let lost = Ledger::open(again.dir.path(), &again.log).unwrap_err();
    assert!(lost.to_string().contains("is missing or altered"), "{lost}");
}

#[test]
fn a_list_that_is_none_is_an_error() {
    for bad in [
        "",
        "\n",
        "8d01e77\n",
        "no end",
        &format!("{}\nx\n", oid('1')),
    ] {
        let server = server();
        let list = server.log.keep(bad.as_bytes()).unwrap();
        let mut verdict = accepted(None, oid('f'), Vec::new());
        verdict.arrivals = Some(ArrivalsRecord {
            by: Claimant::Nobody,
            quarantine: None,
            count: 1,
            oids: Vec::new(),
            lists: vec![list],
        });
        assert!(
            server.ledger.apply(7, at(7), &verdict, None).is_err(),
            "{bad:?}"
        );
    }
}
