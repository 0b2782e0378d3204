//! What the YAML says: every key known, every value of the right kind, each with its place. Names
//! are not resolved here.

mod audit;
mod calendar;
mod emergency;
mod machines;
mod notify;
mod people;
mod rules;
mod stages;
mod streams;
mod targets;

use audit::AuditEntry;
pub(super) use calendar::{FreezeEntry, WindowEntry};
pub(super) use emergency::EmergencyEntry;
pub(super) use machines::MachineEntry;
pub(crate) use notify::is_plain_https;

use super::complaint::Complaints;
use super::fields::{self, At, Fields};
use super::identity::{IdentitySource, Known};
use super::model::{Attribution, Enforce, Independence, Releaser};
use super::notify::Notifier;
use super::stages::Distinct;
use super::targets::Target;
use super::ticket::TicketRule;
use super::yaml::{Entry, Node, Value, shown};
use super::{Fault, Position, key::Key, values};
use crate::types::{Oid, Seconds};

/// The most entries of one kind.
const MAX_ENTRIES: usize = 1000;
/// The most items of one list.
const MAX_ITEMS: usize = 1000;

/// What a policy file says.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) repository: Option<String>,
    pub(super) identity: Option<IdentitySource>,
    pub(super) people: Vec<Named<PersonEntry>>,
    pub(super) teams: Vec<Named<Vec<At<String>>>>,
    pub(super) machines: Vec<Named<MachineEntry>>,
    pub(super) branches: Vec<Named<BranchEntry>>,
    /// Where `branches` stands, for what is missing in it; nothing where it could not be read.
    pub(super) branches_at: Option<Position>,
    pub(super) windows: Vec<Named<Option<WindowEntry>>>,
    pub(super) freezes: Vec<Named<Option<FreezeEntry>>>,
    pub(super) targets: Vec<Named<Option<Target>>>,
    /// In their order.
    pub(super) stages: Vec<StageEntry>,
    /// The stage that each target names.
    pub(super) staged: Vec<StagedEntry>,
    pub(super) notify: Vec<Named<Option<Notifier>>>,
    /// Nothing where it could not be read.
    pub(super) audit: Option<AuditEntry>,
}

/// One item of `stages`.
#[derive(Debug)]
pub(super) struct StageEntry {
    pub(super) name: At<String>,
    pub(super) after: Option<Seconds>,
    pub(super) lift: Vec<At<String>>,
    pub(super) lifter: Option<At<Distinct>>,
}

/// A target and the stage that it names, if it names one.
#[derive(Debug)]
pub(super) struct StagedEntry {
    pub(super) target: At<String>,
    pub(super) stage: Option<At<String>>,
}

/// An entry under a name of the policy's own.
#[derive(Debug)]
pub(super) struct Named<T> {
    pub(super) name: String,
    pub(super) at: Position,
    pub(super) entry: T,
}

/// One entry of `people`.
#[derive(Debug, Default)]
pub(super) struct PersonEntry {
    pub(super) full_name: Option<String>,
    pub(super) disabled: bool,
    pub(super) emails: Vec<At<String>>,
    pub(super) logins: Vec<At<String>>,
    pub(super) keys: Vec<At<Key>>,
    /// Whether keys are written at all, readable or not.
    pub(super) has_keys: bool,
}

impl From<&PersonEntry> for Known {
    fn from(entry: &PersonEntry) -> Self {
        Self {
            login: !entry.logins.is_empty(),
            // A key that could not be read may have been one.
            ssh_key: entry.has_keys
                && (entry.keys.is_empty() || entry.keys.iter().any(|key| key.value.ssh.is_some())),
            key: entry.has_keys,
        }
    }
}

/// One entry of `branches`.
#[derive(Debug, Default)]
pub(super) struct BranchEntry {
    pub(super) demand: DemandEntry,
    pub(super) expire: Option<Seconds>,
    pub(super) independence: Option<Independence>,
    pub(super) attribution: Option<At<Attribution>>,
    pub(super) push: Option<At<Vec<At<String>>>>,
    pub(super) paths: Vec<PathEntry>,
    pub(super) baseline: Option<Oid>,
    pub(super) release: Vec<At<String>>,
    pub(super) emergency: Option<EmergencyEntry>,
    pub(super) windows: Vec<At<String>>,
    pub(super) freezes: Vec<At<String>>,
    pub(super) delegation: Option<DelegationEntry>,
    pub(super) rollback: Option<At<RollbackEntry>>,
    pub(super) enforce: Option<At<Enforce>>,
    pub(super) ticket: Option<TicketRule>,
    pub(super) checks: Vec<At<String>>,
    pub(super) releaser: Option<At<Releaser>>,
}

