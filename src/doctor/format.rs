//! What kind of repository it is: relhook judges bare ones, SHA-1, with refs in files and a whole
//! history, and says of every other kind what it does there.

use super::patient::Patient;
use super::{Finding, Words};
use crate::facts::StoreError;
use crate::setup::Settings;

/// Looks at it.
pub(in crate::doctor) fn examine(patient: &Patient) -> Vec<Finding> {
    let facts = Facts::gather(patient);
    judge(&facts, &patient.words)
}

/// What kind of repository it is.
#[derive(Debug, Clone, Default)]
struct Facts {
    /// Whether it has a work tree.
    bare: bool,
    /// How objects are named: `sha1`, `sha256`.
    objects: String,
    /// How refs are kept: `files`, `reftable`.
    refs: String,
    /// The setting that makes it a partial clone.
    promisor: Option<String>,
    /// Whether `shallow` cuts its history off.
    shallow: bool,
    /// Whether `info/grafts` rewrites it.
    grafts: bool,
    /// The repositories that it borrows objects from, escaped.
    alternates: Vec<String>,
    /// Why relhook cannot open it, where none of the above is the reason.
    unusable: Option<String>,
}

impl Facts {
    fn gather(patient: &Patient) -> Self {
        let bare = patient.git.ask(&["rev-parse", "--is-bare-repository"]);
        let content = |file: &str| {
            let text = std::fs::read(patient.git_dir.join(file)).unwrap_or_default();
            crate::types::escape(text.trim_ascii())
        };
        let set = |key: &str| patient.settings.last(key).map(|set| set.shown());
        let or = |key: &str, usual: &str| set(key).map_or(usual.into(), |is| is.to_lowercase());
        Self {
            bare: bare.is_ok_and(|said| said == b"true\n"),
            objects: or("extensions.objectformat", "sha1"),
            refs: or("extensions.refstorage", "files"),
            promisor: promisor(&patient.settings),
            shallow: !content("shallow").is_empty(),
            grafts: !content("info/grafts").is_empty(),
            alternates: alternates(patient),
            unusable: match &patient.store {
                Ok(_) => None,
                Err(error) => unforeseen(error),
            },
        }
    }
}

fn promisor(settings: &Settings) -> Option<String> {
    let is = |key: &[u8]| {
        key == b"extensions.partialclone"
            || (key.starts_with(b"remote.") && key.ends_with(b".promisor"))
    };
    let found = settings.iter().find(|set| is(&set.key))?;
    Some(crate::types::escape(&found.key))
}

fn alternates(patient: &Patient) -> Vec<String> {
    let file = patient.git_dir.join("objects/info/alternates");
    let text = std::fs::read(file).unwrap_or_default();
    let lines = text.split(|byte| *byte == b'\n');
    lines
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
        .map(crate::types::escape)
        .collect()
}

/// Reasons that no fact of this group tells already.
fn unforeseen(error: &StoreError) -> Option<String> {
    match error {
        StoreError::RefStorage { .. }
        | StoreError::ObjectFormat { .. }
        | StoreError::PartialClone { .. }
        | StoreError::Grafts { .. }
        | StoreError::Shallow { .. } => None,
        StoreError::NotARepository { .. }
        | StoreError::Owner { .. }
        | StoreError::Namespace
        | StoreError::CommonDir
        | StoreError::ObjectsElsewhere { .. }
        | StoreError::ShallowUpdate
        | StoreError::Unusable { .. } => Some(format!("{error}; {}", error.hint())),
    }
}

fn judge(facts: &Facts, words: &Words) -> Vec<Finding> {
    let mut found = vec![
        bare(facts, words),
        objects(facts),
        refs(facts, words),
        partial(facts),
        shallow(facts, words),
        grafts(facts, words),
        borrowed(facts, words),
    ];
    if let Some(why) = &facts.unusable {
        found.push(Finding::error(
            "repository",
            format!("relhook cannot open the repository, so every push is refused: {why}"),
        ));
    }
    found
}

fn bare(facts: &Facts, words: &Words) -> Finding {
    if facts.bare {
        return Finding::ok("bare", "it has no work tree");
    }
    Finding::error(
        "bare",
        "it has a work tree, and relhook judges pushes to bare repositories only",
    )
    .mend(words.config(&["core.bare", "true"]))
    .advice("or give the team a bare clone of it: `git clone --bare`")
}

