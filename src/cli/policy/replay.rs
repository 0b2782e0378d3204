//! `relhook policy replay`: what another policy would have decided of what really happened.

use super::super::audit::{CopyOf, copy_of, named_refs};
use super::super::reading::Reader;
use super::super::{Answer, Exit, Failure};
use crate::client::{Freshness, Workspace};
use crate::install::read_policy;
use crate::policy::{Bundle, KEYS_FOLDER, span};
use crate::replay::{Compared, Otherwise, ReplayError, Would, under};
use crate::types::{Oid, RefName, Seconds, Timestamp, escape};
use crate::ui::paragraph;
use clap::Args;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// So many reasons of one push are shown.
const MAX_REASONS: usize = 8;

/// What `relhook policy replay` is asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
Every push in the log that concerns a protected ref is judged again, with what was known then, by the
policy in FILE. Exit codes: 0 nothing would have ended otherwise, 1 something would have, 2 usage, 3
something cannot be told, 4 the log does not verify.")]
pub struct ReplayArgs {
    /// The policy file
    #[arg(value_name = "FILE")]
    policy: PathBuf,
    /// The folder of its key files; `keys` beside it without this, if it is there
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// From when on: a span such as 90d, or a time. Everything without it
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// A ref or branch; several times for several. All without it
    #[arg(long = "ref", value_name = "REF")]
    refs: Vec<OsString>,
    /// In a clone: a copy of the log, the folder `audit` of the server's
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
    /// With --log: the log's public key, or a file with it. Without it, the one that the server shows
    #[arg(long, requires = "log")]
    key: Option<String>,
    /// In a clone: the remote
    #[arg(long, value_name = "REMOTE")]
    remote: Option<OsString>,
    /// Answer as JSON (relhook/policy-replay/v1)
    #[arg(long)]
    json: bool,
}

impl ReplayArgs {
    /// Runs it for the repository around `dir`.
    ///
    /// # Errors
    /// When the policy, the repository or the log cannot be read.
    pub(super) fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        let refs = named_refs(&self.refs)?;
        let since = self.since(crate::hook::clock())?;
        let other = self.other()?;
        let Some(server) = Reader::on_server(dir)? else {
            return self.in_clone(dir, &other, &refs, since);
        };
        if self.log.is_some() {
            return Err(Failure::usage("the log is here: --log is for clones"));
        }
        server.record_all("policy replay")?;
        self.answer(under(&server.log, server.store, &other, &refs, since))
    }

    /// In a clone there is no log but a copy of the server's.
    fn in_clone(
        &self,
        dir: &Path,
        other: &Bundle,
        refs: &[RefName],
        since: Option<Timestamp>,
    ) -> anyhow::Result<Answer> {
        let Some(path) = &self.log else {
            return Err(Failure::usage(
                "a clone has no log: run it on the server, or name a copy of the log with --log",
            ));
        };
        let workspace = Workspace::open(dir, self.remote.as_deref(), Freshness::Fetched)?;
        match copy_of(&workspace, path, self.key.as_deref())? {
            CopyOf::Log(log) => self.answer(under(&log, workspace.store, other, refs, since)),
            CopyOf::Broken(answer) => Ok(answer),
        }
    }

    fn other(&self) -> anyhow::Result<Bundle> {
        let beside = self
            .policy
            .parent()
            .unwrap_or(Path::new(""))
            .join(KEYS_FOLDER);
        let keys = match &self.keys {
            Some(keys) => Some(keys.clone()),
            None => beside.is_dir().then_some(beside),
        };
        read_policy(&self.policy, keys.as_deref()).map_err(Failure::refused)
    }

    fn since(&self, now: Timestamp) -> anyhow::Result<Option<Timestamp>> {
        let Some(text) = &self.since else {
            return Ok(None);
        };
        if let Ok(time) = text.parse() {
            return Ok(Some(time));
        }
        let wrong = |why: String| {
            let shown = escape(text.as_bytes());
            Failure::usage(format!("--since: `{shown}` {why}, or a time"))
        };
        let Seconds(seconds) = span(text).map_err(wrong)?;
        let from = now.as_unix().saturating_sub_unsigned(seconds);
        Ok(Some(Timestamp::from_unix(from)))
    }

    fn answer(&self, compared: Result<Compared, ReplayError>) -> anyhow::Result<Answer> {
        let compared = match compared {
            Ok(compared) => compared,
            Err(ReplayError::Audit(error)) => return super::super::audit::no_replay(error),
            Err(error) => return Err(error.into()),
        };
        let has = |clear: bool| {
            let mut pushes = compared.pushes.iter();
            pushes.any(|push| (push.would != Would::Unclear) == clear)
        };
        Ok(Answer {
            text: match self.json {
                true => format!("{:#}\n", json(&compared)),
                false => text(&compared, &escape(self.policy.as_os_str().as_bytes())),
            },
            exit: if has(true) {
                Exit::Refused
            } else if has(false) {
                Exit::CannotTell
            } else {
                Exit::Pass
            },
        })
    }
}

