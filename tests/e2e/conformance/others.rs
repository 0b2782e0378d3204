//! Whose files are whose, and who may release.

use super::scene::{Files, Scene, same};
use super::{Has, Kind, Obstacle, Others};
use crate::release_kit::{Log, refused, released, tree};
use relhook::policy::Verify;
use relhook::release::{Adoption, Outcome, look};

/// Files that relhook did not put there stay, beside and among those that it did.
pub fn u_08_files_of_others_are_left_alone<K: Kind>() {
    let mut scene = Scene::<K>::new();
    scene.puts("robots.txt", "theirs");
    scene.puts("uploads/user.jpg", "theirs");
    scene.arrives(&[("a", "1"), ("uploads/readme", "ours"), ("d/b", "1")]);
    scene.puts("uploads/second.jpg", "theirs");
    scene.arrives(&[("a", "2")]);
    scene.arrives(&[("a", "3"), ("d/c", "1")]);
}

/// What stands in the way is named, and nothing is touched; told to, relhook takes it over.
pub fn u_08_one_in_the_way_stays_until_told<K: Kind>() {
    let mut scene = Scene::<K>::new();
    let files = [("shop/page", "ours"), ("new/x", "ours"), ("a", "ours")];
    let order = scene.ordered(&files);
    scene.kind.obstruct();
    scene.puts("keep", "theirs");
    let before = (scene.kind.found(), scene.kind.own());
    match K::NATURE.obstacle {
        Obstacle::File => {
            let said = refused(scene.release(&order), 616);
            assert!(said.contains("\n  shop/page"), "{said}");
            assert!(!said.contains("new/x") && !said.contains("keep"), "{said}");
            assert_eq!((scene.kind.found(), scene.kind.own()), before);
        }
        Obstacle::Another(code, _) => {
            refused(scene.release(&order), code);
            assert_eq!(scene.kind.found(), before.0);
        }
        Obstacle::Nothing(_) => drop(released(scene.release(&order))),
    }
    released(scene.adopts(&order));
    scene.holds(&files);
    // From now on the file is relhook's; the folder is not.
    scene.arrives(&[("new/x", "ours"), ("shop/other", "ours")]);
}

/// What others keep under names that a server may not tell of, in folders of ours, is still there
/// when such a folder is not wanted any more, and when it has to make room for a file: the folder
/// stays, or the release is refused, or the folder has another name then.
pub fn u_08_hidden_files_of_others_are_never_lost<K: Kind>() {
    let mut scene = Scene::<K>::new();
    let ours = [("gone/deep/a", "1"), ("page/deep/b", "1"), ("c", "1")];
    scene.arrives(&ours);
    let hidden = [
        ("gone/.well-known/theirs", "one"),
        ("gone/deep/.htaccess", "two"),
        ("page/deep/.htaccess", "three"),
    ];
    for (path, content) in hidden {
        match K::NATURE.others {
            Others::Among => scene.kind.put(path, content),
            // What somebody puts into a release is not part of the next one.
            Others::Beside(_) => return,
        }
    }
    let still = |scene: &Scene<K>| {
        let all = scene.kind.all();
        for (path, content) in hidden {
            assert!(all.values().any(|found| found == content), "{path} is lost");
        }
        all
    };
    let order = scene.ordered(&[("page/deep/b", "1"), ("c", "2")]);
    released(scene.release(&order));
    assert!(matches!(scene.release(&order), Ok(Outcome::UpToDate(_))));
    let all = still(&scene);
    for (path, content) in &hidden[..2] {
        assert_eq!(all.get(*path).map(String::as_str), Some(*content));
    }
    if K::NATURE.folders != Has::Yes {
        return;
    }
    let order = scene.ordered(&[("page", "file"), ("c", "3")]);
    let outcome = scene.release(&order);
    let all = still(&scene);
    match outcome {
        // It has another name now.
        Ok(_) => assert_eq!(all.get("page").map(String::as_str), Some("file")),
        Err(error) => {
            assert_eq!(error.code().to_string(), "RH616", "{error}");
            assert!(error.to_string().contains("\n  page"), "{error}");
            assert_eq!(K::NATURE.empties, Has::Yes);
        }
    }
    // With the folder that stayed it goes on.
    let order = scene.ordered(&[("c", "4")]);
    released(scene.release(&order));
    still(&scene);
}

/// What somebody changed or removed by hand is found, where it can be looked for, and the next
/// run puts it right.
pub fn u_09_what_somebody_changed_is_found<K: Kind>() {
    let mut scene = Scene::<K>::new();
    let files = [
        ("index.html", "page"),
        ("css/a.css", "style"),
        ("b", "1"),
        // Servers may leave such names out of their lists.
        (".well-known/security.txt", "text"),
        (".hidden", "text"),
    ];
    let order = scene.ordered(&files);
    released(scene.release(&order));
    let looks = || {
        let looked = scene
            .bench
            .with_setting(|setting| look(setting, &order, Verify::Deep, &mut Log::default()));
        looked.map(|looked| looked.unwrap().differences)
    };
    match K::NATURE.looks {
        Has::Yes => {}
        Has::No(_) => {
            let said = looks().unwrap_err();
            assert_eq!(said.code().to_string(), "RH639");
            assert!(said.to_string().contains("cannot see where"), "{said}");
            return;
        }
    }
    assert_eq!(looks().unwrap(), []);
    scene.kind.alter("index.html", "evil");
    scene.kind.remove("css/a.css");
    let found = looks().unwrap();
    let words: Vec<String> = found
        .iter()
        .map(|one| format!("{} {}", one.what.word(), one.path))
        .collect();
    assert_eq!(words, ["missing css/a.css", "changed index.html"]);
    released(scene.release(&order));
    scene.holds(&files);
    assert_eq!(looks().unwrap(), []);
}

/// Whoever is not let in is told so by a code, and what was tried is in no message, no log and no
/// file of the run.
pub fn u_12_wrong_credentials_are_refused_and_not_shown<K: Kind>() {
    let mut scene = Scene::<K>::new();
    let files = [("a", "1")];
    let order = scene.ordered(&files);
    match scene.kind.wrong_account() {
        Ok((lines, secret)) => {
            scene.bench.account(&lines);
            let mut log = Log::default();
            let outcome = scene.bench.release_with(&order, Adoption::Refuse, &mut log);
            let mut written = format!("{}{log:?}", refused(outcome, 613));
            let desk = scene.bench.folder().join("release");
            written.extend(tree(&desk).into_values());
            assert!(!written.contains(&secret), "it shows the secret");
            same(&scene.kind.found(), &Files::new());
            scene.logs_in();
        }
        Err(_) => assert_eq!(scene.kind.account(), None),
    }
    let outcome = scene.release(&order);
    assert!(matches!(outcome, Ok(Outcome::Released(..))), "{outcome:?}");
    scene.holds(&files);
}
