//! What happens at an instruction boundary when it is visited.

use std::collections::BTreeMap;

use clap::ValueEnum;
use kmdf_framework::{Disturbance, Host};
use kmdf_machine::Pause;
use serde::Serialize;

use super::hooks::Explorer;

/// One boundary of one run: where a call into the driver was about to execute an instruction, or the
/// framework to take a step that something may come before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Point {
    /// Which call into the driver, counted over the run; 0 for the framework.
    pub activation: u32,
    /// Which boundary of that call, or of the framework's over the run.
    pub index: u32,
    /// Where in the image; 0, where no code is, for the framework.
    pub rva: u32,
}

impl Point {
    /// A boundary of the framework's own.
    #[must_use]
    pub const fn of_framework(index: u32) -> Self {
        Self {
            activation: 0,
            index,
            rva: 0,
        }
    }

    /// Whether it is one of that call into the driver.
    pub(crate) const fn is_in(&self, activation: u32) -> bool {
        self.rva != 0 && self.activation == activation
    }
}

/// One call into the driver, and what it executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// What was called: `EvtInterruptIsr`, and so on.
    pub callback: &'static str,
    /// RVAs of the driver's instructions in the order they were executed. What the driver calls in
    /// the framework or the kernel is not among them, nor what interrupted it: that is a call of its
    /// own.
    pub instructions: Vec<u32>,
}

/// A boundary, and what could happen there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing of its own")]
pub(crate) struct Found {
    pub(crate) point: Point,
    /// The device will do something by itself.
    pub(crate) device_busy: bool,
    /// A request is pending.
    pub(crate) request_pending: bool,
    /// Another processor could run something.
    pub(crate) others_ready: bool,
    /// An app has the device open.
    pub(crate) open: bool,
    /// The device works, and no PnP or power work is under way.
    pub(crate) works: bool,
    /// The device has not been surprise-removed yet.
    pub(crate) present: bool,
}

/// An event that is made to happen at a boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The device does its next action now, and this processor takes the interrupt if its IRQL allows
    /// it; this expires no timer and ends no wait
    Device,
    /// As device, but another processor takes the interrupt and runs as far as it can
    DeviceElsewhere,
    /// The device interrupts for a reason of its own, which the scenario defines
    Raise,
    /// The app cancels its oldest pending request, on another processor
    Cancel,
    /// The other processors run as far as they can
    Others,
    /// The app ends: its pending requests are canceled and its handles are closed, on another
    /// processor
    Close,
    /// The system sleeps and wakes up, on another processor
    Sleep,
    /// The device is stopped and started again as for a rebalance, on another processor
    Stop,
    /// The device is removed in order, on another processor
    Remove,
    /// The device is surprise-removed, and PnP removes it on another processor
    SurpriseRemove,
}

/// What a cause may do to a scenario, beside what the scenario itself does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing of its own")]
pub(crate) struct Disturbs {
    /// Requests may end as canceled.
    pub(crate) requests: bool,
    /// Handles may be closed.
    pub(crate) handles: bool,
    /// The device may go for good.
    pub(crate) device: bool,
    /// The device may leave D0.
    pub(crate) power: bool,
}

impl Cause {
    /// Its name on a command line.
    ///
    /// # Panics
    /// Never: no cause is hidden from the command line.
    #[must_use]
    pub fn name(self) -> String {
        let value = self.to_possible_value().expect("no cause is hidden");
        value.get_name().to_owned()
    }

    /// What it may do to a scenario.
    pub(crate) const fn disturbs(self) -> Disturbs {
        Disturbs {
            requests: matches!(self, Self::Cancel | Self::Close),
            handles: matches!(self, Self::Close),
            device: matches!(self, Self::Remove | Self::SurpriseRemove),
            power: matches!(
                self,
                Self::Sleep | Self::Stop | Self::Remove | Self::SurpriseRemove
            ),
        }
    }
}

impl Found {
    /// Whether the cause changes anything there.
    pub(crate) const fn allows(&self, cause: Cause) -> bool {
        match cause {
            Cause::Device | Cause::DeviceElsewhere => self.device_busy,
            Cause::Raise => true,
            Cause::Cancel => self.request_pending,
            Cause::Others => self.others_ready,
            Cause::Close => self.open,
            Cause::Sleep | Cause::Stop | Cause::Remove => self.works,
            Cause::SurpriseRemove => self.present,
        }
    }
}

