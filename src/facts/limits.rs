//! Bounds on everything that a push can make relhook read.

/// How much is read before gathering gives up, each beyond what an honest push needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Commits in one range, and in all ranges of a push together.
    pub commits: usize,
    /// Commits that are looked at to find out what a range is.
    pub history: usize,
    /// Changed paths in all ranges of a push together.
    pub changes: usize,
    /// Bytes of changed paths in all ranges of a push together.
    pub path_bytes: usize,
    /// Folders that are compared in all ranges of a push together.
    pub folders: usize,
    /// Bytes of one path.
    pub path: usize,
    /// Bytes of one commit or tag.
    pub header_object: usize,
    /// Bytes of one tree object.
    pub tree: usize,
    /// Bytes of one file that has to be merged to judge a merge commit.
    pub merged_file: usize,
    /// Bytes of such files in all ranges of a push together. Past it, and past the size above,
    /// a merge counts as one that adds something.
    pub merged_bytes: usize,
    /// Statements about one commit. Each person may store only so many (`decide` says how many), so
    /// that it takes hundreds of people together to come near it.
    pub statements: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            commits: 200_000,
            history: 2_000_000,
            changes: 2_000_000,
            path_bytes: 128 << 20,
            folders: 4_000_000,
            path: 4096,
            header_object: 1 << 20,
            tree: 64 << 20,
            merged_file: 8 << 20,
            merged_bytes: 256 << 20,
            statements: 20_000,
        }
    }
}