fn text(compared: &Compared, name: &str) -> String {
    let mut text = format!(
        "{} entries, of the log\n  {}\n",
        compared.entries, compared.checkpoint
    );
    for push in &compared.pushes {
        text.push('\n');
        text += &told(push);
    }
    if !compared.pushes.is_empty() {
        text.push('\n');
    }
    let unclear = compared
        .pushes
        .iter()
        .filter(|push| push.would == Would::Unclear)
        .count();
    let otherwise = compared.pushes.len() - unclear;
    let end = format!(
        "{} judged again under {name}: {} would end as they did, {otherwise} otherwise, {unclear} \
         cannot be told",
        match compared.judged {
            1 => "1 push".to_owned(),
            many => format!("{many} pushes"),
        },
        compared.alike,
    );
    text + &paragraph("", &end)
}

fn told(push: &Otherwise) -> String {
    let was = match push.was_let_in {
        true => "was let in",
        false => "was refused",
    };
    let would = match push.would {
        Would::Accepted => "and would have gone in",
        Would::Warned => "and would have gone in with a warning",
        Would::Refused => "and would have been refused",
        Would::Unclear => "and what would have become of it cannot be told",
    };
    let by = push
        .by
        .as_ref()
        .map(|by| format!(" by {by}"))
        .unwrap_or_default();
    let head = format!("entry {}, {}{by}: {was}, {would}", push.entry, push.time);
    let mut text = paragraph("", &head);
    for (refname, old, new) in &push.moves {
        let line = format!("{refname} {} -> {}", short(*old), short(*new));
        text += &paragraph("  ", &line);
    }
    for why in push.reasons.iter().take(MAX_REASONS) {
        text += &paragraph(&format!("  {} ", why.code), &why.text);
    }
    let more = push.reasons.len().saturating_sub(MAX_REASONS);
    if more > 0 {
        text += &format!("  and {more} more (--json has all)\n");
    }
    text
}

fn short(oid: Option<Oid>) -> String {
    oid.map_or_else(|| "nothing".to_owned(), |oid| oid.short())
}

fn json(compared: &Compared) -> Value {
    json!({
        "schema": "relhook/policy-replay/v1",
        "repository": compared.repository,
        "entries": compared.entries,
        "checkpoint": compared.checkpoint,
        "judged": compared.judged,
        "alike": compared.alike,
        "pushes": compared.pushes.iter().map(push).collect::<Vec<_>>(),
    })
}

fn push(push: &Otherwise) -> Value {
    let moves = push.moves.iter();
    let moves = moves.map(|(refname, old, new)| json!({ "ref": refname, "old": old, "new": new }));
    let reasons = push.reasons.iter();
    let reasons = reasons.map(|why| json!({ "code": why.code.to_string(), "text": why.text }));
    json!({
        "entry": push.entry,
        "time": push.time,
        "by": push.by,
        "was": match push.was_let_in {
            true => "let-in",
            false => "refused",
        },
        "would": match push.would {
            Would::Accepted => "accepted",
            Would::Warned => "warned",
            Would::Refused => "refused",
            Would::Unclear => "unclear",
        },
        "moves": moves.collect::<Vec<_>>(),
        "reasons": reasons.collect::<Vec<_>>(),
    })
}
