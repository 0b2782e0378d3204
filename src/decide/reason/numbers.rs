//! Which code a reason has.

use super::Reason;
use crate::decide::Code;
use crate::signature::SignatureProblem;

impl Reason {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::NoUpdates => Code::NO_UPDATES,
            Self::MalformedInput { .. } => Code::INPUT,
            Self::MalformedOption { .. } => Code::PUSH_OPTION,
            Self::MalformedRefName { .. } => Code::REF_NAME,
            Self::Deletion => Code::DELETION,
            Self::NotFastForward { .. } => Code::NOT_FAST_FORWARD,
            Self::OldDisagrees { .. } => Code::OLD_DISAGREES,
            Self::NamedTwice { .. } => Code::NAMED_TWICE,
            Self::Symbolic { .. } => Code::SYMBOLIC,
            Self::Reserved => Code::RESERVED,
            Self::NoOp { .. } => Code::NO_OP,
            Self::NothingNew { .. } => Code::NOTHING_NEW,
            Self::NotACommit { .. } => Code::NOT_A_COMMIT,
            Self::NotFromBaseline { .. } => Code::NOT_FROM_BASELINE,
            Self::MalformedObject { .. } => Code::MALFORMED_OBJECT,
            Self::MissingObject { .. } => Code::MISSING_OBJECT,
            Self::TooLarge { .. } => Code::TOO_LARGE,
            Self::Unreadable { .. } => Code::UNREADABLE,
            Self::NoVerdict { .. } => Code::NO_VERDICT,
            Self::Stranger { .. } => Code::STRANGER,
            Self::Unauthenticated { .. } => Code::UNAUTHENTICATED,
            Self::Signature { problem, .. } => of_signature(problem),
            Self::PusherMissing { .. } => Code::PUSHER_MISSING,
            Self::PusherUnknown { .. } => Code::PUSHER_UNKNOWN,
            Self::PusherKeyUnknown { .. } => Code::PUSHER_UNKNOWN,
            Self::PusherRefused { .. } => Code::PUSHER_REFUSED,
            Self::CertificateRefused { .. } => Code::CERTIFICATE,
            Self::PusherNotAllowed { .. } => Code::PUSHER_NOT_ALLOWED,
            Self::PusherDisabled { .. } => Code::PUSHER_DISABLED,
            Self::PusherNotAsked { .. } => Code::PUSHER_NOT_ASKED,
            Self::StatementName => Code::STATEMENT_NAME,
            Self::StatementExists => Code::STATEMENT_EXISTS,
            Self::StatementDeletion => Code::STATEMENT_DELETION,
            Self::StatementNotATag { .. } => Code::STATEMENT_NOT_A_TAG,
            Self::StatementFormat { .. } => Code::STATEMENT_FORMAT,
            Self::StatementUnsigned => Code::STATEMENT_UNSIGNED,
            Self::StatementMisplaced { .. } => Code::STATEMENT_MISPLACED,
            Self::StatementRepository { .. } => Code::STATEMENT_REPOSITORY,
            Self::StatementCommit { .. } => Code::STATEMENT_COMMIT,
            Self::StatementTree { .. } => Code::STATEMENT_TREE,
            Self::StatementTagger { .. } => Code::STATEMENT_TAGGER,
            Self::StatementSigner { .. } => Code::STATEMENT_SIGNER,
            Self::StatementTooMany { .. } => Code::STATEMENT_TOO_MANY,
            Self::WithdrawsAnothers { .. } => Code::WITHDRAWS_ANOTHERS,
            Self::WithdrawsNothing { .. } => Code::WITHDRAWS_NOTHING,
            Self::NotCovered(_) => Code::NOT_COVERED,
            Self::PathsNotCovered { .. } => Code::PATHS_NOT_COVERED,
            Self::TipNotNamed { .. } => Code::TIP_NOT_NAMED,
            Self::Rejected { .. } => Code::REJECTED,
            Self::Emergency(fault) => fault.code(),
            Self::PolicyMissing => Code::POLICY_MISSING,
            Self::PolicyUnusable { .. } => Code::POLICY_UNUSABLE,
            Self::PolicyInvalid { .. } => Code::POLICY_INVALID,
            Self::PolicyLocksOut { .. } => Code::POLICY_LOCKS_OUT,
            Self::PolicyAbsent => Code::POLICY_ABSENT,
            Self::NoRule => Code::NO_RULE,
            Self::KeysUnusable { .. } => Code::KEYS_UNUSABLE,
            Self::LogUnwritable { .. } => Code::LOG_UNWRITABLE,
            Self::LogBroken { .. } => Code::LOG_BROKEN,
            Self::Cosignature { .. } => Code::COSIGNATURE,
            Self::LogExposed { .. } => Code::LOG_EXPOSED,
            Self::Ledger { .. } => Code::LEDGER,
            Self::Internal { .. } => Code::INTERNAL,
            Self::Environment { .. } => Code::ENVIRONMENT,
            Self::Unsupported { .. } => Code::UNSUPPORTED,
        }
    }
}

fn of_signature(problem: &SignatureProblem) -> Code {
    match problem {
        SignatureProblem::Bad => Code::SIGNATURE_BAD,
        SignatureProblem::UnknownKey { .. } => Code::KEY_UNKNOWN,
        SignatureProblem::ExpiredKey { .. } => Code::KEY_EXPIRED,
        SignatureProblem::ExpiredSignature => Code::SIGNATURE_EXPIRED,
        SignatureProblem::RevokedKey { .. } => Code::KEY_REVOKED,
        SignatureProblem::NotYetValid { .. } => Code::SIGNATURE_FUTURE,
        SignatureProblem::Weak { .. } => Code::SIGNATURE_WEAK,
        SignatureProblem::Unsupported { .. } => Code::SIGNATURE_UNSUPPORTED,
        SignatureProblem::NoTouch { .. } => Code::SIGNATURE_UNTOUCHED,
        SignatureProblem::WrongSubkey { .. } => Code::SUBKEY,
        SignatureProblem::NotOne { .. } => Code::SIGNATURES,
        SignatureProblem::WrongNamespace { .. } => Code::SIGNATURE_NAMESPACE,
        SignatureProblem::Malformed { .. } => Code::SIGNATURE_MALFORMED,
        SignatureProblem::EngineFailed { .. } => Code::SIGNATURE_UNCHECKED,
    }
}
