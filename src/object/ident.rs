//! Author, committer and tagger lines: `name <email> seconds zone`, and nothing looser.

use super::Ident;
use super::error::ObjectError;

/// Reads the value of the header `header`.
pub(super) fn parse(header: &'static str, value: &[u8]) -> Result<Ident, ObjectError> {
    read(value).map_err(|why| ObjectError::Ident { header, why })
}

fn read(value: &[u8]) -> Result<Ident, &'static str> {
    if value.iter().any(u8::is_ascii_control) {
        return Err("it holds a control character");
    }
    let (name, rest) = split_once(value, b" <").ok_or("there is no ` <` after a name")?;
    let (email, date) = split_once(rest, b"> ").ok_or("there is no `> ` after an e-mail")?;
    check_name(name)?;
    check_email(email)?;
    Ok(Ident {
        name: name.to_vec(),
        email: email.to_vec(),
        claimed_seconds: read_date(date)?,
    })
}

fn check_name(name: &[u8]) -> Result<(), &'static str> {
    if name.is_empty() {
        Err("the name is empty")
    } else if name.starts_with(b" ") || name.ends_with(b" ") {
        Err("there are blanks around the name")
    } else if name.iter().any(|byte| b"<>".contains(byte)) {
        Err("the name holds `<` or `>`")
    } else {
        Ok(())
    }
}

fn check_email(email: &[u8]) -> Result<(), &'static str> {
    if email.is_empty() {
        Err("the e-mail is empty")
    } else if email.iter().any(|byte| b"<> ".contains(byte)) {
        Err("the e-mail holds a blank, `<` or `>`")
    } else {
        Ok(())
    }
}

fn read_date(date: &[u8]) -> Result<i64, &'static str> {
    let (seconds, zone) = split_once(date, b" ").ok_or("there is no zone after the seconds")?;
    let [b'+' | b'-', digits @ ..] = zone else {
        return Err("the zone has no sign");
    };
    if digits.len() != 4 || !digits.iter().all(u8::is_ascii_digit) {
        return Err("the zone is not a sign and four digits");
    }
    read_seconds(seconds).ok_or("the seconds are not a plain decimal number in range")
}

/// Decimal digits without sign or leading zeros.
fn read_seconds(digits: &[u8]) -> Option<i64> {
    let plain =
        digits.iter().all(u8::is_ascii_digit) && (digits == b"0" || !digits.starts_with(b"0"));
    let text = plain.then(|| std::str::from_utf8(digits).ok())??;
    text.parse().ok()
}

/// What stands before and after the first `separator`.
fn split_once<'a>(bytes: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes
        .windows(separator.len())
        .position(|window| window == separator)?;
    let (before, rest) = bytes.split_at_checked(at)?;
    Some((before, rest.strip_prefix(separator)?))
}
