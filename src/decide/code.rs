//! The stable codes of everything that relhook refuses or reports.
//!
//! [`every_code`] is the one list: the constants here and the pages of `explain` are both made
//! from it, so a code without a page does not compile.

use std::fmt;
use std::str::FromStr;

/// A code: `RH` and three digits, never reused. Only the constants exist.
///
/// 1xx shape and refs, 2xx identity and attribution, 3xx statements and signatures, 4xx cover,
/// 5xx windows, absence and debt, 6xx release, 7xx log, 8xx policy, 9xx relhook itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

/// Hands the list of every code to the macro `$use`: its number, its name, what it means in a few
/// words, and what helps, where that does not depend on the facts.
macro_rules! every_code {
    ($use:ident) => {
        $use! {
            101 DELETION, "a protected ref would be deleted",
                "an administrator can end a protected ref on the server; a push cannot";
            102 NOT_FAST_FORWARD, "the new value does not descend from the old one",
                "git fetch, merge or rebase onto it, and push again";
            103 OLD_DISAGREES, "the push is mistaken about what the ref is now",
                "git fetch and look again: somebody else may have pushed meanwhile";
            104 NAMED_TWICE, "one push names a ref more than once",
                "push each ref once";
            105 SYMBOLIC, "the ref points at another ref",
                "push to the ref that it points at";
            106 RESERVED, "the name is reserved",
                "choose a name that neither belongs to relhook or git nor resembles a protected one";
            107 REF_NAME, "the ref name is malformed",
                "rename the branch or tag";
            108 NOT_A_COMMIT, "the new value is not a commit",
                "push the commit that it names: git push origin 'v1^{commit}:prod'";
            109 NOT_FROM_BASELINE, "the new value does not descend from where the range begins",
                "merge or rebase onto that commit, and push again";
            110 MALFORMED_OBJECT, "an object does not fit the strict grammar",
                "make the object anew with a current git";
            111 MISSING_OBJECT, "an object is missing",
                "push from a complete clone: git fetch --unshallow";
            112 TOO_LARGE, "more than relhook judges in one push",
                "push it in smaller pieces";
            113 UNREADABLE, "the repository could not be read",
                "an administrator can look at the server: relhook status";
            114 NO_OP, "the ref is there already",
                "";
            115 NOTHING_NEW, "the push brings nothing that was not accepted before",
                "to release it once more, push an approving commit on top of it";
            116 NO_UPDATES, "the push names no ref",
                "";
            117 INPUT, "git's input is malformed",
                "push with a current git";
            118 PUSH_OPTION, "a push option is malformed",
                "push without -o, or with plain text in it";
            119 NO_VERDICT, "a protected ref would move without a recorded verdict",
                "protected refs move by git push only";
            201 STRANGER, "a commit names somebody whom the policy does not know",
                "correct the commit, or have the address added to the policy";
            202 UNAUTHENTICATED, "nothing proves who made a commit",
                "sign: git rebase --exec 'git commit --amend --no-edit -S' @{upstream}";
            203 PUSHER_MISSING, "the server does not say who pushes",
                "an administrator can make the server say who is logged in";
            204 PUSHER_UNKNOWN, "the policy does not know who pushes",
                "have the login added to a person of the policy";
            205 PUSHER_NOT_ALLOWED, "the pusher may not push here",
                "one of them can push it";
            206 PUSHER_DISABLED, "the pusher is disabled in the policy",
                "somebody else can push it";
            207 PUSHER_NOT_ASKED, "who may push is limited, but nothing says who pushes",
                "set `identity` in the policy, or take `push` out of the rule";
            208 PUSHER_REFUSED, "what the server says about the pusher does not hold",
                "an administrator can compare `identity` in the policy with what the server gives";
            209 CERTIFICATE, "the push's certificate does not hold",
                "sign the push anew: git push --signed";
            301 SIGNATURE_BAD, "a signature does not match its content",
                "sign it again: it was changed after it was signed";
            302 KEY_UNKNOWN, "signed by a key that the policy does not hold",
                "sign with a key that the policy has for you, or have this one added";
            303 KEY_EXPIRED, "the signing key has expired",
                "sign with a key that is valid now, or have the renewed one added to the policy";
            304 SIGNATURE_EXPIRED, "the signature has expired",
                "sign it again";
            305 KEY_REVOKED, "the signing key is revoked",
                "sign it again with a key that is valid now";
            306 SIGNATURE_FUTURE, "the signature is dated in the future",
                "set the clock right and sign it again";
            307 SIGNATURE_WEAK, "the signature's digest or key is too weak",
                "sign it again with SHA-256 or better and a key of at least 2048 bits";
            308 SUBKEY, "made by a subkey that may not sign",
                "sign it again with a key that may sign";
            309 SIGNATURES, "not exactly one signature",
                "sign it again, once";
            310 SIGNATURE_NAMESPACE, "an SSH signature for another purpose",
                "sign with git itself, or with ssh-keygen -Y sign -n git";
            311 SIGNATURE_MALFORMED, "not readable as a signature",
                "sign it again";
            312 SIGNATURE_UNCHECKED, "the signature could not be checked",
                "try again; if it stays, an administrator can look at the server";
            313 SIGNATURE_UNSUPPORTED, "a kind of signature that relhook does not accept",
                "sign it again with a plain OpenPGP, SSH or X.509 key";
            314 SIGNATURE_UNTOUCHED, "a security key signed without a touch",
                "sign it again and touch the key";
            320 STATEMENT_NAME, "a statement's ref name is malformed",
                "relhook approve stores a statement under the right name";
            321 STATEMENT_EXISTS, "a statement would be replaced",
                "make a new statement: each has a name of its own";
            322 STATEMENT_DELETION, "a statement would be deleted",
                "to take a statement back: relhook withdraw <tag> --reason <why>";
            323 STATEMENT_NOT_A_TAG, "a statement is not an annotated tag",
                "make it with relhook approve, or with git tag -s";
            324 STATEMENT_FORMAT, "a statement does not fit the format",
                "make it with relhook approve";
            325 STATEMENT_UNSIGNED, "a statement is not signed",
                "make it with relhook approve, or with git tag -s";
            326 STATEMENT_MISPLACED, "a statement is stored under another's name",
                "relhook approve stores a statement under the right name";
            327 STATEMENT_REPOSITORY, "a statement is about another repository",
                "make it in a clone of this repository";
            328 STATEMENT_COMMIT, "a statement is about a commit that is not here",
                "push the commit before the statement, or with it";
            329 STATEMENT_TREE, "a statement names another tree than its commit's",
                "make it again with relhook approve";
            330 STATEMENT_TAGGER, "a statement's tagger is not its signer",
                "set user.email to an address that the policy has for the signer, and make it again";
            331 STATEMENT_SIGNER, "a statement's signer is disabled in the policy",
                "somebody who still counts can state it";
            332 WITHDRAWS_ANOTHERS, "a withdrawal of somebody else's statement",
                "only who signed a statement can withdraw it";
            333 WITHDRAWS_NOTHING, "a withdrawal of a statement that is not here",
                "name the tag that relhook status shows for this commit";
            334 STATEMENT_TOO_MANY, "one person's statements about one commit are too many",
                "withdraw one that stands, or let somebody else state it";
            401 NOT_COVERED, "commits that nobody distinct has approved",
                "";
            402 PATHS_NOT_COVERED, "commits that their paths' owners have not approved",
                "";
            403 TIP_NOT_NAMED, "nobody has approved the whole",
                "";
            404 REJECTED, "somebody objects",
                "";
            405 OWN_WORK, "an approval by a contributor does not count",
                "";
            406 APPROVAL_EXPIRED, "an approval has expired",
                "";
            407 APPROVAL_WITHDRAWN, "an approval was withdrawn",
                "";
            408 APPROVAL_ELSEWHERE, "an approval is for another ref",
                "";
            409 NOT_IN_TEAM, "a statement by somebody whose word does not count here",
                "";
            410 BASE_ELSEWHERE, "an approval compared with something else",
                "";
            411 APPROVAL_SIGNATURE, "a statement's signature does not count",
                "";
            412 APPROVER_DISABLED, "an approval by somebody who is disabled",
                "";
            413 AGE_UNKNOWN, "when an approval arrived is not recorded",
                "";
            414 OTHER_REPOSITORY, "an approval is for another repository",
                "";
            415 APPROVAL_ADDS, "an approving commit that adds something",
                "";
            416 DOES_NOT_REACH, "an approval does not take in all commits",
                "";
            501 EMERGENCY_OFF, "no emergency is possible here",
                "have it approved, as always; an approved change of the policy can allow emergencies";
            502 EMERGENCY_SIGNER, "somebody who may not declare an emergency",
                "one of those who may can declare it: relhook emergency";
            503 EMERGENCY_REASON, "an emergency does not say why",
                "declare it anew and say what has happened: at least ten letters or digits";
            504 EMERGENCY_TICKET, "an emergency names no ticket that fits",
                "declare it anew with --ticket";
            505 EMERGENCY_EXPIRED, "an emergency has expired",
                "if it is still one, declare it anew: relhook emergency";
            506 EMERGENCY_ELSEWHERE, "an emergency was declared for another move",
                "git fetch, look again, and declare it anew for what the ref is now";
            507 EMERGENCY_USED, "an emergency was used already",
                "each is good for one push: declare another one, if there has to be one";
            508 EMERGENCY_COSIGN, "an emergency lacks a second signature",
                "";
            509 EMERGENCY_LIMIT, "there were as many emergencies as the rule allows",
                "have it approved, as always";
            510 EMERGENCY_PATHS, "paths that no emergency lets anybody touch",
                "leave them out of the push, or have it approved, as always";
            511 EMERGENCY_WITHDRAWN, "an emergency was withdrawn",
                "";
            512 DEBT_OVERDUE, "the review of an emergency is overdue",
                "";
            513 DEBT_OPEN, "a review is owed for an emergency",
                "";
            514 SETTLES_NOTHING, "an approval does not settle what is owed",
                "";
            515 DEBT_UNCLEAR, "whether a review is still owed cannot be told",
                "";
            521 DELEGATION_POLICY, "a delegation under another policy than the one in force",
                "the policy has changed since it was signed; make it again: relhook delegate";
            522 DELEGATION_NOT_ALLOWED, "a delegation that the policy does not allow",
                "";
            523 DELEGATION_OF_NOTHING, "a delegation of what its signer does not have",
                "who is only a deputy hands nothing on: whoever they stand in for can name another one";
            524 DELEGATION_TIME, "a delegation whose time does not fit",
                "choose other times with --from and --until";
            525 DELEGATION_DEPUTY, "a delegation to somebody who cannot be a deputy",
                "name somebody else with --to";
            526 STEAD, "a word in somebody's stead that does not count",
                "";
            541 OUTSIDE_WINDOWS, "no release window is open",
                "";
            542 FROZEN, "a freeze holds",
                "";
            543 OVERRIDE, "an override that does not count",
                "";
            544 NO_TICKET, "no change request is named",
                "";
            545 CHECK_MISSING, "a check is missing",
                "";
            546 CHECK_FAILED, "a check failed",
                "mend it, or have the job run once more: its last word counts";
            547 RELEASER_NOT_DISTINCT, "who releases it made or approved it",
                "";
            548 RELEASER_NOT_ASKED, "three people are asked for, but nothing says who pushes",
                "set `identity` in the policy, or take `releaser` out of the rule";
            549 MACHINE_STATEMENT, "a machine states what only people may",
                "a person has to state it, with a key of their own";
            550 CHECK_SPEAKER, "a check by somebody who may not speak for it",
                "the job signs with its own key, which the policy has under `machines`";
            561 ROLLBACK_UNSTATED, "a protected ref would move back, and too few have said that it may",
                "";
            562 ROLLBACK_TARGET, "a rollback to what was never accepted",
                "choose what went out before: relhook release list on the server";
            563 ROLLBACK_UNKNOWN, "whether a ref was ever where it would go back to is not known here",
                "the server knows: push, and it will say";
            564 ROLLED_BACK, "an approval from before a rollback",
                "";
            565 ROLLBACK_SPENT, "a rollback that was carried out already",
                "";
            566 ROLLBACK_STALE, "a rollback of the ref as it was another time",
                "";
            567 ROLLBACK_BY, "a rollback by somebody who may not roll this ref back",
                "";
            568 ROLLBACK_NEVER, "a rollback of a ref that nobody may roll back",
                "have `rollback` added to every rule of the ref, or bring a revert: git revert";
            601 UNRELEASABLE, "a tree that the target cannot hold",
                "";
            602 TARGET_SELECTION, "the target's selection of files does not fit the tree",
                "";
            603 RELEASE_UNCLEAR, "what is to be released cannot be told",
                "";
            610 CREDENTIALS, "the target's credentials cannot be used",
                "";
            611 UNREACHABLE, "the target cannot be reached",
                "";
            612 TLS, "the target's certificate is not trusted",
                "";
            613 LOGIN, "the target refused the login",
                "";
            614 TARGET_REFUSED, "the target refused a command",
                "";
            615 MANIFEST, "the target's record of what it holds cannot be used",
                "";
            616 FOREIGN_FILE, "files in the way that relhook did not put there",
                "";
            617 OTHER_OWNER, "the target belongs to another repository or ref",
                "";
            618 NEWER, "the target already holds a newer release",
                "";
            619 DAMAGED, "what arrived is not what was sent",
                "";
            620 PLACE, "the target's directory cannot be used",
                "";
            621 RELEASE_IO, "a file could not be read or written",
                "";
            622 UNRECORDED, "the release could not be recorded",
                "";
            623 MANIFEST_SIGNATURE, "the target's record is not as this server left it",
                "";
            624 RELEASE_KEY, "the server's release key cannot be used",
                "";
            626 HOST_KEY, "the host of a target is not the one that the policy knows",
                "";
            629 ANSWER, "the target's answer cannot be used",
                "";
            630 CORRUPTED, "the target says that what arrived has another sum",
                "";
            631 CLOCK, "the clocks of this machine and the store are too far apart",
                "";
            632 BUCKET, "the bucket cannot be used",
                "";
            633 PROGRAM, "a program that the release needs cannot be used",
                "";
            634 PROGRAM_FAILED, "a program that the release ran failed",
                "";
            635 PROGRAM_TIME, "a program took too long and was stopped",
                "";
            636 PROGRAM_BUSY, "a program of an earlier run is still at work",
                "";
            637 MOVED_ON, "the target was changed by somebody else meanwhile",
                "";
            638 DRIFTED, "somebody changed the target by hand",
                "";
            639 DRIFT_UNCLEAR, "whether somebody changed the target cannot be told",
                "";
            640 UNHEALTHY, "the release does not work",
                "";
            641 RETURNED, "the release does not work, and the one before is back",
                "";
            642 NOT_RETURNED, "the release does not work, and the one before is not back",
                "";
            643 NO_SUCH_RELEASE, "no release that can be brought back",
                "";
            701 LOG_UNWRITABLE, "the audit log cannot be written",
                "nothing goes in that cannot be recorded: an administrator can look at the server";
            702 LOG_BROKEN, "the audit log does not verify",
                "relhook audit verify shows where it breaks off";
            703 LEDGER, "the ledger cannot be used",
                "an administrator can look at the server: relhook status";
            704 LOG_REWRITTEN, "the server's audit log is not what this clone saw of it",
                "sign and push nothing until an administrator has explained it";
            705 COSIGNATURE, "a cosignature that the server does not take",
                "relhook audit witness makes one and pushes it; nothing else belongs there";
            706 UNWITNESSED, "too few witnesses have cosigned what the log says",
                "whoever runs a witness: relhook audit witness, in the witness's clone";
            711 REPLAY_REFUSED, "an accepted push is refused when it is judged again",
                "";
            712 REPLAY_MOVED, "a protected ref moved, and no verdict let it",
                "";
            713 REPLAY_POLICY, "a push was judged by a policy that no verdict put in force",
                "";
            714 REPLAY_EVIDENCE, "evidence that a verdict rests on is missing or altered",
                "";
            715 REPLAY_DIFFERS, "the record tells something else than what is found again",
                "";
            716 REPLAY_LEFT_OUT, "a statement that was there was not heard",
                "";
            717 REPLAY_UNCOVERED, "commits of a protected ref that no approval in this clone covers",
                "";
            718 REPLAY_UNTOLD, "whether a push holds up cannot be told",
                "";
            741 LOG_EXPOSED, "somebody can read or change the audit log who may not",
                "an administrator can put it right on the server: relhook init";
            742 READ_UNRECORDED, "reading the audit log could not be recorded",
                "read it as the repository's account: sudo -u ACCOUNT relhook audit log";
            801 POLICY_MISSING, "there is no policy",
                "an administrator can put a policy in force: relhook init --policy policy.yaml --keys keys";
            802 POLICY_UNUSABLE, "the policy in force cannot be read",
                "an administrator can mend refs/relhook/policy on the server";
            803 POLICY_INVALID, "the pushed policy is not sound",
                "try it before you push: relhook policy lint";
            804 POLICY_LOCKS_OUT, "after the pushed policy nobody could change it again",
                "leave enough people with keys in the teams of the rule for refs/relhook/policy";
            805 POLICY_ABSENT, "the push leaves no policy",
                "keep policy.yaml on the branch";
            806 NO_RULE, "no rule says who may change this ref",
                "have a rule for this ref added to the policy";
            807 KEYS_UNUSABLE, "the policy's keys cannot be used",
                "compare the keys of the policy with the files below keys/";
            808 ONLY_WARNS, "a rule that only warns let something pass",
                "";
            901 INTERNAL, "relhook contradicts itself",
                "please report it together with what relhook check says";
            902 ENVIRONMENT, "relhook was started in a way that it cannot trust",
                "an administrator can look at how the hooks are started";
            903 UNSUPPORTED, "a kind of repository that relhook does not support",
                "relhook needs a bare repository with SHA-1 ids and refs in files";
        }
    };
}

