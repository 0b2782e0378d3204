//! TLS for the control connection and the data connections, with a second handle to the former.
//!
//! The FTP library keeps its control connection to itself and asks one command at a time. Its TLS is
//! ours to make, so a [`Handle`] to the same stream stays outside, for commands that are sent ahead.

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use suppaftp::{FtpError, FtpResult, TlsConnector, TlsStream};

/// The TLS stream itself.
type Tls = StreamOwned<ClientConnection, TcpStream>;

/// A TLS stream that several hold. Only one of them is at work at a time.
#[derive(Debug, Clone)]
pub(super) struct Handle(Arc<Mutex<Tls>>);

impl Handle {
    fn lock(&self) -> MutexGuard<'_, Tls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Handle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.lock().read(buffer)
    }
}

impl Write for Handle {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lock().flush()
    }
}

/// A connection with TLS, as the library holds it.
#[derive(Debug)]
pub(super) struct Stream {
    tcp: TcpStream,
    tls: Handle,
    closing: Closing,
}

/// Whether the other side is told that the stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    Told,
    Silent,
}

impl TlsStream for Stream {
    type InnerStream = Handle;

    fn tcp_stream(mut self) -> FtpResult<TcpStream> {
        self.closing = Closing::Silent;
        self.tcp.try_clone().map_err(FtpError::ConnectionError)
    }

    fn get_ref(&self) -> &TcpStream {
        &self.tcp
    }

    fn mut_ref(&mut self) -> &mut Handle {
        &mut self.tls
    }
}

impl Drop for Stream {
    /// Without a `close_notify` the site could not tell a whole file from one that was cut off.
    fn drop(&mut self) {
        if self.closing == Closing::Told {
            let mut tls = self.tls.lock();
            let _ = tls.flush();
            tls.conn.send_close_notify();
            let Tls { conn, sock } = &mut *tls;
            let _ = conn.write_tls(sock);
        }
    }
}

/// What makes the TLS of one control connection and of its data connections.
#[derive(Debug)]
pub(super) struct Timed {
    config: Arc<ClientConfig>,
    /// How long the site may be silent.
    silence: Duration,
    control: Control,
}

/// Where the handle of the control connection is put: the first stream that is made.
pub(super) type Control = Arc<Mutex<Option<Handle>>>;

impl Timed {
    pub(super) fn new(config: ClientConfig, silence: Duration, control: Control) -> Self {
        Self {
            config: Arc::new(config),
            silence,
            control,
        }
    }
}

impl TlsConnector for Timed {
    type Stream = Stream;

    fn connect(&self, domain: &str, tcp: TcpStream) -> FtpResult<Stream> {
        let secure = |why: String| FtpError::SecureError(why);
        limit(&tcp, self.silence).map_err(FtpError::ConnectionError)?;
        let name =
            ServerName::try_from(domain.to_owned()).map_err(|error| secure(error.to_string()))?;
        let connection = ClientConnection::new(Arc::clone(&self.config), name)
            .map_err(|error| secure(error.to_string()))?;
        let second = tcp.try_clone().map_err(FtpError::ConnectionError)?;
        let tls = Handle(Arc::new(Mutex::new(StreamOwned::new(connection, tcp))));
        let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        control.get_or_insert_with(|| tls.clone());
        Ok(Stream {
            tcp: second,
            tls,
            closing: Closing::Told,
        })
    }
}

/// Sets the time limits of a connection.
pub(super) fn limit(stream: &TcpStream, silence: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(silence))?;
    stream.set_write_timeout(Some(silence))
}
