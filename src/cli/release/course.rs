//! `relhook release --to`: an earlier release, or the latest again.

use crate::release::{ReleaseError, pin, state, unpin};
use crate::server::Server;
use crate::setup::acting;
use crate::types::TargetName;

/// Writes down where `target` is to go. The account that runs this is named in the log: whoever may
/// run it on the server may release, and nobody else.
pub(super) fn set(
    server: &Server,
    target: &TargetName,
    to: &str,
    reason: &str,
) -> Result<(), ReleaseError> {
    if reason.trim().is_empty() || reason.len() > 1000 {
        return Err(ReleaseError::Order(
            "the reason is empty, or longer than 1000 bytes".into(),
        ));
    }
    let orders = server.orders();
    let newest = orders.newest(target).map_err(ReleaseError::Order)?;
    let newest = newest.ok_or_else(|| ReleaseError::NoSuchRelease {
        wanted: crate::types::escape(to.as_bytes()),
        why: "nothing was accepted for the target yet".into(),
    })?;
    let account = acting();
    let (who, mut witness) = ((account.as_str(), reason), server.witness());
    if to == "latest" {
        return unpin(server.setting(), &newest, who, &mut witness);
    }
    let holds = state(server.setting(), target)?.released;
    let earlier = orders.earlier(&newest, holds.map(|landed| landed.commit), to)?;
    if earlier.sequence == newest.sequence {
        return unpin(server.setting(), &newest, who, &mut witness);
    }
    let above = newest.sequence;
    pin(server.setting(), &earlier, above, who, &mut witness)
}
