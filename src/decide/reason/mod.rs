//! Why a push is refused: one variant a reason, holding the facts.
//!
//! The sentence stands beside each variant: lower case, no final period, user input in backticks.
//! What to do about it is made in `hints`, the code in `numbers`, lists and the like in `words`.

mod emergency;
mod hints;
mod numbers;
mod pusher;
pub(in crate::decide) mod words;

pub use emergency::EmergencyFault;

use super::StandIn;
use crate::facts::{Fault, Role};
use crate::policy::{Attribution, IdentitySource, Moment, TicketPlace};
use crate::signature::SignatureProblem;
use crate::types::{
    CheckName, MachineName, Oid, PersonName, RefName, RepoPath, TeamName, WindowName,
};
use std::collections::BTreeSet;

/// One reason to refuse. Its `Display` is the sentence, without a final period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    // The push as git hands it over.
    /// The push names no ref.
    #[error("the push names no ref")]
    NoUpdates,
    /// A line of git's input is malformed, too long or cut off.
    #[error("the push cannot be judged: {why}")]
    MalformedInput {
        /// Which and how, escaped.
        why: String,
    },
    /// A push option is malformed.
    #[error("the push cannot be judged: {why}")]
    MalformedOption {
        /// Which and how, escaped.
        why: String,
    },
    /// A ref name that git itself would refuse.
    #[error("`{shown}` is not a full, well-formed ref name: it {why}")]
    MalformedRefName {
        /// The name, escaped.
        shown: String,
        /// The rule that it breaks.
        why: String,
    },

    // The shape of one update.
    /// The update deletes a ref that may not be deleted.
    #[error("this ref is protected and may not be deleted")]
    Deletion,
    /// The new value does not descend from the ref's real value.
    #[error("`{}` does not descend from {}", .new.short(), words::commit(*.current))]
    NotFastForward {
        /// What the ref is.
        current: Option<Oid>,
        /// What it was to be.
        new: Oid,
    },
    /// What the push says that the ref is now, is not so.
    #[error("the push takes the ref to be {}, but it is {}", words::value(*.claimed), words::value(*.real))]
    OldDisagrees {
        /// What the push says; absent for "it is not there".
        claimed: Option<Oid>,
        /// What the ref is; absent where there is none.
        real: Option<Oid>,
    },
    /// The push names the ref more than once.
    #[error("the push names this ref {times} times")]
    NamedTwice {
        /// How often.
        times: usize,
    },
    /// The ref points at another one.
    #[error("this ref only points at `{target}`")]
    Symbolic {
        /// At which, escaped.
        target: String,
    },
    /// The name is kept for relhook or for git itself.
    #[error("this name is reserved and cannot be pushed to")]
    Reserved,
    /// The ref names this object already.
    #[error("the ref is at `{}` already", .at.short())]
    NoOp {
        /// The object.
        at: Oid,
    },
    /// The range is empty: everything in it was accepted before.
    #[error("`{}` brings no commit that was not accepted before", .tip.short())]
    NothingNew {
        /// The new value.
        tip: Oid,
    },
    /// The new value is not a commit.
    #[error("the new value is a {kind}, not a commit")]
    NotACommit {
        /// What it is: `tag`, `tree`, `blob`.
        kind: &'static str,
    },
    /// The new value does not descend from where the range begins.
    #[error("the new value does not descend from `{}`, where what is accepted ends", .baseline.short())]
    NotFromBaseline {
        /// Where it begins.
        baseline: Oid,
    },
    /// An object does not fit the strict grammar.
    #[error("object `{}` is malformed: {why}", .oid.short())]
    MalformedObject {
        /// Which.
        oid: Oid,
        /// How, escaped.
        why: String,
    },
    /// An object is missing.
    #[error("object `{}` is missing", .oid.short())]
    MissingObject {
        /// Which.
        oid: Oid,
    },
    /// More than relhook judges in one push.
    #[error("too much to judge: {what}")]
    TooLarge {
        /// What there is too much of, with the limit.
        what: String,
    },
    /// The repository could not be read.
    #[error("the repository could not be read: {why}")]
    Unreadable {
        /// Why.
        why: String,
    },
    /// A protected ref would move without a recorded verdict that accepts exactly this move.
    #[error("no recorded verdict lets `{refname}` make this move")]
    NoVerdict {
        /// The ref.
        refname: RefName,
    },

    // Who made it, who pushes it.
    /// Commits name somebody whose address no person of the policy has.
    #[error("no person of the policy is `{identity}`, {} of {}", words::roles(.roles), words::commits(.commits))]
    Stranger {
        /// The name and address, escaped.
        identity: String,
        /// As what; empty for somebody who first pushed them and is no longer in the policy.
        roles: BTreeSet<Role>,
        /// Where.
        commits: Vec<Oid>,
    },
    /// Commits that nobody authenticated has had a hand in.
    #[error("{}", words::unauthenticated(.commits, *.demanded))]
    Unauthenticated {
        /// Which.
        commits: Vec<Oid>,
        /// What the rule asks for.
        demanded: Attribution,
    },
    /// Signatures that do not count.
    #[error("{}{problem}", words::signed(.on))]
    Signature {
        /// On what.
        on: Signed,
        /// Why.
        problem: SignatureProblem,
    },
    /// The server does not say who pushes.
    #[error("the server does not say who pushes: `{source_name}` is not set or empty")]
    PusherMissing {
        /// The variable that holds nothing.
        source_name: String,
        /// The source that the policy names.
        configured: IdentitySource,
    },
    /// No person of the policy has the pusher's login.
    #[error("no person of the policy has the login `{login}`")]
    PusherUnknown {
        /// The login, escaped.
        login: String,
    },
    /// No person of the policy has the key by which the pusher logged in.
    #[error("no person of the policy has the key `{key}`, by which you logged in")]
    PusherKeyUnknown {
        /// The key's kind and fingerprint: `ssh-ed25519 SHA256:…`.
        key: String,
    },
    /// What the server says about the pusher does not hold.
    #[error("the server does not say soundly who pushes: `{source_name}`: {why}")]
    PusherRefused {
        /// The variable that says it.
        source_name: String,
        /// The source that the policy names.
        configured: IdentitySource,
        /// Why.
        why: String,
    },
    /// The push's certificate does not hold.
    #[error("the push's certificate does not hold: {why}")]
    CertificateRefused {
        /// Why, escaped.
        why: String,
        /// What helps.
        mend: String,
    },
    /// The pusher is not among those who may push.
    #[error("{person} may not push here: only {} may", words::any_of(.teams))]
    PusherNotAllowed {
        /// Who.
        person: PersonName,
        /// The teams that may.
        teams: Vec<TeamName>,
    },
    /// The pusher is disabled in the policy.
    #[error("{person} is disabled in the policy and may not push here")]
    PusherDisabled {
        /// Who.
        person: PersonName,
    },
    /// A rule limits who may push, but the policy names no source that says who does.
    #[error("only {} may push here, and the policy names no source that says who pushes", words::any_of(.teams))]
    PusherNotAsked {
        /// The teams that may.
        teams: Vec<TeamName>,
    },

    // A statement that arrives.
    /// The ref name is not `refs/relhook/statements/<commit>/<id>`.
    #[error("a statement's ref is named `refs/relhook/statements/<commit>/<id>`")]
    StatementName,
    /// There is a statement under this name, and statements are never replaced.
    #[error("there is a statement here already, and statements are never replaced")]
    StatementExists,
    /// The update deletes a statement.
    #[error("statements are never deleted")]
    StatementDeletion,
    /// The object is not an annotated tag.
    #[error("a statement is an annotated tag, and this is a {kind}")]
    StatementNotATag {
        /// What it is.
        kind: &'static str,
    },
    /// The tag does not fit the grammar or the format.
    #[error("not a statement: {why}")]
    StatementFormat {
        /// How, escaped.
        why: String,
    },
    /// The tag is not signed.
    #[error("the statement is not signed")]
    StatementUnsigned,
    /// The ref name's commit or id is not the tag's.
    #[error("the statement `{}` belongs under another name", .tag.short())]
    StatementMisplaced {
        /// The tag.
        tag: Oid,
    },
    /// The statement is about another repository.
    #[error("the statement is about the repository `{stated}`, and this one is `{own}`")]
    StatementRepository {
        /// What it says, escaped.
        stated: String,
        /// This one's name.
        own: String,
    },
    /// The commit that the statement is about is not here.
    #[error("the commit `{}` that the statement is about is not here", .commit.short())]
    StatementCommit {
        /// The commit.
        commit: Oid,
    },
    /// The tree that the statement names is not its commit's.
    #[error("the statement names the tree `{}`, but the commit's is `{}`", .stated.short(), .real.short())]
    StatementTree {
        /// What it says.
        stated: Oid,
        /// The commit's.
        real: Oid,
    },
    /// The tagger line names somebody else than the signature.
    #[error("the tagger line says `{tagger}`, but {signer} signed")]
    StatementTagger {
        /// The tagger line, escaped.
        tagger: String,
        /// Who signed.
        signer: PersonName,
    },
    /// The signer is disabled in the policy.
    #[error("{person} signed it, who is disabled in the policy")]
    StatementSigner {
        /// Who.
        person: PersonName,
    },
    /// The signer has stated as much about this commit as one person may.
    #[error("{person} has {limit} statements about `{}` already", .commit.short())]
    StatementTooMany {
        /// Who.
        person: PersonName,
        /// The commit.
        commit: Oid,
        /// How many one person may have.
        limit: usize,
    },
    /// The withdrawn statement is somebody else's.
    #[error("{signer} cannot withdraw a statement of {owner}")]
    WithdrawsAnothers {
        /// Who withdraws.
        signer: PersonName,
        /// Whose it is.
        owner: PersonName,
    },
    /// The withdrawn statement is not here, or is about another commit.
    #[error("no statement `{}` about this commit is here to be withdrawn", .statement.short())]
    WithdrawsNothing {
        /// The tag that the withdrawal names.
        statement: Oid,
    },

    // A delegation that arrives.
    /// The delegation was made under another policy than the one in force.
    #[error("the delegation was made under the policy `{}`, which is not the one in force", .stated.short())]
    DelegationPolicy {
        /// The commit that it names.
        stated: Oid,
    },
    /// Nobody lets the signer name this deputy there.
    #[error("no rule for `{refname}` lets {person} name {to} a deputy")]
    DelegationNotAllowed {
        /// Who signed it.
        person: PersonName,
        /// Who is named.
        to: PersonName,
        /// The ref.
        refname: RefName,
        /// The teams whose people may name a deputy there; none where nobody may.
        by: Vec<TeamName>,
        /// The teams from which one is taken.
        from: Vec<TeamName>,
    },
    /// The signer has nothing to hand on.
    #[error("{person} is not asked for approvals of `{refname}`, and so has nothing to hand on")]
    DelegationOfNothing {
        /// Who signed it.
        person: PersonName,
        /// The ref.
        refname: RefName,
    },
    /// Its time does not fit.
    #[error("the delegation is not taken: {why}")]
    DelegationTime {
        /// Why not.
        why: String,
    },
    /// Who is named cannot be a deputy.
    #[error("{to} cannot be a deputy: {why}")]
    DelegationDeputy {
        /// Who is named.
        to: PersonName,
        /// Why not.
        why: &'static str,
    },

    // Cover.
    /// Commits that lack approvals by the branch's own teams.
    #[error("{}", words::lacking(.0, None))]
    NotCovered(Lack),
    /// Commits that lack approvals by the teams of the paths that they touch.
    #[error("{}", words::lacking(.lack, Some((.patterns, .path))))]
    PathsNotCovered {
        /// The path rule's patterns.
        patterns: Vec<String>,
        /// The first path that they match.
        path: RepoPath,
        /// What is lacking.
        lack: Lack,
    },
    /// No approval that counts names the new value itself.
    #[error("no approval that counts names `{}` itself, the whole that would go out", .tip.short())]
    TipNotNamed {
        /// The ref.
        refname: RefName,
        /// The new value.
        tip: Oid,
        /// The teams one of whom has to say yes to the whole.
        from: Vec<TeamName>,
        /// Who could.
        could: BTreeSet<PersonName>,
        /// Who could in somebody's stead.
        stand_ins: BTreeSet<StandIn>,
    },
    /// Somebody who could approve objects.
    #[error("{}", words::objection(&words::in_stead(.person, .stead.as_ref()), *.commit, .reason.as_deref()))]
    Rejected {
        /// Who.
        person: PersonName,
        /// In whose stead, where not in their own name.
        stead: Option<PersonName>,
        /// The commit that they object to.
        commit: Oid,
        /// Their statement's tag.
        tag: Oid,
        /// What they say; raw, as signed.
        reason: Option<String>,
        /// Whether they are disabled by now, and so cannot take it back themselves.
        disabled: bool,
    },

    /// An emergency lets nothing in, or one is owed for too long.
    #[error(transparent)]
    Emergency(EmergencyFault),
    // Moving a ref back.
    /// Too few of those who may say that the ref goes back have said so.
    #[error("{}", words::unstated(*.from, *.to, *.missing, .by))]
    RollbackUnstated {
        /// The ref.
        refname: RefName,
        /// Where it is.
        from: Oid,
        /// Where it would go.
        to: Oid,
        /// How many people are missing; at least 1.
        missing: u32,
        /// The teams whose word counts.
        by: Vec<TeamName>,
        /// Who of them could still say so.
        could: BTreeSet<PersonName>,
    },
    /// The ref was never let be there, or a rollback undid that.
    #[error("{}", words::never_there(*.to, *.undone))]
    RollbackTarget {
        /// Where it would go.
        to: Oid,
        /// Whether it was there, and a rollback has undone that since.
        undone: bool,
    },
    /// Whether the ref was ever let be there is not known.
    #[error("whether this ref was ever let be at `{}` is not known here", .to.short())]
    RollbackUnknown {
        /// Where it would go.
        to: Oid,
    },
    /// A rollback statement arrives by somebody who may not roll the ref back.
    #[error("{person} may not roll `{refname}` back: only {} may", words::any_of(.by))]
    RollbackNotAllowed {
        /// Who.
        person: PersonName,
        /// The ref.
        refname: RefName,
        /// The teams that may.
        by: Vec<TeamName>,
    },
    /// A rollback statement arrives for a ref that nobody may roll back.
    #[error("nobody may roll `{refname}` back: not every rule of it has `rollback`")]
    RollbackNever {
        /// The ref.
        refname: RefName,
    },

    // The moment.
    /// None of a rule's release windows is open.
    #[error("{}", words::outside(.0))]
    OutsideWindows(Shut),
    /// A freeze holds.
    #[error("{}", words::frozen(.0))]
    Frozen(Shut),

    // What the change is for, and who lets it go out.
    /// No change request is named where a rule asks for one.
    #[error("{}", words::no_ticket(.pattern, *.place, .commits))]
    NoTicket {
        /// The ref.
        refname: RefName,
        /// The new value.
        tip: Oid,
        /// What one looks like, as the policy writes it.
        pattern: String,
        /// Where it has to be named.
        place: TicketPlace,
        /// The commits that name none, where each has to.
        commits: Vec<Oid>,
    },
    /// No machine says that a check passed.
    #[error("no machine says how `{check}` went for `{}`", .tip.short())]
    CheckMissing {
        /// The ref.
        refname: RefName,
        /// The new value.
        tip: Oid,
        /// The check.
        check: CheckName,
        /// The machines that may speak for it.
        machines: Vec<MachineName>,
    },
    /// A machine says that a check failed.
    #[error("`{check}` failed for `{}`, {machine} says", .tip.short())]
    CheckFailed {
        /// The check.
        check: CheckName,
        /// Which machine says so.
        machine: MachineName,
        /// The new value.
        tip: Oid,
    },
    /// A machine states something that is no check.
    #[error("{machine} is a machine, and cannot say `{decision}`")]
    MachineStatement {
        /// Which.
        machine: MachineName,
        /// The decision's word.
        decision: &'static str,
    },
    /// Somebody says how a check went who may not.
    #[error("{who} is no machine that may speak for `{check}`")]
    CheckSpeaker {
        /// Who signed it.
        who: String,
        /// The check.
        check: CheckName,
    },
    /// Who pushes made or approved it, where a third person is asked for.
    #[error("{}", words::not_distinct(.person, .made, .approved, .instead))]
    ReleaserNotDistinct {
        /// The ref.
        refname: RefName,
        /// The new value.
        tip: Oid,
        /// Who pushes.
        person: PersonName,
        /// The commits that they had a hand in.
        made: Vec<Oid>,
        /// The commits that they approved.
        approved: Vec<Oid>,
        /// The commits that somebody approved in their stead.
        instead: Vec<Oid>,
        /// Who could release it.
        could: BTreeSet<PersonName>,
    },
    /// A third person is asked for, and the policy names no source that says who pushes.
    #[error(
        "who releases has to be a third person here, and the policy names no source that says who pushes"
    )]
    ReleaserNotAsked,

    // The policy.
    /// There is no policy to judge by.
    #[error("there is no policy to judge by: `refs/relhook/policy` is not there")]
    PolicyMissing,
    /// The policy in force cannot be read.
    #[error("the policy in force cannot be used: {why}")]
    PolicyUnusable {
        /// Why.
        why: String,
    },
    /// The pushed policy is not sound.
    #[error("the pushed policy is not sound: {}", .complaints.join("; "))]
    PolicyInvalid {
        /// Each complaint, with file, line and column.
        complaints: Vec<String>,
    },
    /// After the pushed policy, nobody could change the policy again.
    #[error("after this nobody could change the policy again: {why}")]
    PolicyLocksOut {
        /// Why.
        why: String,
    },
    /// The push deletes the policy, or leaves a commit without one.
    #[error("the push would leave no policy to judge by")]
    PolicyAbsent,
    /// No rule of the policy matches a ref that needs one.
    #[error("no rule of the policy says who may change this ref")]
    NoRule,
    /// The policy's keys cannot be used.
    #[error("the policy's keys cannot be used: {why}")]
    KeysUnusable {
        /// Why.
        why: String,
    },

    // relhook itself.
    /// The verdict could not be recorded.
    #[error("the verdict could not be recorded: {why}")]
    LogUnwritable {
        /// Why.
        why: String,
    },
    /// The audit log does not verify.
    #[error("the audit log does not verify: {why}")]
    LogBroken {
        /// Where and how.
        why: String,
    },
    /// What is pushed as a witness's cosignature is not taken.
    #[error("this cosignature is not taken: {why}")]
    Cosignature {
        /// Why not.
        why: String,
    },
    /// Somebody can get at the audit log who may not.
    #[error("the audit log is not its owner's alone: {why}")]
    LogExposed {
        /// What, and how.
        why: String,
    },
    /// The ledger cannot be used.
    #[error("the ledger cannot be used: {why}")]
    Ledger {
        /// Why.
        why: String,
    },
    /// relhook contradicts itself.
    #[error("relhook contradicts itself: {why}")]
    Internal {
        /// How.
        why: String,
    },
    /// relhook was started in a way that it cannot trust.
    #[error("relhook cannot trust how it was started: {why}")]
    Environment {
        /// How.
        why: String,
    },
    /// A kind of repository that relhook does not support.
    #[error("relhook does not support this repository: {why}")]
    Unsupported {
        /// Which.
        why: String,
    },
}

