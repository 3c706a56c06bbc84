//! A KMDF driver for virtio's entropy device (QEMU: `-device virtio-rng-pci`): ReadFile returns random bytes.
//!
//! It shows what `edu_kmdf` does not: several messages, each with an interrupt object and a handler of its own
//! ([`interrupt`]); registers that are found through the configuration space ([`registers`]); a ring in memory that driver
//! and device share ([`ring`]). The driver checks lengths and offsets from the device before it uses them.
//!
//! The request for which the device works is in `pending`, cancelable. The DPC, EvtRequestCancel or EvtIoStop, whichever
//! comes first, takes it out under the device's spin lock and completes it when the lock is released. docs/virtio-rng.md
//! explains more.
#![no_std]
#![forbid(unsafe_code)]

extern crate wdk_panic;

mod interrupt;
mod registers;
mod ring;

use interrupt::{CONFIGURATION, Causes, ConfigurationInterrupt, QUEUE, QueueInterrupt, Signaling};
use kmdf::prelude::*;
use registers::{DeviceRegisters, IsrRegister, Vectors};
use ring::Ring;

/// The class of the device's interface.
const INTERFACE: Guid = Guid::from_u128(0x6E8C_1B0A_7A5E_4D55_9C0B_2F8E_54D3_A6C1);

/// The context of the device.
pub struct RngDevice {
    state: SpinLock<State>,
    signaling: InterruptLock<Signaling>,
    queue_interrupt: Interrupt<QueueInterrupt>,
    configuration_interrupt: Interrupt<ConfigurationInterrupt>,
    space: ConfigurationSpace,
}
kmdf::context_type!(RngDevice, c"RngDevice");
kmdf::driver_entry!(RngDevice);

/// What the device's spin lock guards.
struct State {
    /// There between EvtDevicePrepareHardware and EvtDeviceReleaseHardware.
    registers: Option<DeviceRegisters>,
    vectors: Vectors,
    ring: Ring,
    /// Whether the device takes buffers.
    running: bool,
    /// The request that the device works for, and how many bytes it asks for.
    pending: Pending<usize>,
}
kmdf::pending!(RngDevice, state.pending);

/// A request to complete when the lock is released, and how.
type Ended = (Request, Result<usize>);

impl Driver for RngDevice {
    fn device_add(mut init: DeviceInit<'_>, _: &Passive<'_>) -> Result<()> {
        init.set_pnp_power::<Self>();
        let device = init.create()?;
        let state = State {
            registers: None,
            vectors: Signaling::Stopped.vectors(),
            ring: Ring::create(device)?,
            running: false,
            pending: Pending::new(),
        };
        let signaling = InterruptLock::new(device, Handling::Dirql, Signaling::Stopped)?;
        let queue = QueueConfig::sequential().default_queue();
        queue.read_write::<Self>().stop::<Self>().create(device)?;
        device.attach(Self {
            state: SpinLock::new(device, state)?,
            // In the order of the messages.
            queue_interrupt: Interrupt::create(device, &signaling, QueueInterrupt::default())?,
            configuration_interrupt: Interrupt::create(device, &signaling, ConfigurationInterrupt)?,
            signaling,
            space: ConfigurationSpace::query(device)?,
        })?;
        device.create_interface(&INTERFACE)
    }
}

impl PnpPower for RngDevice {
    fn prepare_hardware(&self, hardware: &mut Hardware<'_>) -> Result<()> {
        let signaling = self.signaling(&hardware.resources)?;
        let registers = DeviceRegisters::map(&self.space, &hardware.resources)?;
        let mut state = self.state.lock();
        state.vectors = signaling.vectors();
        state.registers = Some(registers);
        drop(state);
        *self.signaling.shared(&mut hardware.disconnected)? = signaling;
        Ok(())
    }

    fn release_hardware(&self, disconnected: &mut Disconnected<'_>) {
        _ = self.signaling.shared(disconnected).map(core::mem::take);
        let registers = self.state.lock().registers.take();
        drop(registers);
    }

    fn d0_entry(&self) -> Result<()> {
        self.state.lock().start()
    }

