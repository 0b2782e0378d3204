//! The answer as JSON: `relhook/status/v1`, described in docs/json.md.

use super::server::ServerState;
use super::{Seen, Status};
use crate::client::{Deputy, Stored};
use crate::decide::{DebtState, DebtVerdict};
use crate::policy::{Closed, Hours};
use crate::types::{Oid, RefName, escape};
use serde_json::{Value, json};

/// The whole answer, with a line break at its end.
pub(super) fn answer(status: &Status) -> String {
    let (remote, offline, server) = match &status.seen {
        Seen::Clone { remote, offline } => (Some(remote), *offline, None),
        Seen::Server(state) => (None, false, Some(of_server(state))),
    };
    let refs = status.standing.refs.iter();
    let answer = json!({
        "schema": "relhook/status/v1",
        "repository": escape(status.policy.repository.0.as_bytes()),
        "policy": status.policy_id,
        "remote": remote,
        "offline": offline,
        "refs": refs.map(|one| of_ref(status, one)).collect::<Vec<_>>(),
        "statements": status.standing.statements.iter().map(statement).collect::<Vec<_>>(),
        "unread": status.standing.unread,
        "debts": status.debts.iter().map(debt).collect::<Vec<_>>(),
        "deputies": status.standing.deputies.iter().map(deputy).collect::<Vec<_>>(),
        "server": server,
    });
    format!("{answer:#}\n")
}

fn of_ref(status: &Status, (name, oid): &(RefName, Oid)) -> Value {
    let rules = status.policy.rules_for(name);
    let rules = rules.iter().map(|rule| {
        json!({
            "rule": rule.pattern,
            "required": rule.required,
            "from": rule.from,
            "only_warns": rule.only_warns(),
        })
    });
    let hours = status
        .policy
        .hours(&status.policy.rules_for(name), status.now);
    json!({
        "ref": name.to_string(),
        "hours": hours.as_ref().map(hours_of),
        "value": oid,
        "rules": rules.collect::<Vec<_>>(),
    })
}

/// What windows and freezes say of a ref.
pub(in crate::cli) fn hours_of(hours: &Hours<'_>) -> Value {
    let closed = hours.closed.iter().map(|closed| match closed {
        Closed::Outside(rule) => json!({ "windows": rule.windows }),
        Closed::Frozen(freeze) => json!({ "freeze": freeze.name }),
    });
    json!({
        "open": hours.closed.is_empty(),
        "closed": closed.collect::<Vec<_>>(),
        "changes": hours.changes.as_ref().map(|moment| moment.at),
        "text": hours.shown(),
    })
}

fn debt(debt: &DebtVerdict) -> Value {
    let (state, notes) = match &debt.state {
        DebtState::Open { notes, .. } => ("open", notes.as_slice()),
        DebtState::Reviewed { .. } => ("reviewed", &[][..]),
        DebtState::Reverted { .. } => ("reverted", &[][..]),
    };
    let notes = notes
        .iter()
        .map(|note| json!({ "code": note.code.to_string(), "text": note.text }));
    json!({
        "ref": debt.refname.to_string(),
        "entry": debt.debt.entry,
        "commit": debt.debt.commit,
        "emergency": debt.debt.tag,
        "due": debt.debt.due,
        "state": state,
        "overdue": debt.overdue,
        "could": debt.could(),
        "notes": notes.collect::<Vec<_>>(),
    })
}

fn statement(stored: &Stored) -> Value {
    let statement = &stored.statement;
    let reason = statement.reason.as_ref();
    let check = statement.particulars.check.as_ref();
    json!({
        "decision": statement.decision.word(),
        "commit": statement.commit,
        "ref": statement.refname.to_string(),
        "signer": stored.signer,
        "machine": stored.machine,
        "check": check.map(|check| json!({ "name": check.name, "passed": check.passed })),
        "tag": stored.tag,
        "expires": statement.expires,
        "reason": reason.map(|text| escape(text.as_bytes())),
    })
}

/// Who stands in for whom.
fn deputy(deputy: &Deputy) -> Value {
    let statement = &deputy.stored.statement;
    let grant = statement.particulars.grant.as_ref();
    let reason = statement.reason.as_ref();
    json!({
        "deputy": grant.map(|grant| &grant.to),
        "in_stead_of": deputy.by(),
        "ref": statement.refname.to_string(),
        "paths": grant.map(|grant| &grant.paths),
        "from": grant.map(|grant| grant.from),
        "until": statement.expires,
        "reason": reason.map(|text| escape(text.as_bytes())),
        "tag": deputy.stored.tag,
        "counts": deputy.heeded,
    })
}

fn of_server(state: &ServerState) -> Value {
    json!({
        "sound": state.is_sound(),
        "missing": state.missing,
        "warnings": state.warnings,
        "log": match &state.log {
            Ok(last) => json!({ "seq": last.seq, "time": last.time }),
            Err(why) => json!({ "broken": why }),
        },
        "moved": state.strays.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "targets": match &state.targets {
            Ok(targets) => json!(targets),
            Err(why) => json!({ "unclear": why }),
        },
    })
}
