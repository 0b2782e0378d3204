//! What some decisions say besides what all do, and what each has to say.

use super::parse::{Fields, read_oid, read_text, read_time, read_utf8};
use super::{CheckResult, Decision, Grant, Particulars, Statement, StatementError, key};
use crate::types::{CheckName, Oid, PersonName, WindowName};

/// So many globs may a delegation name.
const MAX_PATHS: usize = 64;

/// Reads the trailers that only some decisions have.
pub(super) fn read(fields: &mut Fields) -> Result<Particulars, StatementError> {
    let to = fields.optional(key::TO, read_person)?;
    let from = fields.optional(key::FROM, read_time)?;
    let paths = fields.optional(key::PATHS, read_paths)?;
    let grant = match (to, from, paths) {
        (None, None, None) => None,
        (None, _, _) => return Err(StatementError::Missing { key: key::TO }),
        (_, None, _) => return Err(StatementError::Missing { key: key::FROM }),
        (Some(to), Some(from), paths) => Some(Grant {
            to,
            from,
            paths: paths.unwrap_or_default(),
        }),
    };
    let name = fields.optional(key::CHECK, |value| read_name(value).map(CheckName::new))?;
    let result = fields.optional(key::RESULT, read_result)?;
    let check = match (name, result) {
        (None, None) => None,
        (None, Some(_)) => return Err(StatementError::Missing { key: key::CHECK }),
        (Some(_), None) => return Err(StatementError::Missing { key: key::RESULT }),
        (Some(name), Some(passed)) => Some(CheckResult { name, passed }),
    };
    Ok(Particulars {
        ticket: fields.optional(key::TICKET, read_text)?,
        settles: fields.optional(key::SETTLES, read_oid)?,
        answers: fields
            .optional(key::ANSWERS, read_oids)?
            .unwrap_or_default(),
        overrides: fields
            .optional(key::OVERRIDES, read_windows)?
            .unwrap_or_default(),
        stead: fields.optional(key::STEAD, read_person)?,
        grant,
        check,
    })
}

