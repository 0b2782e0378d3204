//! relhook
fn main() {}
