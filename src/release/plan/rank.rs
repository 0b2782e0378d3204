//! When a file is put into place: what others refer to comes first.

use crate::types::RepoPath;

/// The parts of a release, in the order in which they become visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// What pages refer to: styles, scripts, images, anything that is not known to be a page.
    Asset,
    /// What refers to others: HTML, PHP and the like.
    Page,
    /// Pages that are the entry of their directory.
    Index,
    /// What the policy's `last` names.
    Last,
}

/// The endings of files that refer to others.
const PAGES: &[&str] = &[
    "asp",
    "aspx",
    "atom",
    "cfm",
    "cgi",
    "erb",
    "htm",
    "html",
    "jsp",
    "jspx",
    "php",
    "php5",
    "php7",
    "php8",
    "phtml",
    "pl",
    "py",
    "rb",
    "rss",
    "shtml",
    "webmanifest",
    "xhtml",
    "xml",
];

/// The names, without ending, of a directory's entry.
const INDEXES: &[&str] = &["index", "default"];

/// The part that a path belongs to, if the policy does not name it.
#[must_use]
pub fn rank(path: &RepoPath) -> Rank {
    let bytes = path.as_bytes();
    let name = bytes.rsplit(|byte| *byte == b'/').next().unwrap_or(bytes);
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    // `.htaccess` sends requests to other files.
    if name == ".htaccess" {
        return Rank::Page;
    }
    // The language comes behind the ending in names such as `index.html.de`.
    let mut parts = name.split('.');
    let stem = parts.next().unwrap_or_default();
    match parts.any(|part| PAGES.contains(&part)) {
        false => Rank::Asset,
        true if INDEXES.contains(&stem) => Rank::Index,
        true => Rank::Page,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_come_after_what_they_refer_to_and_entries_last() {
        for (path, expected) in [
            ("style/main.css", Rank::Asset),
            ("html", Rank::Asset),
            ("index", Rank::Asset),
            ("index.js", Rank::Asset),
            ("a/about.HTML", Rank::Page),
            ("a/legal.html.de", Rank::Page),
            ("feed.xml", Rank::Page),
            (".htaccess", Rank::Page),
            ("shop/Index.php", Rank::Index),
            ("index.html.en", Rank::Index),
            ("default.aspx", Rank::Index),
            ("index.d/x.png", Rank::Asset),
        ] {
            let path = RepoPath::new(path.as_bytes().to_vec());
            assert_eq!(rank(&path), expected, "{path}");
        }
        assert!(Rank::Asset < Rank::Page && Rank::Page < Rank::Index && Rank::Index < Rank::Last);
    }
}
