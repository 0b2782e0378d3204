//! The folder as a client may have named it to git: it is part of a nonce's code, and git does not
//! tell its hooks.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How many processes above this one are looked at: git, and what may stand between.
const MAX_ANCESTORS: usize = 6;
/// The longest command line that is read, in bytes.
const MAX_LINE: u64 = 64 << 10;

/// What may have been named: `.`, as git-http-backend does; the folder itself; and what the
/// `receive-pack` that started this hook was given. Nothing here decides anything: a nonce for
/// none of these is refused, and one for any of them was made with this server's seed.
pub(super) fn candidates(git_dir: &Path) -> Vec<Vec<u8>> {
    let own = git_dir.as_os_str().as_bytes();
    let mut paths = vec![b".".to_vec(), own.to_vec()];
    for end in [&b".git"[..], b"/.git"] {
        paths.extend(own.strip_suffix(end).map(<[u8]>::to_vec));
    }
    let mut process = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
    for _ in 0..MAX_ANCESTORS {
        let Some(pid) = process.filter(|pid| *pid > 1) else {
            break;
        };
        paths.extend(given(&read(pid, "cmdline")));
        process = parent(&read(pid, "stat"));
    }
    paths
}

/// What a `receive-pack` was given, by its command line.
fn given(line: &[u8]) -> Option<Vec<u8>> {
    let words: Vec<&[u8]> = line
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .collect();
    let (last, before) = words.split_last()?;
    let receives = before.iter().any(|word| word.ends_with(b"receive-pack"));
    receives.then(|| last.to_vec())
}

/// The parent in `/proc/<pid>/stat`: the second field behind the name, which may hold anything.
fn parent(stat: &[u8]) -> Option<i32> {
    let name = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(stat.get(name + 1..)?).ok()?;
    rest.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// A file of a process; empty where there is none to be read.
fn read(pid: i32, file: &str) -> Vec<u8> {
    use std::io::Read;
    let mut bytes = Vec::new();
    if let Ok(file) = std::fs::File::open(format!("/proc/{pid}/{file}")) {
        // What could be read is looked at; the rest only makes fewer candidates.
        let _ = file.take(MAX_LINE).read_to_end(&mut bytes);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_receive_pack_was_given_is_its_last_word() {
        let named = |words: &[&str]| given((words.join("\0") + "\0").as_bytes());
        for words in [
            &["git-receive-pack", "/srv/git/site.git"][..],
            &["/usr/bin/git", "receive-pack", "/srv/git/site.git"],
            &[
                "git",
                "receive-pack",
                "--stateless-rpc",
                "/srv/git/site.git",
            ],
        ] {
            assert_eq!(named(words).as_deref(), Some(&b"/srv/git/site.git"[..]));
        }
        assert_eq!(named(&["sh", "-c", "true"]), None);
        assert_eq!(named(&["git-receive-pack"]), None);
        assert_eq!(given(b""), None);
    }

    #[test]
    fn a_parent_is_found_whatever_the_process_is_called() {
        assert_eq!(parent(b"7 (a) b) (c) S 42 7 7 0"), Some(42));
        assert_eq!(parent(b"7 (a S"), None);
        assert_eq!(parent(b""), None);
    }

    #[test]
    fn the_folder_stands_for_itself_with_and_without_its_ending() {
        let paths = candidates(Path::new("/srv/git/site.git"));
        for path in [".", "/srv/git/site.git", "/srv/git/site"] {
            assert!(paths.contains(&path.as_bytes().to_vec()), "{path}");
        }
    }
}
