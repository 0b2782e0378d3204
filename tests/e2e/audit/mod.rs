//! The audit log as it is met: by whoever pushes, by clones that watch it, by an auditor.

mod migration;
mod receipts;
mod report;
mod witness;
