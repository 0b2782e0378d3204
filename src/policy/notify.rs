//! Who is told what happens, and how.

use std::collections::BTreeSet;
use std::path::PathBuf;

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notifier {
    /// What they are told; at least one.
    pub events: BTreeSet<NoticeKind>,
    /// How.
    pub channel: Channel,
}

impl Notifier {
    /// Whether they are told of this. Of an emergency, of a review that is overdue and of a rollback,
    /// everybody is, whatever else they asked for. A release that was taken back did not succeed either, so whoever
    /// asks for failed ones alone learns of it too.
    #[must_use]
    pub fn is_told(&self, kind: NoticeKind) -> bool {
        let failed = self.events.contains(&NoticeKind::ReleaseFailed);
        let loud = [
            NoticeKind::Emergency,
            NoticeKind::ReviewOverdue,
            NoticeKind::RolledBack,
        ];
        let loud = loud.contains(&kind);
        loud || self.events.contains(&kind) || (kind == NoticeKind::ReleaseReturned && failed)
    }
}

/// What somebody may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeKind {
    /// A release failed for good.
    ReleaseFailed,
    /// A release did not work, by its health check, and the one before is back.
    ReleaseReturned,
    /// Somebody was found to have changed a target by hand.
    DriftFound,
    /// An emergency let in what nobody had approved.
    Emergency,
    /// The review that is owed for one is due soon.
    ReviewDue,
    /// It is overdue.
    ReviewOverdue,
    /// What was owed is settled.
    ReviewSettled,
    /// A protected ref went back.
    RolledBack,
}

impl NoticeKind {
    /// Every kind, with the word that the policy has for it.
    pub const ALL: [(&'static str, Self); 8] = [
        ("release-failed", Self::ReleaseFailed),
        ("release-returned", Self::ReleaseReturned),
        ("drift-found", Self::DriftFound),
        ("emergency", Self::Emergency),
        ("review-due", Self::ReviewDue),
        ("review-overdue", Self::ReviewOverdue),
        ("review-settled", Self::ReviewSettled),
        ("rolled-back", Self::RolledBack),
    ];

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ReleaseFailed => "release-failed",
            Self::ReleaseReturned => "release-returned",
            Self::DriftFound => "drift-found",
            Self::Emergency => "emergency",
            Self::ReviewDue => "review-due",
            Self::ReviewOverdue => "review-overdue",
            Self::ReviewSettled => "review-settled",
            Self::RolledBack => "rolled-back",
        }
    }
}

/// How somebody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channel {
    /// By mail, through the machine's own mail server.
    Mail(Mail),
    /// By a POST of JSON.
    Webhook(Webhook),
    /// By a program that gets JSON on its standard input.
    Command(Vec<String>),
}

impl Channel {
    /// The file in the policy's `keys/` folder that it trusts, if it names one.
    #[must_use]
    pub fn ca(&self) -> Option<&str> {
        match self {
            Self::Webhook(webhook) => webhook.ca.as_deref(),
            Self::Mail(_) | Self::Command(_) => None,
        }
    }
}

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Whom it is from: one address.
    pub from: String,
    /// Whom it goes to: at least one address.
    pub to: Vec<String>,
    /// The program that takes it in.
    pub sendmail: PathBuf,
}

/// A web hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where it goes. Absent where the address itself is a secret, and stands with the
    /// credentials.
    pub url: Option<String>,
    /// The name of a file in the policy's `keys/` folder with the authorities to trust, instead of
    /// the machine's.
    pub ca: Option<String>,
}
