//! The harness: a server's bare repository under the rule, and people with clones and real keys.
//!
//! A scenario reads like a story: somebody commits, somebody pushes, somebody approves. Everything
//! goes through the git, gpg and ssh-keygen that are installed and through the built hooks.

pub mod davd;
pub mod ftpd;
mod keys;
mod objects;
pub mod page;
mod person;
mod policy;
mod port;
pub mod proftpd;
pub mod proxy;
pub mod pureftpd;
mod raw;
pub mod relay;
mod run;
pub mod s3d;
pub mod sftpd;
pub mod svnserve;
mod text;
pub mod tls;
mod typed;
mod unpacked;
pub mod webhost;
mod world;

pub use keys::{keys, revoked_public};
pub use objects::{CommitText, TreeText};
pub use person::{Person, Push, Words};
pub use policy::PolicyText;
pub use port::free_port;
pub use raw::{RawPush, ZERO};
pub use run::{Ran, command, copy_program, run, run_with, write_program};
pub use text::{documented, named, shown};
pub use typed::{done, in_shell, page_blocks, page_text, types};
pub use world::World;

/// The built program.
pub const RELHOOK: &str = env!("CARGO_BIN_EXE_relhook");

/// The gate alone, beside it.
pub const GATE: &str = env!("CARGO_BIN_EXE_relhook-gate");

/// The second lock alone, beside it.
pub const LOCK: &str = env!("CARGO_BIN_EXE_relhook-lock");

/// The protected branch of most stories.
pub const PROD: &str = "refs/heads/prod";

/// The policy's branch.
pub const POLICY: &str = "refs/relhook/policy";
