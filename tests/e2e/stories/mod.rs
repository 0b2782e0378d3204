//! What people do.

mod approval;
mod demands;
mod deputies;
mod drift;
mod leavers;
mod policy;
mod release;
mod release_web;
mod statements;
