//! The clone's own hook: says before a push what the server would say. It stops only what would
//! be refused for sure; whatever it cannot tell, it lets pass. It stops every push to a
//! server whose audit log was rewritten.

use super::{Assumed, ClientError, Freshness, Outlook, Planned, Workspace};
use crate::statement::STATEMENT_PREFIX;
use crate::types::{Oid, OidError, RefName};
use crate::ui;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// The longest line that is read, in bytes.
const MAX_LINE: u64 = 16 << 10;
/// The most refs that are looked at.
const MAX_REFS: usize = 10_000;

/// What the hook answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Advice {
    /// What goes to standard error.
    pub text: String,
    /// Whether the push is stopped.
    pub stop: bool,
}

impl Advice {
    fn go_on(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            stop: false,
        }
    }
}

/// A ref that git is about to push.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pushed {
    refname: RefName,
    new: Option<Oid>,
}

/// Judges the push that git describes on `input`.
pub fn pre_push(dir: &Path, remote: &OsStr, input: impl Read) -> Advice {
    match advise(dir, remote, input) {
        Ok(advice) => advice,
        // Whoever pushes now may push to a server that is not what it was.
        Err(error) if error.is_integrity() => Advice {
            text: format!("relhook: {error}\n{}\n", error.hint().unwrap_or_default()),
            stop: true,
        },
        Err(error) => Advice::go_on(format!(
            "relhook: what the server will say cannot be told: {error}\n"
        )),
    }
}

fn advise(dir: &Path, remote: &OsStr, input: impl Read) -> Result<Advice, ClientError> {
    let pushed = read(input)?;
    let concerns = |one: &Pushed| !one.refname.is_under(STATEMENT_PREFIX);
    if !pushed.iter().any(concerns) {
        return Ok(Advice::go_on(""));
    }
    // Most pushes concern no rule: what was fetched last tells so without asking the server.
    if let Ok(last) = Workspace::open(dir, Some(remote), Freshness::Offline)
        && !pushed
            .iter()
            .any(|one| last.policy().protects(&one.refname))
    {
        return Ok(Advice::go_on(""));
    }
    let workspace = match Workspace::open(dir, Some(remote), Freshness::Fetched) {
        Ok(workspace) => workspace,
        // A server without relhook has nothing to say.
        Err(ClientError::NoPolicy { .. }) => return Ok(Advice::go_on("")),
        Err(error) => return Err(error),
    };
    judge(&workspace, pushed)
}

fn judge(workspace: &Workspace, pushed: Vec<Pushed>) -> Result<Advice, ClientError> {
    let policy = workspace.policy();
    if !pushed.iter().any(|one| policy.protects(&one.refname)) {
        return Ok(Advice::go_on(""));
    }
    let mut planned: Vec<Planned> = Vec::new();
    for one in pushed {
        planned.extend(workspace.change(one.refname, one.new)?);
    }
    let pusher = Assumed::configured(&workspace.git, policy)?;
    let assessment = workspace.assess(&planned, &pusher)?;
    let unsigned = workspace.wants_signature()?;
    Ok(match assessment.outlook() {
        Outlook::Passes => Advice::go_on(if unsigned { UNSIGNED } else { "" }),
        Outlook::Unclear => Advice::go_on(format!(
            "relhook: whether this will be accepted cannot be told from here; {} says more\n",
            "relhook check"
        )),
        Outlook::Refused => Advice {
            text: format!(
                "{}\nThis clone's pre-push hook says so and stopped the push; the server was not asked.\n\
                 To ask it all the same: git push --no-verify\n",
                ui::report(&assessment.verdict, policy)
            ),
            stop: true,
        },
    })
}

/// git does not tell this hook whether `--signed` was said.
const UNSIGNED: &str = "relhook: the server knows you by signed pushes only; unless you said \
    --signed,\n         it will refuse this one. For all pushes: git config push.gpgSign true\n";

/// Reads lines of `<local ref> <local oid> <remote ref> <remote oid>`. The first may hold blanks:
/// it is whatever the user wrote.
fn read(input: impl Read) -> Result<Vec<Pushed>, ClientError> {
    let mut reader = BufReader::new(input);
    let mut pushed = Vec::new();
    loop {
        let mut line = Vec::new();
        let mut limited = reader.by_ref().take(MAX_LINE);
        limited.read_until(b'\n', &mut line).map_err(|source| {
            let path = "standard input".into();
            ClientError::Folder { path, source }
        })?;
        if line.is_empty() {
            return Ok(pushed);
        }
        if pushed.len() >= MAX_REFS {
            return Err(odd("too many refs"));
        }
        pushed.push(parse(&line).ok_or_else(|| odd("a line that is not git's"))?);
    }
}

fn parse(line: &[u8]) -> Option<Pushed> {
    let line = line.strip_suffix(b"\n")?;
    let mut fields = line.rsplitn(4, |byte| *byte == b' ');
    let (_old, name, new) = (fields.next()?, fields.next()?, fields.next()?);
    fields.next()?;
    let new = match Oid::from_hex(new) {
        Ok(oid) => Some(oid),
        Err(OidError::Zero) => None,
        Err(OidError::Malformed) => return None,
    };
    Some(Pushed {
        refname: RefName::new(name).ok()?,
        new,
    })
}

fn odd(said: &str) -> ClientError {
    ClientError::Odd {
        what: "push".into(),
        said: said.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_wrote_may_hold_blanks() {
        let oid = "8d01e77ab12c00000000000000000000000000ff";
        let zero = "0".repeat(40);
        let line = format!("HEAD^{{/fix it}} {oid} refs/heads/prod {zero}\n");
        let pushed = parse(line.as_bytes()).unwrap();
        assert_eq!(pushed.refname.to_string(), "refs/heads/prod");
        assert_eq!(pushed.new, Some(oid.parse().unwrap()));
        let line = format!("(delete) {zero} refs/heads/prod {oid}\n");
        assert_eq!(parse(line.as_bytes()).unwrap().new, None);
        assert!(read(&b"odd\n"[..]).is_err());
        assert_eq!(read(&b""[..]).unwrap(), []);
    }
}
