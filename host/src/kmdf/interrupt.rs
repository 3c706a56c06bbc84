//! Interrupt objects: creation, connection, the ISR and its DPC.

use std::{
    cell::{Cell, OnceCell},
    rc::{Rc, Weak},
};

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_DEVICE_STATE,
        STATUS_INVALID_PARAMETER,
    },
    types::{KINTERRUPT_MODE, WDF_INTERRUPT_CONFIG, WDF_INTERRUPT_INFO},
};

use super::{
    device::{Device, Phase},
    lock::{SpinLock, WdfSpinLock},
    object::Body,
};
use crate::{
    cpu::{Irql, stub::Call},
    host::Host,
    machine::InterruptHandler,
    pnp::FIRST_DEVICE_VECTOR,
    sched::{Dpc, HeldLock},
    service::services,
};

/// What PnP assigned to an interrupt object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AssignedVector {
    /// The host's vector.
    pub(crate) vector: u32,
    pub(crate) irql: Irql,
    /// The message, or `None` for a line.
    pub(crate) message: Option<u32>,
    /// The processors that may take it.
    pub(crate) affinity: u64,
    /// Whether other devices are wired to the same line.
    pub(crate) shared: bool,
}

/// WDFINTERRUPT
pub(crate) struct Interrupt {
    pub(crate) handle: u64,
    pub(crate) device: u64,
    /// The address that stands for its KINTERRUPT.
    kinterrupt: u64,
    config: WDF_INTERRUPT_CONFIG,
    lock: Rc<SpinLock>,
    assigned: Cell<Option<AssignedVector>>,
    /// The IRQL at which its lock is held: the highest of all interrupts that share the lock.
    synchronize_irql: Cell<Irql>,
    /// Whether the ISR may be called.
    connected: Cell<bool>,
    dpc: OnceCell<Rc<Dpc>>,
    me: OnceCell<Weak<Self>>,
}

impl Body for Interrupt {
    const KIND: &'static str = "WDFINTERRUPT";
}

impl InterruptHandler for Interrupt {
    fn deliver(&self, host: &Host) -> bool {
        if !self.connected.get() {
            return false;
        }
        let message = self
            .assigned
            .get()
            .and_then(|assigned| assigned.message)
            .unwrap_or(0);
        self.lock(host, "WdfInterruptLock");
        let value = host.call_driver(
            "EvtInterruptIsr",
            self.handle,
            self.config.EvtInterruptIsr.0,
            &[self.handle, message.into()],
        );
        self.unlock(host, "WdfInterruptLockRelease");
        let claimed = value as u8 != 0;
        host.events.count(|counts| {
            counts.isr_calls += 1;
            counts.isr_claims += u64::from(claimed);
        });
        claimed
    }

    fn affinity(&self) -> u64 {
        self.assigned.get().map_or(0, |assigned| assigned.affinity)
    }
}

impl Interrupt {
    fn lock(&self, host: &Host, rule: &str) {
        let held = HeldLock {
            id: self.handle,
            name: Self::KIND,
        };
        host.acquire(&self.lock, self.synchronize_irql.get(), held, rule);
    }

    fn unlock(&self, host: &Host, rule: &str) {
        host.release(&self.lock, self.handle, rule);
    }

    /// Assigns resources, or none.
    pub(crate) fn assign(&self, assigned: Option<AssignedVector>) {
        self.assigned.set(assigned);
        self.synchronize_irql
            .set(assigned.map_or(Irql::PASSIVE, |assigned| assigned.irql));
    }

    fn handler(&self) -> Rc<dyn InterruptHandler> {
        self.me
            .get()
            .and_then(Weak::upgrade)
            .expect("an object that lives")
    }

    fn dpc(&self) -> &Rc<Dpc> {
        self.dpc.get_or_init(|| {
            let (handle, device, callback) =
                (self.handle, self.device, self.config.EvtInterruptDpc.0);
            Dpc::new(format!("of WDFINTERRUPT {handle:#x}"), move |host| {
                host.events.count(|counts| counts.dpc_calls += 1);
                host.call_driver("EvtInterruptDpc", handle, callback, &[handle, device]);
            })
        })
    }

    /// Connects it and calls EvtInterruptEnable at its IRQL with its lock held.
    pub(crate) fn connect(&self, host: &Host) -> Result<(), NtStatus> {
        let Some(assigned) = self.assigned.get() else {
            return Ok(());
        };
        // The ISR may be called from here on, before EvtInterruptEnable too.
        self.connected.set(true);
        host.connect_interrupt(assigned.vector, self.handler());
        self.call_locked(host, "EvtInterruptEnable", self.config.EvtInterruptEnable.0)
    }

