//! Whether a stream's place is there, before anything has to go to it. Nothing is sent: not a byte of the
//! log, and to a program or a web hook nothing at all.

use super::{file, journald, syslog};
use crate::notify::reach as reach_webhook;
use crate::policy::{Bundle, StreamPlace};
use crate::types::StreamName;
use std::path::Path;

/// Looks whether the place of the policy's stream `name` is there: its socket, server or folder, and
/// whether its program could be started.
///
/// # Errors
/// Why it could not be used now. There is no secret in it.
pub fn reach(folder: &Path, bundle: &Bundle, name: &StreamName) -> Result<(), String> {
    let Some(stream) = bundle.policy.audit.streams.get(name) else {
        return Ok(());
    };
    match &stream.place {
        StreamPlace::Journald(socket) => journald::reach(socket),
        StreamPlace::Syslog(to) => syslog::reach(to, bundle),
        StreamPlace::File(path) => file::reach(path),
        StreamPlace::Command(words) => startable(words),
        StreamPlace::Webhook(webhook) => {
            let file = format!("stream-{}", name.as_str());
            reach_webhook(&file, webhook, folder)
        }
    }
}

fn startable(words: &[String]) -> Result<(), String> {
    let Some(program) = words.first() else {
        return Err("no program is named".into());
    };
    let path = Path::new(program);
    let meta = std::fs::metadata(path).map_err(|error| format!("{program}: {error}"))?;
    if !meta.is_file() {
        return Err(format!("{program} is no file"));
    }
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK)
        .map_err(|error| format!("{program} cannot be started: {error}"))
}