macro_rules! constants {
    ($($number:literal $name:ident, $title:literal, $hint:literal;)*) => {
        impl Code {
            $(
                #[doc = concat!("RH", stringify!($number), ": ", $title, ".")]
                pub const $name: Self = Self($number);
            )*

            /// Every code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// What the code means, in a few words.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)*
                    // Not constructible: the number is private and every constant stands above.
                    Self(_) => "an unknown code",
                }
            }

            /// What helps whatever the facts are; empty where that depends on them.
            #[must_use]
            pub(in crate::decide) fn hint(self) -> &'static str {
                match self {
                    $(Self::$name => $hint,)*
                    Self(_) => "",
                }
            }
        }
    };
}
every_code!(constants);
pub(crate) use every_code;

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RH{:03}", self.0)
    }
}

/// Why text names no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` is not a code of relhook's, such as `RH401`")]
pub struct UnknownCode {
    /// The text, escaped.
    pub shown: String,
}

impl FromStr for Code {
    type Err = UnknownCode;
    /// Reads `RH401`, `rh401` or `401`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("RH").or_else(|| text.strip_prefix("rh"));
        let digits = digits.unwrap_or(text);
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.0.to_string() == digits)
            .ok_or_else(|| UnknownCode {
                shown: crate::types::escape(text.as_bytes()),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn every_code_is_read_back_and_none_stands_twice() {
        for code in Code::ALL {
            assert_eq!(code.to_string().parse(), Ok(*code));
        }
        assert!(Code::ALL.is_sorted_by(|left, right| left < right));
    }

    #[test]
    fn what_is_no_code_is_said() {
        assert_eq!("rh401".parse(), Ok(Code::NOT_COVERED));
        assert_eq!("401".parse(), Ok(Code::NOT_COVERED));
        for bad in ["", "RH", "RH0401", "RH999", "XX401", "RH401 ", "RHRH401"] {
            assert!(bad.parse::<Code>().is_err(), "{bad:?}");
        }
    }
}
