//! Releasing: bringing a target to the tree of an accepted commit.
//!
//! A run asks what the target is to hold ([`Orders`]), reads what relhook put there before (the
//! [`Manifest`], kept on the target), plans the difference ([`plan()`]) and carries it out. It can be
//! killed at any point and run again: what a target holds is compared anew each time. One run at
//! a time per target; a file is complete or absent; what relhook did not put there is left alone.

mod account;
mod back;
mod command;
mod comparison;
mod compression;
mod credentials;
mod desk;
mod dir;
mod doubt;
pub mod drift;
mod error;
#[cfg(feature = "ftp")]
mod ftp;
#[cfg(not(feature = "ftp"))]
#[path = "without_ftp.rs"]
mod ftp;
mod health;
mod host;
mod look;
mod manifest;
mod names;
mod order;
mod plan;
mod program;
mod progress;
mod prompt;
mod record;
mod redact;
mod retry;
mod rsync;
mod run;
mod s3;
mod seal;
mod sftp;
mod site;
mod source;
mod ssh;
mod stage;
mod stages;
mod svn;
mod tree;
mod waker;
mod web;
mod webdav;
mod worker;
mod xml;

pub use crate::secret::Secret;
pub use back::{Kept, kept, pin, unpin};
pub use comparison::Comparison;
pub use credentials::{Credentials, Field, Keys, Login, Shelves};
pub use desk::{Attempt, Begun, Landed, Pin, State};
pub use error::{Complaint, Fault, ReleaseError};
pub use look::{last_look, look};
pub use manifest::{
    Head, Header, MANIFEST_LIMIT, MANIFEST_NAME, Manifest, ManifestFault, Print, Record, SPLIT,
    is_base,
};
pub use names::{OWN_PREFIX, Surface};
pub use order::{
    Adoption, Course, Credits, Event, Order, Orders, Outcome, Patience, Setting, Totals, What,
    Witness,
};
pub use plan::{
    Content, FileKind, Held, Holding, Listing, Move, Origin, Plan, Rank, ReleaseFile, Stored,
    ancestors, by_depth, plan, rank,
};
pub use progress::{Phase, Planned, Snapshot, snapshot};
pub use retry::Next;
pub use rsync::{REACH, reach};
pub use run::{compare, is_running, place, remembered, run, run_and_retry, state, unsettled};
pub use seal::{KEY_FILE, Seal, SealFault};
pub use source::{Source, Words};
pub use stages::{
    Admission, Lift, Lifters, Passage, StageState, Standing, TargetState, Unheard, admit,
};
pub use waker::{WAKER_SETTING, Waker, pull_trigger, trigger};
pub use worker::{detach, forbid_core_files, spawn_worker};
