//! What has to hold for any bytes at all, one module for each kind of input.
//!
//! Each `holds` takes what a stranger could send and asserts: no panic, what is read and written
//! again is read the same, where libgit2 reads such a thing it reads the same of it, and what is
//! said about it is bounded and harmless on a terminal. The fuzz targets call these with random
//! bytes; the test suite calls them with every file of the corpus, on a stable compiler.

pub mod audit;
pub mod certificate;
pub mod commit;
pub mod hook;
pub mod keys;
pub mod message;
pub mod policy;
pub mod serve;
pub mod signature;
pub mod tag;
pub mod tree;

/// A property that holds for any bytes; it panics where it does not.
pub type Property = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const TARGETS: [(&str, Property); 11] = [
    ("audit", audit::holds),
    ("certificate", certificate::holds),
    ("commit", commit::holds),
    ("hook", hook::holds),
    ("keys", keys::holds),
    ("message", message::holds),
    ("policy", policy::holds),
    ("serve", serve::holds),
    ("signature", signature::holds),
    ("tag", tag::holds),
    ("tree", tree::holds),
];

/// The longest error that may come of one input, in bytes.
const MAX_SENTENCE: usize = 8 << 10;

/// Asserts that an error can be shown: bounded, and nothing in it that a terminal obeys.
pub(crate) fn is_harmless(sentence: &impl std::fmt::Display) {
    let text = sentence.to_string();
    assert!(text.len() <= MAX_SENTENCE, "{} bytes: {text}", text.len());
    let bad = |ch: char| ch != '\n' && (ch.is_control() || relhook::types::is_deceptive(ch));
    assert!(!text.contains(bad), "{text:?}");
}

/// Hands an empty libgit2 repository that lives in memory to `look`.
pub(crate) fn with_libgit2<T>(look: impl FnOnce(&git2::Repository) -> T) -> T {
    let odb = git2::Odb::new().expect("an object store");
    let _memory = odb.add_new_mempack_backend(1).expect("a store in memory");
    let repository = git2::Repository::from_odb(odb).expect("a repository in memory");
    look(&repository)
}
