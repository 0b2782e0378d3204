//! Attestations in the eyes of programs that are not relhook.

use super::replay::{changes_policy, now, releases, says, unapproved};
use crate::common::{PROD, Ran, World, command, run};
use relhook::audit::Event;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The python that has the packages, where `scripts/test` puts it.
fn python() -> PathBuf {
    let python = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../tools/attest/bin/python");
    assert!(python.exists(), "scripts/test makes {}", python.display());
    python
}

impl World {
    fn attests(&self, more: &[&str]) -> Ran {
        self.relhook(&[&["audit", "attest"], more].concat())
    }

    fn pem(&self) -> PathBuf {
        let path = self.path("key.pem");
        let pem = self.relhook(&["audit", "key", "--pem"]);
        pem.assert_ok();
        std::fs::write(&path, pem.out).unwrap();
        path
    }

    /// What the other program reads.
    fn reads(&self, envelopes: &Path) -> Ran {
        let mut other = command(python().to_str().unwrap(), self.root());
        other.arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/e2e/audit/attest.py"
        ));
        run(other.arg(self.pem()).arg(envelopes))
    }

    /// Every statement, as the other program reads it.
    #[track_caller]
    fn attested(&self, more: &[&str]) -> Vec<Value> {
        let envelopes = self.attests(more);
        envelopes.assert_ok();
        let path = self.path("envelopes");
        std::fs::write(&path, &envelopes.out).unwrap();
        let read = self.reads(&path).text();
        let lines = read.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The levels of the moves of `prod`, in order.
    #[track_caller]
    pub(super) fn levels(&self) -> Vec<String> {
        let all = self.attested(&[]);
        let summaries = all.iter().filter(|one| {
            let refs = &one["subject"][0]["annotations"]["sourceRefs"];
            is_summary(one) && refs[0] == PROD
        });
        let level = |one: &Value| {
            one["predicate"]["verifiedLevels"][0]
                .as_str()
                .map(str::to_owned)
        };
        summaries.map(|one| level(one).unwrap()).collect()
    }
}

fn is_summary(statement: &Value) -> bool {
    statement["predicateType"] == "https://slsa.dev/verification_summary/v1"
}

const FOUR: &str = "SLSA_SOURCE_LEVEL_4";

#[test]
fn another_program_reads_what_is_attested() {
    let world = World::new();
    let first = releases(&world, "one.html");
    let second = releases(&world, "two.html");
    let all = world.attested(&["--uri", "git+https://git.acme.example/site"]);
    assert_eq!(all.len(), 4);
    for (pair, (old, new)) in all
        .as_chunks::<2>()
        .0
        .iter()
        .zip([(None, &first), (Some(&first), &second)])
    {
        let [provenance, summary] = pair;
        for statement in pair {
            assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
            let subject = &statement["subject"][0];
            assert_eq!(subject["digest"]["gitCommit"], **new);
            for name in ["sourceRefs", "source_refs"] {
                assert_eq!(subject["annotations"][name], Value::from(vec![PROD]));
            }
        }
        assert!(is_summary(summary) && !is_summary(provenance));
        let said = &summary["predicate"];
        assert_eq!(said["resourceUri"], "git+https://git.acme.example/site");
        assert_eq!(said["verifiedLevels"], Value::from(vec![FOUR]));
        assert_eq!(said["slsaVersion"], "1.2");
        let policy = world.server_ref(crate::common::POLICY).unwrap();
        assert_eq!(said["policy"]["digest"]["gitCommit"], policy);
        let said = &provenance["predicate"];
        assert_eq!(said["branch"], PROD);
        if let Some(old) = old {
            assert_eq!(said["prev_commit"], **old);
        }
        let controls = said["controls"].as_array().unwrap();
        let names: Vec<&Value> = controls.iter().map(|control| &control["name"]).collect();
        assert!(names.contains(&&"REVIEW_ENFORCED".into()), "{said}");
        assert_eq!(said["created_on"], summary["predicate"]["timeVerified"]);
        assert!(!provenance.to_string().contains("dana"), "{provenance}");
    }
    // The same each time; people only where they are asked for.
    assert_eq!(world.attests(&[]).out, world.attests(&[]).out);
    let named = &world.attested(&["--people", &second])[0]["predicate"];
    assert_eq!(named["actor"], "dana");
    assert_eq!(named["approved_by"], Value::from(vec!["rita"]));
    let out = world.path("out");
    world
        .attests(&["--out", out.to_str().unwrap(), &second[..10]])
        .assert_ok();
    let files: Vec<_> = std::fs::read_dir(&out).unwrap().collect();
    assert_eq!(files.len(), 1);
    assert_eq!(world.attests(&["12345"]).code, 2);

    // One bit, and the other program does not take it.
    let file = files[0].as_ref().unwrap().path();
    world.reads(&file).assert_ok();
    let text = std::fs::read_to_string(&file).unwrap();
    let at = text.find("payload\":\"").unwrap() + 60;
    let other = if text.as_bytes()[at] == b'A' {
        "B"
    } else {
        "A"
    };
    let bad = format!("{}{other}{}", &text[..at], &text[at + 1..]);
    std::fs::write(&file, bad).unwrap();
    assert_ne!(world.reads(&file).code, 0);
}

