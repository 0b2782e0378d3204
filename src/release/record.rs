//! The record on a target, and whether it may be relied upon.

use super::desk::Landed;
use super::manifest::ManifestFault;
use super::run::Job;
use super::seal::SealFault;
use super::{Adoption, Course, Manifest, ReleaseError};

/// What a target's manifest says, if it is this server's own.
///
/// One that is broken, that somebody changed or that another server signed is an error, unless the
/// caller takes the target over; then it counts as none.
pub(in crate::release) fn manifest(
    job: &Job<'_>,
    place: &str,
    bytes: &[u8],
) -> Result<Option<Manifest>, ReleaseError> {
    let fault = match Manifest::read(bytes, job.seal) {
        Ok(manifest) => return Ok(Some(manifest)),
        Err(fault) => fault,
    };
    if let Some(manifest) = before_signatures(job.landed, place, &fault, bytes) {
        return Ok(Some(manifest));
    }
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

/// A manifest of relhook's own from before they were signed. It is taken if it records exactly the
/// release that the server's own state does; the release that follows signs.
fn before_signatures(
    landed: Option<&Landed>,
    place: &str,
    fault: &ManifestFault,
    bytes: &[u8],
) -> Option<Manifest> {
    match fault {
        ManifestFault::Seal(SealFault::Absent) => {}
        ManifestFault::Seal(_) | ManifestFault::Broken(_) => return None,
    }
    let landed = landed.filter(|landed| place.starts_with(&landed.place))?;
    Manifest::unsigned(bytes).filter(|manifest| {
        manifest.commit == landed.commit
            && manifest.sequence == landed.sequence
            && manifest.refname == landed.refname
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
    let landed = job.landed.filter(|landed| landed.place == place);
    let Some(manifest) = manifest else {
        return match landed {
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

/// That the record of a site is the one that was written last: one that this server signed, and yet
/// not last, was put back by somebody. In a directory that is a return to an earlier release; on a
/// site the files are as they were.
pub(in crate::release) fn not_older(
    job: &Job<'_>,
    place: &str,
    manifest: Option<&Manifest>,
) -> Result<(), ReleaseError> {
    let landed = job.landed.filter(|landed| landed.place == place);
    match (manifest, landed, job.adoption) {
        (Some(manifest), Some(landed), Adoption::Refuse) if manifest.sequence < landed.sequence => {
            Err(broken(
                place,
                format!(
                    "it is an older one, of entry {}, although entry {} was released there at {}",
                    manifest.sequence, landed.sequence, landed.at
                ),
            ))
        }
        _ => Ok(()),
    }
}

fn other_owner(place: &str, owner: &str) -> ReleaseError {
    ReleaseError::OtherOwner {
        place: place.to_owned(),
        owner: crate::types::escape(owner.as_bytes()),
    }
}

fn broken(place: &str, why: String) -> ReleaseError {
    ReleaseError::Manifest {
        place: place.to_owned(),
        why,
    }
}
