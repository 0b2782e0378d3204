//! Reading a file of scenarios: strict like the policy, by the same readers.

use super::Scenario;
use super::facts::{Change, Movement, Named, Someone, Told, commit_id, identity};
use crate::decide::Code;
use crate::policy::complaint::Complaints;
use crate::policy::fields::{self, At, Fields};
use crate::policy::yaml::{self, Node, Value, shown};
use crate::policy::{Fault, POLICY_REF, Policy, PolicyErrors, Position, span, text};
use crate::types::{PersonName, RefName, RepoPath, Seconds, Timestamp, escape};
use std::collections::{BTreeMap, BTreeSet};

/// The most items of one list.
const MAX_ITEMS: usize = 1000;

/// What the time is where a scenario does not say: a Thursday, at noon.
const USUAL_TIME: i64 = 1_768_478_400;

/// Reads the whole file.
pub(super) fn scenarios(
    bytes: &[u8],
    file_name: &str,
    policy: &Policy,
) -> Result<Vec<Scenario>, PolicyErrors> {
    let mut complaints = Complaints::about(file_name);
    let mut reader = Reader {
        policy,
        complaints: &mut complaints,
    };
    let read = reader.file(bytes);
    complaints.judge(read)
}

pub(super) struct Reader<'a> {
    pub(super) policy: &'a Policy,
    pub(super) complaints: &'a mut Complaints,
}

/// The commits of a scenario, and what it calls them.
#[derive(Default)]
pub(super) struct Commits {
    pub(super) all: Vec<Change>,
    names: Vec<String>,
}

impl Commits {
    fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|own| own == name)
    }
}