    /// Calls EvtInterruptDisable (not after a surprise removal), disconnects and waits until no
    /// ISR and no DPC of it runs.
    pub(crate) fn disconnect(&self, host: &Host, call_disable: bool) -> Result<(), NtStatus> {
        let Some(assigned) = self.assigned.get() else {
            return Ok(());
        };
        if !self.connected.get() {
            return Ok(());
        }
        let result = if call_disable {
            self.call_locked(
                host,
                "EvtInterruptDisable",
                self.config.EvtInterruptDisable.0,
            )
        } else {
            Ok(())
        };
        self.connected.set(false);
        host.disconnect_interrupt(assigned.vector, &self.handler());
        let lock = Rc::clone(&self.lock);
        host.spin_until(move |_| !lock.is_held());
        if let Some(dpc) = self.dpc.get().cloned() {
            host.block_until(move |_| !dpc.is_active());
        }
        result
    }

    fn call_locked(&self, host: &Host, what: &'static str, callback: u64) -> Result<(), NtStatus> {
        if callback == 0 {
            return Ok(());
        }
        self.lock(host, "WdfInterruptLock");
        let value = host.call_driver(what, self.handle, callback, &[self.handle, self.device]);
        self.unlock(host, "WdfInterruptLockRelease");
        callback_status(value)
    }
}

/// The status that a callback returned.
fn callback_status(value: u64) -> Result<(), NtStatus> {
    let status = NtStatus::from_bits(value as u32);
    if status.is_success() {
        Ok(())
    } else {
        Err(status)
    }
}

/// Raises the lock's IRQL of every interrupt to the highest of those that share the lock.
pub(crate) fn settle_synchronize_irql(interrupts: &[Rc<Interrupt>]) {
    for interrupt in interrupts {
        let highest = interrupts
            .iter()
            .filter(|other| Rc::ptr_eq(&other.lock, &interrupt.lock))
            .filter_map(|other| other.assigned.get())
            .map(|assigned| assigned.irql)
            .max();
        interrupt
            .synchronize_irql
            .set(highest.unwrap_or(Irql::PASSIVE));
    }
}

services! {
    WdfInterruptCreate <= DISPATCH => create;
    WdfInterruptQueueDpcForIsr <= HIGH => queue_dpc;
    WdfInterruptAcquireLock <= HIGH => acquire_lock;
    WdfInterruptReleaseLock <= HIGH => release_lock;
    WdfInterruptSynchronize <= HIGH => synchronize;
    WdfInterruptGetDevice <= HIGH => device;
    WdfInterruptWdmGetInterrupt <= HIGH => wdm_interrupt;
    WdfInterruptGetInfo <= HIGH => info;
}

