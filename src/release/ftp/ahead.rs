//! Commands that are sent ahead: many in one go, then all their answers.
//!
//! Each command waits for a round trip otherwise, and a release has thousands. Only commands that
//! open no data connection are sent so, and none while a file is on its way: sites other than vsftpd
//! take a command then as the wish to abort.

use std::io::{self, Read, Write};

/// The longest answer, in bytes.
const REPLY_LIMIT: usize = 64 * 1024;

/// A site's answer to one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    /// The code.
    pub(super) code: u32,
    /// The text of its last line.
    pub(super) text: Vec<u8>,
}

/// Sends the commands and gives the answers, one each and in order.
pub(super) fn burst(
    stream: &mut (impl Read + Write),
    commands: &[String],
) -> io::Result<Vec<Reply>> {
    let mut lines = Vec::new();
    for command in commands {
        if command.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(io::Error::other("a command holds a control character"));
        }
        lines.extend_from_slice(command.as_bytes());
        lines.extend_from_slice(b"\r\n");
    }
    stream.write_all(&lines)?;
    stream.flush()?;
    let mut reader = Replies {
        stream,
        bytes: Vec::new(),
    };
    let mut replies = Vec::new();
    while replies.len() < commands.len() {
        let reply = reader.reply()?;
        // The site ends the connection, whatever was asked.
        if reply.code == 421 {
            let why = String::from_utf8_lossy(&reply.text).into_owned();
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, why));
        }
        replies.push(reply);
    }
    match reader.bytes.is_empty() {
        true => Ok(replies),
        false => Err(io::Error::other("the site answered more than it was asked")),
    }
}

struct Replies<'a, S> {
    stream: &'a mut S,
    /// What was read and is not part of an answer yet.
    bytes: Vec<u8>,
}

impl<S: Read> Replies<'_, S> {
    /// The next answer, which may have several lines (RFC 959, section 4.2).
    fn reply(&mut self) -> io::Result<Reply> {
        let first = self.line()?;
        let code = code(&first).ok_or_else(not_ftp)?;
        let mut last = first;
        let mut length = last.len();
        while last.get(3) != Some(&b' ') || self::code(&last) != Some(code) {
            if last.len() == 3 && self::code(&last) == Some(code) {
                break;
            }
            last = self.line()?;
            length += last.len();
            if length > REPLY_LIMIT {
                return Err(io::Error::other("the site's answer has no end"));
            }
        }
        Ok(Reply {
            code,
            text: last.get(4..).unwrap_or_default().to_vec(),
        })
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(at) = self.bytes.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.bytes.drain(..=at).collect();
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(line);
            }
            if self.bytes.len() > REPLY_LIMIT {
                return Err(io::Error::other("the site's answer has no end"));
            }
            let mut buffer = [0; 4096];
            let count = self.stream.read(&mut buffer)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.bytes
                .extend_from_slice(buffer.get(..count).unwrap_or_default());
        }
    }
}

fn code(line: &[u8]) -> Option<u32> {
    let digits = line.get(..3)?;
    let is_code = digits.iter().all(u8::is_ascii_digit);
    is_code.then(|| {
        digits
            .iter()
            .fold(0, |code, digit| code * 10 + u32::from(digit - b'0'))
    })
}

fn not_ftp() -> io::Error {
    io::Error::other("the site's answer is not FTP")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A site that has said what it is going to say, and takes down what it hears.
    struct Script(io::Cursor<Vec<u8>>, Vec<u8>);

    impl Read for Script {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            // In small pieces, as a network may do.
            let short = buffer.len().min(5);
            self.0.read(&mut buffer[..short])
        }
    }

    impl Write for Script {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn ask(answers: &str, count: usize) -> io::Result<Vec<(u32, String)>> {
        let mut script = Script(io::Cursor::new(answers.as_bytes().to_vec()), Vec::new());
        let commands = vec!["NOOP".to_owned(); count];
        let replies = burst(&mut script, &commands)?;
        assert_eq!(script.1, "NOOP\r\n".repeat(count).into_bytes());
        let text = |reply: Reply| (reply.code, String::from_utf8(reply.text).unwrap());
        Ok(replies.into_iter().map(text).collect())
    }

    #[test]
    fn each_command_gets_its_own_answer() {
        let replies = ask("213 5\r\n550-no\r\n 550 such\r\n550 file\r\n250\r\n", 3).unwrap();
        let expected = [
            (213, "5".into()),
            (550, "file".into()),
            (250, String::new()),
        ];
        assert_eq!(replies, expected);
    }

    #[test]
    fn too_few_and_too_many_answers_are_errors() {
        assert!(ask("213 5\r\n", 2).is_err());
        assert!(ask("213 5\r\n213 6\r\n", 1).is_err());
        assert!(ask("hello\r\n", 1).is_err());
        assert!(ask("213-5\r\n213-6\r\n", 1).is_err());
        let gone = ask("213 5\r\n421 too many\r\n", 3).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::ConnectionAborted);
    }

    #[test]
    fn u_02_a_command_never_holds_another() {
        let mut script = Script(io::Cursor::new(Vec::new()), Vec::new());
        assert!(burst(&mut script, &["NOOP\r\nDELE x".to_owned()]).is_err());
        assert!(script.1.is_empty());
    }
}
