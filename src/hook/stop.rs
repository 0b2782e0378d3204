//! Why a hook stops before there is anything to judge: always a refusal, always with a code.

use super::{Answer, InputError};
use crate::audit::AuditError;
use crate::decide::Reason;
use crate::facts::{Fault, PolicyReadError, StoreError};
use crate::folder::FolderError;
use crate::ledger::LedgerError;
use crate::signature::KeyringError;
use crate::ui;

/// What stopped a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop(Box<Reason>);

impl Stop {
    /// A transaction of refs that cannot be understood.
    pub(in crate::hook) fn unreadable(why: impl Into<String>) -> Self {
        Self::because(Reason::Unreadable { why: why.into() })
    }

    /// Stopped for this reason.
    #[must_use]
    pub fn because(reason: Reason) -> Self {
        Self(Box::new(reason))
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        &self.0
    }

    /// The answer that refuses.
    pub fn refuse(&self) -> Answer {
        Answer {
            text: ui::refusal(&self.0),
            exit: 1,
        }
    }
}

impl From<InputError> for Stop {
    fn from(error: InputError) -> Self {
        let why = error.to_string();
        Self::because(match error {
            InputError::Empty => Reason::NoUpdates,
            InputError::TooMany => Reason::TooLarge { what: why },
            InputError::RefName(error) => Reason::MalformedRefName {
                shown: error.shown,
                why: error.why.to_owned(),
            },
            InputError::Option { .. } => Reason::MalformedOption { why },
            InputError::Cut { .. } | InputError::Line { .. } | InputError::Io(_) => {
                Reason::MalformedInput { why }
            }
        })
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        let why = format!("{error} ({})", error.hint());
        Self::because(match error {
            StoreError::Namespace
            | StoreError::NotARepository { .. }
            | StoreError::CommonDir
            | StoreError::ObjectsElsewhere { .. } => Reason::Environment { why },
            StoreError::Owner { .. }
            | StoreError::Grafts { .. }
            | StoreError::Shallow { .. }
            | StoreError::ShallowUpdate
            | StoreError::RefStorage { .. }
            | StoreError::ObjectFormat { .. }
            | StoreError::PartialClone { .. }
            | StoreError::Unusable { .. } => Reason::Unsupported { why },
        })
    }
}

impl From<FolderError> for Stop {
    fn from(error: FolderError) -> Self {
        let why = error.to_string();
        Self::because(match error {
            FolderError::Exposed { .. } | FolderError::Group { .. } => Reason::LogExposed { why },
            FolderError::Absent { .. } | FolderError::Io { .. } => Reason::Environment { why },
        })
    }
}

impl From<AuditError> for Stop {
    fn from(error: AuditError) -> Self {
        let why = error.to_string();
        Self::because(if let AuditError::Exposed(_) = error {
            Reason::LogExposed { why }
        } else if error.is_integrity() {
            Reason::LogBroken { why }
        } else {
            Reason::LogUnwritable { why }
        })
    }
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Audit(error) => error.into(),
            LedgerError::Io { .. }
            | LedgerError::Database { .. }
            | LedgerError::InUse { .. }
            | LedgerError::Broken { .. }
            | LedgerError::Rebuild(_) => Self::because(Reason::Ledger {
                why: error.to_string(),
            }),
        }
    }
}

impl From<PolicyReadError> for Stop {
    fn from(error: PolicyReadError) -> Self {
        Self::because(Reason::PolicyUnusable {
            why: error.to_string(),
        })
    }
}

impl From<KeyringError> for Stop {
    fn from(error: KeyringError) -> Self {
        Self::because(Reason::KeysUnusable {
            why: error.to_string(),
        })
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::because(Reason::from(&fault))
    }
}
