//! Refs that are not what they look like.

use super::patient::Patient;
use super::{Finding, Words};
use crate::setup::{Git, SetupError};
use crate::types::{RefName, escape, shell_word};
use std::path::Path;

/// So many refs of one kind are named; the rest is counted.
const MAX_SHOWN: usize = 5;

/// Looks at them.
pub(in crate::doctor) fn examine(patient: &Patient) -> Vec<Finding> {
    match list(&patient.git_dir, &patient.git) {
        Ok(refs) => judge(&refs, &patient.words),
        Err(error) => vec![Finding::unknown("symbolic-refs", error.to_string())],
    }
}

/// A ref as git lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    name: Vec<u8>,
    /// What a symbolic one points at.
    target: Option<Vec<u8>>,
}

impl Listed {
    /// Its name, where it is well formed.
    pub(in crate::doctor) fn name(&self) -> Option<RefName> {
        RefName::new(&self.name).ok()
    }
}

/// Every ref, symbolic ones that lead nowhere too where the repository's format can be read.
///
/// # Errors
/// When neither relhook nor git can list them.
pub(crate) fn list(git_dir: &Path, git: &Git) -> Result<Vec<Listed>, SetupError> {
    if let Ok(listed) = read(git_dir) {
        return Ok(listed);
    }
    let said = git.ask(&["for-each-ref", "--format=%(refname) %(symref)"])?;
    let lines = said.split(|byte| *byte == b'\n');
    let lines = lines.filter(|line| !line.is_empty());
    let listed = lines.map(|line| {
        let mut words = line.splitn(2, |byte| *byte == b' ');
        let name = words.next().unwrap_or_default().to_vec();
        let target = words.next().filter(|target| !target.is_empty());
        Listed {
            name,
            target: target.map(<[u8]>::to_vec),
        }
    });
    Ok(listed.collect())
}

fn read(git_dir: &Path) -> Result<Vec<Listed>, git2::Error> {
    let repository = git2::Repository::open_bare(git_dir)?;
    let listed = repository.references()?.map(|reference| {
        let reference = reference?;
        Ok(Listed {
            name: reference.name_bytes().to_vec(),
            target: reference.symbolic_target_bytes().map(<[u8]>::to_vec),
        })
    });
    listed.collect()
}

/// Symbolic refs, replacements of objects, and namespaces.
pub(crate) fn judge(refs: &[Listed], words: &Words) -> Vec<Finding> {
    let symbolic = group(
        "symbolic-refs",
        refs.iter().filter(|one| one.target.is_some()),
        |one| {
            let target = escape(one.target.as_deref().unwrap_or_default());
            format!(
                "{} is a symbolic ref to {target}: pushes to it are refused",
                escape(&one.name)
            )
        },
        |name| {
            words.own(&format!(
                "git -C {} symbolic-ref --delete {name}",
                words.git_dir()
            ))
        },
        "no ref but HEAD stands for another",
    );
    let below = |prefix: &'static [u8]| refs.iter().filter(move |one| one.name.starts_with(prefix));
    let replaced = group(
        "replace-refs",
        below(b"refs/replace/"),
        |one| {
            format!(
                "{} replaces an object for `git log`, not for relhook: remove it",
                escape(&one.name)
            )
        },
        |name| words.own(&format!("git -C {} update-ref -d {name}", words.git_dir())),
        "no object is shown as another",
    );
    let spaces = group(
        "namespaces",
        below(b"refs/namespaces/"),
        |one| {
            format!(
                "{} is in a namespace: relhook refuses pushes to one, and releases none of it",
                escape(&one.name)
            )
        },
        |name| words.own(&format!("git -C {} update-ref -d {name}", words.git_dir())),
        "there are no namespaces",
    );
    [symbolic, replaced, spaces].concat()
}

fn group<'a>(
    check: &'static str,
    refs: impl Iterator<Item = &'a Listed>,
    what: impl Fn(&Listed) -> String,
    mend: impl Fn(&str) -> String,
    fine: &str,
) -> Vec<Finding> {
    let refs: Vec<&Listed> = refs.collect();
    if refs.is_empty() {
        return vec![Finding::ok(check, fine)];
    }
    let shown = refs.iter().take(MAX_SHOWN);
    let mut found: Vec<Finding> = shown
        .map(|one| Finding::warning(check, what(one)).mend(mend(&shell_word(&escape(&one.name)))))
        .collect();
    let more = refs.len().saturating_sub(MAX_SHOWN);
    if more > 0 {
        found.push(Finding::warning(
            check,
            format!("{more} more refs are like that"),
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    fn listed(name: &str, target: Option<&str>) -> Listed {
        Listed {
            name: name.into(),
            target: target.map(Into::into),
        }
    }

    #[test]
    fn r_05_refs_that_stand_for_another_are_found() {
        let refs = [
            listed("refs/heads/prod", None),
            listed("refs/heads/alias;x", Some("refs/heads/prod")),
            listed("refs/replace/abc", None),
            listed("refs/namespaces/a/refs/heads/prod", None),
        ];
        let found = judge(&refs, &Words::new(Path::new("/srv/x.git")));
        let checks: Vec<_> = found.iter().map(|one| (one.check, one.state)).collect();
        let warning = |check| (check, State::Warning);
        assert_eq!(
            checks,
            ["symbolic-refs", "replace-refs", "namespaces"].map(warning)
        );
        let mend = found.first().unwrap().mend.first().unwrap();
        assert_eq!(
            mend,
            "git -C /srv/x.git symbolic-ref --delete 'refs/heads/alias;x'"
        );
        let found = judge(&refs[..1], &Words::new(Path::new("/srv/x.git")));
        assert!(found.iter().all(|one| one.state == State::Ok));
    }

    #[test]
    fn very_many_are_counted() {
        let name = |n| listed(&format!("refs/replace/{n}"), None);
        let refs: Vec<Listed> = (0..100).map(name).collect();
        let found = judge(&refs, &Words::new(Path::new("/srv/x.git")));
        assert!(
            found
                .iter()
                .any(|one| one.what == "95 more refs are like that")
        );
    }
}
