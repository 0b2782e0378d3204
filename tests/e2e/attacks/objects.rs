//! Objects that git, libgit2 and people read differently.

use crate::common::{CommitText, PROD, Person, RawPush, TreeText, Words, World};

/// A server whose git lets everything through, so that relhook is what stops it.
fn lenient() -> World {
    let world = World::new();
    world
        .server_git(&["config", "receive.fsckObjects", "false"])
        .assert_ok();
    world
}

/// Signs a commit with this text and pushes it to `prod`; nothing may let it in.
#[track_caller]
fn refused(person: &Person<'_>, text: &CommitText, what: &str) {
    let oid = person.writes_signed_commit(text);
    refused_oid(person, &oid, what);
}

#[track_caller]
fn refused_oid(person: &Person<'_>, oid: &str, what: &str) {
    refused_push(person, oid, RawPush::new(), what);
}

/// As [`refused_oid`], with exactly these other objects in the pack.
#[track_caller]
fn refused_with_objects(person: &Person<'_>, oid: &str, others: &[&str], what: &str) {
    let all: Vec<&str> = others.iter().copied().chain([oid]).collect();
    refused_push(person, oid, RawPush::new().packing(&all), what);
}

#[track_caller]
fn refused_push(person: &Person<'_>, oid: &str, push: RawPush, what: &str) {
    let before = person.world.server_ref(PROD).unwrap();
    let push = push.command(&before, oid, PROD).send(person);
    assert!(!push.went_in, "{what}: went in");
    assert!(push.said.contains("RH"), "{what}: {}", push.said);
    assert_eq!(person.world.server_ref(PROD), Some(before), "{what}");
}

fn text<'w>(world: &'w World) -> (Person<'w>, CommitText) {
    let dana = world.person("dana");
    let fix = dana.commits("index.html");
    let text = CommitText::of(&dana, &fix);
    (dana, text)
}

#[test]
fn o_01_two_author_headers() {
    let world = lenient();
    let (dana, text) = text(&world);
    let rita = "author Rita Reviewer <rita@acme.example> 1 +0000\n";
    for place in [2, 3] {
        let mut evil = text.clone();
        evil.headers.insert(place, rita.into());
        refused(&dana, &evil, "two authors");
    }
}

#[test]
fn o_02_two_committer_headers() {
    // git's own checks let this one through.
    let world = World::new();
    let (dana, text) = text(&world);
    let rita = "committer Rita Reviewer <rita@acme.example> 1 +0000\n";
    for place in [3, 4] {
        let mut evil = text.clone();
        evil.headers.insert(place, rita.into());
        refused(&dana, &evil, "two committers");
    }
}

#[test]
fn o_03_o_04_o_05_headers_twice_or_out_of_order() {
    let world = lenient();
    let (dana, text) = text(&world);
    let mut two_trees = text.clone();
    two_trees.headers.insert(1, text.headers[0].clone());
    refused(&dana, &two_trees, "two trees");
    let mut swapped = text.clone();
    swapped.headers.swap(2, 3);
    refused(&dana, &swapped, "author after committer");
    let mut late_parent = text.clone();
    let parent = late_parent.headers.remove(1);
    late_parent.headers.push(parent);
    refused(&dana, &late_parent, "parent after committer");
    let mut unknown = text.clone();
    unknown.headers.push("surprise yes\n".into());
    refused(&dana, &unknown, "unknown header");
    let mut carriage = text.clone();
    carriage.headers.push("\r\n".into());
    refused(&dana, &carriage, "carriage return");
}

#[test]
fn o_07_a_message_that_goes_on_after_a_nul() {
    let world = lenient();
    let (dana, mut text) = text(&world);
    text.message
        .push_str("\0Co-authored-by: Rita <rita@acme.example>\n");
    refused(&dana, &text, "NUL");
}

/// Commits a tree as it is, signed, on top of `prod`.
fn with_tree(dana: &Person<'_>, text: &CommitText, tree: &str) -> String {
    let mut text = text.clone();
    text.headers[0] = format!("tree {tree}\n");
    dana.writes_signed_commit(&text)
}

