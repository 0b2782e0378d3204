//! What `approve`, `reject` and `withdraw` share: show exactly what will be signed, ask, sign,
//! verify, push.

mod ask;
mod deliver;
mod deputies;
mod target;

pub(super) use deliver::title;
pub(in crate::cli) use deputies::deputies;
pub(super) use target::Target;

use crate::client::{Assumed, Freshness, Workspace};
use crate::types::{PersonName, Timestamp, escape};
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

/// The person of the policy in whose stead something is said.
pub(super) fn stead(
    workspace: &Workspace,
    name: Option<&str>,
) -> anyhow::Result<Option<PersonName>> {
    let Some(name) = name else {
        return Ok(None);
    };
    let person = PersonName::new(name);
    if workspace.policy().people.contains_key(&person) {
        Ok(Some(person))
    } else {
        let shown = escape(name.as_bytes());
        Err(super::Failure::usage(format!(
            "--in-stead-of: the policy knows no person `{shown}`"
        )))
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

/// What a day or a moment of `--from` and `--until` spans.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Day {
    /// When it begins.
    pub begin: Timestamp,
    /// When it is over; a moment is over when it begins.
    pub end: Timestamp,
}

/// A day (`2026-12-14`, UTC), a time, or a span from `since` (`14d`, `12h`).
pub(super) fn day(text: &str, option: &str, since: Timestamp) -> anyhow::Result<Day> {
    const DAY: crate::types::Seconds = crate::types::Seconds(24 * 60 * 60);
    let moment = |time: Timestamp| Day {
        begin: time,
        end: time,
    };
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(moment(time));
    }
    if let Ok(begin) = format!("{text}T00:00:00Z").parse::<Timestamp>() {
        return Ok(Day {
            begin,
            end: begin.plus(DAY),
        });
    }
    let span = crate::policy::span(text).map_err(|why| {
        let shown = escape(text.as_bytes());
        super::Failure::usage(format!(
            "{option}: `{shown}` is neither a day like 2026-12-14 nor a time like \
             2026-12-14T12:00:00Z, and as a span it {why}"
        ))
    })?;
    Ok(moment(since.plus(span)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_whole_and_a_moment_is_none() {
        let now: Timestamp = "2026-12-01T08:00:00Z".parse().unwrap();
        let read = |text| {
            let day = day(text, "--until", now).unwrap();
            (day.begin.to_string(), day.end.to_string())
        };
        let of = |begin: &str, end: &str| (begin.to_owned(), end.to_owned());
        assert_eq!(
            read("2026-12-14"),
            of("2026-12-14T00:00:00Z", "2026-12-15T00:00:00Z")
        );
        let moment = "2026-12-14T12:00:00Z";
        assert_eq!(read(moment), of(moment, moment));
        assert_eq!(
            read("14d"),
            of("2026-12-15T08:00:00Z", "2026-12-15T08:00:00Z")
        );
        for bad in ["2026-12-32", "soon", "14", "", "-1d"] {
            assert!(day(bad, "--until", now).is_err(), "{bad}");
        }
    }

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
