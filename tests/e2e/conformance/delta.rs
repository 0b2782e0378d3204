//! What travels is what differs.

use super::scene::{Scene, same};
use super::{Has, Kind, Others};
use crate::release_kit::{Log, released};
use relhook::policy::Verify;
use relhook::release::{Adoption, Outcome, SPLIT, Setting, look};

/// Of many files one changed, with its size as it was: it travels, and the others are not touched.
pub fn u_22_only_what_differs_travels<K: Kind>() {
    let mut scene = Scene::<K>::new();
    let names: Vec<String> = (0..30).map(|n| format!("d{}/f{n}", n % 4)).collect();
    let mut files: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "content")).collect();
    files.push(("price", "100"));
    scene.arrives(&files);
    let (sent, still) = (scene.kind.sent(), scene.kind.identity("d1/f1"));
    files.pop();
    files.push(("price", "999"));
    let totals = scene.arrives(&files);
    let counts = (totals.uploaded, totals.deleted, totals.unchanged);
    assert_eq!(counts, (1, 0, 30));
    assert!(totals.bytes == 3 || still.is_err(), "{totals:?}");
    assert_eq!(still, scene.kind.identity("d1/f1"));
    match (sent, scene.kind.sent()) {
        // The file, and the record of the release.
        (Ok(before), Ok(after)) => assert_eq!(after - before, 2),
        (Err(before), Err(after)) => assert_eq!(before, after),
        _ => panic!("it is told or not"),
    }
}

/// So many files that a record may have two parts: a small change after another travels alone, whatever
/// kind of change it is, and the target is to the byte what its record says.
pub fn u_22_a_large_release_changes_in_little<K: Kind>() {
    let mut scene = Scene::<K>::new();
    let names: Vec<String> = (0..SPLIT).map(|n| format!("d{}/f{n}", n % 7)).collect();
    let many = names.iter().map(|name| (&**name, "content"));
    let with = |more: &[(&'static str, &'static str)]| -> Vec<(&str, &str)> {
        many.clone().chain(more.iter().copied()).collect()
    };
    scene.arrives(&with(&[
        ("price", "100"),
        ("d1/old name", "moves"),
        ("gone/deep/x", "1"),
        ("kind", "a"),
    ]));
    let changes = [
        with(&[
            ("price", "999"),
            ("d1/old name", "moves"),
            ("gone/deep/x", "1"),
            ("kind", "a"),
        ]),
        with(&[
            ("price", "999"),
            ("d2/new name", "moves"),
            ("kind/inner", "b"),
            ("again", "999"),
        ]),
        with(&[
            ("price", "999"),
            ("d2/new name", "moves"),
            ("kind", "c"),
            ("gone/deep/x", "1"),
        ]),
        with(&[]),
    ];
    let still = scene.kind.identity("d1/f1");
    for (files, uploaded) in changes.iter().zip([1, 3, 2, 0]) {
        let order = scene.ordered(files);
        let totals = released(scene.release(&order));
        scene.holds(files);
        assert_eq!(totals.uploaded, uploaded);
        assert_eq!(totals.unchanged, files.len() as u64 - uploaded);
        if K::NATURE.looks == Has::Yes {
            let log = &mut Log::default();
            let look = |setting: Setting<'_>| look(setting, &order, Verify::Deep, log);
            let looked = scene.bench.with_setting(look).unwrap().unwrap();
            assert_eq!(looked.differences, []);
        }
    }
    assert_eq!(still, scene.kind.identity("d1/f1"));
}

/// What is there is there: no file is sent, and nothing is in the log.
pub fn the_same_release_again_does_nothing<K: Kind>() {
    let mut scene = Scene::<K>::new();
    let files = [("index.html", "1"), ("d/a", "2")];
    let order = scene.ordered(&files);
    released(scene.release(&order));
    let before = (scene.kind.sent(), scene.kind.identity("index.html"));
    let mut log = Log::default();
    let again = scene.bench.release_with(&order, Adoption::Refuse, &mut log);
    assert!(matches!(again, Ok(Outcome::UpToDate(_))), "{again:?}");
    assert!(log.words().is_empty());
    let after = (scene.kind.sent(), scene.kind.identity("index.html"));
    assert_eq!(before, after);
    scene.holds(&files);
}

/// Files go, and with them the folders that are empty then; what others have put into one stays,
/// and the folder with it.
pub fn what_is_not_wanted_any_more_goes<K: Kind>() {
    let mut scene = Scene::<K>::new();
    scene.arrives(&[
        ("old/deep/er/x", "one"),
        ("old/y", "two"),
        ("shared/ours", "three"),
        ("stays", "1"),
    ]);
    match K::NATURE.others {
        Others::Among => scene.puts("shared/theirs", "theirs"),
        // What somebody puts into a release is not part of the next one.
        Others::Beside(_) => scene.kind.alter("shared/theirs", "theirs"),
    }
    let totals = scene.arrives(&[("stays", "1"), ("new", "four")]);
    assert_eq!(
        (totals.uploaded, totals.deleted, totals.unchanged),
        (1, 3, 1)
    );
    let totals = scene.arrives(&[("stays", "1")]);
    assert_eq!((totals.uploaded, totals.deleted), (0, 1));
    same(&scene.kind.found(), &scene.expected(&[("stays", "1")]));
}
