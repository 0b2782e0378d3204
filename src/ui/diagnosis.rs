//! What a look at a server brought: the worst first, each with what mends it.

use super::Color;
use super::color::Tone;
use super::page::{Page, Reader};
use super::text::count;
use crate::doctor::{Counts, Examination, Finding, State};

/// The whole of it.
#[must_use]
pub fn diagnosis(seen: &Examination, color: Color) -> String {
    let mut page = Page::new(Reader::Here, color);
    let name = seen.repository.as_deref().unwrap_or("no policy in force");
    page.paragraph(Tone::Strong, "", &format!("{} ({name})", seen.git_dir));
    page.paragraph(Tone::Plain, "", &format!("pushes run as {}", seen.account));
    for state in [State::Error, State::Warning, State::Unknown] {
        for finding in seen.findings.iter().filter(|one| one.state == state) {
            page.gap();
            one(&mut page, finding);
        }
    }
    page.gap();
    fine(&mut page, &seen.findings);
    page.finish(&summary(seen.counts()))
}

fn one(page: &mut Page, finding: &Finding) {
    let tone = match finding.state {
        State::Error => Tone::Bad,
        State::Ok => Tone::Good,
        State::Warning | State::Unknown => Tone::Strong,
    };
    let lead = format!("{:<9}", finding.state.word());
    page.paragraph(tone, &lead, finding.check);
    page.paragraph(Tone::Plain, "  ", &finding.what);
    if let Some(advice) = &finding.advice {
        page.paragraph(Tone::Faint, "  hint: ", advice);
    }
    for command in &finding.mend {
        page.command("    ", command);
    }
}

/// What is in order, by name.
fn fine(page: &mut Page, findings: &[Finding]) {
    let mut names: Vec<&str> = Vec::new();
    for finding in findings.iter().filter(|one| one.state == State::Ok) {
        if !names.contains(&finding.check) {
            names.push(finding.check);
        }
    }
    if !names.is_empty() {
        page.paragraph(Tone::Good, "ok       ", &names.join(", "));
    }
}

/// The last line.
fn summary(counts: Counts) -> String {
    let told = [
        (counts.error, "error"),
        (counts.warning, "warning"),
        (counts.unknown, "unknown"),
    ];
    let told: Vec<String> = told
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| match *word {
            "unknown" => format!("{number} unknown"),
            word => count(*number, word),
        })
        .chain([format!("{} in order", counts.ok)])
        .collect();
    told.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> Examination {
        Examination {
            git_dir: "/srv/git/site.git".into(),
            repository: Some("acme/site".into()),
            account: "git".into(),
            findings: vec![
                Finding::ok("bare", "it has no work tree"),
                Finding::warning("reflog", "core.logAllRefUpdates is not set, and has to be always")
                    .mend("git -C /srv/git/site.git config core.logAllRefUpdates always"),
                Finding::error("pre-receive", "hooks/pre-receive is not there: git lets every push in, whoever made it and whatever is in it")
                    .mend("relhook -C /srv/git/site.git init")
                    .advice("look at what came in meanwhile"),
                Finding::unknown("sshd", "sshd cannot be asked"),
                Finding::ok("shallow", "its history is not cut off"),
            ],
        }
    }

    #[test]
    fn the_worst_comes_first_and_lines_fit() {
        let text = diagnosis(&seen(), Color::Off);
        insta::assert_snapshot!(text);
        assert!(text.lines().all(|line| line.chars().count() <= 80));
        let colored = diagnosis(&seen(), Color::On);
        assert!(colored.contains("\x1b[31merror\x1b[0m"));
    }
}