#[test]
fn openssl_verifies_an_envelope() {
    let world = World::new();
    releases(&world, "one.html");
    let first = world.attests(&[]).text().lines().next().unwrap().to_owned();
    let script = format!(
        "import base64, json, sys\n\
         e = json.loads({first:?})\n\
         p = base64.b64decode(e['payload'])\n\
         t = e['payloadType'].encode()\n\
         open('pae', 'wb').write(b'DSSEv1 %d %s %d %s' % (len(t), t, len(p), p))\n\
         open('sig', 'wb').write(base64.b64decode(e['signatures'][0]['sig']))\n"
    );
    let mut python = command("python3", world.root());
    run(python.current_dir(world.root()).args(["-c", &script])).assert_ok();
    let pem = world.pem();
    let verify = |file: &str| {
        let mut openssl = command("openssl", world.root());
        openssl.current_dir(world.root());
        openssl.args(["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey"]);
        run(openssl.arg(&pem).args(["-in", file, "-sigfile", "sig"]))
    };
    verify("pae").assert_ok();
    std::fs::write(world.path("other"), b"DSSEv1 1 x 1 y").unwrap();
    assert_ne!(verify("other").code, 0);
}

#[test]
fn level_four_is_claimed_only_where_two_agreed_on_the_final_revision() {
    let world = World::new();
    releases(&world, "one.html");
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    // Rita approves by a commit of her own on top: that one is the final revision, and Dana never saw it.
    dana.takes("prod");
    let two = dana.commits("two.html");
    dana.offers("work/two");
    rita.git(&["fetch", "-q", "origin"]);
    rita.git(&["checkout", "-q", "-B", "prod", &two]);
    let trailers = format!("Approved\n\nRelhook-Approve: {PROD}\nRelhook-Repository: acme/site\n");
    rita.git(&["commit", "-q", "--allow-empty", "-m", &trailers]);
    rita.pushes(&["prod"]).accepted();
    releases(&world, "three.html");
    let levels = world.levels();
    assert_eq!(levels, [FOUR, "SLSA_SOURCE_LEVEL_3", FOUR]);
}

#[test]
fn a_gap_is_told_and_continuity_begins_anew() {
    let world = World::new();
    let first = releases(&world, "one.html");
    let since = |world: &World| {
        let all = world.attested(&[]);
        let last = all.iter().rfind(|one| !is_summary(one)).unwrap();
        let controls = last["predicate"]["controls"].as_array().unwrap().clone();
        let created = last["predicate"]["created_on"].as_str().unwrap().to_owned();
        (controls[0]["since"].as_str().unwrap().to_owned(), created)
    };
    let (began, created) = since(&world);
    assert!(began <= created, "{began} {created}");
    // The rule changes.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    changes_policy(
        &world,
        "  refs/heads/prod:\n    required: 1\n",
        "  refs/heads/prod:\n    required: 1\n    expire: 30d\n",
    );
    releases(&world, "two.html");
    let (anew, _) = since(&world);
    assert!(began < anew, "{began} {anew}");
    // Somebody moves the ref past relhook; the next push is judged with what came so.
    let dana = world.person("dana");
    dana.takes("prod");
    let base = dana.git(&["rev-parse", "HEAD"]);
    let evil = dana.commits("evil.html");
    dana.pushes(&["prod"]).refused_with("RH401");
    dana.offers("work/evil");
    world.moves(PROD, &evil);
    let next = dana.commits("next.html");
    dana.offers("work/next");
    says(&world.person("rita"), &next, &[("Relhook-Base", &base)]);
    dana.pushes(&["prod"]).accepted();
    releases(&world, "last.html");
    assert_eq!(world.levels(), [FOUR, FOUR, "SLSA_SOURCE_LEVEL_2", FOUR]);
    // Of a move beside whose entry the names were deleted there is nothing to be said.
    let entry = world.log().into_iter().find(|entry| {
        entry["kind"] == "verdict" && entry["updates"][0]["new"] == first[..] && {
            !entry["updates"][0]["permit"].is_null()
        }
    });
    let seq = entry.unwrap()["seq"].to_string();
    world
        .relhook(&["audit", "redact", &seq, "--reason", "asked for"])
        .assert_ok();
    assert_eq!(world.levels().len(), 3);
    assert_eq!(world.attests(&[&seq]).code, 1);
}

#[test]
fn what_no_push_made_is_not_attested() {
    let world = World::new();
    let (good, evil) = unapproved(&world);
    let forged = world.forged(&good, &evil, Vec::new());
    let log = world.audit_log();
    let entry = log.append(now(), Event::Verdict(forged)).unwrap();
    world.moves(PROD, &evil);
    let refused = world.attests(&[&entry.seq.to_string()]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("replay"), "{}", refused.err);
    assert_eq!(world.levels(), [FOUR]);
}
