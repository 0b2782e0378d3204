//! FTP, where relhook was built without it: the policy knows the kind, and nothing reaches a site.

use super::drift::{Expected, Look};
use super::look::Sight;
use super::run::{Begin, Job, Reached};
use super::site::Short;
use super::{Comparison, ReleaseError};
use crate::policy::FtpTarget;

fn absent() -> ReleaseError {
    ReleaseError::Program {
        program: "relhook".into(),
        why: "it was built without FTP: build it with its default features".into(),
    }
}

pub(in crate::release) fn release(
    _: &Job<'_>,
    _: &FtpTarget,
    _: &mut Begin<'_>,
) -> Result<Reached, ReleaseError> {
    Err(absent())
}

pub(in crate::release) fn release_short(
    _: &Job<'_>,
    _: &Short,
    _: &FtpTarget,
    _: &mut Begin<'_>,
) -> Result<Option<Reached>, ReleaseError> {
    Err(absent())
}

pub(in crate::release) fn compare(_: &Job<'_>, _: &FtpTarget) -> Result<Comparison, ReleaseError> {
    Err(absent())
}

pub(in crate::release) fn look(
    _: &Sight<'_>,
    _: &FtpTarget,
) -> Result<(Expected, Look), ReleaseError> {
    Err(absent())
}
