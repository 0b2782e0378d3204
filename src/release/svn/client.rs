//! `svn` and `svnmucc`: without a shell, with settings of their own, and with the password on their
//! standard input.

use crate::folder::{private_dir, replace_file};
use crate::policy::{SvnAccess, SvnTarget};
use crate::release::error::shown_end;
use crate::release::program::{self, Ended, Input};
use crate::release::run::Job;
use crate::release::ssh;
use crate::release::{Login, MANIFEST_LIMIT, ReleaseError, Shelves};
use crate::types::RepoPath;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// How long one call may take.
const LIMIT: Duration = Duration::from_secs(4 * 60 * 60);

/// The most that a call may answer, in bytes.
const ANSWER_LIMIT: usize = 512 * 1024 * 1024;

/// Where something that was read out is, in the target's own folder.
const EXPORT: &str = "svn/export";

/// What a call answered.
#[derive(Debug)]
pub(super) struct Answer {
    /// What it wrote.
    pub(super) output: Vec<u8>,
    /// How it ended.
    pub(super) ended: Ended,
}

/// One folder of one repository.
pub(super) struct Client<'a> {
    pub(super) job: &'a Job<'a>,
    /// The folder's URL.
    pub(super) url: String,
    svn: PathBuf,
    svnmucc: PathBuf,
    login: Option<Login>,
    env: Vec<(OsString, OsString)>,
}

impl<'a> Client<'a> {
    /// Finds the programs and the credentials, and writes the settings.
    pub(super) fn new(job: &'a Job<'a>, target: &SvnTarget) -> Result<Self, ReleaseError> {
        let (svn, svnmucc) = (program::find("svn")?, program::find("svnmucc")?);
        let (login, env) = match &target.access {
            SvnAccess::Ssh(login) => {
                let env = ssh::prepare(job, &target.host, login)?;
                (None, env)
            }
            SvnAccess::Plain { .. } | SvnAccess::Https { .. } => {
                let shelves = Shelves::from_env(job.setting.folder);
                {
                    let login = shelves.credentials(&job.order.target.name)?.login()?;
                    (Some(login), Vec::new())
                }
            }
        };
        let client = Self {
            job,
            url: target.url(),
            svn,
            svnmucc,
            login,
            env,
        };
        client.settle()?;
        Ok(client)
    }

    /// Writes the settings: nothing is remembered, nobody is asked, no certificate is taken that
    /// the policy's or the machine's authorities have not signed.
    fn settle(&self) -> Result<(), ReleaseError> {
        let dir = self.job.desk.file("svn");
        private_dir(&dir).map_err(ReleaseError::io(&dir))?;
        let (trust, ca) = match &self.job.order.ca {
            Some(ca) => ("no", ca.as_slice()),
            None => ("yes", &[][..]),
        };
        let files = match ca.is_empty() {
            true => "",
            false => "ssl-authority-files = svn/ca.pem\n",
        };
        let servers = format!(
            "[global]\n{files}ssl-trust-default-ca = {trust}\nhttp-timeout = 300\n\
             store-passwords = no\nstore-plaintext-passwords = no\nstore-ssl-client-cert-pp = no\n"
        );
        let config = format!(
            "[auth]\npassword-stores =\nstore-passwords = no\nstore-auth-creds = no\n\
             [tunnels]\nssh = {}\n[miscellany]\nenable-auto-props = no\nglobal-ignores =\n",
            ssh::COMMAND
        );
        for (name, text) in [
            ("ca.pem", ca),
            ("servers", servers.as_bytes()),
            ("config", config.as_bytes()),
        ] {
            let path = dir.join(name);
            replace_file(&path, text).map_err(ReleaseError::io(&path))?;
        }
        Ok(())
    }

    /// Asks `svn`.
    pub(super) fn svn(&self, args: &[&str]) -> Result<Answer, ReleaseError> {
        self.call(&self.svn, args)
    }

    /// Has `svnmucc` commit.
    pub(super) fn svnmucc(&self, args: &[&str]) -> Result<Answer, ReleaseError> {
        self.call(&self.svnmucc, args)
    }

