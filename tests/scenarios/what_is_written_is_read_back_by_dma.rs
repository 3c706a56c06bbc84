//! ReadFile and WriteFile: one transfer each, within what every QEMU survives.

use edu_model::{Config, Messages};
use edu_spec::registers::{dma, offset};
use edu_tests::{Bench, bench::EVERYWHERE, for_each_seed, lab::Ended};
use kmdf_host::{
    Interrupts, Operation,
    device::trace::Event,
    ntstatus::{STATUS_CANCELLED, STATUS_INVALID_BUFFER_SIZE, STATUS_INVALID_PARAMETER},
};

/// Bytes that tell where they are.
fn pattern(length: usize, seed: u64) -> Vec<u8> {
    (0..length as u64)
        .map(|at| (at.wrapping_mul(31) ^ seed.wrapping_mul(97) ^ (at >> 8)).to_le_bytes()[0])
        .collect()
}

/// Looks in the trace that no transfer leaves the device's buffer or the memory below its mask, and
/// that none is programmed while one runs. Gives how many there were.
fn transfers_in_bounds(ended: &Ended) -> usize {
    let (mut source, mut destination, mut count) = (0, 0, 0);
    let mut transfers = 0;
    let mut running = false;
    for event in &ended.traces[0].events {
        match event {
            Event::Write(access) => {
                let value = access.value;
                match usize::try_from(access.offset).expect("it is below 1 MiB") {
                    offset::DMA_SOURCE => source = value,
                    offset::DMA_DESTINATION => destination = value,
                    offset::DMA_COUNT => count = value,
                    offset::DMA_COMMAND => {
                        let (device, memory) = if value & 2 == 0 {
                            (destination, source)
                        } else {
                            (source, destination)
                        };
                        assert!(value & 1 == 1 && count > 0, "{access:?}");
                        assert!(device >= dma::BUFFER_ADDRESS);
                        let usable = dma::BUFFER_ADDRESS + dma::USABLE_BYTES as u64;
                        assert!(device + count <= usable, "{device:#x} + {count:#x}");
                        assert!(memory + count <= 1 << dma::ADDRESS_BITS, "{memory:#x}");
                        running = true;
                        transfers += 1;
                        continue;
                    }
                    _ => continue,
                }
                assert!(!running, "{access:?} while a transfer runs");
            }
            Event::Read(access) if access.offset == offset::DMA_COMMAND as u64 => {
                running &= access.value & 1 == 1;
            }
            _ => {}
        }
    }
    transfers
}

#[test]
fn what_was_written_is_read_back_on_model_and_qemu_by_message_and_by_line() {
    for (kind, interrupts) in EVERYWHERE {
        let run = format!("{kind:?}, {interrupts:?}");
        let lab = Bench::of(kind).interrupts(interrupts).seed(1).boot();
        let file = lab.open();
        let data = pattern(dma::USABLE_BYTES, 1);
        assert_eq!(lab.write(&file, 0, &data), Ok(4095), "{run}");
        assert_eq!(lab.read(&file, 0, 4095).as_ref(), Ok(&data), "{run}");
        assert_eq!(
            lab.read(&file, 4000, 95).as_deref(),
            Ok(&data[4000..]),
            "{run}"
        );
        let statistics = lab.statistics(&file);
        assert_eq!(statistics.transfers_completed, 3, "{run}");
        assert_eq!(statistics.dma_causes, 3, "{run}");
        assert_eq!(statistics.interrupts_missed, 0, "{run}");
        assert_eq!(transfers_in_bounds(&lab.shut_down()), 3, "{run}");
    }
}

#[test]
fn any_offset_and_length_in_bounds_moves_exactly_those_bytes() {
    let lab = Bench::model(Config::default()).seed(7).boot();
    let file = lab.open();
    let mut mirror = pattern(dma::USABLE_BYTES, 0);
    assert_eq!(lab.write(&file, 0, &mirror), Ok(4095));
    let mut transfers = 1;
    for (at, length) in [
        (0, 1),
        (0, 4095),
        (1, 4094),
        (4094, 1),
        (4093, 2),
        (3, 5),
        (7, 64),
        (1000, 2048),
        (2047, 2048),
    ] {
        let data = pattern(length, at as u64 + 5);
        assert_eq!(lab.write(&file, at as u64, &data), Ok(length as u64));
        mirror[at..at + length].copy_from_slice(&data);
        assert_eq!(lab.read(&file, at as u64, length), Ok(data));
        assert_eq!(
            lab.read(&file, 0, 4095).as_ref(),
            Ok(&mirror),
            "{at}, {length}"
        );
        transfers += 3;
    }
    assert_eq!(transfers_in_bounds(&lab.shut_down()), transfers);
}

