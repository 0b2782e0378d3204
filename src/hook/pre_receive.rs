//! `pre-receive`: may this push in?

use super::identity::{self, Identified, Push};
use super::progress::Ticker;
use super::record::{Circumstances, evidence_of, rollback_record, verdict_record};
use super::server::InForce;
use super::{Answer, Claimed, Stop, arrivals, cosignature, evidence, input, process, variable};
use crate::audit::{Event, Hash, Recorded, RollbackRecord, VerdictRecord};
use crate::decide::{Reason, Verdict, decide};
use crate::facts::{Progress, PushFacts, Pusher, Sources, gather};
use crate::folder::replace_file;
use crate::ledger::Ledger;
use crate::server::Server;
use crate::types::{Oid, RefName};
use crate::ui;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read;
use std::rc::Rc;

/// Judges the push that git describes on `input`. Accepted or not, the verdict is on disk when
/// this returns; what cannot be judged or recorded is refused.
pub fn pre_receive(input: impl Read) -> Answer {
    judge(input).unwrap_or_else(|stop| {
        let recorded = Server::note(&stop);
        let mut answer = stop.refuse();
        if let Some(recorded) = recorded {
            answer.text += &ui::logged(&recorded.checkpoint);
        }
        answer
    })
}

fn judge(input: impl Read) -> Result<Answer, Stop> {
    // Read everything first: git waits with its pipe full while a hook has not read its input.
    let claimed = input::updates(input)?;
    let options = input::options(variable)?;
    if cosignature::brings(&claimed) {
        return cosignature::take(&claimed);
    }
    let server = Server::open_in_hook()?;
    let (ledger, open) = server.ledger_with_pushes()?;
    arrivals::settle(&server, &ledger, open)?;
    let in_force = server.policy()?;
    let keyring = server.keyring(&in_force)?;
    let now = server.now()?;
    let push = Push {
        server: &server,
        policy: in_force.policy(),
        keyring: &keyring,
        now,
        updates: &claimed,
        options: &options,
    };
    let identified = identity::identify(push.policy, &push.presented(&variable), &variable);
    let pusher = identified.pusher.clone();
    let sources = Sources {
        store: &server.store,
        policy: in_force.policy(),
        keyring: &keyring,
        memory: &ledger,
        now,
        progress: None,
    };
    let facts = gather_facts(sources, pusher, claimed);
    let verdict = decide(in_force.policy(), &facts);
    let recorded = record(&server, &ledger, &in_force, &facts, &verdict, identified)?;
    super::leave(ledger);
    let answer = Answer {
        text: ui::report(&verdict, in_force.policy()) + &ui::logged(&recorded.checkpoint),
        exit: u8::from(!verdict.accepted()),
    };
    // Hundreds of thousands of pieces, after a long range. The process ends here, which gives back all
    // of them at once.
    std::mem::forget((facts, verdict, in_force, server.store));
    Ok(answer)
}

/// Gathers the facts, and tells the pusher how far that is.
fn gather_facts(sources: Sources<'_>, pusher: Pusher, claimed: Vec<Claimed>) -> PushFacts {
    let ticker = RefCell::new(Ticker::new());
    let tell = |progress: Progress<'_>| {
        let Progress {
            refname,
            done,
            total,
        } = progress;
        let line = || format!("{refname}: {done} of {total} commits read");
        ticker.borrow_mut().tick(line);
    };
    let progress = Some(&tell as &dyn Fn(Progress<'_>));
    gather(
        &Sources {
            progress,
            ..sources
        },
        pusher,
        claimed,
    )
}

/// Puts the verdict on disk, its evidence first, then what the next push will look up.
fn record(
    server: &Server,
    ledger: &Ledger,
    in_force: &InForce,
    facts: &PushFacts,
    verdict: &Verdict,
    identified: Identified,
) -> Result<Recorded, Stop> {
    let mut kept = Vec::new();
    let report = evidence::report(verdict);
    let text = report.to_string();
    let short = evidence::in_the_entry(&text).then_some(report);
    if short.is_none() {
        kept.push(server.log.keep(text.as_bytes())?);
    }
    for raw in &identified.evidence {
        kept.push(server.log.keep(raw)?);
    }
    let arrivals = match verdict.accepted() {
        true => arrivals::arrivals(server, &identified.pusher)?,
        false => None,
    };
    let rollbacks = rollbacks(server, verdict)?;
    let objects: Vec<Oid> = evidence_of(facts).into_iter().collect();
    let (tidings, seen) = ledger.tidings(&objects)?;
    for oid in objects {
        let seen = match seen.contains(&oid) {
            true => Seen::Before,
            false => Seen::Never,
        };
        kept.push(keep_object(server, oid, seen)?);
    }
    let circumstances = Circumstances {
        policy: in_force.commit,
        login: identified.login,
        report: short,
        evidence: kept,
        arrivals,
        rollbacks,
        tidings,
    };
    let record = verdict_record(verdict, facts, circumstances);
    let entry = server
        .log
        .append(facts.now, Event::Verdict(record.clone()))?;
    let process = process::parent();
    ledger.apply(entry.seq, entry.time, &record, process.as_deref())?;
    if releases(&record) {
        mark_releases(server)?;
    }
    Ok(entry)
}

/// The rollbacks of an accepted push, each with the commits that it undoes.
fn rollbacks(
    server: &Server,
    verdict: &Verdict,
) -> Result<BTreeMap<RefName, RollbackRecord>, Stop> {
    let mut all = BTreeMap::new();
    if !verdict.accepted() {
        return Ok(all);
    }
    for update in &verdict.updates {
        let Some(rollback) = update.permit.as_ref().and(update.rollback.as_ref()) else {
            continue;
        };
        let listed = arrivals::listed(server, rollback.loses.iter().map(|one| one.oid))?;
        all.insert(update.refname.clone(), rollback_record(rollback, listed));
    }
    Ok(all)
}

/// Whether an accepted move goes to a target.
fn releases(record: &VerdictRecord) -> bool {
    let mut permits = record
        .updates
        .iter()
        .filter_map(|update| update.permit.as_ref());
    permits.any(|permit| !permit.release.is_empty())
}

/// Makes the file by which the post-receive hook knows that there is somebody to wake. It stays.
fn mark_releases(server: &Server) -> Result<(), Stop> {
    let mark = server.folder.path().join("releases");
    if mark.exists() {
        return Ok(());
    }
    replace_file(&mark, b"").map_err(|error| {
        Stop::because(Reason::LogUnwritable {
            why: format!("{}: {error}", mark.display()),
        })
    })
}

/// Whether an accepted push brought a statement.
#[derive(Clone, Copy)]
enum Seen {
    Before,
    Never,
}

fn keep_object(server: &Server, oid: Oid, seen: Seen) -> Result<Hash, Stop> {
    let raw = match server.store.tag_bytes(oid)? {
        Ok(tag) => tag,
        Err(_) => Rc::unwrap_or_clone(server.store.commit_bytes(oid)?),
    };
    // What an accepted push brought is evidence of its entry.
    Ok(match seen {
        Seen::Before => server.log.keep_again(&raw)?,
        Seen::Never => server.log.keep(&raw)?,
    })
}
