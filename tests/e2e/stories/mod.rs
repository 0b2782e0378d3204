//! What people do.

mod approval;
mod policy;
mod release;
mod statements;
