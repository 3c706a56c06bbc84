//! The functions of interrupt objects.

use std::rc::Rc;

use kmdf_abi::types::{KINTERRUPT_MODE, WDF_INTERRUPT_EXTENDED_POLICY, WDF_INTERRUPT_INFO};
use kmdf_machine::{Irql, cpu::stub::Call};
use kmdf_rules::rules;
use zerocopy::IntoBytes as _;

use super::interrupt::{Interrupt, Policy};
use crate::{
    host::{Host, services},
    pnp::FIRST_DEVICE_VECTOR,
};

services! {
    WdfInterruptQueueDpcForIsr <= HIGH => queue_dpc;
    WdfInterruptQueueWorkItemForIsr <= HIGH => queue_work_item;
    WdfInterruptAcquireLock <= HIGH => acquire_lock;
    WdfInterruptTryToAcquireLock <= PASSIVE => try_to_acquire_lock;
    WdfInterruptReleaseLock <= HIGH => release_lock;
    WdfInterruptSynchronize <= HIGH => synchronize;
    WdfInterruptEnable <= PASSIVE => enable;
    WdfInterruptDisable <= PASSIVE => disable;
    WdfInterruptReportActive <= DISPATCH => report_active;
    WdfInterruptReportInactive <= DISPATCH => report_inactive;
    WdfInterruptSetPolicy <= DISPATCH => set_policy;
    WdfInterruptSetExtendedPolicy <= DISPATCH => set_extended_policy;
    WdfInterruptGetDevice <= HIGH => device;
    WdfInterruptWdmGetInterrupt <= HIGH => wdm_interrupt;
    WdfInterruptGetInfo <= HIGH => info;
}

/// Checks that a function is called from the interrupt's own ISR.
fn check_in_isr(host: &Host, interrupt: &Interrupt, what: &str) {
    let (_, flow) = host.scheduler.current().expect("a call comes from a flow");
    let in_isr = flow.activations.borrow().last().is_some_and(|activation| {
        activation.what == "EvtInterruptIsr" && activation.object == interrupt.handle
    });
    if !in_isr {
        host.violation(
            &rules::DPC_ONLY_FROM_ISR,
            format!("{what} is called from elsewhere than the interrupt's own ISR"),
        );
    }
}

/// WdfInterruptQueueDpcForIsr(Interrupt): FALSE when it is queued already.
fn queue_dpc(host: &Host, call: &Call) -> bool {
    let interrupt = host.body::<Interrupt>(call.arg(0));
    check_in_isr(host, &interrupt, "WdfInterruptQueueDpcForIsr");
    if interrupt.config.EvtInterruptDpc.0 == 0 {
        host.violation(
            &rules::DPC_ONLY_FROM_ISR,
            "the interrupt has no EvtInterruptDpc to queue",
        );
    }
    host.queue_dpc(interrupt.dpc())
}

/// WdfInterruptQueueWorkItemForIsr(Interrupt): FALSE when it is queued already.
fn queue_work_item(host: &Host, call: &Call) -> bool {
    let interrupt = host.body::<Interrupt>(call.arg(0));
    check_in_isr(host, &interrupt, "WdfInterruptQueueWorkItemForIsr");
    if interrupt.config.EvtInterruptWorkItem.0 == 0 {
        host.violation(
            &rules::DPC_ONLY_FROM_ISR,
            "the interrupt has no EvtInterruptWorkItem to queue",
        );
    }
    if interrupt.is_passive() {
        interrupt.work().enqueue(host)
    } else {
        host.queue_dpc(interrupt.dpc())
    }
}

/// WdfInterruptTryToAcquireLock(Interrupt): for passive handling only.
fn try_to_acquire_lock(host: &Host, call: &Call) -> bool {
    let interrupt = host.body::<Interrupt>(call.arg(0));
    if !interrupt.is_passive() {
        host.violation(
            &rules::WDF_INTERRUPT_LOCK,
            "WdfInterruptTryToAcquireLock is called for an interrupt that is handled at DIRQL",
        );
    }
    check_lockable(host, &interrupt);
    interrupt.try_acquire(host)
}

