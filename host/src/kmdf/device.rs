//! Device objects, the structure they are made from, and their interfaces.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_INVALID_PARAMETER},
    types::{GUID, WDF_PNPPOWER_EVENT_CALLBACKS},
};

use super::{interrupt::Interrupt, object::Body, queue::Queue};
use crate::{cpu::stub::Call, host::Host, pnp::Resources, service::services};

/// Where a device stands with PnP and power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// EvtDriverDeviceAdd runs.
    Adding,
    /// It has no resources.
    Stopped,
    /// EvtDevicePrepareHardware runs.
    PreparingHardware,
    /// It has resources and is not in D0.
    LowPower,
    /// It is in D0 and its power-managed queues are started.
    Working,
    /// It is gone.
    Removed,
}

/// WDFDEVICE
pub(crate) struct Device {
    pub(crate) handle: u64,
    /// The slot of its function.
    pub(crate) slot: usize,
    pub(crate) phase: Cell<Phase>,
    pub(crate) callbacks: WDF_PNPPOWER_EVENT_CALLBACKS,
    pub(crate) interrupts: RefCell<Vec<Rc<Interrupt>>>,
    pub(crate) queues: RefCell<Vec<Rc<Queue>>>,
    pub(crate) interfaces: RefCell<Vec<Interface>>,
    /// The resource lists it was started with.
    pub(crate) resources: Cell<Option<Resources>>,
}

/// A device interface: what apps open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interface {
    /// Its class, as the 16 bytes of a GUID.
    pub(crate) class: [u8; 16],
    /// Whether it can be opened: from the first D0 entry to removal.
    pub(crate) enabled: bool,
}

impl Body for Device {
    const KIND: &'static str = "WDFDEVICE";
}

impl Device {
    /// The queue that takes requests nobody configured otherwise.
    pub(crate) fn default_queue(&self) -> Option<Rc<Queue>> {
        self.queues
            .borrow()
            .iter()
            .find(|queue| queue.is_default)
            .cloned()
    }
}

/// What WDFDEVICE_INIT holds until the device is created.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeviceInit {
    /// The address that stands for it.
    pub(crate) address: u64,
    pub(crate) slot: usize,
    pub(crate) callbacks: Option<WDF_PNPPOWER_EVENT_CALLBACKS>,
    pub(crate) io_type: i32,
}

/// `WdfDeviceIoBuffered`
pub(crate) const IO_BUFFERED: i32 = 2;

services! {
    WdfDeviceInitSetPnpPowerEventCallbacks <= DISPATCH => set_pnp_power_callbacks;
    WdfDeviceInitSetIoType <= DISPATCH => set_io_type;
    WdfDeviceCreate <= PASSIVE => create;
    WdfDeviceCreateDeviceInterface <= PASSIVE => create_interface;
}

impl Host {
    fn device_init(&self, address: u64, change: impl FnOnce(&mut DeviceInit)) {
        let mut init = self.framework.device_init.borrow_mut();
        match init.as_mut().filter(|init| init.address == address) {
            Some(init) => change(init),
            None => {
                drop(init);
                self.violation(
                    "DeviceInit",
                    format!("{address:#x} is no WDFDEVICE_INIT that can still be changed"),
                );
            }
        }
    }
}

/// WdfDeviceInitSetPnpPowerEventCallbacks(DeviceInit, PnpPowerEventCallbacks)
fn set_pnp_power_callbacks(host: &Host, call: &Call) {
    let callbacks: WDF_PNPPOWER_EVENT_CALLBACKS = host.memory.read(call.arg(1));
    if callbacks.Size as usize != size_of::<WDF_PNPPOWER_EVENT_CALLBACKS>() {
        host.violation(
            "StructureSize",
            "WDF_PNPPOWER_EVENT_CALLBACKS.Size is that of no version",
        );
    }
    host.device_init(call.arg(0), |init| init.callbacks = Some(callbacks));
}

/// WdfDeviceInitSetIoType(DeviceInit, IoType)
fn set_io_type(host: &Host, call: &Call) {
    let io_type = call.arg32(1).cast_signed();
    host.device_init(call.arg(0), |init| init.io_type = io_type);
}

/// WdfDeviceCreate(DeviceInit, DeviceAttributes, Device)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let init_address: u64 = host.memory.read(call.arg(0));
    let init = host
        .framework
        .device_init
        .borrow()
        .filter(|init| init.address == init_address);
    let Some(init) = init else {
        return Err(STATUS_INVALID_PARAMETER);
    };
    let attributes = host.attributes(call.arg(1))?;
    if attributes.parent != 0 {
        return Err(kmdf_abi::ntstatus::STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    }
    let driver = host.object(host.framework.driver_handle());
    let callbacks = init.callbacks.unwrap_or_default();
    let (object, device) = host.create_object(Some(&driver), &attributes, |handle| Device {
        handle,
        slot: init.slot,
        phase: Cell::new(Phase::Adding),
        callbacks,
        interrupts: RefCell::default(),
        queues: RefCell::default(),
        interfaces: RefCell::default(),
        resources: Cell::new(None),
    });
    *host.framework.device_init.borrow_mut() = None;
    *host.framework.added.borrow_mut() = Some(device);
    host.memory.write(call.arg(0), &0_u64);
    if call.arg(2) != 0 {
        host.memory.write(call.arg(2), &object.handle);
    }
    Ok(())
}

/// WdfDeviceCreateDeviceInterface(Device, InterfaceClassGUID, ReferenceString)
fn create_interface(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = host.body::<Device>(call.arg(0));
    if call.arg(1) == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if call.arg(2) != 0 {
        host.unsupported("a device interface with a reference string");
    }
    let class: [u8; size_of::<GUID>()] = host.memory.read(call.arg(1));
    device.interfaces.borrow_mut().push(Interface {
        class,
        enabled: false,
    });
    Ok(())
}
