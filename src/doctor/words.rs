//! Commands that mend something, as a person pastes them.

use crate::setup::Setting;
use crate::types::{escape, shell_word};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How commands have to be written for one repository, by whoever reads them.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    git_dir: String,
    /// What stands before a command that the service account has to run: nothing where it is the
    /// reader's own.
    lead: String,
}

impl Words {
    /// For the repository at `git_dir`, read by its own account.
    pub(crate) fn new(git_dir: &Path) -> Self {
        Self {
            git_dir: path(git_dir),
            lead: String::new(),
        }
    }

    /// The same, read by root, for the account called `name`.
    pub(crate) fn for_root(mut self, name: &str) -> Self {
        self.lead = format!("runuser -u {} -- ", shell_word(name));
        self
    }

    /// `git …` in the repository.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.own(&format!("git -C {} {}", self.git_dir, words(args)))
    }

    /// `git config …` of the repository's own settings.
    pub(crate) fn config(&self, args: &[&str]) -> String {
        self.git(&[&["config"], args].concat())
    }

    /// Takes a setting out of the file that says it.
    pub(crate) fn unset(&self, set: &Setting) -> String {
        let key = escape(&set.key);
        let Some(file) = set.origin.as_deref().filter(|_| set.scope != "local") else {
            return self.config(&["--unset-all", &key]);
        };
        let command = format!(
            "git config --file {} --unset-all {}",
            path(file),
            shell_word(&key)
        );
        // The system's file is root's.
        match set.scope.as_str() {
            "system" => command,
            _ => self.own(&command),
        }
    }

    /// `relhook …` for the repository.
    pub(crate) fn relhook(&self, args: &[&str]) -> String {
        self.own(&format!("relhook -C {} {}", self.git_dir, words(args)))
    }

    /// A command that the service account runs.
    pub(crate) fn own(&self, command: &str) -> String {
        format!("{}{command}", self.lead)
    }

    /// The repository's folder as a word.
    pub(crate) fn git_dir(&self) -> &str {
        &self.git_dir
    }
}

fn words(args: &[&str]) -> String {
    let word = |arg: &&str| match arg.strip_prefix('-') {
        // An option is relhook's own word, and stands as it is.
        Some(_) => (*arg).to_owned(),
        None => shell_word(arg),
    };
    let words: Vec<String> = args.iter().map(word).collect();
    words.join(" ")
}

/// A path as one word of a POSIX shell. One that no text can name is shown, and then the command
/// finds nothing, rather than something else.
pub(crate) fn path(path: &Path) -> String {
    shell_word(&escape(path.as_os_str().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::Words;
    use crate::setup::Setting;
    use std::path::Path;

    #[test]
    fn commands_can_be_pasted() {
        let words = Words::new(Path::new("/srv/my site.git"));
        assert_eq!(
            words.config(&["--replace-all", "receive.fsckObjects", "true"]),
            "git -C '/srv/my site.git' config --replace-all receive.fsckObjects true"
        );
        let words = words.for_root("git");
        let set = |scope: &str| Setting {
            scope: scope.to_owned(),
            origin: Some("/etc/x".into()),
            key: b"core.hookspath".to_vec(),
            value: None,
        };
        let unset = "git config --file /etc/x --unset-all core.hookspath";
        assert_eq!(words.unset(&set("system")), unset);
        assert_eq!(
            words.unset(&set("global")),
            format!("runuser -u git -- {unset}")
        );
        assert_eq!(
            words.relhook(&["init"]),
            "runuser -u git -- relhook -C '/srv/my site.git' init"
        );
    }
}
