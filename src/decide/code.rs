//! The stable codes of everything that relhook refuses or reports.

use std::fmt;

/// A code: `RH` and three digits, never reused.
///
/// 1xx shape and refs, 2xx identity and attribution, 3xx statements and signatures, 4xx cover,
/// 5xx windows, absence and debt, 6xx release, 7xx log, 8xx policy, 9xx relhook itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RH{:03}", self.0)
    }
}
