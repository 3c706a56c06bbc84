//! The backend on a real QEMU, mostly with its `edu` device, because that interrupts and does DMA.
//!
//! These tests take the QEMU that `KMDF_HOST_QEMU` names, or the one in `PATH`.
#![cfg(unix)]

mod common;

use std::{
    env,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use common::Record;
use kmdf_host::device::{
    Assignment, Bar, DeviceError, InterruptMode, PciFunction, Signal, Width,
    memory::SharedMemory,
    qemu::{Qemu, QemuOptions},
};

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

const BASE: u64 = 0xFE00_0000;

// Registers of the edu device.
const IDENTIFICATION: u64 = 0x00;
const LIVENESS: u64 = 0x04;
const FACTORIAL: u64 = 0x08;
const STATUS: u64 = 0x20;
const INTERRUPT_STATUS: u64 = 0x24;
const INTERRUPT_RAISE: u64 = 0x60;
const INTERRUPT_ACKNOWLEDGE: u64 = 0x64;
const DMA_SOURCE: u64 = 0x80;
const DMA_DESTINATION: u64 = 0x88;
const DMA_COUNT: u64 = 0x90;
const DMA_COMMAND: u64 = 0x98;
const DMA_BUFFER: u64 = 0x4_0000;

/// A device and its bus.
struct Rig {
    qemu: Qemu,
    bus: Record,
}

impl Rig {
    fn of(options: QemuOptions, interrupt: InterruptMode) -> Self {
        let mut rig = Self {
            qemu: Qemu::start(options).expect("QEMU starts"),
            bus: Record::default(),
        };
        rig.start(interrupt);
        rig
    }

    fn new(interrupt: InterruptMode) -> Self {
        Self::of(QemuOptions::new("edu"), interrupt)
    }

    fn start(&mut self, interrupt: InterruptMode) {
        let assignment = Assignment {
            bars: vec![BASE],
            interrupt,
        };
        self.qemu
            .start(&mut self.bus, &assignment)
            .expect("the device starts");
    }

    fn stop(&mut self) {
        self.qemu.stop(&mut self.bus).expect("the device stops");
    }

    fn read(&mut self, offset: u64, width: Width) -> u64 {
        self.qemu
            .read(&mut self.bus, 0, offset, width)
            .expect("the device answers")
    }

    fn get(&mut self, offset: u64) -> u64 {
        self.read(offset, Width::Dword)
    }

    fn set(&mut self, offset: u64, value: u64) {
        self.qemu
            .write(&mut self.bus, 0, offset, Width::Dword, value)
            .expect("the device answers");
    }

    /// Waits until something was sent, and takes it.
    fn sent(&mut self) -> Vec<Signal> {
        let begin = Instant::now();
        while self.bus.signals.is_empty() {
            assert!(begin.elapsed() < PATIENCE, "nothing was sent");
            self.qemu
                .wait(&mut self.bus, PATIENCE)
                .expect("the device lives");
        }
        std::mem::take(&mut self.bus.signals)
    }

    fn start_dma(&mut self, source: u64, destination: u64, count: u64, command: u64) {
        self.set(DMA_SOURCE, source);
        self.set(DMA_DESTINATION, destination);
        self.set(DMA_COUNT, count);
        self.set(DMA_COMMAND, command | 1);
    }
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn a_device_is_identified_by_its_configuration_space() {
    let qemu = Qemu::start(QemuOptions::new("edu")).expect("QEMU starts");
    let identity = qemu.identity();
    assert_eq!((identity.vendor, identity.device), (0x1234, 0x11E8));
    let subsystem = (identity.subsystem_vendor, identity.subsystem);
    assert_eq!(subsystem, (0x1AF4, 0x1100));
    assert_eq!((identity.revision, identity.class), (0x10, 0x00_FF00));
    assert_eq!((identity.messages, identity.interrupt_pin), (1, true));
    let bar = Bar {
        index: 0,
        bytes: 1 << 20,
        ..Bar::default()
    };
    assert_eq!(identity.bars, [bar]);
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn devices_with_other_bars_and_without_messages_are_found_too() {
    let identity = |device: &str| {
        Qemu::start(QemuOptions::new(device))
            .expect("QEMU starts")
            .identity()
    };
    let bar = |index, bytes, wide| Bar {
        index,
        bytes,
        wide,
        ..Bar::default()
    };

    // A 64-bit BAR; MSI-X, but no MSI.
    let nvme = identity("nvme,serial=1");
    assert_eq!(nvme.bars, [bar(0, 0x4000, true)]);
    assert_eq!((nvme.messages, nvme.interrupt_pin), (0, true));
    let msix = nvme.msix.expect("it has the capability");
    assert_eq!((msix.messages, msix.table.0, msix.pending.0), (65, 0, 0));

    // An I/O BAR beside the memory BAR.
    let e1000 = identity("e1000,romfile=");
    let ports = |index, bytes| Bar {
        index,
        bytes,
        ports: true,
        ..Bar::default()
    };
    assert_eq!(e1000.bars, [bar(0, 0x2_0000, false), ports(1, 0x40)]);
    assert_eq!((e1000.messages, e1000.interrupt_pin), (0, true));

    let testdev = identity("pci-testdev");
    assert_eq!(testdev.bars, [bar(0, 0x1000, false), ports(1, 0x100)]);
    assert_eq!((testdev.messages, testdev.interrupt_pin), (0, false));
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn a_64_bit_bar_is_placed_above_4_gib() {
    let mut qemu = Qemu::start(QemuOptions::new("nvme,serial=1")).expect("QEMU starts");
    let mut bus = Record::default();
    let assignment = Assignment {
        bars: vec![0x10_0000_0000],
        interrupt: InterruptMode::None,
    };
    qemu.start(&mut bus, &assignment)
        .expect("the device starts");
    let version = qemu
        .read(&mut bus, 0, 0x08, Width::Dword)
        .expect("the device answers");
    assert_eq!(version >> 16, 1, "NVMe 1.x, not {version:#x}");
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn a_bar_that_cannot_be_where_it_was_put_is_an_error() {
    let mut qemu = Qemu::start(QemuOptions::new("edu")).expect("QEMU starts");
    let assignment = Assignment {
        bars: vec![BASE + 0x1000],
        interrupt: InterruptMode::None,
    };
    let error = qemu
        .start(&mut Record::default(), &assignment)
        .expect_err("it is not aligned");
    assert!(matches!(error, DeviceError::Protocol { .. }), "{error}");
    assert!(error.to_string().contains("0xfe001000"), "{error}");
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn registers_are_the_devices_own() {
    let mut rig = Rig::new(InterruptMode::None);
    assert_eq!(rig.get(IDENTIFICATION), 0x0100_00ED);
    rig.set(LIVENESS, 0x1234_5678);
    assert_eq!(rig.get(LIVENESS), 0xEDCB_A987);
    rig.qemu
        .write(&mut rig.bus, 0, DMA_SOURCE, Width::Qword, 1 << 40)
        .expect("the device answers");
    assert_eq!(rig.read(DMA_SOURCE, Width::Qword), 1 << 40);
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn where_the_device_decodes_nothing_reads_give_all_ones() {
    let mut rig = Rig::new(InterruptMode::Line);
    assert_eq!(rig.get(1 << 20), 0xFFFF_FFFF, "behind the BAR");
    assert_eq!(rig.read(u64::MAX, Width::Qword), u64::MAX);
    let other = rig.qemu.read(&mut rig.bus, 1, 0, Width::Word);
    assert_eq!(other.expect("it is not asked"), 0xFFFF);
    rig.stop();
    assert_eq!(rig.get(IDENTIFICATION), 0xFFFF_FFFF, "stopped");
    rig.set(INTERRUPT_RAISE, 2);
    rig.start(InterruptMode::Line);
    assert_eq!(rig.get(INTERRUPT_STATUS), 0);
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn factorials_end_with_a_message_each() {
    let mut rig = Rig::new(InterruptMode::Messages(1));
    rig.set(STATUS, 0x80);
    for _ in 0..1000 {
        rig.set(FACTORIAL, 12);
        assert_eq!(rig.sent(), [Signal::Message(0)]);
        assert_eq!(rig.get(INTERRUPT_STATUS), 1);
        rig.set(INTERRUPT_ACKNOWLEDGE, 1);
        assert_eq!(rig.get(FACTORIAL), 479_001_600);
        assert_eq!(rig.bus.signals, []);
    }
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn factorials_assert_the_line_until_they_are_acknowledged() {
    let mut rig = Rig::new(InterruptMode::Line);
    rig.set(STATUS, 0x80);
    for _ in 0..1000 {
        rig.set(FACTORIAL, 12);
        assert_eq!(rig.sent(), [Signal::Line(true)]);
        assert_eq!(rig.get(INTERRUPT_STATUS), 1);
        rig.set(INTERRUPT_ACKNOWLEDGE, 1);
        assert_eq!(rig.sent(), [Signal::Line(false)]);
        assert_eq!(rig.get(FACTORIAL), 479_001_600);
    }
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn a_signal_that_an_access_causes_is_there_with_it() {
    for (interrupt, signal) in [
        (InterruptMode::Messages(1), Signal::Message(0)),
        (InterruptMode::Line, Signal::Line(true)),
    ] {
        let mut rig = Rig::new(interrupt);
        rig.set(INTERRUPT_RAISE, 2);
        assert_eq!(rig.bus.signals, [signal]);
    }
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn waiting_for_nothing_ends_with_its_limit() {
    for interrupt in [InterruptMode::Messages(1), InterruptMode::Line] {
        let mut rig = Rig::new(interrupt);
        let limit = Duration::from_millis(20);
        let begin = Instant::now();
        rig.qemu
            .wait(&mut rig.bus, limit)
            .expect("the device lives");
        assert!(begin.elapsed() >= limit);
        assert_eq!(rig.bus.signals, []);
    }
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn a_line_that_was_left_asserted_is_seen_when_the_device_starts_again() {
    let mut rig = Rig::new(InterruptMode::Line);
    rig.set(INTERRUPT_RAISE, 2);
    rig.stop();
    assert_eq!(rig.sent(), [Signal::Line(true), Signal::Line(false)]);
    rig.start(InterruptMode::Line);
    assert_eq!(rig.sent(), [Signal::Line(true)]);

    // Messages take its place, and do not repeat what was before them.
    rig.stop();
    rig.bus.signals.clear();
    rig.start(InterruptMode::Messages(1));
    assert_eq!(rig.get(INTERRUPT_STATUS), 2);
    assert_eq!(rig.bus.signals, []);
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn nothing_is_sent_without_interrupts() {
    let mut rig = Rig::new(InterruptMode::None);
    rig.set(INTERRUPT_RAISE, 2);
    let soon = Duration::from_millis(5);
    rig.qemu.wait(&mut rig.bus, soon).expect("the device lives");
    assert_eq!(rig.get(INTERRUPT_STATUS), 2);
    assert_eq!(rig.bus.signals, []);
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn dma_goes_to_the_memory_that_was_given_to_the_device() {
    let memory = Rc::new(SharedMemory::new(64 << 20).expect("there is memory"));
    let options = QemuOptions {
        memory: Some(Rc::clone(&memory)),
        ..QemuOptions::new("edu")
    };
    let mut rig = Rig::of(options, InterruptMode::Messages(1));
    assert!(Rc::ptr_eq(rig.qemu.memory(), &memory));

    let first = SharedMemory::FIRST_USABLE;
    let last = memory.bytes() - 4;
    memory.write(first, b"ping").expect("it is memory");
    rig.start_dma(first, DMA_BUFFER, 4, 4);
    assert_eq!(rig.sent(), [Signal::Message(0)]);
    rig.set(INTERRUPT_ACKNOWLEDGE, 0x100);
    rig.start_dma(DMA_BUFFER, last, 4, 4 | 2);
    assert_eq!(rig.sent(), [Signal::Message(0)]);
    let mut bytes = [0; 4];
    memory.read(last, &mut bytes).expect("it is memory");
    assert_eq!(&bytes, b"ping");
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn two_devices_share_memory_and_not_their_messages() {
    let memory = Rc::new(SharedMemory::new(2 << 20).expect("there is memory"));
    let [mut first, mut second] = [(); 2].map(|()| {
        let options = QemuOptions {
            memory: Some(Rc::clone(&memory)),
            ..QemuOptions::new("edu")
        };
        Rig::of(options, InterruptMode::Messages(1))
    });
    first.set(INTERRUPT_RAISE, 2);
    let soon = Duration::from_millis(5);
    second
        .qemu
        .wait(&mut second.bus, soon)
        .expect("the device lives");
    assert_eq!(first.bus.signals, [Signal::Message(0)]);
    assert_eq!(second.bus.signals, []);
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn a_device_gets_the_backend_that_it_names() {
    let options = QemuOptions::new("virtio-rng-pci,rng=r -object rng-builtin,id=r");
    let qemu = Qemu::start(options).expect("QEMU starts");
    assert_eq!(qemu.identity().vendor, 0x1AF4);
    let without = Qemu::start(QemuOptions::new("virtio-rng-pci,rng=r"));
    let error = without.expect_err("there is no backend").to_string();
    assert!(error.contains("rng"), "{error}");
}

#[test]
fn options_that_are_the_machines_or_have_no_value_are_refused() {
    let refused = |device: &str| {
        let error = Qemu::start(QemuOptions::new(device)).expect_err("refused");
        assert!(matches!(error, DeviceError::Refused { .. }), "{error}");
        error.to_string()
    };
    assert!(refused("edu -m 64M").contains("-m is none of -audiodev"));
    assert!(refused("edu -object").contains("-object has no value"));
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn the_options_of_a_device_are_handed_on() {
    // Of the address one bit is left: the transfer reads zeros, not what is at the address.
    let options = QemuOptions::new("edu,dma_mask=0x100000");
    let mut rig = Rig::of(options, InterruptMode::Messages(1));
    let memory = Rc::clone(rig.qemu.memory());
    memory.write(0x30_0000, b"there").expect("it is memory");
    memory.write(0x10_0000, b"here!").expect("it is memory");
    rig.start_dma(0x30_0000, DMA_BUFFER, 5, 4);
    rig.sent();
    rig.set(INTERRUPT_ACKNOWLEDGE, 0x100);
    rig.start_dma(DMA_BUFFER, 0x10_0000, 5, 4 | 2);
    rig.sent();
    memory.write(0x10_0000, b"other").expect("it is memory");
    rig.set(INTERRUPT_ACKNOWLEDGE, 0x100);
    rig.start_dma(DMA_BUFFER, 0x30_0000, 5, 4 | 2);
    rig.sent();
    let mut bytes = [0; 5];
    memory.read(0x10_0000, &mut bytes).expect("it is memory");
    assert_eq!(&bytes, b"here!");
}

// Endings

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn an_unknown_device_is_refused_in_qemus_own_words() {
    let error = Qemu::start(QemuOptions::new("nonesuch")).expect_err("QEMU has none");
    assert!(matches!(error, DeviceError::Died { .. }), "{error}");
    let words = error.to_string();
    assert!(
        words.contains("'nonesuch' is not a valid device"),
        "{words}"
    );
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn a_bridge_is_no_function_for_a_driver() {
    let error = Qemu::start(QemuOptions::new("pci-bridge,chassis_nr=1"))
        .expect_err("a bridge has another header");
    assert!(error.to_string().contains("header type 0x1"), "{error}");
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn a_qemu_that_is_killed_in_the_middle_is_reported_and_stays_dead() {
    for interrupt in [InterruptMode::Messages(1), InterruptMode::Line] {
        let mut rig = Rig::new(interrupt);
        let id = rig.qemu.process_id().to_string();
        let killed = Command::new("kill").args(["-KILL", &id]).status();
        assert!(killed.expect("there is a kill").success());
        let error = rig
            .qemu
            .wait(&mut rig.bus, PATIENCE)
            .expect_err("it is dead");
        assert!(matches!(error, DeviceError::Died { .. }), "{error}");
        assert!(error.to_string().contains("signal: 9"), "{error}");
        let again = rig
            .qemu
            .read(&mut rig.bus, 0, IDENTIFICATION, Width::Dword)
            .expect_err("it is still dead");
        let words = again.to_string();
        assert!(words.contains("BAR 0 was read at offset 0x0"), "{words}");
        assert!(words.contains("signal: 9"), "{words}");
    }
}

#[test]
#[ignore = "needs a QEMU that aborts for a bad DMA, 9.0 or older: scripts/test.sh runs it"]
fn a_qemu_that_aborts_is_quoted() {
    let mut rig = Rig::new(InterruptMode::Line);
    rig.start_dma(0, DMA_BUFFER, 4096, 0);
    let error = rig
        .qemu
        .wait(&mut rig.bus, PATIENCE)
        .expect_err("this QEMU aborts");
    let words = error.to_string();
    assert!(words.contains("signal: 6"), "{words}");
    assert!(words.contains("out of bounds"), "{words}");
}

fn is_running(id: u32) -> bool {
    // A zombie has an end, and no command line.
    let path = format!("/proc/{id}/cmdline");
    std::fs::read(Path::new(&path)).is_ok_and(|line| !line.is_empty())
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn a_dropped_device_leaves_no_qemu_behind() {
    let rig = Rig::new(InterruptMode::Line);
    let id = rig.qemu.process_id();
    assert!(is_running(id));
    drop(rig);
    assert!(!is_running(id));
}

/// Names the process that [`a_killed_host_leaves_no_qemu_behind`] kills.
const VICTIM: &str = "KMDF_HOST_TEST_VICTIM";

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn a_killed_host_leaves_no_qemu_behind() {
    if env::var_os(VICTIM).is_some() {
        let rig = Rig::new(InterruptMode::Line);
        eprintln!("qemu {}", rig.qemu.process_id());
        thread::sleep(PATIENCE);
        return;
    }
    let mut host = Command::new(env::current_exe().expect("this test is a program"))
        .args(["--exact", "a_killed_host_leaves_no_qemu_behind"])
        .args(["--ignored", "--nocapture"])
        .env(VICTIM, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this test can be run once more");
    let said = BufReader::new(host.stderr.take().expect("it is a pipe"));
    let id: u32 = said
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("qemu ")?.parse().ok())
        .expect("it says which QEMU it has started");
    assert!(is_running(id));
    host.kill().expect("it can be killed");
    host.wait().expect("it was killed");
    let begin = Instant::now();
    while is_running(id) {
        assert!(begin.elapsed() < PATIENCE, "QEMU {id} is left behind");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn ports_and_configuration_space_are_those_of_the_device() {
    let mut qemu = Qemu::start(QemuOptions::new("virtio-rng-pci")).expect("QEMU starts");
    let mut bus = Record::default();
    let places = qemu.identity().bars;
    // One base for each BAR, as far apart as the longest is long.
    let bars = places.iter().zip(1..).map(|(bar, number)| {
        if bar.ports {
            0xC000
        } else {
            BASE + number * 0x10_0000
        }
    });
    let assignment = Assignment {
        bars: bars.collect(),
        interrupt: InterruptMode::Messages(2),
    };
    qemu.start(&mut bus, &assignment).expect("it starts");
    let mut config = |offset, width| {
        let value = qemu.read_config(&mut bus, offset, width);
        value.expect("the device answers")
    };
    assert_eq!(config(0, Width::Dword), 0x1005_1AF4);
    assert_eq!(config(2, Width::Word), 0x1005);
    assert_eq!(config(0x10, Width::Dword), 0xC001);
    qemu.write_config(&mut bus, 0x3C, Width::Byte, 0x5A)
        .expect("it takes it");
    let line = qemu
        .read_config(&mut bus, 0x3C, Width::Byte)
        .expect("it answers");
    assert_eq!(line, 0x5A);
    // The legacy interface: the size of the queue, and the status, which is written.
    let size = qemu
        .read(&mut bus, 0, 0x0C, Width::Word)
        .expect("it answers");
    assert_eq!(size, 8);
    qemu.write(&mut bus, 0, 0x12, Width::Byte, 3)
        .expect("it takes it");
    let status = qemu
        .read(&mut bus, 0, 0x12, Width::Byte)
        .expect("it answers");
    assert_eq!(status, 3);
}
