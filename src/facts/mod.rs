//! Facts: gathered, never judged. Everything that a decision rests on, as plain values.

mod graph;
mod limits;
mod memory;
mod model;
mod store;
#[cfg(test)]
mod testing;

pub use limits::Limits;
pub use memory::Memory;
pub use model::{
    Approving, ArrivingStatement, BaseRelation, Claim, CommitFacts, Content, Current, Fault,
    ProposedPolicy, PushFacts, Pusher, RangeFacts, RangeOutcome, Role, SignatureFact,
    StatementFacts, StatementOutcome, Subject, UpdateFacts,
};
pub use store::{Header, Store, StoreError};
