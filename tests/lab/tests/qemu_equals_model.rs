//! The model against QEMU's own device: whatever is done to both, both do the same.
//!
//! These tests take the QEMU that `KMDF_HOST_QEMU` names, or the one in `PATH`.
#![cfg(unix)]

use std::time::{Duration, Instant};

use edu_lab::{EduModel, register_name};
use edu_model::Config;
use edu_spec::registers::{BAR0_BYTES, Causes, DmaCommand, Status, dma, offset};
use kmdf_host::{
    device::{
        Assignment, Bus, Clock, InterruptMode, PciFunction, Signal, Width,
        memory::SharedMemory,
        qemu::{Qemu, QemuOptions},
        trace::{Recorded, Trace, compare},
    },
    time::VirtualTime,
};
use proptest::prelude::*;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);

const MEMORY_BYTES: u64 = 2 << 20;

/// A function with a bus and memory of its own.
struct Rig {
    function: Box<dyn PciFunction>,
    machine: Machine,
    /// The process that it lives in, if that is not this one.
    process: Option<u32>,
}

struct Machine {
    memory: std::rc::Rc<SharedMemory>,
    signals: Vec<Signal>,
}

impl Bus for Machine {
    fn signal(&mut self, signal: Signal) {
        self.signals.push(signal);
    }

    fn read_memory(&mut self, address: u64, bytes: &mut [u8]) {
        self.memory.read(address, bytes).expect("it can be read");
    }

    fn write_memory(&mut self, address: u64, bytes: &[u8]) {
        self.memory
            .write(address, bytes)
            .expect("it can be written");
    }
}

fn memory() -> std::rc::Rc<SharedMemory> {
    std::rc::Rc::new(SharedMemory::new(MEMORY_BYTES).expect("there is memory"))
}

impl Rig {
    fn model() -> Self {
        Self::model_of(Config::default())
    }

    fn model_of(config: Config) -> Self {
        Self {
            function: Box::new(EduModel::new(config)),
            machine: Machine {
                memory: memory(),
                signals: Vec::new(),
            },
            process: None,
        }
    }

    fn qemu() -> Self {
        Self::qemu_of("edu")
    }

    fn qemu_of(device: &str) -> Self {
        let memory = memory();
        let options = QemuOptions {
            memory: Some(std::rc::Rc::clone(&memory)),
            ..QemuOptions::new(device)
        };
        let qemu = Qemu::start(options).expect("QEMU starts");
        let process = qemu.process_id();
        Self {
            function: Box::new(qemu),
            machine: Machine {
                memory,
                signals: Vec::new(),
            },
            process: Some(process),
        }
    }

    fn start(&mut self, interrupt: InterruptMode) {
        let assignment = Assignment {
            bars: vec![0xFE00_0000],
            interrupt,
        };
        self.function
            .start(&mut self.machine, &assignment)
            .expect("the device starts");
    }

    fn stop(&mut self) {
        self.function
            .stop(&mut self.machine)
            .expect("the device stops");
    }

    fn read(&mut self, offset: usize, width: Width) -> u64 {
        self.function
            .read(&mut self.machine, 0, offset as u64, width)
            .expect("the device answers")
    }

    fn write(&mut self, offset: usize, width: Width, value: u64) {
        self.function
            .write(&mut self.machine, 0, offset as u64, width, value)
            .expect("the device answers");
    }

    fn get(&mut self, offset: usize) -> u64 {
        self.read(offset, Width::Dword)
    }

    fn set(&mut self, offset: usize, value: u32) {
        self.write(offset, Width::Dword, value.into());
    }

    /// Lets a virtual clock run to its next event, a real one for a moment.
    fn pass(&mut self) {
        match self.function.clock() {
            Clock::Virtual => {
                let next = self.function.next_event().unwrap_or(VirtualTime::START);
                self.function
                    .advance(&mut self.machine, next)
                    .expect("the device lives");
            }
            Clock::Real => {
                self.function
                    .wait(&mut self.machine, Duration::from_millis(1))
                    .expect("the device lives");
            }
        }
    }

    /// Lets time pass until the device has sent something, and takes it.
    fn sent(&mut self) -> Vec<Signal> {
        let begin = Instant::now();
        while self.machine.signals.is_empty() {
            assert!(begin.elapsed() < PATIENCE, "nothing was sent");
            self.pass();
        }
        std::mem::take(&mut self.machine.signals)
    }

    fn start_dma(&mut self, source: u64, destination: u64, count: u64, command: DmaCommand) {
        self.write(offset::DMA_SOURCE, Width::Qword, source);
        self.write(offset::DMA_DESTINATION, Width::Qword, destination);
        self.write(offset::DMA_COUNT, Width::Qword, count);
        self.set(offset::DMA_COMMAND, (command | DmaCommand::RUN).bits());
    }
}

