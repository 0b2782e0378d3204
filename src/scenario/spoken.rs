//! Reading what a scenario tells that people and machines have said.

use super::read::{Commits, Reader};
use super::said::{Earlier, Named, Said, Speaker};
use crate::policy::fields::{self, Fields};
use crate::policy::yaml::{Node, shown};
use crate::policy::{Fault, PathGlobs, Position};
use crate::statement::{CheckResult, Decision, Particulars};
use crate::types::{CheckName, MachineName, PersonName, Seconds, WindowName};

/// How long ago deputies were named, where that is not said: what they approved came later.
const USUAL_AGE: Seconds = Seconds(24 * 60 * 60);

impl Reader<'_> {
    /// Everything that was said about the commits.
    pub(super) fn all_said(&mut self, fields: &Fields<'_>, commits: &Commits) -> Option<Vec<Said>> {
        let mut all = self.said(fields, "approvals", |reader, item| {
            reader.approval(item, commits)
        })?;
        all.extend(self.said(fields, "objections", |reader, item| {
            reader.objection(item, commits)
        })?);
        all.extend(self.said(fields, "emergencies", |reader, item| {
            reader.emergency(item, commits)
        })?);
        all.extend(self.said(fields, "rollbacks", |reader, item| {
            reader.rollback(item, commits)
        })?);
        all.extend(self.said(fields, "checks", |reader, item| reader.check(item, commits))?);
        Some(all)
    }

    /// What stands under a key that may be absent.
    fn said(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        read: impl FnMut(&mut Self, &Node) -> Option<Said>,
    ) -> Option<Vec<Said>> {
        match fields.get(key) {
            Some(entry) => self.several(&entry.value, key, read),
            None => Some(Vec::new()),
        }
    }

    fn approval(&mut self, node: &Node, commits: &Commits) -> Option<Said> {
        const KNOWN: [&str; 9] = [
            "by",
            "of",
            "since",
            "age",
            "ref",
            "withdrawn",
            "ticket",
            "in_stead_of",
            "overrides",
        ];
        let what = ("approvals", node.at);
        let fields = Fields::read(node, what, "an approval", &KNOWN, self.complaints)?;
        let mut said = self.one_said(&fields, Decision::Approve, commits)?;
        said.particulars.ticket = self.text(&fields, "ticket");
        said.particulars.stead = self.optional(&fields, "in_stead_of", Self::person)?;
        let overrides = self.optional(&fields, "overrides", |reader, node, what| {
            reader.several(node, what, |reader, item| reader.window(item, what))
        })?;
        said.particulars.overrides = overrides.unwrap_or_default();
        Some(said)
    }

    fn objection(&mut self, node: &Node, commits: &Commits) -> Option<Said> {
        const KNOWN: [&str; 7] = [
            "by",
            "of",
            "since",
            "age",
            "ref",
            "withdrawn",
            "in_stead_of",
        ];
        let what = ("objections", node.at);
        let fields = Fields::read(node, what, "an objection", &KNOWN, self.complaints)?;
        let mut said = self.one_said(&fields, Decision::Reject, commits)?;
        said.particulars.stead = self.optional(&fields, "in_stead_of", Self::person)?;
        Some(said)
    }

    /// Somebody who declares an emergency for the last commit, or signs it too.
    fn emergency(&mut self, node: &Node, commits: &Commits) -> Option<Said> {
        const KNOWN: [&str; 5] = ["by", "age", "withdrawn", "ticket", "reason"];
        let what = ("emergencies", node.at);
        let fields = Fields::read(node, what, "an emergency", &KNOWN, self.complaints)?;
        let mut said = self.one_said(&fields, Decision::Emergency, commits)?;
        said.particulars.ticket = self.text(&fields, "ticket");
        said.reason = self.text(&fields, "reason");
        Some(said)
    }

    /// Somebody who says that the ref is to go back.
    fn rollback(&mut self, node: &Node, commits: &Commits) -> Option<Said> {
        const KNOWN: [&str; 3] = ["by", "age", "withdrawn"];
        let what = ("rollbacks", node.at);
        let fields = Fields::read(node, what, "a rollback", &KNOWN, self.complaints)?;
        self.one_said(&fields, Decision::Rollback, commits)
    }

    /// What a machine says.
    fn check(&mut self, node: &Node, commits: &Commits) -> Option<Said> {
        const KNOWN: [&str; 5] = ["by", "name", "result", "of", "age"];
        const RESULTS: [(&str, bool); 2] = [("pass", true), ("fail", false)];
        let what = ("checks", node.at);
        let fields = Fields::read(node, what, "a check", &KNOWN, self.complaints)?;
        let by = fields.need("by", self.complaints)?;
        let by = self.machine(by, "by")?;
        let name = fields.need("name", self.complaints)?;
        let name = self.check_name(name, "name")?;
        let result = fields.need("result", self.complaints)?;
        let passed = fields::choice(result, "result", &RESULTS, self.complaints)?;
        Some(Said {
            particulars: Particulars {
                check: Some(CheckResult { name, passed }),
                ..Particulars::default()
            },
            ..self.said_by(&fields, Decision::Check, Speaker::Machine(by), commits)?
        })
    }

    /// What somebody says with their key.
    fn one_said(
        &mut self,
        fields: &Fields<'_>,
        decision: Decision,
        commits: &Commits,
    ) -> Option<Said> {
        let by = self.signer(fields, "by")?;
        self.said_by(fields, decision, Speaker::Person(by), commits)
    }

    fn said_by(
        &mut self,
        fields: &Fields<'_>,
        decision: Decision,
        by: Speaker,
        commits: &Commits,
    ) -> Option<Said> {
        let place = |reader: &mut Self, node: &Node, what: &str| reader.place(node, what, commits);
        let of = self.optional(fields, "of", place)?;
        Some(Said {
            decision,
            by,
            of: of.unwrap_or(commits.all.len().saturating_sub(1)),
            since: self.optional(fields, "since", place)?,
            age: self
                .optional(fields, "age", Self::age)?
                .unwrap_or(Seconds(0)),
            refname: self.optional(fields, "ref", |reader, node, _| reader.refname(node))?,
            withdrawn: self.truth(fields, "withdrawn"),
            reason: None,
            particulars: Particulars::default(),
        })
    }

    /// Those who named a deputy.
    pub(super) fn delegations(&mut self, node: &Node, what: &str) -> Option<Vec<Named>> {
        self.several(node, what, Self::delegation)
    }

    fn delegation(&mut self, node: &Node) -> Option<Named> {
        const KNOWN: [&str; 7] = ["by", "to", "age", "from", "until", "paths", "withdrawn"];
        let what = ("delegations", node.at);
        let fields = Fields::read(node, what, "a delegation", &KNOWN, self.complaints)?;
        let to = fields.need("to", self.complaints)?;
        Some(Named {
            by: self.signer(&fields, "by")?,
            to: self.person(to, "to")?,
            age: self
                .optional(&fields, "age", Self::age)?
                .unwrap_or(USUAL_AGE),
            from: self.optional(&fields, "from", Self::time)?,
            until: self.optional(&fields, "until", Self::time)?,
            paths: self
                .optional(&fields, "paths", |reader, node, what| {
                    reader.several(node, what, |reader, item| reader.glob(item, what))
                })?
                .unwrap_or_default(),
            withdrawn: self.truth(&fields, "withdrawn"),
        })
    }

    /// The emergencies that let something in before.
    pub(super) fn earlier(&mut self, node: &Node, what: &str) -> Option<Vec<Earlier>> {
        self.several(node, what, |reader, item| {
            const KNOWN: [&str; 3] = ["by", "age", "reviewed"];
            let what = ("earlier_emergencies", item.at);
            let fields = Fields::read(item, what, "an emergency", &KNOWN, reader.complaints)?;
            let age = fields.need("age", reader.complaints)?;
            Some(Earlier {
                by: reader.signer(&fields, "by")?,
                age: reader.age(age, "age")?,
                reviewed: reader.truth(&fields, "reviewed"),
            })
        })
    }

    /// A person who has a key.
    fn signer(&mut self, fields: &Fields<'_>, key: &'static str) -> Option<PersonName> {
        let node = fields.need(key, self.complaints)?;
        let name = self.person(node, key)?;
        self.needs_key(&name, node.at, key)?;
        Some(name)
    }

    fn truth(&mut self, fields: &Fields<'_>, key: &str) -> bool {
        let truth = fields.optional(key, self.complaints, fields::truth);
        truth.unwrap_or_default()
    }

    fn text(&mut self, fields: &Fields<'_>, key: &str) -> Option<String> {
        let text = fields.optional(key, self.complaints, fields::text);
        text.map(|text| text.value)
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, node: &Node, what: &str) -> Option<Vec<String>> {
        self.several(node, what, |reader, item| {
            let text = fields::text(item, what, reader.complaints)?;
            Some(text.value)
        })
    }

    fn unknown<T>(&mut self, at: Position, kind: &'static str, name: &str) -> Option<T> {
        let name = shown(name);
        self.complaints.add(at, Fault::Unknown { kind, name });
        None
    }

    fn window(&mut self, node: &Node, what: &str) -> Option<WindowName> {
        let text = fields::text(node, what, self.complaints)?;
        let name = WindowName::new(text.value.as_str());
        let calendar = &self.policy.calendar;
        match calendar.windows.contains_key(&name) || calendar.freezes.contains_key(&name) {
            true => Some(name),
            false => self.unknown(node.at, "window", &text.value),
        }
    }

    fn machine(&mut self, node: &Node, what: &str) -> Option<MachineName> {
        let text = fields::text(node, what, self.complaints)?;
        let name = MachineName::new(text.value.as_str());
        match self.policy.machines.contains_key(&name) {
            true => Some(name),
            false => self.unknown(node.at, "machine", &text.value),
        }
    }

    fn check_name(&mut self, node: &Node, what: &str) -> Option<CheckName> {
        let text = fields::text(node, what, self.complaints)?;
        let name = CheckName::new(text.value.as_str());
        let mut machines = self.policy.machines.values();
        match machines.any(|machine| machine.checks.contains(&name)) {
            true => Some(name),
            false => self.unknown(node.at, "check", &text.value),
        }
    }

    fn glob(&mut self, node: &Node, what: &str) -> Option<String> {
        let text = fields::text(node, what, self.complaints)?;
        match PathGlobs::check(&text.value) {
            Ok(()) => Some(text.value),
            Err(error) => {
                self.wrong(node.at, what, error.to_string());
                None
            }
        }
    }
}
