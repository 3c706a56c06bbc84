//! What becomes of each WDFDEVICE_INIT, and of the control devices that are made of them: which rule is broken
//! by using one that is gone, by not giving one back, and by leaving a control device unfinished.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use kmdf_abi::ntstatus::NtStatus;
use kmdf_rules::{Rule, rules};

use super::{device::Device, driver::Driver, object::Body as _};
use crate::host::Host;

/// Why a WDFDEVICE_INIT is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A device was created from it.
    Created,
    /// WdfDeviceInitFree has freed it.
    Freed,
    /// EvtDriverDeviceAdd has returned, which was given it.
    Returned,
}

/// What a WDFDEVICE_INIT is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Create,
    Other,
}

/// Where a control device was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Maker {
    DriverEntry,
    DeviceAdd,
    Other,
}

/// What is known of all of them.
#[derive(Default)]
pub(crate) struct Inits {
    gone: RefCell<BTreeMap<u64, (Fate, bool)>>,
    /// Functions that have failed for one of a control device, and have not succeeded since.
    failed: RefCell<BTreeMap<u64, BTreeSet<&'static str>>>,
    /// Where those of control devices were allocated.
    sites: RefCell<BTreeMap<u64, u64>>,
    /// The control devices for which WdfControlFinishInitializing was not called.
    unfinished: RefCell<Vec<(u64, Maker)>>,
}

/// What fails for a WDFDEVICE_INIT by [`Inits::failed`] when the device itself could not be created.
const CREATION: &str = "WdfDeviceCreate";

impl Host {
    /// Ends the run: a function gets what is no WDFDEVICE_INIT, or none any more.
    pub(super) fn bad_device_init(&self, address: u64, wanted: Use) -> ! {
        let gone = self.framework().inits.gone.borrow().get(&address).copied();
        let (rule, text): (&Rule, _) = match gone {
            None if address == 0 => (
                &rules::INIT_FREE_NULL,
                "a WDFDEVICE_INIT is needed, and the pointer is NULL: WdfDeviceCreate leaves that when it \
                 succeeds"
                    .to_owned(),
            ),
            None => (
                &rules::DEVICE_INIT_ALLOCATE,
                format!(
                    "{address:#x} is not a WDFDEVICE_INIT: EvtDriverDeviceAdd was not given it, and \
                     WdfControlDeviceInitAllocate has not returned it"
                ),
            ),
            Some((Fate::Freed, _)) if wanted == Use::Create => (
                &rules::INIT_FREE_DEVICE_CREATE_TYPE_2,
                format!("a device is created from the WDFDEVICE_INIT {address:#x}, which was freed"),
            ),
            Some((Fate::Freed, _)) => (
                &rules::DOUBLE_DEVICE_INIT_FREE,
                format!("the WDFDEVICE_INIT {address:#x} was freed"),
            ),
            Some((fate, of_control)) => (
                if of_control {
                    &rules::CONTROL_DEVICE_INIT_API
                } else {
                    &rules::DEVICE_INIT_API
                },
                match fate {
                    Fate::Returned => format!(
                        "the WDFDEVICE_INIT {address:#x} is gone: EvtDriverDeviceAdd has returned"
                    ),
                    _ => format!("a device was created from the WDFDEVICE_INIT {address:#x}"),
                },
            ),
        };
        self.violation(rule, text)
    }

    /// Notes that a WDFDEVICE_INIT is gone.
    pub(crate) fn device_init_gone(&self, address: u64, fate: Fate, of_control: bool) {
        let mut gone = self.framework().inits.gone.borrow_mut();
        gone.insert(address, (fate, of_control));
    }

    /// Notes where the WDFDEVICE_INIT of a control device was allocated.
    pub(super) fn device_init_allocated(&self, address: u64) {
        let mut sites = self.framework().inits.sites.borrow_mut();
        sites.insert(address, self.call_site());
    }

    /// Notes whether a function for a WDFDEVICE_INIT has failed.
    pub(super) fn note_init_result(
        &self,
        address: u64,
        what: &'static str,
        result: Result<(), NtStatus>,
    ) -> Result<(), NtStatus> {
        let mut failed = self.framework().inits.failed.borrow_mut();
        let of_it = failed.entry(address).or_default();
        if result.is_err() {
            of_it.insert(what);
        } else {
            of_it.remove(what);
        }
        result
    }

