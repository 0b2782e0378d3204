//! Facts: gathered, never judged. Everything that a decision rests on, as plain values.
//!
//! [`Store`] reads raw objects and raw refs; `graph` answers exact questions about history;
//! `content` tells what a commit adds; [`gather`] puts it all together for one push.

mod commits;
mod content;
mod delegations;
mod first_pushers;
mod gather;
mod graph;
mod limits;
mod maps;
mod memory;
mod model;
mod names;
mod owing;
mod people;
mod ranges;
mod sources;
mod statements;
mod store;
mod way_back;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub(crate) use commits::title;
pub use first_pushers::{Arrival, FirstPushers};
pub use gather::{gather, gather_owing};
pub use graph::commits_between;
pub use limits::Limits;
pub use memory::{Known, Memory, WayBack};
pub use model::{
    Acceptance, Approving, ArrivingStatement, BaseRelation, Claim, CommitFacts, Content, Current,
    Fault, Lost, ProposedPolicy, PushFacts, Pusher, RangeFacts, RangeOutcome, Role, SignatureFact,
    StatementFacts, StatementOutcome, Subject, Undone, UpdateFacts, WayBackFacts,
};
pub use names::is_confusing;
pub use owing::{Debt, Owed, Owing};
pub use sources::{Progress, Sources};
pub use statements::stored_statements;
pub use store::{Header, Past, PolicyReadError, Store, StoreError};
