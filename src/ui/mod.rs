//! How things look: reports, colour, width. Whatever comes from outside is escaped before it gets
//! here or on the way in.

mod color;
mod diagnosis;
mod directory;
mod emergency;
mod emit;
mod forecast;
mod going_back;
mod imported;
mod page;
mod people;
mod progress;
mod proposal;
mod reasons;
mod refusal;
mod report;
mod screen;
#[cfg(test)]
mod tests;
mod text;

pub use color::{Color, ColorChoice};
pub use diagnosis::diagnosis;
pub use directory::directory_report;
pub use emit::{emit, emit_error};
pub use forecast::{Forecast, Next, forecast};
pub use going_back::{GoingBack, going_back};
pub use imported::{gives, imported, merges};
pub use people::person;
pub use progress::{Board, Meter, progress_line, size, span};
pub use proposal::{Proposal, proposal};
pub use refusal::refusal;
pub use report::{logged, report};
pub use screen::{Screen, Stream};
pub use text::paragraph;
