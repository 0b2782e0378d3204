//! Tests of the statement format.
