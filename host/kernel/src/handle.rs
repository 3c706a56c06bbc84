//! Handles, and the references of what they name.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH, STATUS_SUCCESS, STATUS_TIMEOUT,
};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use crate::{Kernel, dispatcher::Object, services};

/// The first handle of the kernel's: its sign tells it from an app's.
const FIRST_KERNEL: u64 = 0xffff_ffff_8000_0004;
const STEP: u64 = 4;

/// What a handle names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Event,
    Thread,
}

/// The types of objects that drivers name: `*ExEventObjectType` and its like are the addresses of these.
static EVENT_TYPE: u64 = 0;
static THREAD_TYPE: u64 = 1;
static OTHER_TYPE: u64 = 2;

/// A variable that the kernel exports.
#[repr(transparent)]
struct Variable(*const u64);

// SAFETY: what it points to is never written.
unsafe impl Sync for Variable {}

static EX_EVENT_OBJECT_TYPE: Variable = Variable(&raw const EVENT_TYPE);
static PS_THREAD_TYPE: Variable = Variable(&raw const THREAD_TYPE);
static OTHER_OBJECT_TYPE: Variable = Variable(&raw const OTHER_TYPE);

/// The address of a variable with a type of objects.
pub(crate) fn variable(name: &str) -> Option<u64> {
    let variable = match name {
        "ExEventObjectType" => &raw const EX_EVENT_OBJECT_TYPE,
        "PsThreadType" => &raw const PS_THREAD_TYPE,
        "ExSemaphoreObjectType" | "IoFileObjectType" | "PsProcessType" | "SeTokenObjectType" => {
            &raw const OTHER_OBJECT_TYPE
        }
        _ => return None,
    };
    Some(variable.addr() as u64)
}

impl Kind {
    /// The type of such objects, as the driver has it.
    fn type_address(self) -> u64 {
        let address = match self {
            Self::Event => &raw const EVENT_TYPE,
            Self::Thread => &raw const THREAD_TYPE,
        };
        address.addr() as u64
    }
}

/// The open handles, and the objects that they or the driver's pointers refer to.
pub(crate) struct Handles {
    next_kernel: Cell<u64>,
    next_user: Cell<u64>,
    open: RefCell<BTreeMap<u64, u64>>,
    objects: RefCell<BTreeMap<u64, Referenced>>,
}

struct Referenced {
    kind: Kind,
    /// Handles that are open.
    handles: u32,
    /// References that the driver has taken, and where it took the last one.
    pointers: u32,
    site: u64,
}

impl Default for Handles {
    fn default() -> Self {
        Self {
            next_kernel: Cell::new(FIRST_KERNEL),
            next_user: Cell::new(STEP),
            open: RefCell::default(),
            objects: RefCell::default(),
        }
    }
}

impl Handles {
    /// A handle for the object at an address.
    fn open(&self, next: &Cell<u64>, address: u64, kind: Kind, site: u64) -> u64 {
        let handle = next.get();
        next.set(handle + STEP);
        self.open.borrow_mut().insert(handle, address);
        let mut objects = self.objects.borrow_mut();
        let object = objects.entry(address).or_insert(Referenced {
            kind,
            handles: 0,
            pointers: 0,
            site,
        });
        object.handles += 1;
        handle
    }

    /// The object that a handle names, and what it is.
    fn named(&self, handle: u64) -> Option<(u64, Kind)> {
        let address = *self.open.borrow().get(&handle)?;
        Some((address, self.objects.borrow().get(&address)?.kind))
    }

    /// Closes a handle: the object's address.
    fn close(&self, handle: u64) -> Option<u64> {
        let address = self.open.borrow_mut().remove(&handle)?;
        if let Some(object) = self.objects.borrow_mut().get_mut(&address) {
            object.handles -= 1;
        }
        Some(address)
    }

    /// Changes how many references the driver has to an object: `false` when it has none to give back.
    fn refer(&self, address: u64, taken: bool, site: u64) -> bool {
        let mut objects = self.objects.borrow_mut();
        let Some(object) = objects.get_mut(&address) else {
            return false;
        };
        if taken {
            object.pointers += 1;
            object.site = site;
        } else if object.pointers > 0 {
            object.pointers -= 1;
        } else {
            return false;
        }
        true
    }

    /// Forgets an object that nothing refers to: whether it did.
    fn forget(&self, address: u64) -> bool {
        let mut objects = self.objects.borrow_mut();
        let unused = objects
            .get(&address)
            .is_some_and(|object| object.handles == 0 && object.pointers == 0);
        unused && objects.remove(&address).is_some()
    }

    /// Where references were taken that the driver has not given back.
    pub(crate) fn sites(&self) -> Vec<u64> {
        let objects = self.objects.borrow();
        let held = objects.values().filter(|object| object.pointers > 0);
        held.map(|object| object.site).collect()
    }
}

services! {
    ObReferenceObjectByHandle <= PASSIVE => reference_by_handle;
    ObReferenceObjectByPointer <= DISPATCH => reference_by_pointer;
    ObfReferenceObject <= DISPATCH => reference;
    ObfDereferenceObject <= DISPATCH => dereference;
    ObDereferenceObjectDeferDelete <= DISPATCH => dereference;
    ZwClose <= PASSIVE => close;
    ZwWaitForSingleObject <= PASSIVE => wait;
    IoCreateNotificationEvent <= PASSIVE => notification_event;
    IoCreateSynchronizationEvent <= PASSIVE => synchronization_event;
}

