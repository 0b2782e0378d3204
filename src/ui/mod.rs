//! How things look: reports, colour, width. Whatever comes from outside is escaped before it gets
//! here or on the way in.

mod color;
mod emit;
mod refusal;

pub use color::{Color, ColorChoice};
pub use emit::{emit, emit_error};
pub use refusal::{refusal, report};
