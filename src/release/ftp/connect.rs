//! How a connection to an FTP site is opened, and what is trusted.

use super::session::{FtpSession, FtpStream, Habits};
use super::stream::{Control, Timed, limit};
use crate::policy::{FtpTarget, TlsMode};
use crate::release::redact::Redactor;
use crate::release::site::{Connector, Placing, Session};
use crate::release::{Login, ReleaseError};
use crate::trust::roots;
use crate::types::escape;
use rustls::{ClientConfig, RootCertStore};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use suppaftp::types::FileType;
use suppaftp::{FtpError, Mode};

/// How long a connection may take to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// How long the site may be silent, while it is to answer or to take data.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(120);

/// How many commands are sent ahead: few enough that neither side waits for the other with its
/// buffers full.
const AHEAD: usize = 32;

/// Everything that a connection needs.
#[derive(Debug)]
pub(super) struct FtpConnector {
    target: FtpTarget,
    credentials: Login,
    roots: Arc<RootCertStore>,
    habits: Arc<Habits>,
    redactor: Redactor,
}

impl Connector for FtpConnector {
    /// Opens a connection, checks the site's certificate, logs in and sets the mode.
    fn connect(&self) -> Result<Box<dyn Session>, ReleaseError> {
        let control = Control::default();
        let stream = match self.target.tls {
            TlsMode::Plain => self.plain()?,
            TlsMode::Explicit => self.explicit(&control)?,
            TlsMode::Implicit => self.implicit(&control)?,
        };
        let habits = Arc::clone(&self.habits);
        let redactor = self.redactor.clone();
        let mut session = FtpSession::new(stream, self.site(), control, habits, redactor);
        session.login(&self.credentials)?;
        session.step("TYPE I", |ftp| ftp.transfer_type(FileType::Binary))?;
        session.want_utf8();
        Ok(Box::new(session))
    }

    fn sessions(&self) -> usize {
        self.target.connections as usize
    }

    fn ahead(&self) -> usize {
        AHEAD
    }

    fn placing(&self) -> Placing {
        Placing::Aside
    }
}

impl FtpConnector {
    /// A connector to `target` that trusts the authorities in `ca`, or the machine's own.
    pub(super) fn new(
        target: &FtpTarget,
        credentials: Login,
        ca: Option<&[u8]>,
    ) -> Result<Self, ReleaseError> {
        let roots = match target.tls {
            TlsMode::Plain => RootCertStore::empty(),
            TlsMode::Explicit | TlsMode::Implicit => {
                roots(ca).map_err(|why| ReleaseError::Tls {
                    site: site(target),
                    why,
                })?
            }
        };
        Ok(Self {
            target: target.clone(),
            redactor: Redactor::of_login(&credentials),
            credentials,
            roots: Arc::new(roots),
            habits: Arc::new(Habits::default()),
        })
    }

    /// Host and port, for messages.
    pub(super) fn site(&self) -> String {
        site(&self.target)
    }

    fn plain(&self) -> Result<FtpStream, ReleaseError> {
        let greeted = FtpStream::connect_with_stream(self.dial()?);
        greeted
            .map(prepared)
            .map_err(|error| self.lost("connect", error))
    }

    fn explicit(&self, control: &Control) -> Result<FtpStream, ReleaseError> {
        self.plain()?
            .into_secure(self.tls(control)?, &self.target.host)
            .map_err(|error| self.lost("AUTH TLS", error))
    }

    /// The greeting comes through TLS, and the data connections have to be asked for TLS too.
    fn implicit(&self, control: &Control) -> Result<FtpStream, ReleaseError> {
        let address = (self.target.host.as_str(), self.target.port);
        let mut stream =
            FtpStream::connect_secure_implicit(address, self.tls(control)?, &self.target.host)
                .map(prepared)
                .map_err(|error| self.lost("connect", error))?;
        for command in ["PBSZ 0", "PROT P"] {
            stream
                .custom_command(command, &[suppaftp::Status::CommandOk])
                .map_err(|error| self.lost(command, error))?;
        }
        Ok(stream)
    }

    /// A TCP connection to the first of the host's addresses that answers.
    fn dial(&self) -> Result<TcpStream, ReleaseError> {
        let fail = |why: String| ReleaseError::Unreachable {
            site: self.site(),
            step: "connect".into(),
            why,
        };
        let addresses = (self.target.host.as_str(), self.target.port)
            .to_socket_addrs()
            .map_err(|error| fail(error.to_string()))?;
        let mut why = "the host has no address".to_owned();
        for address in addresses {
            match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
                Ok(stream) => {
                    limit(&stream, SILENCE_TIMEOUT).map_err(|error| fail(error.to_string()))?;
                    return Ok(stream);
                }
                Err(error) => why = error.to_string(),
            }
        }
        Err(fail(why))
    }

    /// TLS for one control connection and its data connections.
    ///
    /// TLS 1.2 alone, and a configuration of its own for each control connection: sites demand
    /// that a data connection resumes its control connection's session, and only so is the right
    /// session at hand every time.
    fn tls(&self, control: &Control) -> Result<Timed, ReleaseError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS12])
            .map_err(|error| ReleaseError::Tls {
                site: self.site(),
                why: error.to_string(),
            })?
            .with_root_certificates(Arc::clone(&self.roots))
            .with_no_client_auth();
        Ok(Timed::new(config, SILENCE_TIMEOUT, Arc::clone(control)))
    }

    fn lost(&self, step: &str, error: FtpError) -> ReleaseError {
        super::session::refused(&self.site(), step, error, &self.redactor)
    }
}

fn site(target: &FtpTarget) -> String {
    format!("{}:{}", escape(target.host.as_bytes()), target.port)
}

/// EPSV names a port and no address, so the site cannot send the data elsewhere.
fn prepared(stream: FtpStream) -> FtpStream {
    let mut stream = stream.passive_stream_builder(|address: SocketAddr| {
        let data = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)
            .map_err(FtpError::ConnectionError)?;
        limit(&data, SILENCE_TIMEOUT).map_err(FtpError::ConnectionError)?;
        Ok(data)
    });
    stream.set_mode(Mode::ExtendedPassive);
    stream
}
