//! Facts: gathered, never judged. Everything that a decision rests on, as plain values.

mod memory;
mod model;

pub use memory::Memory;

pub use model::{
    Approving, ArrivingStatement, BaseRelation, Claim, CommitFacts, Content, Current, Fault,
    ProposedPolicy, PushFacts, Pusher, RangeFacts, RangeOutcome, Role, SignatureFact,
    StatementFacts, StatementOutcome, Subject, UpdateFacts,
};
