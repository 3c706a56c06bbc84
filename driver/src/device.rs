//! What the parts of the driver share: the context of the device, its state, and the names of its engines' queues.

#![forbid(unsafe_code)]

use core::sync::atomic::AtomicBool;

use edu_driver_core::{engine, events::Events, log::Log, transfer::Transfer, watchdog::Watchdog};
use edu_spec::{
    registers::Identification,
    wire::{Information, InterruptInformation, Statistics},
};

use kmdf::{
    Connected, Dpc, Interrupt, InterruptLock, NtStatus, Queue, Request, Result, SpinLock, Timer,
    WorkItem, context_type,
};

use crate::{
    buffer::DmaBuffer,
    findings::{Engine, Findings},
    isr_context::{Interrupts, IsrShared},
    owned::Owned,
    registers::DeviceRegisters,
    settings::Settings,
    version,
};

/// The queue of the factorial engine: sequential, power-managed.
pub struct Factorial;

/// The queue of the DMA engine: sequential, power-managed; and its DPC.
pub struct Dma;

/// Time between two ticks.
pub const TICK_MS: u32 = 1_000;

/// The context of the device. All that changes is behind a lock.
pub struct EduDevice {
    /// What everything but the ISRs uses. Taken before the interrupt lock where both are needed.
    pub state: SpinLock<State>,
    /// What the ISRs use.
    pub isr_shared: InterruptLock<IsrShared>,
    /// How interrupts are to be handled.
    pub settings: Settings,
    /// Sequential: requests that access a register and are done.
    pub register_queue: Queue,
    /// Manual: requests that wait for an event.
    pub waiting_queue: Queue,
    /// Whether the device does not come back: requests do not wait for it any more.
    pub lost: AtomicBool,
    /// Sequential: the DMA engine does one transfer at a time.
    pub dma_queue: Queue,
    /// Does the work of the DMA cause.
    pub dma_dpc: Dpc,
    /// Recovery from what should not happen, at PASSIVE_LEVEL.
    pub recovery: WorkItem,
    /// Ticks while an engine has a request.
    pub watchdog_timer: Timer,
    /// Sequential: the factorial engine computes one at a time.
    pub factorial_queue: Queue,
}

/// What the device's spin lock guards.
pub struct State {
    /// There between EvtDevicePrepareHardware and EvtDeviceReleaseHardware.
    pub registers: Option<DeviceRegisters>,
    /// What the device said it is when it was started.
    pub identification: Identification,
    /// The factorial engine and the request it works for. Its jobs are operands.
    pub factorial: engine::Engine<Owned<Factorial>, u32>,
    /// The DMA engine and the request it works for.
    pub dma: engine::Engine<Owned<Dma>, Transfer>,
    /// What the DMA engine reads and writes.
    pub buffer: DmaBuffer,
    /// Whether a factorial takes too long.
    pub factorial_watchdog: Watchdog,
    /// Whether a transfer takes too long.
    pub dma_watchdog: Watchdog,
    /// Whether the watchdogs' timer is started.
    pub ticking: bool,
    /// The interrupt objects that are created: one for each message that the device can send, or is granted.
    pub interrupts: Interrupts,
    /// The log of a passive-level ISR.
    pub log: Log,
    /// What was found and not yet recovered from.
    pub findings: Findings,
    /// What apps wait for.
    pub events: Events,
    /// There while the interrupts are connected and may be locked.
    pub connected: Option<Connected>,
    /// What was counted, apart from what the ISRs counted since it was taken from them.
    pub statistics: Statistics,
}

context_type!(EduDevice, c"EduDevice");

impl State {
    /// Of a device that has just been added.
    pub const fn new(interrupts: Interrupts, buffer: DmaBuffer) -> Self {
        Self {
            registers: None,
            interrupts,
            log: Log::new(),
            identification: Identification(0),
            factorial: engine::Engine::new(),
            dma: engine::Engine::new(),
            buffer,
            factorial_watchdog: Watchdog::new(),
            dma_watchdog: Watchdog::new(),
            ticking: false,
            findings: Findings::new(),
            events: Events::new(),
            connected: None,
            statistics: ZERO_STATISTICS,
        }
    }