impl Reader<'_> {
    fn file(&mut self, bytes: &[u8]) -> Option<Vec<Scenario>> {
        let text = text::read(bytes, self.complaints)?;
        let root = yaml::read(text, self.complaints)?;
        let what = ("the file", Position::START);
        let known = ["version", "scenarios"];
        let fields = Fields::read(&root, what, "the file", &known, self.complaints)?;
        fields.required("version", self.complaints, |node, what, complaints| {
            fields::number(node, what, 1..=1, complaints)
        });
        let node = fields.need("scenarios", self.complaints)?;
        let list = fields::list(node, "scenarios", MAX_ITEMS, self.complaints)?;
        let mut names = BTreeSet::new();
        let mut all = Vec::new();
        for item in list {
            let scenario = self.scenario(item);
            let scenario = self.complaints.explained(item.at, scenario);
            if let Some(scenario) = scenario {
                if !names.insert(scenario.name.clone()) {
                    let value = scenario.name.clone();
                    self.complaints.add(item.at, Fault::ListedTwice { value });
                }
                all.push(scenario);
            }
        }
        Some(all)
    }

    fn scenario(&mut self, node: &Node) -> Option<Scenario> {
        const KNOWN: [&str; 15] = [
            "name",
            "ref",
            "at",
            "move",
            "pusher",
            "commits",
            "approvals",
            "objections",
            "delegations",
            "checks",
            "emergencies",
            "earlier_emergencies",
            "rollbacks",
            "expect",
            "warns",
        ];
        const MOVES: [(&str, Movement); 5] = [
            ("forward", Movement::Forward),
            ("new", Movement::New),
            ("forced", Movement::Forced),
            ("back", Movement::Back),
            ("deletion", Movement::Deletion),
        ];
        let what = ("scenarios", node.at);
        let fields = Fields::read(node, what, "a scenario", &KNOWN, self.complaints)?;
        let name = fields.required("name", self.complaints, fields::text);
        let refname = fields
            .need("ref", self.complaints)
            .and_then(|node| self.refname(node));
        let time = self.optional(&fields, "at", Self::time)?;
        let movement = fields.optional("move", self.complaints, |node, what, complaints| {
            fields::choice(node, what, &MOVES, complaints)
        });
        let movement = movement.unwrap_or(Movement::Forward);
        let pusher = self.optional(&fields, "pusher", Self::someone)?;
        let commits = match movement {
            Movement::Deletion | Movement::Back => Commits::default(),
            Movement::Forward | Movement::New | Movement::Forced => {
                let node = fields.need("commits", self.complaints)?;
                self.commits(node)?
            }
        };
        let said = self.all_said(&fields, &commits)?;
        let deputies = self.optional(&fields, "delegations", Self::delegations)?;
        let earlier = self.optional(&fields, "earlier_emergencies", Self::earlier)?;
        let expected = fields.need("expect", self.complaints)?;
        let (codes, emergency) = self.expected(expected)?;
        let warned = self.optional(&fields, "warns", Self::codes)?;
        let told = Told {
            refname: refname?,
            time: time.unwrap_or(Timestamp::from_unix(USUAL_TIME)),
            movement,
            pusher,
            commits: commits.all,
            said,
            deputies: deputies.unwrap_or_default(),
            earlier: earlier.unwrap_or_default(),
        };
        let numbered = commits.names.into_iter().enumerate();
        let named = numbered.filter_map(|(place, name)| Some((commit_id(place).ok()?, name)));
        Some(Scenario {
            name: escape(name?.value.as_bytes()),
            at: node.at,
            expected_at: expected.at,
            expected: codes,
            emergency,
            warned: warned.unwrap_or_default(),
            facts: told.facts(self.policy).ok()?,
            commits: named.collect::<BTreeMap<_, _>>(),
        })
    }

    /// What stands under a key that may be absent; `None` where what stands there is wrong.
    pub(super) fn optional<T>(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        read: impl FnOnce(&mut Self, &Node, &str) -> Option<T>,
    ) -> Option<Option<T>> {
        match fields.get(key) {
            None => Some(None),
            Some(entry) => read(self, &entry.value, key).map(Some),
        }
    }

    pub(super) fn wrong(&mut self, at: Position, what: &str, why: impl Into<String>) {
        let (what, why) = (what.to_owned(), why.into());
        self.complaints.add(at, Fault::Value { what, why });
    }

    pub(super) fn refname(&mut self, node: &Node) -> Option<RefName> {
        let text = fields::text(node, "ref", self.complaints)?;
        let full = match text.value.starts_with("refs/") {
            true => text.value.clone(),
            false => format!("refs/heads/{}", text.value),
        };
        match RefName::new(full.as_bytes()) {
            Ok(name) if name.is_under("refs/relhook/") && full != POLICY_REF => {
                self.wrong(node.at, "ref", "relhook governs its own refs itself");
                None
            }
            Ok(name) => Some(name),
            Err(error) => {
                let why = format!("`{}` is no ref name: it {}", error.shown, error.why);
                self.wrong(node.at, "ref", why);
                None
            }
        }
    }

    pub(super) fn time(&mut self, node: &Node, what: &str) -> Option<Timestamp> {
        let text = fields::text(node, what, self.complaints)?;
        match text.value.parse() {
            Ok(time) => Some(time),
            Err(error) => {
                let error: crate::types::TimestampError = error;
                self.wrong(node.at, what, error.to_string());
                None
            }
        }
    }

    /// A person of the policy.
    pub(super) fn person(&mut self, node: &Node, what: &str) -> Option<PersonName> {
        let text = fields::text(node, what, self.complaints)?;
        let name = PersonName::new(&*text.value);
        if self.policy.people.contains_key(&name) {
            return Some(name);
        }
        let name = shown(&text.value);
        let kind = "person";
        self.complaints.add(node.at, Fault::Unknown { kind, name });
        None
    }

    /// A person of the policy, `nobody` or `stranger`.
    fn someone(&mut self, node: &Node, what: &str) -> Option<Someone> {
        let text = fields::text(node, what, self.complaints)?;
        let known = self
            .policy
            .people
            .contains_key(&PersonName::new(&*text.value));
        match text.value.as_str() {
            "nobody" if !known => Some(Someone::Nobody),
            "stranger" if !known => Some(Someone::Stranger),
            _name => self.person(node, what).map(Someone::Person),
        }
    }

    /// A person of the policy, or a name and an address as a commit has them.
    fn named(&mut self, node: &Node, what: &str) -> Option<Named> {
        let text = fields::text(node, what, self.complaints)?;
        let Some((_, rest)) = text.value.split_once('<') else {
            let name = self.person(node, what)?;
            return self.policy.people.get(&name).map(identity);
        };
        let owner = rest
            .strip_suffix('>')
            .and_then(|email| self.policy.owner_of_email(email.as_bytes()));
        Some(Named {
            identity: escape(text.value.as_bytes()),
            owner: owner.map(|person| person.name.clone()),
        })
    }

    pub(super) fn several<T>(
        &mut self,
        node: &Node,
        what: &str,
        mut read: impl FnMut(&mut Self, &Node) -> Option<T>,
    ) -> Option<Vec<T>> {
        let list = fields::list(node, what, MAX_ITEMS, self.complaints)?;
        list.iter().map(|item| read(self, item)).collect()
    }

    fn commits(&mut self, node: &Node) -> Option<Commits> {
        let list = fields::list(node, "commits", MAX_ITEMS, self.complaints)?;
        let mut commits = Commits::default();
        for item in list {
            let (name, change) = self.commit(item, commits.all.len() + 1)?;
            if commits.place(&name).is_some() {
                self.complaints
                    .add(item.at, Fault::ListedTwice { value: name });
                return None;
            }
            commits.names.push(name);
            commits.all.push(change);
        }
        Some(commits)
    }

    fn commit(&mut self, node: &Node, number: usize) -> Option<(String, Change)> {
        const KNOWN: [&str; 10] = [
            "id",
            "author",
            "committer",
            "co_authors",
            "signed",
            "first_pushed_by",
            "paths",
            "adds",
            "approves",
            "tickets",
        ];
        let what = ("commits", node.at);
        let fields = Fields::read(node, what, "a commit", &KNOWN, self.complaints)?;
        let id = fields.optional("id", self.complaints, fields::text);
        let author = fields.need("author", self.complaints)?;
        let author = self.named(author, "author")?;
        let change = Change {
            author,
            committer: self.optional(&fields, "committer", Self::named)?,
            co_authors: self
                .optional(&fields, "co_authors", |reader, node, what| {
                    reader.several(node, what, |reader, item| reader.named(item, what))
                })?
                .unwrap_or_default(),
            signed: self.signed(&fields)?,
            first_pushed_by: self.optional(&fields, "first_pushed_by", Self::person)?,
            paths: self.paths(&fields)?,
            approves: fields
                .optional("approves", self.complaints, fields::truth)
                .unwrap_or_default(),
            tickets: self
                .optional(&fields, "tickets", Self::texts)?
                .unwrap_or_default(),
        };
        let name = id.map_or_else(|| number.to_string(), |id| shown(&id.value));
        Some((name, change))
    }

    /// Who signed a commit: somebody who has a key, where that is said.
    fn signed(&mut self, fields: &Fields<'_>) -> Option<Option<Someone>> {
        let signed = self.optional(fields, "signed", Self::someone)?;
        if let (Some(Someone::Person(name)), Some(entry)) = (&signed, fields.get("signed")) {
            self.needs_key(name, entry.value.at, "signed")?;
        }
        Some(signed)
    }

    pub(super) fn needs_key(&mut self, name: &PersonName, at: Position, what: &str) -> Option<()> {
        let person = self.policy.people.get(name);
        if person.is_some_and(|person| !person.keys.is_empty()) {
            return Some(());
        }
        self.wrong(at, what, format!("the policy has no key of `{name}`"));
        None
    }

    /// The paths that a commit changes. That it changes none has to be said, so that nobody forgets it.
    fn paths(&mut self, fields: &Fields<'_>) -> Option<Vec<RepoPath>> {
        if let Some(entry) = fields.get("adds") {
            let nothing = [("nothing", ())];
            fields::choice(&entry.value, "adds", &nothing, self.complaints)?;
            return match fields.get("paths") {
                None => Some(Vec::new()),
                Some(paths) => {
                    self.wrong(paths.key_at, "paths", "it adds nothing");
                    None
                }
            };
        }
        let Some(entry) = fields.get("paths") else {
            let (key, place) = ("paths", "a commit".to_owned());
            let hint = "write `adds: nothing` for a commit that changes nothing";
            let fault = Fault::MissingKey { key, place };
            self.complaints.hinted(fields.at(), fault, hint);
            return None;
        };
        self.several(&entry.value, "paths", |reader, item| {
            let path = fields::text(item, "paths", reader.complaints)?;
            Some(RepoPath::new(path.value.into_bytes()))
        })
    }

    /// A commit of the scenario: by its id, or by its number where it has none.
    pub(super) fn place(&mut self, node: &Node, what: &str, commits: &Commits) -> Option<usize> {
        let name = match &node.value {
            // A number is what most are called.
            Value::Scalar(scalar) => scalar.text.clone(),
            Value::List(_) | Value::Map(_) | Value::Faulty => {
                fields::text(node, what, self.complaints)?.value
            }
        };
        let place = commits.place(&name);
        if place.is_none() {
            let (kind, name) = ("commit", shown(&name));
            self.complaints.add(node.at, Fault::Unknown { kind, name });
        }
        place
    }

    pub(super) fn age(&mut self, node: &Node, what: &str) -> Option<Seconds> {
        let text: At<String> = fields::text(node, what, self.complaints)?;
        match span(&text.value) {
            Ok(age) => Some(age),
            Err(why) => {
                self.wrong(node.at, what, why);
                None
            }
        }
    }

    fn codes(&mut self, node: &Node, what: &str) -> Option<BTreeSet<Code>> {
        let codes = self.several(node, what, |reader, item| {
            let text = fields::text(item, what, reader.complaints)?;
            match text.value.parse::<Code>() {
                Ok(code) => Some(code),
                Err(error) => {
                    reader.wrong(item.at, what, error.to_string());
                    None
                }
            }
        })?;
        Some(codes.into_iter().collect())
    }

    /// `accepted`, `emergency` or the codes of the refusal; whether it is the second.
    fn expected(&mut self, node: &Node) -> Option<(BTreeSet<Code>, bool)> {
        match &node.value {
            Value::List(_) => Some((self.codes(node, "expect")?, false)),
            Value::Scalar(_) | Value::Map(_) | Value::Faulty => {
                let accepted = [("accepted", false), ("emergency", true)];
                let emergency = fields::choice(node, "expect", &accepted, self.complaints)?;
                Some((BTreeSet::new(), emergency))
            }
        }
    }
}
