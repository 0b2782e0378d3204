//! Objects written byte by byte, past what `git commit` would let through.

use super::Person;
use super::run::run_with;

/// A commit object's text.
#[derive(Debug, Clone)]
pub struct CommitText {
    /// The header lines, each with its line break.
    pub headers: Vec<String>,
    /// What stands after the blank line.
    pub message: String,
}

impl CommitText {
    /// The text of a commit that is there, without its signature.
    #[track_caller]
    pub fn of(person: &Person<'_>, commit: &str) -> Self {
        let raw = person
            .try_git(&["cat-file", "commit", commit])
            .assert_ok()
            .out
            .clone();
        let raw = String::from_utf8(raw).unwrap();
        let (headers, message) = raw.split_once("\n\n").unwrap();
        let mut kept = Vec::new();
        let mut in_signature = false;
        for line in headers.lines() {
            in_signature = line.starts_with("gpgsig") || (in_signature && line.starts_with(' '));
            if !in_signature {
                kept.push(format!("{line}\n"));
            }
        }
        Self {
            headers: kept,
            message: message.to_owned(),
        }
    }

    /// The whole text.
    pub fn bytes(&self) -> Vec<u8> {
        format!("{}\n{}", self.headers.concat(), self.message).into_bytes()
    }
}

/// A tree object's entries, written as they are given.
#[derive(Debug, Clone, Default)]
pub struct TreeText(Vec<u8>);

impl TreeText {
    /// One more entry.
    #[must_use]
    pub fn entry(mut self, mode: &str, name: &[u8], oid: &str) -> Self {
        self.0.extend(mode.as_bytes());
        self.0.push(b' ');
        self.0.extend(name);
        self.0.push(0);
        let pairs = oid.as_bytes().chunks(2);
        let hex = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16);
        self.0.extend(pairs.map(|pair| hex(pair).unwrap()));
        self
    }

    /// Writes it into a person's clone; its id.
    #[track_caller]
    pub fn write(&self, person: &Person<'_>) -> String {
        person.writes_object("tree", &self.0)
    }
}

impl Person<'_> {
    /// Writes an object as it is.
    #[track_caller]
    pub fn writes_object(&self, kind: &str, bytes: &[u8]) -> String {
        let mut git = self.git_command();
        git.args(["hash-object", "-w", "--literally", "--stdin", "-t", kind]);
        run_with(&mut git, bytes).text()
    }

    /// Signs bytes with their own key, as git would: the armor.
    #[track_caller]
    pub fn signature_over(&self, payload: &[u8]) -> String {
        let key = self.git(&["config", "user.signingKey"]);
        let ran = if self.git(&["config", "gpg.format"]) == "openpgp" {
            let mut gpg = self.command("gpg");
            gpg.args(["--batch", "--armor", "--detach-sign", "-u", &key]);
            run_with(&mut gpg, payload)
        } else {
            let mut keygen = self.command("ssh-keygen");
            keygen.args(["-q", "-Y", "sign", "-n", "git", "-f", &key]);
            run_with(&mut keygen, payload)
        };
        String::from_utf8(ran.assert_ok().out.clone()).unwrap()
    }

    /// Writes a commit with their own signature over exactly this text.
    #[track_caller]
    pub fn writes_signed_commit(&self, text: &CommitText) -> String {
        let armor = self.signature_over(&text.bytes());
        let mut signed = text.clone();
        signed.headers.push(format!(
            "gpgsig {}\n",
            armor.trim_end().replace('\n', "\n ")
        ));
        self.writes_object("commit", &signed.bytes())
    }
}
