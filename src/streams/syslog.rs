//! Entries as syslog messages: RFC 5424 over datagrams (RFC 5426), counted over a connection (RFC 6587)
//! or an encrypted one (RFC 5425); and in the form of the C library for the socket of the machine.

use super::message::Message;
use super::wire;
use crate::policy::{Bundle, Syslog, SyslogForm, SyslogVia};
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

/// The most that fits into one datagram of the network, in bytes.
const DATAGRAM: usize = 65_507;
/// So many datagrams go out before it is looked whether anybody is there.
const SALVO: usize = 20;
/// How long the network has to say that nobody is.
const ECHO: Duration = Duration::from_millis(100);

/// Sends them. When this returns without an error, each was taken by the receiver, as far as its
/// transport tells.
pub(in crate::streams) fn send(
    syslog: &Syslog,
    bundle: &Bundle,
    messages: &[Message],
) -> Result<(), String> {
    let limit = usize::try_from(syslog.max_message).unwrap_or(DATAGRAM);
    match &syslog.via {
        SyslogVia::Local(socket) => local(socket, &lines(syslog, limit, messages)),
        SyslogVia::Udp(host) => {
            let lines = lines(syslog, limit.min(DATAGRAM), messages);
            datagrams(&wire::datagrams(host)?, &lines)
        }
        SyslogVia::Tcp(host) => {
            let counted = counted(&lines(syslog, limit, messages));
            wire::deliver(&mut wire::connect(host)?, &counted)
        }
        SyslogVia::Tls { host, ca } => {
            let ca = ca.as_deref().and_then(|file| bundle.keys.get(file));
            let counted = counted(&lines(syslog, limit, messages));
            let mut stream = wire::encrypted(wire::connect(host)?, host, ca)?;
            wire::deliver(&mut stream, &counted)
        }
    }
}

/// Whether somebody is there. Of a server that takes datagrams nothing can be told but its address.
pub(in crate::streams) fn reach(syslog: &Syslog, bundle: &Bundle) -> Result<(), String> {
    match &syslog.via {
        SyslogVia::Local(socket) => {
            let connected = UnixDatagram::unbound().and_then(|local| local.connect(socket));
            connected.map_err(|error| format!("{}: {error}", socket.display()))
        }
        SyslogVia::Udp(host) => wire::datagrams(host).map(drop),
        SyslogVia::Tcp(host) => wire::connect(host).map(drop),
        SyslogVia::Tls { host, ca } => {
            let ca = ca.as_deref().and_then(|file| bundle.keys.get(file));
            wire::greet(&mut wire::encrypted(wire::connect(host)?, host, ca)?)
        }
    }
}

fn lines(syslog: &Syslog, limit: usize, messages: &[Message]) -> Vec<String> {
    let host = host();
    let all = messages.iter();
    all.map(|message| line(syslog, &host, limit, message))
        .collect()
}

/// One message. It holds no control character: what is not ours in it is JSON, in which they are escaped.
fn line(syslog: &Syslog, host: &str, limit: usize, message: &Message) -> String {
    let priority = u16::from(syslog.facility.0) * 8 + u16::from(message.severity.number());
    let (time, kind) = (message.time, &message.kind);
    let kind = match kind.is_empty() {
        true => "-",
        false => kind,
    };
    let head = match syslog.form {
        SyslogForm::Rfc5424 => format!("<{priority}>1 {time} {host} relhook - {kind} - "),
        // Without a time, which it would have without year and zone: the receiver puts its own.
        SyslogForm::Bsd => format!("<{priority}>relhook: "),
    };
    let json = message.json(limit.saturating_sub(head.len()));
    head + &json
}

/// This machine's name, as a header can hold it.
fn host() -> String {
    let name = rustix::system::uname();
    let name = name.nodename().to_string_lossy();
    let plain: String = name
        .chars()
        .filter(char::is_ascii_graphic)
        .take(255)
        .collect();
    match plain.is_empty() {
        true => "-".to_owned(),
        false => plain,
    }
}

/// Each with its length before it, so that nothing in it can end it.
fn counted(lines: &[String]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines {
        bytes.extend(format!("{} ", line.len()).into_bytes());
        bytes.extend(line.as_bytes());
    }
    bytes
}

fn local(socket: &Path, lines: &[String]) -> Result<(), String> {
    let failed = |error: io::Error| format!("{}: {error}", socket.display());
    let datagram = UnixDatagram::unbound().map_err(failed)?;
    datagram
        .set_write_timeout(Some(wire::SILENCE))
        .map_err(failed)?;
    datagram.connect(socket).map_err(failed)?;
    for line in lines {
        datagram.send(line.as_bytes()).map_err(failed)?;
    }
    Ok(())
}

/// Nobody acknowledges a datagram. That nobody is there is told by the host's answer to one.
fn datagrams(socket: &std::net::UdpSocket, lines: &[String]) -> Result<(), String> {
    let failed = |error: io::Error| error.to_string();
    socket.set_read_timeout(Some(ECHO)).map_err(failed)?;
    for salvo in lines.chunks(SALVO) {
        for line in salvo {
            socket.send(line.as_bytes()).map_err(failed)?;
        }
        match socket.recv(&mut [0; 1]) {
            Ok(_) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}
