//! Writing a statement: the tag's name and message.

use super::parse::read_message;
use super::{Decision, Statement, StatementError, key, particulars};
use crate::object::begins_block;

/// The tag's own name: `relhook/<decision>/<the commit's first 12 digits>`.
#[must_use]
pub fn tag_name(statement: &Statement) -> String {
    format!(
        "relhook/{}/{}",
        statement.decision.word(),
        statement.commit.subject()
    )
}

/// The tag's message: the title, the body if there is one, and the trailers.
///
/// It has to reach the tag as it is (`git tag -s --cleanup=verbatim -F <file>`): git's default
/// clean-up would drop lines that begin with `#`.
///
/// # Errors
/// Text that cannot stand in a statement: an empty title or one of several lines, control
/// characters, lines that read like trailers or begin a signature; and values that the format does
/// not hold, such as a rejection without a reason.
pub fn compose(statement: &Statement, title: &str, body: &str) -> Result<String, StatementError> {
    let title = title.trim();
    let body = body.trim_matches('\n');
    check_text(title, body)?;
    let mut message = format!("{title}\n\n");
    if !body.is_empty() {
        message.push_str(body);
        message.push_str("\n\n");
    }
    message.push_str(&trailer_lines(statement));
    // What is written is exactly what will be read, or it is not written.
    if read_message(message.as_bytes())? == *statement {
        Ok(message)
    } else {
        Err(StatementError::Text {
            why: "it would not be read as it was written",
        })
    }
}

fn check_text(title: &str, body: &str) -> Result<(), StatementError> {
    let control = |ch: char| ch.is_control() && ch != '\n' && ch != '\t';
    let why = if title.is_empty() {
        "the title is empty"
    } else if title.contains('\n') {
        "the title has several lines"
    } else if title.chars().chain(body.chars()).any(control) {
        "it holds control characters"
    } else if title
        .lines()
        .chain(body.lines())
        .any(|line| begins_block(line.as_bytes()))
    {
        "a line begins a signature"
    } else {
        return Ok(());
    };
    Err(StatementError::Text { why })
}

fn trailer_lines(statement: &Statement) -> String {
    let withdraws = match statement.decision {
        Decision::Withdraw { statement } => Some(statement.to_string()),
        Decision::Approve
        | Decision::Reject
        | Decision::Lift
        | Decision::Emergency
        | Decision::Delegate
        | Decision::Rollback
        | Decision::Check => None,
    };
    let stage = statement.stage.as_ref();
    let common = [
        (key::VERSION, Some("1".to_owned())),
        (key::DECISION, Some(statement.decision.word().to_owned())),
        (key::REPOSITORY, Some(statement.repository.clone())),
        (
            key::REF,
            Some(String::from_utf8_lossy(statement.refname.as_bytes()).into_owned()),
        ),
        (key::BASE, statement.base.map(|base| base.to_string())),
        (key::COMMIT, Some(statement.commit.to_string())),
        (key::TREE, Some(statement.tree.to_string())),
        (key::EXPIRES, statement.expires.map(|time| time.to_string())),
        (key::CHECKPOINT, statement.checkpoint.clone()),
        (key::STAGE, stage.map(|stage| stage.as_str().to_owned())),
    ];
    let last = [
        (key::WITHDRAWS, withdraws),
        (key::REASON, statement.reason.clone()),
    ];
    let particulars = particulars::lines(&statement.particulars);
    common
        .into_iter()
        .chain(particulars)
        .chain(last)
        .filter_map(|(key, value)| Some(format!("{key}: {}\n", value?)))
        .collect()
}
