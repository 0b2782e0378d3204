//! The plots of the page: drawings and tables that need no script.

use super::html::escape;
use super::lead::{Lead, span};
use super::model::{Change, Report};
use super::unusual::Way;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// The width of a drawing in its own units; the page scales it.
const WIDTH: f64 = 720.0;

/// So many changes are drawn with their lead times: the last ones.
const MAX_LEADS: usize = 25;

/// So many people are in the matrix; the others are counted below it.
const MAX_PEOPLE: usize = 20;

/// A line of time: what was accepted above it, what was refused below it.
pub(in crate::report) fn timeline(report: &Report) -> String {
    let accepted = report.changes.iter().map(|change| change.time.as_unix());
    let refused = report.refusals.iter().map(|refusal| refusal.time.as_unix());
    let all: Vec<i64> = accepted.clone().chain(refused.clone()).collect();
    let (Some(first), Some(last)) = (all.iter().min(), all.iter().max()) else {
        return String::new();
    };
    let length = (last - first).max(1);
    let place = |time: i64| 12.0 + (WIDTH - 24.0) * ratio(time - first, length);
    let mut svg = format!(
        "<div class=\"wide\"><svg viewBox=\"0 0 {WIDTH} 78\" role=\"img\" aria-label=\"{} accepted and {} refused pushes \
         over time\">\n<line x1=\"0\" y1=\"34\" x2=\"{WIDTH}\" y2=\"34\" stroke=\"var(--line)\" stroke-width=\"2\"/>\n",
        report.changes.len(),
        report.refusals.len()
    );
    for time in accepted {
        let x = place(time);
        let _ = writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"20\" r=\"5\" fill=\"var(--good)\" fill-opacity=\".7\"/>"
        );
    }
    for time in refused {
        let x = place(time);
        let _ = writeln!(
            svg,
            "<path d=\"M{:.1} 43l8 8m0-8l-8 8\" stroke=\"var(--bad)\" stroke-width=\"2\"/>",
            x - 4.0
        );
    }
    let day = |time: i64| {
        let text = crate::types::Timestamp::from_unix(time).to_string();
        text.get(..10).map(ToOwned::to_owned).unwrap_or(text)
    };
    let _ = writeln!(
        svg,
        "<text x=\"2\" y=\"72\">{}</text>\n<text x=\"{}\" y=\"72\" text-anchor=\"end\">{}</text>\n</svg></div>",
        day(*first),
        WIDTH - 2.0,
        day(*last)
    );
    svg + &key(&[("var(--good)", "accepted"), ("var(--bad)", "refused")])
}

/// How long each of the last changes took, and which stretch of it.
pub(in crate::report) fn leads(report: &Report) -> String {
    let known = |change: &Change| Lead::of(change).map(|lead| (change.clone(), lead));
    let mut leads: Vec<(Change, Lead)> = report.changes.iter().filter_map(known).collect();
    let left_out = leads.len().saturating_sub(MAX_LEADS);
    leads.drain(..left_out);
    let longest = leads
        .iter()
        .map(|(_, lead)| lead.whole())
        .max()
        .unwrap_or(0)
        .max(1);
    let height = 8 + 22 * leads.len();
    let mut svg = format!(
        "<div class=\"wide\"><svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"time from commit to release of \
         {} changes\">\n",
        leads.len()
    );
    for (row, (change, lead)) in leads.iter().rev().enumerate() {
        let y = 4 + 22 * row;
        let _ = writeln!(
            svg,
            "<text x=\"0\" y=\"{}\">{}</text>",
            y + 13,
            change.new.short()
        );
        let mut x = 84.0;
        let parts = [
            (lead.review, "var(--mark)"),
            (lead.wait, "var(--warn)"),
            (lead.release, "var(--good)"),
        ];
        for (seconds, colour) in parts {
            let width = (WIDTH - 84.0 - 90.0) * part(seconds, longest);
            let _ = writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"16\" fill=\"{colour}\"/>"
            );
            x += width;
        }
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\">{}</text>",
            x + 6.0,
            y + 13,
            span(lead.whole())
        );
    }
    svg.push_str("</svg></div>\n");
    svg += &key(&[
        ("var(--mark)", "commit to last approval"),
        ("var(--warn)", "approval to push"),
        ("var(--good)", "push to last target"),
    ]);
    if left_out > 0 {
        let _ = writeln!(
            svg,
            "<p class=\"soft\">and {left_out} changes before these</p>"
        );
    }
    svg + "<p class=\"soft\">The commit's time is its committer's word; the others are the server's.</p>\n"
}

