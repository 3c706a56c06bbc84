//! A QEMU and the connection to it, with errors that say what it was asked for.

use std::{fmt, path::Path, time::Duration};

use kmdf_bus::{DeviceError, memory::SharedMemory};

use super::{
    process::{Device, Process},
    qtest::{Edge, Failure, Qtest},
};

/// A QEMU that answers, until it fails once.
#[derive(Debug)]
pub(super) struct Link {
    process: Process,
    qtest: Qtest,
    /// How it ended, once it has.
    end: Option<String>,
}

impl Link {
    /// Starts QEMU with one device.
    pub(super) fn start(
        program: &Path,
        device: Device<'_>,
        memory: &SharedMemory,
        limit: Duration,
    ) -> Result<Self, DeviceError> {
        let (process, socket) = Process::start(program, device, memory)?;
        let qtest = Qtest::new(socket, limit).map_err(|error| DeviceError::Died {
            during: "it was being started".to_owned(),
            how: error.to_string(),
        })?;
        Ok(Self {
            process,
            qtest,
            end: None,
        })
    }

    /// The process id of QEMU.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Has a command carried out that gives no value.
    pub(super) fn tell(
        &mut self,
        during: fmt::Arguments<'_>,
        command: fmt::Arguments<'_>,
    ) -> Result<(), DeviceError> {
        match self.command(during, command)? {
            None => Ok(()),
            Some(value) => Err(self.fail(during, Failure::Protocol(format!("OK {value:#x}")))),
        }
    }

    /// Has a command carried out that gives a value.
    pub(super) fn ask(
        &mut self,
        during: fmt::Arguments<'_>,
        command: fmt::Arguments<'_>,
    ) -> Result<u64, DeviceError> {
        match self.command(during, command)? {
            Some(value) => Ok(value),
            None => Err(self.fail(during, Failure::Protocol("OK".to_owned()))),
        }
    }

    fn command(
        &mut self,
        during: fmt::Arguments<'_>,
        command: fmt::Arguments<'_>,
    ) -> Result<Option<u64>, DeviceError> {
        self.alive(during)?;
        self.qtest
            .command(command)
            .map_err(|failure| self.fail(during, failure))
    }

    /// Waits up to `limit` for QEMU to say something by itself. Says whether it did.
    pub(super) fn listen(
        &mut self,
        during: fmt::Arguments<'_>,
        limit: Duration,
    ) -> Result<bool, DeviceError> {
        self.alive(during)?;
        self.qtest
            .listen(limit)
            .map_err(|failure| self.fail(during, failure))
    }

    /// The oldest change of an interrupt pin that was not taken yet.
    pub(super) fn next_edge(&mut self) -> Option<Edge> {
        self.qtest.next_edge()
    }

    fn alive(&self, during: fmt::Arguments<'_>) -> Result<(), DeviceError> {
        match &self.end {
            None => Ok(()),
            Some(how) => Err(DeviceError::Died {
                during: during.to_string(),
                how: how.clone(),
            }),
        }
    }

    /// Ends QEMU for good, if it has not ended already: after a failure nobody knows what it would
    /// answer next.
    pub(super) fn fail(&mut self, during: fmt::Arguments<'_>, failure: Failure) -> DeviceError {
        let during = during.to_string();
        let (end, error) = match failure {
            Failure::Gone => {
                let how = self.process.end();
                (how.clone(), DeviceError::Died { during, how })
            }
            Failure::Silent(limit) => {
                self.process.kill();
                (
                    format!("it was ended because it had not answered within {limit:?}"),
                    DeviceError::Silent { during, limit },
                )
            }
            Failure::Protocol(answer) => {
                self.process.kill();
                (
                    format!("it was ended because it had answered {answer:?}"),
                    DeviceError::Protocol { during, answer },
                )
            }
        };
        self.end = Some(end);
        error
    }
}
