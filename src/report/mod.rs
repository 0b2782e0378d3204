//! The auditor's report: what reached production in a period, who did what for it, and the proof
//! that nothing is left out.
//!
//! Everything in it is read from the log, which is verified on the way, and from the signed evidence;
//! the page, the table and the archive are written from the one [`Report`].

mod csv;
mod gather;
mod html;
mod lead;
mod lines;
mod model;
mod pack;
mod plots;
mod told;
mod unusual;

pub use csv::csv;
pub use gather::gather;
pub use html::html;
pub use lines::lines;
pub use model::{
    Approval, Change, CheckOf, EmergencyOf, InStead, Kept, Note, OverrideOf, Period, PeriodError,
    Refusal, ReleaseOf, Report, RollbackOf, SettledBy, Went,
};
pub use pack::pack;

#[cfg(test)]
mod tests;