/// The registers that change by themselves.
fn moving(rig: &mut Rig) -> [u64; 3] {
    [
        offset::STATUS,
        offset::INTERRUPT_STATUS,
        offset::DMA_COMMAND,
    ]
    .map(|offset| rig.get(offset))
}

/// The threads of a process: each one's state, and how often it was switched to and from.
fn threads(process: u32) -> Vec<Vec<String>> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).expect("QEMU lives");
    let status = |task: std::io::Result<std::fs::DirEntry>| {
        let path = task.expect("it can be listed").path().join("status");
        let text = std::fs::read_to_string(path).expect("the thread lives");
        ["State:", "voluntary_ctxt", "nonvoluntary_ctxt"]
            .map(|field| text.lines().find(|line| line.starts_with(field)))
            .map(|line| line.expect("it has the field").to_owned())
            .to_vec()
    };
    tasks.map(status).collect()
}

/// Waits until no thread of a process has anything to do but to wait.
///
/// QEMU's thread for factorials turns COMPUTING off and looks at the interrupt bit only then.
/// There is nothing to see of that look in any register: until it has happened, setting the bit
/// raises an interrupt after all, and a cause that is pending already can be raised once more. A
/// thread that slept in two looks and was not switched to between them slept all the time, and
/// while all of them sleep nobody holds a lock that one of them could be waiting for.
fn idle(process: u32) {
    let begin = Instant::now();
    let mut before = threads(process);
    loop {
        let now = threads(process);
        let asleep = |thread: &Vec<String>| thread[0].contains("S (sleeping)");
        if now == before && now.iter().all(asleep) {
            return;
        }
        assert!(
            begin.elapsed() < PATIENCE,
            "QEMU is never idle: {now:?}, {before:?}"
        );
        before = now;
        std::thread::yield_now();
    }
}

/// Waits until everything has happened on both that happens by itself.
fn settle(model: &mut Rig, qemu: &mut Rig) {
    while model.function.next_event().is_some() {
        model.pass();
    }
    let expected = (moving(model), model.machine.signals.len());
    let process = qemu.process.expect("QEMU is a process");
    let begin = Instant::now();
    loop {
        idle(process);
        let found = (moving(qemu), qemu.machine.signals.len());
        if found == expected {
            return;
        }
        assert!(
            begin.elapsed() < PATIENCE,
            "status, interrupt status, DMA command, signals: QEMU has {found:x?}, the model \
             {expected:x?}"
        );
        qemu.pass();
    }
}

// Anything

/// One thing that can be done to a device.
#[derive(Clone, Debug)]
enum Step {
    Restart(InterruptMode),
    Read(usize, Width),
    Write(usize, Width, u64),
    Dma {
        at: u64,
        bytes: u64,
        command: DmaCommand,
    },
}

fn width() -> impl Strategy<Value = Width> {
    prop_oneof![
        1 => Just(Width::Byte),
        1 => Just(Width::Word),
        6 => Just(Width::Dword),
        2 => Just(Width::Qword),
    ]
}

/// A half of a value: small, so that a factorial that it starts is soon done, and of few bits, so
/// that causes meet.
fn half() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        0_u64..16,
        Just(0x80),
        Just(0x100),
        Just(0x181),
        0_u64..0x1000
    ]
}

fn value() -> impl Strategy<Value = u64> {
    (half(), half()).prop_map(|(high, low)| high << 32 | low)
}

/// Offsets below the DMA command register, which only starts what every QEMU survives.
fn writable() -> impl Strategy<Value = usize> {
    prop_oneof![
        prop::sample::select(vec![
            offset::LIVENESS,
            offset::FACTORIAL,
            offset::STATUS,
            offset::INTERRUPT_RAISE,
            offset::INTERRUPT_ACKNOWLEDGE,
            offset::DMA_SOURCE,
        ]),
        0..offset::DMA_COMMAND - 8,
    ]
}

fn readable() -> impl Strategy<Value = usize> {
    prop_oneof![0_usize..0xB0, BAR0_BYTES - 16..BAR0_BYTES - 8]
}

fn interrupt() -> impl Strategy<Value = InterruptMode> {
    prop_oneof![
        Just(InterruptMode::None),
        Just(InterruptMode::Line),
        Just(InterruptMode::Messages(1)),
    ]
}

