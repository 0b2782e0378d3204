//! A program's output: read as it comes, handed on in pieces, bounded.

use crate::release::ReleaseError;
use std::io::{self, Read};
use std::process::Child;
use std::sync::mpsc::{Receiver, sync_channel};

/// How much is read at once, in bytes.
const PIECE: usize = 64 * 1024;

/// How many pieces wait before the program has to.
const WAITING: usize = 16;

/// The longest line, in bytes; what is behind that is left out.
const LINE_LIMIT: usize = 8 * 1024;

/// What came.
pub(super) enum Piece {
    /// Some bytes.
    Bytes(Vec<u8>),
    /// Nothing more can be read.
    Broken(io::Error),
}

/// What comes, until the end.
pub(super) type Pieces = Receiver<Piece>;

/// Begins to read a program's output.
pub(super) fn follow(child: &mut Child) -> Result<Pieces, ReleaseError> {
    let Some(mut pipe) = child.stdout.take() else {
        return Err(ReleaseError::Objects("a program has no output".into()));
    };
    let (sender, receiver) = sync_channel(WAITING);
    std::thread::spawn(move || {
        let mut buffer = vec![0; PIECE];
        loop {
            let piece = match pipe.read(&mut buffer) {
                Ok(0) => return,
                Ok(length) => Piece::Bytes(buffer.get(..length).unwrap_or_default().to_vec()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Piece::Broken(error),
            };
            let last = matches!(piece, Piece::Broken(_));
            if sender.send(piece).is_err() || last {
                return;
            }
        }
    });
    Ok(receiver)
}

/// Cuts output into lines.
#[derive(Debug, Default)]
pub(in crate::release) struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    /// Takes bytes in, and gives each line that is whole now, without its end.
    ///
    /// # Errors
    /// Those of `line`.
    pub(in crate::release) fn take(
        &mut self,
        bytes: &[u8],
        line: &mut dyn FnMut(&[u8]) -> Result<(), ReleaseError>,
    ) -> Result<(), ReleaseError> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, whole) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            let room = LINE_LIMIT.saturating_sub(self.begun.len());
            self.begun.extend(text.iter().take(room));
            if whole {
                line(&std::mem::take(&mut self.begun))?;
            }
        }
        Ok(())
    }

    /// The last line, which has no end.
    pub(in crate::release) fn rest(self) -> Option<Vec<u8>> {
        Some(self.begun).filter(|rest| !rest.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_out_of_pieces_and_long_ones_are_bounded() {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        let long = vec![b'x'; LINE_LIMIT * 2];
        for piece in [&b"on"[..], b"e\ntwo\n\nth", b"ree\n", &long, b"y\nlast"] {
            lines
                .take(piece, &mut |line| {
                    found.push(line.to_vec());
                    Ok(())
                })
                .unwrap();
        }
        let kept = long[..LINE_LIMIT].to_vec();
        let expected: [&[u8]; 5] = [b"one", b"two", b"", b"three", &kept];
        assert_eq!(found, expected);
        assert_eq!(lines.rest().as_deref(), Some(&b"last"[..]));
    }
}
