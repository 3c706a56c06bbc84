//! What PnP asks a driver before it stops or removes a device, and a rebalance.

use std::rc::Rc;

use kmdf_abi::ntstatus::{NtStatus, STATUS_INVALID_DEVICE_STATE, STATUS_SUCCESS};
use kmdf_machine::Stop;

use super::Grant;
use crate::{
    host::Host,
    kmdf::{
        device::Device,
        states::{Machine, Pnp},
        target::Notice,
    },
};

/// What a driver is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Stop,
    Remove,
}

impl Host {
    /// Rebalances the device in a slot: asks it by EvtDeviceQueryStop, stops it and starts it with
    /// other resources. What the driver answered first, or how the start ended.
    ///
    /// # Errors
    /// The run stopped.
    pub fn rebalance(&self, slot: usize, grant: Grant) -> Result<NtStatus, Stop> {
        self.run_to_end("PnP", move |host| {
            host.in_turn(|host| {
                host.device_in(slot).map_or(STATUS_SUCCESS, |device| {
                    host.give_other_resources(&device, grant)
                })
            })
        })
    }

    /// A rebalance, from the question to the start with other resources.
    pub(super) fn give_other_resources(&self, device: &Rc<Device>, grant: Grant) -> NtStatus {
        let status = self.ask_all(device, Question::Stop);
        if !status.is_success() {
            self.take_question_back(device);
            return status;
        }
        if !self.stop_with_children(device) {
            return STATUS_INVALID_DEVICE_STATE;
        }
        let status = self.start_or_remove(device, grant);
        self.start_children(device);
        status
    }

    /// Asks the driver by EvtDeviceQueryRemove whether its device may be removed. If it may, the device
    /// waits for its removal, or for [`Self::cancel_remove`].
    ///
    /// # Errors
    /// The run stopped.
    pub fn query_remove(&self, slot: usize) -> Result<NtStatus, Stop> {
        self.run_to_end("PnP", move |host| {
            host.in_turn(|host| {
                host.device_in(slot).map_or(STATUS_SUCCESS, |device| {
                    let status = host.ask_to_remove(&device);
                    if !status.is_success() {
                        host.take_question_back(&device);
                    }
                    status
                })
            })
        })
    }

    /// Takes a question for the device's removal back. The driver is not told.
    ///
    /// # Errors
    /// The run stopped.
    pub fn cancel_remove(&self, slot: usize) -> Result<(), Stop> {
        self.run_to_end("PnP", move |host| {
            host.in_turn(|host| {
                if let Some(device) = host.device_in(slot) {
                    host.take_question_back(&device);
                }
            });
        })
    }

    /// Asks a device's children, and then itself, whether they may be stopped or removed.
    pub(super) fn ask_all(&self, device: &Device, question: Question) -> NtStatus {
        for child in self.children_of(device).into_iter().rev() {
            let status = self.ask_all(&child, question);
            if !status.is_success() {
                return status;
            }
        }
        self.ask(device, question)
    }

    /// A device and its children are neither stopped nor removed, though some of them were asked.
    pub(super) fn take_question_back(&self, device: &Device) {
        for child in self.children_of(device) {
            self.take_question_back(&child);
        }
        if matches!(
            device.states.pnp(),
            Pnp::QueryRemovePending | Pnp::QueryStopPending
        ) {
            let was_to_go = device.states.pnp() == Pnp::QueryRemovePending;
            self.pass_pnp(device, &[Pnp::QueryCanceled, Pnp::Started]);
            self.end_state(device, Machine::Pnp);
            if was_to_go {
                self.tell_targets(device.handle, Notice::RemoveCanceled);
            }
        }
    }

    /// Asks who has the device open, and then its driver.
    fn ask_to_remove(&self, device: &Device) -> NtStatus {
        for related in self.removed_with(device) {
            let related = self.device_in(related);
            let status = related.map_or(STATUS_SUCCESS, |related| self.ask_to_remove(&related));
            if !status.is_success() {
                return status;
            }
        }
        let status = self.ask_targets(device.handle);
        if !status.is_success() {
            return status;
        }
        let status = self.ask_all(device, Question::Remove);
        if !status.is_success() {
            self.tell_targets(device.handle, Notice::RemoveCanceled);
        }
        status
    }

    /// Whether a device that is started may be stopped or removed. A driver that has said that it cannot
    /// is not asked, and a device that was not started may always.
    fn ask(&self, device: &Device, question: Question) -> NtStatus {
        if device.states.pnp() != Pnp::Started {
            return STATUS_SUCCESS;
        }
        let (checking, asking, pending, what, callback) = match question {
            Question::Stop => (
                Pnp::QueryStopStaticCheck,
                Pnp::QueryStopAskDriver,
                [Pnp::QueryStopEnsureDeviceAwake, Pnp::QueryStopPending],
                "EvtDeviceQueryStop",
                device.callbacks.EvtDeviceQueryStop,
            ),
            Question::Remove => (
                Pnp::QueryRemoveStaticCheck,
                Pnp::QueryRemoveAskDriver,
                [Pnp::QueryRemoveEnsureDeviceAwake, Pnp::QueryRemovePending],
                "EvtDeviceQueryRemove",
                device.callbacks.EvtDeviceQueryRemove,
            ),
        };
        self.pass_pnp(device, &[checking]);
        let status = if device.policy.unstoppable.get() == 0 {
            self.pass_pnp(device, &[asking]);
            self.pnp_callback(device, what, callback.0, &[])
        } else {
            STATUS_INVALID_DEVICE_STATE
        };
        if status.is_success() {
            self.pass_pnp(device, &pending);
        } else {
            self.pass_pnp(device, &[Pnp::Started]);
        }
        self.end_state(device, Machine::Pnp);
        status
    }
}
