//! `relhook policy test`: pushes told in a file, judged under a policy file.

use super::super::{Answer, Exit, Failure};
use super::file::File;
use crate::decide::Code;
use crate::policy::POLICY_FILE;
use crate::scenario::{Judged, Scenario, judge};
use crate::ui::paragraph;
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What `relhook policy test` is asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
The format of the file is described in docs/policy-tools.md. Exit codes: 0 all is as expected, 1 a
scenario went otherwise or the policy is not sound, 2 the scenarios cannot be understood, 3 a file
cannot be read.")]
pub struct TestArgs {
    /// The file with the scenarios; `-` reads standard input
    #[arg(value_name = "SCENARIOS")]
    scenarios: PathBuf,
    /// The policy file
    #[arg(long, value_name = "FILE", default_value = POLICY_FILE)]
    policy: PathBuf,
    /// Answer as JSON (relhook/policy-test/v1)
    #[arg(long)]
    json: bool,
}

/// A scenario and what came of it.
type Tried = (Scenario, Judged);

impl TestArgs {
    /// Judges every scenario.
    ///
    /// # Errors
    /// When a file cannot be read or the scenarios cannot be understood.
    pub(super) fn run(&self) -> anyhow::Result<Answer> {
        let policy = match File::read(&self.policy)?.policy() {
            Ok(policy) => policy,
            Err(errors) => return Ok(Answer::refused(format!("{errors}\n"))),
        };
        let file = File::read(&self.scenarios)?;
        let scenarios = Scenario::parse(&file.bytes, &file.name, &policy)
            .map_err(|errors| Failure::usage(errors.to_string()))?;
        let tried: Vec<Tried> = scenarios
            .into_iter()
            .map(|scenario| {
                let judged = judge(&policy, &scenario);
                (scenario, judged)
            })
            .collect();
        let failed = tried.iter().filter(|(_, judged)| !judged.passed()).count();
        Ok(Answer {
            text: match self.json {
                true => format!("{:#}\n", json(&file.name, &tried)),
                false => text(&file.name, &tried, failed),
            },
            exit: match failed {
                0 => Exit::Pass,
                _ => Exit::Refused,
            },
        })
    }
}

fn text(name: &str, tried: &[Tried], failed: usize) -> String {
    let mut text = String::new();
    for (scenario, judged) in tried.iter().filter(|(_, judged)| !judged.passed()) {
        text += &told(name, scenario, judged);
        text.push('\n');
    }
    let all = match tried.len() {
        1 => "1 scenario".to_owned(),
        many => format!("{many} scenarios"),
    };
    text += &match failed {
        0 => format!("{name}: {all}, all as expected\n"),
        _ => format!("{name}: {all}, {failed} not as expected\n"),
    };
    text
}

/// One that went otherwise: what was expected and did not come is marked `-`, the rest `+`.
fn told(name: &str, scenario: &Scenario, judged: &Judged) -> String {
    let place = format!("{name}:{}: ", scenario.at.line);
    let mut text = paragraph(&place, &scenario.name);
    let line = scenario.expected_at.line;
    let accepted = match scenario.emergency {
        true => "accepted as an emergency",
        false => "accepted",
    };
    let codes = words_or(&scenario.expected, accepted);
    let expected = format!("expected on line {line}: {codes}");
    text += &paragraph("    ", &expected);
    let verdict = !judged.missing.is_empty() || !judged.unexpected.is_empty();
    if scenario.expected.is_empty() && verdict {
        text += &format!("  - {accepted}\n");
    }
    for code in &judged.missing {
        text += &paragraph(&format!("  - {code} "), code.title());
    }
    if judged.reasons.is_empty() && verdict {
        text += "  + accepted\n";
    }
    if judged.otherwise {
        text += match scenario.emergency {
            true => "  + accepted, and needed no emergency\n",
            false => "  + accepted as an emergency\n",
        };
    }
    for (code, reason) in &judged.reasons {
        let mark = match judged.unexpected.contains(code) {
            true => '+',
            false => ' ',
        };
        text += &paragraph(&format!("  {mark} {code} "), reason);
    }
    if !judged.warned_otherwise.is_empty() {
        let expected = format!(
            "let pass was to be: {}",
            words_or(&scenario.warned, "nothing")
        );
        text += &paragraph("    ", &expected);
        if judged.let_pass.is_empty() {
            text += "  + nothing\n";
        }
    }
    for (code, reason) in &judged.let_pass {
        let mark = match judged.warned_otherwise.contains(code) {
            true => '+',
            false => ' ',
        };
        text += &paragraph(&format!("  {mark} {code} (let pass) "), reason);
    }
    text
}

fn words_or(codes: &BTreeSet<Code>, none: &str) -> String {
    match codes.is_empty() {
        true => none.to_owned(),
        false => list(codes).join(", "),
    }
}

fn list(codes: &BTreeSet<Code>) -> Vec<String> {
    codes.iter().map(Code::to_string).collect()
}

fn json(name: &str, tried: &[Tried]) -> Value {
    let scenarios = tried.iter().map(|(scenario, judged)| {
        let all = |reasons: &[(Code, String)]| -> Vec<Value> {
            let reasons = reasons.iter();
            reasons
                .map(|(code, text)| json!({ "code": code.to_string(), "text": text }))
                .collect()
        };
        json!({
            "name": scenario.name,
            "line": scenario.at.line,
            "as_expected": judged.passed(),
            "expected": list(&scenario.expected),
            "emergency": scenario.emergency,
            "otherwise": judged.otherwise,
            "missing": list(&judged.missing),
            "unexpected": list(&judged.unexpected),
            "reasons": all(&judged.reasons),
            "warned": list(&scenario.warned),
            "let_pass": all(&judged.let_pass),
        })
    });
    json!({
        "schema": "relhook/policy-test/v1",
        "file": name,
        "as_expected": tried.iter().all(|(_, judged)| judged.passed()),
        "scenarios": scenarios.collect::<Vec<_>>(),
    })
}
