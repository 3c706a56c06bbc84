//! Memory below 256 MiB is not free: with the device's usual 28 address bits the start fails and says why;
//! with more, on both sides, it works. More on the driver's side alone hits somebody else's memory.

use std::ops::RangeInclusive;

use edu_spec::registers::{dma::ADDRESS_BITS, offset};
use edu_tests::{
    Bench, Lab,
    bench::{EVERYWHERE, Kind},
    program::Run,
};
use kmdf_host::{
    BootError, Operation, Stop, device::trace, ntstatus::STATUS_INSUFFICIENT_RESOURCES,
};

/// Where the memory begins that the usual mask does not reach.
const ABOVE: u64 = 1 << ADDRESS_BITS;

/// Writes and reads all of the device's buffer, and gives the device's addresses of the memory for it.
fn transfers(lab: Lab, run: &str) -> Vec<u64> {
    let file = lab.open();
    let data: Vec<u8> = (0..=250).cycle().take(4095).collect();
    assert_eq!(lab.write(&file, 0, &data), Ok(4095), "{run}");
    // Something else in the driver's buffer before the device writes there.
    assert_eq!(lab.write(&file, 4094, b"x"), Ok(1), "{run}");
    let read = lab.read(&file, 0, 4094);
    assert_eq!(read.as_deref(), Ok(&data[..4094]), "{run}");
    let trace = &lab.shut_down().traces[0];
    let written = |at: usize| {
        let writes = trace.events.iter().filter_map(move |event| match event {
            trace::Event::Write(access) if access.offset == at as u64 => Some(access.value),
            _ => None,
        });
        writes.collect::<Vec<_>>()
    };
    // Two transfers to the device, and one from it.
    let (sources, destinations) = (
        written(offset::DMA_SOURCE),
        written(offset::DMA_DESTINATION),
    );
    [&sources[..2], &destinations[2..]].concat()
}

fn lie_in(addresses: &[u64], memory: &RangeInclusive<u64>, run: &str) {
    assert_eq!(addresses.len(), 3, "{run}");
    for address in addresses {
        let all = memory.contains(address) && memory.contains(&(address + 4094));
        assert!(all, "{run}: {address:#x}");
    }
}

#[test]
fn with_28_bits_the_device_is_not_added_and_the_reason_is_traced() {
    for (kind, interrupts) in EVERYWHERE {
        let bench = || {
            Bench::of(kind)
                .interrupts(interrupts)
                .free_memory_from(ABOVE)
        };
        assert_eq!(bench().add_is_refused(), STATUS_INSUFFICIENT_RESOURCES);
        let Err(BootError::Refused { step, status, .. }) = bench().try_boot() else {
            panic!("{kind:?}, {interrupts:?}: it comes up");
        };
        assert_eq!(step, "EvtDriverDeviceAdd");
        assert_eq!(status, STATUS_INSUFFICIENT_RESOURCES);
    }
    Run::on("model")
        .arguments(["--free-memory-from", "0x10000000", "--events"])
        .end()
        .exits(5)
        .complains("traces NoReachableMemory AddressBits=28 Status=3221225626")
        .complains("EvtDriverDeviceAdd failed with STATUS_INSUFFICIENT_RESOURCES");
}

#[test]
fn with_more_bits_on_both_sides_it_works_above() {
    for kind in [Kind::Model, Kind::Qemu] {
        for bits in [29, 32, 33, 40, 63] {
            let run = format!("{kind:?}, {bits} bits");
            let mask = (1 << bits) - 1;
            let lab = Bench::with_dma_mask(kind, mask)
                .registry("DmaAddressBits", bits)
                .free_memory_from(ABOVE)
                .seed(u64::from(bits))
                .boot();
            lie_in(&transfers(lab, &run), &(ABOVE..=mask), &run);
        }
    }
    // As a person does it.
    for device in ["model,dma_mask=0xffffffff", "qemu:edu,dma_mask=0xffffffff"] {
        Run::on(device)
            .arguments(["--free-memory-from", "0x10000000"])
            .arguments(["--registry", "DmaAddressBits=32"])
            .shell("\"$0\" write 5 --hex 68656c6c6f && \"$0\" read 4 7")
            .end()
            .exits(0)
            .says("00000004: 0068 656c 6c6f 00                        .hello.\n");
    }
}

#[test]
fn fewer_bits_than_the_usual_are_kept_to() {
    let mask = (1 << 24) - 1;
    for kind in [Kind::Model, Kind::Qemu] {
        let lab = Bench::with_dma_mask(kind, mask).registry("DmaAddressBits", 24);
        lie_in(&transfers(lab.boot(), "24 bits"), &(0..=mask), "24 bits");
    }
}

#[test]
fn a_width_that_no_enabler_takes_is_ignored() {
    for bits in [0, 1, 23, 64, u32::MAX] {
        let run = format!("{bits} bits");
        let lab = Bench::of(Kind::Model).registry("DmaAddressBits", bits);
        lie_in(&transfers(lab.boot(), &run), &(0..=ABOVE - 1), &run);
    }
}

#[test]
fn more_bits_than_the_device_has_are_reported_on_the_model() {
    let lab = Bench::of(Kind::Model)
        .registry("DmaAddressBits", 32)
        .free_memory_from(ABOVE)
        .boot();
    let file = lab.open();
    let irp = lab.submit(
        &file,
        Operation::Write {
            offset: 0,
            data: b"abc".to_vec(),
        },
    );
    match lab.session().host().run_until(|_| irp.is_finished()) {
        Err(Stop::BugCheck(report)) => assert_eq!(report.rule, "DmaOutOfMask"),
        other => panic!("it is not reported: {other:?}"),
    }
}

/// What docs/driver.md says of it: every transfer succeeds, and none is one.
#[test]
fn more_bits_than_the_device_has_lose_data_on_qemu_without_a_word() {
    let lab = Bench::of(Kind::Qemu)
        .registry("DmaAddressBits", 32)
        .free_memory_from(ABOVE)
        .boot();
    let file = lab.open();
    assert_eq!(lab.write(&file, 0, b"abc"), Ok(3));
    assert_eq!(lab.write(&file, 100, b"xyz"), Ok(3));
    // What is left in the driver's buffer.
    assert_eq!(lab.read(&file, 0, 3).as_deref(), Ok(&b"xyz"[..]));
    lab.shut_down();
}