/// How many changes went which way, as shares of one bar.
pub(in crate::report) fn ways(report: &Report) -> String {
    let all = report.changes.len() as u64;
    let count = |way: Way| {
        let of = report.changes.iter().map(Way::of);
        of.filter(|one| *one == way).count() as u64
    };
    let shares: Vec<(Way, u64)> = Way::ALL
        .into_iter()
        .map(|way| (way, count(way)))
        .filter(|(_, count)| *count > 0)
        .collect();
    let words: Vec<String> = shares
        .iter()
        .map(|(way, count)| format!("{} {count} of {all}", way.words()))
        .collect();
    let mut svg = format!(
        "<svg class=\"bar\" viewBox=\"0 0 {WIDTH} 18\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"{}\">\n",
        words.join(", ")
    );
    let mut x = 0.0;
    for (way, count) in &shares {
        let width = WIDTH * part(*count, all);
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"0\" width=\"{width:.1}\" height=\"18\" fill=\"{}\"/>",
            way.colour()
        );
        x += width;
    }
    svg.push_str("</svg>\n");
    let entries: Vec<(&str, &str)> = shares
        .iter()
        .zip(&words)
        .map(|((way, _), words)| (way.colour(), &**words))
        .collect();
    svg + &key(&entries)
}

/// Who approved what whom had a part in: how many changes.
pub(in crate::report) fn matrix(report: &Report) -> String {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let (mut writers, mut reviewers) = (BTreeSet::new(), BTreeSet::new());
    for change in &report.changes {
        for writer in &change.contributors {
            writers.insert(&**writer);
            for reviewer in &change.approved_by {
                reviewers.insert(&**reviewer);
                *counts.entry((writer, reviewer)).or_default() += 1;
            }
        }
    }
    let Some(most) = counts.values().max().copied() else {
        return "<p>Nobody's approval counted in this period.</p>\n".to_owned();
    };
    let more =
        writers.len().saturating_sub(MAX_PEOPLE) + reviewers.len().saturating_sub(MAX_PEOPLE);
    let mut text = String::from("<div class=\"wide\"><table class=\"who\">\n<tr><th></th>");
    for reviewer in reviewers.iter().take(MAX_PEOPLE) {
        let _ = write!(
            text,
            "<th scope=\"col\">approved by {}</th>",
            escape(reviewer)
        );
    }
    text.push_str("</tr>\n");
    for writer in writers.iter().take(MAX_PEOPLE) {
        let _ = write!(
            text,
            "<tr><th scope=\"row\">written by {}</th>",
            escape(writer)
        );
        for reviewer in reviewers.iter().take(MAX_PEOPLE) {
            match counts.get(&(*writer, *reviewer)) {
                Some(count) => {
                    let heat = 0.12 + 0.5 * part(*count, most);
                    let _ = write!(
                        text,
                        "<td style=\"background:rgba(var(--heat),{heat:.2})\">{count}</td>"
                    );
                }
                None => text.push_str("<td class=\"soft\">·</td>"),
            }
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</table></div>\n");
    if more > 0 {
        let _ = writeln!(text, "<p class=\"soft\">and {more} more people</p>");
    }
    text
}

fn key(entries: &[(&str, &str)]) -> String {
    let mut text = String::from("<p class=\"key\">");
    for (colour, what) in entries {
        let _ = write!(
            text,
            "<span><i style=\"background:{colour}\"></i>{what}</span>"
        );
    }
    text + "</p>\n"
}

/// A share of a length: exact enough for a drawing.
#[allow(
    clippy::cast_precision_loss,
    reason = "a drawing has fewer than 2^52 points"
)]
fn ratio(part: i64, whole: i64) -> f64 {
    part as f64 / whole as f64
}

#[allow(
    clippy::cast_precision_loss,
    reason = "a drawing has fewer than 2^52 points"
)]
fn part(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}
