//! What people try. Each test begins with its number in docs/security.md.

mod durability;
mod gate;
mod history;
mod identity;
mod identity_sources;
mod ledger;
mod objects;
mod policy;
mod protocol;
mod refs;
mod release;
mod semantics;
mod signatures;
