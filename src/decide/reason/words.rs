//! Lists and numbers, as sentences want them.

use super::{Lack, Shut, Signed, StandIn};
use crate::facts::Role;
use crate::policy::{Attribution, TicketPlace};
use crate::types::{Oid, PersonName, RepoPath, TeamName, escape};
use std::collections::BTreeSet;
use std::fmt::Display;

/// So many items of a list are named; the rest is counted.
const NAMED: usize = 3;

/// `` `8d01e77`, `1f0c2ab` and 5 more ``.
pub(in crate::decide) fn commits(oids: &[Oid]) -> String {
    let named = oids
        .iter()
        .take(NAMED)
        .map(|oid| format!("`{}`", oid.short()));
    let mut parts: Vec<String> = named.collect();
    let more = oids.len().saturating_sub(NAMED);
    if more > 0 {
        parts.push(format!("{more} more"));
    }
    joined(&parts, "and")
}

/// `1 commit`, `2 commits`.
pub(in crate::decide) fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {many}")
    }
}

/// `rita, remy or carl`; all of them.
pub(in crate::decide) fn any_of<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let parts: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    joined(&parts, "or")
}

/// `rita, remy and carl`; all of them.
pub(in crate::decide) fn all_of<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let parts: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    joined(&parts, "and")
}

/// `` `a/**` or `b/*` ``, each in backticks.
pub(in crate::decide) fn quoted(items: &[String]) -> String {
    any_of(items.iter().map(|item| format!("`{item}`")))
}

/// `author and committer`; without any, the first pusher.
pub(in crate::decide) fn roles(roles: &BTreeSet<Role>) -> String {
    if roles.is_empty() {
        return "first pusher".to_owned();
    }
    all_of(roles.iter().map(|role| match role {
        Role::Author => "author",
        Role::Committer => "committer",
        Role::CoAuthor => "co-author",
    }))
}

/// A commit that may be absent.
pub(super) fn commit(oid: Option<Oid>) -> String {
    oid.map_or_else(
        || "what is there".to_owned(),
        |oid| format!("`{}`, where the ref is", oid.short()),
    )
}

/// That too few have said that a ref goes back.
pub(super) fn unstated(from: Oid, to: Oid, missing: u32, by: &[TeamName]) -> String {
    let who = any_of(by);
    let lacking = match missing {
        1 => format!("the word of somebody in {who}"),
        some => format!("the word of {some} people in {who}"),
    };
    format!(
        "to go back from `{}` to `{}`, this ref needs {lacking}",
        from.short(),
        to.short()
    )
}

/// Why a ref may not go back to a commit.
pub(super) fn never_there(to: Oid, undone: bool) -> String {
    let to = to.short();
    if undone {
        format!("`{to}` was itself rolled back, and nobody has let this ref be there since")
    } else {
        format!("this ref was never let be at `{to}`")
    }
}

/// What a ref is or is said to be.
pub(super) fn value(oid: Option<Oid>) -> String {
    oid.map_or_else(
        || "absent".to_owned(),
        |oid| format!("at `{}`", oid.short()),
    )
}

/// What the problem of a signature is about, as the beginning of its sentence.
pub(super) fn signed(on: &Signed) -> String {
    match on {
        Signed::Commits(oids) => format!("{}: ", commits(oids)),
        Signed::Statement => "the statement: ".to_owned(),
        Signed::Stored(tag) => format!("the statement `{}`: ", tag.short()),
    }
}

/// That nothing proves who made some commits.
pub(super) fn unauthenticated(oids: &[Oid], demanded: Attribution) -> String {
    let proof = match demanded {
        Attribution::Signature => "no signature of a known person",
        Attribution::SignatureOrPusher => "neither a signature nor a first pusher that is known",
    };
    let number = count(oids.len(), "commit has", "commits have");
    format!("{number} {proof}: {}", commits(oids))
}

/// What approvals are lacking, for the whole branch or for some paths.
pub(super) fn lacking(lack: &Lack, paths: Option<(&Vec<String>, &RepoPath)>) -> String {
    let number = count(lack.commits.len(), "commit lacks", "commits lack");
    let needed = count(lack.required as usize, "person", "people");
    let touching = paths.map_or_else(String::new, |(patterns, path)| {
        format!(" for {} (`{path}`)", quoted(patterns))
    });
    format!(
        "{number} approval by {needed} of {}{touching}: {}",
        any_of(&lack.from),
        commits(&lack.commits)
    )
}

