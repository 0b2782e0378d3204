//! Names that Windows and macOS take for one: equal but for case, or for how accents are written.

use super::super::plan::ancestors;
use crate::types::RepoPath;
use std::collections::BTreeMap;
use unicode_normalization::UnicodeNormalization;

/// Each path, file or folder, that such a place takes for another one, with that other one.
pub(super) fn twins<'a>(files: impl Iterator<Item = &'a RepoPath>) -> Vec<(RepoPath, RepoPath)> {
    let mut seen: BTreeMap<Vec<u8>, RepoPath> = BTreeMap::new();
    let mut twins = Vec::new();
    for file in files {
        for path in ancestors(file).into_iter().chain([file.clone()]) {
            match seen.get(&folded(&path)) {
                Some(other) if *other == path => {}
                Some(other) => {
                    twins.push((path, other.clone()));
                    // What lies below is another one's fault.
                    break;
                }
                None => drop(seen.insert(folded(&path), path)),
            }
        }
    }
    twins
}

fn folded(path: &RepoPath) -> Vec<u8> {
    match std::str::from_utf8(path.as_bytes()) {
        Ok(text) => {
            let lower: String = text.nfd().flat_map(char::to_lowercase).collect();
            lower.nfc().collect::<String>().into_bytes()
        }
        Err(_) => path.as_bytes().to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(paths: &[&str]) -> Vec<String> {
        let paths: Vec<RepoPath> = paths
            .iter()
            .map(|path| RepoPath::new(path.as_bytes().to_vec()))
            .collect();
        let twins = twins(paths.iter());
        twins
            .iter()
            .map(|(one, other)| format!("{one} {other}"))
            .collect()
    }

    #[test]
    fn u_15_names_that_fall_together_are_found() {
        assert!(found(&["a/x", "a/y", "b"]).is_empty());
        assert_eq!(found(&["A", "a"]), ["a A"]);
        assert_eq!(found(&["Img/x", "img/y"]), ["img Img"]);
        assert_eq!(found(&["É", "e\u{301}"]).len(), 1);
    }
}
