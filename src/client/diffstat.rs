//! What changes between two commits, path by path: counted from the raw contents, whatever
//! attributes, text converters and diff programs the clone or the commits ask for.

use super::{ClientError, Workspace};
use crate::types::{Oid, RepoPath, escape};
use std::collections::BTreeMap;

/// The tree without entries, which every repository knows.
const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// What says to git: nothing but the contents.
const RAW: [&str; 7] = [
    "--no-renames",
    "--no-ext-diff",
    "--no-textconv",
    "--text",
    "--no-relative",
    "--ignore-submodules=none",
    "--no-color",
];

/// One changed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStat {
    /// The path.
    pub path: RepoPath,
    /// What becomes of it.
    pub kind: ChangeKind,
    /// Lines that come.
    pub added: u64,
    /// Lines that go.
    pub deleted: u64,
}

/// What becomes of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new, as this kind of entry.
    Added(&'static str),
    /// It is gone.
    Deleted,
    /// Its content is another.
    Modified,
    /// It is another kind of entry now.
    Turned {
        /// What it was.
        from: &'static str,
        /// What it is.
        to: &'static str,
    },
}

impl Workspace {
    /// The paths that differ between a commit and its base, or nothing at all.
    ///
    /// # Errors
    /// When git cannot tell.
    pub fn diffstat(&self, base: Option<Oid>, commit: Oid) -> Result<Vec<FileStat>, ClientError> {
        let said = self.diff_tree(&["--raw", "--numstat", "-z"], base, commit)?;
        parse(&said).ok_or_else(|| ClientError::Odd {
            what: "diff-tree".into(),
            said: escape(said.get(..said.len().min(80)).unwrap_or_default()),
        })
    }

    /// The whole difference as a patch, escaped line by line.
    ///
    /// # Errors
    /// When git cannot tell.
    pub fn patch(&self, base: Option<Oid>, commit: Oid) -> Result<String, ClientError> {
        let said = self.diff_tree(&["-p", "--full-index"], base, commit)?;
        let mut text = String::with_capacity(said.len());
        for line in said.split_inclusive(|byte| *byte == b'\n') {
            let body = line.strip_suffix(b"\n").unwrap_or(line);
            let tabbed: Vec<String> = body.split(|byte| *byte == b'\t').map(escape).collect();
            text.push_str(&tabbed.join("\t"));
            text.push('\n');
        }
        Ok(text)
    }

    fn diff_tree(
        &self,
        form: &[&str],
        base: Option<Oid>,
        commit: Oid,
    ) -> Result<Vec<u8>, ClientError> {
        let base = base.map_or_else(|| EMPTY_TREE.to_owned(), |oid| oid.to_string());
        let commit = commit.to_string();
        let ends = [base.as_str(), commit.as_str()];
        let args = [&["diff-tree", "-r"], form, &RAW, &ends].concat();
        self.git.ask(&args)
    }
}

/// Reads `--raw --numstat -z`: the raw records first, then the counts.
fn parse(said: &[u8]) -> Option<Vec<FileStat>> {
    let mut fields = said.split(|byte| *byte == 0);
    let mut kinds: BTreeMap<Vec<u8>, ChangeKind> = BTreeMap::new();
    let mut stats = Vec::new();
    while let Some(field) = fields.next().filter(|field| !field.is_empty()) {
        if let Some(raw) = field.strip_prefix(b":") {
            kinds.insert(fields.next()?.to_vec(), change_kind(raw)?);
            continue;
        }
        let mut parts = field.splitn(3, |byte| *byte == b'\t');
        let added = number(parts.next()?)?;
        let deleted = number(parts.next()?)?;
        let path = parts.next()?;
        stats.push(FileStat {
            kind: kinds.remove(path)?,
            path: RepoPath::new(path.to_vec()),
            added,
            deleted,
        });
    }
    kinds.is_empty().then_some(stats)
}

/// A count; `-` stands for contents that are not counted, such as a submodule's.
fn number(text: &[u8]) -> Option<u64> {
    match text {
        b"-" => Some(0),
        digits => std::str::from_utf8(digits).ok()?.parse().ok(),
    }
}

fn change_kind(raw: &[u8]) -> Option<ChangeKind> {
    let (old, rest) = raw.split_at_checked(6)?;
    let new = rest.get(1..7)?;
    Some(match (entry(old)?, entry(new)?) {
        (None, None) => return None,
        (None, Some(to)) => ChangeKind::Added(to),
        (Some(_), None) => ChangeKind::Deleted,
        (Some(from), Some(to)) if from == to => ChangeKind::Modified,
        (Some(from), Some(to)) => ChangeKind::Turned { from, to },
    })
}

/// What a mode stands for; nothing where there is no entry.
fn entry(mode: &[u8]) -> Option<Option<&'static str>> {
    Some(match mode {
        b"000000" => None,
        b"100644" | b"100664" => Some("file"),
        b"100755" => Some("executable"),
        b"120000" => Some("symlink"),
        b"160000" => Some("submodule"),
        _other => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_and_counts_are_matched_by_path() {
        let zero = "0".repeat(40);
        let said = format!(
            ":100644 100755 {zero} {zero} M\0a b\0:000000 120000 {zero} {zero} A\0x\ty\0\
             :160000 000000 {zero} {zero} D\0sub\0\
             3\t1\ta b\0\x31\t0\tx\ty\0-\t-\tsub\0"
        );
        let stats = parse(said.as_bytes()).unwrap();
        let kinds: Vec<_> = stats.iter().map(|stat| stat.kind.clone()).collect();
        let turned = ChangeKind::Turned {
            from: "file",
            to: "executable",
        };
        assert_eq!(
            kinds,
            [turned, ChangeKind::Added("symlink"), ChangeKind::Deleted]
        );
        assert_eq!((stats[0].added, stats[0].deleted), (3, 1));
        assert_eq!(stats[1].path.as_bytes(), b"x\ty");
    }

    #[test]
    fn what_is_not_understood_is_nothing() {
        for odd in ["1\t2\tpath\0", ":100644 100644 x y M\0path\0", "x\0"] {
            assert_eq!(parse(odd.as_bytes()), None, "{odd}");
        }
        assert_eq!(parse(b""), Some(Vec::new()));
    }
}