    /// The device has started with these registers, or stopped.
    pub fn replace_registers(
        &mut self,
        registers: Option<DeviceRegisters>,
    ) -> Option<DeviceRegisters> {
        core::mem::replace(&mut self.registers, registers)
    }

    /// Adds what the ISRs have counted to the statistics. What they count while interrupts are being
    /// disconnected is added when the device is in D0 again, or in EvtDeviceReleaseHardware.
    pub fn collect_counts(&mut self) {
        self.log.take_counts().add_to(&mut self.statistics);
        let Some(connected) = &self.connected else {
            return;
        };
        for interrupt in self.interrupts.iter() {
            let counts = interrupt
                .lock(connected)
                .map(|guard| guard.own.log.take_counts());
            if let Some(counts) = counts {
                counts.add_to(&mut self.statistics);
            }
        }
    }

    /// Ends a request whose device was surprise-removed.
    pub fn device_removed<H, T>(&mut self, request: Owned<H>) -> (Request, Result<T>) {
        self.findings.removed();
        let failure = NtStatus::DEVICE_DOES_NOT_EXIST;
        (request.into_request(), Err(failure))
    }

    /// Ends a request whose engine had enough time.
    pub fn given_up<H, T>(&mut self, engine: Engine, request: Owned<H>) -> (Request, Result<T>) {
        self.findings.stuck(engine);
        self.statistics.timeouts += 1;
        (request.into_request(), Err(NtStatus::IO_TIMEOUT))
    }

    /// The registers.
    ///
    /// # Errors
    /// STATUS_DEVICE_NOT_READY: the device is stopped. A power-managed queue never sees that.
    pub fn registers(&mut self) -> Result<&mut DeviceRegisters> {
        self.registers.as_mut().ok_or(NtStatus::DEVICE_NOT_READY)
    }
}

impl EduDevice {
    /// An engine has got a request: starts the watchdog's timer. IRQL: <= DISPATCH_LEVEL.
    pub fn watch(&self, state: &mut State) {
        if !state.ticking {
            state.ticking = true;
            self.watchdog_timer.start(TICK_MS);
        }
    }

    /// Queues the recovery work item if there is a device error. Call it under the device lock after a check for
    /// errors. IRQL: DISPATCH_LEVEL.
    #[inline]
    pub fn queue_recovery(&self, state: &State) {
        if !state.findings.is_empty() {
            self.recovery.enqueue();
        }
    }

    /// The information about the device that apps get. IRQL: <= DISPATCH_LEVEL.
    pub fn information(&self) -> Information {
        let state = self.state.lock();
        let mut information = Information {
            identification: state.identification,
            driver_version: version::DRIVER,
            ..Information::default()
        };
        let connected = state
            .interrupts
            .iter()
            .map(Interrupt::info)
            .filter(|info| info.Vector != 0);
        for (entry, info) in information.interrupts.iter_mut().zip(connected) {
            information.interrupt_count += 1;
            *entry = InterruptInformation {
                vector: info.Vector,
                irql: info.Irql.into(),
                message_number: info.MessageNumber,
                message_signaled: info.MessageSignaled.into(),
                target_processors: info.TargetProcessorSet,
                group: info.Group.into(),
                mode: info.Mode.cast_unsigned(),
            };
        }
        information
    }

    /// What was counted. IRQL: <= DISPATCH_LEVEL.
    pub fn statistics(&self) -> Statistics {
        let mut state = self.state.lock();
        state.collect_counts();
        Statistics {
            events: state.events.newest(),
            ..state.statistics
        }
    }
}

/// Nothing counted yet.
const ZERO_STATISTICS: Statistics = zerocopy::transmute!([0_u8; size_of::<Statistics>()]);