fn objects(facts: &Facts) -> Finding {
    if facts.objects == "sha1" {
        return Finding::ok("object-format", "objects are named by SHA-1");
    }
    Finding::error(
        "object-format",
        format!(
            "objects are named by `{}`; relhook reads `sha1` only and refuses every push",
            facts.objects
        ),
    )
    .advice(
        "git cannot convert a repository: make a new one with `git init --bare \
         --object-format=sha1` and push the history to it with `git fast-export | git fast-import`",
    )
}

fn refs(facts: &Facts, words: &Words) -> Finding {
    if facts.refs == "files" {
        return Finding::ok("ref-format", "refs are kept in files");
    }
    Finding::error(
        "ref-format",
        format!(
            "refs are kept as `{}`; relhook reads `files` only and refuses every push",
            facts.refs
        ),
    )
    .mend(words.git(&["refs", "migrate", "--ref-format=files"]))
}

fn partial(facts: &Facts) -> Finding {
    match &facts.promisor {
        None => Finding::ok("partial-clone", "it has all of its objects"),
        Some(setting) => Finding::error(
            "partial-clone",
            format!(
                "{setting} makes it a partial clone, in which objects may be missing; relhook \
                 refuses every push"
            ),
        )
        .advice("clone it again without `--filter`"),
    }
}

fn shallow(facts: &Facts, words: &Words) -> Finding {
    if !facts.shallow {
        return Finding::ok("shallow", "its history is not cut off");
    }
    Finding::error(
        "shallow",
        "the file `shallow` cuts its history off, which cannot be judged then; relhook refuses \
         every push",
    )
    .mend(words.git(&["fetch", "--unshallow"]))
    .advice("where it has no remote to fetch from, make it anew from a whole clone")
}

fn grafts(facts: &Facts, words: &Words) -> Finding {
    if !facts.grafts {
        return Finding::ok("grafts", "nothing makes its history look other than it is");
    }
    Finding::error(
        "grafts",
        "info/grafts makes its history look other than it is; relhook refuses every push",
    )
    .mend(words.own(&format!("rm {}/info/grafts", words.git_dir())))
}

fn borrowed(facts: &Facts, words: &Words) -> Finding {
    if facts.alternates.is_empty() {
        return Finding::ok("alternates", "it borrows no objects");
    }
    Finding::warning(
        "alternates",
        format!(
            "it borrows objects from {}, whose owner can make them vanish",
            facts.alternates.join(", ")
        ),
    )
    .mend(words.git(&["repack", "-a", "-d"]))
    .mend(words.own(&format!("rm {}/objects/info/alternates", words.git_dir())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;
    use std::path::Path;

    fn sound() -> Facts {
        Facts {
            bare: true,
            objects: "sha1".into(),
            refs: "files".into(),
            ..Facts::default()
        }
    }

    fn bad(facts: &Facts) -> Vec<(&'static str, State)> {
        let found = judge(facts, &Words::new(Path::new("/srv/x.git")));
        let bad = found.iter().filter(|one| one.state != State::Ok);
        bad.map(|one| (one.check, one.state)).collect()
    }

    #[test]
    fn a_bare_whole_repository_of_files_is_in_order() {
        assert_eq!(bad(&sound()), []);
    }

    #[test]
    fn every_other_kind_is_told_by_itself() {
        let of = |change: fn(&mut Facts)| {
            let mut facts = sound();
            change(&mut facts);
            bad(&facts)
        };
        let error = |check| vec![(check, State::Error)];
        assert_eq!(of(|facts| facts.bare = false), error("bare"));
        assert_eq!(
            of(|facts| facts.objects = "sha256".into()),
            error("object-format")
        );
        assert_eq!(
            of(|facts| facts.refs = "reftable".into()),
            error("ref-format")
        );
        assert_eq!(of(|facts| facts.shallow = true), error("shallow"));
        assert_eq!(of(|facts| facts.grafts = true), error("grafts"));
        assert_eq!(
            of(|facts| facts.promisor = Some("remote.o.promisor".into())),
            error("partial-clone")
        );
        assert_eq!(
            of(|facts| facts.alternates = vec!["/elsewhere".into()]),
            [("alternates", State::Warning)]
        );
        assert_eq!(
            of(|facts| facts.unusable = Some("odd".into())),
            error("repository")
        );
    }
}
