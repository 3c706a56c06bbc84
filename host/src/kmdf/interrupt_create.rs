//! Creation of interrupt objects.

use std::{
    cell::{Cell, OnceCell},
    rc::Rc,
};

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_DEVICE_STATE,
        STATUS_INVALID_PARAMETER, STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED,
    },
    types::WDF_INTERRUPT_CONFIG,
};

use super::{
    attributes::Attributes,
    device::{Device, Phase},
    interrupt::{Interrupt, Lock},
    lock::WdfSpinLock,
    object::Object,
    resources::ResourceList,
    serial::CallbackLock,
    wait_lock::WaitLock,
};
use crate::{
    cpu::{Irql, stub::Call},
    host::Host,
    service::services,
};

services! {
    WdfInterruptCreate <= DISPATCH => create;
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
    check_config(&config, from_resources)?;
    let attributes = host.attributes(call.arg(2))?;
    let (parent, callback_lock) = parent(host, &device, &config, &attributes)?;
    let position = if from_resources {
        Some(position(host, &device, &config)?)
    } else {
        None
    };
    let lock = lock(host, &config);
    let (object, body) = host.create_object(Some(&parent), &attributes, |handle| Interrupt {
        handle,
        device: device.handle,
        kinterrupt: host.memory.new_handle(),
        config,
        lock,
        callback_lock,
        position,
        policy: Cell::default(),
        assigned: Cell::new(None),
        synchronize_irql: Cell::new(Irql::PASSIVE),
        connected: Cell::new(false),
        enabled: Cell::new(false),
        dpc: OnceCell::new(),
        work: OnceCell::new(),
        me: OnceCell::new(),
    });
    let _ = body.me.set(Rc::downgrade(&body));
    if let Some(position) = position {
        body.assign(device.vectors.borrow().get(position).copied());
    }
    device.interrupts.borrow_mut().push(body);
    host.memory.write(call.arg(3), &object.handle);
    Ok(())
}

/// What a configuration must and must not contain.
fn check_config(config: &WDF_INTERRUPT_CONFIG, from_resources: bool) -> Result<(), NtStatus> {
    let passive = config.PassiveHandling != 0;
    let described = config.InterruptRaw.0 != 0 && config.InterruptTranslated.0 != 0;
    let bad = config.EvtInterruptIsr.0 == 0
        || (config.EvtInterruptDpc.0 != 0 && config.EvtInterruptWorkItem.0 != 0)
        || described != from_resources
        || (!from_resources && config.CanWakeDevice != 0)
        || (!passive && config.WaitLock.0 != 0)
        || (passive && config.SpinLock.0 != 0);
    if bad {
        Err(STATUS_INVALID_PARAMETER)
    } else {
        Ok(())
    }
}

/// The parent, and the lock that automatic serialization holds around DPC and work item. Only with
/// it may a parent be named: the device or a queue of it.
fn parent(
    host: &Host,
    device: &Device,
    config: &WDF_INTERRUPT_CONFIG,
    attributes: &Attributes,
) -> Result<(Rc<Object>, CallbackLock), NtStatus> {
    let automatic = config.AutomaticSerialization != 0;
    if attributes.parent == 0 {
        let parent = host.object(device.handle);
        let passive = config.EvtInterruptWorkItem.0 != 0;
        let lock = host.effective_lock(&parent, automatic, passive)?;
        return Ok((parent, lock));
    }
    if !automatic {
        return Err(STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    }
    let parent = host.object(attributes.parent);
    let own = host
        .device_above(&parent)
        .is_some_and(|above| above.handle == device.handle);
    if !own || !matches!(parent.kind, "WDFDEVICE" | "WDFQUEUE") {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let passive = config.EvtInterruptWorkItem.0 != 0;
    let lock = host.effective_lock(&parent, true, passive)?;
    Ok((parent, lock))
}

/// Which of the device's interrupt resources the two descriptors are.
fn position(
    host: &Host,
    device: &Device,
    config: &WDF_INTERRUPT_CONFIG,
) -> Result<usize, NtStatus> {
    let resources = device.resources.get().ok_or(STATUS_INVALID_DEVICE_STATE)?;
    let [raw, translated] = [
        (resources.raw, config.InterruptRaw.0),
        (resources.translated, config.InterruptTranslated.0),
    ]
    .map(|(list, descriptor)| {
        host.body::<ResourceList>(list)
            .interrupt_index(host, descriptor)
    });
    match (raw, translated) {
        (Some(raw), Some(translated)) if raw == translated => {
            // One descriptor stands for all messages of an MSI capability: each object that is made
            // from it gets the next one.
            let interrupts = device.interrupts.borrow();
            let used = interrupts
                .iter()
                .filter(|interrupt| interrupt.position.is_some())
                .count();
            Ok(used)
        }
        _ => Err(STATUS_INVALID_PARAMETER),
    }
}

fn lock(host: &Host, config: &WDF_INTERRUPT_CONFIG) -> Lock {
    if config.PassiveHandling != 0 {
        return Lock::Passive(if config.WaitLock.0 == 0 {
            Rc::default()
        } else {
            let body = host.body::<WaitLock>(config.WaitLock.0);
            body.of_interrupt.set(true);
            Rc::clone(&body.mutex)
        });
    }
    Lock::Spin(if config.SpinLock.0 == 0 {
        Rc::default()
    } else {
        let body = host.body::<WdfSpinLock>(config.SpinLock.0);
        body.of_interrupt.set(true);
        Rc::clone(&body.lock)
    })
}
