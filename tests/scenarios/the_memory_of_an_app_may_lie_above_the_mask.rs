//! The device reaches 28 address bits. An app's memory may lie anywhere.

use edu_spec::registers::{dma::ADDRESS_BITS, offset};
use edu_tests::{Bench, bench::EVERYWHERE};
use kmdf_host::{AppMemory, device::trace::Event};

#[test]
fn what_an_app_writes_from_above_the_mask_is_read_back_and_the_device_is_given_other_memory() {
    for place in [AppMemory::Low, AppMemory::High] {
        for (kind, interrupts) in EVERYWHERE {
            let run = format!("{place:?}, {kind:?}, {interrupts:?}");
            let lab = Bench::of(kind).interrupts(interrupts).seed(3).boot();
            lab.session().host().place_app_memory(place);
            let file = lab.open();
            let data: Vec<u8> = (0..=255).cycle().take(4095).collect();
            assert_eq!(lab.write(&file, 0, &data), Ok(4095), "{run}");
            assert_eq!(lab.read(&file, 0, 4095).as_ref(), Ok(&data), "{run}");
            let trace = &lab.shut_down().traces[0];
            let addresses: Vec<u64> = trace
                .events
                .iter()
                .filter_map(|event| match event {
                    Event::Write(access)
                        if [offset::DMA_SOURCE, offset::DMA_DESTINATION]
                            .contains(&usize::try_from(access.offset).expect("a BAR is small")) =>
                    {
                        Some(access.value)
                    }
                    _ => None,
                })
                .collect();
            assert_eq!(addresses.len(), 4, "{run}");
            for address in addresses {
                assert!(address + 4095 <= 1 << ADDRESS_BITS, "{run}: {address:#x}");
            }
        }
    }
}
