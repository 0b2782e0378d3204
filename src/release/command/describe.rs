//! The description that the user's program gets: `relhook/release-command/v1`, in docs/json.md.

use crate::release::manifest::PathText;
use crate::release::run::Job;
use crate::release::stage::Stage;
use crate::release::{Manifest, Plan, ReleaseError, Source};
use crate::types::{Oid, RepoPath, escape};
use serde::Serialize;
use std::path::PathBuf;

/// What the first field says.
const SCHEMA: &str = "relhook/release-command/v1";

/// A release, for the program that carries it out.
#[derive(Debug, Serialize)]
pub(super) struct Description {
    schema: &'static str,
    repository: String,
    target: String,
    #[serde(rename = "ref")]
    refname: String,
    commit: Oid,
    sequence: u64,
    tree: PathBuf,
    previous: Option<Previous>,
    added: Vec<PathText>,
    changed: Vec<PathText>,
    removed: Vec<PathText>,
    author: Option<String>,
    subject: Option<String>,
    pushed_by: Option<String>,
    approved_by: Vec<String>,
}

/// The release before, by relhook's own record.
#[derive(Debug, Serialize)]
struct Previous {
    #[serde(rename = "ref")]
    refname: String,
    commit: Oid,
    sequence: u64,
}

impl Description {
    /// As it is written.
    ///
    /// # Errors
    /// When a folder of the server has a name that is no text.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, ReleaseError> {
        let mut bytes = serde_json::to_vec(self)
            .map_err(|error| ReleaseError::Objects(format!("the description: {error}")))?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// Describes the job's release.
pub(super) fn describe(
    job: &Job<'_>,
    stage: &Stage,
    before: Option<&Manifest>,
    plan: &Plan,
) -> Description {
    let kinds = before.map(Manifest::kinds).unwrap_or_default();
    let had: std::collections::BTreeSet<&RepoPath> = kinds.iter().map(|(path, ..)| path).collect();
    let (changed, added): (Vec<&RepoPath>, Vec<&RepoPath>) = plan
        .puts
        .iter()
        .map(|file| &file.path)
        .partition(|path| had.contains(path));
    let order = job.order;
    // Who wrote it is told where it can be; that it is unreadable stopped the release before.
    let words = Source::open(job.setting.git_dir).and_then(|source| source.words(order.commit));
    let words = words.ok();
    Description {
        schema: SCHEMA,
        repository: order.repository.0.clone(),
        target: order.target.name.to_string(),
        refname: order.refname.to_string(),
        commit: order.commit,
        sequence: order.sequence,
        tree: stage.root(),
        previous: before.map(|manifest| Previous {
            refname: escape(manifest.refname.as_bytes()),
            commit: manifest.commit,
            sequence: manifest.sequence,
        }),
        added: added.into_iter().map(PathText::from).collect(),
        changed: changed.into_iter().map(PathText::from).collect(),
        removed: plan.removed().map(PathText::from).collect(),
        author: words.as_ref().map(|words| words.author.clone()),
        subject: words.map(|words| words.subject),
        pushed_by: order.credits.pushed_by.clone(),
        approved_by: order.credits.approved_by.clone(),
    }
}