    /// Checks the WDFDEVICE_INIT that a device is to be created from.
    pub(super) fn check_device_init(&self, address: u64) {
        let Some(init) = self.find_device_init(address) else {
            self.bad_device_init(address, Use::Create);
        };
        let owns = init.owns_power_policy.unwrap_or(!init.is_filter);
        if init.is_filter && init.has_policy_callbacks && !owns && self.checks_all() {
            self.violation(
                &rules::NON_FDO_NOT_POWER_POLICY_OWNER,
                "WdfDeviceInitSetPowerPolicyEventCallbacks was called by a filter that does not own the \
                 power policy",
            );
        }
        let failed = self.framework().inits.failed.borrow();
        let mut failed = failed.get(&address).into_iter().flatten();
        let before = failed.find(|what| **what != CREATION);
        if let Some(what) = before.filter(|_| init.is_allocated()) {
            self.violation(
                &rules::INIT_FREE_DEVICE_CREATE,
                format!("a device is created from a WDFDEVICE_INIT for which {what} has failed"),
            );
        }
    }

    /// Notes how WdfDeviceCreate has ended.
    pub(super) fn note_creation(
        &self,
        address: u64,
        of_control: bool,
        result: Result<u64, NtStatus>,
    ) -> Result<(), NtStatus> {
        if let Ok(handle) = result {
            self.device_init_gone(address, Fate::Created, of_control);
            if of_control {
                let made = (handle, self.maker());
                self.framework().inits.unfinished.borrow_mut().push(made);
            }
        }
        self.note_init_result(address, CREATION, result.map(|_| ()))
    }

    fn maker(&self) -> Maker {
        let current = self.scheduler.current();
        current.map_or(Maker::Other, |(_, flow)| {
            let activations = flow.activations.borrow();
            let is_under = |what| activations.iter().any(|activation| activation.what == what);
            if is_under("DriverEntry") {
                Maker::DriverEntry
            } else if is_under("EvtDriverDeviceAdd") {
                Maker::DeviceAdd
            } else {
                Maker::Other
            }
        })
    }

    /// Notes that WdfControlFinishInitializing was called.
    pub(super) fn control_device_finished(&self, handle: u64) {
        let mut unfinished = self.framework().inits.unfinished.borrow_mut();
        unfinished.retain(|&(other, _)| other != handle);
    }

    /// Checks the control devices of a PnP driver whose EvtDriverDeviceAdd has succeeded.
    pub(crate) fn check_control_devices(&self) {
        let drivers = self.bodies::<Driver>();
        if !self.checks_all() || !drivers.iter().any(|driver| driver.is_pnp) {
            return;
        }
        let unfinished = self.framework().inits.unfinished.borrow().clone();
        for (handle, maker) in unfinished {
            let rule = match maker {
                Maker::DriverEntry => &rules::CTL_DEVICE_FINISH_INIT_DR_ENTRY,
                Maker::DeviceAdd => &rules::CTL_DEVICE_FINISH_INIT_DEVICE_ADD,
                Maker::Other => continue,
            };
            let gone = self.framework().objects.was(handle, Device::KIND);
            if !gone && !self.body::<Device>(handle).removing.get() {
                self.violation(
                    rule,
                    format!(
                        "EvtDriverDeviceAdd returns, and WdfControlFinishInitializing was not called for \
                         the control device {handle:#x}{}",
                        self.made_at(self.object(handle).site)
                    ),
                );
            }
        }
        self.check_end_of_control_devices();
    }

    fn check_end_of_control_devices(&self) {
        let devices = self.bodies::<Device>();
        let lives = |device: &&Rc<Device>| device.is_control() && !device.removing.get();
        let Some(control) = devices.iter().find(lives) else {
            return;
        };
        let ends = |device: &Rc<Device>| {
            self.object(device.handle).has_end_callback()
                || device.callbacks.EvtDeviceSelfManagedIoCleanup.0 != 0
        };
        if !devices.iter().any(ends) {
            self.violation(
                &rules::CLEANUP_4_CTL_DEVICE_REGISTERED,
                format!(
                    "the driver has the control device {:#x}{}, and no callback for the end of a device: \
                     nothing deletes it",
                    control.handle,
                    self.made_at(self.object(control.handle).site)
                ),
            );
        }
    }

    /// The WDFDEVICE_INITs of control devices that nothing became of.
    pub(crate) fn device_inits_left(&self) -> Vec<(&'static Rule, String)> {
        let inits = &self.framework().inits;
        let left = self.framework().other_inits.borrow();
        let of_driver = left.iter().filter(|init| init.is_allocated());
        let of_left = of_driver.map(|init| {
            let failed = inits.failed.borrow();
            let failed = failed.get(&init.address);
            let rule = if failed.is_some_and(|failed| failed.contains(CREATION)) {
                &rules::INIT_FREE_DEVICE_CREATE_TYPE_4
            } else {
                &rules::INIT_FREE_DEVICE_CALLBACK
            };
            let site = inits.sites.borrow().get(&init.address).copied();
            let text = format!("a WDFDEVICE_INIT{}", self.made_at(site.unwrap_or(0)));
            (rule, text)
        });
        of_left.collect()
    }
}
