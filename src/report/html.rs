//! The report as one page: no script, nothing from elsewhere, light and dark, fit to print.

use super::lead::{Lead, span};
use super::model::{Change, CheckOf, Report, Went};
use super::{plots, unusual};
use crate::types::{Oid, Timestamp};
use std::fmt::Write;

/// The page's looks.
const STYLE: &str = include_str!("page.css");

/// A report as a page.
#[must_use]
pub fn html(report: &Report) -> String {
    let mut page = String::new();
    let title = format!("{}: what reached production", escape(&report.repository));
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
    );
    let _ = writeln!(
        page,
        "<p class=\"soft\">{}, made {}</p>",
        days(report),
        shown(report.made)
    );
    tiles(&mut page, report);
    proof(&mut page, report);
    if !report.changes.is_empty() || !report.refusals.is_empty() {
        section(&mut page, "When", &plots::timeline(report));
    }
    if report
        .changes
        .iter()
        .any(|change| Lead::of(change).is_some())
    {
        section(&mut page, "How long it took", &plots::leads(report));
    }
    if !report.changes.is_empty() {
        section(&mut page, "Which way it went", &plots::ways(report));
        section(&mut page, "Who approved whom", &plots::matrix(report));
    }
    let unusual = unusual::table(report);
    if !unusual.is_empty() {
        section(&mut page, "What went another way", &unusual);
    }
    changes(&mut page, report);
    refusals(&mut page, report);
    notes(&mut page, report);
    evidence(&mut page, report);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// Text, so that a page shows it as it is.
pub(in crate::report) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

fn section(page: &mut String, title: &str, content: &str) {
    let _ = writeln!(page, "<section>\n<h2>{title}</h2>\n{content}</section>");
}

fn days(report: &Report) -> String {
    let last = Timestamp::from_unix(report.period.to.as_unix().saturating_sub(1));
    match report.period.from.as_unix() {
        0 => format!("from the beginning to {}", shown(last)),
        _ => format!("from {} to {}", shown(report.period.from), shown(last)),
    }
}

/// A moment, to the minute and in UTC.
pub(in crate::report) fn shown(time: Timestamp) -> String {
    let text = time.to_string();
    let minute = text.get(..16).map(|minute| minute.replace('T', " "));
    let minute = minute.unwrap_or_else(|| text.clone());
    format!("<time datetime=\"{text}\">{minute} UTC</time>")
}

fn tiles(page: &mut String, report: &Report) {
    let released = report.changes.iter().filter(|change| {
        let mut releases = change.releases.iter();
        releases.any(|release| release.finished)
    });
    let policy = report
        .notes
        .iter()
        .filter(|note| note.about == super::Kept::Policy);
    let emergencies = report.changes.iter();
    let emergencies: Vec<_> = emergencies
        .filter_map(|change| change.emergency.as_ref())
        .collect();
    let owed = emergencies.iter().filter(|one| one.settled.is_none());
    let owed = match owed.count() {
        0 => "emergencies".to_owned(),
        owed => format!("emergencies, <span class=\"warn\">{owed} with a review owed</span>"),
    };
    let rollbacks = report.changes.iter();
    let rollbacks = rollbacks.filter(|change| change.rollback.is_some());
    let tiles = [
        ("changes accepted", report.changes.len()),
        ("of them released", released.count()),
        ("pushes refused", report.refusals.len()),
        (&*owed, emergencies.len()),
        ("rollbacks", rollbacks.count()),
        ("changes of the policy", policy.count()),
    ];
    page.push_str("<div class=\"tiles\">\n");
    for (what, count) in tiles {
        let _ = writeln!(page, "<div class=\"tile\"><b>{count}</b>{what}</div>");
    }
    page.push_str("</div>\n");
}

fn proof(page: &mut String, report: &Report) {
    let entries = match report.entries {
        Some((first, last)) => format!(
            "All entries of this period, {first} to {last}, were read; their numbers have no gap, so \
             this list is complete."
        ),
        None => "The log has no entry of this period.".to_owned(),
    };
    let checkpoint = &report.checkpoint;
    let _ = writeln!(
        page,
        "<div class=\"proof\">\n<p><b class=\"good\">The log verifies.</b> {entries}</p>\n\
         <p>It has {} entries, and the root of the tree over them is <code>{}</code>. A checkpoint that \
         a clone or a pusher kept can be compared with it: \
         <code>relhook audit verify --since 'SIZE ROOT'</code>.</p>\n\
         <p class=\"soft\">Key: <code>{}</code></p>\n</div>",
        checkpoint.size,
        escape(&checkpoint.root_base64()),
        escape(&report.key)
    );
}

fn changes(page: &mut String, report: &Report) {
    let mut text = String::new();
    if report.changes.is_empty() {
        text.push_str("<p>No protected ref was moved in this period.</p>\n");
    }
    for change in report.changes.iter().rev() {
        article(&mut text, change);
    }
    section(page, "Changes that reached production", &text);
}

