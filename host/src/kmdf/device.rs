//! Device objects and their interfaces.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_INVALID_PARAMETER, STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED},
    types::WDF_PNPPOWER_EVENT_CALLBACKS,
};

use super::{
    device_interface::Interface,
    driver::Driver,
    file::FileConfig,
    interrupt::{AssignedVector, Interrupt},
    object::{Attributes, Body},
    property_data::Properties,
    queue::Queue,
    serial::{CallbackLock, Constraints, Scope},
};
use crate::{
    cpu::stub::Call,
    event::Event,
    host::Host,
    io::{File, Major},
    pnp::{Grant, Resources},
    service::services,
};

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
    /// It has been pulled out.
    SurpriseRemoved,
    /// It is gone.
    Removed,
}

/// WDFDEVICE
pub(crate) struct Device {
    pub(crate) handle: u64,
    /// The slot of its function; [`NO_SLOT`] for a control device.
    pub(crate) slot: usize,
    pub(crate) phase: Cell<Phase>,
    pub(crate) callbacks: WDF_PNPPOWER_EVENT_CALLBACKS,
    pub(crate) constraints: Constraints,
    /// Held around the callbacks of everything below it, with the synchronization scope Device.
    pub(crate) lock: CallbackLock,
    pub(crate) io_type: i32,
    pub(crate) exclusive: bool,
    pub(crate) files: Option<FileConfig>,
    pub(crate) request_attributes: Attributes,
    pub(crate) interrupts: RefCell<Vec<Rc<Interrupt>>>,
    /// The interrupts that PnP assigned, in the order of the resources.
    pub(crate) vectors: RefCell<Vec<AssignedVector>>,
    pub(crate) queues: RefCell<Vec<Rc<Queue>>>,
    /// The queues that certain requests go to instead of the default queue.
    pub(crate) dispatching: RefCell<Vec<(Major, Rc<Queue>)>>,
    pub(crate) interfaces: RefCell<Vec<Interface>>,
    /// The symbolic links that lead to it.
    pub(crate) links: RefCell<Vec<String>>,
    /// EvtIoInCallerContext, or 0.
    pub(crate) in_caller_context: u64,
    /// Its WDFIOTARGET, once it was asked for, or 0.
    pub(crate) io_target: Cell<u64>,
    /// Whether it is a filter: its queues have no power of their own.
    pub(crate) is_filter: bool,
    /// The open handles.
    pub(crate) open: RefCell<Vec<Rc<File>>>,
    /// Whether its removal has begun: new requests fail.
    pub(crate) removing: Cell<bool>,
    /// The resource lists it was started with.
    pub(crate) resources: Cell<Option<Resources>>,
    /// How its interrupts were granted when it was last started.
    pub(crate) grant: Cell<Grant>,
    /// How self-managed I/O stands: initialised, and running.
    pub(crate) self_managed: Cell<(bool, bool)>,
    pub(crate) characteristics: Cell<u32>,
    pub(crate) alignment: Cell<u32>,
    /// What WdfDeviceSetFailed asked for: `WDF_DEVICE_FAILED_ACTION`, or 0.
    pub(crate) failed: Cell<u32>,
    /// The name that WdfDeviceInitAssignName gave it; empty without one.
    pub(crate) name: String,
    /// What the driver has told PnP of it: the members of WDF_DEVICE_STATE, each a `WDF_TRI_STATE`.
    pub(crate) states: Cell<[i32; 7]>,
    /// Whether it leaves D0, or has left it, because the system sleeps.
    pub(crate) sleeping: Cell<bool>,
    /// The properties that the driver has assigned.
    pub(crate) properties: RefCell<Properties>,
    /// The address that stands for its DEVICE_OBJECT; those of the devices below follow.
    wdm: [u64; 3],
}

impl Body for Device {
    const KIND: &'static str = "WDFDEVICE";
}

impl Device {
    /// The address that stands for its DEVICE_OBJECT.
    pub(crate) const fn wdm_own(&self) -> u64 {
        self.wdm[0]
    }

    /// The address that stands for the DEVICE_OBJECT at the bottom of its stack.
    pub(crate) const fn wdm_physical(&self) -> u64 {
        self.wdm[2]
    }

    /// The address that stands for the DEVICE_OBJECT below it.
    pub(crate) const fn wdm_attached(&self) -> u64 {
        self.wdm[1]
    }

    /// Whether it is a control device: PnP knows nothing of it.
    pub(crate) const fn is_control(&self) -> bool {
        self.slot == NO_SLOT
    }

    /// The queue that takes requests nobody configured otherwise.
    pub(crate) fn default_queue(&self) -> Option<Rc<Queue>> {
        self.queues
            .borrow()
            .iter()
            .find(|queue| queue.is_default)
            .cloned()
    }

