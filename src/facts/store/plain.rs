//! Whether a bare repository is as nearly all are: of this account, in git's first format, and with
//! settings that ask for nothing which would make its history or refs lie.
//!
//! Then there is nothing that libgit2 would have to say of it, and it is opened only where something is
//! asked of it: half of a short hook's time is spent there. Whatever is written in any other way than
//! git itself writes it is not plain, and left to libgit2 as before.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The longest file of settings that is read here.
const MAX_SETTINGS: u64 = 64 << 10;

/// A line of settings.
struct Setting<'a> {
    section: &'a str,
    /// Whether the section is one of several of this name.
    of_many: bool,
    key: &'a str,
    value: &'a str,
}

/// Whether the folder, an absolute path without links, is such a repository; `get` gives the variables
/// of the environment.
pub(super) fn is_plain(git_dir: &Path, get: &dyn Fn(&str) -> Option<OsString>) -> bool {
    told(git_dir, get).is_some()
}

/// Nothing where it is not seen to be.
fn told(git_dir: &Path, get: &dyn Fn(&str) -> Option<OsString>) -> Option<()> {
    let me = rustix::process::geteuid();
    let folder = fs::symlink_metadata(git_dir).ok()?;
    let own = folder.is_dir() && folder.uid() == me.as_raw() && rustix::process::getuid() == me;
    own.then_some(())?;
    // The folder of a linked worktree has one of these.
    is_absent(&git_dir.join("commondir"))?;
    is_absent(&git_dir.join("gitdir"))?;
    fs::metadata(git_dir.join("HEAD"))
        .ok()
        .filter(fs::Metadata::is_file)?;
    for name in ["objects", "refs"] {
        let inside = fs::symlink_metadata(git_dir.join(name)).ok();
        inside.filter(fs::Metadata::is_dir)?;
    }
    let text = read(&git_dir.join("config")).ok()?;
    is_bare_and_harmless(&text)?;
    for file in elsewhere(get)? {
        match read(&file) {
            Ok(text) => settings(&text)?.iter().all(is_harmless).then_some(())?,
            Err(error) if is_no_file(&error) => {}
            Err(_) => return None,
        }
    }
    Some(())
}

fn is_absent(path: &Path) -> Option<()> {
    let error = fs::symlink_metadata(path).err()?;
    (error.kind() == ErrorKind::NotFound).then_some(())
}

fn is_no_file(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(2 << 10);
    let file = File::open(path)?;
    file.take(MAX_SETTINGS + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_SETTINGS {
        true => Err(ErrorKind::FileTooLarge.into()),
        false => Ok(bytes),
    }
}

/// Where settings are that hold for every repository, as libgit2 looks for them.
fn elsewhere(get: &dyn Fn(&str) -> Option<OsString>) -> Option<Vec<PathBuf>> {
    // One that is set to nothing means something else to each reader.
    let set = |name: &str| match get(name) {
        Some(value) if value.is_empty() => None,
        value => Some(value.map(PathBuf::from)),
    };
    let home = set("HOME")??;
    let mut files = Vec::with_capacity(3);
    match get("GIT_CONFIG_NOSYSTEM") {
        Some(value) if value == "1" || value == "true" => {}
        Some(_) => return None,
        None => files.push(set("GIT_CONFIG_SYSTEM")?.unwrap_or("/etc/gitconfig".into())),
    }
    files.push(set("GIT_CONFIG_GLOBAL")?.unwrap_or_else(|| home.join(".gitconfig")));
    let config = set("XDG_CONFIG_HOME")?.unwrap_or_else(|| home.join(".config"));
    files.push(config.join("git/config"));
    Some(files)
}

/// That the repository's own settings say that it is bare, and ask for nothing unusual.
fn is_bare_and_harmless(text: &[u8]) -> Option<()> {
    let settings = settings(text)?;
    let says_bare = |setting: &Setting<'_>| setting.is("core", "bare") && !setting.of_many;
    let bare = settings.iter().any(says_bare);
    (bare && settings.iter().all(is_harmless)).then_some(())
}

/// Whether a setting changes nothing of how the repository is to be read. What names other files or
/// other formats does, whatever it says.
fn is_harmless(setting: &Setting<'_>) -> bool {
    let value = setting.value;
    if setting.is("core", "bare") {
        return value == "true";
    }
    if setting.is("core", "repositoryformatversion") {
        return value == "0";
    }
    if setting.is("receive", "shallowupdate") {
        return value == "false";
    }
    let other_files = ["include", "includeif", "extensions"]
        .iter()
        .any(|section| setting.section.eq_ignore_ascii_case(section));
    !other_files && !setting.is("core", "worktree") && !setting.is("remote", "promisor")
}

impl Setting<'_> {
    fn is(&self, section: &str, key: &str) -> bool {
        self.section.eq_ignore_ascii_case(section) && self.key.eq_ignore_ascii_case(key)
    }
}

