//! Gathering, on real repositories made by git.