    fn interrupts_enabled(&self, _: Connected) {
        // The interrupts that came before an ISR could queue a DPC.
        self.service(QUEUE | CONFIGURATION);
    }

    fn interrupts_disabling(&self) -> Option<Connected> {
        self.state.lock().stop();
        None
    }
}

impl ReadWriteHandler for RngDevice {
    type Device = Self;

    fn on_read_write(device: &Self, request: Request, kind: ReadWrite, length_bytes: usize) {
        complete(match kind {
            ReadWrite::Read => device.state.lock().submit(request, length_bytes),
            ReadWrite::Write => Some((request, Err(NtStatus::INVALID_DEVICE_REQUEST))),
        });
    }
}

impl RngDevice {
    /// The work of the DPCs. IRQL: <= DISPATCH_LEVEL; hold no lock.
    pub fn service(&self, causes: Causes) {
        let ended = self.state.lock().service(causes);
        complete(ended);
    }

    /// How the device interrupts with these resources.
    fn signaling(&self, resources: &Resources<'_>) -> Result<Signaling> {
        if self.queue_interrupt.info().MessageSignaled == 0 {
            return IsrRegister::map(&self.space, resources).map(Signaling::Line);
        }
        let both = self.configuration_interrupt.info().MessageSignaled != 0;
        Ok(Signaling::Messages(if both { 2 } else { 1 }))
    }
}

impl State {
    /// Resets and starts the device, with an empty ring.
    fn start(&mut self) -> Result<()> {
        self.stop();
        let registers = self.registers.as_mut().ok_or(NtStatus::DEVICE_NOT_READY)?;
        self.ring.reset();
        registers.start(self.ring.addresses(), self.vectors)?;
        self.running = true;
        Ok(())
    }

    /// Resets the device, which then has no buffer and does not interrupt. If the reset fails, `start` fails, too.
    fn stop(&mut self) {
        self.running = false;
        if let Some(registers) = &mut self.registers {
            registers.reset();
        }
    }

    /// Starts a request. Returns it if it has ended already.
    fn submit(&mut self, request: Request, length_bytes: usize) -> Option<Ended> {
        let Some(registers) = self.registers.as_mut().filter(|_| self.running) else {
            return Some((request, Err(NtStatus::DEVICE_NOT_READY)));
        };
        if length_bytes == 0 {
            return Some((request, Ok(0)));
        }
        if let Err((request, failure)) = self.pending.insert::<RngDevice>(request, length_bytes) {
            return Some((request, Err(failure)));
        }
        // The device may still have the buffer of a canceled request. Then this request gets its bytes.
        if !self.ring.is_with_device() {
            if let Err(failure) = self.ring.give(length_bytes) {
                return self.end(Err(failure));
            }
            registers.notify();
        }
        None
    }

    /// Processes these causes.
    fn service(&mut self, causes: Causes) -> Option<Ended> {
        let registers = self.registers.as_mut().filter(|_| self.running)?;
        let failed = causes & CONFIGURATION != 0 && registers.needs_reset();
        match self.ring.take() {
            Ok(Some(filled)) if !failed => self.end(Ok(filled)),
            Ok(None) if !failed => None,
            _ => {
                // If it cannot be started again, the next request fails.
                _ = self.start();
                self.end(Err(NtStatus::IO_DEVICE_ERROR))
            }
        }
    }

    /// Takes the request out, with as many random bytes as there are, or a failure.
    fn end(&mut self, outcome: Result<usize>) -> Option<Ended> {
        let taken = self.pending.take();
        let ended = taken.map(|(request, wanted)| {
            let copied = outcome.and_then(|filled| self.ring.copy_to(&request, filled.min(wanted)));
            (request, copied)
        });
        // So that no other request gets these bytes, whatever the device claims to have written next time.
        self.ring.forget();
        ended
    }
}

/// IRQL: <= DISPATCH_LEVEL; hold no lock.
fn complete(ended: Option<Ended>) {
    if let Some((request, outcome)) = ended {
        request.complete(outcome);
    }
}
