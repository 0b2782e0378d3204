//! `relhook audit heartbeat`: an entry that says that somebody was there, and if that was asked for,
//! what time a third party says that it was.

use super::{broken, now};
use crate::audit::{
    AuditError, AuditLog, Checkpoint, Event, HeartbeatRecord, StampRecord, StampSigner,
};
use crate::cli::Answer;
use crate::http::{Ask, Client, Pace};
use crate::server::Server;
use crate::stamp::{MAX_ANSWER, Question, Stamp, trusted};
use crate::streams::pump_at;
use crate::types::escape;
use crate::ui;
use anyhow::Context;
use rustls::pki_types::CertificateDer;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long an authority is waited for. The heartbeat is written all the same.
const PACE: Pace = Pace {
    connect: Duration::from_secs(10),
    silence: Duration::from_secs(20),
    whole: Duration::from_secs(30),
};

/// What `relhook audit heartbeat` is asked for.
#[derive(Debug, clap::Args)]
pub struct HeartbeatArgs {
    /// Ask this authority (RFC 3161) for a timestamp of the log, and keep it
    #[arg(long, value_name = "URL")]
    timestamp: Option<String>,
    /// The certificates of the authorities that its signature has to lead to (PEM); without it, the
    /// timestamp is kept unverified
    #[arg(long, value_name = "FILE", requires = "timestamp")]
    authority: Option<PathBuf>,
}

impl HeartbeatArgs {
    /// Writes the entry.
    ///
    /// # Errors
    /// When the log cannot be written, or the file with the authorities cannot be read.
    pub fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        let server = Server::around(dir)?;
        // What cannot be told now is told with the next push.
        let _ = server.tell_moves(now());
        let owed = server.tell_debts(now()).unwrap_or(false);
        let log = &server.log;
        let authorities = self.authority.as_deref().map(authorities).transpose()?;
        let stamp = match &self.timestamp {
            None => None,
            Some(url) => match stamped(log, url, authorities.as_deref()) {
                Ok(stamp) => Some(stamp),
                Err(error) => return broken(error),
            },
        };
        if let Some(told) = stamp.as_ref().map(told) {
            ui::emit_error(&format!("relhook: {told}\n"));
        }
        let event = Event::Heartbeat(HeartbeatRecord { stamp });
        let recorded = match log.append(now(), event) {
            Ok(recorded) => recorded,
            Err(error) => return broken(error),
        };
        if owed {
            // A deadline that passes is noticed without any push.
            crate::hook::tell_people(&server);
        }
        let mut answer = Answer::pass(format!("{}\n", recorded.checkpoint));
        if let Err(error) = pump_at(server.store.git_dir()) {
            answer.text += &format!("nothing was sent to the streams: {error}\n");
        }
        Ok(answer)
    }
}

/// What came of asking, in words.
pub(super) fn told(stamp: &StampRecord) -> String {
    match stamp {
        StampRecord::Kept {
            size,
            at,
            signer: StampSigner::Verified,
            ..
        } => format!("timestamp of {size} entries, {at}"),
        StampRecord::Kept { size, at, .. } => {
            format!("timestamp of {size} entries, {at}; nobody verified who signed it")
        }
        StampRecord::Missing { why } => format!("no timestamp: {why}"),
    }
}

fn authorities(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let pem = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    crate::trust::authorities(Some(&pem))
        .map_err(|why| anyhow::anyhow!("{}: {why}", path.display()))
}

/// Asks for a timestamp of what the log is. That there is none is no error of the log's.
fn stamped(
    log: &AuditLog,
    url: &str,
    authorities: Option<&[CertificateDer<'_>]>,
) -> Result<StampRecord, AuditError> {
    let checkpoint = log.last()?.checkpoint;
    let stamp = match asked(&checkpoint, url) {
        Ok(stamp) => stamp,
        Err(why) => return Ok(StampRecord::Missing { why }),
    };
    let signer = match authorities.map(|authorities| trusted(&stamp, authorities)) {
        None => StampSigner::Unverified,
        Some(Ok(())) => StampSigner::Verified,
        Some(Err(fault)) => {
            let why = fault.to_string();
            return Ok(StampRecord::Missing { why });
        }
    };
    Ok(StampRecord::Kept {
        size: checkpoint.size,
        root: checkpoint.root_base64(),
        at: stamp.time,
        token: log.keep(&stamp.token)?,
        signer,
    })
}

/// The timestamp, or why there is none. No message holds the URL: there may be a password in it.
fn asked(checkpoint: &Checkpoint, url: &str) -> Result<Stamp, String> {
    let mut nonce = [0; 8];
    let random = File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut nonce));
    random.map_err(|error| error.to_string())?;
    let question = Question::about(checkpoint.body().as_bytes(), nonce);
    let body = question.request().map_err(|fault| fault.to_string())?;
    let client = match url.split_once("://") {
        // What counts is signed, so many authorities are reached in the clear.
        Some(("http", _)) => Client::plain(1, PACE),
        Some(("https", _)) => Client::new(None, 1, PACE).map_err(|error| error.to_string())?,
        _ => return Err("the authority's address is neither http nor https".into()),
    };
    let answer = client.send(&Ask {
        method: "POST",
        url,
        headers: &[
            ("Content-Type", "application/timestamp-query"),
            ("Accept", "application/timestamp-reply"),
        ],
        body: Some(&body),
        sent: &|_| (),
        limit: MAX_ANSWER,
    });
    let answer = answer.map_err(|error| escape(error.to_string().as_bytes()))?;
    if !answer.is_success() {
        return Err(format!(
            "the authority answered with status {}",
            answer.status
        ));
    }
    let stamp = question.answered(&answer.body);
    stamp.map_err(|fault| fault.to_string())
}
