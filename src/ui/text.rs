//! Lines that fit: how wide text is shown, where it breaks, how it is cut.

/// Columns that a report may use: a terminal's 80, less the `remote: ` that git puts in front.
pub(super) const WIDTH: usize = 72;

/// How many columns a terminal gives to `text`.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// Columns of one character: none for marks that combine, two for East Asian wide ones.
fn columns(ch: char) -> usize {
    match u32::from(ch) {
        0x0300..=0x036f | 0x1ab0..=0x1aff | 0x20d0..=0x20ff | 0xfe20..=0xfe2f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// The text, no wider than `limit`; what was cut off shows as `…`.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut used = 1;
    for ch in text.chars() {
        used += columns(ch);
        if used > limit {
            break;
        }
        short.push(ch);
    }
    short.push('…');
    short
}

/// Breaks `text` into lines within the report's width, the first behind `lead`, the others behind
/// as many blanks. What stands in backticks keeps together where it fits on a line at all; a
/// command in them is never broken, so that it can be copied.
pub(super) fn wrap(lead: &str, text: &str) -> Vec<String> {
    let indent = " ".repeat(width(lead));
    let room = WIDTH.saturating_sub(indent.len()).max(20);
    let mut lines = Vec::new();
    let mut line = lead.to_owned();
    let mut empty = true;
    for piece in pieces(text).iter().flat_map(|piece| fitting(piece, room)) {
        if !empty && width(&line) + 1 + width(&piece) > WIDTH {
            lines.push(std::mem::replace(&mut line, indent.clone()));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(&piece);
        empty = false;
    }
    lines.push(line);
    lines
}

/// The same as whole lines.
#[must_use]
pub fn paragraph(lead: &str, text: &str) -> String {
    wrap(lead, text).join("\n") + "\n"
}

/// A piece, hard broken where it is wider than a whole line and no command.
fn fitting(piece: &str, room: usize) -> Vec<String> {
    let is_command = piece.starts_with("`relhook ") || piece.starts_with("`git ");
    if is_command || width(piece) <= room {
        return vec![piece.to_owned()];
    }
    let mut parts = vec![String::new()];
    let mut used = 0;
    for ch in piece.chars() {
        used += columns(ch);
        if used > room {
            parts.push(String::new());
            used = columns(ch);
        }
        if let Some(last) = parts.last_mut() {
            last.push(ch);
        }
    }
    parts
}

/// The words, those between one backtick and the next as one.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut open = false;
    for word in text.split_whitespace() {
        match pieces.last_mut().filter(|_| open) {
            Some(last) => {
                last.push(' ');
                last.push_str(word);
            }
            None => pieces.push(word.to_owned()),
        }
        if word.matches('`').count() % 2 == 1 {
            open = !open;
        }
    }
    pieces
}

/// `1 commit`, `2 commits`.
pub(super) fn count(number: usize, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}

/// `a`, `a or b`, `a, b or c`; past `most` of them, `a, b and 7 more`.
pub(super) fn list(items: &[String], most: usize, last: &str) -> String {
    let more = items.len().saturating_sub(most);
    if more > 0 {
        let shown: Vec<&str> = items.iter().take(most).map(String::as_str).collect();
        return format!("{} and {more} more", shown.join(", "));
    }
    match items.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_blanks_but_never_inside_a_command() {
        let text = "let somebody of the team run `relhook approve 8d01e77ab12c --ref refs/heads/prod` there";
        let lines = wrap("  hint: ", text);
        assert_eq!(
            lines,
            [
                "  hint: let somebody of the team run",
                "        `relhook approve 8d01e77ab12c --ref refs/heads/prod` there",
            ]
        );
        assert!(lines.iter().all(|line| width(line) <= WIDTH));
    }

    #[test]
    fn what_is_wider_than_a_line_is_broken_all_the_same() {
        let long = format!("it says `{}`", "x".repeat(200));
        let lines = wrap("  note: ", &long);
        assert_eq!(lines.len(), 5);
        assert!(lines.iter().all(|line| width(line) <= WIDTH));
    }

    #[test]
    fn cut_text_shows_that_it_is_cut() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer", 5), "long…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(width("日本語é"), 7);
    }

    #[test]
    fn lists_read_like_sentences() {
        let names = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(list(&names, 3, "or"), "a, b or c");
        assert_eq!(list(&names[..1], 3, "or"), "a");
        assert_eq!(list(&names, 2, "or"), "a, b and 1 more");
        assert_eq!(list(&[], 2, "or"), "");
    }
}
