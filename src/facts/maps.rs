//! Hash maps for what a long range asks of each commit many times. Ids can be chosen by whoever makes
//! objects, so what hashes them is seeded anew in each process.

/// A map that hashes fast.
pub(super) type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

/// A set that hashes fast.
pub(super) type Set<K> = std::collections::HashSet<K, foldhash::fast::RandomState>;