fn article(text: &mut String, change: &Change) {
    let _ = writeln!(
        text,
        "<article id=\"entry-{0}\">\n<h3>{1}: <span class=\"id\">{2}</span>, {3}</h3>\n<dl>",
        change.entry,
        escape(branch(&change.refname)),
        change.new.short(),
        shown(change.time)
    );
    let mut line = |what: &str, how: String| {
        let _ = writeln!(text, "<dt>{what}</dt><dd>{how}</dd>");
    };
    line("written by", people(&change.contributors));
    // An emergency and a way back have nobody's approval; what they have instead follows.
    let without = change.emergency.is_some() || change.rollback.is_some();
    if !(without && change.approved_by.is_empty()) {
        line("approved by", people(&change.approved_by));
    }
    for (what, how) in unusual::told(change) {
        line(what, how);
    }
    if !change.tickets.is_empty() {
        line("asked for in", escape(&change.tickets.join(", ")));
    }
    if !change.checks.is_empty() {
        let passed = |one: &CheckOf| {
            let (check, machine) = (escape(&one.check), escape(&one.machine));
            format!("<span class=\"good\">{check}</span> by {machine}")
        };
        let all: Vec<String> = change.checks.iter().map(passed).collect();
        line("checks passed", all.join(", "));
    }
    let by = change.pushed_by.as_deref();
    line("pushed by", by.map_or_else(unknown, escape));
    let releases: Vec<String> = change.releases.iter().map(release).collect();
    let none = match change.went {
        Went::In => "the ref moved; no release is on record",
        Went::Unknown => "<span class=\"warn\">nothing says that the ref moved</span>",
    };
    let released = releases.join("<br>");
    line(
        "released",
        if released.is_empty() {
            none.to_owned()
        } else {
            released
        },
    );
    if let Some(lead) = Lead::of(change) {
        line("took", format!("{} from its commit", span(lead.whole())));
    }
    text.push_str("</dl>\n<details><summary>ids and evidence</summary>\n<dl>\n");
    let mut line = |what: &str, how: &str| {
        let _ = writeln!(text, "<dt>{what}</dt><dd class=\"id\">{how}</dd>");
    };
    line("entry", &change.entry.to_string());
    line(
        "from",
        &change
            .old
            .map_or_else(|| "nothing".into(), |oid: Oid| oid.to_string()),
    );
    line("to", &change.new.to_string());
    line("policy", &change.policy.to_string());
    for approval in &change.approvals {
        let seen = approval.seen.map(|seen| format!(", first seen {seen}"));
        line(
            "statement",
            &format!("{}{}", approval.oid, seen.unwrap_or_default()),
        );
    }
    for statement in change.rollback.iter().flat_map(|one| &one.statements) {
        line("rollback", &statement.to_string());
    }
    for hash in &change.evidence {
        line("evidence", hash.as_str());
    }
    text.push_str("</dl>\n</details>\n</article>\n");
}

pub(in crate::report) fn branch(refname: &str) -> &str {
    refname.strip_prefix("refs/heads/").unwrap_or(refname)
}

pub(in crate::report) fn people(names: &[String]) -> String {
    match names {
        [] => unknown(),
        names => escape(&names.join(", ")),
    }
}

fn unknown() -> String {
    "<span class=\"soft\">not known</span>".to_owned()
}

fn release(release: &super::ReleaseOf) -> String {
    let target = escape(&release.target);
    let when = shown(release.time);
    let lifted = match release.lifted_by.as_slice() {
        [] => String::new(),
        people => format!(", let on by {}", escape(&people.join(", "))),
    };
    if release.finished {
        return format!("<span class=\"good\">{target}</span>, {when}{lifted}");
    }
    match &release.error {
        Some(error) => format!(
            "<span class=\"bad\">{target} failed</span>, {when}: {}",
            escape(error)
        ),
        None => format!("<span class=\"warn\">{target} began</span>, {when}"),
    }
}

fn refusals(page: &mut String, report: &Report) {
    let mut text = String::new();
    if report.refusals.is_empty() {
        text.push_str("<p>No push was refused in this period.</p>\n");
    } else {
        text.push_str(
            "<div class=\"wide\"><table class=\"rows\">\n<tr><th>when</th><th>entry</th><th>who</th><th>ref</th>\
             <th>why (relhook explain CODE)</th></tr>\n",
        );
        for refusal in report.refusals.iter().rev() {
            let refs: Vec<&str> = refusal.refs.iter().map(|name| branch(name)).collect();
            let _ = writeln!(
                text,
                "<tr><td class=\"time\">{}</td><td class=\"entry\">{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                shown(refusal.time),
                refusal.entry,
                refusal.by.as_deref().map_or_else(unknown, escape),
                escape(&refs.join(", ")),
                escape(&refusal.codes.join(" "))
            );
        }
        text.push_str("</table></div>\n");
    }
    section(page, "Refusals", &text);
}

fn notes(page: &mut String, report: &Report) {
    if report.notes.is_empty() {
        return;
    }
    let mut text = String::from(
        "<div class=\"wide\"><table class=\"rows\">\n<tr><th>when</th><th>entry</th><th>about</th><th>what</th></tr>\n",
    );
    for note in report.notes.iter().rev() {
        let _ = writeln!(
            text,
            "<tr><td class=\"time\">{}</td><td class=\"entry\">{}</td><td>{}</td><td>{}</td></tr>",
            shown(note.time),
            note.entry,
            note.about.word(),
            escape(&note.text)
        );
    }
    text.push_str("</table></div>\n");
    section(page, "Policy, targets and the log itself", &text);
}

fn evidence(page: &mut String, report: &Report) {
    let text = format!(
        "<p>Each entry is a leaf of the log's tree. <code>relhook audit prove NUMBER</code> on the server \
         writes a receipt of one, which <code>relhook audit check</code> checks anywhere, with the key above. \
         Evidence is named by its SHA-256; it is kept beside the log. A statement is a signed tag: \
         <code>git verify-tag</code> checks it with the signer's key.</p>\n<pre class=\"wide\"><code>{}</code></pre>\n",
        escape(&report.checkpoint.note)
    );
    section(page, "How to check this", &text);
}