#[test]
fn what_is_out_of_bounds_is_refused_and_never_reaches_the_device() {
    let lab = Bench::model(Config::default()).boot();
    let file = lab.open();
    for at in [4095, 4096, 1 << 32, u64::MAX, 1 << 63] {
        assert_eq!(
            lab.read(&file, at, 1),
            Err(STATUS_INVALID_PARAMETER),
            "{at:#x}"
        );
        assert_eq!(
            lab.write(&file, at, &[1]),
            Err(STATUS_INVALID_PARAMETER),
            "{at:#x}"
        );
    }
    for (at, length) in [(0, 4096), (1, 4095), (4094, 2), (0, 100_000), (4000, 96)] {
        let run = format!("{at}, {length}");
        assert_eq!(
            lab.read(&file, at, length),
            Err(STATUS_INVALID_BUFFER_SIZE),
            "{run}"
        );
        let data = vec![1; length];
        assert_eq!(
            lab.write(&file, at, &data),
            Err(STATUS_INVALID_BUFFER_SIZE),
            "{run}"
        );
    }
    assert_eq!(transfers_in_bounds(&lab.shut_down()), 0);
}

#[test]
fn an_empty_read_or_write_succeeds_without_a_transfer() {
    let lab = Bench::model(Config::default()).boot();
    let file = lab.open();
    assert_eq!(lab.read(&file, 0, 0), Ok(Vec::new()));
    assert_eq!(lab.write(&file, 0, &[]), Ok(0));
    assert_eq!(transfers_in_bounds(&lab.shut_down()), 0);
}

#[test]
fn transfers_in_flight_at_once_run_one_after_the_other() {
    for (messages, interrupts) in [
        (Messages::One, Interrupts::AsInstalled),
        (Messages::Two, Interrupts::AsInstalled),
        (Messages::Two, Interrupts::OneMessage),
        (Messages::One, Interrupts::Line),
    ] {
        for processors in [1, 2, 4] {
            for_each_seed(6, |seed| {
                let lab = Bench::model(Config {
                    messages,
                    ..Config::default()
                })
                .interrupts(interrupts)
                .processors(processors)
                .seed(seed)
                .boot();
                let file = lab.open();
                let submit = |operation| lab.submit(&file, operation);
                let writes: Vec<_> = (0..6_u64)
                    .map(|index| {
                        submit(Operation::Write {
                            offset: index * 100,
                            data: pattern(100, index),
                        })
                    })
                    .collect();
                // The factorial engine works beside it.
                let factorial = lab.submit_factorial(&file, 12);
                lab.wait_for(&writes);
                let reads: Vec<_> = (0..6_u64)
                    .map(|index| {
                        submit(Operation::Read {
                            offset: index * 100,
                            length: 100,
                        })
                    })
                    .collect();
                lab.wait_for(&reads);
                lab.wait_for(&[factorial]);
                for (irp, index) in reads.iter().zip(0..) {
                    let outcome = irp.outcome().expect("it has ended");
                    assert_eq!(outcome.output, pattern(100, index), "{messages:?}");
                }
                assert_eq!(lab.statistics(&file).transfers_completed, 12);
                assert_eq!(transfers_in_bounds(&lab.shut_down()), 12);
            });
        }
    }
}

#[test]
fn a_transfer_canceled_at_any_moment_ends_once_and_the_next_one_is_whole() {
    let mut done = 0;
    let mut canceled = 0;
    for turns in (0..160).step_by(4) {
        for_each_seed(2, |seed| {
            let lab = Bench::model(Config::default()).seed(seed).boot();
            let file = lab.open();
            let data = pattern(500, 3);
            let irp = lab.submit(
                &file,
                Operation::Write {
                    offset: 0,
                    data: data.clone(),
                },
            );
            for _ in 0..turns {
                lab.turn();
            }
            lab.session().host().cancel(&irp);
            lab.wait_for(std::slice::from_ref(&irp));
            let outcome = irp.outcome().expect("it has ended");
            if outcome.status.is_success() {
                assert_eq!(outcome.information, 500);
                assert_eq!(lab.read(&file, 0, 500).as_ref(), Ok(&data));
                done += 1;
            } else {
                assert_eq!(outcome.status, STATUS_CANCELLED);
                canceled += 1;
            }
            let other = pattern(300, 9);
            assert_eq!(lab.write(&file, 100, &other), Ok(300));
            assert_eq!(lab.read(&file, 100, 300), Ok(other));
            transfers_in_bounds(&lab.shut_down());
        });
    }
    assert!(done > 0 && canceled > 0, "{done} done, {canceled} canceled");
}

#[test]
fn with_two_messages_the_dma_engine_has_its_own() {
    let lab = Bench::model(Config {
        messages: Messages::Two,
        ..Config::default()
    })
    .boot();
    let file = lab.open();
    assert_eq!(lab.information(&file).interrupt_count, 2);
    assert_eq!(lab.write(&file, 0, &[1, 2, 3]), Ok(3));
    assert_eq!(lab.factorial(&file, 12), Ok(479_001_600));
    let trace = &lab.shut_down().traces[0];
    let signals: Vec<String> = trace
        .events
        .iter()
        .filter(|event| matches!(event, Event::Signal(_)))
        .map(ToString::to_string)
        .collect();
    assert_eq!(signals, ["message 1", "message 0"]);
}
