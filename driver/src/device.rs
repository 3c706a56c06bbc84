//! The device: made in EvtDriverDeviceAdd, complete from then on.

#![forbid(unsafe_code)]

use core::sync::atomic::AtomicBool;

use edu_driver_core::{
    engine::Engine, events::Events, log::Log, transfer::Transfer, watchdog::Watchdog,
};
use edu_spec::{
    interface::DEVICE_INTERFACE,
    registers::Identification,
    wire::{Information, InterruptInformation, Statistics},
};

use kmdf::{
    Connected, DeviceInit, Dpc, Driver, Guid, Interrupt, InterruptLock, List, NtStatus, Passive,
    Queue, QueueConfig, Result, SpinLock, Timer, WorkItem, context_type,
};

use crate::{
    control::{DefaultQueue, RegisterAccess},
    events::{Handle, Wait, Waiting},
    factorial::Factorial,
    interrupt::{self, Interrupts, IsrShared},
    owned::Owned,
    recovery::{Findings, Recovery},
    registers::DeviceRegisters,
    settings::Settings,
    trace,
    transfer::{Dma, DmaBuffer},
    version,
    watchdog::Tick,
};

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
    /// Whether the device does not come back: nobody waits for it any more.
    pub lost: AtomicBool,
    /// Sequential: the DMA engine does one transfer at a time.
    pub dma_queue: Queue,
    /// Does the work of the DMA cause.
    pub dma_dpc: Dpc,
    /// Recovery from what should not happen, at PASSIVE_LEVEL.
    pub recovery: WorkItem,
    /// Ticks while an engine is occupied.
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
    pub factorial: Engine<Owned<Factorial>, u32>,
    /// The DMA engine and the request it works for.
    pub dma: Engine<Owned<Dma>, Transfer>,
    /// What the DMA engine reads and writes.
    pub buffer: DmaBuffer,
    /// Whether a factorial takes too long.
    pub factorial_watchdog: Watchdog,
    /// Whether a transfer takes too long.
    pub dma_watchdog: Watchdog,
    /// Whether the watchdogs' timer is started.
    pub ticking: bool,
    /// The interrupt objects: one for each message that the device can send, or is granted, as far as they
    /// are created.
    pub interrupts: Interrupts,
    /// What a passive-level ISR has handed over.
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

impl Driver for EduDevice {
    fn load() {
        trace::PROVIDER.register();
    }

    fn unload() {
        trace::PROVIDER.unregister();
    }

    fn device_add(mut init: DeviceInit<'_>, passive: &Passive<'_>) -> Result<()> {
        init.set_pnp_power::<Self>();
        init.set_direct_io();
        init.set_handle_context::<Handle>();
        init.set_request_context::<Wait>();
        let device = init.create()?;

        let settings = Settings::read(device);
        let buffer = DmaBuffer::create(device, settings.address_width)?;
        let isr_shared = InterruptLock::new(device, settings.handling, IsrShared::new())?;
        let interrupts = if settings.late {
            List::empty()
        } else {
            interrupt::create_all(passive, &isr_shared, settings.policy)?
        };
        // Answers at once what needs no hardware, in low power, too, and forwards the rest.
        let _default_queue = QueueConfig::parallel()
            .default_queue()
            .power_managed(false)
            .control::<DefaultQueue>()
            .read_write::<DefaultQueue>()
            .create(device)?;
        device.attach(Self {
            state: SpinLock::new(device, State::new(interrupts, buffer))?,
            isr_shared,
            settings,
            register_queue: QueueConfig::sequential()
                .control::<RegisterAccess>()
                .create(device)?,
            waiting_queue: QueueConfig::manual::<Waiting>()
                .power_managed(false)
                .create(device)?,
            lost: AtomicBool::new(false),
            watchdog_timer: Timer::new::<Tick>(device)?,
            recovery: WorkItem::new::<Recovery>(device)?,
            dma_dpc: Dpc::new::<Dma>(device)?,
            dma_queue: QueueConfig::sequential()
                .read_write::<Dma>()
                .stop::<Dma>()
                .create(device)?,
            factorial_queue: QueueConfig::sequential()
                .control::<Factorial>()
                .stop::<Factorial>()
                .create(device)?,
        })?;
        device.create_interface(&INTERFACE)?;
        trace::DEVICE_ADDED.write([]);
        Ok(())
    }
}

impl State {
    const fn new(interrupts: Interrupts, buffer: DmaBuffer) -> Self {
        Self {
            registers: None,
            interrupts,
            log: Log::new(),
            identification: Identification(0),
            factorial: Engine::new(),
            dma: Engine::new(),
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

    /// The registers.
    ///
    /// # Errors
    /// STATUS_DEVICE_NOT_READY: the device is stopped. A power-managed queue never sees that.
    pub fn registers(&mut self) -> Result<&mut DeviceRegisters> {
        self.registers.as_mut().ok_or(NtStatus::DEVICE_NOT_READY)
    }
}

impl EduDevice {
    /// What the app is told about the device. IRQL: <= DISPATCH_LEVEL.
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

/// The class of the device's interface.
const INTERFACE: Guid = {
    let class = DEVICE_INTERFACE;
    Guid::from_fields(class.data1, class.data2, class.data3, class.data4)
};

/// Nothing counted yet.
const ZERO_STATISTICS: Statistics = zerocopy::transmute!([0_u8; size_of::<Statistics>()]);
