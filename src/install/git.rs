//! Asking the installed git: its version and its effective settings, with where each comes from.
//!
//! git itself is asked, and not a library, because git is what will run the hooks.

use super::InstallError;
use crate::types::escape;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The git that is found in `PATH`, working in one folder.
#[derive(Debug, Clone)]
pub(in crate::install) struct Git {
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
    pub(in crate::install) fn at(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// git's standard output.
    ///
    /// # Errors
    /// When it cannot be run or does not exit 0.
    pub(in crate::install) fn ask<S: AsRef<OsStr>>(
        &self,
        args: &[S],
    ) -> Result<Vec<u8>, InstallError> {
        let output = self.run(args)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = output.stderr.split(|byte| *byte == b'\n').next();
        Err(InstallError::GitSaid {
            what: shown(args),
            said: escape(said.unwrap_or_default()),
        })
    }

    /// git's answer as a path.
    ///
    /// # Errors
    /// As [`Git::ask`].
    pub(in crate::install) fn path<S: AsRef<OsStr>>(
        &self,
        args: &[S],
    ) -> Result<PathBuf, InstallError> {
        let mut line = self.ask(args)?;
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        Ok(self
            .dir
            .join(PathBuf::from(std::ffi::OsString::from_vec(line))))
    }

    fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Output, InstallError> {
        let mut command = Command::new("git");
        for (name, _) in std::env::vars_os() {
            let is_gits = name.as_encoded_bytes().starts_with(b"GIT_");
            if is_gits && !KEPT.iter().any(|kept| name == *kept) {
                command.env_remove(name);
            }
        }
        command
            .args(args)
            .current_dir(&self.dir)
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        command
            .output()
            .map_err(|source| InstallError::NoGit { source })
    }

    /// The version, as two numbers and as git writes it.
    ///
    /// # Errors
    /// When git does not say one.
    pub(in crate::install) fn version(&self) -> Result<((u32, u32), String), InstallError> {
        let said = self.ask(&["--version"])?;
        let text = escape(said.trim_ascii());
        let version = text.strip_prefix("git version ").unwrap_or(&text);
        let mut numbers = version.split('.').map(str::parse::<u32>);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Ok(((major, minor), version.to_owned())),
            _ => Err(InstallError::OddGit { version: text }),
        }
    }

    /// Every setting in effect.
    ///
    /// # Errors
    /// When git cannot read them.
    pub(in crate::install) fn settings(&self) -> Result<Settings, InstallError> {
        let said = self.ask(&["config", "--list", "--show-scope", "-z"])?;
        Settings::parse(&said)
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
pub(in crate::install) struct Setting {
    /// `system`, `global`, `local`, `worktree` or `command`.
    pub(in crate::install) scope: String,
    /// The name, section and variable in lower case.
    pub(in crate::install) key: Vec<u8>,
    /// The value; absent for a name alone, which means true.
    pub(in crate::install) value: Option<Vec<u8>>,
}

/// Every setting in effect, the later winning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::install) struct Settings(Vec<Setting>);

impl Settings {
    /// Reads `git config --list --show-scope -z`: scope NUL key LF value NUL.
    fn parse(said: &[u8]) -> Result<Self, InstallError> {
        let odd = || InstallError::GitSaid {
            what: "config --list".into(),
            said: "something that relhook cannot read".into(),
        };
        let mut fields: Vec<&[u8]> = said.split(|byte| *byte == 0).collect();
        if fields.pop().is_none_or(|rest| !rest.is_empty()) || !fields.len().is_multiple_of(2) {
            return Err(odd());
        }
        let pairs = fields.chunks_exact(2);
        let settings = pairs.map(|pair| match pair {
            [scope, entry] => Ok(setting(scope, entry)),
            _ => Err(odd()),
        });
        settings.collect::<Result<_, _>>().map(Self)
    }

    /// The value in effect.
    pub(in crate::install) fn last(&self, key: &str) -> Option<&Setting> {
        let key = key.to_ascii_lowercase();
        let mut found = self.0.iter().filter(|set| set.key == key.as_bytes());
        found.next_back()
    }

    /// All values of the repository's own configuration.
    pub(in crate::install) fn local(&self, key: &str) -> Vec<&Setting> {
        let key = key.to_ascii_lowercase();
        let all = self.0.iter();
        all.filter(|set| set.key == key.as_bytes() && set.scope == "local")
            .collect()
    }
}

fn setting(scope: &[u8], entry: &[u8]) -> Setting {
    let mut parts = entry.splitn(2, |byte| *byte == b'\n');
    Setting {
        scope: escape(scope),
        key: parts.next().unwrap_or_default().to_vec(),
        value: parts.next().map(<[u8]>::to_vec),
    }
}

impl Setting {
    /// The value, escaped.
    pub(in crate::install) fn shown(&self) -> String {
        self.value
            .as_deref()
            .map_or_else(|| "true".to_owned(), escape)
    }
}

#[cfg(test)]
mod tests {
    use super::Settings;

    #[test]
    fn the_last_value_wins_and_a_bare_name_is_yes() {
        let said = b"global\0core.hookspath\n/x\0local\0core.hookspath\n/y\nz\0local\0receive.fsckobjects\0";
        let settings = Settings::parse(said).unwrap();
        let hooks = settings.last("core.hooksPath").unwrap();
        assert_eq!(
            (hooks.scope.as_str(), hooks.shown()),
            ("local", "/y\\x0az".into())
        );
        let bare = settings.last("receive.fsckObjects").unwrap();
        assert_eq!((&bare.value, bare.shown()), (&None, "true".into()));
        assert_eq!(settings.last("receive.shallowUpdate"), None);
        assert!(Settings::parse(b"local\0key").is_err());
    }
}