fn dma() -> impl Strategy<Value = Step> {
    let usable = dma::USABLE_BYTES as u64;
    (0..usable, 1..=usable, 0_u32..8).prop_map(move |(at, bytes, command)| Step::Dma {
        at,
        bytes: bytes.min(usable - at),
        command: DmaCommand::from_bits_retain(command),
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => interrupt().prop_map(Step::Restart),
        40 => (readable(), width()).prop_map(|(offset, width)| Step::Read(offset, width)),
        80 => (writable(), width(), value())
            .prop_map(|(offset, width, value)| Step::Write(offset, width, value)),
        1 => dma(),
    ]
}

/// Where DMA reads memory, and where it writes it.
const PATTERN: u64 = 0x10_0000;
const TARGET: u64 = 0x11_0000;

fn take(rig: &mut Rig, step: &Step) -> u64 {
    match *step {
        Step::Restart(interrupt) => {
            rig.stop();
            rig.start(interrupt);
        }
        Step::Read(offset, width) => return rig.read(offset, width),
        Step::Write(offset, width, value) => rig.write(offset, width, value),
        Step::Dma { at, bytes, command } => {
            let device = dma::BUFFER_ADDRESS + at;
            let (source, destination) = if command.contains(DmaCommand::TO_MEMORY) {
                (device, TARGET + at)
            } else {
                (PATTERN + at, device)
            };
            rig.start_dma(source, destination, bytes, command);
        }
    }
    0
}

fn target(rig: &Rig) -> Vec<u8> {
    let mut bytes = vec![0; dma::BUFFER_BYTES];
    rig.machine
        .memory
        .read(TARGET, &mut bytes)
        .expect("it can be read");
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        // Every case starts a QEMU, and may wait for what never comes.
        max_shrink_iters: 16,
        ..ProptestConfig::default()
    })]

    #[test]
    #[ignore = "needs QEMU: scripts/test.sh runs it"]
    fn whatever_is_done_to_both_both_do_the_same(
        interrupt in interrupt(),
        pattern in prop::collection::vec(any::<u8>(), dma::BUFFER_BYTES),
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let mut model = Rig::model();
        let mut qemu = Rig::qemu();
        for rig in [&mut model, &mut qemu] {
            rig.machine.memory.write(PATTERN, &pattern).expect("it can be written");
            rig.start(interrupt);
        }
        for (number, step) in steps.iter().enumerate() {
            let values = (take(&mut model, step), take(&mut qemu, step));
            prop_assert_eq!(values.0, values.1, "step {}: {:?}", number, step);
            settle(&mut model, &mut qemu);
            prop_assert_eq!(
                &model.machine.signals, &qemu.machine.signals, "step {}: {:?}", number, step
            );
        }
        for offset in (0..0xA0).step_by(4) {
            prop_assert_eq!(model.get(offset), qemu.get(offset), "at {:#x}", offset);
        }
        prop_assert_eq!(target(&model), target(&qemu));
    }
}

// What a driver does

/// Starts a device, uses every engine, and stops it.
fn session(rig: &mut Rig, interrupt: InterruptMode) {
    rig.start(interrupt);
    rig.get(offset::IDENTIFICATION);
    rig.set(offset::INTERRUPT_ACKNOWLEDGE, Causes::all().bits());
    rig.set(offset::LIVENESS, 0x1234_5678);
    rig.get(offset::LIVENESS);
    rig.set(offset::STATUS, Status::INTERRUPT_WHEN_DONE.bits());
    for operand in 0..40 {
        rig.set(offset::FACTORIAL, operand);
        service(rig, interrupt);
        rig.get(offset::FACTORIAL);
    }
    rig.set(offset::INTERRUPT_RAISE, 0x8000_0002);
    service(rig, interrupt);
    let whole = dma::USABLE_BYTES as u64;
    let done = DmaCommand::INTERRUPT_WHEN_DONE;
    rig.start_dma(PATTERN, dma::BUFFER_ADDRESS, whole, done);
    service(rig, interrupt);
    let out = done | DmaCommand::TO_MEMORY;
    rig.start_dma(dma::BUFFER_ADDRESS, TARGET, whole, out);
    service(rig, interrupt);
    rig.stop();
}

fn service(rig: &mut Rig, interrupt: InterruptMode) {
    rig.sent();
    let causes = rig.get(offset::INTERRUPT_STATUS);
    rig.write(offset::INTERRUPT_ACKNOWLEDGE, Width::Dword, causes);
    if interrupt == InterruptMode::Line {
        assert_eq!(rig.sent(), [Signal::Line(false)]);
    }
}

