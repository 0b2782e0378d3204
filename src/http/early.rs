//! An answer that comes before the whole request has gone (RFC 9112, section 9.5).
//!
//! A server that will not have the rest of a body, since its disk is full for instance, says so and hangs up: what is
//! still sent to it then breaks the connection. Its answer has arrived by that time and tells more than the
//! broken connection does, but the library would no longer read it.

use std::cell::Cell;
use std::io::{Error, ErrorKind};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, NextTimeout, TcpConnector, Transport,
};

thread_local! {
    /// Whether the other side hung up on what this thread sent. A request and its answer are the work of one thread.
    static HUNG_UP: Cell<bool> = const { Cell::new(false) };
}

/// Before a request is sent.
pub(super) fn begin() {
    HUNG_UP.set(false);
}

/// Whether the other side hung up on the request that this thread sent last, so that it has not all of it.
pub(super) fn hung_up() -> bool {
    HUNG_UP.get()
}

/// Makes connections of TCP from which an answer is read also where the other side takes no more. Below TLS, which can
/// then go on as well.
#[derive(Debug, Default)]
pub(super) struct Early(TcpConnector);

impl Connector<()> for Early {
    type Out = Line<<TcpConnector as Connector<()>>::Out>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let line = self.0.connect(details, chained)?;
        Ok(line.map(|line| Line {
            line,
            is_over: false,
        }))
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Line<T> {
    line: T,
    /// Whether the other side has hung up on what was sent to it.
    is_over: bool,
}

impl<T: Transport> Transport for Line<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.line.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        if self.is_over {
            return Ok(());
        }
        match self.line.transmit_output(amount, timeout) {
            Err(ureq::Error::Io(error)) if is_hung_up(&error) => {
                self.is_over = true;
                HUNG_UP.set(true);
                Ok(())
            }
            other => other,
        }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.line.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.line.is_open()
    }
}

fn is_hung_up(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
    )
}
