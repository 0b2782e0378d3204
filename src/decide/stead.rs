//! Notes about what was said in somebody's stead and does not count.

use super::cover::{Outcome, Ruling, Uncovering};
use super::notes::{note, oids};
use super::objections;
use super::reason::words::commits;
use super::roster::Number;
use super::span::{At, Span};
use super::voices::Voices;
use super::{Code, Note};
use crate::types::Timestamp;

/// Why an approval in somebody's stead does not cover some commits that it reaches.
pub(super) fn uncovering(
    ruling: &Ruling<'_>,
    (deputy, stead): (Number, Number),
    why: Uncovering,
    places: &[At],
) -> Note {
    let name = |who| ruling.span.roster.name(who);
    let (deputy, stead) = (name(deputy), name(stead));
    let commits = commits(&oids(ruling.span, places));
    let (code, because) = match why {
        Uncovering::Hand(who) => {
            let what = if ruling.bars_from_range() {
                "the range"
            } else {
                "it"
            };
            (
                Code::OWN_WORK,
                format!("{} had a hand in {what}", name(who)),
            )
        }
        Uncovering::Paths => (
            Code::STEAD,
            format!("{deputy} stands in for {stead} for other paths only"),
        ),
    };
    let text =
        format!("{deputy}'s approval in {stead}'s stead does not cover {commits}: {because}");
    note(code, text)
}

/// Those who spoke in somebody's stead and are not their deputy, or not for this, or not any more.
pub(super) fn unheard(voices: &Voices<'_>, judged: &[(Ruling<'_>, Outcome)]) -> Vec<Note> {
    let Some((first, _)) = judged.first() else {
        return Vec::new();
    };
    let span = first.span;
    let approved = voices.approvals.iter().filter_map(|approval| {
        let mut rules = judged.iter();
        let heard = rules.any(|(ruling, _)| ruling.is_carried(approval));
        let stead = approval.stead.filter(|_| !heard)?;
        Some((
            approval.person,
            stead,
            approval.at,
            approval.seen,
            "approved",
        ))
    });
    let objected = voices.objections.iter().filter_map(|objection| {
        let mut rules = judged.iter();
        let heard = rules.any(|(ruling, _)| objections::held(ruling, objection));
        let stead = objection.stead.filter(|_| !heard)?;
        let (person, at) = (objection.person, objection.at);
        Some((person, stead, at, objection.seen, "objected to"))
    });
    approved
        .chain(objected)
        .filter_map(|(person, stead, at, seen, verb)| {
            let commit = span.oid(at)?.short();
            let name = |who| span.roster.name(who);
            let why = why_not(span, person, stead, seen);
            let text = format!(
                "{} {verb} `{commit}` in {}'s stead, but {why}",
                name(person),
                name(stead)
            );
            Some(note(Code::STEAD, text))
        })
        .collect()
}

/// Why somebody is not heard in another's stead, as far as the delegations that there are tell.
fn why_not(span: &Span<'_>, person: Number, stead: Number, seen: Option<Timestamp>) -> String {
    let given = span.delegations.iter();
    let given = given.filter(|one| one.to == person && one.by == stead);
    let given = given.max_by_key(|one| (!one.is_withdrawn(), one.seen));
    let Some(given) = given else {
        return "was not named their deputy for this ref, or no longer is".to_owned();
    };
    if given.is_withdrawn() {
        "that was taken back".to_owned()
    } else if given.until <= span.now {
        format!("that ended {}", given.until)
    } else if span.now < given.from {
        format!("that begins {}", given.from)
    } else if seen.is_none_or(|seen| given.seen.is_none_or(|own| seen < own) || !given.spans(seen))
    {
        "was their deputy only later: it has to be said again".to_owned()
    } else {
        "the policy no longer lets one stand in for the other so long".to_owned()
    }
}
