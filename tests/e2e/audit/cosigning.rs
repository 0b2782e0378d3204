//! Independent witnesses: what they cosign, what the server takes in of it, and what waits for it. All
//! of it goes through real pushes to a real server.

use super::quiet;
use super::witness::{kept, put_back, shown};
use crate::common::{PROD, PolicyText, RELHOOK, Ran, World, command, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A server that releases `prod` to the folder `www` when so many of these witnesses have cosigned what
/// accepted it.
struct Scene {
    world: World,
}

/// A witness: an account and a clone of its own, and nobody in the policy's `people`.
struct Notary<'w> {
    world: &'w World,
    name: &'static str,
}

impl Scene {
    #[track_caller]
    fn with(names: &[&'static str], required: usize) -> Self {
        Self::of("acme/site", names, required)
    }

    #[track_caller]
    fn of(repository: &str, names: &[&'static str], required: usize) -> Self {
        let world = World::without_relhook();
        let mut witnesses = String::new();
        for name in names {
            let key = Notary::made(&world, name).relhook(&["--init", name]).text();
            witnesses += &format!("    {name}: {key}\n");
        }
        let policy = PolicyText::usual().prod("release: [www]").replacing(
            "repository: acme/site",
            &format!("repository: {repository}"),
        );
        let yaml = format!(
            "{}targets:\n  www: {{kind: dir, path: {}}}\naudit:\n  required: {required}\n  \
             witnesses:\n{witnesses}",
            policy.yaml,
            world.path("www").display(),
        );
        fs::create_dir(world.path("www")).unwrap();
        world.write_policy(&PolicyText { yaml, ..policy });
        world
            .init(&["--policy", "policy.yaml", "--keys", "keys"])
            .assert_ok();
        world.relhook(&["audit", "checkpoint"]).assert_ok();
        Self { world }
    }

    fn notary(&self, name: &'static str) -> Notary<'_> {
        Notary {
            world: &self.world,
            name,
        }
    }

    /// Dana makes a file, Rita approves it, Dana pushes it: what she sees, in one line.
    #[track_caller]
    fn ships(&self, file: &str) -> String {
        let (dana, rita) = (self.world.person("dana"), self.world.person("rita"));
        let fix = dana.commits(file);
        dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
        rita.approves(&fix).accepted();
        let push = dana.pushes(&["prod"]);
        push.accepted();
        // What the push began in the background would be in the way of what is asked next.
        shown(&self.world);
        flat(&push.said)
    }

    /// What the doctor finds that is not in order.
    fn doctor(&self) -> String {
        let ran = self.world.relhook(&["doctor"]);
        let said = String::from_utf8_lossy(&ran.out);
        let found = said.split("\nok ").next().unwrap();
        flat(found)
    }

    fn released(&self, file: &str) -> PathBuf {
        self.world.path("www").join("current").join(file)
    }

    /// What holds the target, by `relhook release status --json`.
    fn hold(&self) -> serde_json::Value {
        let status = self.world.relhook(&["release", "status", "--json"]);
        let status: serde_json::Value = serde_json::from_slice(&status.out).unwrap();
        status["targets"][0]["hold"].clone()
    }

    fn key(&self) -> String {
        self.world.relhook(&["audit", "key"]).text()
    }

    /// Any push that adds an entry.
    #[track_caller]
    fn grows(&self, branch: &str) {
        let dana = self.world.person("dana");
        dana.pushes(&[&format!("HEAD:refs/heads/{branch}")])
            .accepted();
        shown(&self.world);
    }
}

impl<'w> Notary<'w> {
    #[track_caller]
    fn made(world: &'w World, name: &'static str) -> Self {
        let notary = Self { world, name };
        fs::create_dir_all(notary.home()).unwrap();
        fs::write(
            notary.home().join(".gitconfig"),
            "[protocol \"file\"]\n\tallow = always\n[maintenance]\n\tauto = false\n",
        )
        .unwrap();
        let mut clone = command("git", &notary.home());
        clone.args(["clone", "-q"]).arg(world.server());
        run(clone.arg(notary.clone_dir())).assert_ok();
        notary
    }

    fn home(&self) -> PathBuf {
        self.world.path(&format!("home/{}", self.name))
    }

    fn clone_dir(&self) -> PathBuf {
        self.world.path(&format!("clone/{}", self.name))
    }

    fn state(&self) -> PathBuf {
        self.clone_dir().join(".git/relhook-clone/witness")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut relhook = command(RELHOOK, &self.home());
        relhook.current_dir(self.clone_dir());
        relhook.args(["audit", "witness"]).args(words);
        relhook
    }

    /// `relhook audit witness …`
    fn relhook(&self, words: &[&str]) -> Ran {
        run(&mut self.command(words))
    }

    #[track_caller]
    fn cosigns(&self) -> String {
        let ran = self.relhook(&[]);
        let said = ran.text();
        assert!(said.contains("has cosigned"), "{said}\n{}", ran.err);
        flat(&ran.err)
    }

    fn key(&self) -> String {
        self.relhook(&["--key"]).text()
    }

    fn refname(&self) -> String {
        let key = self.key();
        format!("refs/relhook/witness/{}", key.split('+').nth(1).unwrap())
    }

    fn git(&self, words: &[&str]) -> Ran {
        let mut git = command("git", &self.home());
        run(git.current_dir(self.clone_dir()).args(words))
    }

    /// What it cosigned last, as it keeps it.
    fn cosigned(&self) -> String {
        fs::read_to_string(self.state().join("cosigned")).unwrap()
    }

    /// Puts a note into git and pushes it to this ref, by hand.
    fn pushes(&self, note: &str, to: &str) -> Ran {
        let file = self.clone_dir().join("note");
        fs::write(&file, note).unwrap();
        let blob = self.git(&["hash-object", "-w", "note"]).text();
        self.git(&["push", "origin", &format!("+{blob}:{to}")])
    }
}

/// What was said, without git's `remote: ` and line breaks.
fn flat(said: &str) -> String {
    let words = said.split_whitespace().filter(|word| *word != "remote:");
    words.collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn refused(ran: &Ran, why: &str) {
    assert_ne!(ran.code, 0, "{}", ran.err);
    assert!(flat(&ran.err).contains(why), "{why} is not in {}", ran.err);
}

#[track_caller]
fn arrives(path: &Path) {
    let start = Instant::now();
    while !path.exists() {
        let shown = path.display();
        assert!(start.elapsed() < Duration::from_secs(30), "no {shown}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Checks a cosignature with OpenSSL, by the words of C2SP's tlog-cosignature alone.
#[track_caller]
fn openssl_agrees(folder: &Path, note: &str, vkey: &str) {
    use base64ct::{Base64, Encoding};
    let mut parts = vkey.splitn(3, '+');
    let (name, id, key) = (
        parts.next().unwrap(),
        parts.next().unwrap(),
        Base64::decode_vec(parts.next().unwrap()).unwrap(),
    );
    let (body, lines) = note.split_once("\n\n").unwrap();
    let mark = format!("\u{2014} {name} ");
    let line = lines.lines().find_map(|line| line.strip_prefix(&mark));
    let bytes = Base64::decode_vec(line.unwrap()).unwrap();
    let hex: String = bytes[..4]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!((key[0], hex.as_str()), (4, id));
    let time = u64::from_be_bytes(bytes[4..12].try_into().unwrap());
    // A public key of Ed25519 in DER (RFC 8410).
    let head = [
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
    ];
    fs::write(folder.join("key.der"), [&head, &key[1..]].concat()).unwrap();
    let signed = format!("cosignature/v1\ntime {time}\n{body}\n");
    fs::write(folder.join("signed"), signed).unwrap();
    fs::write(folder.join("signature"), &bytes[12..]).unwrap();
    let mut openssl = command("openssl", folder);
    openssl
        .current_dir(folder)
        .args(["pkeyutl", "-verify", "-pubin", "-keyform", "DER"]);
    openssl.args([
        "-inkey",
        "key.der",
        "-rawin",
        "-in",
        "signed",
        "-sigfile",
        "signature",
    ]);
    run(&mut openssl).assert_ok();
}

#[test]
fn l_01_l_02_a_release_goes_out_when_its_witness_has_cosigned_what_accepted_it() {
    let scene = Scene::with(&["notary"], 1);
    let notary = scene.notary("notary");
    let said = scene.ships("index.html");
    assert!(said.contains("RH706"), "{said}");
    assert!(said.contains("waits for notary"), "{said}");
    assert!(!scene.released("index.html").exists());
    let hold = scene.hold();
    assert_eq!(hold["state"], "witness", "{hold}");
    assert_eq!(hold["witnesses"][0], "notary", "{hold}");
    // It has not failed, and is not tried again and again.
    scene.world.relhook(&["release"]).assert_ok();
    let status = scene.world.relhook(&["release", "status"]).text();
    assert!(
        status.contains("witness   RH706: held until 1 of"),
        "{status}"
    );

    let before = scene.world.log_text();
    let said = notary.cosigns();
    assert!(said.contains("notary has cosigned"), "{said}");
    arrives(&scene.released("index.html"));
    assert!(said.contains("www: released"), "{said}");
    assert_eq!(scene.hold(), serde_json::Value::Null);
    // Only the release itself has come into the log since.
    let after = scene.world.log_text();
    let new = after.strip_prefix(&before).unwrap();
    assert!(
        new.lines()
            .all(|line| line.contains("\"kind\":\"release\"")),
        "{new}"
    );

    let again = notary.relhook(&[]).text();
    assert!(again.contains("has cosigned"), "{again}");
    let again = notary.relhook(&[]).text();
    assert!(again.contains("had cosigned"), "{again}");
    scene.world.relhook(&["audit", "verify"]).assert_ok();
}

#[test]
fn what_was_cosigned_is_shown_and_proves_itself_to_others() {
    let scene = Scene::with(&["notary", "vault"], 0);
    let (notary, vault) = (scene.notary("notary"), scene.notary("vault"));
    scene.ships("index.html");
    let seen = shown(&scene.world);
    notary.cosigns();
    vault.cosigns();
    assert_eq!(shown(&scene.world), seen, "a cosignature is no entry");
    let note = fs::read_to_string(scene.world.server().join("relhook/audit/checkpoint")).unwrap();
    let fetched = scene
        .world
        .server_git(&["show", "refs/relhook/checkpoint:checkpoint"]);
    assert_eq!(fetched.text(), note.trim_end());
    let folder = scene.world.path("check");
    fs::create_dir(&folder).unwrap();
    for key in [notary.key(), vault.key()] {
        openssl_agrees(&folder, &note, &key);
    }
    // Who fetches it sees the log that they saw before.
    assert_eq!(scene.world.person("rita").relhook(&["status"]).code, 0);

    // A receipt rests on what both have cosigned, also when the log has gone on.
    scene.grows("other");
    let receipt = scene.world.relhook(&["audit", "prove", "2"]);
    receipt.assert_ok();
    fs::write(folder.join("receipt"), &receipt.out).unwrap();
    let check = |more: &[&str]| {
        let mut relhook = command(RELHOOK, &folder);
        relhook.current_dir(&folder);
        relhook.args(["audit", "check", "receipt", "--key", &scene.key()]);
        run(relhook.args(more))
    };
    let (one, two) = (notary.key(), vault.key());
    let both = check(&["--witness", &one, "--witness", &two]);
    assert_eq!(both.text().matches("cosigned by").count(), 2);
    let strangers = Scene::with(&["notary"], 0);
    let stranger = strangers.notary("notary").key();
    let lacks = check(&["--witness", &one, "--witness", &stranger]);
    assert_eq!(lacks.code, 4);
    assert!(String::from_utf8_lossy(&lacks.out).contains("RH706"));
    let enough = [
        "--witness",
        &one,
        "--witness",
        &stranger,
        "--witnesses",
        "1",
    ];
    check(&enough).assert_ok();

    let verify = |more: &[&str]| scene.world.relhook(&[&["audit", "verify"], more].concat());
    let text = verify(&["--witnesses", "2"]).text();
    assert_eq!(text.matches("cosigned by").count(), 2, "{text}");
    verify(&["--witness", &one, "--witness", &two]).assert_ok();
    assert_eq!(verify(&["--witness", &stranger]).code, 4);
}

#[test]
fn two_witnesses_are_two() {
    let scene = Scene::with(&["notary", "vault"], 2);
    let examined = scene.doctor();
    assert_eq!(
        examined
            .matches("has cosigned nothing of the log yet")
            .count(),
        2
    );
    assert!(
        examined.contains("waits for 2 witnesses, and 0"),
        "{examined}"
    );
    scene.ships("index.html");
    let said = scene.notary("notary").cosigns();
    let examined = scene.doctor();
    assert!(
        examined.contains("`vault` has cosigned nothing"),
        "{examined}"
    );
    assert!(
        examined.contains("waits for 2 witnesses, and 1"),
        "{examined}"
    );
    assert!(said.contains("waits for vault, after notary"), "{said}");
    assert!(!scene.released("index.html").exists());
    // One that was cosigned before the release was accepted does not count for it.
    scene.notary("vault").cosigns();
    arrives(&scene.released("index.html"));
    let said = scene.ships("more.html");
    assert!(said.contains("waits for notary or vault"), "{said}");
    assert!(!scene.released("more.html").exists());
    for name in ["notary", "vault"] {
        scene.notary(name).cosigns();
    }
    arrives(&scene.released("more.html"));
    let examined = scene.doctor();
    assert!(!examined.contains("witnesses"), "{examined}");
}

#[test]
fn l_01_l_02_a_witness_cosigns_no_log_but_the_one_that_it_saw() {
    let scene = Scene::with(&["notary"], 1);
    let notary = scene.notary("notary");
    scene.grows("one");
    let before = kept(&scene.world);
    scene.grows("two");
    notary.cosigns();
    let cosigned = notary.cosigned();
    let at = scene.world.server_ref(&notary.refname());

    // Whoever runs the server takes an entry away, and writes on from there.
    put_back(&scene.world, &before);
    let refuses = |says: &str| {
        let ran = notary.relhook(&[]);
        assert_eq!(ran.code, 4, "{}", ran.err);
        assert!(flat(&ran.err).contains(says), "{}", ran.err);
        assert!(ran.err.contains("RH704"), "{}", ran.err);
        assert_eq!(notary.cosigned(), cosigned);
        assert_eq!(scene.world.server_ref(&notary.refname()), at);
    };
    taken_away(&scene.world);
    refuses("is not any more");
    shown(&scene.world);
    refuses("it is shorter than it was");
    let said = scene.ships("index.html");
    refuses("it is not what it was, made longer");
    // So what was accepted in the other log does not go out.
    assert!(said.contains("RH706"), "{said}");
    scene.world.relhook(&["release"]).assert_ok();
    assert!(!scene.released("index.html").exists());
    // And what the witness signed is proof against the server that is shown it.
    fs::remove_file(scene.world.server().join(notary.refname())).unwrap();
    let ran = notary.pushes(&cosigned, &notary.refname());
    refused(&ran, "RH702");
}

#[test]
fn nothing_goes_out_where_the_log_is_not_what_was_cosigned() {
    let scene = Scene::with(&["notary"], 1);
    let notary = scene.notary("notary");
    scene.grows("one");
    let before = kept(&scene.world);
    for branch in ["two", "three", "four", "five", "six"] {
        scene.grows(branch);
    }
    notary.cosigns();
    let folder = scene.world.server().join("relhook/audit/witness");
    let mut copy = command("cp", Path::new("/"));
    run(copy
        .arg("-a")
        .arg(&folder)
        .arg(scene.world.path("cosigned")))
    .assert_ok();
    put_back(&scene.world, &before);
    let mut copy = command("cp", Path::new("/"));
    run(copy
        .arg("-a")
        .arg(scene.world.path("cosigned"))
        .arg(&folder))
    .assert_ok();
    let dana = scene.world.person("dana");
    let fix = dana.commits("index.html");
    dana.offers("fix");
    scene.world.person("rita").approves(&fix).accepted();
    dana.pushes(&["prod"]).accepted();
    let ran = scene.world.relhook(&["release"]);
    assert_ne!(ran.code, 0, "{}", ran.err);
    assert!(!scene.released("index.html").exists());
    assert_eq!(scene.world.relhook(&["audit", "verify"]).code, 4);
}

/// Whoever runs the server can take away what clones see.
fn taken_away(world: &World) {
    let _quiet = quiet(world);
    fs::remove_file(world.server().join("refs/relhook/checkpoint")).unwrap();
}

#[test]
fn only_a_witness_of_the_policy_is_heard_and_only_about_this_log() {
    let scene = Scene::with(&["notary", "vault"], 1);
    let (notary, vault) = (scene.notary("notary"), scene.notary("vault"));
    notary.cosigns();
    let (note, place) = (notary.cosigned(), notary.refname());

    // Somebody else's key, at its own place and at a witness's.
    let stranger = Notary::made(&scene.world, "stranger");
    let key = stranger.relhook(&["--init", "stranger"]).text();
    let ran = stranger.relhook(&[]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    refused(&ran, "RH705");
    refused(&ran, "the policy names no witness whose key is");
    let theirs = stranger.cosigned();
    refused(
        &stranger.pushes(&theirs, &vault.refname()),
        "the witness's key did not sign it",
    );
    refused(
        &vault.pushes(&note, &vault.refname()),
        "the witness's key did not sign it",
    );
    assert!(!scene.world.log_text().contains(&key));

    // More than belongs there; a name that is none; a note that is none.
    let both = theirs.clone() + note.lines().last().unwrap() + "\n";
    refused(&notary.pushes(&both, &place), "RH705");
    refused(&notary.pushes("nothing", &place), "RH705");
    refused(
        &notary.pushes(&note, "refs/relhook/witness/notary"),
        "RH705",
    );
    refused(&notary.pushes(&note, &format!("{place}/x")), "RH705");
    let forged = note.replacen("\n\n", "\nmore\n\n", 1);
    refused(&notary.pushes(&forged, &place), "RH705");

    // Another repository's log, whose name is another; and one whose name is the same.
    for repository in ["acme/shop", "acme/site"] {
        let other = Scene::of(repository, &["other"], 0);
        let elsewhere = other.world.server();
        let ran = notary.relhook(&[elsewhere.to_str().unwrap()]);
        assert_eq!(ran.code, 4, "{}", ran.err);
        refused(&ran, "RH704");
        assert_eq!(notary.cosigned(), note);
        other.notary("other").cosigns();
        refused(
            &vault.pushes(&other.notary("other").cosigned(), &vault.refname()),
            "RH705",
        );
    }
    assert_eq!(scene.world.server_ref(&vault.refname()), None);
}

#[test]
fn a_witness_that_was_told_its_log_cosigns_no_other() {
    let scene = Scene::with(&["notary"], 0);
    let other = Scene::with(&["notary"], 0);
    let late = Notary::made(&scene.world, "late");
    late.relhook(&["--init", "late", "--log", &other.key()])
        .assert_ok();
    let ran = late.relhook(&[]);
    assert_eq!(ran.code, 4, "{}", ran.err);
    refused(&ran, "this witness is for the log");
    assert!(!late.state().join("seen").exists());
    // A key is made once.
    assert_ne!(late.relhook(&["--init", "late"]).code, 0);
    let key = late.state().join("key");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(
        fs::metadata(&key).unwrap().permissions().mode() & 0o777,
        0o600
    );
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    refused(&late.relhook(&[]), "others can read it");
}

#[test]
fn what_was_cosigned_is_never_taken_back() {
    let scene = Scene::with(&["notary"], 1);
    let notary = scene.notary("notary");
    scene.grows("one");
    notary.cosigns();
    let (first, place) = (notary.cosigned(), notary.refname());
    scene.grows("two");
    notary.cosigns();
    let at = scene.world.server_ref(&place);
    refused(
        &notary.pushes(&first, &place),
        "not newer than what the witness cosigned before",
    );
    refused(
        &notary.git(&["push", "origin", &format!(":{place}")]),
        "RH705",
    );
    let dana = scene.world.person("dana");
    dana.git(&["fetch", "-q", "origin", "+refs/relhook/*:refs/relhook/*"]);
    dana.pushes(&["+HEAD:refs/relhook/witness/0badf00d"])
        .refused_with("RH705");
    dana.pushes(&[&format!("+HEAD:{place}")])
        .refused_with("RH705");
    let mixed = [
        &format!("+{place}:refs/relhook/witness/0badf00d"),
        "HEAD:refs/heads/mixed",
    ];
    dana.pushes(&mixed).refused_with("RH705");
    assert_eq!(scene.world.server_ref("refs/heads/mixed"), None);
    dana.git(&["update-ref", "-d", &place]);
    dana.pushes(&["--mirror"]).refused();
    // Nor on the server, as long as git is asked.
    let older = scene
        .world
        .server_git(&["hash-object", "-w", "--stdin"])
        .text();
    for words in [
        &["update-ref", &place, &older][..],
        &["update-ref", "-d", &place],
    ] {
        refused(&scene.world.server_git(words), "RH119");
    }
    assert_eq!(scene.world.server_ref(&place), at);
    // Git may pack it all the same.
    scene.world.server_git(&["pack-refs", "--all"]).assert_ok();
    assert_eq!(scene.world.server_ref(&place), at);
    scene.grows("three");
    notary.cosigns();
    assert_ne!(scene.world.server_ref(&place), at);
    // Refusals are entries.
    assert!(scene.world.log_text().contains("RH705"));
}

#[test]
fn commits_do_not_come_in_with_a_cosignature() {
    let scene = Scene::with(&["notary"], 1);
    let notary = scene.notary("notary");
    notary.cosigns();
    let place = notary.refname();
    let note = notary.cosigned();
    let who = ["-c", "user.name=N", "-c", "user.email=n@elsewhere.example"];
    let commit = ["commit", "-q", "--allow-empty", "-m", "on board"];
    notary.git(&[&who[..], &commit].concat()).assert_ok();
    scene.grows("one");
    // A tag that names the note, with the commit behind it, is no note.
    let tag = ["tag", "-a", "-m", "x", "x", "HEAD"];
    notary.git(&[&who[..], &tag].concat()).assert_ok();
    refused(
        &notary.git(&["push", "origin", &format!("+x:{place}")]),
        "RH705",
    );
    assert_eq!(notary.cosigned(), note);
}

#[test]
fn a_delivery_that_was_cut_off_is_made_good() {
    let scene = Scene::with(&["notary"], 1);
    let notary = scene.notary("notary");
    notary.cosigns();
    let (note, place) = (notary.cosigned(), notary.refname());
    // The server took it in and died before git moved the ref.
    fs::remove_file(scene.world.server().join(&place)).unwrap();
    notary.cosigns();
    assert_eq!(notary.cosigned(), note, "nothing was signed anew");
    assert!(scene.world.server_ref(&place).is_some());
}

#[test]
fn runs_at_once_sign_once() {
    let scene = Scene::with(&["notary"], 1);
    let notary = scene.notary("notary");
    scene.grows("one");
    let start = || {
        let mut command = notary.command(&[]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let runs: Vec<_> = (0..4).map(|_| start()).collect();
    let ran = runs
        .into_iter()
        .map(|run| Ran::from(run.wait_with_output().unwrap()));
    let said: Vec<String> = ran.map(|ran| ran.text()).collect();
    let signed = said.iter().filter(|said| said.contains("has cosigned"));
    assert_eq!(signed.count(), 1, "{said:?}");
    let kept = scene.world.server().join("relhook/audit/witness");
    let id = notary.refname().replace("refs/relhook/witness/", "");
    assert_eq!(fs::read_dir(kept.join(id)).unwrap().count(), 1);
}

/// A run that is traced, with what is to happen in it.
fn traced(notary: &Notary<'_>, what: &str) -> (Ran, String) {
    let to = notary.world.path("trace");
    let plain = notary.command(&[]);
    let mut strace = command("strace", &notary.home());
    strace.current_dir(notary.clone_dir());
    strace.args(["-y", "-s", "60", "-e", what, "-o"]).arg(&to);
    let ran = run(strace.arg(plain.get_program()).args(plain.get_args()));
    (ran, fs::read_to_string(to).unwrap())
}

#[test]
fn a_witness_that_is_killed_has_remembered_whatever_it_signed() {
    const CALLS: &str = "?fdatasync,?fsync,?rename,?renameat,?renameat2,?write";
    let scene = Scene::with(&["notary"], 1);
    let notary = scene.notary("notary");
    notary.cosigns();
    scene.grows("one");
    let fork = kept(&scene.world);
    scene.grows("two");
    let start = scene.world.path("state");
    let copied = |from: &Path, to: &Path| {
        let _ = fs::remove_dir_all(to);
        let mut copy = command("cp", Path::new("/"));
        run(copy.arg("-a").arg(from).arg(to)).assert_ok();
    };
    copied(&notary.state(), &start);
    // A run in which nothing happens shows what it does to its folder.
    let (ran, trace) = traced(&notary, &format!("trace={CALLS}"));
    ran.assert_ok();
    let mut counts = std::collections::BTreeMap::new();
    let mut moments = Vec::new();
    for line in trace.lines() {
        let Some((name, _)) = line.split_once('(') else {
            continue;
        };
        let nth = counts.entry(name.to_owned()).or_insert(0);
        *nth += 1;
        if line.contains("relhook-clone/witness") {
            moments.push(format!("{name}:signal=KILL:when={nth}"));
        }
    }
    assert!(moments.len() >= 8, "{trace}");
    let size = |file: &str| -> u64 {
        let text = fs::read_to_string(notary.state().join(file)).unwrap();
        let body = text.split("acme/site\n").nth(1).unwrap();
        body.lines().next().unwrap().parse().unwrap()
    };
    let mut remembered_only = 0;
    for moment in &moments {
        copied(&start, &notary.state());
        let (ran, trace) = traced(&notary, &format!("inject={moment}"));
        assert_eq!(ran.code, -1, "{moment}\n{trace}");
        let (seen, signed) = (size("seen"), size("cosigned"));
        assert!(
            signed <= seen,
            "{moment}: {signed} was signed, {seen} remembered"
        );
        remembered_only += u64::from(signed < seen);
        notary.relhook(&[]).assert_ok();
        assert_eq!(size("cosigned"), size("seen"), "{moment}");
    }
    assert!(
        remembered_only > 0,
        "no moment between remembering and signing"
    );

    // Killed in between, it does not sign another log of that size either.
    copied(&start, &notary.state());
    let between = moments.iter().find(|moment| {
        copied(&start, &notary.state());
        traced(&notary, &format!("inject={moment}"));
        size("cosigned") < size("seen")
    });
    assert!(between.is_some());
    put_back(&scene.world, &fork);
    scene.grows("other");
    let signed = notary.cosigned();
    let ran = notary.relhook(&[]);
    assert_eq!(ran.code, 4, "{}", ran.err);
    refused(&ran, "RH704");
    assert_eq!(notary.cosigned(), signed);
    assert!(scene.world.server_ref(PROD).is_some());
}