/// WdfInterruptCreate(Device, Configuration, Attributes, Interrupt)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = host.body::<Device>(call.arg(0));
    let config: WDF_INTERRUPT_CONFIG = host.memory.read(call.arg(1));
    if config.Size as usize != size_of::<WDF_INTERRUPT_CONFIG>() {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let from_resources = match device.phase.get() {
        Phase::Adding => false,
        Phase::PreparingHardware => true,
        _ => return Err(STATUS_INVALID_DEVICE_STATE),
    };
    let described = config.InterruptRaw.0 != 0 && config.InterruptTranslated.0 != 0;
    if config.EvtInterruptIsr.0 == 0
        || (config.EvtInterruptDpc.0 != 0 && config.EvtInterruptWorkItem.0 != 0)
        || described != from_resources
        || (!from_resources && config.CanWakeDevice != 0)
        || (config.PassiveHandling == 0 && config.WaitLock.0 != 0)
        || (config.PassiveHandling != 0 && config.SpinLock.0 != 0)
    {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if config.PassiveHandling != 0 {
        host.unsupported("an interrupt handled at passive level");
    }
    if from_resources {
        host.unsupported("an interrupt created in EvtDevicePrepareHardware");
    }
    if config.AutomaticSerialization != 0 {
        host.unsupported("an interrupt with AutomaticSerialization");
    }
    let lock = if config.SpinLock.0 == 0 {
        Rc::default()
    } else {
        let body = host.body::<WdfSpinLock>(config.SpinLock.0);
        body.of_interrupt.set(true);
        Rc::clone(&body.lock)
    };
    let attributes = host.attributes(call.arg(2))?;
    if attributes.parent != 0 {
        return Err(kmdf_abi::ntstatus::STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    }
    let parent = host.object(device.handle);
    let (object, body) = host.create_object(Some(&parent), &attributes, |handle| Interrupt {
        handle,
        device: device.handle,
        kinterrupt: host.memory.new_handle(),
        config,
        lock,
        assigned: Cell::new(None),
        synchronize_irql: Cell::new(Irql::PASSIVE),
        connected: Cell::new(false),
        dpc: OnceCell::new(),
        me: OnceCell::new(),
    });
    let _ = body.me.set(Rc::downgrade(&body));
    device.interrupts.borrow_mut().push(body);
    host.memory.write(call.arg(3), &object.handle);
    Ok(())
}

/// WdfInterruptQueueDpcForIsr(Interrupt): FALSE when it is queued already.
fn queue_dpc(host: &Host, call: &Call) -> bool {
    let interrupt = host.body::<Interrupt>(call.arg(0));
    let (_, flow) = host.scheduler.current().expect("a call comes from a flow");
    let in_isr = flow.activations.borrow().last().is_some_and(|activation| {
        activation.what == "EvtInterruptIsr" && activation.object == interrupt.handle
    });
    if !in_isr {
        host.violation(
            "DpcOnlyFromIsr",
            "WdfInterruptQueueDpcForIsr is called from elsewhere than the interrupt's own ISR",
        );
    }
    if interrupt.config.EvtInterruptDpc.0 == 0 {
        host.violation(
            "DpcOnlyFromIsr",
            "the interrupt has no EvtInterruptDpc to queue",
        );
    }
    host.queue_dpc(interrupt.dpc())
}

fn acquire_lock(host: &Host, call: &Call) {
    let interrupt = host.body::<Interrupt>(call.arg(0));
    check_lockable(host, &interrupt);
    interrupt.lock(host, "WdfInterruptLock");
}

fn release_lock(host: &Host, call: &Call) {
    let interrupt = host.body::<Interrupt>(call.arg(0));
    interrupt.unlock(host, "WdfInterruptLockRelease");
}

/// WdfInterruptSynchronize(Interrupt, Callback, Context)
fn synchronize(host: &Host, call: &Call) -> bool {
    let interrupt = host.body::<Interrupt>(call.arg(0));
    check_lockable(host, &interrupt);
    interrupt.lock(host, "WdfInterruptLock");
    let value = host.call_driver(
        "EvtInterruptSynchronize",
        interrupt.handle,
        call.arg(1),
        &[interrupt.handle, call.arg(2)],
    );
    interrupt.unlock(host, "WdfInterruptLockRelease");
    value as u8 != 0
}

fn check_lockable(host: &Host, interrupt: &Interrupt) {
    if interrupt.assigned.get().is_none() {
        host.violation(
            "WdfInterruptLock",
            "the lock of an interrupt that has no resources, and so no lock, is taken",
        );
    }
    if host.irql() > interrupt.synchronize_irql.get() {
        host.violation(
            "KmdfIrql",
            format!(
                "the lock of an interrupt is taken at {}, above its {}",
                host.irql(),
                interrupt.synchronize_irql.get()
            ),
        );
    }
}

fn device(host: &Host, call: &Call) -> u64 {
    host.body::<Interrupt>(call.arg(0)).device
}

/// WdfInterruptWdmGetInterrupt(Interrupt): the KINTERRUPT, NULL while it is not connected.
fn wdm_interrupt(host: &Host, call: &Call) -> u64 {
    let interrupt = host.body::<Interrupt>(call.arg(0));
    // A driver may pass it to the kernel; there is nothing behind it that it may look at.
    if interrupt.connected.get() {
        interrupt.kinterrupt
    } else {
        0
    }
}

/// WdfInterruptGetInfo(Interrupt, Info)
fn info(host: &Host, call: &Call) {
    let interrupt = host.body::<Interrupt>(call.arg(0));
    let out = call.arg(1);
    let mut info: WDF_INTERRUPT_INFO = host.memory.read(out);
    if info.Size as usize != size_of::<WDF_INTERRUPT_INFO>() {
        host.violation(
            "StructureSize",
            "WDF_INTERRUPT_INFO.Size is that of no version",
        );
    }
    let assigned = interrupt.assigned.get();
    info.TargetProcessorSet = assigned.map_or(0, |assigned| assigned.affinity);
    info.MessageNumber = assigned.and_then(|assigned| assigned.message).unwrap_or(0);
    info.Vector = assigned.map_or(0, |assigned| assigned.vector + FIRST_DEVICE_VECTOR);
    info.Irql = assigned.map_or(0, |assigned| assigned.irql.level());
    let message_signaled = assigned.is_some_and(|assigned| assigned.message.is_some());
    // KINTERRUPT_MODE: LevelSensitive, Latched.
    info.Mode = KINTERRUPT_MODE(i32::from(message_signaled));
    info.MessageSignaled = u8::from(message_signaled);
    // CmResourceShareDeviceExclusive, CmResourceShareShared.
    info.ShareDisposition = if assigned.is_some_and(|assigned| assigned.shared) {
        3
    } else {
        1
    };
    info.Group = 0;
    host.memory.write(out, &info);
}
