//! The server of the host's Unix socket. The protocol is `kmdf_host_client`'s.

use std::{
    io::{self, ErrorKind},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    time::Duration,
};

use kmdf_framework::Host;
use kmdf_host_client::protocol::Reply;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::client::Client;

/// Serves the apps that connect to a Unix socket. Nothing in it blocks but [`Self::wait`].
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
    clients: Vec<Client>,
}

impl Server {
    /// Listens at `path`. A socket file that nobody listens at any more is replaced.
    ///
    /// # Errors
    /// The path cannot be used, or another host listens there.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let listener = match UnixListener::bind(path) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                if UnixStream::connect(path).is_ok() {
                    return Err(error);
                }
                std::fs::remove_file(path)?;
                UnixListener::bind(path)?
            }
            other => other?,
        };
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            clients: Vec::new(),
        })
    }

    /// The socket's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes in what apps have sent and gives them what has completed, without waiting. `true` if
    /// anything happened.
    pub fn serve(&mut self, host: &Host) -> bool {
        let mut active = false;
        while let Ok((stream, _)) = self.listener.accept() {
            if stream.set_nonblocking(true).is_ok() {
                self.clients.push(Client::new(stream));
                active = true;
            }
        }
        for client in &mut self.clients {
            active |= client.receive(host);
            active |= client.answer();
            client.send();
            if client.over {
                client.abandon(host);
            }
        }
        self.clients
            .retain(|client| !client.over || client.has_pending());
        active
    }

    /// Whether some app waits for a request.
    #[must_use]
    pub fn has_pending(&self) -> bool {
        self.clients.iter().any(Client::has_pending)
    }

    /// Waits until an app sends something, at most for `limit`.
    pub fn wait(&self, limit: Duration) {
        let mut files: Vec<_> = self
            .clients
            .iter()
            .filter(|client| !client.over)
            .map(|client| PollFd::new(&client.stream, client.wants()))
            .collect();
        files.push(PollFd::new(&self.listener, PollFlags::IN));
        let limit = Timespec::try_from(limit).unwrap_or(Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        });
        // A failure is a signal that interrupts the wait: the caller looks again anyway.
        let _ = poll(&mut files, Some(&limit));
    }

    /// Tells every app that the run is over, and ends their connections.
    pub fn goodbye(&mut self, reason: &str) {
        for client in &mut self.clients {
            client.answer();
            client.say(&Reply::Goodbye {
                reason: reason.to_owned(),
            });
            client.send();
            client.over = true;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whoever removed the file before has done this.
        let _ = std::fs::remove_file(&self.path);
    }
}
