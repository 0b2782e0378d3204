//! When something last went over the connection. A request is not given up because others are before
//! it on a slow line, but because nothing at all has moved.

use russh_sftp::client::error::Error as SftpError;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The moment of the last byte, either way.
#[derive(Debug, Clone)]
pub(super) struct Pulse {
    began: Instant,
    /// In milliseconds since it began.
    last: Arc<AtomicU64>,
}

impl Pulse {
    /// Nothing has moved yet.
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            last: Arc::default(),
        }
    }

    /// Something moves.
    fn beat(&self) {
        self.last.store(self.now(), Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Waits for `what`, as long as nothing stands still for `patience`.
    ///
    /// # Errors
    /// When neither an answer nor a byte came for that long.
    pub(super) async fn wait<T>(
        &self,
        patience: Duration,
        what: impl Future<Output = T>,
    ) -> Result<T, SftpError> {
        let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        let began = self.now();
        let mut what = pin!(what);
        loop {
            // While nothing was asked, nothing had to move.
            let since = self.last.load(Ordering::Relaxed).max(began);
            let left = since.saturating_add(patience).saturating_sub(self.now());
            if left == 0 {
                return Err(SftpError::Timeout);
            }
            let left = Duration::from_millis(left);
            if let Ok(done) = tokio::time::timeout(left, what.as_mut()).await {
                return Ok(done);
            }
        }
    }
}

/// A stream that tells of every byte.
pub(super) struct Watched<S> {
    stream: S,
    pulse: Pulse,
}

impl<S> Watched<S> {
    /// A stream, and where its bytes are told.
    pub(super) fn new(stream: S, pulse: Pulse) -> Self {
        Self { stream, pulse }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.pulse.beat();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if matches!(written, Poll::Ready(Ok(count)) if count > 0) {
            self.pulse.beat();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::runtime::{Builder, Runtime};

    const PATIENCE: Duration = Duration::from_millis(400);
    const PAUSE: Duration = Duration::from_millis(100);

    fn runtime() -> Runtime {
        Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
    }

    /// A peer that sends a byte every now and then, so many of them, and then nothing.
    fn asks(bytes: usize, wanted: usize) -> (Result<usize, SftpError>, Duration) {
        let runtime = runtime();
        let (here, mut there) = tokio::io::duplex(64);
        let pulse = Pulse::new();
        let mut here = Watched::new(here, pulse.clone());
        let told = runtime.spawn(async move {
            for _ in 0..bytes {
                tokio::time::sleep(PAUSE).await;
                there.write_all(b"x").await.unwrap();
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
            drop(there);
        });
        let began = Instant::now();
        let answer = async {
            let mut buffer = vec![0; wanted];
            here.read_exact(&mut buffer).await.unwrap()
        };
        let done = runtime.block_on(pulse.wait(PATIENCE, answer));
        told.abort();
        (done, began.elapsed())
    }

    #[test]
    fn a_slow_line_is_waited_for_as_long_as_something_moves() {
        let (done, took) = asks(12, 12);
        assert_eq!(done.unwrap(), 12);
        assert!(took > 2 * PATIENCE, "{took:?}");
    }

    #[test]
    fn a_line_that_stands_still_is_given_up_after_its_last_byte() {
        let (done, took) = asks(3, 12);
        assert!(matches!(done, Err(SftpError::Timeout)), "{done:?}");
        assert!(took >= 3 * PAUSE + PATIENCE, "{took:?}");
        assert!(took < Duration::from_secs(4), "{took:?}");
    }

    #[test]
    fn an_idle_line_owes_nothing() {
        let pulse = Pulse::new();
        std::thread::sleep(PATIENCE + PAUSE);
        let soon = async { tokio::time::sleep(PAUSE).await };
        let runtime = runtime();
        runtime.block_on(pulse.wait(PATIENCE, soon)).unwrap();
    }
}
