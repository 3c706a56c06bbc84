//! What happens at an instruction boundary when it is visited.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{host::Host, kmdf::device::Device, sched::Pause};

/// One boundary of one run: where a call into the driver was about to execute an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Point {
    /// Which call into the driver, counted over the run.
    pub activation: u32,
    /// Which boundary of that call.
    pub index: u32,
    /// Where in the image.
    pub rva: u32,
}

/// A boundary, and what could happen there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) point: Point,
    /// The device will do something by itself.
    pub(crate) device_busy: bool,
    /// A request is pending.
    pub(crate) request_pending: bool,
    /// Another processor could run something.
    pub(crate) others_ready: bool,
}

/// What is made to happen at a boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The device does now what it would have done next, and this processor takes the interrupt if
    /// its IRQL lets it
    Device,
    /// As device, but another processor takes the interrupt and runs as far as it can
    DeviceElsewhere,
    /// The device interrupts for a reason of its own, as the scenario knows how
    Raise,
    /// The app cancels its oldest pending request, on another processor
    Cancel,
    /// The other processors run as far as they can
    Others,
}

impl Cause {
    /// All causes.
    pub const ALL: [Self; 5] = [
        Self::Device,
        Self::DeviceElsewhere,
        Self::Raise,
        Self::Cancel,
        Self::Others,
    ];

    /// Its name on a command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::DeviceElsewhere => "device-elsewhere",
            Self::Raise => "raise",
            Self::Cancel => "cancel",
            Self::Others => "others",
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

impl Host {
    /// What could happen at a boundary.
    pub(crate) fn found(&self, point: Point) -> Found {
        let here = self.processor().number;
        let request_pending = self
            .explorer
            .pending
            .borrow()
            .iter()
            .any(|irp| !irp.is_finished());
        Found {
            point,
            device_busy: self.next_device_event().is_some(),
            request_pending,
            others_ready: self.others_ready(here),
        }
    }

    /// Whether a driver takes the interrupts of the function in a slot. One that it does not take
    /// would never be answered: PCI functions send none in a low-power state.
    #[must_use]
    pub fn takes_interrupts(&self, slot: usize) -> bool {
        self.bodies::<Device>()
            .iter()
            .filter(|device| device.slot == slot)
            .any(|device| {
                let interrupts = device.interrupts.borrow();
                interrupts.iter().any(|interrupt| interrupt.is_connected())
            })
    }

    /// Makes it happen, here and now.
    pub(crate) fn bring_about(&self, cause: Cause) {
        let here = self.processor().number;
        let processors = u32::try_from(self.scheduler.processors().len()).unwrap_or(1);
        let elsewhere = (here + 1) % processors;
        let target = match cause {
            Cause::DeviceElsewhere => elsewhere,
            _ => here,
        };
        self.scheduler.prefer_interrupts_at(Some(target));
        match cause {
            Cause::Device | Cause::DeviceElsewhere => {
                if let Some(next) = self.next_device_event() {
                    self.clock.set(self.clock.get().max(next));
                    let result = self.advance_functions(self.now());
                    self.device_result(result);
                }
            }
            Cause::Raise => {
                let raise = self.explorer.raise.borrow().clone();
                if let Some(raise) = raise {
                    raise(self);
                }
            }
            Cause::Cancel => {
                let pending = self.explorer.pending.borrow().clone();
                if let Some(irp) = pending.iter().find(|irp| !irp.is_finished()) {
                    self.cancel(irp);
                }
            }
            Cause::Others => {}
        }
        self.scheduler.prefer_interrupts_at(None);
        self.take_pending();
        match cause {
            Cause::Device | Cause::Raise => {}
            Cause::DeviceElsewhere | Cause::Cancel | Cause::Others => {
                self.scheduler.hold(here);
                self.pause(Pause::Preempted);
                self.take_pending();
            }
        }
    }
}
