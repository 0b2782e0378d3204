//! What passes between relhook and the program that rsync starts to reach the other side.
//!
//! The program first tells the command line: its length, four bytes, and its bytes. Then it passes on what
//! rsync writes, until that ends. It is answered in frames: a letter, a length of four bytes, and so many
//! bytes. All numbers have their highest byte first.

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// By which word relhook's program is told to do that: `relhook channel <socket> <host> <command>…`.
pub const REACH: &str = "channel";

/// The longest command line that is taken, in bytes.
pub(super) const LARGEST_COMMAND: u32 = 64 * 1024;

/// The exit code by which rsync learns that the connection is lost, as `ssh` has it.
pub(super) const LOST: u32 = 255;

/// The bytes of a frame's head.
const HEAD: usize = 5;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    /// What the other side writes to its standard output.
    Output,
    /// What it writes to its standard error.
    Messages,
    /// Its exit code, four bytes. Nothing follows.
    End,
}

impl Frame {
    /// The head of a frame of so many bytes.
    pub(super) fn head(self, length: usize) -> io::Result<[u8; HEAD]> {
        let letter = match self {
            Self::Output => b'o',
            Self::Messages => b'm',
            Self::End => b'e',
        };
        let length = u32::try_from(length).map_err(io::Error::other)?;
        let [a, b, c, d] = length.to_be_bytes();
        Ok([letter, a, b, c, d])
    }

    fn read([letter, length @ ..]: [u8; HEAD]) -> io::Result<(Self, u64)> {
        let frame = match letter {
            b'o' => Self::Output,
            b'm' => Self::Messages,
            b'e' => Self::End,
            _ => return Err(io::Error::other("it is no frame")),
        };
        Ok((frame, u32::from_be_bytes(length).into()))
    }
}

/// What rsync starts: runs a command on the other side of the line at `socket`. The first of the `words` is the
/// host's name, which is not looked at; the others are the command. The answer is the command's exit code.
#[must_use]
pub fn reach(socket: &Path, words: &[OsString]) -> u8 {
    let command: Vec<&[u8]> = words.iter().skip(1).map(|word| word.as_bytes()).collect();
    let reached = UnixStream::connect(socket).and_then(|stream| {
        // rsync gives its programs ends that do not wait.
        block(io::stdin())?;
        block(io::stdout())?;
        let telling = stream.try_clone()?;
        tell(&telling, &command.join(&b' '))?;
        std::thread::spawn(move || {
            let mut telling = telling;
            let _ = io::copy(&mut io::stdin().lock(), &mut telling);
            let _ = telling.shutdown(Shutdown::Write);
        });
        listen(stream, &mut io::stdout().lock(), &mut io::stderr().lock())
    });
    match reached {
        Ok(code) => u8::try_from(code).unwrap_or(u8::MAX),
        Err(error) => {
            // rsync says what came of it where nobody reads this.
            let _ = writeln!(io::stderr(), "relhook: the line to the host: {error}");
            u8::MAX
        }
    }
}

/// Has reading and writing wait until it can be done.
fn block(end: impl AsFd) -> io::Result<()> {
    let flags = fcntl_getfl(&end)?;
    Ok(fcntl_setfl(&end, flags - OFlags::NONBLOCK)?)
}

/// Tells the command line.
fn tell(mut stream: &UnixStream, command: &[u8]) -> io::Result<()> {
    let length = u32::try_from(command.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), command].concat())
}

/// Passes frames on to where they belong, until the end.
fn listen(
    mut from: impl Read,
    output: &mut dyn Write,
    messages: &mut dyn Write,
) -> io::Result<u32> {
    loop {
        let mut head = [0; HEAD];
        from.read_exact(&mut head)?;
        let (frame, length) = Frame::read(head)?;
        let mut bytes = (&mut from).take(length);
        let passed = match frame {
            Frame::Output => {
                let count = io::copy(&mut bytes, output)?;
                output.flush()?;
                count
            }
            Frame::Messages => io::copy(&mut bytes, messages)?,
            Frame::End => {
                let mut code = [0; 4];
                bytes.read_exact(&mut code)?;
                return Ok(u32::from_be_bytes(code));
            }
        };
        if passed < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(frame: Frame, bytes: &[u8]) -> Vec<u8> {
        [&frame.head(bytes.len()).unwrap(), bytes].concat()
    }

    fn heard(bytes: &[u8]) -> (io::Result<u32>, Vec<u8>, Vec<u8>) {
        let (mut output, mut messages) = (Vec::new(), Vec::new());
        let code = listen(bytes, &mut output, &mut messages);
        (code, output, messages)
    }

    #[test]
    fn frames_go_where_they_belong_until_the_end() {
        let frames = [
            frame(Frame::Output, b"one"),
            frame(Frame::Messages, b"careful\n"),
            frame(Frame::Output, b""),
            frame(Frame::Output, &[0, 255, b'\n']),
            frame(Frame::End, &23_u32.to_be_bytes()),
            frame(Frame::Output, b"too late"),
        ];
        let (code, output, messages) = heard(&frames.concat());
        assert_eq!(code.unwrap(), 23);
        assert_eq!(output, b"one\0\xff\n");
        assert_eq!(messages, b"careful\n");
    }

    #[test]
    fn a_line_that_breaks_off_is_no_end() {
        let whole = [
            frame(Frame::Output, b"one"),
            frame(Frame::End, &0_u32.to_be_bytes()),
        ]
        .concat();
        for length in 0..whole.len() {
            assert!(heard(&whole[..length]).0.is_err(), "{length} bytes");
        }
        assert_eq!(heard(&whole).0.unwrap(), 0);
        assert!(heard(b"x\0\0\0\0").0.is_err());
    }
}
