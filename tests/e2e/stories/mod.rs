//! What people do.

mod approval;
mod demands;
mod drift;
mod policy;
mod release;
mod release_web;
mod statements;
