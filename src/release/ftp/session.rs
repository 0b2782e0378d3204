//! One logged-in connection: the few commands that a release needs, with typed answers.

use super::ahead::{self, Reply};
use super::listing;
use super::stream::{Control, Stream};
use crate::release::redact::Redactor;
use crate::release::site::{Answered, Entry, Session};
use crate::release::{FileKind, Login, ReleaseError};
use crate::types::escape;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use suppaftp::{FtpError, FtpResult, ImplFtpStream, Status};

/// How many bytes are handed over at once.
const CHUNK: usize = 64 * 1024;

/// The library's connection, with TLS of our own making.
pub(super) type FtpStream = ImplFtpStream<Stream>;

/// A connection that is logged in.
pub(super) struct FtpSession {
    ftp: FtpStream,
    site: String,
    /// The control connection's TLS, if it has any.
    control: Control,
    /// What is known of the site, for all of its connections.
    habits: Arc<Habits>,
    /// What of its answers is not shown.
    redactor: Redactor,
}

/// What a site turned out to do.
#[derive(Debug, Default)]
pub(super) struct Habits {
    /// It did not answer commands that were sent ahead.
    pub(super) one_at_a_time: AtomicBool,
    /// It does not know `MLSD`.
    pub(super) no_mlsd: AtomicBool,
}

/// Turns a failed command into an error, without any secret.
pub(super) fn refused(
    site: &str,
    step: &str,
    error: FtpError,
    redactor: &Redactor,
) -> ReleaseError {
    let shown = |why: &str| redactor.shown(why.as_bytes());
    let unreachable = |why: &str| ReleaseError::Unreachable {
        site: site.to_owned(),
        step: step.to_owned(),
        why: shown(why),
    };
    let distrusted = |why: &str| ReleaseError::Tls {
        site: site.to_owned(),
        why: shown(why),
    };
    match error {
        FtpError::UnexpectedResponse(response) => {
            let (code, text) = split(&response.body);
            ReleaseError::Refused {
                site: site.to_owned(),
                step: step.to_owned(),
                code,
                reply: redactor.shown(text),
            }
        }
        FtpError::ConnectionError(error) => match untrusted(&error) {
            Some(why) => distrusted(&why),
            None => unreachable(&error.to_string()),
        },
        FtpError::SecureError(why) => distrusted(&why),
        FtpError::BadResponse | FtpError::InvalidAddress(_) => {
            unreachable("the site's answer is not FTP")
        }
        FtpError::DataConnectionAlreadyOpen => unreachable("a transfer is still open"),
    }
}

/// The reply's code and its text.
fn split(body: &[u8]) -> (u32, &[u8]) {
    let code = body
        .get(..3)
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .and_then(|digits| digits.parse().ok());
    (code.unwrap_or(0), body.get(4..).unwrap_or_default())
}

/// What TLS objects to, if that is why the connection failed.
fn untrusted(error: &std::io::Error) -> Option<String> {
    error
        .get_ref()?
        .downcast_ref::<rustls::Error>()
        .map(ToString::to_string)
}

impl FtpSession {
    /// A connection that is not logged in yet.
    pub(super) fn new(
        ftp: FtpStream,
        site: String,
        control: Control,
        habits: Arc<Habits>,
        redactor: Redactor,
    ) -> Self {
        Self {
            ftp,
            site,
            control,
            habits,
            redactor,
        }
    }

    /// What is known of the site.
    pub(super) fn habits(&self) -> &Habits {
        &self.habits
    }

    fn sends_ahead(&self, paths: &[String]) -> bool {
        paths.len() > 1 && !self.habits.one_at_a_time.load(Ordering::Relaxed)
    }

    /// The same command for many paths, sent in one go.
    fn burst(&mut self, verb: &str, paths: &[String]) -> Result<Vec<Reply>, ReleaseError> {
        let commands: Vec<String> = paths.iter().map(|path| format!("{verb} {path}")).collect();
        self.send_ahead(verb, &commands)
    }

