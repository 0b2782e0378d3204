//! One push: what each of its updates is about, and everything known about it.

use super::content::Trees;
use super::delegations;
use super::graph::Graph;
use super::names::{About, Names};
use super::people::People;
use super::{ArrivingStatement, Current, Debt, Owing, PushFacts, Pusher, Sources, StatementFacts};
use super::{StatementOutcome, Subject, UpdateFacts};
use crate::policy::TicketPattern;
use crate::types::{Oid, RefChange, RefName};
use std::collections::HashMap;
use std::rc::Rc;

/// A gathering in progress, with what it has read so far.
pub(super) struct Gatherer<'a> {
    pub sources: Sources<'a>,
    pub pusher: Pusher,
    pub people: People<'a>,
    pub graph: Graph<'a>,
    pub trees: Trees<'a>,
    /// What change requests look like that the rules of the ref being read look for in messages.
    pub tickets: Vec<TicketPattern>,
    /// Commits in the ranges so far.
    pub commits_spent: usize,
    /// The stored statements that were read so far, by their commit.
    pub stored: HashMap<Oid, Rc<[StatementFacts]>>,
    /// What is remembered of the emergencies of refs whose ranges were read.
    pub emergencies: HashMap<RefName, Vec<Debt>>,
    /// What is owed, as far as it was gathered.
    pub owing: Vec<Owing>,
    /// Who was named a deputy, once that was read.
    pub named: Option<Rc<delegations::Named>>,
}

/// Gathers the facts about a push. It never fails: what could not be read says so, update by
/// update, and the decision refuses it.
#[must_use]
pub fn gather(
    sources: &Sources<'_>,
    pusher: Pusher,
    updates: Vec<(RefName, RefChange)>,
) -> PushFacts {
    let mut gatherer = Gatherer::over(sources, pusher.clone());
    let updates = gatherer.updates(updates);
    PushFacts {
        now: sources.now,
        pusher,
        updates,
        owing: gatherer.owing,
    }
}

/// What is owed for these refs, for whoever judges no push.
#[must_use]
pub fn gather_owing(sources: &Sources<'_>, refs: &[RefName]) -> PushFacts {
    let mut gatherer = Gatherer::over(sources, Pusher::NotAsked);
    for refname in refs {
        gatherer.owing_of_ref(refname);
    }
    PushFacts {
        now: sources.now,
        pusher: Pusher::NotAsked,
        updates: Vec::new(),
        owing: gatherer.owing,
    }
}

/// An update whose subject is not known yet.
struct Named {
    refname: RefName,
    change: RefChange,
    current: Current,
    about: About,
}

impl<'a> Gatherer<'a> {
    /// Nothing was read yet.
    pub(super) fn over(sources: &Sources<'a>, pusher: Pusher) -> Self {
        Self {
            sources: *sources,
            pusher,
            people: People::new(*sources),
            graph: Graph::new(sources.store),
            trees: Trees::new(sources.store),
            tickets: Vec::new(),
            commits_spent: 0,
            stored: HashMap::new(),
            emergencies: HashMap::new(),
            owing: Vec::new(),
            named: None,
        }
    }
}

impl Gatherer<'_> {
    /// Statements are read first: they may be about the commits that come with them.
    fn updates(&mut self, updates: Vec<(RefName, RefChange)>) -> Vec<UpdateFacts> {
        let names = Names::new(self.sources.policy);
        let named: Vec<Named> = updates
            .into_iter()
            .map(|(refname, change)| Named {
                current: self.current(&refname),
                about: names.about(&refname, &change),
                refname,
                change,
            })
            .collect();
        let mut outcomes: Vec<Option<StatementOutcome>> = named
            .iter()
            .map(|update| match update.about {
                About::Statement => Some(self.pushed_statement(&update.refname, &update.change)),
                About::Unprotected | About::Protected | About::Policy | About::Reserved => None,
            })
            .collect();
        let arriving: Vec<ArrivingStatement> = outcomes.iter().flatten().filter_map(read).collect();
        self.fill_withdrawn(&mut outcomes, &arriving);
        self.fill_earlier(&mut outcomes);
        let updates: Vec<UpdateFacts> = named
            .into_iter()
            .zip(outcomes)
            .map(|(named, outcome)| self.update(named, outcome, &arriving))
            .collect();
        // A ref that is pushed to comes first: only then can anything be taken back.
        for update in &updates {
            match &update.subject {
                Subject::Protected(_) => self.owing_of(&update.refname, &update.change, &arriving),
                Subject::Unprotected
                | Subject::Policy(..)
                | Subject::Statement(_)
                | Subject::Reserved => {}
            }
        }
        for update in &updates {
            match &update.subject {
                Subject::Statement(outcome) => self.owing_of_statement(outcome, &arriving),
                Subject::Unprotected
                | Subject::Policy(..)
                | Subject::Protected(_)
                | Subject::Reserved => {}
            }
        }
        updates
    }

    fn update(
        &mut self,
        named: Named,
        outcome: Option<StatementOutcome>,
        arriving: &[ArrivingStatement],
    ) -> UpdateFacts {
        let Named {
            refname,
            change,
            current,
            about,
        } = named;
        let subject = match (about, outcome) {
            (About::Statement, Some(outcome)) => Subject::Statement(outcome),
            (About::Reserved, _) | (About::Statement, None) => Subject::Reserved,
            (About::Unprotected, _) => Subject::Unprotected,
            (About::Protected, _) => {
                Subject::Protected(self.range(&refname, &change, &current, arriving))
            }
            (About::Policy, _) => Subject::Policy(
                self.range(&refname, &change, &current, arriving),
                self.proposed_policy(&change),
            ),
        };
        UpdateFacts {
            refname,
            change,
            current,
            subject,
        }
    }

    fn current(&self, name: &RefName) -> Current {
        match self.sources.store.current(name) {
            Ok(current) => current,
            Err(fault) => Current::Unreadable {
                why: fault.to_string(),
            },
        }
    }

    /// Finds out for each withdrawal whose statement it withdraws.
    fn fill_withdrawn(
        &mut self,
        outcomes: &mut [Option<StatementOutcome>],
        arriving: &[ArrivingStatement],
    ) {
        for outcome in outcomes.iter_mut().flatten() {
            let StatementOutcome::Read(read) = outcome else {
                continue;
            };
            match self.withdrawn_signer(&read.statement, arriving) {
                Ok(person) => read.withdrawn_signer = person,
                Err(fault) => *outcome = StatementOutcome::Fault(fault),
            }
        }
    }
}

fn read(outcome: &StatementOutcome) -> Option<ArrivingStatement> {
    match outcome {
        StatementOutcome::Read(read) => Some(read.clone()),
        StatementOutcome::MalformedName
        | StatementOutcome::NotATag { .. }
        | StatementOutcome::Malformed { .. }
        | StatementOutcome::Deletion
        | StatementOutcome::Fault(_) => None,
    }
}