/// The settings in a file, if each of its lines is a section, `key = value` without quotes, escapes and
/// remarks, a remark, or blank.
fn settings(text: &[u8]) -> Option<Vec<Setting<'_>>> {
    let text = std::str::from_utf8(text).ok()?;
    let mut settings = Vec::new();
    let mut section = None;
    for line in text.split('\n') {
        let line = line.trim_matches([' ', '\t']);
        if line.chars().any(|ch| ch.is_control() && ch != '\t') {
            return None;
        }
        match line.bytes().next() {
            None | Some(b'#' | b';') => {}
            Some(b'[') => section = Some(section_of(line)?),
            Some(_) => {
                let (key, value) = line.split_once('=')?;
                let (key, value) = (
                    key.trim_end_matches([' ', '\t']),
                    value.trim_start_matches([' ', '\t']),
                );
                let (section, of_many) = section.filter(|_| is_key(key))?;
                if value.contains(['"', '\\', '#', ';']) {
                    return None;
                }
                settings.push(Setting {
                    section,
                    of_many,
                    key,
                    value,
                });
            }
        }
    }
    Some(settings)
}

/// The first name in `[name]` or `[name "more"]`, and whether there is more.
fn section_of(line: &str) -> Option<(&str, bool)> {
    let inside = line.strip_prefix('[')?.strip_suffix(']')?;
    let (name, more) = match inside.split_once(' ') {
        Some((name, more)) => (name, Some(more.strip_prefix('"')?.strip_suffix('"')?)),
        None => (inside, None),
    };
    let plain = !name.is_empty() && name.bytes().all(is_part_of_key);
    let clean = more.is_none_or(|more| !more.contains(['"', '\\']));
    (plain && clean).then_some((name, more.is_some()))
}

fn is_key(key: &str) -> bool {
    key.bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic())
        && key.bytes().all(is_part_of_key)
}