    fn call(&self, program: &std::path::Path, args: &[&str]) -> Result<Answer, ReleaseError> {
        let mut all = vec![
            "--non-interactive",
            "--no-auth-cache",
            "--config-dir",
            "svn",
        ];
        if let Some(login) = &self.login {
            all.extend(["--password-from-stdin", "--username", &login.user]);
        }
        all.extend(args);
        let input = match &self.login {
            Some(login) => Input::Secret(login.password.reveal().as_bytes()),
            None => Input::Nothing,
        };
        let mut output = Vec::new();
        let call = program::Call {
            program,
            args: all.iter().map(OsString::from).collect(),
            dir: &self.job.desk.file(""),
            env: self.env.clone(),
            input,
            limit: LIMIT,
            writes: program::Writes::Anything,
        };
        let ended = program::run(self.job.desk, call, &mut |bytes| {
            output.extend_from_slice(bytes);
            match output.len() > ANSWER_LIMIT {
                false => Ok(()),
                true => Err(self.failed("it answers more than 512 MiB".into())),
            }
        })?;
        Ok(Answer { output, ended })
    }

    /// A file's content in one revision.
    pub(super) fn read(&self, name: &str, revision: u64) -> Result<Vec<u8>, ReleaseError> {
        let url = format!("{}/{name}@{revision}", self.url);
        let answer = self.svn(&["cat", "--", &url])?;
        if !answer.ended.is_well() {
            return Err(self.error(&answer.ended));
        }
        if answer.output.len() as u64 > MANIFEST_LIMIT {
            return Err(self.failed("the manifest is too large".into()));
        }
        Ok(answer.output)
    }

    /// Reads out what is at a path of one revision, the folder itself if it is empty, and gives where
    /// it is. Nothing that the folder's properties name elsewhere is fetched.
    pub(super) fn export(&self, path: &str, revision: u64) -> Result<PathBuf, ReleaseError> {
        self.forget_export()?;
        let url = format!("{}{path}@{revision}", self.url);
        let answer = self.svn(&["export", "-q", "--ignore-externals", "--", &url, EXPORT])?;
        match answer.ended.is_well() {
            true => Ok(self.job.desk.file(EXPORT)),
            false => Err(self.error(&answer.ended)),
        }
    }

    /// Removes what was read out.
    pub(super) fn forget_export(&self) -> Result<(), ReleaseError> {
        let path = self.job.desk.file(EXPORT);
        let gone = match std::fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_dir() => std::fs::remove_dir_all(&path),
            Ok(_) => std::fs::remove_file(&path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        gone.map_err(ReleaseError::io(&path))
    }

    /// What a call that did not end well means.
    pub(super) fn error(&self, ended: &Ended) -> ReleaseError {
        let text = String::from_utf8_lossy(&ended.messages);
        let says = |codes: &[&str]| codes.iter().any(|code| text.contains(code));
        let site = self.url.clone();
        let why = shown_end(&ended.messages);
        if let Some(fault) = ssh::fault(&site, &ended.messages) {
            return fault;
        }
        // Subversion's own numbers, which its translations keep.
        if says(&["E170001", "E215004", "E215003", "E175013"]) {
            ReleaseError::Login { site, reply: why }
        } else if says(&["E230001", "E120171"]) {
            ReleaseError::Tls { site, why }
        } else if says(&[
            "E160028", "E160024", "E155011", "E170004", "E160020", "E160016",
        ]) {
            ReleaseError::MovedOn { place: site, why }
        } else if says(&[
            "E170013", "E210002", "E210003", "E210004", "E175002", "E175012", "E120106", "E120108",
            "E000104", "E000110", "E000111", "E000032", "E670",
        ]) {
            ReleaseError::Unreachable {
                site,
                step: "svn".into(),
                why,
            }
        } else {
            self.failed(ended.told())
        }
    }

    fn failed(&self, why: String) -> ReleaseError {
        ReleaseError::ProgramFailed {
            program: self.svn.display().to_string(),
            why,
        }
    }
}

/// A path as the end of a URL, with nothing in it that `svn` could read otherwise.
pub(super) fn encoded(path: &RepoPath) -> String {
    let mut text = String::with_capacity(path.as_bytes().len());
    for byte in path.as_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                text.push(char::from(*byte));
            }
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}
