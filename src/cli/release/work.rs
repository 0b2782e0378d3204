//! Releasing: by hand, and as the detached process that a push starts.

use super::targets;
use crate::cli::{Answer, Exit, Failure};
use crate::release::{
    Adoption, Outcome, Patience, ReleaseError, detach, forbid_core_files, run, run_and_retry,
};
use crate::server::Server;
use crate::types::TargetName;
use crate::ui;
use std::path::Path;

/// Releases and waits for the end.
pub(super) fn by_hand(dir: &Path, only: Option<&str>, adopt: bool) -> anyhow::Result<Answer> {
    forbid_core_files()?;
    let server = Server::around(dir)?;
    let mut names = targets(&server.bundle()?);
    if let Some(only) = only {
        names.retain(|name| name.as_str() == only);
        if names.is_empty() {
            let shown = crate::types::escape(only.as_bytes());
            return Err(Failure::usage(format!(
                "no rule of the policy releases to `{shown}`"
            )));
        }
    }
    let adoption = match adopt {
        true => Adoption::Adopt,
        false => Adoption::Refuse,
    };
    let mut answer = Answer::pass("");
    for name in &names {
        let (orders, mut witness) = (server.orders(), server.witness());
        let outcome = run(
            server.setting(),
            name,
            &orders,
            &mut witness,
            adoption,
            Patience::Wait,
        );
        if outcome.is_err() {
            answer.exit = Exit::Refused;
        }
        answer.text += &told(name, &outcome);
    }
    if names.is_empty() {
        answer.text = "no rule of the policy releases anything\n".into();
    }
    Ok(answer)
}

/// Releases every target at once, tries again where that can help, and writes down what came of it.
pub(super) fn work(dir: &Path) -> anyhow::Result<Answer> {
    detach()?;
    let names = targets(&Server::around(dir)?.bundle()?);
    std::thread::scope(|scope| {
        for name in &names {
            scope.spawn(move || ui::emit(&work_on(dir, name)));
        }
    });
    Ok(Answer::pass(""))
}

fn work_on(dir: &Path, name: &TargetName) -> String {
    let server = match Server::around(dir) {
        Ok(server) => server,
        Err(error) => return format!("{} {name}: {error}\n", crate::hook::clock()),
    };
    let (orders, mut witness) = (server.orders(), server.witness());
    let outcome = run_and_retry(server.setting(), name, &orders, &mut witness);
    format!("{} {}", crate::hook::clock(), told(name, &outcome))
}

/// An outcome for people.
fn told(name: &TargetName, outcome: &Result<Outcome, ReleaseError>) -> String {
    match outcome {
        Ok(Outcome::Released(order, totals)) => format!(
            "{name}: released {} ({} sent, {} deleted, {} unchanged)\n",
            order.commit.short(),
            totals.uploaded,
            totals.deleted,
            totals.unchanged
        ),
        Ok(Outcome::UpToDate(order)) => {
            format!("{name}: holds {} already\n", order.commit.short())
        }
        Ok(Outcome::NothingAccepted) => format!("{name}: nothing was accepted for it yet\n"),
        Ok(Outcome::LeftToAnother) => format!("{name}: left to another run\n"),
        Err(error) => {
            let code = error.code();
            let hints: String = error
                .hints()
                .iter()
                .map(|hint| format!("  hint: {hint}\n"))
                .collect();
            format!("{name}: stopped\n  {code} {error}\n{hints}  more: relhook explain {code}\n")
        }
    }
}
