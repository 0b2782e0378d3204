//! What is written reads back, whatever it is called.

mod writing;
