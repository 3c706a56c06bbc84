//! The device: its context, its life, and what is deferred.

use core::mem::{replace, take};

use kmdf::{
    Connected, DeviceInit, Disconnected, Dpc, DpcHandler, Driver, Guid, Handling, Hardware,
    InterruptLock, List, Mapping, NtStatus, Passive, Pending, PnpPower, QueueConfig, Result,
    SpinLock, Timer, TimerHandler, WorkItem, WorkItemHandler, mmio::WriteOnly, register,
};
use zerocopy::{Immutable, IntoBytes};

use crate::{
    interrupt::{Interrupts, Shared},
    settings::Settings,
};

/// The class of the device's interface.
const INTERFACE: Guid = Guid::from_u128(0x5B1E_9A34_7C0D_4F62_8E57_2D9C_13A4_F0B6);

/// What the driver uses outside of its ISR.
#[repr(C)]
pub struct DeviceBar {
    _00: [u32; 24],
    interrupt_raise: WriteOnly<u32>,
}

pub struct LayerDevice {
    pub state: SpinLock<State>,
    pub lock: InterruptLock<Shared>,
    pub settings: Settings,
    pub timer: Timer,
    pub dpc: Dpc,
    pub work: WorkItem,
    /// The squares of 0 to 3.
    pub squares: List<u32>,
}
kmdf::context_type!(LayerDevice, c"LayerDevice");

/// What the device lock guards.
pub struct State {
    bar: Option<Mapping<DeviceBar>>,
    pub interrupts: Interrupts,
    pub connected: Option<Connected>,
    /// What a passive-level ISR has passed on.
    pub causes: u32,
    pub pending: Pending<()>,
    pub seen: Seen,
}
kmdf::pending!(LayerDevice, state.pending);

/// What tests ask for.
#[derive(Clone, Copy, Default, IntoBytes, Immutable)]
#[repr(C)]
pub struct Seen {
    /// Runs of EvtInterruptDpc or EvtInterruptWorkItem.
    pub deferred: u32,
    /// Of the timer, the DPC and the work item.
    pub timer: u32,
    pub dpc: u32,
    pub work: u32,
    /// The sum of the list.
    pub squares: u32,
    /// How many interrupt resources can wake the device.
    pub wake: u32,
    /// What the ISRs saw when the device was released last: messages, calls of EvtInterruptEnable and of
    /// EvtInterruptDisable.
    pub messages: u32,
    pub enabled: [u32; 2],
    /// How many locks were taken by a proof that was kept too long.
    pub kept: u32,
}

impl Driver for LayerDevice {
    fn device_add(mut init: DeviceInit<'_>, passive: &Passive<'_>) -> Result<()> {
        init.set_pnp_power::<Self>();
        let device = init.create()?;
        let settings = Settings::read(device);
        let lock = InterruptLock::new(device, settings.handling, Shared::default())?;
        let interrupts = if settings.late {
            Interrupts::none()
        } else {
            let Settings { policy, soft, .. } = settings;
            Interrupts::create(device, passive, &lock, policy, soft)?
        };
        QueueConfig::parallel()
            .default_queue()
            .control::<Self>()
            .stop::<Self>()
            .create(device)?;
        device.attach(Self {
            state: SpinLock::new(device, State::new(interrupts))?,
            lock,
            settings,
            timer: Timer::new::<Self>(device)?,
            dpc: Dpc::new::<Self>(device)?,
            work: WorkItem::new::<Self>(device)?,
            squares: squares(passive)?,
        })?;
        device.create_interface(&INTERFACE)
    }
}

/// A list that can be made, after one that cannot: an element of it fails.
fn squares(passive: &Passive<'_>) -> Result<List<u32>> {
    let failing = [Ok(1), Err(NtStatus::NO_SUCH_DEVICE), Ok(2)];
    match List::collect(passive, 3, failing.into_iter()) {
        Err(NtStatus::NO_SUCH_DEVICE) => {}
        Err(other) => return Err(other),
        Ok(_) => return Err(NtStatus::INTERNAL_ERROR),
    }
    List::collect(passive, 4, (0..).map(|n| Ok(n * n)))
}

