//! A notice as a mail, handed to the machine's own mail server.

use super::{Notice, program};
use crate::policy::Mail;
use base64ct::{Base64, Encoding};
use std::fmt::Write;

/// How many characters of a subject are sent.
const SUBJECT: usize = 120;

/// Hands the mail over. Whom it is from and to are arguments of their own, checked when the policy
/// was read: nothing is taken from the headers.
pub(super) fn send(mail: &Mail, notice: &Notice) -> Result<(), String> {
    let mut args: Vec<String> = ["-i", "-f"].map(str::to_owned).to_vec();
    args.push(mail.from.clone());
    args.push("--".into());
    args.extend(mail.to.iter().cloned());
    program::run(&mail.sendmail, &args, message(mail, notice).into_bytes())
}

/// The whole message. Each header is one line, whatever its text was made from, and the body cannot
/// be taken for headers or an end.
pub(super) fn message(mail: &Mail, notice: &Notice) -> String {
    let mut text = String::new();
    let mut header = |name: &str, value: &str| {
        let _ = writeln!(text, "{name}: {}", one_line(value));
    };
    header("From", &mail.from);
    header("To", &mail.to.join(", "));
    header("Subject", &word(&notice.subject));
    header("Date", &date(notice));
    header("MIME-Version", "1.0");
    header("Content-Type", "text/plain; charset=utf-8");
    header("Content-Transfer-Encoding", "base64");
    header("Auto-Submitted", "auto-generated");
    header("X-Relhook-Event", notice.event);
    header("X-Relhook-Entry", &notice.entry.to_string());
    text.push('\n');
    let body = format!(
        "{}\n\n{}\nref     {}\ncommit  {}\nentry   {} ({})\n",
        notice.subject, notice.text, notice.refname, notice.commit, notice.entry, notice.time
    );
    let body = Base64::encode_string(body.as_bytes());
    for line in body.as_bytes().chunks(76) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text
}

/// Without anything that could begin another line.
fn one_line(value: &str) -> String {
    value.chars().filter(|ch| !ch.is_control()).collect()
}

/// Text as a header may hold it: plain ASCII, or encoded words of RFC 2047, each of at most 75
/// characters.
fn word(text: &str) -> String {
    let text: String = one_line(text).chars().take(SUBJECT).collect();
    if text.is_ascii() && !text.contains("=?") {
        return text;
    }
    let mut words = Vec::new();
    let mut piece = String::new();
    for ch in text.chars() {
        if piece.len() + ch.len_utf8() > 45 {
            words.push(std::mem::take(&mut piece));
        }
        piece.push(ch);
    }
    words.push(piece);
    let words = words.iter();
    let words: Vec<String> = words
        .map(|piece| format!("=?utf-8?B?{}?=", Base64::encode_string(piece.as_bytes())))
        .collect();
    words.join(" ")
}

/// The time as mail writes it.
fn date(notice: &Notice) -> String {
    let time = jiff::Timestamp::from_second(notice.time.as_unix()).unwrap_or_default();
    time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}
