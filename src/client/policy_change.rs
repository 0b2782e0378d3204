//! A change of the policy, made here: committed on top of the one in force, signed by the user's
//! own git, on a branch of the clone. Nothing is pushed.

use super::{ClientError, Workspace};
use crate::policy::POLICY_FILE;
use crate::types::{Oid, RefName, escape};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

impl Workspace {
    /// The text of the policy in force.
    ///
    /// # Errors
    /// When git cannot give it.
    pub fn policy_text(&self) -> Result<Vec<u8>, ClientError> {
        let name = format!("{}:{POLICY_FILE}", self.policy_id);
        self.git.ask(&["cat-file", "blob", &name])
    }

    /// Commits `text` as the policy on top of the one in force, under `branch`; its keys stay.
    ///
    /// # Errors
    /// When the branch holds something that is not in the policy's history, when the commit cannot
    /// be signed, or when git cannot make it.
    pub fn commit_policy(
        &self,
        text: &str,
        message: &str,
        branch: &RefName,
    ) -> Result<Oid, ClientError> {
        let before = self.replaceable(branch)?;
        let blob = ["hash-object", "-w", "--stdin"];
        let blob = parse(&blob, &self.git.ask_with(&blob, text.as_bytes())?)?;
        let parent = self.policy_id.to_string();
        let listed = self.git.ask(&["ls-tree", "-z", &parent])?;
        let mut tree = Vec::new();
        for entry in listed.split_inclusive(|byte| *byte == 0) {
            let name = entry.splitn(2, |byte| *byte == b'\t').nth(1);
            if name.and_then(|name| name.strip_suffix(b"\0")) != Some(POLICY_FILE.as_bytes()) {
                tree.extend_from_slice(entry);
            }
        }
        tree.extend(format!("100644 blob {blob}\t{POLICY_FILE}\0").bytes());
        let made = ["mktree", "-z"];
        let tree = parse(&made, &self.git.ask_with(&made, &tree)?)?.to_string();
        let commit = ["commit-tree", "-S", "-p", &parent, "-F", "-", &tree];
        let commit = self.git.ask_with(&commit, message.as_bytes());
        let commit = commit.map_err(|error| match error {
            // Without a signature nothing attributes the change, and the server refuses it.
            ClientError::GitSaid { .. } => ClientError::NotSigned,
            other => other,
        })?;
        let commit = parse(&["commit-tree"], &commit)?;
        let (new, old) = (
            commit.to_string(),
            before.map_or_else(|| "0".repeat(40), |oid| oid.to_string()),
        );
        let moved = ["update-ref", "-m", "relhook: policy change"].map(OsStr::new);
        let values = [
            OsStr::from_bytes(branch.as_bytes()),
            OsStr::new(&new),
            OsStr::new(&old),
        ];
        self.git.ask(&[moved.as_slice(), &values].concat())?;
        Ok(commit)
    }

    /// What the branch is now, if it may be moved: nothing that is not in force would be lost.
    fn replaceable(&self, branch: &RefName) -> Result<Option<Oid>, ClientError> {
        let Some(before) = self.object(branch.as_bytes())? else {
            return Ok(None);
        };
        let (old, policy) = (before.to_string(), self.policy_id.to_string());
        let merged = self
            .git
            .maybe(&["merge-base", "--is-ancestor", &old, &policy])?;
        match merged {
            Some(_) => Ok(Some(before)),
            None => Err(ClientError::Refspec {
                shown: escape(branch.as_bytes()),
                why: "the branch holds something that is not in force: name another with --branch, \
                      or delete it",
            }),
        }
    }
}

fn parse(args: &[&str], said: &[u8]) -> Result<Oid, ClientError> {
    let hex = said.strip_suffix(b"\n").unwrap_or(said);
    Oid::from_hex(hex).map_err(|_| ClientError::Odd {
        what: args.join(" "),
        said: escape(said),
    })
}
