//! Where a repository's hooks lie, by what runs them: git itself, or a server that keeps git's own
//! places for its own hooks.

use super::shims::{MARK, SERVER, Shim};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What runs the hooks of a server's repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// git, from `hooks/`.
    Plain,
    /// Gitea or Forgejo: their own hooks in `hooks/` run what lies in `hooks/pre-receive.d/` and
    /// `hooks/post-receive.d/`.
    Gitea,
    /// GitLab: Gitaly runs what lies in `custom_hooks/pre-receive.d/` and
    /// `custom_hooks/post-receive.d/`, and no hook of a repository for `reference-transaction`.
    Gitlab,
}

/// One of relhook's hooks, and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The hook.
    pub(crate) shim: Shim,
    /// Its file, from the repository's folder.
    pub(crate) path: PathBuf,
}

/// The name of relhook's file among those of a folder of hooks.
const OWN: &str = "relhook";

impl Layout {
    /// Where the hooks lie, from the repository's folder.
    pub(crate) fn places(self) -> Vec<Place> {
        let places = SERVER.iter().filter_map(|shim| {
            let path = self.path(shim.name)?;
            Some(Place { shim: *shim, path })
        });
        places.collect()
    }

    fn path(self, hook: &str) -> Option<PathBuf> {
        let plain = || Path::new("hooks").join(hook);
        let among = |folder: &str| Path::new(folder).join(format!("{hook}.d")).join(OWN);
        match self {
            Self::Plain => Some(plain()),
            Self::Gitea if hook == "reference-transaction" => Some(plain()),
            Self::Gitea => Some(among("hooks")),
            Self::Gitlab if hook == "reference-transaction" => None,
            Self::Gitlab => Some(among("custom_hooks")),
        }
    }

    /// The hooks of the server itself that have to be there, from the repository's folder: without
    /// them, nothing runs relhook's.
    pub(crate) fn runners(self) -> Vec<PathBuf> {
        match self {
            Self::Plain | Self::Gitlab => Vec::new(),
            Self::Gitea => ["pre-receive", "post-receive"]
                .map(|hook| Path::new("hooks").join(hook))
                .into(),
        }
    }

    /// The layout in which relhook's hooks are here already; [`Layout::Plain`] where they are in
    /// none, or some of them are where git itself looks.
    pub(crate) fn found(git_dir: &Path) -> Self {
        let ours = |layout: Self, hook: &str| {
            let path = layout.path(hook);
            path.is_some_and(|path| says(&git_dir.join(path), MARK))
        };
        let own = ["pre-receive", "post-receive"];
        if own.iter().any(|hook| ours(Self::Plain, hook)) {
            return Self::Plain;
        }
        let others = [Self::Gitea, Self::Gitlab].into_iter();
        let mut there = others.filter(|layout| ours(*layout, "pre-receive"));
        there.next().unwrap_or(Self::Plain)
    }
}

/// Whether this hook runs the files of a folder beside it that has its name and `.d`.
pub(crate) fn is_runner(hook: &Path) -> bool {
    // Gitea's and Forgejo's name the folder by a variable: `${hookname}.d/`.
    says(hook, b".d/") && rustix::fs::access(hook, rustix::fs::Access::EXEC_OK).is_ok()
}

/// Whether a plain file of a hook's size holds these bytes.
fn says(path: &Path, wanted: &[u8]) -> bool {
    let plain = fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file());
    let read = || {
        let mut text = Vec::new();
        let file = fs::File::open(path)?;
        file.take(super::shims::LIMIT).read_to_end(&mut text)?;
        std::io::Result::Ok(text)
    };
    plain && read().is_ok_and(|text| text.windows(wanted.len()).any(|part| part == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hook_has_the_place_where_the_server_looks() {
        let paths = |layout: Layout| {
            let places = layout.places().into_iter();
            let shown = places.map(|place| place.path.display().to_string());
            shown.collect::<Vec<_>>()
        };
        assert_eq!(
            paths(Layout::Plain),
            [
                "hooks/pre-receive",
                "hooks/post-receive",
                "hooks/reference-transaction"
            ]
        );
        assert_eq!(
            paths(Layout::Gitea),
            [
                "hooks/pre-receive.d/relhook",
                "hooks/post-receive.d/relhook",
                "hooks/reference-transaction"
            ]
        );
        assert_eq!(
            paths(Layout::Gitlab),
            [
                "custom_hooks/pre-receive.d/relhook",
                "custom_hooks/post-receive.d/relhook"
            ]
        );
    }

    #[test]
    fn a_layout_is_known_by_relhooks_own_hook_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Layout::found(dir.path()), Layout::Plain);
        for layout in [Layout::Gitea, Layout::Gitlab] {
            let hook = dir.path().join(layout.path("pre-receive").unwrap());
            fs::create_dir_all(hook.parent().unwrap()).unwrap();
            fs::write(&hook, "#!/bin/sh\n").unwrap();
            assert_eq!(Layout::found(dir.path()), Layout::Plain);
            fs::write(&hook, [b"#!/bin/sh\n# ", MARK].concat()).unwrap();
            assert_eq!(Layout::found(dir.path()), layout);
            // Half of an installation for git itself is mended as one.
            fs::create_dir_all(dir.path().join("hooks")).unwrap();
            let plain = dir.path().join("hooks/post-receive");
            fs::write(&plain, MARK).unwrap();
            assert_eq!(Layout::found(dir.path()), Layout::Plain);
            fs::remove_file(&plain).unwrap();
            fs::remove_file(&hook).unwrap();
        }
    }

    #[test]
    fn a_runner_is_executable_and_names_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        let hook = dir.path().join("pre-receive");
        assert!(!is_runner(&hook));
        fs::write(&hook, "for hook in $0.d/*; do \"$hook\"; done\n").unwrap();
        assert!(!is_runner(&hook));
        let mode = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(&hook, mode(0o755)).unwrap();
        assert!(is_runner(&hook));
        fs::write(&hook, "exit 0\n").unwrap();
        assert!(!is_runner(&hook));
    }
}
