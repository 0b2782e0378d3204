//! What a commit adds, beside git diff-tree.
