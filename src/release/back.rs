//! Going back to an earlier release, and what keeps a target there.

use super::desk::{Desk, Landed, Pin, State};
use super::order::{Course, Event, Order, Patience, Setting, What, Witness};
use super::run::place;
use super::{Adoption, ReleaseError, Seal, dir};
use crate::policy::TargetKind;
use crate::types::{Oid, RefName, TargetName, Timestamp};

/// The release that a target held before `order`, if it can be brought back.
pub(in crate::release) fn previous(order: &Order, state: &State) -> Option<Order> {
    let landed = state.released.as_ref()?;
    let another = landed.commit != order.commit && landed.place == place(&order.target.kind);
    // A release that was gone back to and does not work is left as it is: no loop between two.
    let forward = match order.course {
        Course::Forward => true,
        Course::Back => false,
    };
    (another && forward).then_some(())?;
    Some(Order {
        refname: refname(landed, order)?,
        commit: landed.commit,
        sequence: landed.sequence,
        course: Course::Back,
        ..order.clone()
    })
}

/// The ref of a release that is written down escaped.
fn refname(landed: &Landed, order: &Order) -> Option<RefName> {
    if order.refname.to_string() == landed.refname {
        return Some(order.refname.clone());
    }
    let name = RefName::new(landed.refname.as_bytes()).ok()?;
    (name.to_string() == landed.refname).then_some(name)
}

/// What keeps a target at `previous` after `order`, which does not work.
pub(in crate::release) fn pin_after(
    order: &Order,
    previous: &Order,
    why: &str,
    now: Timestamp,
) -> Pin {
    Pin {
        refname: previous.refname.to_string(),
        commit: previous.commit,
        sequence: previous.sequence,
        above: order.sequence,
        at: now,
        by: None,
        reason: format!("{} does not work: {why}", order.commit.short()),
    }
}

/// Keeps a target at `order`, an earlier release, until something is accepted by a later entry
/// than `above`. The next run brings it there.
///
/// # Errors
/// When it cannot be recorded, or not be written down.
pub fn pin(
    setting: Setting<'_>,
    order: &Order,
    above: u64,
    (by, reason): (&str, &str),
    witness: &mut dyn Witness,
) -> Result<(), ReleaseError> {
    let (by, reason) = (
        crate::types::escape(by.as_bytes()),
        crate::types::escape(reason.as_bytes()),
    );
    let pin = Pin {
        refname: order.refname.to_string(),
        commit: order.commit,
        sequence: order.sequence,
        above,
        at: (setting.now)(),
        by: Some(by.clone()),
        reason: reason.clone(),
    };
    let what = What::Pinned {
        above,
        by: Some(by),
        reason,
    };
    change(setting, order, what, witness, |state| state.pin = Some(pin))
}

/// Lets a target follow what is accepted again, beginning with `order`.
///
/// # Errors
/// When it cannot be recorded, or not be written down.
pub fn unpin(
    setting: Setting<'_>,
    order: &Order,
    (by, reason): (&str, &str),
    witness: &mut dyn Witness,
) -> Result<(), ReleaseError> {
    let what = What::Unpinned {
        by: crate::types::escape(by.as_bytes()),
        reason: crate::types::escape(reason.as_bytes()),
    };
    change(setting, order, what, witness, |state| state.pin = None)
}

/// Changes what is remembered of a target, while no run is at work on it: first into the log.
fn change(
    setting: Setting<'_>,
    order: &Order,
    what: What,
    witness: &mut dyn Witness,
    change: impl FnOnce(&mut State),
) -> Result<(), ReleaseError> {
    let name: &TargetName = &order.target.name;
    let desk = Desk::open(setting.folder, name)?;
    let Some(_held) = desk.lock(Patience::Wait)? else {
        return Err(ReleaseError::Order("the target is in use".into()));
    };
    let mut state = desk.state(Adoption::Refuse)?;
    let event = Event {
        target: name.clone(),
        refname: order.refname.clone(),
        commit: order.commit,
        sequence: order.sequence,
        lifted_by: Vec::new(),
        what,
    };
    witness.record(&event).map_err(ReleaseError::Unrecorded)?;
    change(&mut state);
    desk.remember(&state)
}

/// A release that a target keeps beside the current one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The commit.
    pub commit: Oid,
    /// Where it is on the target.
    pub name: String,
}

/// The releases that a target keeps by itself, as far as it can be told: going back to one of them
/// is a switch, and to any other an ordinary release.
#[must_use]
pub fn kept(setting: Setting<'_>, kind: &TargetKind) -> Vec<Kept> {
    match (kind, Seal::open(setting.folder)) {
        (TargetKind::Dir(target), Ok(seal)) => dir::kept_releases(target, &seal),
        (TargetKind::Dir(_), Err(_)) => Vec::new(),
        (
            TargetKind::Ftp(_)
            | TargetKind::Sftp(_)
            | TargetKind::S3(_)
            | TargetKind::Webdav(_)
            | TargetKind::Rsync(_)
            | TargetKind::Svn(_)
            | TargetKind::Command(_),
            _,
        ) => Vec::new(),
    }
}
