//! Looking at a target between releases: what somebody changed on it by hand.

use super::desk::{Desk, Landed, State};
use super::drift::{Finding, Looked, drift};
use super::order::{Adoption, Event, Order, Setting, What, Witness};
use super::plan::Listing;
use super::progress::Progress;
use super::run::{Job, is_running, place};
use super::{Manifest, ReleaseError, Seal, dir, ftp, rsync, s3, sftp, svn, webdav};
use crate::policy::{OnDrift, TargetKind, Verify};
use crate::types::{RefName, TargetName};
use std::sync::OnceLock;
use std::time::Duration;

/// How often a look begins anew because a release was at work meanwhile.
const TRIES: u32 = 3;

/// How long it waits before it does.
const PAUSE: Duration = Duration::from_secs(2);

/// What a kind of target gets to look at itself with.
pub(in crate::release) struct Sight<'a> {
    /// What a release would get; there is no tree to compare with.
    pub(in crate::release) job: &'a Job<'a>,
    /// What was released there last.
    pub(in crate::release) landed: &'a Landed,
    pub(in crate::release) depth: Verify,
}

impl Sight<'_> {
    /// That it cannot be told.
    pub(in crate::release) fn unclear(&self, why: impl Into<String>) -> ReleaseError {
        ReleaseError::DriftUnclear {
            place: self.landed.place.clone(),
            why: why.into(),
        }
    }

    /// Whether a record that this server signed is that of the last release, and not another one that
    /// somebody put back.
    pub(in crate::release) fn of_last_release(
        &self,
        place: &str,
        manifest: &Manifest,
    ) -> Result<(), ReleaseError> {
        let landed = self.landed;
        if (manifest.commit, manifest.sequence) == (landed.commit, landed.sequence) {
            return Ok(());
        }
        let same = (manifest.commit, manifest.sequence);
        let mut begun = self.job.desk.begun()?.into_iter();
        if begun.any(|begun| begun.place == landed.place && (begun.commit, begun.sequence) == same)
        {
            return Err(self.unclear("a release began there and has not ended well"));
        }
        Err(ReleaseError::Manifest {
            place: place.to_owned(),
            why: format!(
                "it names entry {}, and the last release was of entry {}",
                manifest.sequence, landed.sequence
            ),
        })
    }
}

/// Looks at a target. `None`: nothing was released to it yet. What is found goes into the log, and
/// is kept for `release status` and for the next release.
///
/// A look never holds a release up; if one was at work meanwhile, it looks again.
///
/// # Errors
/// When it cannot be told.
pub fn look(
    setting: Setting<'_>,
    order: &Order,
    depth: Verify,
    witness: &mut dyn Witness,
) -> Result<Option<Looked>, ReleaseError> {
    let name = &order.target.name;
    let desk = Desk::open(setting.folder, name)?;
    let (listing, seal) = (Listing::default(), Seal::open(setting.folder)?);
    let progress = Progress::unseen(order);
    let mut tries = 0;
    loop {
        tries += 1;
        let before = desk.state(Adoption::Refuse)?;
        let Some(landed) = &before.released else {
            return Ok(None);
        };
        let busy = is_running(setting, name);
        let job = Job {
            order,
            listing: &listing,
            setting,
            desk: &desk,
            seal: &seal,
            landed: Some(landed),
            adoption: Adoption::Refuse,
            progress: &progress,
            suspects: Vec::new(),
            found: OnceLock::new(),
            footing: None,
        };
        let sight = Sight {
            job: &job,
            landed,
            depth,
        };
        let looked = if busy { None } else { Some(see(&sight)) };
        let undisturbed = !is_running(setting, name) && desk.state(Adoption::Refuse)? == before;
        match looked {
            Some(looked) if undisturbed => {
                let looked = looked?;
                take_down(&sight, &looked, witness)?;
                return Ok(Some(looked));
            }
            Some(_) | None if tries < TRIES => std::thread::sleep(PAUSE),
            Some(_) | None => return Err(sight.unclear("a release is at work on it")),
        }
    }
}

/// What is known of the last look at `target`, if that was after its last release.
#[must_use]
pub fn last_look(setting: Setting<'_>, target: &TargetName, state: &State) -> Option<Finding> {
    let desk = Desk::at(setting.folder, target).ok()?;
    desk.drift(state.released.as_ref())
}

/// Looks before a release, where the policy asks for it, and stops it where anything is found.
pub(in crate::release) fn before(job: &Job<'_>) -> Result<(), ReleaseError> {
    match (job.order.target.care.drift, job.adoption) {
        (OnDrift::Refuse, Adoption::Refuse) => {}
        (OnDrift::Overwrite, _) | (OnDrift::Refuse, Adoption::Adopt) => return Ok(()),
    }
    let here = |landed: &&Landed| landed.place == place(&job.order.target.kind);
    let Some(landed) = job.landed.filter(here) else {
        return Ok(());
    };
    let looked = see(&Sight {
        job,
        landed,
        depth: job.order.target.care.verify,
    })?;
    match looked.differences.is_empty() {
        true => Ok(()),
        false => {
            job.desk
                .keep_drift(&Finding::new(&looked, (job.setting.now)()))?;
            Err(ReleaseError::Drifted {
                target: job.order.target.name.clone(),
                place: landed.place.clone(),
                found: looked.differences,
            })
        }
    }
}

fn see(sight: &Sight<'_>) -> Result<Looked, ReleaseError> {
    let kind = &sight.job.order.target.kind;
    if sight.landed.place != place(kind) {
        return Err(sight.unclear("the policy names another place since the last release"));
    }
    let (expected, look) = match kind {
        TargetKind::Dir(target) => dir::look(sight, target)?,
        TargetKind::Ftp(target) => ftp::look(sight, target)?,
        TargetKind::Sftp(target) => sftp::look(sight, target)?,
        TargetKind::S3(target) => s3::look(sight, target)?,
        TargetKind::Webdav(target) => webdav::look(sight, target)?,
        TargetKind::Rsync(target) => rsync::look(sight, target)?,
        TargetKind::Svn(target) => svn::look(sight, target)?,
        TargetKind::Command(_) => {
            return Err(ReleaseError::Unseen {
                place: sight.landed.place.clone(),
            });
        }
    };
    Ok(Looked {
        refname: sight.landed.refname.clone(),
        commit: sight.landed.commit,
        sequence: sight.landed.sequence,
        depth: sight.depth,
        compared: look.compared,
        differences: drift(&expected, &look),
    })
}

fn take_down(
    sight: &Sight<'_>,
    looked: &Looked,
    witness: &mut dyn Witness,
) -> Result<(), ReleaseError> {
    let finding = Finding::new(looked, (sight.job.setting.now)());
    sight.job.desk.keep_drift(&finding)?;
    if looked.differences.is_empty() {
        return Ok(());
    }
    let refname = RefName::new(looked.refname.as_bytes());
    let event = Event {
        target: sight.job.order.target.name.clone(),
        refname: refname.unwrap_or_else(|_| sight.job.order.refname.clone()),
        commit: looked.commit,
        sequence: looked.sequence,
        lifted_by: Vec::new(),
        what: What::Drifted(finding),
    };
    witness.record(&event).map_err(ReleaseError::Unrecorded)
}
