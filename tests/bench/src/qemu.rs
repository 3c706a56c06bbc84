//! Requests a second on QEMU's own edu device, and the most that its connection lets through.
//!
//! Each register access is a message to QEMU and its answer. So a factorial cannot take less than that
//! round trip times the accesses that it needs. Nor can it take less than the same accesses made by hand,
//! without driver and framework: between the second of them and the third, a thread of QEMU's wakes up,
//! computes, and sends the message. All three are measured in the same run, in turns, for the machine may
//! be busier at one moment than at another. Three processes wait for each other here, so the fastest turn
//! counts: every slower one has waited for something else, too.

use std::time::{Duration, Instant};

use edu_spec::registers::{Status, offset};
use kmdf_host::{
    Checks, Package,
    device::{
        Assignment, Bus, DeviceError, InterruptMode, PciFunction, Signal, Width,
        qemu::{Qemu, QemuOptions},
    },
    explore::Wrong,
};

use crate::{
    drivers::{OPERAND, Subject},
    exact::PerRequest,
    time::{Spread, first_request, requests},
};

/// How often both are measured, in turns.
const TURNS: usize = 60;
/// Round trips, and requests, in each turn.
const COUNT: u32 = 100;
/// Where BAR 0 of the device without a driver is put.
const BAR: u64 = 0xFE00_0000;
/// How long one wait for a message takes at most.
const WAIT: Duration = Duration::from_millis(1);

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct OnQemu {
    /// One register access of QEMU's device, without a driver.
    pub round_trip: Spread,
    /// The accesses of one factorial by hand, and the wait for its message.
    pub by_hand: Spread,
    /// One request of the driver on another of QEMU's devices.
    pub request: Spread,
    /// Register accesses that a request needs.
    pub accesses: u32,
}

impl OnQemu {
    /// The least that a request can take.
    #[must_use]
    pub fn floor(&self) -> Duration {
        self.round_trip.minimum * self.accesses
    }

    /// How much more a request takes than another time, in percent.
    #[must_use]
    pub fn over(&self, other: Duration) -> f64 {
        (self.request.minimum.as_secs_f64() / other.as_secs_f64() - 1.0) * 100.0
    }

    /// Requests a second.
    #[must_use]
    pub fn requests(&self) -> f64 {
        1.0 / self.request.minimum.as_secs_f64()
    }
}

/// Measures one driver on QEMU's device.
///
/// # Errors
/// There is no QEMU, or the run went wrong.
pub fn measure(subject: &Subject, exact: &PerRequest) -> Result<OnQemu, Wrong> {
    let mut alone = Alone::start()?;
    let package = Package::read(&subject.driver)?;
    let function = Box::new(start()?);
    let (session, file) = first_request(subject, &package, Checks::All, function)?;
    let (mut trips, mut by_hand, mut taken) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let begin = Instant::now();
        for _ in 0..COUNT {
            alone.read(offset::IDENTIFICATION)?;
        }
        trips.push(begin.elapsed() / COUNT);
        let begin = Instant::now();
        for _ in 0..COUNT {
            alone.factorial()?;
        }
        by_hand.push(begin.elapsed() / COUNT);
        taken.push(requests(subject, &session, &file, COUNT)?);
    }
    drop(file);
    session.shut_down()?;
    Ok(OnQemu {
        round_trip: Spread::of(trips),
        by_hand: Spread::of(by_hand),
        request: Spread::of(taken),
        accesses: u32::try_from(exact.reads + exact.writes).unwrap_or(u32::MAX),
    })
}

fn start() -> Result<Qemu, Wrong> {
    Qemu::start(QemuOptions::new("edu")).map_err(stopped)
}

fn stopped(error: DeviceError) -> Wrong {
    Wrong::Stopped(error.into())
}

/// QEMU's device without a driver.
struct Alone {
    device: Qemu,
    messages: Messages,
}

impl Alone {
    fn start() -> Result<Self, Wrong> {
        let mut alone = Self {
            device: start()?,
            messages: Messages(0),
        };
        let assignment = Assignment {
            bars: vec![BAR],
            interrupt: InterruptMode::Messages(1),
        };
        let started = alone.device.start(&mut alone.messages, &assignment);
        started.map_err(stopped)?;
        alone.write(offset::STATUS, Status::INTERRUPT_WHEN_DONE.bits())?;
        Ok(alone)
    }

    fn read(&mut self, offset: usize) -> Result<u32, Wrong> {
        let (bus, width) = (&mut self.messages, Width::Dword);
        let value = self.device.read(bus, 0, offset as u64, width);
        Ok(u32::try_from(value.map_err(stopped)?).unwrap_or(u32::MAX))
    }

    fn write(&mut self, offset: usize, value: u32) -> Result<(), Wrong> {
        let (bus, width) = (&mut self.messages, Width::Dword);
        let written = self
            .device
            .write(bus, 0, offset as u64, width, value.into());
        written.map_err(stopped)
    }

    /// The accesses of the drivers for a factorial, in their order.
    fn factorial(&mut self) -> Result<(), Wrong> {
        self.read(offset::STATUS)?;
        self.messages.0 = 0;
        self.write(offset::FACTORIAL, OPERAND)?;
        while self.messages.0 == 0 {
            let waited = self.device.wait(&mut self.messages, WAIT);
            waited.map_err(stopped)?;
        }
        let causes = self.read(offset::INTERRUPT_STATUS)?;
        self.write(offset::INTERRUPT_ACKNOWLEDGE, causes)?;
        self.read(offset::FACTORIAL).map(drop)
    }
}

/// Counts the messages of a device.
struct Messages(u64);

impl Bus for Messages {
    fn signal(&mut self, signal: Signal) {
        self.0 += u64::from(matches!(signal, Signal::Message(_)));
    }

    fn read_memory(&mut self, _address: u64, _bytes: &mut [u8]) {}

    fn write_memory(&mut self, _address: u64, _bytes: &[u8]) {}
}