impl PnpPower for LayerDevice {
    fn prepare_hardware(&self, hardware: &mut Hardware<'_>) -> Result<()> {
        let bar = hardware.resources.memory_range(0)?;
        self.lock.shared(&mut hardware.disconnected)?.bar = Some(Mapping::new(&bar)?);
        let interrupts = if self.settings.late {
            let (resources, passive) = (&hardware.resources, &hardware.passive);
            Some(Interrupts::create_for(
                resources,
                passive,
                &self.lock,
                &self.settings,
            )?)
        } else {
            None
        };
        let bar = Mapping::new(&bar)?;
        let mut state = self.state.lock();
        state.bar = Some(bar);
        let interrupt_resources = hardware.resources.interrupts();
        let waking = interrupt_resources.filter(|resource| resource.wake().is_some());
        state.seen.wake = u32::try_from(waking.count()).unwrap_or(u32::MAX);
        if let Some(interrupts) = interrupts {
            state.interrupts = interrupts;
        }
        Ok(())
    }

    fn release_hardware(&self, disconnected: &mut Disconnected<'_>) {
        let mut state = self.state.lock();
        if let Some(kept) = state.connected.take() {
            // Neither locks nor reports.
            state.seen.kept += state.interrupts.locked_by(&kept);
            state.interrupts.report(&kept, false);
        }
        state.interrupts.forget(disconnected);
        state.causes = 0;
        let bar = state.bar.take();
        let none = Interrupts::none();
        let late = self
            .settings
            .late
            .then(|| replace(&mut state.interrupts, none));
        drop(state);
        drop((bar, late));
        self.work.flush();
        if let Ok(shared) = self.lock.shared(disconnected) {
            let Shared {
                bar,
                messages,
                enabled,
            } = take(shared);
            drop(bar);
            let seen = &mut self.state.lock().seen;
            (seen.messages, seen.enabled) = (messages, enabled);
        }
    }

    fn d0_entry(&self) -> Result<()> {
        let mut state = self.state.lock();
        if let Some(kept) = state.connected.take() {
            // Those that are only reported to be inactive are connected.
            state.seen.kept += state.interrupts.locked_by(&kept);
        }
        Ok(())
    }

    fn interrupts_enabled(&self, connected: Connected) {
        let mut state = self.state.lock();
        let recorded = state.interrupts.recorded(&connected);
        state.connected = Some(connected);
        drop(state);
        self.service(recorded, 0);
    }

    fn interrupts_disabling(&self) -> Option<Connected> {
        if self.settings.keep {
            return None;
        }
        self.state.lock().connected.take()
    }
}

impl LayerDevice {
    /// Whether interrupts are worked off in a work item.
    pub const fn works_at_passive_level(&self) -> bool {
        matches!(
            self.settings.handling,
            Handling::DirqlWorkItem | Handling::PassiveWorkItem
        )
    }

    /// Completes the request that waits for an interrupt with these causes, and with what was passed on.
    pub fn service(&self, causes: u32, runs: u32) {
        let mut state = self.state.lock();
        state.seen.deferred += runs;
        let causes = causes | take(&mut state.causes);
        let taken = if causes == 0 {
            None
        } else {
            state.pending.take()
        };
        drop(state);
        if let Some((request, ())) = taken {
            request.respond(&causes);
        }
    }
}

impl State {
    const fn new(interrupts: Interrupts) -> Self {
        Self {
            bar: None,
            interrupts,
            connected: None,
            causes: 0,
            pending: Pending::new(),
            seen: Seen {
                deferred: 0,
                timer: 0,
                dpc: 0,
                work: 0,
                squares: 0,
                wake: 0,
                messages: 0,
                enabled: [0; 2],
                kept: 0,
            },
        }
    }

    /// Has the device interrupt.
    pub fn raise(&mut self, causes: u32) {
        if let Some(bar) = &mut self.bar {
            register!(*bar, interrupt_raise).write(causes);
        }
    }
}

/// The timer queues the DPC, the DPC the work item, and that ends the request.
impl TimerHandler for LayerDevice {
    type Device = Self;

    fn run(device: &Self) {
        device.state.lock().seen.timer += 1;
        device.dpc.enqueue();
    }
}

impl DpcHandler for LayerDevice {
    type Device = Self;

    fn run(device: &Self) {
        device.state.lock().seen.dpc += 1;
        device.work.enqueue();
    }
}

impl WorkItemHandler for LayerDevice {
    type Device = Self;

    fn run(device: &Self) {
        let mut state = device.state.lock();
        state.seen.work += 1;
        let taken = state.pending.take();
        let seen = state.seen;
        drop(state);
        if let Some((request, ())) = taken {
            request.respond(&seen.work);
        }
    }
}
