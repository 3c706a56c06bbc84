//! Creation of interrupt objects.

use std::{
    cell::{Cell, OnceCell},
    rc::Rc,
};

use kmdf_abi::{
    constants::CM_RESOURCE_INTERRUPT_WAKE_HINT,
    ntstatus::{
        NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_DEVICE_STATE,
        STATUS_INVALID_PARAMETER, STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED,
    },
    types::{CM_PARTIAL_RESOURCE_DESCRIPTOR, WDF_INTERRUPT_CONFIG, WDF_TRI_STATE},
};
use kmdf_machine::{Edge, Irql, cpu::stub::Call};
use zerocopy::IntoBytes as _;

use super::{
    attributes::Attributes,
    device::{Device, Phase},
    interrupt::{AssignedVector, Interrupt, Lock},
    lock::WdfSpinLock,
    object::Object,
    resources::ResourceList,
    serial::CallbackLock,
    states::Pnp,
    wait_lock::WaitLock,
};
use crate::host::{Host, services};

services! {
    WdfInterruptCreate <= DISPATCH => create;
}

/// Sizes of WDF_INTERRUPT_CONFIG: until KMDF 1.9, in 1.11, and since 1.13.
const SIZES: [usize; 3] = [56, 96, size_of::<WDF_INTERRUPT_CONFIG>()];
/// `WdfUseDefault`
const USE_DEFAULT: WDF_TRI_STATE = WDF_TRI_STATE(2);

/// WdfInterruptCreate(Device, Configuration, Attributes, Interrupt): the preconditions are asked for in
/// the order of fxinterruptapi.cpp.
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = host.body::<Device>(call.arg(0));
    let config = config(host, call.arg(1))?;
    if config.EvtInterruptIsr.0 == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let attributes = host.attributes(call.arg(2))?;
    if attributes.parent != 0 && config.AutomaticSerialization == 0 {
        return Err(STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    }
    let from_resources = device.states.pnp() != Pnp::Init;
    if from_resources && device.phase.get() != Phase::PreparingHardware {
        return Err(STATUS_INVALID_DEVICE_STATE);
    }
    check_origin(&config, from_resources)?;
    check_wake(host, &device, &config)?;
    check_handling(&config)?;
    let position = if from_resources {
        Some(position(host, &device, &config)?)
    } else {
        None
    };
    let (parent, callback_lock) = parent(host, &device, &config, &attributes)?;
    let number = u32::try_from(device.interrupts.borrow().len()).expect("there are few");
    let lock = lock(host, &config);
    let (object, body) = host.create_object(Some(&parent), &attributes, |handle| Interrupt {
        handle,
        device: device.handle,
        kinterrupt: host.memory.new_handle(),
        connecting: Edge::default(),
        serviced: Edge::default(),
        config,
        lock,
        callback_lock,
        number,
        position,
        policy: Cell::default(),
        assigned: Cell::new(None),
        synchronize_irql: Cell::new(Irql::PASSIVE),
        connected: Cell::new(false),
        enabled: Cell::new(false),
        active: Cell::new(false),
        forced: Cell::new(false),
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

/// The configuration at an address; what an older one does not have is as the INIT function sets it.
fn config(host: &Host, address: u64) -> Result<WDF_INTERRUPT_CONFIG, NtStatus> {
    let size = host.memory.read::<u32>(address) as usize;
    if !SIZES.contains(&size) {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let mut config = WDF_INTERRUPT_CONFIG {
        ReportInactiveOnPowerDown: USE_DEFAULT,
        ..WDF_INTERRUPT_CONFIG::default()
    };
    let bytes = host.memory.read_bytes(address, size);
    config.as_mut_bytes()[..size].copy_from_slice(&bytes);
    Ok(config)
}

/// What a configuration must and must not contain, by the callback that it is given in.
fn check_origin(config: &WDF_INTERRUPT_CONFIG, from_resources: bool) -> Result<(), NtStatus> {
    let (raw, translated) = (config.InterruptRaw.0, config.InterruptTranslated.0);
    if from_resources && (raw == 0 || translated == 0 || config.ShareVector != USE_DEFAULT) {
        return Err(STATUS_INVALID_DEVICE_STATE);
    }
    let described = raw != 0 || translated != 0;
    if described != from_resources || config.CanWakeDevice != 0 && !from_resources {
        return Err(STATUS_INVALID_PARAMETER);
    }
    Ok(())
}

/// An interrupt that wakes is for a resource that can, and made by the owner of power policy, to be handled at
/// PASSIVE_LEVEL. No device is armed for wake here, so it is connected and disconnected as any other.
fn check_wake(host: &Host, device: &Device, config: &WDF_INTERRUPT_CONFIG) -> Result<(), NtStatus> {
    if config.CanWakeDevice == 0 {
        return Ok(());
    }
    let translated: CM_PARTIAL_RESOURCE_DESCRIPTOR = host.memory.read(config.InterruptTranslated.0);
    let hinted = u32::from(translated.Flags) & CM_RESOURCE_INTERRUPT_WAKE_HINT != 0;
    if hinted && device.policy.is_owner() && config.PassiveHandling != 0 {
        Ok(())
    } else {
        Err(STATUS_INVALID_PARAMETER)
    }
}

/// What fits the level that it is handled at.
fn check_handling(config: &WDF_INTERRUPT_CONFIG) -> Result<(), NtStatus> {
    let passive = config.PassiveHandling != 0;
    let both = config.EvtInterruptDpc.0 != 0 && config.EvtInterruptWorkItem.0 != 0;
    let wrong_lock = if passive {
        config.SpinLock.0 != 0
    } else {
        config.WaitLock.0 != 0
    };
    if both || wrong_lock {
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
    let parent = match attributes.parent {
        0 => host.object(device.handle),
        parent => host.object(parent),
    };
    let own = host
        .device_above(&parent)
        .is_some_and(|above| above.handle == device.handle);
    if !device.is_fdo() {
        host.unsupported("an interrupt of a child, which has no resources here");
    }
    if !own || !matches!(parent.kind, "WDFDEVICE" | "WDFQUEUE") {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let dpc = config.EvtInterruptDpc.0 != 0;
    let work_item = config.EvtInterruptWorkItem.0 != 0;
    let passive = work_item || !dpc && config.PassiveHandling != 0;
    let automatic = config.AutomaticSerialization != 0;
    let lock = host.effective_lock(&parent, automatic, passive)?;
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
    .map(|(list, descriptor)| host.body::<ResourceList>(list).interrupt_index(descriptor));
    match (raw, translated) {
        (Some(raw), Some(translated)) if raw == translated => {
            let line = |vector: &AssignedVector| vector.message.is_none();
            if device.vectors.borrow().first().is_some_and(line) {
                return Ok(0);
            }
            if host.slots[device.slot].identity.msix.is_some() {
                let mut interrupts = device.interrupts.borrow().clone().into_iter();
                let is_taken = interrupts.any(|interrupt| interrupt.position == Some(raw));
                return if is_taken {
                    Err(STATUS_INVALID_PARAMETER)
                } else {
                    Ok(raw)
                };
            }
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
            Rc::clone(&host.body::<WaitLock>(config.WaitLock.0).mutex)
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
