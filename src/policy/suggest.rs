//! The nearest valid name for one that is not.

/// The longest name that is compared, in characters.
const MAX_CHARS: usize = 64;
/// The most names that are compared.
const MAX_COMPARED: usize = 200;
/// The most names that are listed where none is near.
const MAX_LISTED: usize = 8;

/// A hint for `word`: the nearest of `known`, or all of them where there are few.
pub(crate) fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(near) = nearest(word, known.iter().copied()) {
        return Some(format!("did you mean `{near}`?"));
    }
    if known.is_empty() || known.len() > MAX_LISTED {
        return None;
    }
    let list: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    Some(format!("known here: {}", list.join(", ")))
}

/// The nearest of `known` to `word`, if it is near enough to be a slip.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    if length > MAX_CHARS {
        return None;
    }
    let folded = word.to_lowercase();
    known
        .into_iter()
        .take(MAX_COMPARED)
        .filter(|name| name.chars().count() <= MAX_CHARS)
        .map(|name| (distance(&folded, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= (length / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many insertions, removals, replacements and swaps of neighbours lie between two words.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let mut previous = None;
    for (row, ch) in left.chars().enumerate() {
        let mut line = vec![row + 1];
        for (column, other) in right.iter().enumerate() {
            let replaced = at(&last, column) + usize::from(ch != *other);
            let mut best = replaced
                .min(at(&last, column + 1) + 1)
                .min(at(&line, column) + 1);
            let swapped =
                column > 0 && previous == Some(*other) && right.get(column - 1) == Some(&ch);
            if swapped {
                best = best.min(at(&before, column - 1) + 1);
            }
            line.push(best);
        }
        before = std::mem::replace(&mut last, line);
        previous = Some(ch);
    }
    at(&last, right.len())
}

/// An entry of a row; beyond its end, too far to matter.
fn at(row: &[usize], index: usize) -> usize {
    row.get(index).copied().unwrap_or(usize::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_slips_of_the_finger() {
        for (left, right, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("required", "requird", 1),
            ("required", "reuqired", 1),
            ("kitten", "sitting", 3),
            ("café", "cafe", 1),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
            assert_eq!(distance(right, left), expected, "{right} {left}");
        }
    }

    #[test]
    fn suggests_only_what_is_near() {
        let teams = ["reviewers", "releasers", "owners"];
        assert_eq!(nearest("reviewer", teams), Some("reviewers"));
        assert_eq!(nearest("Owners", teams), Some("owners"));
        assert_eq!(nearest("finance", teams), None);
        assert_eq!(nearest(&"r".repeat(65), teams), None);
        assert_eq!(
            hint("finance", teams).as_deref(),
            Some("known here: `reviewers`, `releasers`, `owners`")
        );
        assert_eq!(hint("x", []), None);
    }
}