/// A rule's `delegation`.
#[derive(Debug)]
pub(super) struct DelegationEntry {
    /// Everybody whose approval counts under the rule, where it is left out.
    pub(super) by: Option<Vec<At<String>>>,
    pub(super) to: Vec<At<String>>,
    /// Where `to` stands, for what is wrong with it.
    pub(super) at: Position,
    pub(super) longest: Option<Seconds>,
}

/// A rule's `rollback`.
#[derive(Debug)]
pub(super) struct RollbackEntry {
    pub(super) by: Vec<At<String>>,
    pub(super) required: Option<At<u32>>,
}

/// How many of whom.
#[derive(Debug, Default)]
pub(super) struct DemandEntry {
    pub(super) required: Option<At<u32>>,
    pub(super) from: Vec<At<String>>,
}

/// One entry of a rule's `paths`.
#[derive(Debug, Default)]
pub(super) struct PathEntry {
    pub(super) patterns: Vec<At<String>>,
    pub(super) demand: DemandEntry,
}

/// Reads the tree. Nothing where it is not a policy of a version that is known.
pub(super) fn read(root: &Node, complaints: &mut Complaints) -> Option<Document> {
    const KNOWN: [&str; 13] = [
        "version",
        "repository",
        "identity",
        "people",
        "teams",
        "machines",
        "branches",
        "windows",
        "freezes",
        "targets",
        "stages",
        "notify",
        "audit",
    ];
    version(root, complaints)?;
    let what = ("the policy", Position::START);
    let fields = Fields::read(root, what, "the policy", &KNOWN, complaints)?;
    let repository = fields.required("repository", complaints, |node, what, complaints| {
        checked(node, what, complaints, values::repository)
    });
    let people = fields.required("people", complaints, people::people);
    let teams = fields.required("teams", complaints, people::teams);
    let branches = fields.required("branches", complaints, rules::rules);
    let targets = fields.optional("targets", complaints, targets::targets);
    let staged = fields.get("targets").map(|entry| &entry.value);
    let staged = staged.map(|node| stages::staged(node, complaints));
    Some(Document {
        machines: fields
            .optional("machines", complaints, machines::machines)
            .unwrap_or_default(),
        windows: fields
            .optional("windows", complaints, calendar::windows)
            .unwrap_or_default(),
        freezes: fields
            .optional("freezes", complaints, calendar::freezes)
            .unwrap_or_default(),
        stages: fields
            .optional("stages", complaints, stages::stages)
            .unwrap_or_default(),
        staged: staged.unwrap_or_default(),
        notify: fields
            .optional("notify", complaints, notify::notifiers)
            .unwrap_or_default(),
        audit: match fields.get("audit") {
            None => Some(AuditEntry::default()),
            Some(entry) => audit::audit(entry, complaints),
        },
        repository: repository.map(|name| name.value),
        identity: identity(&fields, complaints),
        people: people.unwrap_or_default(),
        teams: teams.unwrap_or_default(),
        branches_at: match branches {
            Some(_) => fields.get("branches").map(|entry| entry.key_at),
            None => None,
        },
        branches: branches.unwrap_or_default(),
        targets: targets.unwrap_or_default(),
    })
}

/// The version comes first: what another version says cannot be told.
fn version(root: &Node, complaints: &mut Complaints) -> Option<()> {
    let entries = fields::mapping(root, "the policy", complaints)?;
    let Some(entry) = entries.iter().find(|entry| entry.key.text == "version") else {
        let (key, place) = ("version", "the policy".to_owned());
        let fault = Fault::MissingKey { key, place };
        complaints.hinted(Position::START, fault, "write `version: 1` first");
        return None;
    };
    let version = fields::number(&entry.value, "version", 0..=u32::MAX, complaints)?;
    if version.value == 1 {
        return Some(());
    }
    let why = format!("{} is not known to this relhook; it knows 1", version.value);
    let what = "version".to_owned();
    complaints.add(version.at, Fault::Value { what, why });
    None
}

