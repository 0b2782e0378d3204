//! What is written reads back, whatever it is called.

mod importing;
mod writing;
