//! What was rolled back, kept where clones see it: the tip that a ref was taken back from, under the number
//! of the entry and the tag of the statement. So a clone knows which approvals do not count any more, and
//! nothing that was accepted once is collected as garbage.

use super::PublishError;
use crate::ledger::RolledBackRef;
use git2::{Oid, Repository};
use std::path::Path;

/// Below it, `<entry>/<tag>` names what a ref was at before the entry took it back.
pub const ROLLBACK_PREFIX: &str = "refs/relhook/rollbacks/";

/// Makes the refs that are not there yet; whether there were any.
///
/// # Errors
/// When git's library cannot write them. What is not in the repository any more cannot be kept.
pub fn keep_rollbacks(git_dir: &Path, rollbacks: &[RolledBackRef]) -> Result<bool, PublishError> {
    if rollbacks.is_empty() {
        return Ok(false);
    }
    let repository = Repository::open_bare(git_dir)?;
    let mut any = false;
    for rollback in rollbacks {
        let old = Oid::from_bytes(rollback.old.as_bytes())?;
        for tag in &rollback.statements {
            let name = format!("{ROLLBACK_PREFIX}{}/{tag}", rollback.seq);
            if repository.find_reference(&name).is_ok() || repository.find_commit(old).is_err() {
                continue;
            }
            repository.reference(&name, old, false, "relhook: rolled back")?;
            any = true;
        }
    }
    Ok(any)
}
