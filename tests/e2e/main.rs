//! End to end: real pushes through the built hooks, with real keys.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a failed unwrap here is a failed test"
)]

mod agreement;
mod approve;
mod attacks;
mod audit;
mod change_request;
mod check;
mod checks;
mod commands;
mod common;
mod conformance;
mod corpus;
mod directory;
mod docs;
mod doctor;
mod emergency;
#[allow(dead_code, reason = "shared by the tests of several servers")]
mod hosting;
mod init;
mod migrating;
mod notify;
mod pages;
mod policy_tools;
mod release_agent;
mod release_care;
mod release_carried;
mod release_command;
mod release_compress;
mod release_crash;
mod release_dir;
mod release_ftp;
mod release_health;
mod release_hostile;
mod release_hostile_web;
mod release_kit;
mod release_large;
mod release_look;
mod release_order;
mod release_record;
mod release_rsync;
mod release_s3;
mod release_secrets;
mod release_sftp;
mod release_stages;
mod release_svn;
mod release_tree;
mod release_web_crash;
mod release_webdav;
mod rollback;
mod status;
mod stories;
mod streams;
mod systemd;
mod windows;