/// The trailers that only some decisions have, as they are written.
pub(super) fn lines(particulars: &Particulars) -> [(&'static str, Option<String>); 10] {
    let Particulars {
        ticket,
        settles,
        answers,
        overrides,
        stead,
        grant,
        check,
    } = particulars;
    let grant = grant.as_ref();
    let check = check.as_ref();
    let paths = grant.filter(|grant| !grant.paths.is_empty());
    let result = |passed| if passed { "pass" } else { "fail" }.to_owned();
    [
        (key::FROM, grant.map(|grant| grant.from.to_string())),
        (key::TICKET, ticket.clone()),
        (key::SETTLES, settles.map(|tag| tag.to_string())),
        (key::ANSWERS, oids(answers)),
        (key::OVERRIDES, written(overrides)),
        (
            key::STEAD,
            stead.as_ref().map(|name| name.as_str().to_owned()),
        ),
        (key::TO, grant.map(|grant| grant.to.as_str().to_owned())),
        (key::PATHS, paths.map(|grant| grant.paths.join(" "))),
        (
            key::CHECK,
            check.map(|check| check.name.as_str().to_owned()),
        ),
        (key::RESULT, check.map(|check| result(check.passed))),
    ]
}

/// What a decision has to say, and what it must not.
pub(super) fn check(statement: &Statement) -> Result<(), StatementError> {
    let decision = statement.decision;
    for (key, there) in given(statement) {
        match (needs(decision, key), there) {
            (Need::Always, false) => return Err(StatementError::Missing { key }),
            (Need::Never, true) => {
                let decision = decision.word();
                return Err(StatementError::NotHere { key, decision });
            }
            (Need::Always, true) | (Need::Never, false) | (Need::Maybe, _) => {}
        }
    }
    if !statement.particulars.overrides.is_empty() && statement.reason.is_none() {
        return Err(StatementError::Missing { key: key::REASON });
    }
    Ok(())
}

/// Whether a decision has a trailer.
enum Need {
    Always,
    Maybe,
    Never,
}

fn given(statement: &Statement) -> [(&'static str, bool); 11] {
    let more = &statement.particulars;
    [
        (key::BASE, statement.base.is_some()),
        (key::EXPIRES, statement.expires.is_some()),
        (key::STAGE, statement.stage.is_some()),
        (key::REASON, statement.reason.is_some()),
        (key::TICKET, more.ticket.is_some()),
        (key::SETTLES, more.settles.is_some()),
        (key::ANSWERS, !more.answers.is_empty()),
        (key::OVERRIDES, !more.overrides.is_empty()),
        (key::STEAD, more.stead.is_some()),
        (key::TO, more.grant.is_some()),
        (key::CHECK, more.check.is_some()),
    ]
}

fn needs(decision: Decision, key: &str) -> Need {
    use Decision::{Approve, Check, Delegate, Emergency, Lift, Reject, Rollback, Withdraw};
    match (key, decision) {
        (key::BASE, Emergency | Rollback)
        | (key::EXPIRES, Emergency | Rollback | Delegate)
        | (key::STAGE, Lift)
        | (key::REASON, Reject | Withdraw { .. } | Emergency | Rollback | Delegate)
        | (key::TO, Delegate)
        | (key::CHECK, Check) => Need::Always,
        (key::BASE, Approve | Reject | Withdraw { .. })
        | (key::EXPIRES, Approve | Reject | Lift | Withdraw { .. } | Check)
        | (key::REASON, Approve | Lift | Check)
        | (key::TICKET, Approve | Emergency | Rollback)
        | (key::SETTLES | key::ANSWERS | key::OVERRIDES, Approve)
        | (key::STEAD, Approve | Reject) => Need::Maybe,
        _ => Need::Never,
    }
}

/// So many rollbacks may an approval answer.
const MAX_ANSWERS: usize = 32;

/// Ids with one blank between them, none twice.
pub(super) fn read_oids(value: &[u8]) -> Result<Vec<Oid>, String> {
    let mut oids = Vec::new();
    for word in value.split(|byte| *byte == b' ') {
        let oid = read_oid(word)?;
        if oids.contains(&oid) {
            return Err(format!("it names {oid} twice"));
        }
        oids.push(oid);
    }
    if oids.len() > MAX_ANSWERS {
        return Err(format!("it names more than {MAX_ANSWERS}"));
    }
    Ok(oids)
}

fn oids(all: &[Oid]) -> Option<String> {
    let words: Vec<String> = all.iter().map(Oid::to_string).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// A name in the form that the policy has for names.
pub(super) fn read_name(value: &[u8]) -> Result<String, String> {
    let text = read_utf8(value)?;
    crate::policy::check_name(text).map(|()| text.to_owned())
}

/// The most windows and freezes that one statement names.
const MAX_OVERRIDES: usize = 16;

/// Names of windows and freezes with one space between each two, none twice.
fn read_windows(value: &[u8]) -> Result<Vec<WindowName>, String> {
    let mut names = Vec::new();
    for word in value.split(|byte| *byte == b' ') {
        let name = WindowName::new(read_name(word)?);
        if names.contains(&name) {
            return Err(format!("`{name}` stands in it twice"));
        }
        names.push(name);
    }
    if names.len() > MAX_OVERRIDES {
        return Err(format!("it names more than {MAX_OVERRIDES}"));
    }
    Ok(names)
}

fn written(names: &[WindowName]) -> Option<String> {
    let names: Vec<&str> = names.iter().map(WindowName::as_str).collect();
    (!names.is_empty()).then(|| names.join(" "))
}

fn read_person(value: &[u8]) -> Result<PersonName, String> {
    read_name(value).map(PersonName::new)
}

fn read_paths(value: &[u8]) -> Result<Vec<String>, String> {
    let text = read_text(value)?;
    let paths: Vec<String> = text.split(' ').map(str::to_owned).collect();
    if paths.len() > MAX_PATHS {
        return Err(format!("it names more than {MAX_PATHS} globs"));
    }
    for path in &paths {
        crate::policy::PathGlobs::check(path).map_err(|error| format!("`{path}`: {error}"))?;
    }
    Ok(paths)
}

fn read_result(value: &[u8]) -> Result<bool, String> {
    match value {
        b"pass" => Ok(true),
        b"fail" => Ok(false),
        _ => Err("it is neither `pass` nor `fail`".to_owned()),
    }
}