#[test]
fn o_11_o_12_u_01_names_that_leave_the_tree() {
    let world = lenient();
    let (dana, text) = text(&world);
    let blob = dana.git(&["rev-parse", "HEAD:index.html"]);
    let folder = TreeText::default()
        .entry("100644", b"x", &blob)
        .write(&dana);
    for name in [
        &b".."[..],
        b".",
        b".git",
        b".GIT",
        b".gIt",
        b"git~1",
        ".g\u{200c}it".as_bytes(),
        b".git::$INDEX_ALLOCATION",
        b"../../etc/cron.d/x",
        b"/etc/x",
        b"",
        b"a/b",
    ] {
        for (mode, oid) in [("100644", &blob), ("40000", &folder)] {
            let tree = TreeText::default().entry(mode, name, oid).write(&dana);
            let commit = with_tree(&dana, &text, &tree);
            let others = [tree.as_str(), &blob, &folder];
            refused_with_objects(&dana, &commit, &others, &String::from_utf8_lossy(name));
        }
    }
}

#[test]
fn o_13_o_14_o_15_entries_twice_or_out_of_order() {
    let world = lenient();
    let (dana, text) = text(&world);
    let blob = |content: &[u8]| dana.writes_object("blob", content);
    let (good, evil) = (blob(b"good"), blob(b"evil"));
    let folder = TreeText::default()
        .entry("100644", b"x", &evil)
        .write(&dana);
    let twice = TreeText::default()
        .entry("100644", b"a", &good)
        .entry("100644", b"a", &evil);
    let both = TreeText::default()
        .entry("100644", b"a", &good)
        .entry("40000", b"a", &folder);
    let unsorted = TreeText::default()
        .entry("100644", b"b", &good)
        .entry("100644", b"a", &good);
    for (what, tree) in [
        ("twice", twice),
        ("file and folder", both),
        ("unsorted", unsorted),
    ] {
        let oid = with_tree(&dana, &text, &tree.write(&dana));
        refused_oid(&dana, &oid, what);
    }
}

#[test]
fn o_16_o_17_odd_modes_and_kinds() {
    let world = lenient();
    let (dana, text) = text(&world);
    let blob = dana.git(&["rev-parse", "HEAD:index.html"]);
    let folder = TreeText::default()
        .entry("100644", b"x", &blob)
        .write(&dana);
    for (mode, oid) in [
        ("104755", &blob),
        ("100600", &blob),
        ("100777", &blob),
        ("140000", &blob),
        ("0100644", &blob),
        ("40000", &blob),
        ("100644", &folder),
    ] {
        let tree = TreeText::default().entry(mode, b"a", oid).write(&dana);
        let commit = with_tree(&dana, &text, &tree);
        refused_with_objects(&dana, &commit, &[&tree, &blob, &folder], mode);
    }
}

#[test]
fn u_02_a_line_break_in_a_files_name() {
    let world = lenient();
    let (dana, text) = text(&world);
    let rita = world.person("rita");
    let blob = dana.git(&["rev-parse", "HEAD:index.html"]);
    let name = b"x\r\nDELE index.html";
    let tree = TreeText::default()
        .entry("100644", name, &blob)
        .write(&dana);
    let oid = with_tree(&dana, &text, &tree);
    dana.pushes(&[&format!("{oid}:refs/heads/fix")]).accepted();
    rita.approves(&oid).accepted();
    // Git's rules allow such a name: it may go in, but it is never written raw to a terminal.
    let push = dana.pushes(&[&format!("{oid}:{PROD}")]);
    assert!(!push.said.contains("x\r\nDELE"), "{}", push.said);
}

#[test]
fn x_12_a_statement_that_compared_with_a_broken_commit_stops_nobody_else() {
    let world = lenient();
    let (dana, dora, rita) = (
        world.person("dana"),
        world.person("dora"),
        world.person("rita"),
    );
    let fix = dana.commits("index.html");
    dana.offers("fix");
    dora.git(&["fetch", "-q", "origin"]);
    // Two objects that travel hidden in the pack of a harmless push: git asks only whether what a ref
    // names is whole.
    let mut text = CommitText::of(&dora, &fix);
    text.headers[1] = format!("parent {}\n", "12".repeat(20));
    let rootless = dora.writes_object("commit", &text.bytes());
    let odd = dora.writes_object("commit", b"neither a tree nor a parent\n");
    let push = RawPush::new().packing(&[&rootless, &odd]);
    let push = push.command(&"0".repeat(40), &fix, "refs/heads/harmless");
    let push = push.send(&dora);
    assert!(push.went_in, "{}", push.said);
    for base in [rootless, odd] {
        let mut words = Words::approve(&dora, &fix);
        words.set("Relhook-Base", &base);
        dora.pushes(&[&dora.states(&words)]).accepted();
    }
    rita.approves(&fix).accepted();
    dana.pushes(&["prod"]).accepted();
}