    /// Commands in one go. Where that does not work, the next connection asks one at a time.
    fn send_ahead(&mut self, step: &str, commands: &[String]) -> Result<Vec<Reply>, ReleaseError> {
        let control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        let replies = match control.clone() {
            Some(mut tls) => ahead::burst(&mut tls, commands),
            None => {
                let socket = self.ftp.get_ref();
                let mut tcp: &TcpStream = &socket;
                ahead::burst(&mut tcp, commands)
            }
        };
        drop(control);
        replies.map_err(|error| {
            if error.kind() != ErrorKind::ConnectionAborted {
                self.habits.one_at_a_time.store(true, Ordering::Relaxed);
            }
            self.fail(step, FtpError::ConnectionError(error))
        })
    }

    fn unexpected(&self, verb: &str, path: &str, reply: &Reply) -> ReleaseError {
        ReleaseError::Refused {
            site: self.site.clone(),
            step: escape(format!("{verb} {path}").as_bytes()),
            code: reply.code,
            reply: self.redactor.shown(&reply.text),
        }
    }

    /// Logs in.
    pub(super) fn login(&mut self, credentials: &Login) -> Result<(), ReleaseError> {
        let password = credentials.password.reveal();
        let reply = match self.ftp.login(credentials.user.as_str(), password) {
            Ok(()) => return Ok(()),
            Err(FtpError::UnexpectedResponse(reply)) => reply,
            Err(error) => return Err(self.fail("log in", error)),
        };
        let (code, text) = split(&reply.body);
        let shown = self.redactor.shown(text);
        let site = self.site.clone();
        Err(match code {
            430 | 530 | 532 => ReleaseError::Login { site, reply: shown },
            _ => ReleaseError::Refused {
                site,
                step: "log in".into(),
                code,
                reply: shown,
            },
        })
    }

    /// Asks for names in UTF-8. Sites that need no asking may say no.
    pub(super) fn want_utf8(&mut self) {
        let _ = self.ftp.opts("UTF8", Some("ON"));
    }

    /// The library's connection, for what only a listing needs.
    pub(super) fn library(&mut self) -> &mut FtpStream {
        &mut self.ftp
    }

    /// Runs a command whose failure ends the run or the connection.
    pub(super) fn step<T>(
        &mut self,
        step: &str,
        run: impl FnOnce(&mut FtpStream) -> FtpResult<T>,
    ) -> Result<T, ReleaseError> {
        run(&mut self.ftp).map_err(|error| self.fail(step, error))
    }

    pub(super) fn fail(&self, step: &str, error: FtpError) -> ReleaseError {
        let step = escape(step.as_bytes());
        refused(&self.site, &step, error, &self.redactor)
    }

    /// Reads 550 as "not there"; anything else that is not a yes is an error.
    pub(super) fn there<T>(
        &self,
        step: &str,
        result: FtpResult<T>,
    ) -> Result<Option<T>, ReleaseError> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(FtpError::UnexpectedResponse(reply)) if reply.status == Status::FileUnavailable => {
                Ok(None)
            }
            Err(error) => Err(self.fail(step, error)),
        }
    }
}

impl Session for FtpSession {
    /// Whether a directory is there.
    fn is_dir(&mut self, path: &str) -> Result<bool, ReleaseError> {
        let result = self.ftp.cwd(path);
        self.there(&format!("CWD {path}"), result)
            .map(|there| there.is_some())
    }

    /// A file's size; `None` if there is no such file.
    fn size(&mut self, path: &str) -> Result<Option<u64>, ReleaseError> {
        let result = self.ftp.size(path);
        self.there(&format!("SIZE {path}"), result)
            .map(|size| size.map(|size| size as u64))
    }

