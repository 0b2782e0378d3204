//! Reading a page of docs/hosting: the blocks that its test uses.
//!
//! A block is a fenced one with a comment on the line above it that names it:
//!
//! ````text
//! <!-- block: site -->
//! ```nginx
//! listen 443 ssl;
//! ```
//! ````
//!
//! Pages show values that make sense to a reader; a test says what it puts in their place.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

/// A page, and which of its blocks were taken so far.
#[derive(Debug)]
pub struct Page {
    name: String,
    text: String,
    taken: RefCell<BTreeSet<String>>,
}

impl Page {
    /// `docs/hosting/<name>.md`.
    #[track_caller]
    pub fn named(name: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = root.join(format!("docs/hosting/{name}.md"));
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self {
            name: name.to_owned(),
            text,
            taken: RefCell::default(),
        }
    }

    /// A block's text, with each pair's first put as its second. What is to be replaced has to
    /// stand there: a page that says something else by now is to be looked at.
    #[track_caller]
    pub fn block(&self, name: &str, places: &[(&str, &str)]) -> String {
        let found = self.blocks().into_iter().find(|(found, _)| found == name);
        let (_, mut text) = found.unwrap_or_else(|| panic!("{}: no block `{name}`", self.name));
        self.taken.borrow_mut().insert(name.to_owned());
        for (shown, ours) in places {
            assert!(
                text.contains(shown),
                "{}: `{shown}` is not in the block `{name}`:\n{text}",
                self.name
            );
            text = text.replace(shown, ours);
        }
        text
    }

    /// Fails the test unless every block of the page was taken.
    #[track_caller]
    pub fn was_followed(&self) {
        let taken = self.taken.borrow();
        let left: Vec<_> = self
            .blocks()
            .into_iter()
            .map(|(name, _)| name)
            .filter(|name| !taken.contains(name))
            .collect();
        assert!(left.is_empty(), "{}: not followed: {left:?}", self.name);
        assert!(!taken.is_empty(), "{}: nothing to follow", self.name);
    }

    fn blocks(&self) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        let mut lines = self.text.lines();
        while let Some(line) = lines.next() {
            let Some(name) = marker(line) else { continue };
            let fence = lines.next().unwrap_or_default();
            assert!(
                fence.starts_with("```"),
                "{}: no fence under `{name}`",
                self.name
            );
            let body = lines.by_ref().take_while(|line| *line != "```");
            let text = body.fold(String::new(), |text, line| text + line + "\n");
            assert!(
                found.iter().all(|(known, _)| known != name),
                "{}: `{name}` stands twice",
                self.name
            );
            found.push((name.to_owned(), text));
        }
        found
    }
}

fn marker(line: &str) -> Option<&str> {
    line.trim()
        .strip_prefix("<!-- block: ")?
        .strip_suffix(" -->")
}
