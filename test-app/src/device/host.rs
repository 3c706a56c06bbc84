//! The device interface where kmdf-host serves it.

use std::time::Duration;

use edu_spec::interface::DEVICE_INTERFACE;
use kmdf_host_client::{
    Completion, Connection, Error as HostError, Handle, Wait,
    protocol::{Access, InterfaceId, Share},
    socket_path,
};

use super::{Error, Options, RequestError, Status, Transfer};

/// The interface class, in the protocol's form.
const INTERFACE: InterfaceId = InterfaceId::new(
    DEVICE_INTERFACE.data1,
    DEVICE_INTERFACE.data2,
    DEVICE_INTERFACE.data3,
    DEVICE_INTERFACE.data4,
);

/// `STATUS_OBJECT_NAME_NOT_FOUND`: what the host answers when the interface has no such instance.
const OBJECT_NAME_NOT_FOUND: u32 = 0xC000_0034;

#[derive(Debug)]
pub(super) struct Device(Handle);

impl Device {
    pub(super) fn open(options: &Options) -> Result<Self, Error> {
        let path = options.socket.clone().unwrap_or_else(socket_path);
        let host = Connection::open(&path).map_err(translate)?;
        host.open_interface(
            INTERFACE,
            options.index,
            Access::GENERIC_READ.union(Access::GENERIC_WRITE),
            Share::READ.union(Share::WRITE),
        )
        .map(Self)
        .map_err(|error| match error {
            HostError::OpenFailed(status) if status.0 == OBJECT_NAME_NOT_FOUND => Error::NoDevice {
                reason: format!(
                    "the host at {} has no edu device with index {} (interface \
                     {DEVICE_INTERFACE})",
                    path.display(),
                    options.index
                ),
                hint: "the driver may have failed to start: the host's own output says why",
            },
            other => translate(other),
        })
    }

    pub(super) fn control(
        &self,
        code: u32,
        input: &[u8],
        output_length: u32,
    ) -> Result<Pending, Error> {
        let pending = self
            .0
            .submit_control(code, input, output_length)
            .map_err(translate)?;
        Ok(Pending {
            pending,
            output_length,
        })
    }

    pub(super) fn read(&self, offset: u64, length: u32) -> Result<Pending, Error> {
        let pending = self.0.submit_read(offset, length).map_err(translate)?;
        Ok(Pending {
            pending,
            output_length: length,
        })
    }

    pub(super) fn write(&self, offset: u64, data: &[u8]) -> Result<Pending, Error> {
        let pending = self.0.submit_write(offset, data).map_err(translate)?;
        Ok(Pending {
            pending,
            output_length: 0,
        })
    }
}

#[derive(Debug)]
pub(super) struct Pending {
    pending: kmdf_host_client::Pending,
    output_length: u32,
}

impl Pending {
    /// `Err` is the request that is still pending.
    pub(super) fn wait_timeout(self, timeout: Duration) -> Result<Result<Transfer, Error>, Self> {
        let output_length = self.output_length;
        match self.pending.wait_timeout(timeout) {
            Ok(Wait::Completed(completion)) => Ok(transfer(completion, output_length)),
            Ok(Wait::TimedOut(pending)) => Err(Self {
                pending,
                output_length,
            }),
            Err(error) => Ok(Err(translate(error))),
        }
    }

    pub(super) fn cancel(&self) -> Result<(), Error> {
        self.pending.cancel().map_err(translate)
    }
}

/// What a completion means to the app, if it keeps the rules that Windows' I/O manager keeps.
fn transfer(completion: Completion, output_length: u32) -> Result<Transfer, Error> {
    if !completion.status.is_success() {
        return Err(Error::Failed(RequestError {
            status: Status::from_ntstatus(completion.status.0),
        }));
    }
    let copied = completion.output.len() as u64;
    if copied > u64::from(output_length) {
        return Err(Error::Malformed {
            reason: format!("{copied} bytes came for a buffer of {output_length}"),
        });
    }
    if copied != completion.information.min(u64::from(output_length)) {
        return Err(Error::Malformed {
            reason: format!(
                "{copied} bytes came, {} were announced, for a buffer of {output_length}",
                completion.information
            ),
        });
    }
    Ok(Transfer {
        bytes: completion.information,
        output: completion.output,
    })
}

fn translate(error: HostError) -> Error {
    match error {
        HostError::NoHost { path, source } => Error::NoDevice {
            reason: format!("no kmdf-host answers at {}: {source}", path.display()),
            hint: "start a host that runs the driver (sh scripts/run.sh shows how), or name its \
                   socket by --socket or in KMDF_HOST_SOCKET",
        },
        HostError::Silent { .. } | HostError::NoThread(_) => Error::NoDevice {
            reason: error.to_string(),
            hint: "start the host again",
        },
        HostError::VersionMismatch { .. } => Error::NoDevice {
            reason: error.to_string(),
            hint: "build host and eductl from the same checkout",
        },
        HostError::OpenFailed(status) => Error::NotOpened(RequestError {
            status: Status::from_ntstatus(status.0),
        }),
        HostError::HostGone { .. } => Error::Disconnected {
            reason: error.to_string(),
        },
        HostError::NotSendable(_) => Error::Malformed {
            reason: error.to_string(),
        },
    }
}