/// WdfInterruptEnable(Interrupt): connects it again.
fn enable(host: &Host, call: &Call) {
    host.body::<Interrupt>(call.arg(0)).force_connect(host);
}

/// WdfInterruptDisable(Interrupt): disconnects it.
fn disable(host: &Host, call: &Call) {
    host.body::<Interrupt>(call.arg(0)).force_disconnect(host);
}

/// WdfInterruptReportActive(Interrupt)
fn report_active(host: &Host, call: &Call) {
    report(host, call, true);
}

/// WdfInterruptReportInactive(Interrupt): the line is masked, unless another interrupt shares it that is
/// active.
fn report_inactive(host: &Host, call: &Call) {
    report(host, call, false);
}

fn report(host: &Host, call: &Call, active: bool) {
    let interrupt = host.body::<Interrupt>(call.arg(0));
    if !interrupt.is_connected() {
        host.violation(
            &rules::INTERRUPT_NOT_CONNECTED,
            "an interrupt that is not connected is reported to be active or inactive",
        );
    }
    interrupt.report(host, active);
}

/// `WdfIrqPolicySpecifiedProcessors`, `WdfIrqPolicySpreadMessagesAcrossAllProcessors`
const SPECIFIED_PROCESSORS: i32 = 4;
const SPREAD_MESSAGES: i32 = 5;

/// WdfInterruptSetPolicy(Interrupt, Policy, Priority, TargetProcessorSet)
fn set_policy(host: &Host, call: &Call) {
    let interrupt = host.body::<Interrupt>(call.arg(0));
    let [policy, priority] = [1, 2].map(|index| call.arg32(index).cast_signed());
    apply_policy(host, &interrupt, policy, priority, call.arg(3));
}

/// WdfInterruptSetExtendedPolicy(Interrupt, PolicyAndGroup)
fn set_extended_policy(host: &Host, call: &Call) {
    let interrupt = host.body::<Interrupt>(call.arg(0));
    let policy: WDF_INTERRUPT_EXTENDED_POLICY =
        host.structure("WDF_INTERRUPT_EXTENDED_POLICY", call.arg(1), 0);
    let target = policy.TargetProcessorSetAndGroup;
    host.require(
        target.Reserved == [0; 3],
        "GROUP_AFFINITY.Reserved of WDF_INTERRUPT_EXTENDED_POLICY is not zero",
    );
    apply_policy(
        host,
        &interrupt,
        policy.Policy.0,
        policy.Priority.0,
        target.Mask,
    );
}

/// A policy counts when resources are assigned the next time. The priority decides between devices
/// that compete for vectors, which no two here do.
fn apply_policy(
    host: &Host,
    interrupt: &Rc<Interrupt>,
    policy: i32,
    priority: i32,
    processors: u64,
) {
    /// `WdfIrqPolicyMachineDefault` to `WdfIrqPolicySpreadMessagesAcrossAllProcessors`
    const POLICIES: std::ops::RangeInclusive<i32> = 0..=5;
    /// `WdfIrqPriorityLow` to `WdfIrqPriorityHigh`
    const PRIORITIES: std::ops::RangeInclusive<i32> = 1..=3;
    host.require(
        POLICIES.contains(&policy) && PRIORITIES.contains(&priority),
        "the policy or the priority of an interrupt is not a known one",
    );
    if interrupt.assigned.get().is_some() {
        host.violation(
            &rules::INTERRUPT_POLICY,
            "the policy of an interrupt is set after its resources were assigned",
        );
    }
    let processors = if policy == SPECIFIED_PROCESSORS {
        processors
    } else {
        0
    };
    interrupt.policy.set(Policy {
        processors,
        spread: policy == SPREAD_MESSAGES,
    });
}

