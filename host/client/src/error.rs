//! What can go wrong between an app and the host.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use thiserror::Error;

use crate::{
    framing::FrameError,
    protocol::{NtStatus, VERSION},
    socket::SOCKET_VARIABLE,
};

/// Why a request got no answer. A request that the driver completed, with whatever status, is no
/// error here: see [`crate::Completion`].
#[derive(Clone, Debug, Error)]
pub enum Error {
    /// Nothing listens at the socket.
    #[error(
        "no kmdf-host answers at {}: {source}. Start a host that runs the driver, or name its \
         socket in {SOCKET_VARIABLE}",
        .path.display()
    )]
    NoHost {
        /// The socket.
        path: PathBuf,
        /// What connecting said.
        source: Arc<io::Error>,
    },
    /// Something listens but does not answer the greeting.
    #[error(
        "what listens at {} did not greet within {limit:?}: it may be stopped, or be no kmdf-host",
        .path.display()
    )]
    Silent {
        /// The socket.
        path: PathBuf,
        /// How long was waited.
        limit: Duration,
    },
    /// The host speaks another version of the protocol.
    #[error(
        "the host speaks version {host} of the protocol, this program version {VERSION}: use \
         programs of the same build"
    )]
    VersionMismatch {
        /// The host's version.
        host: u32,
    },
    /// The interface could not be opened.
    #[error("the device interface could not be opened: status {0}")]
    OpenFailed(NtStatus),
    /// The host ended the run, or died.
    #[error("the host went away: {reason}")]
    HostGone {
        /// What it said, or how its end was noticed.
        reason: Arc<str>,
    },
    /// The request breaks a limit of the protocol. It was not sent.
    #[error("the request was not sent: {0}")]
    NotSendable(FrameError),
    /// The reader thread could not be started.
    #[error("no thread for the host's answers: {0}")]
    NoThread(Arc<io::Error>),
}
