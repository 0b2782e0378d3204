//! A connection that says at once what it got.
//!
//! Hosts hold small answers back until what they sent before is known to have arrived (Nagle's algorithm, RFC 1122
//! section 4.2.3.4), and the system holds that word back for some 40 ms, in case there is something to send it along with. An
//! ssh session begins with several small answers in a row, each of which would wait so long.

use rustix::net::sockopt::set_tcp_quickack;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::TcpStream;

/// How many bytes are read at once.
const BUFFER: usize = 64 * 1024;

/// The stream itself.
pub(super) struct Prompt(TcpStream);

impl Prompt {
    /// Connects to a host.
    ///
    /// # Errors
    /// When it is not reached.
    pub(super) async fn connect(host: &str, port: u16) -> io::Result<BufReader<Self>> {
        let stream = TcpStream::connect((host, port)).await?;
        // The same from this side: nothing that is asked waits.
        stream.set_nodelay(true)?;
        Ok(BufReader::with_capacity(BUFFER, Self(stream)))
    }
}

impl AsyncRead for Prompt {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.0).poll_read(context, buffer);
        if buffer.filled().len() > before {
            // The system forgets it again. Where it cannot be had, answers come later.
            let _ = set_tcp_quickack(&self.0, true);
        }
        read
    }
}

impl AsyncWrite for Prompt {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
