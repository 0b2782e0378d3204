//! What people do.

mod approval;
mod policy;
mod statements;
