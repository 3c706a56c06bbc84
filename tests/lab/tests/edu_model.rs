//! The model behind the host's interface for devices.
#![cfg(unix)]

use edu_lab::EduModel;
use edu_model::{Config, Faults, Messages};
use edu_spec::registers::{Causes, DmaCommand, Status, dma, offset};
use kmdf_host::{
    device::{Assignment, Bus, DeviceError, InterruptMode, Misuse, PciFunction, Signal, Width},
    time::VirtualTime,
};

#[derive(Default)]
struct Record {
    signals: Vec<Signal>,
    misuses: Vec<Misuse>,
}

impl Bus for Record {
    fn signal(&mut self, signal: Signal) {
        self.signals.push(signal);
    }

    fn read_memory(&mut self, _address: u64, bytes: &mut [u8]) {
        bytes.fill(0xFF);
    }

    fn write_memory(&mut self, _address: u64, _bytes: &[u8]) {}

    fn misuse(&mut self, misuse: Misuse) {
        self.misuses.push(misuse);
    }
}

fn started(config: Config, interrupt: InterruptMode) -> (EduModel, Record) {
    let mut bus = Record::default();
    let mut edu = EduModel::new(config);
    let assignment = Assignment {
        bars: vec![0xFE00_0000],
        interrupt,
    };
    edu.start(&mut bus, &assignment).expect("a model starts");
    (edu, bus)
}

fn read(edu: &mut EduModel, bus: &mut Record, offset: usize) -> u64 {
    edu.read(bus, 0, offset as u64, Width::Dword)
        .expect("the model is alive")
}

fn write(edu: &mut EduModel, bus: &mut Record, offset: usize, value: u32) {
    edu.write(bus, 0, offset as u64, Width::Dword, value.into())
        .expect("the model is alive");
}

fn run(edu: &mut EduModel, bus: &mut Record) -> Result<(), DeviceError> {
    while let Some(next) = edu.next_event() {
        edu.advance(bus, next)?;
    }
    Ok(())
}

#[test]
fn enumeration_finds_the_edu_device() {
    let identity = EduModel::new(Config::default()).identity();
    assert_eq!((identity.vendor, identity.device), (0x1234, 0x11E8));
    assert_eq!((identity.revision, identity.class), (0x10, 0x00_FF00));
    assert_eq!((identity.messages, identity.interrupt_pin), (1, true));
    assert_eq!(identity.bars.len(), 1);
    assert_eq!(identity.bars[0].bytes, 1 << 20);
}

#[test]
fn a_factorial_ends_with_message_0() {
    let (mut edu, mut bus) = started(Config::default(), InterruptMode::Messages(1));
    write(
        &mut edu,
        &mut bus,
        offset::STATUS,
        Status::INTERRUPT_WHEN_DONE.bits(),
    );
    write(&mut edu, &mut bus, offset::FACTORIAL, 12);
    assert_eq!(read(&mut edu, &mut bus, offset::STATUS), 0x81);
    run(&mut edu, &mut bus).expect("a factorial kills nobody");
    assert_eq!(bus.signals, [Signal::Message(0)]);
    assert_eq!(read(&mut edu, &mut bus, offset::FACTORIAL), 479_001_600);
    assert_eq!(bus.misuses, []);
}

#[test]
fn of_two_messages_dma_sends_the_second() {
    let config = Config {
        messages: Messages::Two,
        ..Config::default()
    };
    let (mut edu, mut bus) = started(config, InterruptMode::Messages(2));
    let address = u32::try_from(dma::BUFFER_ADDRESS).expect("the buffer is low");
    write(&mut edu, &mut bus, offset::DMA_DESTINATION, address);
    write(&mut edu, &mut bus, offset::DMA_COUNT, 16);
    let command = DmaCommand::RUN | DmaCommand::INTERRUPT_WHEN_DONE;
    write(&mut edu, &mut bus, offset::DMA_COMMAND, command.bits());
    assert_eq!(edu.next_event(), Some(VirtualTime::from_nanos(100_000_000)));
    run(&mut edu, &mut bus).expect("the transfer is inside the buffer");
    write(&mut edu, &mut bus, offset::INTERRUPT_RAISE, 2);
    assert_eq!(bus.signals, [Signal::Message(1), Signal::Message(0)]);
    let causes = u64::from((Causes::DMA | Causes::from_bits_retain(2)).bits());
    assert_eq!(read(&mut edu, &mut bus, offset::INTERRUPT_STATUS), causes);
}

#[test]
fn a_transfer_that_qemu_does_not_survive_is_the_death_of_the_device() {
    let (mut edu, mut bus) = started(Config::default(), InterruptMode::Line);
    write(
        &mut edu,
        &mut bus,
        offset::DMA_COMMAND,
        DmaCommand::RUN.bits(),
    );
    assert_eq!(bus.misuses[0].rule.name, "DmaOutOfBounds");
    let error = run(&mut edu, &mut bus).expect_err("0 bytes at address 0 are out of bounds");
    assert!(matches!(error, DeviceError::Died { .. }), "{error}");
    assert!(
        error.to_string().contains("abort the virtual machine"),
        "{error}"
    );
    edu.read(&mut bus, 0, 0, Width::Dword)
        .expect_err("it stays dead");
}

#[test]
fn a_device_that_was_removed_before_its_start_reads_all_ones() {
    let config = Config {
        faults: Faults {
            removed_at_ns: Some(0),
            ..Faults::default()
        },
        ..Config::default()
    };
    let (mut edu, mut bus) = started(config, InterruptMode::Messages(1));
    edu.advance(&mut bus, VirtualTime::START)
        .expect("a removed device does not die");
    assert_eq!(
        read(&mut edu, &mut bus, offset::IDENTIFICATION),
        0xFFFF_FFFF
    );
    assert_eq!(edu.next_event(), None);
}

#[test]
fn a_bar_that_it_does_not_have_reads_all_ones() {
    let (mut edu, mut bus) = started(Config::default(), InterruptMode::None);
    let value = edu.read(&mut bus, 1, 0, Width::Word).expect("it is alive");
    assert_eq!(value, 0xFFFF);
}