fn acquire_lock(host: &Host, call: &Call) {
    let interrupt = host.body::<Interrupt>(call.arg(0));
    check_lockable(host, &interrupt);
    interrupt.acquire(host, &rules::WDF_INTERRUPT_LOCK);
}

fn release_lock(host: &Host, call: &Call) {
    let interrupt = host.body::<Interrupt>(call.arg(0));
    check_connected(host, &interrupt, "released");
    interrupt.release(host, &rules::WDF_INTERRUPT_LOCK_RELEASE);
}

/// WdfInterruptSynchronize(Interrupt, Callback, Context)
fn synchronize(host: &Host, call: &Call) -> bool {
    let interrupt = host.body::<Interrupt>(call.arg(0));
    // A KINTERRUPT is there for passive handling too, but only while it is connected.
    if !interrupt.is_connected() {
        host.violation(
            &rules::INTERRUPT_NOT_CONNECTED,
            "WdfInterruptSynchronize is called for an interrupt that is not connected",
        );
    }
    check_lockable(host, &interrupt);
    interrupt.acquire(host, &rules::WDF_INTERRUPT_LOCK);
    let value = host.call_driver(
        "EvtInterruptSynchronize",
        interrupt.handle,
        call.arg(1),
        &[interrupt.handle, call.arg(2)],
    );
    interrupt.release(host, &rules::WDF_INTERRUPT_LOCK_RELEASE);
    value as u8 != 0
}

/// At DIRQL the lock is the KINTERRUPT's. That of passive handling is a wait lock of its own, and always
/// there.
fn check_connected(host: &Host, interrupt: &Interrupt, what: &str) {
    if !interrupt.is_passive() && !interrupt.is_connected() {
        host.violation(
            &rules::INTERRUPT_NOT_CONNECTED,
            format!(
                "the lock of an interrupt is {what} while the interrupt is not connected, and has no lock"
            ),
        );
    }
}

fn check_lockable(host: &Host, interrupt: &Interrupt) {
    check_connected(host, interrupt, "acquired");
    if interrupt.is_passive() && host.irql() > Irql::PASSIVE {
        host.violation(
            &rules::KMDF_IRQL,
            format!(
                "the lock of an interrupt that is handled at PASSIVE_LEVEL is acquired at {}",
                host.irql()
            ),
        );
    }
    if host.irql() > interrupt.synchronize_irql.get() {
        host.violation(
            &rules::KMDF_IRQL,
            format!(
                "the lock of an interrupt is acquired at {}, above its {}",
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
    /// Of KMDF 1.7: without Group.
    const OLDER_SIZE: usize = 56;
    let interrupt = host.body::<Interrupt>(call.arg(0));
    let out = call.arg(1);
    let size = host.memory.read::<u32>(out);
    if ![OLDER_SIZE, size_of::<WDF_INTERRUPT_INFO>()].contains(&(size as usize)) {
        host.violation(
            &rules::STRUCTURE_SIZE,
            "WDF_INTERRUPT_INFO.Size is that of no version",
        );
    }
    let mut info = WDF_INTERRUPT_INFO {
        Size: size,
        MessageNumber: interrupt.number,
        ..WDF_INTERRUPT_INFO::default()
    };
    if let Some(assigned) = interrupt.assigned.get() {
        let message_signaled = assigned.message.is_some();
        info.TargetProcessorSet = assigned.affinity;
        info.Vector = assigned.vector + FIRST_DEVICE_VECTOR;
        info.Irql = if interrupt.is_passive() {
            0
        } else {
            assigned.irql.level()
        };
        // KINTERRUPT_MODE: LevelSensitive, Latched.
        info.Mode = KINTERRUPT_MODE(i32::from(message_signaled));
        info.MessageSignaled = u8::from(message_signaled);
        // CmResourceShareDeviceExclusive, CmResourceShareShared.
        info.ShareDisposition = if assigned.shared { 3 } else { 1 };
    }
    host.memory
        .write_bytes(out, &info.as_bytes()[..size as usize]);
}
