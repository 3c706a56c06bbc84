//! EvtDriverDeviceAdd: creates the device and everything that it consists of. Its context is complete from then on.

#![forbid(unsafe_code)]

use core::sync::atomic::AtomicBool;

use edu_spec::interface::DEVICE_INTERFACE;

use kmdf::{
    DeviceInit, Dpc, Driver, Guid, InterruptLock, List, Passive, QueueConfig, Result, SpinLock,
    Timer, WorkItem,
};

use crate::{
    buffer::DmaBuffer,
    control::{DefaultQueue, RegisterAccess},
    device::{Dma, EduDevice, Factorial, State},
    events::{Handle, Wait, Waiting},
    interrupt,
    isr_context::IsrShared,
    recovery::Recovery,
    settings::Settings,
    trace,
    watchdog::Tick,
};

/// The class of the device's interface.
const INTERFACE: Guid = {
    let class = DEVICE_INTERFACE;
    Guid::from_fields(class.data1, class.data2, class.data3, class.data4)
};

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
            interrupt::create_all(device, passive, &isr_shared, settings.policy)?
        };
        // It completes requests that need no hardware at once, also in low power, and forwards the others.
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