/// Why facts that could not be gathered refuse.
impl From<&Fault> for Reason {
    fn from(fault: &Fault) -> Self {
        match fault {
            Fault::NotACommit { kind } => Self::NotACommit { kind },
            Fault::NotFromBaseline { baseline } => Self::NotFromBaseline {
                baseline: *baseline,
            },
            Fault::Malformed { oid, why } => Self::MalformedObject {
                oid: *oid,
                why: why.clone(),
            },
            Fault::Missing { oid } => Self::MissingObject { oid: *oid },
            Fault::TooLarge { what } => Self::TooLarge { what: what.clone() },
            Fault::Unreadable { why } => Self::Unreadable { why: why.clone() },
        }
    }
}

/// What a signature stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signed {
    /// These commits.
    Commits(Vec<Oid>),
    /// The statement that arrives.
    Statement,
    /// A statement that is here, by its tag.
    Stored(Oid),
}

/// Approvals that are lacking under one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// The ref.
    pub refname: RefName,
    /// The rule's pattern.
    pub rule: String,
    /// The commits that lack some.
    pub commits: Vec<Oid>,
    /// The new value: approving it approves all that it brings.
    pub tip: Oid,
    /// How many distinct people the rule asks for.
    pub required: u32,
    /// How many the worst of the commits still lacks; at least 1.
    pub missing: u32,
    /// The teams whose approvals count.
    pub from: Vec<TeamName>,
    /// Who could approve every one of the commits.
    pub could: BTreeSet<PersonName>,
    /// Who could approve at least one of them.
    pub some: BTreeSet<PersonName>,
    /// Who could approve every one of them in somebody's stead.
    pub stand_ins: BTreeSet<StandIn>,
}

