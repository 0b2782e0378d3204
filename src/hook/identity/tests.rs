//! What each source says, and to what it is blind.
