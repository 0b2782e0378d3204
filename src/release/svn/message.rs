//! What a commit says of a release: its log message, and its author where the server lets us.

use super::client::Client;
use crate::release::run::Job;
use crate::release::{ReleaseError, Source};

/// The log message.
pub(super) fn text(job: &Job<'_>) -> Result<String, ReleaseError> {
    let order = job.order;
    let words = Source::open(job.setting.git_dir)?.words(order.commit)?;
    let mut text = format!(
        "{}\n\nRepository: {}\nRef: {}\nCommit: {}\nSequence: {}\nAuthor: {}\n",
        words.subject,
        order.repository.0,
        order.refname,
        order.commit,
        order.sequence,
        words.author
    );
    if !order.credits.approved_by.is_empty() {
        text += &format!("Approved-By: {}\n", order.credits.approved_by.join(", "));
    }
    if let Some(person) = &order.credits.pushed_by {
        text += &format!("Released-By: {person}\n");
    }
    text += "Released-With: relhook\n";
    Ok(text)
}

/// Gives a revision its author, where the repository's `pre-revprop-change` hook lets us. Where it
/// does not, the log message says it alone.
pub(super) fn sign(job: &Job<'_>, client: &Client<'_>, revision: u64) -> Result<(), ReleaseError> {
    let email = Source::open(job.setting.git_dir)?
        .words(job.order.commit)?
        .email;
    let revision = revision.to_string();
    let shown = client.svn(&[
        "propget",
        "--revprop",
        "-r",
        &revision,
        "svn:author",
        "--",
        &client.url,
    ])?;
    if shown.output.trim_ascii() == email.as_bytes() {
        return Ok(());
    }
    // That it may not be set is no error, and that it cannot be asked now is none either: the
    // release is committed.
    client
        .svn(&[
            "propset",
            "--revprop",
            "-r",
            &revision,
            "svn:author",
            "--",
            &email,
            &client.url,
        ])
        .map(drop)
}
