//! The replay for people.

use super::day;
use crate::replay::{Finding, Outcome, Replay, Source, Weight};
use crate::types::Oid;
use crate::ui::paragraph;

/// So many commits that nobody judged are shown.
const SHOWN: usize = 5;

/// A replay, at most 80 columns wide.
pub(super) fn answer(replay: &Replay) -> String {
    let mut text = match &replay.source {
        Source::Log {
            entries,
            checkpoint,
        } => format!("{entries} entries replayed, of the log\n  {checkpoint}\n"),
        Source::Clone { remote, .. } => paragraph(
            "",
            &format!("replayed in a clone of {remote}, which has no log"),
        ),
    };
    for account in &replay.refs {
        let line = format!(
            "{}: {}, {} up, {} -> {}",
            account.refname,
            count(account.moves, "move judged again", "moves judged again"),
            count(account.held, "holds", "hold"),
            short(account.start),
            short(account.value)
        );
        text += &paragraph("", &line);
    }
    for finding in &replay.findings {
        text += &said(finding);
    }
    for remark in &replay.remarks {
        let at = remark
            .entry
            .map(|entry| format!(" before entry {entry}"))
            .unwrap_or_default();
        let refname = remark.refname.as_ref();
        let refname = refname.map(|name| format!("{name} ")).unwrap_or_default();
        text += &paragraph("note: ", &format!("{refname}{}{at}", remark.text));
    }
    text + &paragraph("", end(replay))
}

fn said(finding: &Finding) -> String {
    let mut head = finding.code.to_string();
    if finding.weight == Weight::Doubt {
        head += " (doubt)";
    }
    let mut words = Vec::new();
    words.extend(finding.entry.map(|entry| format!("entry {entry}")));
    words.extend(finding.time.map(day));
    if let Some(refname) = &finding.refname {
        let (from, to) = (short(finding.from), short(finding.to));
        words.push(match (finding.from, finding.to) {
            (None, None) => refname.clone(),
            (Some(_), _) | (None, Some(_)) => format!("{refname} {from} -> {to}"),
        });
    }
    let mut text = paragraph(&format!("{head}  "), &words.join(", "));
    text += &paragraph("  ", &finding.text);
    for why in &finding.reasons {
        text += &paragraph(&format!("  {} ", why.code), &why.text);
    }
    if finding.commit_count > 0 {
        let shown = finding.commits.iter().take(SHOWN);
        let shown: Vec<String> = shown.map(|oid| oid.short()).collect();
        let more = match finding.commit_count.saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        text += &paragraph("  commits: ", &format!("{}{more}", shown.join(", ")));
    }
    text
}

fn end(replay: &Replay) -> &'static str {
    match (replay.outcome(), &replay.source) {
        (Outcome::Clean, Source::Log { .. }) => {
            "every move holds up under the policy of its day, and no ref moved otherwise"
        }
        (Outcome::Clean, Source::Clone { .. }) => {
            "approvals cover all that the refs brought. Who pushed it and when, and whether the \
             server was asked at all, only its log tells"
        }
        (Outcome::Found, _) => "not all of it holds up: relhook explain CODE says what to do",
        (Outcome::Unclear, _) => "nothing is known to be wrong, but not all can be told",
    }
}

fn count(number: u64, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    }
}

fn short(oid: Option<Oid>) -> String {
    oid.map_or_else(|| "nothing".to_owned(), |oid| oid.short())
}
