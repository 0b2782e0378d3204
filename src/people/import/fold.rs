//! What names and accounts are compared by: case, accents, order, blanks and look-alikes are all
//! the same. What folds together is asked about, never joined.

use std::collections::BTreeSet;
use unicode_security::skeleton;

/// Letters that people write in two ways.
const SPELLINGS: [(char, &str); 7] = [
    ('ä', "ae"),
    ('ö', "oe"),
    ('ü', "ue"),
    ('ß', "ss"),
    ('å', "aa"),
    ('ø', "oe"),
    ('æ', "ae"),
];

/// The forms under which a name is the same as another: its words in order, folded.
pub(super) fn names(name: &str) -> BTreeSet<String> {
    forms(&bare(name))
        .map(|form| sorted(&form))
        .filter(|form| !form.is_empty())
        .collect()
}

/// The forms under which an account is the same as another: without domain, tag and dots.
pub(super) fn handles(account: &str) -> BTreeSet<String> {
    let user = account.rsplit_once('\\').map_or(account, |(_, user)| user);
    let user = user.rsplit_once('@').map_or(user, |(user, _)| user);
    let user = user.split('+').next().unwrap_or(user);
    forms(user)
        .map(|form| letters(&form))
        .filter(|form| !form.is_empty())
        .collect()
}

/// The accounts that offices make of a name: `alice`, `example`, `aexample`, `alice.example`.
pub(super) fn usual_handles(name: &str) -> BTreeSet<String> {
    let mut usual = BTreeSet::new();
    for form in forms(&bare(name)) {
        let words: Vec<String> = form
            .split([' ', ','])
            .map(letters)
            .filter(|word| !word.is_empty())
            .collect();
        let (Some(first), Some(last)) = (words.first(), words.last()) else {
            continue;
        };
        if words.len() == 1 {
            usual.insert(first.clone());
            continue;
        }
        for (one, other) in [(first, last), (last, first)] {
            let initial: String = one.chars().take(1).collect();
            usual.insert(one.clone());
            usual.insert(format!("{one}{other}"));
            usual.insert(format!("{initial}{other}"));
            usual.insert(format!("{other}{initial}"));
        }
    }
    usual
}

/// Without what stands in brackets behind many a name.
fn bare(name: &str) -> String {
    let cut = name.split(['(', '[']).next().unwrap_or(name);
    if cut.trim().is_empty() {
        name.to_owned()
    } else {
        cut.to_owned()
    }
}

/// The text folded: accents dropped, and accents written out.
fn forms(text: &str) -> impl Iterator<Item = String> {
    let lower = text.to_lowercase();
    let spelled = SPELLINGS
        .iter()
        .fold(lower.clone(), |text, (ch, plain)| text.replace(*ch, plain));
    let alike: String = skeleton(text).collect();
    [look(&lower), look(&spelled), look(&alike.to_lowercase())].into_iter()
}

/// How the text looks, without marks and what is not shown.
fn look(text: &str) -> String {
    let seen = skeleton(text).filter(|ch| {
        !matches!(u32::from(*ch), 0x300..=0x36f | 0x1ab0..=0x1aff | 0x20d0..=0x20ff)
            && !crate::types::is_deceptive(*ch)
    });
    seen.collect::<String>().to_lowercase()
}

fn sorted(text: &str) -> String {
    let mut words: Vec<String> = text
        .split(|ch: char| ch == ',' || ch.is_whitespace())
        .map(letters)
        .filter(|word| !word.is_empty())
        .collect();
    words.sort();
    words.join(" ")
}

fn letters(text: &str) -> String {
    text.chars().filter(|ch| ch.is_alphanumeric()).collect()
}
