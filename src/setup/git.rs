//! Asking the installed git: its version and its effective settings, with where each comes from.
//!
//! git itself is asked, and not a library, because git is what will run the hooks.

use super::SetupError;
use crate::types::escape;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The git that is found in `PATH`, working in one folder.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    dir: PathBuf,
}

/// Variables that say where git's settings are; all others of git's are taken away.
const KEPT: [&str; 3] = [
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
];

impl Git {
    /// git, run in `dir`.
    pub(crate) fn at(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// git's standard output.
    ///
    /// # Errors
    /// When it cannot be run or does not exit 0.
    pub(crate) fn ask<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Vec<u8>, SetupError> {
        let output = self.run(args)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = output.stderr.split(|byte| *byte == b'\n').next();
        Err(SetupError::GitSaid {
            what: shown(args),
            said: escape(said.unwrap_or_default()),
        })
    }

    /// git's answer as a path.
    ///
    /// # Errors
    /// As [`Git::ask`].
    pub(crate) fn path<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<PathBuf, SetupError> {
        let mut line = self.ask(args)?;
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        Ok(self
            .dir
            .join(PathBuf::from(std::ffi::OsString::from_vec(line))))
    }

    fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Output, SetupError> {
        let mut command = Command::new("git");
        Self::plain(&mut command);
        command
            .args(args)
            .current_dir(&self.dir)
            .stdin(Stdio::null());
        command
            .output()
            .map_err(|source| SetupError::NoGit { source })
    }

    /// Takes everything of git's out of a command's environment, but for the place of its settings.
    pub(crate) fn plain(command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            let is_gits = name.as_encoded_bytes().starts_with(b"GIT_");
            if is_gits && !KEPT.iter().any(|kept| name == *kept) {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C");
    }

    /// The version, as two numbers and as git writes it.
    ///
    /// # Errors
    /// When git does not say one.
    pub(crate) fn version(&self) -> Result<((u32, u32), String), SetupError> {
        let said = self.ask(&["--version"])?;
        let text = escape(said.trim_ascii());
        let version = text.strip_prefix("git version ").unwrap_or(&text);
        let mut numbers = version.split('.').map(str::parse::<u32>);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Ok(((major, minor), version.to_owned())),
            _ => Err(SetupError::OddGit { version: text }),
        }
    }

    /// Every setting in effect.
    ///
    /// # Errors
    /// When git cannot read them.
    pub(crate) fn settings(&self) -> Result<Settings, SetupError> {
        let said = self.ask(&["config", "--list", "--show-scope", "--show-origin", "-z"])?;
        Settings::parse(&said, &self.dir)
    }
}

fn shown<S: AsRef<OsStr>>(args: &[S]) -> String {
    let words = args
        .iter()
        .map(|arg| escape(arg.as_ref().as_encoded_bytes()));
    words.collect::<Vec<_>>().join(" ")
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    /// `system`, `global`, `local`, `worktree` or `command`.
    pub(crate) scope: String,
    /// The file that says so, absolute; absent where it is no file.
    pub(crate) origin: Option<PathBuf>,
    /// The name, section and variable in lower case.
    pub(crate) key: Vec<u8>,
    /// The value; absent for a name alone, which means true.
    pub(crate) value: Option<Vec<u8>>,
}

/// Every setting in effect, the later winning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings(Vec<Setting>);

impl Settings {
    /// Reads `git config --list --show-scope --show-origin -z`: scope NUL origin NUL key LF value
    /// NUL. Origins are relative to `dir`, where git was run.
    pub(crate) fn parse(said: &[u8], dir: &Path) -> Result<Self, SetupError> {
        let odd = || SetupError::GitSaid {
            what: "config --list".into(),
            said: "something that relhook cannot read".into(),
        };
        let mut fields: Vec<&[u8]> = said.split(|byte| *byte == 0).collect();
        if fields.pop().is_none_or(|rest| !rest.is_empty()) || !fields.len().is_multiple_of(3) {
            return Err(odd());
        }
        let triples = fields.chunks_exact(3);
        let settings = triples.map(|triple| match triple {
            [scope, origin, entry] => Ok(setting(scope, origin, entry, dir)),
            _ => Err(odd()),
        });
        settings.collect::<Result<_, _>>().map(Self)
    }

    /// The value in effect.
    pub(crate) fn last(&self, key: &str) -> Option<&Setting> {
        let key = key.to_ascii_lowercase();
        let mut found = self.0.iter().filter(|set| set.key == key.as_bytes());
        found.next_back()
    }

    /// All of them, in git's order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.0.iter()
    }

    /// All values of the repository's own configuration.
    pub(crate) fn local(&self, key: &str) -> Vec<&Setting> {
        let key = key.to_ascii_lowercase();
        let all = self.0.iter();
        all.filter(|set| set.key == key.as_bytes() && set.scope == "local")
            .collect()
    }
}

fn setting(scope: &[u8], origin: &[u8], entry: &[u8], dir: &Path) -> Setting {
    let mut parts = entry.splitn(2, |byte| *byte == b'\n');
    let file = origin.strip_prefix(b"file:");
    Setting {
        scope: escape(scope),
        origin: file.map(|file| dir.join(OsStr::from_bytes(file))),
        key: parts.next().unwrap_or_default().to_vec(),
        value: parts.next().map(<[u8]>::to_vec),
    }
}

impl Setting {
    /// The value, escaped.
    pub(crate) fn shown(&self) -> String {
        self.value
            .as_deref()
            .map_or_else(|| "true".to_owned(), escape)
    }
}

#[cfg(test)]
mod tests {
    use super::Settings;
    use std::path::Path;

    #[test]
    fn the_last_value_wins_and_a_bare_name_is_yes() {
        let said = b"global\0file:/home/git/.gitconfig\0core.hookspath\n/x\0\
                     local\0file:config\0core.hookspath\n/y\nz\0\
                     command\0command line:\0receive.fsckobjects\0";
        let settings = Settings::parse(said, Path::new("/srv/x.git")).unwrap();
        let hooks = settings.last("core.hooksPath").unwrap();
        assert_eq!(
            (hooks.scope.as_str(), hooks.shown()),
            ("local", "/y\\x0az".into())
        );
        assert_eq!(
            hooks.origin.as_deref(),
            Some(Path::new("/srv/x.git/config"))
        );
        let bare = settings.last("receive.fsckObjects").unwrap();
        assert_eq!((&bare.value, bare.shown()), (&None, "true".into()));
        assert_eq!(bare.origin, None);
        assert_eq!(settings.last("receive.shallowUpdate"), None);
        assert!(Settings::parse(b"local\0key", Path::new("/")).is_err());
    }
}
