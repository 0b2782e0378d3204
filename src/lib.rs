//! relhook: nobody ships alone.
//!
//! The rooms, and the way the arrows run: `cli` and `hook` use `facts`, `decide`, `audit` and
//! `release`; those use `policy`, `statement` and `signature`; all of them use `object` and
//! `types`. `decide` does no I/O and reads no clock. Nothing imports `cli` or `hook`.
//!
//! - [`types`]: plain values, parsed once at the edge: object ids, ref names, paths, times, people
//! - [`object`]: Git objects read from raw bytes by a strict grammar
//! - [`policy`]: what the YAML says, and what it means
//! - [`signature`]: bytes and a signature in, a known signer or a reason out
//! - [`certificate`]: what `git push --signed` signs: read strictly, verified here
//! - [`cosign`]: what an independent witness signs of a log, and who it is; pure
//! - [`stamp`]: timestamps of a third party (RFC 3161): what to ask, and what it answered; pure
//! - [`statement`]: approve, reject, withdraw: the signed tag format
//! - [`facts`]: gathered, never judged: ranges, contributors, changes, statements
//! - [`decide`]: facts and policy in, a verdict with its reasons out; pure
//! - [`explain`]: one page a code
//! - [`folder`]: relhook's own folder in the server's repository
//! - [`audit`]: every verdict and release, chained and on disk before anything is answered
//! - [`attest`]: what others are told of an accepted move: SLSA summaries and provenance, signed
//! - [`witness`]: the log as clones see it, and whether it is what they saw before
//! - [`ledger`]: what the log means for the next push, for quick look-up
//! - [`server`]: the three of them beside the repository's objects and refs, opened once
//! - [`setup`]: what such a repository has to have, and asking the machine what it has
//! - [`serve`]: from an ssh login to git, with the login where the hooks look for it
//! - `http`: one request and its bounded answer, with the certificate checked
//! - [`install`]: puts a repository under the rule
//! - [`doctor`]: looks a server over, and says what to mend and how
//! - [`people`]: people as a policy is to have them, and into its text
//! - [`release`]: brings a target to the tree of an accepted commit
//! - [`scenario`]: pushes told in a file, judged under a policy that need not be in force
//! - [`report`]: the auditor's report: what reached production, and the proof that nothing is left out
//! - [`replay`]: every move of a protected ref judged again, as it was then
//! - [`notify`]: tells people what the log has, at least once, and never in the way
//! - [`streams`]: the log's entries as they are made, in other places, at least once and in order
//! - [`client`]: the developer's side: what the server has, seen from a clone
//! - [`directory`]: people and teams of LDAP or Active Directory, as a change of the policy
//! - [`ui`]: how things look
//! - [`cli`]: one file a command

pub mod attest;
pub mod audit;
pub mod certificate;
pub mod cli;
pub mod client;
pub mod cosign;
pub mod decide;
pub mod directory;
pub mod dispatch;
pub mod doctor;
pub mod explain;
pub mod facts;
pub mod folder;
pub mod hook;
mod http;
pub mod install;
pub mod ledger;
pub mod notify;
pub mod object;
pub mod people;
pub mod policy;
pub mod release;
pub mod replay;
pub mod report;
pub mod scenario;
mod secret;
pub mod serve;
pub mod server;
pub mod setup;
pub mod signature;
pub mod stamp;
pub mod statement;
pub mod streams;
#[cfg(test)]
mod testing;
mod trust;
pub mod types;
pub mod ui;
pub mod witness;
