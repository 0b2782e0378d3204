//! Certificates that hold, and everything else.
