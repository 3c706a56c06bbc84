//! What apps and PnP do with the driver, for each way to interrupt.

use std::sync::Arc;

use kmdf_host::{
    Interrupts,
    device::{PciFunction, Width},
    explore::{Scenario, Stage, Wrong},
    install::RegistryValue,
    ntstatus::STATUS_CANCELLED,
};

use crate::{Ask, INTERFACE, READ_WRITE, SOFTWARE, Way, device};

/// Requests that end by an interrupt, by cancellation and by a timer; the device sleeps and wakes.
struct Requests(Way);

/// One for each of these ways to interrupt.
pub fn scenarios(ways: impl Iterator<Item = Way>) -> Vec<Arc<dyn Scenario>> {
    ways.map(|way| Arc::new(Requests(way)) as Arc<dyn Scenario>)
        .collect()
}

impl Scenario for Requests {
    fn name(&self) -> &'static str {
        "requests"
    }

    fn about(&self) -> &'static str {
        "requests that end by an interrupt, by cancellation and by a timer; the device sleeps and wakes"
    }

    fn devices(&self) -> Vec<Box<dyn PciFunction>> {
        vec![Box::new(device())]
    }

    fn interrupts(&self) -> Interrupts {
        self.0.interrupts
    }

    fn registry(&self) -> Vec<(&'static str, RegistryValue)> {
        self.0.values()
    }

    fn run(&self, stage: &Stage<'_>) -> Result<(), Wrong> {
        let Some(file) = stage.try_open(INTERFACE, 0, READ_WRITE)? else {
            return if stage.is_undisturbed() {
                Err(Wrong::Unexpected("the device cannot be opened".to_owned()))
            } else {
                Ok(())
            };
        };
        let serviced = SOFTWARE.to_le_bytes();
        let raise = Ask::Raise(SOFTWARE).request();
        let first = stage.wait(&stage.submit(&file, raise.clone()))?;
        stage.expect("an interrupt", &first, &serviced, &[])?;
        let canceled = stage.submit(&file, raise.clone());
        stage.host().cancel(&canceled);
        let canceled = stage.wait(&canceled)?;
        stage.expect("a canceled one", &canceled, &serviced, &[STATUS_CANCELLED])?;
        let across = stage.submit(&file, raise);
        stage.host().sleep(0)?;
        let woken = stage.host().resume(0)?;
        let across = stage.wait(&across)?;
        if woken.is_success() {
            stage.expect("one across sleep", &across, &serviced, &[])?;
        }
        let timed = stage.wait(&stage.submit(&file, Ask::Timer(5).request()))?;
        if woken.is_success() {
            let runs = timed.output.clone();
            stage.expect("the timer", &timed, &runs, &[])?;
        }
        stage.host().close(&file);
        Ok(())
    }

    fn raise(&self, host: &kmdf_host::Host) {
        host.poke(0, 0, 0x60, Width::Dword, SOFTWARE.into());
    }
}
