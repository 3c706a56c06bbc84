//! The interrupt objects: one for each message of the device, with one lock, or one for its line.

use core::mem::take;

use kmdf::{
    Claim, Connected, DeferredInterrupt, Device, Disconnected, Interrupt, InterruptHandler,
    InterruptLock, Isr, List, Mapping, Passive, Policy, Resources, Result,
    mmio::{ReadPure, WriteOnly},
    register,
};

use crate::{device::LayerDevice, settings::Settings};

/// How many messages the device can send.
const MESSAGES: usize = 2;

#[repr(C)]
pub struct IsrBar {
    _00: [u32; 9],
    interrupt_status: ReadPure<u32>,
    _28: [u32; 15],
    interrupt_acknowledge: WriteOnly<u32>,
}

/// What the ISRs share.
#[derive(Default)]
pub struct Shared {
    pub bar: Option<Mapping<IsrBar>>,
    /// The messages that came, one bit each.
    pub messages: u32,
    /// Calls of EvtInterruptEnable, and of EvtInterruptDisable.
    pub enabled: [u32; 2],
}

/// An interrupt object's own; `SOFT`: it is only reported to be inactive when the device leaves D0.
#[derive(Default)]
pub struct LayerInterrupt<const SOFT: bool> {
    causes: u32,
}

impl<const SOFT: bool> InterruptHandler for LayerInterrupt<SOFT> {
    type Shared = Shared;
    type Device = LayerDevice;

    const REPORTS_INACTIVE: bool = SOFT;

    fn isr(&mut self, shared: &mut Shared, isr: &Isr<'_, Self>) -> Claim {
        let Some(causes) = shared.take_causes() else {
            return Claim::NotOurs;
        };
        shared.messages |= 1 << (isr.message() & 31);
        // At PASSIVE_LEVEL the interrupt lock is the ISR's alone: the causes are passed on under the device lock.
        if let Some(device) = isr.passive_device() {
            let mut state = device.state.lock();
            state.causes |= causes;
            isr.defer();
        } else {
            self.causes |= causes;
            isr.defer();
        }
        Claim::Ours
    }

    fn deferred(device: &LayerDevice, mut interrupt: DeferredInterrupt<'_, Self>) {
        let causes = interrupt.locked(|own| take(&mut own.causes)).unwrap_or(0);
        if device.works_at_passive_level() {
            // A work item may wait.
            device.work.flush();
        }
        device.service(causes, 1);
    }

    fn set_enabled(&mut self, shared: &mut Shared, enabled: bool) {
        if let Some(calls) = shared.enabled.get_mut(usize::from(!enabled)) {
            *calls += 1;
        }
        // What nobody will service.
        shared.take_causes();
    }
}

impl Shared {
    /// Acknowledges what the device interrupts for.
    fn take_causes(&mut self) -> Option<u32> {
        let bar = self.bar.as_mut()?;
        let causes = register!(*bar, interrupt_status).read();
        if causes == 0 || causes == u32::MAX {
            return None;
        }
        register!(*bar, interrupt_acknowledge).write(causes);
        Some(causes)
    }
}

/// The interrupt objects of a device.
pub enum Interrupts {
    Hard(List<Interrupt<LayerInterrupt<false>>>),
    Soft(List<Interrupt<LayerInterrupt<true>>>),
}

impl Interrupts {
    /// None yet.
    pub const fn none() -> Self {
        Self::Hard(List::empty())
    }

    /// In EvtDriverDeviceAdd.
    pub fn create(
        device: Device<'_>,
        passive: &Passive<'_>,
        lock: &InterruptLock<Shared>,
        policy: Option<Policy>,
        soft: bool,
    ) -> Result<Self> {
        Ok(if soft {
            Self::Soft(create(device, passive, lock, policy)?)
        } else {
            Self::Hard(create(device, passive, lock, policy)?)
        })
    }