impl Kernel {
    /// A handle of the kernel's for an object that the driver gets.
    pub(crate) fn new_object(&self, address: u64, kind: Kind) -> u64 {
        let handles = &self.objects().handles;
        handles.open(&handles.next_kernel, address, kind, self.call_site())
    }

    /// An event of an app's, as CreateEvent makes it: its handle, which the app can hand to the driver.
    pub fn create_app_event(&self, manual_reset: bool) -> u64 {
        let address = self.memory.new_handle();
        let objects = self.objects();
        let event = Object::event(!manual_reset, false);
        objects.dispatcher.add(address, event);
        let handles = &objects.handles;
        handles.open(&handles.next_user, address, Kind::Event, 0)
    }

    /// Waits for an app's event as WaitForSingleObject with a limit of 0 does: whether it was signaled.
    pub fn take_app_event(&self, handle: u64) -> bool {
        let objects = self.objects();
        let Some((address, Kind::Event)) = objects.handles.named(handle) else {
            return false;
        };
        let Some(event) = objects.dispatcher.get(address) else {
            return false;
        };
        let signaled = event.is_signaled(0);
        if signaled {
            event.satisfy(0);
        }
        signaled
    }

    /// Closes an app's handle.
    pub fn close_app_handle(&self, handle: u64) {
        if let Some(address) = self.objects().handles.close(handle) {
            self.forget_object(address);
        }
    }

    /// An object that nothing refers to is gone, but for a thread that runs.
    fn forget_object(&self, address: u64) {
        let objects = self.objects();
        let runs = matches!(
            objects.dispatcher.get(address).as_deref(),
            Some(Object::Thread { ended, .. }) if !ended.get()
        );
        if objects.handles.forget(address) && !runs {
            objects.dispatcher.remove(address);
        }
    }
}

/// ObReferenceObjectByHandle(Handle, DesiredAccess, ObjectType, AccessMode, Object, HandleInformation)
fn reference_by_handle(kernel: &Kernel, call: &Call) -> Result<(), NtStatus> {
    /// `UserMode`
    const USER: u8 = 1;
    let (handle, wanted) = (call.arg(0), call.arg(2));
    let handles = &kernel.objects().handles;
    let (address, kind) = handles.named(handle).ok_or(STATUS_INVALID_HANDLE)?;
    if call.arg8(3) == USER && handle >= FIRST_KERNEL {
        return Err(STATUS_INVALID_HANDLE);
    }
    if wanted != 0 && wanted != kind.type_address() {
        return Err(STATUS_OBJECT_TYPE_MISMATCH);
    }
    handles.refer(address, true, kernel.call_site());
    kernel.memory.write(call.arg(4), &address);
    Ok(())
}

/// ObReferenceObjectByPointer(Object, DesiredAccess, ObjectType, AccessMode)
fn reference_by_pointer(kernel: &Kernel, call: &Call) -> NtStatus {
    reference(kernel, call);
    STATUS_SUCCESS
}

fn reference(kernel: &Kernel, call: &Call) {
    let handles = &kernel.objects().handles;
    if !handles.refer(call.arg(0), true, kernel.call_site()) {
        kernel.violation(
            &rules::OBJECT_REFERENCE,
            format!("{:#x} is no object of the kernel's", call.arg(0)),
        );
    }
}

fn dereference(kernel: &Kernel, call: &Call) {
    let handles = &kernel.objects().handles;
    if !handles.refer(call.arg(0), false, 0) {
        kernel.violation(
            &rules::OBJECT_REFERENCE,
            format!(
                "the driver has no reference to {:#x} that it could give back",
                call.arg(0)
            ),
        );
    }
    kernel.forget_object(call.arg(0));
}

/// ZwClose(Handle)
fn close(kernel: &Kernel, call: &Call) -> NtStatus {
    match kernel.objects().handles.close(call.arg(0)) {
        Some(address) => kernel.forget_object(address),
        None => kernel.violation(
            &rules::KERNEL_HANDLE,
            format!("{:#x} is no handle that is open", call.arg(0)),
        ),
    }
    STATUS_SUCCESS
}

/// ZwWaitForSingleObject(Handle, Alertable, Timeout)
fn wait(kernel: &Kernel, call: &Call) -> Result<(), NtStatus> {
    let handles = &kernel.objects().handles;
    let (address, _) = handles.named(call.arg(0)).ok_or(STATUS_INVALID_HANDLE)?;
    let object = kernel.dispatcher_object(address);
    match kernel.wait_for("ZwWaitForSingleObject", vec![object], true, call.arg(2)) {
        Some(_) => Ok(()),
        None => Err(STATUS_TIMEOUT),
    }
}

/// IoCreateNotificationEvent(EventName, EventHandle): the event, signaled when it is new. What the system
/// has of that name, it never signals here: memory is neither low nor high.
fn notification_event(kernel: &Kernel, call: &Call) -> u64 {
    named_event(kernel, call, false)
}

fn synchronization_event(kernel: &Kernel, call: &Call) -> u64 {
    named_event(kernel, call, true)
}

fn named_event(kernel: &Kernel, call: &Call, synchronization: bool) -> u64 {
    /// The directory of events that are the system's own.
    const SYSTEM: &str = "\\KernelObjects\\";
    let name = kernel.text_at(call.arg(0));
    let address = kernel.memory.new_handle();
    let event = Object::event(synchronization, !name.starts_with(SYSTEM));
    kernel.objects().dispatcher.add(address, event);
    let handle = kernel.new_object(address, Kind::Event);
    kernel.memory.write(call.arg(1), &handle);
    address
}