fn identity(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<IdentitySource> {
    let Some(entry) = fields.get("identity") else {
        return Some(IdentitySource::None);
    };
    let what = ("identity", entry.key_at);
    let fields = Fields::read(&entry.value, what, "`identity`", &["source"], complaints)?;
    fields.required("source", complaints, source)
}

fn source(node: &Node, what: &str, complaints: &mut Complaints) -> Option<IdentitySource> {
    let text = fields::text(node, what, complaints)?;
    match IdentitySource::parse(&text.value) {
        Ok(source) => Some(source),
        Err((against, hint)) => {
            let why = format!("`{}` {against}", shown(&text.value));
            let what = shown(what);
            complaints.push(node.at, Fault::Value { what, why }, || hint);
            None
        }
    }
}

/// Text that passes a check.
fn checked(
    node: &Node,
    what: &str,
    complaints: &mut Complaints,
    check: impl FnOnce(&str) -> Result<(), String>,
) -> Option<At<String>> {
    read_as(node, what, complaints, |text| {
        check(text).map(|()| text.to_owned())
    })
}

/// Text under a key that may be absent; nothing where what stands there does not pass.
fn checked_text(
    fields: &Fields<'_>,
    key: &str,
    complaints: &mut Complaints,
    check: impl FnOnce(&str) -> Result<(), String>,
) -> Option<Option<String>> {
    match fields.get(key) {
        None => Some(None),
        Some(entry) => checked(&entry.value, key, complaints, check).map(|text| Some(text.value)),
    }
}

/// Text read as something else.
fn read_as<T>(
    node: &Node,
    what: &str,
    complaints: &mut Complaints,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Option<At<T>> {
    let text = fields::text(node, what, complaints)?;
    match read(&text.value) {
        Ok(value) => Some(At { value, at: node.at }),
        Err(against) => {
            let why = format!("`{}` {against}", shown(&text.value));
            let what = shown(what);
            complaints.add(node.at, Fault::Value { what, why });
            None
        }
    }
}

/// The items of a list, each read by `read`; the same one twice is a mistake.
fn items<'a, T>(
    node: &'a Node,
    what: &str,
    complaints: &mut Complaints,
    mut read: impl FnMut(&'a Node, &str, &mut Complaints) -> Option<At<T>>,
) -> Option<Vec<At<T>>> {
    let list = fields::list(node, what, MAX_ITEMS, complaints)?;
    let mut seen = std::collections::BTreeSet::new();
    let mut read_items = Vec::new();
    for item in list {
        if let Value::Scalar(scalar) = &item.value
            && !seen.insert(scalar.text.as_str())
        {
            let value = shown(&scalar.text);
            complaints.add(item.at, Fault::ListedTwice { value });
            continue;
        }
        let read = read(item, what, complaints);
        read_items.extend(complaints.explained(item.at, read));
    }
    Some(read_items)
}

/// A list of names, whatever they name.
fn names(node: &Node, what: &str, complaints: &mut Complaints) -> Option<Vec<At<String>>> {
    items(node, what, complaints, fields::text)
}

/// The entries of a mapping under names of the policy's own.
fn named<'a, T>(
    node: &'a Node,
    what: &str,
    complaints: &mut Complaints,
    mut read: impl FnMut(&'a Entry, &mut Complaints) -> T,
) -> Option<Vec<Named<T>>> {
    let entries = fields::mapping(node, what, complaints)?;
    if entries.len() > MAX_ENTRIES {
        let (what, limit) = ("entries in one mapping", MAX_ENTRIES);
        complaints.add(node.at, Fault::TooMany { what, limit });
        return None;
    }
    let read_one = |entry: &'a Entry| Named {
        name: entry.key.text.clone(),
        at: entry.key_at,
        entry: read(entry, complaints),
    };
    Some(entries.iter().map(read_one).collect())
}

/// Checks that a key is a name.
fn name(entry: &Entry, kind: &'static str, complaints: &mut Complaints) {
    if !fields::word(&entry.key, entry.key_at, complaints) {
        return;
    }
    if let Err(against) = values::name(&entry.key.text) {
        let why = format!("`{}` {against}", shown(&entry.key.text));
        let what = kind.to_owned();
        complaints.add(entry.key_at, Fault::Value { what, why });
    }
}
