//! The audit log as clones see it: its checkpoint and the hashes of its tree on a ref that is fetched
//! with the policy and that no push can move. So every clone is a witness: it keeps what it saw last,
//! and says aloud when what it sees next is not that, made longer.

mod accepted;
mod by_ref;
mod debts;
mod publish;
mod rollbacks;
mod seen;

pub use accepted::{Accepted, accepted};
pub use debts::{Debts, debts};
pub use publish::{PublishError, publish};
pub use rollbacks::{ROLLBACK_PREFIX, keep_rollbacks};
pub use seen::{Seen, WitnessError, look, peek};

/// The ref that holds them: a commit for each time that they were published, each on top of the last.
pub const CHECKPOINT_REF: &str = "refs/relhook/checkpoint";

/// Below it, each witness of the policy has a ref, named by the identifier of its key: what it cosigned
/// last, as it was pushed.
pub const WITNESS_PREFIX: &str = "refs/relhook/witness/";

/// The file of the checkpoint in the commit's tree: a signed note.
const CHECKPOINT: &str = "checkpoint";

/// The file of the log's public key there.
const KEY: &str = "key";

/// The most that is read of one of these files, in bytes.
const MAX_FILE: usize = 64 << 10;