    /// Sends a file. Only the site's own word that the transfer is complete makes it a success.
    fn put(
        &mut self,
        path: &str,
        content: &[u8],
        _: FileKind,
        sent: &dyn Fn(usize),
    ) -> Result<(), ReleaseError> {
        let step = format!("STOR {path}");
        let mut stream = self
            .ftp
            .put_with_stream(path)
            .map_err(|error| self.fail(&step, error))?;
        // Flushing shakes hands, which an empty file would otherwise never do. (An empty write does
        // too, and then waits for the site to say something.)
        let written = stream.flush().and_then(|()| {
            content
                .chunks(CHUNK)
                .try_for_each(|chunk| stream.write_all(chunk).inspect(|()| sent(chunk.len())))
        });
        let written = written.and_then(|()| stream.flush());
        let finished = stream.finish();
        match (written, finished) {
            (Ok(()), finished) => finished,
            // The site's reason says more than the broken pipe that it caused.
            (Err(_), Err(FtpError::UnexpectedResponse(reply))) => {
                Err(FtpError::UnexpectedResponse(reply))
            }
            (Err(error), Ok(()) | Err(_)) => Err(FtpError::ConnectionError(error)),
        }
        .map_err(|error| self.fail(&step, error))
    }

    /// Reads a file of at most `limit` bytes.
    fn get(&mut self, path: &str, limit: u64) -> Result<Vec<u8>, ReleaseError> {
        let step = format!("RETR {path}");
        let mut bytes = Vec::new();
        let stream = self
            .ftp
            .retr_as_stream(path)
            .map_err(|error| self.fail(&step, error))?;
        let mut reader = stream.take(limit.saturating_add(1));
        let read = reader.read_to_end(&mut bytes);
        let finished = reader.into_inner().finish();
        if bytes.len() as u64 > limit {
            return Err(ReleaseError::Manifest {
                place: format!("{}{}", self.site, crate::types::escape(path.as_bytes())),
                why: format!("it is larger than {limit} bytes"),
            });
        }
        read.map_err(FtpError::ConnectionError)
            .and(finished)
            .map_err(|error| self.fail(&step, error))?;
        Ok(bytes)
    }

    /// Renames a file, over another one if need be.
    fn rename(&mut self, from: &str, to: &str) -> Result<(), ReleaseError> {
        self.step(&format!("RNTO {to}"), |ftp| ftp.rename(from, to))
    }

    /// Removes a file that may be gone already.
    fn delete(&mut self, path: &str) -> Result<(), ReleaseError> {
        match self.step(&format!("DELE {path}"), |ftp| ftp.rm(path)) {
            Err(error @ ReleaseError::Refused { code: 550, .. }) => match self.size(path)? {
                None => Ok(()),
                Some(_) => Err(error),
            },
            result => result,
        }
    }

    /// Makes a directory that may be there already.
    fn make_dir(&mut self, path: &str) -> Result<(), ReleaseError> {
        match self.step(&format!("MKD {path}"), |ftp| ftp.mkdir(path)) {
            Err(
                error @ ReleaseError::Refused {
                    code: 550 | 521, ..
                },
            ) => {
                if self.is_dir(path)? {
                    Ok(())
                } else {
                    Err(error)
                }
            }
            result => result,
        }
    }

    /// Removes a directory if it is empty. Says whether it is gone.
    fn remove_dir(&mut self, path: &str) -> Result<bool, ReleaseError> {
        match self.step(&format!("RMD {path}"), |ftp| ftp.rmdir(path)) {
            Ok(()) => Ok(true),
            Err(ReleaseError::Refused {
                code: 450 | 521 | 550,
                ..
            }) => self.is_dir(path).map(|there| !there),
            Err(error) => Err(error),
        }
    }

    /// The entries of a directory, hidden ones included; none if there is no such directory.
    fn list(&mut self, path: &str) -> Result<Vec<Entry>, ReleaseError> {
        // A file's listing would be the file itself.
        if !self.is_dir(path)? {
            return Ok(Vec::new());
        }
        listing::list(self, path)
    }

