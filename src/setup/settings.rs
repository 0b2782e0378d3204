//! The repository's own settings that the hooks rely on.

/// Name, value: set in the repository itself, so that no other configuration file changes it.
pub(crate) const WANTED: [(&str, &str); 4] = [
    // Reasons for an emergency and tickets travel as push options.
    ("receive.advertisePushOptions", "true"),
    // Broken objects are refused by git before relhook has to.
    ("receive.fsckObjects", "true"),
    // A shallow push would end history early for good.
    ("receive.shallowUpdate", "false"),
    // Every move of every ref leaves a trace, in bare repositories too.
    ("core.logAllRefUpdates", "always"),
];

/// Refs that only relhook itself writes: no push may name them.
pub(crate) const HIDDEN: (&str, &str) = ("receive.hideRefs", "refs/relhook/checkpoint");
