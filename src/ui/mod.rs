//! How things look: reports, colour, width. Whatever comes from outside is escaped before it gets
//! here or on the way in.

mod color;
mod emit;
mod page;
mod people;
mod reasons;
mod refusal;
mod report;
#[cfg(test)]
mod tests;
mod text;

pub use color::{Color, ColorChoice};
pub use emit::{emit, emit_error};
pub use people::person;
pub use refusal::refusal;
pub use report::{report, report_in};
