//! What is to be released, and what came of it: the values that go in and out of a run.

use super::drift::Finding;
use super::retry::Next;
use super::stages::Admission;
use crate::decide::Code;
use crate::policy::{RepositoryName, Target};
use crate::types::{Oid, PersonName, RefName, TargetName, Timestamp};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What a target is to hold: the tree of a commit that a recorded verdict accepted.
#[derive(Debug, Clone)]
pub struct Order {
    /// Where it goes, by the policy in force.
    pub target: Target,
    /// Whose release it is.
    pub repository: RepositoryName,
    /// The file that the target's `ca` names, read from beside the policy.
    pub ca: Option<Vec<u8>>,
    /// The ref that the commit was accepted for.
    pub refname: RefName,
    /// The accepted commit.
    pub commit: Oid,
    /// The number of the audit entry that accepted it: later releases have greater ones.
    pub sequence: u64,
    /// Who stands behind it.
    pub credits: Credits,
    /// Whether it follows what was accepted, or is an earlier release that was chosen.
    pub course: Course,
}

/// Which way a target goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// To what was accepted last. It never follows a later release.
    Forward,
    /// To an earlier release, which somebody chose or a health check asked for.
    Back,
}

/// Who stands behind an accepted commit, by the policy's names for them, as far as that entry is
/// at hand. Told to people; nothing is decided by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credits {
    /// Who pushed it.
    pub pushed_by: Option<String>,
    /// Whose approvals covered it.
    pub approved_by: Vec<String>,
}

/// Who knows what a target is to hold: the ledger and the policy in force.
pub trait Orders {
    /// What `target` is to hold now. It is asked while the target's lock is held, so the answer
    /// is never older than the run. `None`: nothing was accepted for it yet.
    ///
    /// # Errors
    /// A sentence, when it cannot be told.
    fn order(&self, target: &TargetName) -> Result<Option<Order>, String>;

    /// Whether an order may be carried out now, or something holds it. It is asked under the lock,
    /// too. Where there are no stages, nothing does.
    ///
    /// # Errors
    /// A sentence, when it cannot be told.
    fn admission(&self, order: &Order) -> Result<Admission, String> {
        let _ = order;
        Ok(Admission::Go(Vec::new()))
    }
}

/// Who writes down that a release began and how it ended: the audit log.
pub trait Witness {
    /// Takes down an event. A release that cannot be recorded is not begun.
    ///
    /// # Errors
    /// A sentence, when it is not on disk.
    fn record(&mut self, event: &Event) -> Result<(), String>;
}

/// Something that happened to a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The target.
    pub target: TargetName,
    /// The ref.
    pub refname: RefName,
    /// The commit.
    pub commit: Oid,
    /// The number of the audit entry that accepted it.
    pub sequence: u64,
    /// The people whose statements let it go on to this target's stage.
    pub lifted_by: Vec<PersonName>,
    /// What happened.
    pub what: What,
}

/// How far a release is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It begins: the target differs from the commit.
    Started,
    /// The target holds the commit's tree, and says so.
    Finished(Totals),
    /// It stopped. The next run carries on.
    Failed {
        /// The stable code.
        code: Code,
        /// The sentence, without secrets.
        error: String,
        /// What had been done by then.
        totals: Totals,
        /// What follows.
        next: Next,
    },
    /// From now on the target holds this earlier release, until something is accepted by a later
    /// entry than `above`.
    Pinned {
        /// The last entry that does not replace it.
        above: u64,
        /// The account that said so; absent where a health check did.
        by: Option<String>,
        /// Why.
        reason: String,
    },
    /// From now on the target follows what is accepted again, beginning with this.
    Unpinned {
        /// The account that said so.
        by: String,
        /// Why.
        reason: String,
    },
    /// Somebody changed the target by hand since this was released.
    Drifted(Finding),
}

/// What a release did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Files sent and put into place.
    pub uploaded: u64,
    /// Files removed.
    pub deleted: u64,
    /// Files that were there already.
    pub unchanged: u64,
    /// Bytes of content sent.
    pub bytes: u64,
}

/// How a run ended without an error.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The target holds this now and did not before; and a sentence, where somebody has to know
    /// something of the target since.
    Released(Order, Totals, Option<String>),
    /// The target held it already.
    UpToDate(Order),
    /// Nothing has been accepted for the target.
    NothingAccepted,
    /// It may not go on to this target yet.
    Held(Order, Admission),
    /// It failed before, and is not due again: at the time that is named, or for good.
    Resting(Order, Next),
    /// Another run is waiting for the running one, and will see what this one would have seen.
    LeftToAnother,
}

/// Whether files may be overwritten that relhook did not put on the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adoption {
    /// They are left alone, and the release is refused.
    Refuse,
    /// Those at paths of the tree are overwritten and are relhook's from then on.
    Adopt,
}

/// What a run does when another one is at work on the target, and whether it waits until a failed
/// one is due again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Wait for it, however long it takes, and then try at once: a person asked for it.
    Wait,
    /// Wait for it unless somebody else waits already, who will do the same as this run would.
    OneWaits,
}

/// Where a run finds things, and the clock.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The repository's own folder.
    pub git_dir: &'a Path,
    /// relhook's folder in it.
    pub folder: &'a Path,
    /// relhook's program, where the process that releases is another one.
    pub program: Option<&'a Path>,
    /// The clock.
    pub now: &'a (dyn Fn() -> Timestamp + Sync),
}
