//! The kinds of targets, each with its real server.

pub mod folder;
pub mod ftp;
pub mod ssh;
pub mod svn;
pub mod web;
