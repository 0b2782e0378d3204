//! Connections to receivers, each step bounded in time; and how a receiver says without words that it
//! has everything: it closes a connection that it was told nothing more comes on.

use crate::policy::SyslogHost;
use crate::trust::roots;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a connection may take to come up.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the receiver may take nothing, or not close.
pub(in crate::streams) const SILENCE: Duration = Duration::from_secs(20);
/// How much a receiver may say, who has nothing to say, in bytes.
const CHATTER: usize = 64 << 10;

/// The addresses of a server.
pub(in crate::streams) fn addresses(host: &SyslogHost) -> Result<Vec<SocketAddr>, String> {
    let found = (&*host.host, host.port).to_socket_addrs();
    let found: Vec<_> = found
        .map_err(|error| format!("{} cannot be found: {error}", host.host))?
        .collect();
    match found.is_empty() {
        true => Err(format!("{} has no address", host.host)),
        false => Ok(found),
    }
}

/// A connection to the first address that takes one.
pub(in crate::streams) fn connect(host: &SyslogHost) -> Result<TcpStream, String> {
    let mut last = String::new();
    for address in addresses(host)? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => {
                let timed = stream
                    .set_read_timeout(Some(SILENCE))
                    .and_then(|()| stream.set_write_timeout(Some(SILENCE)));
                timed.map_err(|error| error.to_string())?;
                return Ok(stream);
            }
            Err(error) => last = format!("{address}: {error}"),
        }
    }
    Err(last)
}

/// A socket for datagrams to the first address.
pub(in crate::streams) fn datagrams(host: &SyslogHost) -> Result<UdpSocket, String> {
    let address = addresses(host)?.into_iter().next().ok_or("no address")?;
    let own: SocketAddr = match address {
        SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        SocketAddr::V6(_) => ([0_u16; 8], 0).into(),
    };
    let open = || -> io::Result<UdpSocket> {
        let socket = UdpSocket::bind(own)?;
        socket.connect(address)?;
        socket.set_write_timeout(Some(SILENCE))?;
        Ok(socket)
    };
    open().map_err(|error| format!("{address}: {error}"))
}

/// The same connection, encrypted.
pub(in crate::streams) fn encrypted(
    tcp: TcpStream,
    host: &SyslogHost,
    ca: Option<&[u8]>,
) -> Result<StreamOwned<ClientConnection, TcpStream>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots(ca)?)
        .with_no_client_auth();
    let name = ServerName::try_from(host.host.clone());
    let name = name.map_err(|_| format!("{} is no name for a certificate", host.host))?;
    let connection = ClientConnection::new(Arc::new(config), name);
    let connection = connection.map_err(|error| error.to_string())?;
    Ok(StreamOwned::new(connection, tcp))
}

/// Agrees on keys with the server, whose certificate is verified by that, and ends it there.
pub(in crate::streams) fn greet(
    stream: &mut StreamOwned<ClientConnection, TcpStream>,
) -> Result<(), String> {
    let begun = Instant::now();
    while stream.conn.is_handshaking() {
        let step = stream.conn.complete_io(&mut stream.sock);
        step.map_err(|error| error.to_string())?;
        if begun.elapsed() > SILENCE {
            return Err("the server does not come to agree on keys".into());
        }
    }
    // It was greeted, which is all that was asked.
    let _ = stream.no_more();
    Ok(())
}

/// What can be told that nothing more comes.
pub(in crate::streams) trait Closing: Read + Write {
    /// Says so.
    fn no_more(&mut self) -> io::Result<()>;
}

impl Closing for TcpStream {
    fn no_more(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl Closing for StreamOwned<ClientConnection, TcpStream> {
    fn no_more(&mut self) -> io::Result<()> {
        self.conn.send_close_notify();
        self.flush()?;
        self.sock.shutdown(Shutdown::Write)
    }
}

/// Sends all of it, and waits until the receiver has read it: it closes after the last byte, where a
/// receiver that was ended before has the connection reset.
pub(in crate::streams) fn deliver(stream: &mut dyn Closing, bytes: &[u8]) -> Result<(), String> {
    let sent = stream.write_all(bytes).and_then(|()| stream.flush());
    sent.map_err(|error| format!("it was not taken: {error}"))?;
    let ended = stream.no_more();
    ended.map_err(|error| format!("the connection broke off: {error}"))?;
    let begun = Instant::now();
    let mut heard = 0;
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            // Many a server closes TLS by closing the connection.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Ok(some) => heard += some,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                return Err(format!(
                    "the receiver did not close the connection after the last message, so it is not \
                     known to have it: {error}"
                ));
            }
        }
        if heard > CHATTER || begun.elapsed() > SILENCE {
            return Err("the receiver talks, and does not close the connection".into());
        }
    }
}
