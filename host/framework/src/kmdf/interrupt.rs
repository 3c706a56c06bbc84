//! Interrupt objects: their connection, their lock, the ISR, its DPC and its work item.

use std::{
    cell::{Cell, OnceCell},
    rc::{Rc, Weak},
};

use kmdf_abi::types::WDF_INTERRUPT_CONFIG;
use kmdf_bus::Clock;
use kmdf_kernel::SpinLock;
use kmdf_machine::{Dpc, Edge, HeldLock, InterruptHandler, Irql, Machine};
use kmdf_rules::{Rule, rules};

use super::{
    device::Device, object::Body, serial::CallbackLock, wait_lock::Mutex, work_item::Work,
};
use crate::host::Host;

/// What PnP assigned to an interrupt object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AssignedVector {
    /// The host's vector.
    pub(crate) vector: u32,
    pub(crate) irql: Irql,
    /// The message, or `None` for a line.
    pub(crate) message: Option<u32>,
    /// The processors that may take it.
    pub(crate) affinity: u64,
    /// Whether other devices are wired to the same line.
    pub(crate) shared: bool,
}

/// WDFINTERRUPT
pub(crate) struct Interrupt {
    pub(crate) handle: u64,
    pub(crate) device: u64,
    /// The address that stands for its KINTERRUPT.
    pub(super) kinterrupt: u64,
    /// What was done before it was connected comes before its ISR.
    pub(super) connecting: Edge,
    /// What its ISR does comes before the end of its disconnection.
    pub(super) serviced: Edge,
    pub(super) config: WDF_INTERRUPT_CONFIG,
    pub(super) lock: Lock,
    /// Held around its DPC and its work item, with AutomaticSerialization.
    pub(super) callback_lock: CallbackLock,
    /// How many interrupts its device had when it was created: the number of its message.
    pub(super) number: u32,
    /// The position of its resource among those of its device, where it was created for one.
    pub(super) position: Option<usize>,
    pub(super) policy: Cell<Policy>,
    pub(super) assigned: Cell<Option<AssignedVector>>,
    /// The IRQL at which its lock is held: the highest of all interrupts that share the lock.
    pub(super) synchronize_irql: Cell<Irql>,
    /// Whether there is a KINTERRUPT: only then the ISR is called, and only then there is a lock to take
    /// at DIRQL.
    pub(super) connected: Cell<bool>,
    /// Whether EvtInterruptEnable has succeeded, and EvtInterruptDisable has not come since.
    pub(super) enabled: Cell<bool>,
    /// Whether it is expected to interrupt. A line all of whose interrupts are not is masked.
    pub(super) active: Cell<bool>,
    /// Whether WdfInterruptDisable was called: then it stays as it is when the device comes back to D0.
    pub(super) forced: Cell<bool>,
    pub(super) dpc: OnceCell<Rc<Dpc>>,
    pub(super) work: OnceCell<Rc<Work>>,
    pub(super) me: OnceCell<Weak<Self>>,
}

/// The lock that is held around the ISR.
#[derive(Clone)]
pub(super) enum Lock {
    /// At DIRQL.
    Spin(Rc<SpinLock>),
    /// At PASSIVE_LEVEL.
    Passive(Rc<Mutex>),
}

/// What the driver wants of its interrupt beyond what PnP would choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Policy {
    /// The processors that may take it, a mask; 0 for all.
    pub(crate) processors: u64,
    /// Whether the messages of the device go to one processor each, in turn.
    pub(crate) spread: bool,
}

impl Body for Interrupt {
    const KIND: &'static str = "WDFINTERRUPT";
}

impl InterruptHandler for Interrupt {
    fn deliver(&self, machine: &Machine) -> bool {
        let host = Host::of(machine);
        if !self.connected.get() {
            return false;
        }
        host.acquires(&self.connecting);
        self.acquire(host, &rules::WDF_INTERRUPT_LOCK);
        if !self.connected.get() {
            // It was disconnected while the lock was waited for.
            self.release(host, &rules::WDF_INTERRUPT_LOCK_RELEASE);
            return false;
        }
        let asserted = self.line_assertions(host);
        let value = host.call_driver(
            "EvtInterruptIsr",
            self.handle,
            self.config.EvtInterruptIsr.0,
            &[self.handle, self.number.into()],
        );
        host.releases(&self.serviced);
        self.release(host, &rules::WDF_INTERRUPT_LOCK_RELEASE);
        let claimed = value as u8 != 0;
        let silent = asserted.is_some_and(|(level, _)| !level);
        if claimed && silent && asserted == self.line_assertions(host) {
            host.violation(
                &rules::ISR_CLAIMED_FOREIGN,
                "an ISR returns TRUE for a shared line that its device does not assert",
            );
        }
        host.count(|counts| {
            counts.isr_calls += 1;
            counts.isr_claims += u64::from(claimed);
        });
        claimed
    }

    fn affinity(&self) -> u64 {
        self.assigned.get().map_or(0, |assigned| assigned.affinity)
    }

    fn is_passive(&self) -> bool {
        Self::is_passive(self)
    }

    fn is_active(&self) -> bool {
        self.active.get()
    }
}

impl Interrupt {
    /// Whether its ISR may be called.
    pub(crate) fn is_connected(&self) -> bool {
        self.connected.get()
    }

