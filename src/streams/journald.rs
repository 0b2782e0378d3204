//! Entries in the machine's journal, by its native protocol: fields, each on a line of its own, in a
//! datagram; or in a sealed file in memory where they are too long for one.

use super::message::Message;
use super::wire;
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

/// What syslog calls the place for messages about who may do what.
const AUTHPRIV: u8 = 10;

/// No entry with everything beside it is longer, in bytes.
const LIMIT: usize = 4 << 20;

/// Hands them to the journal.
pub(in crate::streams) fn send(socket: &Path, messages: &[Message]) -> Result<(), String> {
    let failed = |error: io::Error| format!("{}: {error}", socket.display());
    let journal = UnixDatagram::unbound().map_err(failed)?;
    journal
        .set_write_timeout(Some(wire::SILENCE))
        .map_err(failed)?;
    journal.connect(socket).map_err(failed)?;
    for message in messages {
        hand_over(&journal, &fields(message)).map_err(failed)?;
    }
    Ok(())
}

/// Whether somebody listens there.
pub(in crate::streams) fn reach(socket: &Path) -> Result<(), String> {
    let connected = UnixDatagram::unbound().and_then(|journal| journal.connect(socket));
    connected.map_err(|error| format!("{}: {error}", socket.display()))
}

fn hand_over(journal: &UnixDatagram, fields: &[u8]) -> io::Result<()> {
    match journal.send(fields) {
        Ok(_) => Ok(()),
        Err(error) if is_too_long(&error) => in_memory(journal, fields),
        Err(error) => Err(error),
    }
}

fn is_too_long(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    [rustix::io::Errno::MSGSIZE, rustix::io::Errno::NOBUFS]
        .iter()
        .any(|errno| code == Some(errno.raw_os_error()))
}

/// The journal takes a file only where nobody can change it any more.
fn in_memory(journal: &UnixDatagram, fields: &[u8]) -> io::Result<()> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut file = File::from(rustix::fs::memfd_create("relhook-journal", flags)?);
    file.write_all(fields)?;
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    rustix::fs::fcntl_add_seals(&file, seals)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let files = [file.as_fd()];
    if !ancillary.push(SendAncillaryMessage::ScmRights(&files)) {
        return Err(io::Error::other("there is no room for the file"));
    }
    let nothing = [IoSlice::new(&[])];
    rustix::net::sendmsg(journal, &nothing, &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// What the journal keeps of an entry.
fn fields(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut put = |name: &str, value: &str| field(&mut bytes, name, value.as_bytes());
    put("MESSAGE", &message.title());
    put("PRIORITY", &message.severity.number().to_string());
    put("SYSLOG_IDENTIFIER", "relhook");
    put("SYSLOG_FACILITY", &AUTHPRIV.to_string());
    put("RELHOOK_LOG", &message.log);
    put("RELHOOK_SEQ", &message.seq.to_string());
    put("RELHOOK_KIND", &message.kind);
    put("RELHOOK_ENTRY", &message.json(LIMIT));
    bytes
}

/// A value with a line break would begin another field, so it goes with its length before it.
fn field(bytes: &mut Vec<u8>, name: &str, value: &[u8]) {
    bytes.extend(name.as_bytes());
    if value.contains(&b'\n') {
        bytes.push(b'\n');
        bytes.extend((value.len() as u64).to_le_bytes());
    } else {
        bytes.push(b'=');
    }
    bytes.extend(value);
    bytes.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn l_05_a_line_break_begins_no_field() {
        let mut bytes = Vec::new();
        field(&mut bytes, "A", b"x");
        field(&mut bytes, "B", b"y\nPRIORITY=0");
        let expected = b"A=x\nB\n\x0c\0\0\0\0\0\0\0y\nPRIORITY=0\n";
        assert_eq!(bytes, expected);
    }
}