    fn are_dirs(&mut self, paths: &[String]) -> Result<Vec<bool>, ReleaseError> {
        if !self.sends_ahead(paths) {
            return paths.iter().map(|path| self.is_dir(path)).collect();
        }
        let replies = self.burst("CWD", paths)?;
        let answer = |(path, reply): (&String, Reply)| match reply.code {
            200 | 250 => Ok(true),
            550 => Ok(false),
            _ => Err(self.unexpected("CWD", path, &reply)),
        };
        paths.iter().zip(replies).map(answer).collect()
    }

    fn make_dirs(&mut self, paths: &[String]) -> Result<(), ReleaseError> {
        if !self.sends_ahead(paths) {
            return paths.iter().try_for_each(|path| self.make_dir(path));
        }
        let replies = self.burst("MKD", paths)?;
        for (path, reply) in paths.iter().zip(replies) {
            if reply.code != 257 && !(matches!(reply.code, 521 | 550) && self.is_dir(path)?) {
                return Err(self.unexpected("MKD", path, &reply));
            }
        }
        Ok(())
    }

    fn sizes(&mut self, paths: &[String]) -> Result<Vec<Option<u64>>, ReleaseError> {
        if !self.sends_ahead(paths) {
            return paths.iter().map(|path| self.size(path)).collect();
        }
        let replies = self.burst("SIZE", paths)?;
        let answer = |(path, reply): (&String, Reply)| {
            let text = String::from_utf8_lossy(&reply.text).into_owned();
            match (reply.code, text.trim().parse()) {
                (213, Ok(size)) => Ok(Some(size)),
                (550, _) => Ok(None),
                _ => Err(self.unexpected("SIZE", path, &reply)),
            }
        };
        paths.iter().zip(replies).map(answer).collect()
    }

    fn renames(
        &mut self,
        pairs: &[(String, String)],
        answered: &mut Answered<'_>,
    ) -> Result<(), ReleaseError> {
        let names: Vec<String> = pairs.iter().map(|(_, to)| to.clone()).collect();
        if !self.sends_ahead(&names) {
            for (at, (from, to)) in pairs.iter().enumerate() {
                let result = self.rename(from, to);
                answered(at, result)?;
            }
            return Ok(());
        }
        let commands: Vec<String> = pairs
            .iter()
            .flat_map(|(from, to)| [format!("RNFR {from}"), format!("RNTO {to}")])
            .collect();
        let mut replies = self.send_ahead("RNTO", &commands)?.into_iter();
        for (at, (from, to)) in pairs.iter().enumerate() {
            let result = match (replies.next(), replies.next()) {
                (Some(first), Some(_)) if first.code != 350 => {
                    Err(self.unexpected("RNFR", from, &first))
                }
                (Some(_), Some(second)) if second.code == 250 => Ok(()),
                (_, Some(second)) => Err(self.unexpected("RNTO", to, &second)),
                (_, None) => Err(ReleaseError::Objects("an answer is missing".into())),
            };
            answered(at, result)?;
        }
        Ok(())
    }

    fn deletes(
        &mut self,
        paths: &[String],
        answered: &mut Answered<'_>,
    ) -> Result<(), ReleaseError> {
        if !self.sends_ahead(paths) {
            for (at, path) in paths.iter().enumerate() {
                let result = self.delete(path);
                answered(at, result)?;
            }
            return Ok(());
        }
        let replies = self.burst("DELE", paths)?;
        for (at, (path, reply)) in paths.iter().zip(replies).enumerate() {
            let gone = match reply.code {
                250 => true,
                550 => self.size(path)?.is_none(),
                _ => false,
            };
            let result = match gone {
                true => Ok(()),
                false => Err(self.unexpected("DELE", path, &reply)),
            };
            answered(at, result)?;
        }
        Ok(())
    }
}
