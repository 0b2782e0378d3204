//! `relhook people import`: a policy's people, out of lists and histories from elsewhere.

use super::{Answer, Failure};
use crate::facts::Store;
use crate::people::import::{Gathered, History, Merge, Outcome, Stranger, Twin, history, propose};
use crate::people::{Proposal, yaml};
use crate::policy::MAX_POLICY_BYTES;
use crate::types::{Oid, RefName, escape};
use crate::ui;
use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The most branches that are walked.
const MAX_BRANCHES: usize = 10_000;

/// What can be done with people.
#[derive(Debug, Subcommand)]
pub enum PeopleCommand {
    /// Propose people from an authors file, a mailmap, a table and the history
    Import(ImportArgs),
}

/// What `relhook people import` is asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
The proposal goes to standard output, what there is to say about it to standard error.
Exit codes: 0 a proposal without open questions; 1 somebody may be there twice, or a list
contradicts the policy; 2 usage; 3 something cannot be read.")]
pub struct ImportArgs {
    /// An authors file of git-svn or git-tfs: `user = Full Name <address>`
    #[arg(long, value_name = "FILE")]
    svn_authors: Option<PathBuf>,
    /// A git mailmap
    #[arg(long, value_name = "FILE")]
    mailmap: Option<PathBuf>,
    /// A table with the columns person, name, email, login, ssh_key, openpgp, x509
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// The identities in the repository's history: of a branch or commit, or of all branches
    #[arg(long, value_name = "REV", num_args = 0..=1)]
    history: Option<Option<String>>,
    /// The policy file to start from, instead of the policy in force
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// These two are one person: each a person of the policy, an address or an account
    #[arg(long, value_name = "ONE=OTHER")]
    merge: Vec<String>,
    /// Propose whom only the history names, too
    #[arg(long)]
    add_strangers: bool,
    /// Take people for two although they look like one
    #[arg(long)]
    allow_twins: bool,
    /// Answer as JSON (relhook/people-import/v1)
    #[arg(long)]
    json: bool,
    /// Write the people into this policy file, or their section into a new file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl PeopleCommand {
    /// Runs it.
    ///
    /// # Errors
    /// When a list, the history or the policy cannot be read.
    pub fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        match self {
            Self::Import(args) => args.run(dir),
        }
    }
}

impl ImportArgs {
    fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        let (policy, gathered, walked) = self.gather(dir)?;
        let merges: Vec<Merge> = self.merge.iter().cloned().map(Merge).collect();
        let outcome = propose(&policy, gathered, &merges, self.add_strangers)?;
        let settled =
            outcome.conflicts.is_empty() && (self.allow_twins || outcome.twins.is_empty());
        let text = yaml::write(&outcome.proposal)?;
        if settled && let Some(file) = &self.output {
            self.write(file, &outcome.proposal, &text)?;
        }
        let shown = if self.json {
            answer(&outcome, &walked, settled, &text)
        } else {
            ui::emit_error(&ui::imported(&outcome, &walked, self.allow_twins));
            match &self.output {
                Some(_) => String::new(),
                None => text,
            }
        };
        Ok(if settled {
            Answer::pass(shown)
        } else {
            Answer::refused(shown)
        })
    }

    fn gather(&self, dir: &Path) -> anyhow::Result<(Proposal, Gathered, History)> {
        let mut gathered = Gathered::default();
        if let Some(file) = &self.csv {
            gathered.table(file)?;
        }
        if let Some(file) = &self.mailmap {
            gathered.mailmap(file)?;
        }
        if let Some(file) = &self.svn_authors {
            gathered.svn_authors(file)?;
        }
        let lists = self.csv.is_some() || self.mailmap.is_some() || self.svn_authors.is_some();
        if !lists && self.history.is_none() {
            let message = "nothing to read: name --svn-authors, --mailmap, --csv or --history";
            return Err(Failure::usage(message));
        }
        let store = Store::open(dir);
        let policy = self.policy(store.as_ref().ok())?;
        let mut walked = History::default();
        if let Some(rev) = &self.history {
            let store = store?;
            walked = history(&store, &tips(&store, rev.as_deref())?)?;
            gathered.records.append(&mut walked.records);
        }
        Ok((policy, gathered, walked))
    }

    /// Who is there already.
    fn policy(&self, store: Option<&Store>) -> anyhow::Result<Proposal> {
        if let Some(file) = &self.policy {
            let text = read(file)?;
            return yaml::people_of(&text).with_context(|| name(file));
        }
        let in_force = store.map(Store::policy).transpose()?.flatten();
        Ok(in_force
            .map(|(_, bundle)| Proposal::of(&bundle.policy))
            .map(|mut all| {
                all.teams = None;
                all
            })
            .unwrap_or_default())
    }

    fn write(&self, file: &Path, proposal: &Proposal, section: &str) -> anyhow::Result<()> {
        let base = if file.exists() {
            Some(file)
        } else {
            self.policy.as_deref()
        };
        let text = match base {
            Some(base) => yaml::replace(&read(base)?, proposal).with_context(|| name(base))?,
            None => section.to_owned(),
        };
        let folder = file
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let mut written = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        written.write_all(text.as_bytes())?;
        if let Ok(there) = std::fs::metadata(file) {
            written.as_file().set_permissions(there.permissions())?;
        }
        written.as_file().sync_all()?;
        written
            .persist(file)
            .with_context(|| format!("{} cannot be written", name(file)))?;
        Ok(())
    }
}