    /// In EvtDevicePrepareHardware.
    pub fn create_for(
        resources: &Resources<'_>,
        passive: &Passive<'_>,
        lock: &InterruptLock<Shared>,
        settings: &Settings,
    ) -> Result<Self> {
        Ok(if settings.soft {
            Self::Soft(create_for(resources, passive, lock, settings.wake)?)
        } else {
            Self::Hard(create_for(resources, passive, lock, settings.wake)?)
        })
    }

    /// Says that interrupts are expected, or that they are not.
    pub fn report(&self, connected: &Connected, active: bool) {
        match self {
            Self::Hard(interrupts) => report(interrupts, connected, active),
            Self::Soft(interrupts) => report(interrupts, connected, active),
        }
    }

    /// What their ISRs have recorded and no DPC or work item has taken.
    pub fn recorded(&self, connected: &Connected) -> u32 {
        match self {
            Self::Hard(interrupts) => recorded(interrupts, connected),
            Self::Soft(interrupts) => recorded(interrupts, connected),
        }
    }

    /// How many locks the proof takes, one after the other.
    pub fn locked_by(&self, connected: &Connected) -> u32 {
        match self {
            Self::Hard(interrupts) => locked_by(interrupts, connected),
            Self::Soft(interrupts) => locked_by(interrupts, connected),
        }
    }

    /// Forgets it.
    pub fn forget(&self, disconnected: &mut Disconnected<'_>) {
        match self {
            Self::Hard(interrupts) => forget(interrupts, disconnected),
            Self::Soft(interrupts) => forget(interrupts, disconnected),
        }
    }
}

type Objects<const SOFT: bool> = List<Interrupt<LayerInterrupt<SOFT>>>;

fn create<const SOFT: bool>(
    device: Device<'_>,
    passive: &Passive<'_>,
    lock: &InterruptLock<Shared>,
    policy: Option<Policy>,
) -> Result<Objects<SOFT>> {
    let count = if lock.handling().is_passive() {
        1
    } else {
        MESSAGES
    };
    let create = || {
        let interrupt = Interrupt::create(device, lock, LayerInterrupt::default())?;
        if let Some(policy) = policy {
            interrupt.set_policy(device, policy);
        }
        Ok(interrupt)
    };
    List::collect(passive, count, core::iter::repeat_with(create))
}

fn create_for<const SOFT: bool>(
    resources: &Resources<'_>,
    passive: &Passive<'_>,
    lock: &InterruptLock<Shared>,
    wake: bool,
) -> Result<Objects<SOFT>> {
    let granted = resources
        .interrupts()
        .flat_map(|resource| core::iter::repeat_n(resource, resource.messages()));
    let created = granted.map(|resource| match resource.wake() {
        Some(waking) if wake => Interrupt::create_wake(&waking, lock, LayerInterrupt::default()),
        _ => Interrupt::create_for(&resource, lock, LayerInterrupt::default()),
    });
    List::collect(passive, MESSAGES, created)
}

fn report<const SOFT: bool>(interrupts: &Objects<SOFT>, connected: &Connected, active: bool) {
    for interrupt in interrupts.iter() {
        if active {
            interrupt.report_active(connected);
        } else {
            interrupt.report_inactive(connected);
        }
    }
}

fn recorded<const SOFT: bool>(interrupts: &Objects<SOFT>, connected: &Connected) -> u32 {
    let recorded = interrupts
        .iter()
        .filter_map(|interrupt| interrupt.lock(connected))
        .map(|guard| take(&mut guard.own.causes));
    recorded.fold(0, |all, causes| all | causes)
}

fn locked_by<const SOFT: bool>(interrupts: &Objects<SOFT>, connected: &Connected) -> u32 {
    let locked = interrupts
        .iter()
        .map(|interrupt| interrupt.lock(connected).is_some());
    locked.fold(0, |count, locked| count + u32::from(locked))
}

fn forget<const SOFT: bool>(interrupts: &Objects<SOFT>, disconnected: &mut Disconnected<'_>) {
    for interrupt in interrupts.iter() {
        _ = interrupt.disconnected(disconnected).map(take);
    }
}
