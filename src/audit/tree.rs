//! The tree over the entries: RFC 6962, section 2.1, with SHA-256.

use sha2::{Digest, Sha256};

/// The hash of a leaf or of a whole subtree.
pub type Node = [u8; 32];

/// The hash of an entry as a leaf.
#[must_use]
pub fn leaf(entry: &[u8]) -> Node {
    let mut hasher = Sha256::new_with_prefix([0]);
    hasher.update(entry);
    hasher.finalize().into()
}

/// The hash of a node above two others.
#[must_use]
pub fn parent(left: &Node, right: &Node) -> Node {
    let mut hasher = Sha256::new_with_prefix([1]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize().into()
}

/// A tree as its largest complete subtrees, from left to right: all that is needed to make it
/// longer and to tell its root. There are as many as its size has binary ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peaks {
    size: u64,
    nodes: Vec<Node>,
}

impl Peaks {
    /// A tree of this size with these subtrees; nothing where their number does not fit.
    #[must_use]
    pub fn new(size: u64, nodes: Vec<Node>) -> Option<Self> {
        (nodes.len() == usize::try_from(size.count_ones()).ok()?).then_some(Self { size, nodes })
    }

    /// How many leaves the tree has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The subtrees, from left to right.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Makes the tree longer by one leaf.
    pub fn push(&mut self, leaf: Node) {
        self.join(leaf, self.size);
        self.size += 1;
    }

    /// Makes the tree longer by a complete subtree of so many levels, by its root. Nothing is changed, and
    /// this says no, where it would not begin at a multiple of its leaves.
    pub fn push_complete(&mut self, root: Node, levels: u32) -> bool {
        let Some(leaves) = 1_u64.checked_shl(levels) else {
            return false;
        };
        if !self.size.is_multiple_of(leaves) {
            return false;
        }
        self.join(root, self.size >> levels);
        self.size += leaves;
        true
    }

    /// Puts a subtree behind the others, of which `complete` are as large.
    fn join(&mut self, root: Node, mut complete: u64) {
        let mut node = root;
        while complete & 1 == 1 {
            // One subtree stands for each binary one of the size.
            let Some(left) = self.nodes.pop() else { break };
            node = parent(&left, &node);
            complete >>= 1;
        }
        self.nodes.push(node);
    }

    /// The root; that of an empty tree is the hash of nothing.
    #[must_use]
    pub fn root(&self) -> Node {
        let mut nodes = self.nodes.iter().rev();
        match nodes.next() {
            Some(last) => nodes.fold(*last, |right, left| parent(left, &right)),
            None => Sha256::digest([]).into(),
        }
    }
}

impl FromIterator<Node> for Peaks {
    fn from_iter<I: IntoIterator<Item = Node>>(leaves: I) -> Self {
        let mut peaks = Self::default();
        leaves.into_iter().for_each(|leaf| peaks.push(leaf));
        peaks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ct_merkle::RootHash;
    use ct_merkle::mem_backed_tree::MemoryBackedTree;

    /// Another implementation's root of the same entries.
    fn theirs(entries: u64) -> Node {
        let mut tree = MemoryBackedTree::<ct_sha2::Sha256, Vec<u8>>::new();
        (0..entries).for_each(|n| tree.push(n.to_string().into_bytes()));
        let root: RootHash<ct_sha2::Sha256> = tree.root();
        root.as_bytes().as_slice().try_into().unwrap()
    }

    #[test]
    fn roots_are_those_of_another_implementation() {
        let mut peaks = Peaks::default();
        for size in 1..=600_u64 {
            peaks.push(leaf((size - 1).to_string().as_bytes()));
            if size < 70 || size % 97 == 0 || (254..259).contains(&size) {
                assert_eq!(peaks.root(), theirs(size), "{size}");
            }
        }
    }

    #[test]
    fn whole_subtrees_make_the_same_tree_as_their_leaves() {
        let leaves = |from: u64, to: u64| (from..to).map(|n| leaf(n.to_string().as_bytes()));
        for levels in 0..5 {
            let width = 1_u64 << levels;
            let (mut one, mut all) = (Peaks::default(), Peaks::default());
            for index in 0..40 {
                let (from, to) = (index * width, (index + 1) * width);
                let root = leaves(from, to).collect::<Peaks>().root();
                assert!(all.push_complete(root, levels));
                leaves(from, to).for_each(|leaf| one.push(leaf));
                assert_eq!(one, all, "{levels} {index}");
            }
            one.push([7; 32]);
            let before = one.clone();
            assert_eq!(one.push_complete([8; 32], levels), levels == 0);
            assert_eq!(one == before, levels != 0);
            assert!(!one.push_complete([8; 32], 64));
        }
    }

    #[test]
    fn an_empty_tree_has_the_hash_of_nothing() {
        assert_eq!(
            crate::types::hex(&Peaks::default().root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn as_many_subtrees_as_the_size_has_ones() {
        assert!(Peaks::new(5, vec![[0; 32]; 2]).is_some());
        assert!(Peaks::new(5, vec![[0; 32]; 3]).is_none());
        assert!(Peaks::new(0, Vec::new()).is_some());
    }
}
