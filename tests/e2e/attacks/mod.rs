//! What people try. Each test begins with its number in docs/security.md.

mod certificates;
mod durability;
mod emergency;
mod exhaustion;
mod gate;
mod history;
mod identity;
mod identity_sources;
mod keeping;
mod ledger;
mod objects;
mod output;
mod policy;
mod protocol;
mod races;
mod refs;
mod release;
mod replay;
mod semantics;
mod signatures;