fn traced(rig: Rig, interrupt: InterruptMode) -> Trace {
    let (recorded, recording) = Recorded::new(rig.function);
    let mut rig = Rig {
        function: Box::new(recorded),
        ..rig
    };
    session(&mut rig, interrupt);
    recording.trace().clone()
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn the_trace_of_a_session_is_the_same_on_both() {
    for interrupt in [InterruptMode::Messages(1), InterruptMode::Line] {
        let model = traced(Rig::model(), interrupt);
        let qemu = traced(Rig::qemu(), interrupt);
        assert_eq!(compare(&model, &qemu), None);
        let text = qemu.with_names(register_name).to_string();
        assert!(text.contains("write bar0+0x8 dword 0xc # factorial\n"));
        assert!(text.contains("read bar0+0x8 dword 0x1c8cfc00 # factorial\n"));
        assert_eq!(Trace::parse(&text).expect("it is a trace"), qemu);
    }
}

/// Ends a transfer into the buffer, and one out of it, while the device is stopped. Gives what it
/// sent when it was started again, its causes, what came out, and what is in the buffer then.
fn transfers_while_stopped(
    rig: &mut Rig,
    interrupt: InterruptMode,
) -> (Vec<Signal>, u64, Vec<u8>, Vec<u8>) {
    let bytes = dma::USABLE_BYTES as u64;
    let done = DmaCommand::INTERRUPT_WHEN_DONE;
    rig.machine
        .memory
        .write(PATTERN, &[0x5A; dma::BUFFER_BYTES])
        .expect("it can be written");
    rig.start(interrupt);
    for stops in [false, true] {
        rig.start_dma(PATTERN, dma::BUFFER_ADDRESS, bytes, done);
        finish(rig, interrupt, stops);
        let out = done | DmaCommand::TO_MEMORY;
        rig.start_dma(dma::BUFFER_ADDRESS, TARGET, bytes, out);
        finish(rig, interrupt, stops);
    }
    let (signals, causes) = (
        std::mem::take(&mut rig.machine.signals),
        rig.get(offset::INTERRUPT_STATUS),
    );
    let out = target(rig);
    rig.start_dma(dma::BUFFER_ADDRESS, TARGET, bytes, DmaCommand::TO_MEMORY);
    finish(rig, interrupt, false);
    (signals, causes, out, target(rig))
}

/// Lets a transfer end, the device stopped meanwhile or not.
fn finish(rig: &mut Rig, interrupt: InterruptMode, stopped: bool) {
    if stopped {
        rig.stop();
    }
    let begin = Instant::now();
    match rig.function.clock() {
        Clock::Virtual => rig.pass(),
        // Several times what a transfer takes; and who sleeps then has no timer that is due.
        Clock::Real => {
            while begin.elapsed() < Duration::from_millis(500) {
                rig.pass();
            }
            idle(rig.process.expect("QEMU is a process"));
        }
    }
    if stopped {
        rig.start(interrupt);
    }
    assert_eq!(rig.get(offset::DMA_COMMAND) & 1, 0, "the transfer ended");
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn transfers_that_end_while_the_device_is_stopped_do_the_same_on_both() {
    for interrupt in [InterruptMode::Messages(1), InterruptMode::Line] {
        let model = transfers_while_stopped(&mut Rig::model(), interrupt);
        let qemu = transfers_while_stopped(&mut Rig::qemu(), interrupt);
        assert_eq!(model, qemu, "{interrupt:?}");
        // Out: what was in memory before. In: zeros.
        assert_eq!(qemu.2[0], 0x5A);
        assert_eq!(qemu.3[0], 0);
    }
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn an_address_above_the_mask_of_the_property_is_cut_the_same_way_on_both() {
    /// With this bit off, what is meant for the target hits the pattern.
    const MASK: u64 = !(TARGET ^ PATTERN);
    for mask in [MASK & 0xFFF_FFFF, MASK & u64::from(u32::MAX), u64::MAX] {
        let config = Config {
            dma_mask: mask,
            ..Config::default()
        };
        let [model, qemu] = [
            Rig::model_of(config),
            Rig::qemu_of(&format!("edu,dma_mask={mask:#x}")),
        ]
        .map(|mut rig| {
            let bytes = dma::USABLE_BYTES as u64;
            let done = DmaCommand::INTERRUPT_WHEN_DONE;
            let memory = std::rc::Rc::clone(&rig.machine.memory);
            let write = |at, byte| memory.write(at, &[byte; dma::BUFFER_BYTES]);
            write(PATTERN, 0x5A).expect("it can be written");
            rig.start(InterruptMode::Line);
            rig.start_dma(PATTERN, dma::BUFFER_ADDRESS, bytes, done);
            finish(&mut rig, InterruptMode::Line, false);
            write(PATTERN, 0).expect("it can be written");
            let out = done | DmaCommand::TO_MEMORY;
            rig.start_dma(dma::BUFFER_ADDRESS, TARGET, bytes, out);
            finish(&mut rig, InterruptMode::Line, false);
            let mut hit = [0];
            memory.read(PATTERN, &mut hit).expect("it can be read");
            (target(&rig)[0], hit[0])
        });
        assert_eq!(model, qemu, "{mask:#x}");
        let cut = if mask & TARGET == TARGET {
            (0x5A, 0)
        } else {
            (0, 0x5A)
        };
        assert_eq!(qemu, cut, "{mask:#x}");
    }
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn both_have_the_same_identity() {
    assert_eq!(
        Rig::model().function.identity(),
        Rig::qemu().function.identity()
    );
}
