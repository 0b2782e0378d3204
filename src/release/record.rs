//! The record on a target, and whether it may be relied upon.

use super::desk::Begun;
use super::error::shown_reply;
use super::manifest::ManifestFault;
use super::run::Job;
use super::seal::SealFault;
use super::{Adoption, Course, Manifest, Record, ReleaseError, Seal};

/// What a target's manifest says, if it is this server's own.
///
/// One that is broken, that somebody changed or that another server signed is an error, unless the
/// caller takes the target over; then it counts as none.
pub(in crate::release) fn manifest(
    job: &Job<'_>,
    place: &str,
    bytes: &[u8],
) -> Result<Option<Manifest>, ReleaseError> {
    read(job, place, bytes, Manifest::read)
}

/// The same where a record may have two parts.
pub(in crate::release) fn record(
    job: &Job<'_>,
    place: &str,
    bytes: &[u8],
) -> Result<Option<Record>, ReleaseError> {
    read(job, place, bytes, Record::read)
}

fn read<T>(
    job: &Job<'_>,
    place: &str,
    bytes: &[u8],
    how: impl FnOnce(&[u8], &Seal) -> Result<T, ManifestFault>,
) -> Result<Option<T>, ReleaseError> {
    let fault = match how(bytes, job.seal) {
        Ok(found) => return Ok(Some(found)),
        Err(fault) => fault,
    };
    if job.adoption == Adoption::Adopt {
        return Ok(None);
    }
    // What another repository's server signed is a place that two of them share.
    if let ManifestFault::Seal(SealFault::OtherKey(_)) = fault
        && let Some(owner) = Manifest::claimed_owner(bytes)
        && owner != job.order.repository.0
    {
        return Err(other_owner(place, &owner));
    }
    let place = place.to_owned();
    Err(match fault {
        ManifestFault::Broken(why) => ReleaseError::Manifest { place, why },
        ManifestFault::Seal(fault) => ReleaseError::Seal { place, fault },
    })
}

/// Whether a release may follow the one that a target's manifest records.
pub(in crate::release) fn may_follow(
    job: &Job<'_>,
    place: &str,
    manifest: Option<&Manifest>,
) -> Result<(), ReleaseError> {
    if job.adoption == Adoption::Adopt {
        return Ok(());
    }
    let Some(manifest) = manifest else {
        return match job.landed.filter(|landed| landed.place == place) {
            Some(landed) => Err(broken(
                place,
                format!(
                    "it is gone, although commit {} was released there at {}",
                    landed.commit, landed.at
                ),
            )),
            None => Ok(()),
        };
    };
    if manifest.repository != job.order.repository.0 {
        return Err(other_owner(place, &manifest.repository));
    }
    match job.order.course {
        Course::Forward => {}
        // An earlier release is chosen by somebody, or by a health check, and recorded.
        Course::Back => return Ok(()),
    }
    if manifest.sequence > job.order.sequence {
        return Err(ReleaseError::Newer {
            place: place.to_owned(),
            held: manifest.sequence,
            wanted: job.order.sequence,
        });
    }
    Ok(())
}

/// That the record of a site is one that can be there: of the last release that ended well, or of
/// one that was begun since. Any other that this server signed was put back by somebody, and the files
/// are not as it says. In a directory that is a return to an earlier release.
pub(in crate::release) fn as_left(
    job: &Job<'_>,
    place: &str,
    manifest: Option<&Manifest>,
) -> Result<(), ReleaseError> {
    let Some(manifest) = manifest else {
        return Ok(());
    };
    // A run reads it once.
    let _ = job.found.set(begun(place, manifest));
    if job.adoption == Adoption::Adopt {
        return Ok(());
    }
    let landed = job.landed.filter(|landed| landed.place == place);
    let mut since = job.desk.begun()?;
    since.retain(|begun| begun.place == place);
    if let Some(landed) = landed {
        since.push(Begun {
            place: landed.place.clone(),
            refname: landed.refname.clone(),
            commit: landed.commit,
            sequence: landed.sequence,
        });
    }
    if since.is_empty() || since.contains(&begun(place, manifest)) {
        return Ok(());
    }
    let last = since.iter().map(|begun| begun.sequence).max();
    let older = last.is_some_and(|last| manifest.sequence < last);
    let what = if older { "an older one" } else { "another one" };
    let told = landed.map_or_else(String::new, |landed| {
        let (sequence, at) = (landed.sequence, landed.at);
        format!(", although entry {sequence} was released there at {at}")
    });
    let why = format!("it is {what}, of entry {}{told}", manifest.sequence);
    Err(broken(place, why))
}

fn begun(place: &str, manifest: &Manifest) -> Begun {
    Begun {
        place: place.to_owned(),
        refname: manifest.refname.clone(),
        commit: manifest.commit,
        sequence: manifest.sequence,
    }
}

fn other_owner(place: &str, owner: &str) -> ReleaseError {
    ReleaseError::OtherOwner {
        place: place.to_owned(),
        owner: shown_reply(owner.as_bytes()),
    }
}

fn broken(place: &str, why: String) -> ReleaseError {
    ReleaseError::Manifest {
        place: place.to_owned(),
        why,
    }
}