fn name(file: &Path) -> String {
    escape(file.as_os_str().as_bytes())
}

fn read(file: &Path) -> anyhow::Result<String> {
    let failed = || format!("{} cannot be read", name(file));
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).with_context(failed)?;
    opened
        .take(MAX_POLICY_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(failed)?;
    String::from_utf8(bytes)
        .ok()
        .with_context(|| format!("{} is not UTF-8", name(file)))
}

/// The commits from which the history is walked.
fn tips(store: &Store, rev: Option<&str>) -> anyhow::Result<Vec<Oid>> {
    let Some(rev) = rev else {
        let mut tips = Vec::new();
        for folder in ["refs/heads/", "refs/remotes/"] {
            let refs = branches(store, folder)?;
            tips.extend(refs);
        }
        return Ok(tips);
    };
    if let Ok(oid) = rev.parse::<Oid>() {
        return Ok(vec![oid]);
    }
    for folder in ["", "refs/heads/", "refs/remotes/"] {
        let Ok(refname) = RefName::new(format!("{folder}{rev}").as_bytes()) else {
            continue;
        };
        if let crate::facts::Current::At(oid) = store.current(&refname)? {
            return Ok(vec![oid]);
        }
    }
    let rev = escape(rev.as_bytes());
    Err(Failure::usage(format!(
        "`{rev}` is no branch, no ref and no whole commit id here"
    )))
}

/// The branches below a folder; symbolic ones name another.
fn branches(store: &Store, folder: &str) -> anyhow::Result<Vec<Oid>> {
    let mut names: Vec<Vec<u8>> = store
        .names_below(folder.as_bytes(), MAX_BRANCHES)?
        .into_iter()
        .collect();
    names.sort();
    let mut tips = Vec::new();
    for name in names {
        let name = RefName::new(&[folder.as_bytes(), &name].concat())?;
        if let crate::facts::Current::At(oid) = store.current(&name)? {
            tips.push(oid);
        }
    }
    Ok(tips)
}

/// The answer as JSON, described in docs/json.md.
fn answer(outcome: &Outcome, walked: &History, settled: bool, yaml: &str) -> String {
    let stranger =
        |Stranger(place): &Stranger| {
            outcome.people.get(*place).map(|one| json!({
        "names": one.names.iter().map(|name| escape(name.as_bytes())).collect::<Vec<_>>(),
        "emails": one.human.entry.emails,
        "times": one.times(),
        "settle": ui::gives(&one.handle()),
    }))
        };
    let answer = json!({
        "schema": "relhook/people-import/v1",
        "settled": settled,
        "people": outcome.people.iter().filter(|one| outcome.proposal.people.contains_key(&one.name)).map(person).collect::<Vec<_>>(),
        "twins": outcome.twins.iter().filter_map(|one| twin(one, outcome)).collect::<Vec<_>>(),
        "unowned": outcome.strangers.iter().filter_map(stranger).collect::<Vec<_>>(),
        "conflicts": outcome.conflicts,
        "notes": outcome.notes,
        "history": {
            "commits": walked.commits,
            "unreadable": walked.unreadable,
            "first_unreadable": walked.example.as_ref().map(|(oid, _)| oid.to_string()),
            "why": walked.example.as_ref().map(|(_, why)| why),
            "unclear_co_authors": walked.unclear,
        },
        "yaml": yaml,
    });
    format!("{answer:#}\n")
}

fn person(one: &crate::people::import::Suggested) -> Value {
    json!({
        "person": one.name.as_str(),
        "name": one.human.entry.full_name,
        "emails": one.human.entry.emails,
        "logins": one.human.entry.logins,
        "keys": one.human.entry.keys,
        "known": !one.known.is_empty(),
        "times": one.times(),
        "origins": one.origins.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn twin(twin: &Twin, outcome: &Outcome) -> Option<Value> {
    let (one, other) = (outcome.person(twin.one)?, outcome.person(twin.other)?);
    Some(json!({
        "one": escape(one.handle().as_bytes()),
        "other": escape(other.handle().as_bytes()),
        "why": twin.why,
        "settle": ui::merges(&one.handle(), &other.handle()),
    }))
}