    /// Whether it is handled at PASSIVE_LEVEL.
    pub(crate) fn is_passive(&self) -> bool {
        self.config.PassiveHandling != 0
    }

    /// Whether it was created in EvtDevicePrepareHardware: it goes with its resources.
    pub(crate) fn is_from_resources(&self) -> bool {
        self.position.is_some()
    }

    /// The processors that may take it, of those there are.
    pub(crate) fn affinity_of(&self, all: u64) -> u64 {
        let policy = self.policy.get();
        if policy.spread {
            return 1 << (self.number % all.count_ones());
        }
        match policy.processors & all {
            0 => all,
            some => some,
        }
    }

    /// Whether its device asserts its line, and how often it has begun to, if that line is shared
    /// and the device one whose line is known at every moment: that of one outside this process is
    /// heard of later.
    fn line_assertions(&self, host: &Host) -> Option<(bool, u64)> {
        self.assigned.get().filter(|assigned| assigned.shared)?;
        let slot = &host.slots[host.body::<Device>(self.device).slot];
        (slot.clock == Clock::Virtual).then(|| (slot.line.get(), slot.assertions.get()))
    }

    fn held(&self) -> HeldLock {
        HeldLock {
            id: self.handle,
            name: Self::KIND,
            kept: &rules::WDF_INTERRUPT_LOCK,
            rank: None,
            order: Some(match &self.lock {
                Lock::Spin(lock) => lock.order(),
                Lock::Passive(lock) => lock.order(),
            }),
        }
    }

    /// Takes its lock.
    pub(super) fn acquire(&self, host: &Host, rule: &'static Rule) {
        match &self.lock {
            Lock::Spin(lock) => {
                host.acquire(lock, self.synchronize_irql.get(), self.held(), rule);
            }
            Lock::Passive(lock) => {
                if lock.is_mine(host) {
                    host.violation(rule, "a WDFINTERRUPT is acquired by the flow that holds it");
                }
                lock.acquire(host, self.held());
            }
        }
    }

    /// Takes its passive lock if nobody has it.
    pub(super) fn try_acquire(&self, host: &Host) -> bool {
        match &self.lock {
            Lock::Spin(_) => false,
            Lock::Passive(lock) => lock.try_acquire(host, self.held()),
        }
    }

    /// Gives its lock back.
    pub(super) fn release(&self, host: &Host, rule: &'static Rule) {
        match &self.lock {
            Lock::Spin(lock) => {
                host.release(lock, self.handle, rule);
            }
            Lock::Passive(lock) => {
                if !lock.is_mine(host) {
                    host.violation(rule, "a lock is released by a flow that does not hold it");
                }
                lock.release(host, self.handle);
            }
        }
    }

    pub(super) fn is_locked(&self) -> bool {
        match &self.lock {
            Lock::Spin(lock) => lock.is_held(),
            Lock::Passive(lock) => lock.is_held(),
        }
    }

    pub(super) fn shares_lock(&self, other: &Self) -> bool {
        match (&self.lock, &other.lock) {
            (Lock::Spin(mine), Lock::Spin(theirs)) => Rc::ptr_eq(mine, theirs),
            (Lock::Passive(mine), Lock::Passive(theirs)) => Rc::ptr_eq(mine, theirs),
            _ => false,
        }
    }

    /// Assigns resources, or none.
    pub(crate) fn assign(&self, assigned: Option<AssignedVector>) {
        self.assigned.set(assigned);
        let irql = match assigned {
            Some(assigned) if !self.is_passive() => assigned.irql,
            _ => Irql::PASSIVE,
        };
        self.synchronize_irql.set(irql);
    }

    pub(super) fn handler(&self) -> Rc<dyn InterruptHandler> {
        self.me
            .get()
            .and_then(Weak::upgrade)
            .expect("an object that lives")
    }

    /// Its DPC: EvtInterruptDpc, or what starts EvtInterruptWorkItem from DIRQL.
    pub(super) fn dpc(&self) -> &Rc<Dpc> {
        self.dpc.get_or_init(|| {
            let (handle, device, callback) =
                (self.handle, self.device, self.config.EvtInterruptDpc.0);
            let name = format!("of WDFINTERRUPT {handle:#x}");
            if callback == 0 {
                let work = Rc::clone(self.work());
                return Dpc::new(name, move |host: &Host| {
                    work.enqueue(host);
                });
            }
            let lock = self.callback_lock.clone();
            Dpc::new(name, move |host: &Host| {
                host.count(|counts| counts.dpc_calls += 1);
                lock.hold(host, || {
                    host.call_driver("EvtInterruptDpc", handle, callback, &[handle, device]);
                });
            })
        })
    }

    /// Its work item: EvtInterruptWorkItem.
    pub(super) fn work(&self) -> &Rc<Work> {
        self.work.get_or_init(|| {
            let (handle, device, callback) =
                (self.handle, self.device, self.config.EvtInterruptWorkItem.0);
            let lock = self.callback_lock.clone();
            Rc::new(Work::new("interrupt work item", move |host| {
                host.count(|counts| counts.work_item_calls += 1);
                lock.hold(host, || {
                    host.call_driver("EvtInterruptWorkItem", handle, callback, &[handle, device]);
                });
            }))
        })
    }
}
