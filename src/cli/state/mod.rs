//! What `approve`, `reject` and `withdraw` share: show exactly what will be signed, ask, sign,
//! verify, push.

mod ask;
mod deliver;
mod target;

pub(super) use target::Target;

use crate::client::{Assumed, Freshness, Workspace};
use crate::types::{Timestamp, escape};
use clap::Args;
use std::ffi::OsString;
use std::path::Path;

/// How a statement is made.
#[derive(Debug, Args)]
pub struct How {
    /// The remote that gets it
    #[arg(long, value_name = "REMOTE")]
    remote: Option<OsString>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Keep it in this clone and push it later
    #[arg(long)]
    no_push: bool,
    /// More to say, above the trailers
    #[arg(long, short, value_name = "TEXT")]
    message: Option<String>,
}

/// Which commit a statement is about, and for which ref.
#[derive(Debug, Args)]
pub struct About {
    /// The commit: an id, a branch here, or a branch of the remote
    #[arg(value_name = "COMMIT")]
    commit: OsString,
    /// The protected ref that it is for, if there are several
    #[arg(long = "ref", value_name = "REF")]
    refname: Option<OsString>,
    /// Show the whole change, too, escaped and with no attribute or converter applied
    #[arg(long)]
    diff: bool,
}

impl About {
    /// A commit and a ref, for a command that signs nothing.
    pub(super) fn of(commit: &std::ffi::OsStr, refname: Option<&std::ffi::OsStr>) -> Self {
        Self {
            commit: commit.to_owned(),
            refname: refname.map(ToOwned::to_owned),
            diff: false,
        }
    }

    /// The same, with the whole change where that is asked for.
    pub(super) fn showing(self, diff: bool) -> Self {
        Self { diff, ..self }
    }
}

impl How {
    /// The clone, with what the server has now.
    pub(super) fn workspace(&self, dir: &Path) -> anyhow::Result<Workspace> {
        let remote = self.remote.as_deref();
        Ok(Workspace::open(dir, remote, Freshness::Fetched)?)
    }

    /// Who would sign.
    pub(super) fn signer(workspace: &Workspace) -> anyhow::Result<Assumed> {
        Ok(Assumed::configured(&workspace.git, workspace.policy())?)
    }
}

/// What a `--expires` says: a span from now (`30d`, `12h`) or a time.
pub(super) fn expiry(text: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    let wrong = |why: String| super::Failure::usage(format!("--expires: {why}"));
    let time = match text.parse::<Timestamp>() {
        Ok(time) => time,
        Err(_) => now.plus(crate::policy::span(text).map_err(wrong)?),
    };
    if time > now {
        Ok(time)
    } else {
        Err(wrong(format!("`{}` is past", escape(text.as_bytes()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_a_span_or_a_time_to_come() {
        let now: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
        let read = |text| expiry(text, now).map(|time| time.to_string());
        assert_eq!(read("30d").unwrap(), "2026-12-31T00:00:00Z");
        assert_eq!(read("12h").unwrap(), "2026-12-01T12:00:00Z");
        assert_eq!(
            read("2026-12-24T00:00:00Z").unwrap(),
            "2026-12-24T00:00:00Z"
        );
        for bad in ["2025-12-24T00:00:00Z", "0d", "soon", "-1d", ""] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
