//! An end to waiting: for a request that does not come, and for somebody who never reads.

use std::io::{self, ErrorKind, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::activity::Activity;
use super::{LAST_HEAD, WRITE_TIMEOUT};

/// A stream that looks as if the client had closed it once a request was waited for in vain, and on
/// which a write that makes no progress for [`WRITE_TIMEOUT`] fails. Else whoever asks for nothing
/// more, or asks and does not read the answer, would hold the connection for as long as they like.
pub(super) struct Patience<S> {
    stream: S,
    activity: Arc<Activity>,
    /// Set for the end of the wait or earlier: it is not moved for every request.
    reading: Option<Pin<Box<Sleep>>>,
    /// Since when a write has waited, and how long it still may.
    writing: Option<Pin<Box<Sleep>>>,
}

/// A stream that can be asked for what the runtime has not heard of yet.
pub(super) trait Peek {
    /// Returns whether there are bytes to read.
    fn has_unread(&self) -> bool;
}

impl Peek for TcpStream {
    fn has_unread(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        // Asks the system, not the runtime, which may be late with its own knowledge when it has
        // much to do or the process was stopped.
        SockRef::from(self)
            .peek(&mut byte)
            .is_ok_and(|bytes| bytes > 0)
    }
}

impl<S> Patience<S> {
    pub(super) const fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self {
            stream,
            activity,
            reading: None,
            writing: None,
        }
    }

    fn wait_to_write(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            if self.writing.take().is_some() {
                // Whatever is waited for next was not, as long as this was.
                context.waker().wake_by_ref();
            }
            return written;
        }
        let writing = self
            .writing
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(WRITE_TIMEOUT)));
        ready!(writing.as_mut().poll(context));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }

    /// Ready at this time.
    fn wait_until(&mut self, deadline: Instant, context: &mut Context<'_>) -> Poll<()> {
        let sleep = self
            .reading
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if deadline < sleep.deadline() {
            if deadline <= Instant::now() {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
        ready!(sleep.as_mut().poll(context));
        // It was set for an earlier wait: this is the rest of it.
        if sleep.deadline() < deadline {
            sleep.as_mut().reset(deadline);
            ready!(sleep.as_mut().poll(context));
        }
        Poll::Ready(())
    }
}

impl<S: Peek> Patience<S> {
    /// Ready once no request is waited for any longer.
    fn wait_to_read(&mut self, context: &mut Context<'_>) -> Poll<()> {
        // An answer is still being written: that has a time of its own.
        if self.writing.is_some() {
            return Poll::Pending;
        }
        while let Some(deadline) = self.activity.deadline() {
            ready!(self.wait_until(deadline, context));
            // A request may have come in this moment, and is not to be lost. The socket is ready
            // for the runtime, too, then, and this task is woken.
            if !(self.stream.has_unread() && self.activity.give_grace(LAST_HEAD)) {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Peek + Unpin> AsyncRead for Patience<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(read) => {
                if buffer.filled().len() > before {
                    self.activity.received();
                }
                Poll::Ready(read)
            }
            Poll::Pending => self.wait_to_read(context).map(Ok),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patience<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wait_to_write(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wait_to_write(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    // What follows never waits for the other end of a socket.

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use vestibule_config::Timeouts;

    fn activity() -> Arc<Activity> {
        Arc::new(Activity::new(Instant::now(), Timeouts::default()))
    }

    #[tokio::test]
    async fn a_socket_that_is_never_read_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let reader = TcpStream::connect(listener.local_addr().unwrap()).await;
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = Patience::new(stream, activity());
        let answer = vec![0; 64 * 1024 * 1024];
        // What the system buffers is written at once, and then time has no meaning.
        tokio::time::pause();
        let written = stream.write_all(&answer).await;
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(reader);
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_slowly_is_waited_for() {
        let (mut reader, stream) = tokio::io::duplex(1);
        let mut stream = Patience::new(stream, activity());
        let read = async {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_secs(20)).await;
                reader.read_u8().await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(stream.write_all(&[0; 10]), read);
        written.unwrap();
    }
}
