//! PnP and power: what the managers do to a driver and its devices, in their order.

mod assign;
pub(crate) mod bus;
mod children;
mod device;
mod eject;
pub(crate) mod notify;
mod power;
mod question;
mod removal;
mod requirements;
mod self_managed;
mod turn;

pub use assign::Grant;
pub(crate) use assign::{FIRST_DEVICE_VECTOR, Resources};
pub(crate) use device::LONGEST;
pub(crate) use removal::ATTEMPT_RESTART;
pub use turn::Disturbance;

use std::rc::Rc;

use kmdf_abi::ntstatus::NtStatus;
use kmdf_image::{Image, MapError, Symbols};
use kmdf_machine::Stop;
use kmdf_rules::rules;

use crate::{
    host::Host,
    kmdf::{
        device::{Device, Phase},
        driver::{DRIVER_OBJECT_BYTES, DRIVER_UNLOAD_OFFSET},
    },
    loader,
};

impl Host {
    /// Maps the image, binds its imports and calls its entry point.
    ///
    /// # Errors
    /// The image cannot be mapped, or the run stopped.
    ///
    /// # Panics
    /// When a driver was loaded before: one host runs one driver.
    pub fn load(
        &self,
        image: Image,
        symbols: impl Into<Rc<Symbols>>,
        service: &str,
    ) -> Result<Result<NtStatus, Stop>, MapError> {
        loader::map(self, image, symbols.into())?;
        let path = format!(r"\REGISTRY\MACHINE\SYSTEM\ControlSet001\Services\{service}");
        Ok(self.run_to_end("DriverEntry", move |host| host.driver_entry(&path)))
    }

    fn driver_entry(&self, registry_path: &str) -> NtStatus {
        let object = self.lend("the DRIVER_OBJECT", DRIVER_OBJECT_BYTES);
        self.framework().driver_object.set(object);
        // CSHORT Type (IO_TYPE_DRIVER), CSHORT Size.
        self.memory.write(object, &4_u16);
        self.memory.write(object + 2, &(DRIVER_OBJECT_BYTES as u16));
        let path = self.lend_string("the registry path", registry_path);
        let entry = self.image.get().expect("mapped before").entry();
        let value = self.call_driver("DriverEntry", 0, entry, &[object, path]);
        self.releases(&self.framework().pnp);
        self.releases_to_all();
        let status = NtStatus(value as u32 as i32);
        if !status.is_success() {
            // What WdfDriverCreate made goes when DriverEntry fails, without EvtDriverUnload.
            self.discard_driver_object();
            self.check_left_behind("DriverEntry failed");
        } else if self.framework().globals.get() != 0 && self.framework().driver.get() == 0 {
            self.violation(
                &rules::DRIVER_CREATE,
                "DriverEntry succeeds without having called WdfDriverCreate",
            );
        }
        status
    }

    /// Unloads the driver: its DriverUnload, then a look at what it has left behind.
    ///
    /// # Errors
    /// The run stopped, or something is left.
    pub fn unload(&self) -> Result<(), Stop> {
        self.run_to_end("unload", |host| {
            // A removed device, or a control device that is deleted, goes when the last handle of it is
            // closed.
            host.block_until(|host| {
                let devices = host.bodies::<Device>();
                devices.iter().all(|device| {
                    let deleted = device.is_control() && device.removing.get();
                    let phase = device.phase.get();
                    !matches!(phase, Phase::Removed | Phase::SurpriseRemoved) && !deleted
                })
            });
            if host.is_held_by_control_devices() {
                host.violation(
                    &rules::CONTROL_DEVICE_DELETED,
                    "the driver's last device is gone, and a control device is not: before that is \
                     deleted, the system does not unload the driver",
                );
            }
            let object = host.framework().driver_object.get();
            let unload: u64 = host.memory.read(object + DRIVER_UNLOAD_OFFSET);
            if unload == 0 {
                host.violation(&rules::DRIVER_UNLOAD, "the driver has no DriverUnload");
            }
            host.acquires(&host.framework().pnp);
            host.call_driver("DriverUnload", 0, unload, &[object]);
            host.check_left_behind("the driver was unloaded");
        })
    }
}
