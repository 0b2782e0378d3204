//! What people do.

mod approval;
mod demands;
mod policy;
mod release;
mod release_web;
mod statements;
