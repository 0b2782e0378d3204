//! The repository as a hook of a real push finds it.
//!
//! The hook is this test binary itself, asked for one test that is otherwise passed over.

use super::*;
use crate::facts::testing::{Repo, name};
use crate::testing::write_program;
use crate::types::Oid;

/// Where the probe writes what it found.
const REPORT: &str = "RELHOOK_TEST_REPORT";
/// The commit that the probe looks for.
const WANTED: &str = "RELHOOK_TEST_WANTED";

#[test]
#[ignore = "run by the hooks of the tests below"]
fn probe() {
    let Some(report) = std::env::var_os(REPORT) else {
        return;
    };
    let wanted: Oid = std::env::var(WANTED).unwrap().parse().unwrap();
    let text = match Store::open_in_hook() {
        Ok(store) => format!(
            "opened {} sees={} arrives={} prod={:?}",
            store.git_dir().display(),
            store.commit_bytes(wanted).is_ok(),
            store.arrives(wanted).unwrap(),
            store.current(&name("refs/heads/prod")).unwrap(),
        ),
        Err(error) => format!("refused: {error}"),
    };
    std::fs::write(report, text).unwrap();
}

/// Pushes a new commit to prod through a pre-receive hook that runs the probe after `prelude`, and
/// gives back what it found, the repository's place and the ref's value before the push.
fn probe_in_push(prelude: &str, settings: &[(&str, &str)]) -> (String, String, Oid) {
    let (server, clone) = (Repo::new(), Repo::new());
    let old = clone.commit(clone.tree(&[("a", "1")]), &[], 1, "old");
    let new = clone.commit(clone.tree(&[("a", "2")]), &[old], 2, "new");
    let url = server.path().to_str().unwrap().to_owned();
    clone.git(&["push", "-q", &url, &format!("{old}:refs/heads/prod")]);
    for (key, value) in settings {
        server.git(&["config", key, value]);
    }
    let report = server.path().join("report");
    let exe = std::env::current_exe().unwrap();
    let hook = format!(
        "#!/bin/sh\ncat >/dev/null\n{prelude} {REPORT}={} {WANTED}={new} {} \
         --exact facts::store::hook_tests::probe --ignored >/dev/null 2>&1\n",
        report.display(),
        exe.display()
    );
    let path = server.path().join("hooks/pre-receive");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    write_program(&path, &hook);
    let _ = clone.try_git(
        &["push", "-q", &url, &format!("{new}:refs/heads/prod")],
        b"",
    );
    let found = std::fs::read_to_string(&report).unwrap();
    let place = server.path().canonicalize().unwrap();
    (found, place.display().to_string(), old)
}

#[test]
fn n_01_n_13_the_quarantine_is_seen_and_the_folder_is_absolute() {
    let (found, place, old) = probe_in_push("env", &[]);
    let want = format!("opened {place} sees=true arrives=true prod=At(Oid({old}))");
    assert_eq!(found, want);
}

#[test]
fn with_an_empty_environment_the_current_folder_is_the_repository() {
    let (found, place, old) = probe_in_push("env -i", &[]);
    let want = format!("opened {place} sees=false arrives=false prod=At(Oid({old}))");
    assert_eq!(found, want);
}

#[test]
fn r_09_g_12_what_would_make_refs_or_history_lie_is_refused() {
    let refused = |prelude: &str, settings: &[(&str, &str)]| {
        let (found, _, _) = probe_in_push(prelude, settings);
        assert!(found.starts_with("refused: "), "{found}");
        found
    };
    assert!(refused("env GIT_NAMESPACE=ns", &[]).contains("GIT_NAMESPACE"));
    assert!(refused("env GIT_COMMON_DIR=/tmp", &[]).contains("GIT_COMMON_DIR"));
    assert!(refused("echo x >cut; env GIT_SHALLOW_FILE=cut", &[]).contains("shallow"));
    assert!(refused("env GIT_DIR=/", &[]).contains("no Git repository"));
    let shallow = [("receive.shallowUpdate", "true")];
    assert!(refused("env", &shallow).contains("receive.shallowUpdate"));
    // An empty name is what git sets where nothing is shallow.
    let (found, _, _) = probe_in_push("env GIT_SHALLOW_FILE=", &[]);
    assert!(found.starts_with("opened "), "{found}");
}

#[test]
fn i_12_a_folder_of_objects_is_a_quarantine_only_beside_the_repositorys_own() {
    // As Gitaly tells it.
    let (found, place, old) = probe_in_push("env -u GIT_QUARANTINE_PATH", &[]);
    let want = format!("opened {place} sees=true arrives=true prod=At(Oid({old}))");
    assert_eq!(found, want);
    // A server that keeps the objects of all repositories in a folder of its own.
    for others in ["", "GIT_ALTERNATE_OBJECT_DIRECTORIES=/"] {
        let elsewhere = format!(
            "mkdir pool; cp -r objects/. \"$GIT_OBJECT_DIRECTORY\"/. pool; env -u GIT_QUARANTINE_PATH \
             -u GIT_ALTERNATE_OBJECT_DIRECTORIES {others} GIT_OBJECT_DIRECTORY=pool"
        );
        let (found, _, _) = probe_in_push(&elsewhere, &[]);
        assert!(
            found.starts_with("refused: GIT_OBJECT_DIRECTORY"),
            "{found}"
        );
    }
    // Its own folder, by whatever name.
    let own = "ln -s objects own; env -u GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY=own";
    let (found, place, old) = probe_in_push(own, &[]);
    let want = format!("opened {place} sees=true arrives=false prod=At(Oid({old}))");
    assert_eq!(found, want.replace("sees=true", "sees=false"));
}

#[test]
fn n_01_a_folder_below_the_repository_is_not_taken_for_it() {
    let (found, _, _) = probe_in_push("cd refs/heads; env -u GIT_DIR", &[]);
    assert!(found.starts_with("refused: "), "{found}");
}
