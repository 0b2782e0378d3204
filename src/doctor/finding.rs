//! What was found: one thing each.

/// How something stands; the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// The rule does not hold, or pushes fail.
    Error,
    /// It holds, and something is worth a look.
    Warning,
    /// It cannot be told from here.
    Unknown,
    /// It is as it has to be.
    Ok,
}

impl State {
    /// Its word: `error`, `warning`, `unknown`, `ok`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Ok => "ok",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Finding {
    /// The check's name, which stays.
    pub check: &'static str,
    /// How it stands.
    pub state: State,
    /// What was found, a sentence, escaped.
    pub what: String,
    /// What follows it, where that is what the audit log keeps beside its entries: shown only where that
    /// may be.
    pub kept: Option<String>,
    /// Commands that mend it, in this order, ready for a POSIX shell.
    pub mend: Vec<String>,
    /// What to do where no command does, or what to think of before one is run.
    pub advice: Option<String>,
}

impl Finding {
    /// It is as it has to be.
    pub fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, State::Ok, what)
    }

    /// It is worth a look.
    pub fn warning(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, State::Warning, what)
    }

    /// The rule does not hold, or pushes fail.
    pub fn error(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, State::Error, what)
    }

    /// It cannot be told.
    pub fn unknown(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, State::Unknown, what)
    }

    fn new(check: &'static str, state: State, what: impl Into<String>) -> Self {
        Self {
            check,
            state,
            what: what.into(),
            kept: None,
            mend: Vec::new(),
            advice: None,
        }
    }

    /// With one more command that mends it.
    pub fn mend(mut self, command: impl Into<String>) -> Self {
        self.mend.push(command.into());
        self
    }

    /// With what to do by hand.
    pub fn advice(mut self, text: impl Into<String>) -> Self {
        self.advice = Some(text.into());
        self
    }

    /// With what the log keeps beside its entries: an error, a reason.
    pub fn keeping(mut self, text: impl Into<String>) -> Self {
        self.kept = Some(text.into());
        self
    }

    /// Says what is kept, or `instead` of it.
    pub(in crate::doctor) fn disclose(&mut self, instead: Option<&str>) {
        if let Some(kept) = self.kept.take() {
            let text = instead.unwrap_or(&kept);
            self.what = format!("{}: {text}", self.what);
        }
    }

    /// All of it as one line.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = self.what.clone();
        for command in &self.mend {
            line.push_str(&format!("; run `{command}`"));
        }
        if let Some(advice) = &self.advice {
            line.push_str(&format!("; {advice}"));
        }
        line
    }
}

/// How many findings there are of each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Errors.
    pub error: usize,
    /// Warnings.
    pub warning: usize,
    /// What cannot be told.
    pub unknown: usize,
    /// What is as it has to be.
    pub ok: usize,
}

impl Counts {
    /// Counts them.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        let count = |state| findings.iter().filter(|one| one.state == state).count();
        Self {
            error: count(State::Error),
            warning: count(State::Warning),
            unknown: count(State::Unknown),
            ok: count(State::Ok),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_fits_on_a_line() {
        let finding = Finding::warning("x", "it is so")
            .mend("a")
            .mend("b")
            .advice("look");
        assert_eq!(finding.line(), "it is so; run `a`; run `b`; look");
        assert_eq!(Counts::of(&[finding]).warning, 1);
        assert!(State::Error < State::Ok);
    }

    #[test]
    fn what_is_kept_is_said_when_that_may_be() {
        let finding = Finding::warning("x", "it failed").keeping("no route to host");
        assert_eq!(finding.line(), "it failed");
        for (instead, said) in [
            (None, "it failed: no route to host"),
            (Some("not shown"), "it failed: not shown"),
        ] {
            let mut finding = finding.clone();
            finding.disclose(instead);
            assert_eq!(finding.line(), said);
            finding.disclose(Some("again"));
            assert_eq!(finding.line(), said);
        }
    }
}
