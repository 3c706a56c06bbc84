//! How an interrupt is connected, disconnected, or left connected while its device is not in D0
//! (interruptobject.cpp, `FxInterrupt::Connect` and `Disconnect`).

use std::rc::{Rc, Weak};

use kmdf_abi::ntstatus::NtStatus;
use kmdf_machine::Irql;
use kmdf_rules::rules;

use super::interrupt::{AssignedVector, Interrupt};
use crate::{host::Host, kmdf::device::Device};

/// On which way its device comes to D0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coming {
    /// It is started.
    Started,
    /// It wakes up, and its power is pageable.
    Woken,
    /// It wakes up, and its power is not pageable.
    WokenNotPageable,
}

/// On which way its device leaves D0, or has left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Going {
    /// It is stopped or removed, or it has failed to come to D0.
    Stopped,
    /// It goes to sleep, and its power is pageable.
    Asleep,
    /// It goes to sleep, and its power is not pageable: to disconnect could cause paging I/O.
    AsleepNotPageable,
    /// It has left D0 before and does not come back: what has stayed connected goes.
    Forsaken,
}

impl Interrupt {
    /// Whether the system is told that it is inactive instead of disconnecting it, when its device goes
    /// to sleep.
    fn is_soft(&self) -> bool {
        /// `WdfTrue`; on this architecture it is not the default.
        const TRUE: i32 = 1;
        self.config.ReportInactiveOnPowerDown.0 == TRUE
    }

    /// Connects it, if it is not connected still, and calls EvtInterruptEnable at its IRQL with its lock
    /// held.
    pub(crate) fn connect(&self, host: &Host, coming: Coming) -> Result<(), NtStatus> {
        let Some(assigned) = self.assigned.get() else {
            return Ok(());
        };
        if coming == Coming::Woken && self.connected.get() && self.is_soft() {
            self.report(host, true);
        } else {
            if self.forced.get() {
                return Ok(());
            }
            if coming != Coming::WokenNotPageable {
                self.connect_line(host, assigned);
            }
        }
        self.call_locked(host, "EvtInterruptEnable", self.config.EvtInterruptEnable.0)?;
        self.enabled.set(true);
        Ok(())
    }

    fn connect_line(&self, host: &Host, assigned: AssignedVector) {
        if self.is_passive() && assigned.message.is_some() {
            host.violation(
                &rules::PASSIVE_MESSAGE_SIGNALED,
                "a message-signaled interrupt is handled at PASSIVE_LEVEL: that needs a line, so \
                 an INF that asks for no messages",
            );
        }
        if self.connected.get() {
            host.violation(
                &rules::INTERRUPT_CONNECTED,
                "WdfInterruptEnable is called for an interrupt that is connected",
            );
        }
        // The ISR may be called from here on, before EvtInterruptEnable too.
        host.releases(&self.connecting);
        self.connected.set(true);
        self.active.set(true);
        host.connect_interrupt(assigned.vector, self.handler());
    }

    /// Calls EvtInterruptDisable, waits for its DPC and its work item, and only then disconnects: in
    /// that order `FxInterrupt::Disconnect` does it. So an ISR that runs in between may queue a DPC that
    /// runs at any time later, when there is no lock to take any more.
    ///
    /// A device that goes to sleep keeps its interrupt connected if its power is not pageable, or if the
    /// interrupt is only reported to be inactive. On a line that others share its ISR is called then.
    pub(crate) fn disconnect(&self, host: &Host, going: Going) -> Result<(), NtStatus> {
        let Some(assigned) = self.assigned.get() else {
            return Ok(());
        };
        if !self.connected.get() {
            return Ok(());
        }
        let result = if self.enabled.replace(false) {
            self.call_locked(
                host,
                "EvtInterruptDisable",
                self.config.EvtInterruptDisable.0,
            )
        } else {
            Ok(())
        };
        self.flush(host);
        match going {
            Going::Asleep if self.is_soft() => self.report(host, false),
            Going::AsleepNotPageable => {}
            _ => host.between_steps(|| {
                self.connected.set(false);
                self.active.set(false);
                host.disconnect_interrupt(assigned.vector, &self.handler());
                self.wait_for_isr(host);
            }),
        }
        result
    }

    /// Tells the system whether it is expected to interrupt.
    pub(super) fn report(&self, host: &Host, active: bool) {
        let before = self.active.replace(active);
        if let Some(assigned) = self.assigned.get().filter(|_| before != active) {
            host.interrupt_activity_changed(assigned.vector);
        }
    }

    /// Waits until no DPC and no work item of it is queued or runs.
    pub(crate) fn flush(&self, host: &Host) {
        if let Some(dpc) = self.dpc.get().cloned() {
            dpc.flush(host);
        }
        if let Some(work) = self.work.get() {
            work.flush(host);
        }
    }

    /// Waits until its ISR does not run.
    fn wait_for_isr(&self, host: &Host) {
        let Some(me) = self.me.get().and_then(Weak::upgrade) else {
            return;
        };
        if self.is_passive() {
            host.block_until(move |_| !me.is_locked());
        } else {
            host.spin_until(move |_| !me.is_locked());
        }
        host.acquires(&self.serviced);
    }

    fn call_locked(&self, host: &Host, what: &'static str, callback: u64) -> Result<(), NtStatus> {
        if callback == 0 {
            return Ok(());
        }
        self.acquire(host, &rules::WDF_INTERRUPT_LOCK);
        let value = host.call_driver(what, self.handle, callback, &[self.handle, self.device]);
        self.release(host, &rules::WDF_INTERRUPT_LOCK_RELEASE);
        let status = NtStatus::from_bits(value as u32);
        if status.is_success() {
            Ok(())
        } else {
            Err(status)
        }
    }

    /// WdfInterruptEnable: connects it again, as far as WdfInterruptDisable has disconnected it. What
    /// EvtInterruptEnable answers is noted by the framework and changes nothing.
    pub(super) fn force_connect(&self, host: &Host) {
        self.forced.set(false);
        let coming = if host.body::<Device>(self.device).is_pageable {
            Coming::Started
        } else {
            Coming::WokenNotPageable
        };
        let _: Result<(), NtStatus> = self.connect(host, coming);
    }

    /// WdfInterruptDisable: disconnects it, but where power is not pageable, and keeps it so.
    pub(super) fn force_disconnect(&self, host: &Host) {
        self.forced.set(true);
        let going = if host.body::<Device>(self.device).is_pageable {
            Going::Stopped
        } else {
            Going::AsleepNotPageable
        };
        let _: Result<(), NtStatus> = self.disconnect(host, going);
    }
}

/// Raises the lock's IRQL of every interrupt to the highest of those that share the lock.
pub(crate) fn settle_synchronize_irql(interrupts: &[Rc<Interrupt>]) {
    for interrupt in interrupts {
        let highest = interrupts
            .iter()
            .filter(|other| interrupt.shares_lock(other) && !other.is_passive())
            .filter_map(|other| other.assigned.get())
            .map(|assigned| assigned.irql)
            .max();
        interrupt
            .synchronize_irql
            .set(highest.unwrap_or(Irql::PASSIVE));
    }
}
