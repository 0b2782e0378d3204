//! Releasing through the user's own program.
//!
//! The program gets the tree of the commit in a private folder and a description of the release,
//! brings it wherever it goes, and says on its standard output how far it is. relhook cannot see
//! that place: what was released there is what relhook's own record says, and no more.

mod describe;
mod speech;

use super::desk::read_capped;
use super::progress::Phase;
use super::record::may_follow;
use super::run::{Begin, Job, Reached, place};
use super::stage::{self, Stage};
use super::{
    Adoption, Credentials, Held, Holding, MANIFEST_LIMIT, Manifest, Plan, ReleaseError,
    ReleaseFile, Shelves, plan, program,
};
use crate::folder::replace_file;
use crate::policy::{CommandTarget, TargetKind};
use crate::secret::capacity;
use speech::Speech;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::Duration;
use zeroize::Zeroizing;

/// What the last release brought, on relhook's own disk.
const RECORD: &str = "command.json";

/// Where the description is while the program runs.
const DESCRIPTION: &str = "command.release.json";

/// Has the user's program bring the order's tree to where it goes.
pub(in crate::release) fn release(
    job: &Job<'_>,
    target: &CommandTarget,
    begin: &mut Begin<'_>,
) -> Result<Reached, ReleaseError> {
    let place = place(&TargetKind::Command(target.clone()));
    let before = record(job, &place)?;
    may_follow(job, &place, before.as_ref())?;
    let plan = difference(job, before.as_ref())?;
    job.progress.unchanged(plan.unchanged);
    if job.adoption == Adoption::Refuse
        && before
            .as_ref()
            .is_some_and(|manifest| job.is_recorded_in(manifest))
    {
        stage::sweep(job)?;
        return Ok(Reached::Before);
    }
    let path = program::trusted(&target.program)?;
    let credentials = credentials(job)?;
    begin(&plan)?;
    let files: Vec<ReleaseFile> = job.listing.files.values().cloned().collect();
    let stage = Stage::of(job, &files)?;
    let description = describe::describe(job, &stage, before.as_ref(), &plan);
    let file = job.desk.file(DESCRIPTION);
    replace_file(&file, &description.to_bytes()?).map_err(ReleaseError::io(&file))?;
    let call = program::Call {
        program: &path,
        args: target.args.iter().map(OsString::from).collect(),
        dir: &stage.root(),
        env: environment(target, &stage, &file),
        input: program::Input::Secret(&credentials),
        limit: Duration::from_secs(u64::from(target.minutes) * 60),
        writes: program::Writes::Anything,
    };
    job.progress.phase(Phase::Sending, 0);
    let mut speech = Speech::new(job.progress);
    let ended = program::run(job.desk, call, &mut |bytes| speech.hear(bytes))?;
    speech.verdict(&path, &ended)?;
    count(job, &plan);
    finish(job, &stage)?;
    let _ = std::fs::remove_file(&file);
    stage.end()?;
    Ok(Reached::Now)
}

/// What relhook's own record says of the last release to this place.
fn record(job: &Job<'_>, place: &str) -> Result<Option<Manifest>, ReleaseError> {
    let path = job.desk.file(RECORD);
    let here = job.landed.is_some_and(|landed| landed.place == place);
    let bytes = read_capped(&path, MANIFEST_LIMIT).map_err(ReleaseError::io(&path))?;
    let Some(bytes) = bytes else { return Ok(None) };
    let manifest = super::record::manifest(job, place, &bytes)?;
    // Another program, or other arguments: another place.
    Ok(manifest.filter(|_| here || job.landed.is_none()))
}

/// What differs from the last release; a file whose mode alone changed is a changed file.
fn difference(job: &Job<'_>, before: Option<&Manifest>) -> Result<Plan, ReleaseError> {
    let held = match before {
        Some(manifest) => manifest.holding().map_err(|why| ReleaseError::Manifest {
            place: job.desk.file(RECORD).display().to_string(),
            why,
        })?,
        None => Holding::default(),
    };
    Ok(plan(job.listing, &other_kinds_uncertain(job, before, held)))
}

/// The holding, in which a file that has another kind now (its x bit, or a link) has to be sent.
pub(in crate::release) fn other_kinds_uncertain(
    job: &Job<'_>,
    before: Option<&Manifest>,
    mut held: Holding,
) -> Holding {
    for (path, kind, _) in before.map(Manifest::kinds).unwrap_or_default() {
        let wanted = job.listing.files.get(&path);
        if wanted.is_some_and(|file| file.kind != kind) {
            held.files.insert(path, Held::Uncertain);
        }
    }
    held
}

/// What the program reads from its standard input: the credentials, where there are any, as the
/// lines of their file.
fn credentials(job: &Job<'_>) -> Result<Zeroizing<Vec<u8>>, ReleaseError> {
    let shelves = Shelves::from_env(job.setting.folder);
    let found = shelves.find(&job.order.target.name)?;
    let mut text = Zeroizing::new(Vec::with_capacity(capacity()));
    for (field, value) in found.iter().flat_map(Credentials::all) {
        for part in [field.name(), "=", value.reveal(), "\n"] {
            text.extend_from_slice(part.as_bytes());
        }
    }
    Ok(text)
}

/// Where things are, and what the policy lets through. No name that somebody pushed is in it.
fn environment(
    target: &CommandTarget,
    stage: &Stage,
    description: &std::path::Path,
) -> Vec<(OsString, OsString)> {
    let passed = target
        .env
        .iter()
        .filter_map(|name| Some((name.into(), std::env::var_os(name)?)));
    let ours = [
        ("RELHOOK_TREE".into(), stage.root().into_os_string()),
        ("RELHOOK_RELEASE".into(), description.as_os_str().to_owned()),
    ];
    passed.chain(ours).collect()
}

fn count(job: &Job<'_>, plan: &Plan) {
    for file in &plan.puts {
        job.progress
            .sent(usize::try_from(file.size).unwrap_or(usize::MAX));
        job.progress.uploaded();
    }
    for _ in plan.removed() {
        job.progress.deleted();
    }
}

/// Writes down what the program says it brought.
fn finish(job: &Job<'_>, stage: &Stage) -> Result<(), ReleaseError> {
    let path = job.desk.file(RECORD);
    let bytes = job.record(&stage.contents, &BTreeSet::new())?;
    replace_file(&path, &bytes).map_err(ReleaseError::io(&path))
}
