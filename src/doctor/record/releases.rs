//! Whether the targets hold what was accepted for them, and relhook can log in to them.

use crate::dispatch::LedgerOrders;
use crate::doctor::Finding;
use crate::doctor::patient::Patient;
use crate::doctor::words::{Words, path};
use crate::policy::Policy;
use crate::release::{Course, Orders, ReleaseError, Setting, Shelves, State, is_running, state};
use crate::server::Server;
use crate::types::{Oid, TargetName};
use std::collections::BTreeSet;

/// Looks at them.
pub(super) fn examine(patient: &Patient, server: &Server) -> Vec<Finding> {
    let Some(bundle) = patient.bundle() else {
        return Vec::new();
    };
    let policy = &bundle.policy;
    let rules = policy.rules.iter();
    let targets: BTreeSet<&TargetName> = rules.flat_map(|rule| &rule.release).collect();
    let mut found = Vec::new();
    for name in targets {
        found.push(release(&Facts::gather(server, name), &patient.words));
        found.extend(credentials(policy, server, name, &patient.words));
    }
    if found.is_empty() {
        found.push(Finding::ok("releases", "nothing is released to anywhere"));
    }
    found
}

/// How a target stands.
#[derive(Debug, Clone)]
struct Facts {
    name: TargetName,
    /// The commit that it is to hold and the entry that says so, or why that cannot be told.
    wanted: Result<Option<(Oid, u64)>, String>,
    /// The commit that it holds, by relhook's own record.
    holds: Option<Oid>,
    /// How the last run ended, where it failed.
    failed: Option<String>,
    /// Why it holds an earlier release than the last one that was accepted.
    held: Option<String>,
    running: bool,
}

impl Facts {
    fn gather(server: &Server, name: &TargetName) -> Self {
        let orders = LedgerOrders {
            server,
            now: &crate::hook::clock,
        };
        let setting = Setting {
            git_dir: server.store.git_dir(),
            folder: server.folder.path(),
            program: None,
            now: &crate::hook::clock,
        };
        let order = orders.order(name);
        let back = matches!(&order, Ok(Some(order)) if order.course == Course::Back);
        let mut wanted = order.map(|order| order.map(|order| (order.commit, order.sequence)));
        let state = state(setting, name).unwrap_or_else(|error| {
            wanted = Err(error.to_string());
            State::default()
        });
        let failed = state.last.filter(|_| state.failures > 0).and_then(|last| {
            let code = last.code.unwrap_or_default();
            last.error.map(|error| format!("{code} {error}"))
        });
        Self {
            name: name.clone(),
            wanted,
            held: state.pin.map(|pin| pin.reason).filter(|_| back),
            holds: state.released.map(|landed| landed.commit),
            failed,
            running: is_running(setting, name),
        }
    }
}

fn release(facts: &Facts, words: &Words) -> Finding {
    let check = "releases";
    let name = &facts.name;
    let again = words.relhook(&["release", "--target", name.as_str()]);
    let wanted = match &facts.wanted {
        Err(why) => return Finding::unknown(check, format!("target `{name}`: {why}")),
        Ok(None) => return Finding::ok(check, format!("nothing was accepted for `{name}` yet")),
        Ok(Some((wanted, _))) => *wanted,
    };
    let short = wanted.short();
    match (&facts.failed, facts.holds) {
        (None, Some(holds)) if holds == wanted && facts.held.is_some() => {
            let why = facts.held.as_deref().unwrap_or_default();
            Finding::warning(check, format!("`{name}` went back to {short}"))
                .keeping(why)
                .advice("it stays there until something newer is accepted, or with `--to latest`")
        }
        (None, Some(holds)) if holds == wanted => {
            Finding::ok(check, format!("`{name}` holds {short}"))
        }
        _ if facts.running => Finding::ok(check, format!("{short} is on its way to `{name}`")),
        (Some(why), _) => Finding::warning(check, format!("{short} did not get to `{name}`"))
            .keeping(why)
            .mend(again),
        (None, Some(_) | None) => Finding::warning(
            check,
            format!("`{name}` does not hold {short}, which was accepted for it"),
        )
        .mend(again),
    }
}

fn credentials(
    policy: &Policy,
    server: &Server,
    name: &TargetName,
    words: &Words,
) -> Option<Finding> {
    let check = "credentials";
    let account = policy.targets.get(name)?.kind.account();
    let lines = account.lines()?;
    let file = server.folder.path().join("credentials").join(name.as_str());
    Some(
        match Shelves::from_env(server.folder.path())
            .credentials(name)
            .and_then(|found| found.check(account))
        {
            Ok(()) => Finding::ok(
                check,
                format!("the account of `{name}` is there and ours alone"),
            ),
            Err(error @ ReleaseError::NoCredentials { .. }) => {
                Finding::error(check, format!("`{name}`: {error}")).advice(format!(
                    "write the lines {lines} to that file and make it mode 0600"
                ))
            }
            Err(error) => Finding::error(check, format!("`{name}`: {error}"))
                .mend(words.own(&format!("chmod 0600 {}", path(&file))))
                .advice("if others could read it, give the account a new password"),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State as Stands;
    use std::path::Path;

    fn oid(digit: u8) -> Oid {
        Oid::from_hex(&[digit; 40]).unwrap()
    }

    fn facts() -> Facts {
        Facts {
            name: TargetName::new("site"),
            wanted: Ok(Some((oid(b'a'), 7))),
            holds: Some(oid(b'a')),
            failed: None,
            held: None,
            running: false,
        }
    }

    fn stands(change: impl Fn(&mut Facts)) -> Stands {
        let mut facts = facts();
        change(&mut facts);
        release(&facts, &Words::new(Path::new("/srv/x.git"))).state
    }

    #[test]
    fn d_04_a_release_that_is_owed_is_told() {
        assert_eq!(stands(|_| ()), Stands::Ok);
        assert_eq!(
            stands(|facts| facts.holds = Some(oid(b'b'))),
            Stands::Warning
        );
        assert_eq!(stands(|facts| facts.holds = None), Stands::Warning);
        assert_eq!(
            stands(|facts| facts.failed = Some("RH604 no".into())),
            Stands::Warning
        );
        assert_eq!(
            stands(|facts| facts.held = Some("it is slow".into())),
            Stands::Warning
        );
        let running = |facts: &mut Facts| {
            facts.holds = None;
            facts.running = true;
        };
        assert_eq!(stands(running), Stands::Ok);
        assert_eq!(stands(|facts| facts.wanted = Ok(None)), Stands::Ok);
        assert_eq!(
            stands(|facts| facts.wanted = Err("?".into())),
            Stands::Unknown
        );
    }
}
