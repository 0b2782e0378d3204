//! Where what relhook's record says of a target is not relied upon: somebody was seen to have changed
//! it since, or the target is taken over.

use super::run::Job;
use super::{Adoption, Comparison, Held, Holding, ReleaseError, ancestors};

/// What somebody was seen to have changed by hand is sent again. Where a directory of the release was
/// replaced, nothing is: what stands there leads elsewhere.
///
/// # Errors
/// When a directory of the release was replaced.
pub(in crate::release) fn suspect(
    job: &Job<'_>,
    place: &str,
    holding: &mut Holding,
) -> Result<(), ReleaseError> {
    if job.adoption == Adoption::Adopt {
        return Ok(());
    }
    let mut replaced = Vec::new();
    for path in &job.suspects {
        match holding.files.get_mut(path) {
            Some(held) => *held = Held::Uncertain,
            None => replaced.push(path.clone()),
        }
    }
    let wanted = &job.listing.files;
    replaced.retain(|dir| wanted.keys().any(|path| ancestors(path).contains(dir)));
    match replaced.is_empty() {
        true => Ok(()),
        false => Err(ReleaseError::Foreign {
            place: place.to_owned(),
            files: replaced,
        }),
    }
}

/// Takes over what is on the target already and equal, so that it is not sent.
pub(in crate::release) fn take_over(comparison: Comparison, holding: &mut Holding) {
    // What the record says and the target does not bear out is sent again.
    for path in comparison.different.iter().chain(&comparison.missing) {
        if let Some(held) = holding.files.get_mut(path) {
            *held = Held::Uncertain;
        }
    }
    for (path, content) in comparison.equal {
        holding.files.insert(path, Held::Known(content));
    }
}
