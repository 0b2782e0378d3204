//! What is remembered of a target between its runs.

use super::job::Reached;
use super::kinds::place;
use crate::release::ReleaseError;
use crate::release::desk::{Attempt, Landed, State};
use crate::release::order::{Course, Order, Patience, Totals};
use crate::release::retry::{self, Next};
use crate::types::Timestamp;

/// Whether the target got this very order, by what is remembered: then nobody has to ask it.
pub(super) fn holds(state: &State, order: &Order) -> bool {
    let landed = |landed: &Landed| {
        landed.place == place(&order.target.kind)
            && (landed.commit, landed.sequence) == (order.commit, order.sequence)
    };
    let ended_well = |last: &Attempt| last.error.is_none() && last.sequence == order.sequence;
    state.released.as_ref().is_some_and(landed) && state.last.as_ref().is_some_and(ended_well)
}

/// What a target waits for that failed to get this very order: nothing once it is due again.
pub(super) fn rest(state: &State, order: &Order, now: Timestamp) -> Option<Next> {
    let last = state.last.as_ref()?;
    if last.error.is_none() || last.sequence != order.sequence || last.commit != order.commit {
        return None;
    }
    match state.retry_at {
        Some(at) if now < at => Some(Next::Again(at)),
        None if state.for_good => Some(Next::ForGood),
        Some(_) | None => None,
    }
}

/// Whether the target held the release before, and that is written down.
pub(super) fn is_known(reached: &Reached, order: &Order, state: &State) -> bool {
    let known = state
        .released
        .as_ref()
        .is_some_and(|landed| landed.commit == order.commit && landed.sequence == order.sequence);
    match reached {
        Reached::Before => known,
        Reached::Now => false,
    }
}

/// The state after a run.
pub(super) fn after(
    before: State,
    order: &Order,
    result: &Result<Reached, ReleaseError>,
    totals: Totals,
    now: Timestamp,
    patience: Patience,
) -> State {
    let mut state = before;
    let same = |last: &Attempt| last.sequence == order.sequence && last.commit == order.commit;
    // Another commit begins anew, and so does a person who tries what had been given up.
    let by_person = state.for_good && patience == Patience::Wait;
    if by_person || !state.last.as_ref().is_some_and(same) {
        state.failures = 0;
    }
    let error = result.as_ref().err();
    state.last = Some(Attempt {
        refname: order.refname.to_string(),
        commit: order.commit,
        sequence: order.sequence,
        at: now,
        code: error.map(|error| error.code().to_string()),
        error: error.map(ToString::to_string),
        totals,
    });
    state.retry_at = None;
    state.for_good = false;
    match error {
        None => {
            state.failures = 0;
            match order.course {
                Course::Forward => state.pin = None,
                Course::Back => {}
            }
            state.released = Some(landed(state.released.take(), order, now));
        }
        Some(error) => {
            state.failures = state.failures.saturating_add(1);
            let kind = match error.is_transient() {
                true => retry::Kind::Passing,
                false => retry::Kind::Lasting,
            };
            match retry::next(state.failures, kind, now, retry::chance()) {
                Next::Again(at) => state.retry_at = Some(at),
                Next::ForGood => state.for_good = true,
            }
        }
    }
    state
}

/// What the target holds now: since then, where it held the very same before.
fn landed(before: Option<Landed>, order: &Order, now: Timestamp) -> Landed {
    let mut landed = Landed {
        place: place(&order.target.kind),
        refname: order.refname.to_string(),
        commit: order.commit,
        sequence: order.sequence,
        at: now,
    };
    if let Some(before) = before {
        let at = std::mem::replace(&mut landed.at, before.at);
        if landed != before {
            landed.at = at;
        }
    }
    landed
}
