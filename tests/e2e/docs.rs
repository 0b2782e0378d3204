//! What the documents say is true.

use std::collections::BTreeSet;
use std::path::Path;

/// All Rust sources below a folder, one after the other.
fn sources(dir: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    text
}

/// The numbers that a test's name names: `p_01_p_02_both_…` is P-01 and P-02; `o_11_to_o_13_…` is all
/// three.
fn numbers(name: &str) -> Vec<String> {
    let mut words = name.split('_').peekable();
    let mut found: Vec<(String, u32)> = Vec::new();
    let mut to = false;
    while let Some(word) = words.next() {
        if word == "and" || word == "to" {
            to = word == "to";
            continue;
        }
        let number = words.peek().filter(|next| next.len() == 2);
        let number = number.and_then(|next| next.parse::<u32>().ok());
        let (true, Some(number)) = (word.len() == 1, number) else {
            break;
        };
        words.next();
        let letter = word.to_uppercase();
        let from = found.last().filter(|(last, _)| to && *last == letter);
        let first = from.map_or(number, |(_, last)| last + 1);
        found.extend((first..=number).map(|number| (letter.clone(), number)));
        to = false;
    }
    let shown = found
        .iter()
        .map(|(letter, number)| format!("{letter}-{number:02}"));
    shown.collect()
}

#[test]
fn every_entry_of_the_catalogue_that_is_marked_tested_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = sources(&root.join("src")) + &sources(&root.join("tests"));
    let names = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("fn "));
    let held: BTreeSet<String> = names
        .filter_map(|line| line.split('(').next())
        .flat_map(numbers)
        .collect();
    let catalogue = std::fs::read_to_string(root.join("docs/security.md")).unwrap();
    let entry = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        (cells.len() == 4 && cells[0].len() == 4)
            .then(|| (cells[0].to_owned(), cells[3].to_owned()))
    };
    let entries: Vec<_> = catalogue.lines().filter_map(entry).collect();
    assert!(entries.len() > 150, "{}", entries.len());
    let known: BTreeSet<_> = entries.iter().map(|(number, _)| number.clone()).collect();
    assert_eq!(known.len(), entries.len(), "a number stands twice");
    let tested = entries.iter().filter(|(_, how)| how == "tested");
    let missing: Vec<_> = tested
        .filter(|(number, _)| !held.contains(number))
        .collect();
    assert!(
        missing.is_empty(),
        "marked as tested, without a test: {missing:?}"
    );
    let unlisted: Vec<_> = held.difference(&known).collect();
    assert!(
        unlisted.is_empty(),
        "tested, and not in the catalogue: {unlisted:?}"
    );
}

/// Every Markdown file at the top and below `docs/`.
fn documents(root: &Path) -> Vec<std::path::PathBuf> {
    let folders = [
        root.to_owned(),
        root.join("docs"),
        root.join("docs/decisions"),
        root.join("docs/hosting"),
        root.join("docs/targets"),
    ];
    let files = folders
        .iter()
        .flat_map(|dir| std::fs::read_dir(dir).unwrap());
    files
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect()
}

#[test]
fn links_between_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut links = 0;
    for path in documents(root) {
        let text = std::fs::read_to_string(&path).unwrap();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let file = link.split('#').next().unwrap();
            if !file.is_empty() && !link.contains("://") {
                links += 1;
                let target = path.parent().unwrap().join(file);
                assert!(target.exists(), "{}: {link}", path.display());
            }
        }
    }
    assert!(links > 10, "{links}");
}

#[test]
fn every_room_is_on_the_map() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let map = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    for entry in std::fs::read_dir(root.join("src")).unwrap() {
        let path = entry.unwrap().path();
        let room = path.file_stem().unwrap().to_str().unwrap();
        let known =
            ["lib", "main", "gate", "lock"].contains(&room) || map.contains(&format!("`{room}`"));
        assert!(known, "{room} is not in ARCHITECTURE.md");
    }
}

#[test]
fn a_test_is_named_after_its_numbers() {
    assert_eq!(numbers("p_01_p_02_both"), ["P-01", "P-02"]);
    assert_eq!(numbers("s_10_and_s_11_a_user"), ["S-10", "S-11"]);
    assert_eq!(numbers("o_11_to_o_13_odd"), ["O-11", "O-12", "O-13"]);
    assert!(numbers("a_second_run").is_empty());
}
