//! The history: parents as the commits themselves name them, and exact questions about them.
//!
//! No commit-graph file, graft, replacement or shallow mark is asked, and no date is trusted:
//! dates only choose which commit is looked at next, never whether one belongs.

mod range;
mod reach;
mod walk;

#[cfg(test)]
mod tests;

use super::maps::{Map, Set};
use super::{Fault, Store};
use crate::types::Oid;
use std::rc::Rc;

/// Commits that were read on the way are kept up to so many bytes, so that they need not be read
/// twice.
const KEEP_BYTES: usize = 16 << 20;

/// The part of the history that was looked at so far.
pub(super) struct Graph<'a> {
    store: &'a Store,
    ids: Map<Oid, Node>,
    oids: Vec<Oid>,
    links: Vec<Option<Links>>,
    kept: Map<Node, Rc<Vec<u8>>>,
    kept_bytes: usize,
}

/// A commit's number in a [`Graph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Node(u32);

/// A commit's parents: nearly always one, which needs no memory of its own.
#[derive(Debug, Clone)]
pub(super) enum Parents {
    /// It begins a history.
    None,
    /// It follows another one.
    One([Node; 1]),
    /// It is a merge.
    Many(Rc<[Node]>),
}

impl std::ops::Deref for Parents {
    type Target = [Node];
    fn deref(&self) -> &[Node] {
        match self {
            Self::None => &[],
            Self::One(parent) => parent,
            Self::Many(parents) => parents,
        }
    }
}

/// What a commit says about its place in history.
#[derive(Debug)]
struct Links {
    tree: Oid,
    parents: Parents,
    /// The committer's date in seconds: a hint.
    date: i64,
}

/// The commits that `tip` reaches and `base` does not, children before parents.
///
/// # Errors
/// When a commit cannot be read, or there are too many.
pub fn commits_between(store: &Store, tip: Oid, base: Option<Oid>) -> Result<Vec<Oid>, Fault> {
    let mut graph = Graph::new(store);
    let range = graph.range(tip, base)?;
    range
        .commits
        .into_iter()
        .map(|node| graph.oid(node))
        .collect()
}

impl<'a> Graph<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self {
            store,
            ids: Map::default(),
            oids: Vec::new(),
            links: Vec::new(),
            kept: Map::default(),
            kept_bytes: 0,
        }
    }

    /// The number of a commit; it need not have been read.
    pub(super) fn node(&mut self, oid: Oid) -> Result<Node, Fault> {
        if let Some(node) = self.ids.get(&oid) {
            return Ok(*node);
        }
        let limit = self.store.limits().history;
        let number = u32::try_from(self.oids.len())
            .ok()
            .filter(|_| self.oids.len() < limit);
        let node = Node(number.ok_or_else(|| Fault::TooLarge {
            what: format!("more than {limit} commits of history"),
        })?);
        self.ids.insert(oid, node);
        self.oids.push(oid);
        self.links.push(None);
        Ok(node)
    }

    /// The commit's id.
    pub(super) fn oid(&self, node: Node) -> Result<Oid, Fault> {
        let oid = self.oids.get(node.0 as usize).copied();
        oid.ok_or_else(|| unknown(node))
    }

    /// The commit's parents.
    pub(super) fn parents(&mut self, node: Node) -> Result<Parents, Fault> {
        self.links(node).map(|links| links.parents.clone())
    }

    /// A commit's tree.
    pub(super) fn tree(&mut self, oid: Oid) -> Result<Oid, Fault> {
        let node = self.node(oid)?;
        self.links(node).map(|links| links.tree)
    }

    /// The commit's bytes, for the last time.
    pub(super) fn take_bytes(&mut self, node: Node) -> Result<Rc<Vec<u8>>, Fault> {
        if let Some(bytes) = self.kept.remove(&node) {
            self.kept_bytes -= bytes.len();
            return Ok(bytes);
        }
        self.store.commit_bytes(self.oid(node)?)
    }

    fn links(&mut self, node: Node) -> Result<&Links, Fault> {
        let at = node.0 as usize;
        if self.links.get(at).is_some_and(Option::is_none) {
            let links = self.read(node)?;
            if let Some(slot) = self.links.get_mut(at) {
                *slot = Some(links);
            }
        }
        let links = self.links.get(at).and_then(Option::as_ref);
        links.ok_or_else(|| unknown(node))
    }

    fn read(&mut self, node: Node) -> Result<Links, Fault> {
        let oid = self.oid(node)?;
        let bytes = self.store.commit_bytes(oid)?;
        let header = Header::read(&bytes).map_err(|why| Fault::Malformed {
            oid,
            why: why.to_owned(),
        })?;
        let date = date(&bytes);
        let parents = match header.parents.as_slice() {
            [] => Parents::None,
            [parent] => Parents::One([self.node(*parent)?]),
            many => {
                let nodes = many.iter().map(|parent| self.node(*parent));
                Parents::Many(nodes.collect::<Result<_, _>>()?)
            }
        };
        if self.kept_bytes + bytes.len() <= KEEP_BYTES {
            self.kept_bytes += bytes.len();
            self.kept.insert(node, bytes);
        }
        Ok(Links {
            tree: header.tree,
            parents,
            date,
        })
    }
}

fn unknown(node: Node) -> Fault {
    Fault::Unreadable {
        why: format!("commit number {} was never met", node.0),
    }
}

/// What a commit begins with, read as git reads it: the parents directly behind the tree. Only
/// what is judged is held to the strict grammar; older history just has to lead on.
struct Header {
    tree: Oid,
    parents: Vec<Oid>,
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut lines = lines(bytes);
        let tree = lines.next().and_then(|line| line.strip_prefix(b"tree "));
        let tree = tree.ok_or("it does not begin with its tree")?;
        let tree = Oid::from_hex(tree).map_err(|_| "its tree is not an object id")?;
        let mut parents = Vec::new();
        for line in lines {
            let Some(hex) = line.strip_prefix(b"parent ") else {
                break;
            };
            parents.push(Oid::from_hex(hex).map_err(|_| "a parent is not an object id")?);
        }
        Ok(Self { tree, parents })
    }
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let end = memchr::memchr(b'\n', bytes);
        rest = end.and_then(|end| bytes.get(end + 1..));
        Some(end.and_then(|end| bytes.get(..end)).unwrap_or(bytes))
    })
}

/// The committer's date; 0 where it cannot be read, since it is a hint.
fn date(bytes: &[u8]) -> i64 {
    lines(bytes)
        .take_while(|line| !line.is_empty())
        .find_map(|line| line.strip_prefix(b"committer "))
        .and_then(|line| line.rsplit(|byte| *byte == b'>').next())
        .and_then(|rest| std::str::from_utf8(rest).ok())
        .and_then(|rest| rest.split_ascii_whitespace().next())
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or(0)
}