fn is_part_of_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::testing::{Dice, Repo};
    use git2::{Repository, RepositoryOpenFlags};

    /// What git itself writes, what is harmless, what is not, and what is nearly one of them.
    const LINES: [&str; 46] = [
        "[core]",
        "[core]",
        "[CORE]",
        "[receive]",
        "[remote \"x\"]",
        "[extensions]",
        "[include]",
        "[includeIf \"gitdir:/\"]",
        "[extensions \"x\"]",
        "[remote]",
        "[core \"x\"]",
        "[core] bare = true",
        "[core.x]",
        "[ core ]",
        "[core",
        "\tbare = true",
        "\tbare = true",
        "\tbare=true",
        "\tbare = false",
        "\tbare",
        "\tBare = true",
        "\tbare = yes",
        "\trepositoryformatversion = 0",
        "\trepositoryformatversion = 1",
        "\trepositoryFormatVersion = 1",
        "\trepositoryformatversion = 7",
        "\tworktree = /tmp",
        "\tpromisor = true",
        "\tpromisor",
        "\tshallowUpdate = true",
        "\tshallowupdate = false",
        "\tpath = other",
        "\tobjectFormat = sha256",
        "\trefStorage = reftable",
        "\tpartialClone = x",
        "\tfilemode = true",
        "\tadvertisePushOptions = true",
        "# a remark",
        "; one",
        "",
        "\thideRefs = refs/x # more",
        "\thideRefs = \"refs/x\"",
        "\thideRefs = a\\",
        "\turl = /x",
        "\t1x = y",
        "= x",
    ];

    fn alone(name: &str) -> Option<OsString> {
        match name {
            "HOME" => Some("/nonexistent".into()),
            "GIT_CONFIG_NOSYSTEM" => Some("1".into()),
            _ => None,
        }
    }

    /// What was asked of libgit2 before: whether it opens the repository as a bare one of git's first
    /// format, and finds none of the settings that are refused.
    fn libgit2(path: &Path) -> bool {
        let flags = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::NO_DOTGIT;
        let nowhere = std::iter::empty::<OsString>();
        let Ok(repo) = Repository::open_ext(path, flags, nowhere) else {
            return false;
        };
        let config = git2::Config::open(&path.join("config")).unwrap();
        let config = {
            let mut config = config;
            config.snapshot().unwrap()
        };
        let shallow = config.get_bool("receive.shallowUpdate");
        repo.is_bare()
            && super::super::open::refuse_formats(&config).is_ok()
            && !matches!(shallow, Ok(true))
            && config.get_i64("core.repositoryformatversion").unwrap_or(0) == 0
            && config.get_str("include.path").is_err()
    }

    #[test]
    fn n_03_n_04_n_05_what_is_plain_is_what_libgit2_has_nothing_to_say_of() {
        let repo = Repo::new();
        let (mut dice, mut plain) = (Dice(7), 0);
        for round in 0..4000 {
            let count = 1 + dice.roll(6);
            let mut lines: Vec<&str> = (0..count).map(|_| LINES[dice.roll(LINES.len())]).collect();
            if round % 2 == 0 {
                lines.splice(0..0, ["[core]", "\tbare = true"]);
            }
            let text = lines.join("\n") + "\n";
            std::fs::write(repo.path().join("config"), &text).unwrap();
            if is_plain(&repo.path().canonicalize().unwrap(), &alone) {
                plain += 1;
                assert!(libgit2(repo.path()), "{text}");
            }
        }
        assert!(plain > 100, "{plain}");
    }

    #[test]
    fn a_repository_as_git_makes_it_is_plain() {
        let repo = Repo::new();
        repo.git(&["config", "receive.advertisePushOptions", "true"]);
        repo.git(&["config", "--add", "transfer.hideRefs", "!refs/x"]);
        let place = repo.path().canonicalize().unwrap();
        let bare = std::fs::read_to_string(place.join("config")).unwrap();
        assert!(bare.contains("bare = true"), "{bare}");
        assert!(is_plain(&place, &alone), "{bare}");
        for (name, other) in [
            ("HEAD", "HEAD2"),
            ("objects", "o"),
            ("refs", "r"),
            ("config", "c"),
        ] {
            std::fs::rename(place.join(name), place.join(other)).unwrap();
            assert!(!is_plain(&place, &alone), "{name}");
            std::fs::rename(place.join(other), place.join(name)).unwrap();
        }
        for name in ["commondir", "gitdir"] {
            std::fs::write(place.join(name), "/").unwrap();
            assert!(!is_plain(&place, &alone), "{name}");
            std::fs::remove_file(place.join(name)).unwrap();
        }
        assert!(is_plain(&place, &alone));
    }

    #[test]
    fn g_12_settings_of_the_account_and_the_machine_count_too() {
        let repo = Repo::new();
        let place = repo.path().canonicalize().unwrap();
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        let of = |name: &str, value: OsString| {
            let home = home.path().as_os_str().to_owned();
            let name = name.to_owned();
            move |asked: &str| match asked {
                _ if asked == name => Some(value.clone()),
                "HOME" => Some(home.clone()),
                "GIT_CONFIG_NOSYSTEM" if name != "GIT_CONFIG_SYSTEM" => Some("1".into()),
                _ => None,
            }
        };
        let xdg = home.path().join("git");
        std::fs::create_dir(&xdg).unwrap();
        let places = [
            ("GIT_CONFIG_GLOBAL", file.clone(), file.clone()),
            ("GIT_CONFIG_SYSTEM", file.clone(), file.clone()),
            (
                "XDG_CONFIG_HOME",
                home.path().to_owned(),
                xdg.join("config"),
            ),
            ("NOTHING", file.clone(), home.path().join(".gitconfig")),
        ];
        for (name, value, written) in places {
            for (text, plain) in [
                ("[user]\n\tname = Dana\n", true),
                ("[receive]\n\tshallowUpdate = true\n", false),
                ("[include]\n\tpath = x\n", false),
                ("[user]\n\tname = \"Dana\n", false),
            ] {
                std::fs::write(&written, text).unwrap();
                let get = of(name, value.clone().into());
                assert_eq!(is_plain(&place, &get), plain, "{name} {text}");
            }
            std::fs::remove_file(&written).unwrap();
            assert!(!is_plain(&place, &of(name, OsString::new())) || name == "NOTHING");
        }
        assert!(
            !is_plain(&place, &|_| None),
            "without a home, libgit2 asks the system for one"
        );
        let no_system = |value: &'static str| {
            move |name: &str| match name {
                "GIT_CONFIG_NOSYSTEM" => Some(value.into()),
                _ => alone(name),
            }
        };
        assert!(is_plain(&place, &no_system("true")));
        assert!(!is_plain(&place, &no_system("0")));
    }
}
