//! The two interrupt objects, their ISRs and DPCs.
//!
//! | granted | the queue's object | the configuration's object | what an ISR knows |
//! | --- | --- | --- | --- |
//! | two messages | message 0 | message 1 | the message says which it is |
//! | one message | it, for both | not connected | nothing: the DPC checks both |
//! | a line | it, for both | not connected | the ISR register: reading it clears it and deasserts the line |

use core::mem::take;

use kmdf::prelude::*;

use crate::{
    RngDevice,
    registers::{IsrRegister, NO_VECTOR, Vectors},
};

/// The causes of an interrupt, as in the ISR register.
pub type Causes = u8;
/// The device has filled a buffer.
pub const QUEUE: Causes = 1;
/// The device's configuration or status has changed.
pub const CONFIGURATION: Causes = 2;
/// What a removed device reads as.
const ALL_ONES: Causes = 0xFF;

/// How the device interrupts: what the ISRs share.
#[derive(Default)]
pub enum Signaling {
    /// By this many messages.
    Messages(u16),
    /// By a line, with the register that has the causes.
    Line(IsrRegister),
    /// Not at all: it is stopped.
    #[default]
    Stopped,
}

/// The object that gets the first message, or the line, with the causes since its DPC ran.
#[derive(Default)]
pub struct QueueInterrupt(Causes);

/// The object that gets the second message.
pub struct ConfigurationInterrupt;

impl InterruptHandler for QueueInterrupt {
    type Shared = Signaling;
    type Device = RngDevice;

    fn isr(&mut self, signaling: &mut Signaling, isr: &Isr<'_, Self>) -> Claim {
        let causes = match signaling {
            Signaling::Messages(1) => QUEUE | CONFIGURATION,
            Signaling::Messages(_) => QUEUE,
            Signaling::Line(register) => register.take(),
            Signaling::Stopped => 0,
        };
        if causes == 0 || causes == ALL_ONES {
            return Claim::NotOurs;
        }
        self.0 |= causes;
        isr.defer();
        Claim::Ours
    }

    fn deferred(device: &RngDevice, mut interrupt: DeferredInterrupt<'_, Self>) {
        // There is no lock while the device is being stopped: it is reset then, and its requests are in their queue.
        if let Some(causes) = interrupt.locked(|own| take(&mut own.0)) {
            device.service(causes);
        }
    }
}

impl InterruptHandler for ConfigurationInterrupt {
    type Shared = Signaling;
    type Device = RngDevice;

    fn isr(&mut self, _: &mut Signaling, isr: &Isr<'_, Self>) -> Claim {
        isr.defer();
        Claim::Ours
    }

    fn deferred(device: &RngDevice, _: DeferredInterrupt<'_, Self>) {
        device.service(CONFIGURATION);
    }
}

impl Signaling {
    /// The vectors for the device: the number of a message is its index in the MSI-X table.
    pub const fn vectors(&self) -> Vectors {
        let (queue, configuration) = match self {
            Self::Messages(0 | 1) => (0, 0),
            Self::Messages(_) => (0, 1),
            Self::Line(_) | Self::Stopped => (NO_VECTOR, NO_VECTOR),
        };
        Vectors {
            queue,
            configuration,
        }
    }
}