    /// Its queues that are power-managed, or those that are not.
    pub(crate) fn queues_that_are(&self, power_managed: bool) -> Vec<Rc<Queue>> {
        let mut queues = self.queues.borrow().clone();
        queues.retain(|queue| queue.power_managed == power_managed);
        queues
    }

    /// From now on nobody opens it.
    pub(crate) fn begin_removal(&self) {
        self.removing.set(true);
        for interface in self.interfaces.borrow_mut().iter_mut() {
            interface.enabled = false;
        }
    }

    /// The queue that takes requests of a kind.
    pub(crate) fn queue_taking(&self, major: Major) -> Option<Rc<Queue>> {
        self.queue_for(major).or_else(|| self.default_queue())
    }

    /// The queue that requests of a kind were directed to.
    pub(crate) fn queue_for(&self, major: Major) -> Option<Rc<Queue>> {
        let dispatching = self.dispatching.borrow();
        let (_, queue) = dispatching.iter().find(|(other, _)| *other == major)?;
        Some(Rc::clone(queue))
    }
}

/// What WDFDEVICE_INIT holds until the device is created.
#[derive(Clone, Debug)]
pub(crate) struct DeviceInit {
    /// The address that stands for it.
    pub(crate) address: u64,
    /// The address that stands for the DEVICE_OBJECT at the bottom of the stack, or 0.
    pub(crate) physical: u64,
    /// The name that the device will have; empty for none.
    pub(crate) name: String,
    pub(crate) slot: usize,
    pub(crate) callbacks: Option<WDF_PNPPOWER_EVENT_CALLBACKS>,
    pub(crate) io_type: i32,
    pub(crate) exclusive: bool,
    pub(crate) files: Option<FileConfig>,
    pub(crate) request_attributes: Attributes,
    pub(crate) characteristics: u32,
    /// EvtIoInCallerContext, or 0.
    pub(crate) in_caller_context: u64,
    /// Whether it is a filter.
    pub(crate) is_filter: bool,
}

impl DeviceInit {
    /// What EvtDriverDeviceAdd is given for the function in a slot.
    pub(crate) fn new(address: u64, slot: usize, physical: u64) -> Self {
        Self {
            address,
            physical,
            name: String::new(),
            slot,
            callbacks: None,
            io_type: IO_BUFFERED,
            exclusive: false,
            files: None,
            request_attributes: Attributes::default(),
            characteristics: 0,
            in_caller_context: 0,
            is_filter: false,
        }
    }
}

/// The slot of a device without one.
pub(crate) const NO_SLOT: usize = usize::MAX;
/// `WdfUseDefault`
const WDF_USE_DEFAULT: i32 = 2;
/// `WdfDeviceIoBuffered`
const IO_BUFFERED: i32 = 2;

services! {
    WdfDeviceCreate <= PASSIVE => create;
    WdfDeviceGetDriver <= DISPATCH => driver;
    WdfDeviceSetFailed <= DISPATCH => set_failed;
    WdfDeviceSetCharacteristics <= DISPATCH => set_characteristics;
    WdfDeviceGetCharacteristics <= DISPATCH => characteristics;
    WdfDeviceSetAlignmentRequirement <= DISPATCH => set_alignment;
    WdfDeviceGetAlignmentRequirement <= DISPATCH => alignment;
    WdfDeviceSetPnpCapabilities <= DISPATCH => accept;
    WdfDeviceSetPowerCapabilities <= DISPATCH => accept;
    WdfDeviceSetStaticStopRemove <= DISPATCH => accept;
    WdfDeviceAssignS0IdleSettings <= PASSIVE => assign_idle_settings;
    WdfDeviceAssignSxWakeSettings <= PASSIVE => assign_idle_settings;
    WdfDeviceStopIdleActual <= DISPATCH => stop_idle;
    WdfDeviceStopIdleNoTrack <= DISPATCH => stop_idle;
    WdfDeviceResumeIdleActual <= DISPATCH => accept;
    WdfDeviceResumeIdleNoTrack <= DISPATCH => accept;
    WdfDeviceWdmGetDeviceObject <= HIGH => wdm_device;
    WdfDeviceWdmGetAttachedDevice <= HIGH => wdm_attached;
    WdfDeviceWdmGetPhysicalDevice <= HIGH => wdm_physical;
}