/// What keeps everything from going out for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shut {
    /// The ref.
    pub refname: RefName,
    /// The new value.
    pub tip: Oid,
    /// The freeze; or the windows, none of which is open.
    pub names: Vec<WindowName>,
    /// When the freeze ends, or the first of the windows opens; absent where that is not in sight.
    pub ends: Option<Moment>,
    /// When everything is open that has to be; absent where that is not in sight.
    pub opens: Option<Moment>,
    /// Which of the names somebody could override, and who.
    pub could: Option<(WindowName, BTreeSet<PersonName>)>,
}

impl Reason {
    /// Whether the reason is that approvals are lacking, and nothing else: an emergency can stand in for
    /// those.
    #[must_use]
    pub fn is_of_cover(&self) -> bool {
        use crate::decide::Code;
        let cover = [
            Code::NOT_COVERED,
            Code::PATHS_NOT_COVERED,
            Code::TIP_NOT_NAMED,
        ];
        cover.contains(&self.code())
    }

    /// Whether it is only the moment that speaks against the push: no window is open, or a freeze
    /// holds.
    #[must_use]
    pub fn is_the_moment(&self) -> bool {
        matches!(self, Self::OutsideWindows(_) | Self::Frozen(_))
    }

    /// Whether the reason says that relhook could not judge, rather than that it judged no.
    #[must_use]
    pub fn cannot_tell(&self) -> bool {
        use crate::decide::Code;
        [
            Code::MISSING_OBJECT,
            Code::TOO_LARGE,
            Code::UNREADABLE,
            Code::SIGNATURE_UNCHECKED,
            Code::ROLLBACK_UNKNOWN,
            Code::POLICY_MISSING,
            Code::POLICY_UNUSABLE,
            Code::KEYS_UNUSABLE,
            Code::LOG_UNWRITABLE,
            Code::LOG_BROKEN,
            Code::LEDGER,
            Code::INTERNAL,
            Code::ENVIRONMENT,
            Code::UNSUPPORTED,
        ]
        .contains(&self.code())
    }
}