/// Which boundaries a run stops at, and what for.
#[derive(Debug, Default)]
pub(crate) enum Visit {
    /// At none.
    #[default]
    None,
    /// At every one, to let the strategy decide there too.
    Schedule,
    /// At every one, to have been there.
    Coverage,
    /// At every one, to write it down.
    Trace {
        /// The calls into the driver, by activation.
        calls: Vec<Called>,
    },
    /// At every one, to see what there is.
    Find {
        /// What was found, in order.
        points: Vec<Found>,
    },
    /// At every one, for this cause.
    Every {
        /// What happens there.
        cause: Cause,
        /// How often it happened at each RVA: a DPC that is interrupted at every instruction, and
        /// queued again by it, would never have an end.
        times: BTreeMap<u32, u32>,
    },
    /// At one, for this cause.
    One {
        /// Where.
        at: Point,
        /// What happens there.
        cause: Cause,
    },
}

/// The slot whose device interrupts, and PnP and power do something to.
const DISTURBED: usize = 0;

impl Explorer {
    /// What could happen at a boundary.
    pub(crate) fn found(&self, host: &Host, point: Point) -> Found {
        let here = host.processor().number;
        let request_pending = self.pending.borrow().iter().any(|irp| !irp.is_finished());
        Found {
            point,
            device_busy: host.functions_event().is_some(),
            request_pending,
            others_ready: host.others_ready(here),
            open: self.files.borrow().iter().any(|file| !file.is_closed()),
            works: host.can_disturb(DISTURBED, Disturbance::Sleep),
            present: host.can_disturb(DISTURBED, Disturbance::SurpriseRemoval),
        }
    }

    /// Begins what needs no processor to bring it about; the rest does not happen.
    pub(crate) fn begin(&self, host: &Host, cause: Cause) {
        match cause {
            Cause::Raise => {
                let raise = self.raise.borrow().clone();
                if let Some(raise) = raise
                    && host.takes_interrupts(DISTURBED)
                {
                    raise(host);
                }
            }
            Cause::Cancel => {
                let pending = self.pending.borrow().clone();
                if let Some(irp) = pending.iter().find(|irp| !irp.is_finished()) {
                    host.cancel(irp);
                }
            }
            Cause::Device | Cause::DeviceElsewhere | Cause::Others => {}
            Cause::Close => {
                let files = self.files.borrow().clone();
                for file in &files {
                    host.abandon(file);
                }
            }
            Cause::Sleep => host.disturb(DISTURBED, Disturbance::Sleep),
            Cause::Stop => host.disturb(DISTURBED, Disturbance::Stop),
            Cause::Remove => host.disturb(DISTURBED, Disturbance::Removal),
            Cause::SurpriseRemove => host.disturb(DISTURBED, Disturbance::SurpriseRemoval),
        }
    }

    /// Makes it happen, here and now.
    pub(crate) fn bring_about(&self, host: &Host, cause: Cause) {
        match cause {
            Cause::Device | Cause::Raise => {
                self.bring_about_at(host, host.processor().number, cause);
            }
            Cause::DeviceElsewhere => self.bring_about_elsewhere(host, cause),
            _ => {
                self.bring_about_at(host, host.processor().number, cause);
                let_others_run(host);
            }
        }
    }

    /// Makes it happen now; another processor takes the interrupt and runs as far as it can.
    pub(crate) fn bring_about_elsewhere(&self, host: &Host, cause: Cause) {
        let processors = u32::try_from(host.scheduler.processors().len()).unwrap_or(1);
        self.bring_about_at(host, (host.processor().number + 1) % processors, cause);
        let_others_run(host);
    }

    /// Makes it happen now, and its interrupts be taken by that processor.
    fn bring_about_at(&self, host: &Host, target: u32, cause: Cause) {
        host.scheduler.prefer_interrupts_at(Some(target));
        match cause {
            Cause::Device | Cause::DeviceElsewhere => host.let_device_get_on(),
            _ => self.begin(host, cause),
        }
        host.scheduler.prefer_interrupts_at(None);
        host.take_pending();
    }
}

fn let_others_run(host: &Host) {
    host.scheduler.hold(host.processor().number);
    host.pause(Pause::Preempted);
    host.take_pending();
}
