//! A real systemd-journald, in a namespace of its own.

use super::{Repeats, eventually, grow, is_everything, log_of, sends, streaming};
use crate::common::{World, command, run};
use relhook::audit::{Event, ReleaseRecord, ReleaseState};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Child;

const JOURNALD: &str = "/lib/systemd/systemd-journald";

struct Journal {
    namespace: String,
    child: Child,
}

impl Drop for Journal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let id = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
        let kept = format!("{}.{}", id.trim(), self.namespace);
        for above in ["/var/log/journal", "/run/log/journal"] {
            let _ = std::fs::remove_dir_all(Path::new(above).join(&kept));
        }
        let _ = std::fs::remove_dir_all(self.folder());
    }
}

impl Journal {
    fn starts(namespace: &str) -> Option<Self> {
        let id = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
        if !rustix::process::geteuid().is_root() || !Path::new(JOURNALD).exists() || id.len() < 32 {
            eprintln!("skipped: root alone can run a journal, where systemd is installed");
            return None;
        }
        let namespace = format!("{namespace}{}", std::process::id());
        let mut journald = command(JOURNALD, Path::new("/"));
        let null = std::process::Stdio::null;
        let child = journald
            .arg(&namespace)
            .stdout(null())
            .stderr(null())
            .spawn();
        let journal = Self {
            namespace,
            child: child.unwrap(),
        };
        let socket = journal.folder().join("socket");
        eventually("journald did not start", || socket.exists());
        Some(journal)
    }

    fn folder(&self) -> PathBuf {
        PathBuf::from(format!("/run/systemd/journal.{}", self.namespace))
    }

    /// What the journal has of relhook.
    fn has(&self) -> Vec<Value> {
        let mut journalctl = command("journalctl", Path::new("/"));
        journalctl.args([
            &format!("--namespace={}", self.namespace),
            "-o",
            "json",
            "--all",
        ]);
        let said = run(journalctl.args(["-t", "relhook", "--no-pager"]));
        let text = String::from_utf8_lossy(&said.out).into_owned();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[track_caller]
    fn has_all_of(&self, world: &World) -> Vec<Value> {
        let size = world.log().len();
        eventually("the journal did not get everything", || {
            self.has().len() >= size
        });
        self.has()
    }
}

#[test]
fn the_journal_gets_every_entry_in_fields_of_its_own() {
    let Some(journal) = Journal::starts("rhnative") else {
        return;
    };
    let socket = journal.folder().join("socket");
    let world = streaming(&format!(
        "    journal: {{kind: journald, socket: {}, names: true}}\n",
        socket.display()
    ));
    let dana = world.person("dana");
    dana.commits("index.html");
    dana.pushes(&["prod"]).refused_with("RH401");
    grow(&world, 120);
    // What people wrote is longer than a datagram, and full of line breaks.
    let text = "PRIORITY=0\nMESSAGE=forged\n".repeat(12_000);
    let error = relhook::types::escape(text.as_bytes());
    let release = Event::Release(ReleaseRecord {
        target: "www".into(),
        refname: "refs/heads/prod".into(),
        commit: "8d01e77ab12c00000000000000000000000000ff".parse().unwrap(),
        sequence: 1,
        state: ReleaseState::Failed,
        uploaded: 0,
        deleted: 0,
        bytes: 0,
        error: Some(error),
        for_good: true,
        lifted_by: Vec::new(),
    });
    let time = log_of(&world).last().unwrap().time;
    log_of(&world).append(time, release).unwrap();
    sends(&world);
    let all = journal.has_all_of(&world);
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let arrived: Vec<String> = all.iter().map(|one| text(one, "RELHOOK_ENTRY")).collect();
    is_everything(&world, &arrived, Repeats::None);
    let first = &all[0];
    assert_eq!(text(first, "MESSAGE"), "acme/site entry 1: begun");
    assert_eq!(text(first, "RELHOOK_SEQ"), "1");
    assert_eq!(text(first, "RELHOOK_KIND"), "begun");
    assert_eq!(text(first, "RELHOOK_LOG"), "acme/site");
    assert_eq!(text(first, "PRIORITY"), "5");
    assert_eq!(text(first, "SYSLOG_FACILITY"), "10");
    assert_eq!(text(first, "_TRANSPORT"), "journal");
    assert!(all.iter().all(|one| text(one, "MESSAGE") != "forged"));
    assert!(
        arrived
            .iter()
            .any(|line| line.contains("\"person\":\"dana\""))
    );
    let long = arrived.iter().map(String::len).max().unwrap();
    assert!(long > 300_000, "{long}");
}

#[test]
fn the_journals_own_socket_for_syslog_takes_them_too() {
    let Some(journal) = Journal::starts("rhsyslog") else {
        return;
    };
    let socket = journal.folder().join("dev-log");
    let world = streaming(&format!(
        "    machine: {{kind: syslog, transport: local, socket: {}}}\n",
        socket.display()
    ));
    grow(&world, 30);
    sends(&world);
    let all = journal.has_all_of(&world);
    let arrived: Vec<String> = all
        .iter()
        .map(|one| one["MESSAGE"].as_str().unwrap().to_owned())
        .collect();
    is_everything(&world, &arrived, Repeats::None);
    assert_eq!(all[0]["SYSLOG_FACILITY"], "10");
    assert_eq!(all[0]["_TRANSPORT"], "syslog");
}
