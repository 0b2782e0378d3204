//! Names as words of a command that somebody will copy into a shell.

/// The text as one word of a POSIX shell.
///
/// A branch may be called `x;rm`, and the person who copies the command did not choose its name.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let plain = |ch: char| ch.is_ascii_alphanumeric() || "-_./:@+,=%".contains(ch);
    if !text.is_empty() && !text.starts_with(['-', '=']) && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn a_name_is_never_more_than_one_word() {
        assert_eq!(shell_word("refs/heads/prod"), "refs/heads/prod");
        assert_eq!(shell_word("refs/heads/x;rm"), "'refs/heads/x;rm'");
        assert_eq!(shell_word("$(id)"), "'$(id)'");
        assert_eq!(shell_word("it's"), "'it'\\''s'");
        assert_eq!(shell_word("a b"), "'a b'");
        assert_eq!(shell_word(""), "''");
    }
}