/// What somebody objects to and why.
pub(super) fn objection(who: &str, commit: Oid, reason: Option<&str>) -> String {
    let said = reason.map_or_else(String::new, |text| {
        format!(": `{}`", escape(text.as_bytes()))
    });
    format!("{who} objects to `{}`{said}", commit.short())
}

/// `carol`, or `carol, in rita's stead,`.
pub(in crate::decide) fn in_stead(person: &PersonName, stead: Option<&PersonName>) -> String {
    stead.map_or_else(
        || person.to_string(),
        |stead| format!("{person}, in {stead}'s stead,"),
    )
}

/// `carol in rita's stead (until 2026-12-14T00:00:00Z) or dan in remy's stead (until …)`.
pub(in crate::decide) fn stand_ins(all: &BTreeSet<StandIn>) -> String {
    any_of(all.iter().map(|one| {
        format!(
            "{} in {}'s stead (until {})",
            one.deputy, one.stead, one.until
        )
    }))
}

/// That no window is open, and when one is.
pub(super) fn outside(shut: &Shut) -> String {
    let names: Vec<String> = shut.names.iter().map(ToString::to_string).collect();
    let (lead, opens) = match names.as_slice() {
        [one] => (format!("the release window `{one}` is shut"), "it opens"),
        all => (
            format!("no release window is open of {}", quoted_all(all)),
            "the first opens",
        ),
    };
    match &shut.ends {
        Some(moment) => format!("{lead}; {opens} {moment}"),
        None => format!("{lead}, and does not open in the weeks to come"),
    }
}

/// That a freeze holds, and until when.
pub(super) fn frozen(shut: &Shut) -> String {
    let name = any_of(&shut.names);
    match &shut.ends {
        Some(moment) => format!("the freeze `{name}` holds until {moment}"),
        None => format!("the freeze `{name}` holds until the policy is changed"),
    }
}

/// That no change request is named, and where one has to be.
pub(super) fn no_ticket(pattern: &str, place: TicketPlace, oids: &[Oid]) -> String {
    let pattern = escape(pattern.as_bytes());
    let place = match place {
        TicketPlace::Approval => "no approval that counts for the whole names".to_owned(),
        TicketPlace::Range => "no commit's message names".to_owned(),
        TicketPlace::Either => {
            "neither an approval that counts for the whole nor a commit's message names".to_owned()
        }
        TicketPlace::Each => {
            let number = count(oids.len(), "commit does", "commits do");
            return format!(
                "{number} not name a change request like `{pattern}`: {}",
                commits(oids)
            );
        }
    };
    format!("{place} a change request like `{pattern}`")
}

/// That who pushes is not a third person.
pub(super) fn not_distinct(
    person: &PersonName,
    made: &[Oid],
    approved: &[Oid],
    instead: &[Oid],
) -> String {
    let part =
        |verb: &str, all: &[Oid]| (!all.is_empty()).then(|| format!("{verb} {}", commits(all)));
    let did = [
        part("had a hand in", made),
        part("approved", approved),
        part("had a deputy who approved", instead),
    ];
    let did: Vec<String> = did.into_iter().flatten().collect();
    format!(
        "{person} {}, and a third person has to release it",
        joined(&did, "and")
    )
}

fn quoted_all(items: &[String]) -> String {
    all_of(items.iter().map(|item| format!("`{item}`")))
}

fn joined(parts: &[String], word: &str) -> String {
    match parts {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} {word} {last}", head.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_like_speech() {
        let oid = |digit: &str| digit.repeat(40).parse::<Oid>().unwrap();
        let oids: Vec<Oid> = ["1", "2", "3", "4", "5"].map(oid).to_vec();
        assert_eq!(commits(&oids[..1]), "`1111111`");
        assert_eq!(commits(&oids[..2]), "`1111111` and `2222222`");
        assert_eq!(commits(&oids), "`1111111`, `2222222`, `3333333` and 2 more");
        assert_eq!(any_of(["rita", "remy", "carl"]), "rita, remy or carl");
        assert_eq!(count(1, "commit", "commits"), "1 commit");
        assert_eq!(count(0, "commit", "commits"), "0 commits");
    }
}
