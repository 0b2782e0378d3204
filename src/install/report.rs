//! What an installation did, as plain data for whoever prints it.

/// What became of one thing that has to be in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// It was in place already.
    Kept,
    /// It is in place now.
    Done,
    /// It would be put in place.
    Would,
}

/// One thing that has to be in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What became of it.
    pub state: StepState,
    /// What it is, one line, escaped.
    pub what: String,
}

/// What an installation did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Each thing, in the order in which it was put in place.
    pub steps: Vec<Step>,
    /// What a person should look at, one line each, escaped.
    pub warnings: Vec<String>,
    /// What to do next, one line each, escaped.
    pub next: Vec<String>,
}

impl Report {
    /// Whether anything was changed, or would be.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.steps.iter().any(|step| step.state != StepState::Kept)
    }

    /// Notes one thing.
    pub(in crate::install) fn step(&mut self, state: StepState, what: impl Into<String>) {
        self.steps.push(Step {
            state,
            what: what.into(),
        });
    }
}