/// WdfDeviceCreate(DeviceInit, DeviceAttributes, Device)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let init_address: u64 = host.memory.read(call.arg(0));
    let Some(init) = host.find_device_init(init_address) else {
        return Err(STATUS_INVALID_PARAMETER);
    };
    let attributes = host.attributes(call.arg(1))?;
    if attributes.parent != 0 {
        return Err(STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    }
    let driver = host.object(host.framework.driver_handle());
    let inherited = host.body::<Driver>(driver.handle).constraints;
    let constraints = Constraints::of(&attributes, inherited);
    if let Some(files) = &init.files {
        files.check(constraints)?;
    }
    let lock = match constraints.scope {
        Scope::Device => CallbackLock::new(constraints),
        Scope::Queue | Scope::None => CallbackLock::None,
    };
    let (object, device) = host.create_object(Some(&driver), &attributes, |handle| Device {
        handle,
        slot: init.slot,
        phase: Cell::new(Phase::Adding),
        callbacks: init.callbacks.unwrap_or_default(),
        constraints,
        lock,
        io_type: init.io_type,
        exclusive: init.exclusive,
        files: init.files,
        request_attributes: init.request_attributes,
        interrupts: RefCell::default(),
        vectors: RefCell::default(),
        queues: RefCell::default(),
        dispatching: RefCell::default(),
        interfaces: RefCell::default(),
        links: RefCell::default(),
        in_caller_context: init.in_caller_context,
        io_target: Cell::new(0),
        is_filter: init.is_filter,
        open: RefCell::default(),
        removing: Cell::new(false),
        resources: Cell::new(None),
        grant: Cell::new(Grant::None),
        self_managed: Cell::new((false, false)),
        characteristics: Cell::new(init.characteristics),
        alignment: Cell::new(0),
        failed: Cell::new(0),
        name: init.name.clone(),
        states: Cell::new([WDF_USE_DEFAULT; 7]),
        sleeping: Cell::new(false),
        properties: RefCell::default(),
        wdm: [
            host.memory.new_handle(),
            host.memory.new_handle(),
            init.physical,
        ],
    });
    host.forget_device_init(init_address);
    if !device.is_control() {
        *host.framework.added.borrow_mut() = Some(device);
    }
    host.memory.write(call.arg(0), &0_u64);
    if call.arg(2) != 0 {
        host.memory.write(call.arg(2), &object.handle);
    }
    Ok(())
}

fn driver(host: &Host, call: &Call) -> u64 {
    host.body::<Device>(call.arg(0));
    host.framework.driver_handle()
}

/// WdfDeviceSetFailed(Device, FailedAction): the device is as good as pulled out.
fn set_failed(host: &Host, call: &Call) {
    let device = host.body::<Device>(call.arg(0));
    device.failed.set(call.arg32(1));
    let text = format!("device {:#x} failed, says the driver", device.handle);
    host.record(Event::Host { text });
    let handle = device.handle;
    host.spawn("PnP", move |host| host.fail_device(handle));
}

fn set_characteristics(host: &Host, call: &Call) {
    let device = host.body::<Device>(call.arg(0));
    device.characteristics.set(call.arg32(1));
}

fn characteristics(host: &Host, call: &Call) -> u32 {
    host.body::<Device>(call.arg(0)).characteristics.get()
}

fn set_alignment(host: &Host, call: &Call) {
    let device = host.body::<Device>(call.arg(0));
    device.alignment.set(call.arg32(1));
}

fn alignment(host: &Host, call: &Call) -> u32 {
    host.body::<Device>(call.arg(0)).alignment.get()
}

/// Settings that change nothing here: nobody ejects the device or asks for its capabilities.
fn accept(host: &Host, call: &Call) {
    host.body::<Device>(call.arg(0));
}

/// WdfDeviceAssignS0IdleSettings, WdfDeviceAssignSxWakeSettings: the device stays in D0 while the
/// system is awake, which both allow.
fn assign_idle_settings(host: &Host, call: &Call) -> Result<(), NtStatus> {
    host.body::<Device>(call.arg(0));
    if call.arg(1) == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    Ok(())
}

/// WdfDeviceStopIdle(Device, WaitForD0)
fn stop_idle(host: &Host, call: &Call) -> NtStatus {
    let device = host.body::<Device>(call.arg(0));
    if device.phase.get() == Phase::Working {
        kmdf_abi::ntstatus::STATUS_SUCCESS
    } else {
        kmdf_abi::ntstatus::STATUS_INVALID_DEVICE_STATE
    }
}

fn wdm_device(host: &Host, call: &Call) -> u64 {
    host.body::<Device>(call.arg(0)).wdm_own()
}

fn wdm_attached(host: &Host, call: &Call) -> u64 {
    host.body::<Device>(call.arg(0)).wdm_attached()
}

fn wdm_physical(host: &Host, call: &Call) -> u64 {
    host.body::<Device>(call.arg(0)).wdm_physical()
}
