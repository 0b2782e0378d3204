//! Statements: the signed, annotated tags by which people approve, reject and withdraw.

mod model;

pub use model::{Decision, Statement};

/// Where statements are stored: `refs/relhook/statements/<oid>/<id>`.
pub const STATEMENT_PREFIX: &str = "refs/relhook/statements/";
