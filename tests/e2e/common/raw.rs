//! A push client that says whatever it is told: any old and new value, any name, any option.

use super::run::run_with;
use super::{Person, Push};
use std::io::Read;
use std::process::{Command, Stdio};

/// The all-zero id.
pub const ZERO: &str = "0000000000000000000000000000000000000000";

/// One push, byte by byte.
#[derive(Debug, Clone, Default)]
pub struct RawPush {
    commands: Vec<(String, String, Vec<u8>)>,
    options: Vec<Vec<u8>>,
    capabilities: &'static str,
    extra: Vec<String>,
    exactly: Option<Vec<String>>,
}

impl RawPush {
    /// A push of nothing yet.
    pub fn new() -> Self {
        Self {
            capabilities: "report-status",
            ..Self::default()
        }
    }

    /// Claims that `name` is `old` and asks for `new`.
    pub fn command(mut self, old: &str, new: &str, name: impl AsRef<[u8]>) -> Self {
        self.commands
            .push((old.into(), new.into(), name.as_ref().to_vec()));
        self
    }

    /// A push option.
    pub fn option(mut self, option: &[u8]) -> Self {
        self.capabilities = "report-status push-options";
        self.options.push(option.to_vec());
        self
    }

    /// Packs these objects too, though no command names them.
    pub fn with_object(mut self, oid: &str) -> Self {
        self.extra.push(oid.into());
        self
    }

    /// Packs exactly these objects, whatever they say about each other.
    pub fn packing(mut self, oids: &[&str]) -> Self {
        self.exactly = Some(oids.iter().map(|oid| (*oid).to_owned()).collect());
        self
    }

    /// Sends it as `person`, with the objects of their clone.
    pub fn send(self, person: &Person<'_>) -> Push {
        let mut receive = person.command("git");
        receive.arg("receive-pack").arg(person.world.server());
        let mut input = self.request();
        let wanted = self.wanted();
        if let Some(oids) = &self.exactly {
            input.extend(pack_exactly(person, oids));
        } else if !wanted.is_empty() {
            input.extend(pack(person, &wanted));
        }
        let ran = run_after_advertisement(&mut receive, |_| input.clone());
        let unpacked = ran.0.contains("unpack ok") || wanted.is_empty();
        let refused = ran.0.contains("ng ") || !ran.0.contains("ok refs/") || !unpacked;
        Push {
            went_in: !refused,
            said: format!("{}{}", ran.1, ran.0),
        }
    }

    /// Sends it as `person` with a push certificate: `make` gives its bytes for the server's nonce.
    /// git takes the commands from the certificate.
    pub fn send_signed(self, person: &Person<'_>, make: impl FnOnce(&str) -> Vec<u8>) -> Push {
        let mut receive = person.command("git");
        receive.arg("receive-pack").arg(person.world.server());
        let pack = pack(person, &self.wanted());
        let ran = run_after_advertisement(&mut receive, |advertised| {
            let nonce = advertised.split("push-cert=").nth(1).unwrap();
            let nonce = nonce.split([' ', '\n', '\0']).next().unwrap();
            let mut out = Vec::new();
            packet(&mut out, b"push-cert\0report-status");
            for line in make(nonce).split_inclusive(|byte| *byte == b'\n') {
                packet(&mut out, line);
            }
            packet(&mut out, b"push-cert-end\n");
            out.extend(b"0000");
            out.extend(pack);
            out
        });
        Push {
            went_in: ran.0.contains("ok refs/") && !ran.0.contains("ng "),
            said: format!("{}{}", ran.1, ran.0),
        }
    }

    fn wanted(&self) -> Vec<String> {
        let news = self.commands.iter().map(|(_, new, _)| new.clone());
        let all = news.chain(self.extra.iter().cloned());
        all.filter(|oid| oid != ZERO).collect()
    }

    fn request(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (index, (old, new, name)) in self.commands.iter().enumerate() {
            let mut line = format!("{old} {new} ").into_bytes();
            line.extend(name);
            if index == 0 {
                line.push(0);
                line.extend(self.capabilities.as_bytes());
            }
            packet(&mut out, &line);
        }
        out.extend(b"0000");
        if !self.options.is_empty() {
            for option in &self.options {
                packet(&mut out, option);
            }
            out.extend(b"0000");
        }
        out
    }
}

fn packet(out: &mut Vec<u8>, line: &[u8]) {
    out.extend(format!("{:04x}", line.len() + 4).as_bytes());
    out.extend(line);
}

/// A pack of what the server does not reach from its refs.
fn pack(person: &Person<'_>, wanted: &[String]) -> Vec<u8> {
    let mut revisions = wanted.join("\n");
    for have in person.world.server_tips() {
        if person.try_git(&["cat-file", "-e", &have]).code == 0 {
            revisions.push_str(&format!("\n^{have}"));
        }
    }
    revisions.push('\n');
    let mut git = person.git_command();
    git.args(["pack-objects", "--revs", "--stdout", "-q", "--thin"]);
    run_with(&mut git, revisions.as_bytes())
        .assert_ok()
        .out
        .clone()
}

/// A pack of these objects and no other.
fn pack_exactly(person: &Person<'_>, oids: &[String]) -> Vec<u8> {
    let mut git = person.git_command();
    git.args(["pack-objects", "--stdout", "-q"]);
    let list = oids.join("\n") + "\n";
    run_with(&mut git, list.as_bytes()).assert_ok().out.clone()
}

/// Sends what `input` makes of it once the server has shown its refs; gives its answer and what hooks said.
fn run_after_advertisement(
    receive: &mut Command,
    input: impl FnOnce(&str) -> Vec<u8>,
) -> (String, String) {
    let mut child = receive
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let said = std::thread::spawn(move || {
        let mut said = Vec::new();
        stderr.read_to_end(&mut said).unwrap();
        String::from_utf8_lossy(&said).into_owned()
    });
    let input = input(&advertisement(&mut stdout));
    let writer = std::thread::spawn(move || {
        use std::io::Write;
        // A server that refuses early closes its end.
        let _ = stdin.write_all(&input);
    });
    let mut answer = Vec::new();
    stdout.read_to_end(&mut answer).unwrap();
    writer.join().unwrap();
    child.wait().unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    (answer, said.join().unwrap())
}

fn advertisement(stdout: &mut impl Read) -> String {
    let mut shown = Vec::new();
    loop {
        let mut head = [0; 4];
        stdout.read_exact(&mut head).unwrap();
        let length = usize::from_str_radix(std::str::from_utf8(&head).unwrap(), 16).unwrap();
        if length < 4 {
            return String::from_utf8_lossy(&shown).into_owned();
        }
        std::io::copy(&mut stdout.take(length as u64 - 4), &mut shown).unwrap();
    }
}
