//! Merges, beside git merge-tree.
