//! `pre-receive`: may this push in?

use super::identity::{self, Identified, Push};
use super::progress::Ticker;
use super::record::{Circumstances, evidence_of, verdict_record};
use super::server::InForce;
use super::{Answer, Claimed, Stop, arrivals, evidence, input, process, variable};
use crate::audit::{Event, Hash, Recorded, VerdictRecord};
use crate::decide::{Reason, Verdict, decide};
use crate::facts::{Progress, PushFacts, Pusher, Sources, gather};
use crate::folder::replace_file;
use crate::ledger::Ledger;
use crate::server::Server;
use crate::signature::Keyring;
use crate::types::Oid;
use crate::ui;
use std::cell::RefCell;
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
    let server = Server::open_in_hook()?;
    let ledger = server.ledger()?;
    arrivals::settle(&server, &ledger)?;
    let in_force = server.policy()?;
    let keyring = server.keyring(&in_force)?;
    let push = Push {
        server: &server,
        policy: in_force.policy(),
        keyring: &keyring,
        now: server.now()?,
        updates: &claimed,
        options: &options,
    };
    let identified = identity::identify(push.policy, &push.presented(&variable), &variable);
    let pusher = identified.pusher.clone();
    let facts = gather_facts(&server, &ledger, &in_force, &keyring, pusher, claimed)?;
    let verdict = decide(in_force.policy(), &facts);
    let recorded = record(&server, &ledger, &in_force, &facts, &verdict, identified)?;
    Ok(Answer {
        text: ui::report(&verdict, in_force.policy()) + &ui::logged(&recorded.checkpoint),
        exit: u8::from(!verdict.accepted()),
    })
}

fn gather_facts(
    server: &Server,
    ledger: &Ledger,
    in_force: &InForce,
    keyring: &Keyring,
    pusher: Pusher,
    claimed: Vec<Claimed>,
) -> Result<PushFacts, Stop> {
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
    let sources = Sources {
        store: &server.store,
        policy: in_force.policy(),
        keyring,
        memory: ledger,
        now: server.now()?,
        progress: Some(&tell),
    };
    Ok(gather(&sources, pusher, claimed))
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
    let short = evidence::in_the_entry(&report).then_some(report.clone());
    if short.is_none() {
        kept.push(server.log.keep(report.to_string().as_bytes())?);
    }
    for raw in &identified.evidence {
        kept.push(server.log.keep(raw)?);
    }
    for oid in evidence_of(facts) {
        kept.push(keep_object(server, ledger, oid)?);
    }
    let arrivals = match verdict.accepted() {
        true => arrivals::arrivals(server, &identified.pusher)?,
        false => None,
    };
    let circumstances = Circumstances {
        policy: in_force.commit,
        login: identified.login,
        report: short,
        evidence: kept,
        arrivals,
        tidings: ledger.tidings()?,
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

fn keep_object(server: &Server, ledger: &Ledger, oid: Oid) -> Result<Hash, Stop> {
    let raw = match server.store.tag_bytes(oid)? {
        Ok(tag) => tag,
        Err(_) => Rc::unwrap_or_clone(server.store.commit_bytes(oid)?),
    };
    // What an accepted push brought is evidence of its entry.
    Ok(match ledger.seen(oid)? {
        Some(_) => server.log.keep_again(&raw)?,
        None => server.log.keep(&raw)?,
    })
}
