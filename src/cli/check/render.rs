//! The answer as text.

use super::Checked;
use crate::client::{Freshness, Outlook, PolicyNews};
use crate::decide::Reason;
use crate::types::{Oid, escape, shell_word};
use crate::ui::{self, Color, Forecast, Next};
use std::os::unix::ffi::OsStrExt;

/// The whole answer.
pub(super) fn answer(checked: &Checked, color: Color) -> String {
    let forecast = Forecast {
        outlook: checked.assessment.outlook(),
        verdict: &checked.assessment.verdict,
        policy: checked.workspace.policy(),
        now: checked.workspace.now,
        assumptions: &assumptions(checked),
        doubts: &checked.assessment.doubts,
        next: &next(checked),
    };
    ui::forecast(&forecast, color)
}

/// What the answer takes for granted.
fn assumptions(checked: &Checked) -> Vec<String> {
    let workspace = &checked.workspace;
    let remote = workspace.remote.shown();
    let policy = workspace.policy_id.short();
    let repository = escape(workspace.policy().repository.0.as_bytes());
    let mut lines = vec![format!(
        "{repository}, by the policy `{policy}` of {remote}"
    )];
    if workspace.freshness == Freshness::Offline {
        lines.push("offline: the server may have moved on since it was last asked".into());
    }
    match workspace.news {
        PolicyNews::Same => {}
        PolicyNews::First => lines.push(format!(
            "the policy is here for the first time and trusted as {remote} gave it"
        )),
        PolicyNews::Changed { from } => lines.push(format!(
            "the policy has changed since you last looked: `git diff {} {policy}`",
            from.short()
        )),
        PolicyNews::Replaced { from } => lines.push(format!(
            "WARNING: the policy does not continue the one that was here (`{}`): ask why",
            from.short()
        )),
    }
    if checked.unsigned {
        lines.push(
            "the server knows you by signed pushes only; for all pushes: `git config push.gpgSign \
             true`"
                .into(),
        );
    }
    lines.push(match &checked.pusher.person {
        Some(person) => format!(
            "pushed by {} ({}; --as <person> for somebody else)",
            ui::person(workspace.policy(), person),
            checked.pusher.because
        ),
        None => format!(
            "pushed by nobody that the policy knows ({}; --as <person>)",
            checked.pusher.because
        ),
    });
    lines
}

/// The commands that bring the push further.
pub(super) fn next(checked: &Checked) -> Vec<Next> {
    let remote = shell_word(&escape(checked.workspace.remote_word().as_bytes()));
    match checked.assessment.outlook() {
        Outlook::Unclear => Vec::new(),
        Outlook::Passes if checked.planned.is_empty() => Vec::new(),
        Outlook::Passes => {
            let specs = checked.refspecs.iter();
            let specs: String = specs
                .map(|spec| format!(" {}", shell_word(&escape(spec.as_bytes()))))
                .collect();
            let signed = if checked.unsigned { "--signed " } else { "" };
            vec![Next {
                text: "push it".into(),
                command: format!("git push {signed}{remote}{specs}"),
            }]
        }
        Outlook::Refused => {
            let hidden = tip_to_approve(checked).filter(|tip| checked.assessment.new.contains(tip));
            let shared = hidden.and_then(|tip| {
                let person = checked.pusher.person.as_ref();
                let branch = checked.workspace.review_branch(person, tip)?;
                Some(Next {
                    text: "let them fetch it, so that they can look and approve".into(),
                    command: format!(
                        "git push {remote} {}:{}",
                        tip.subject(),
                        shell_word(&branch.to_string())
                    ),
                })
            });
            shared.into_iter().collect()
        }
    }
}

/// The commit that somebody could approve.
fn tip_to_approve(checked: &Checked) -> Option<Oid> {
    let updates = checked.assessment.verdict.updates.iter();
    updates
        .flat_map(|update| &update.reasons)
        .find_map(|reason| {
            if let Reason::NotCovered(lack) | Reason::PathsNotCovered { lack, .. } = reason {
                let somebody = !lack.some.is_empty() || !lack.stand_ins.is_empty();
                somebody.then_some(lack.tip)
            } else if let Reason::TipNotNamed {
                tip,
                could,
                stand_ins,
                ..
            } = reason
            {
                (!could.is_empty() || !stand_ins.is_empty()).then_some(*tip)
            } else {
                None
            }
        })
}
