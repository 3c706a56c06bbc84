//! The Rust types read and write what a driver's memory holds.

use kmdf_abi::types::{
    CM_PARTIAL_RESOURCE_DESCRIPTOR, DEVICE_OBJECT, DRIVER_OBJECT, IRP, SCATTER_GATHER_LIST,
    WDF_BIND_INFO, WDF_BIND_INFO2, WDF_INTERRUPT_CONFIG, WDF_IO_QUEUE_CONFIG, WDF_TIMER_CONFIG,
    WDF_TRI_STATE,
};
use kmdf_abi::{GuestPtr, constants, structures};
use zerocopy::{FromBytes, IntoBytes};

#[test]
fn bind_info_has_the_two_sizes_the_loader_knows() {
    assert_eq!(size_of::<WDF_BIND_INFO>(), 48);
    assert_eq!(size_of::<WDF_BIND_INFO2>(), 88);
}

#[test]
fn objects_that_only_the_kernel_allocates_have_the_kernels_size_and_alignment() {
    assert_eq!(
        (size_of::<DEVICE_OBJECT>(), align_of::<DEVICE_OBJECT>()),
        (336, 16)
    );
    assert_eq!((size_of::<IRP>(), align_of::<IRP>()), (208, 16));
    assert_eq!(std::mem::offset_of!(DRIVER_OBJECT, DriverUnload), 0x68);
}

#[test]
fn the_elements_of_a_scatter_gather_list_follow_it() {
    assert_eq!(size_of::<SCATTER_GATHER_LIST>(), 16);
}

#[test]
fn a_config_is_read_from_the_bytes_a_driver_wrote() {
    let mut bytes = [0u8; size_of::<WDF_INTERRUPT_CONFIG>()];
    bytes[0] = 104;
    bytes[8..16].copy_from_slice(&0x1234_u64.to_le_bytes());
    bytes[16] = 2;
    bytes[24..32].copy_from_slice(&0xFFFF_F800_0000_1000_u64.to_le_bytes());
    let config = WDF_INTERRUPT_CONFIG::read_from_bytes(&bytes).unwrap();
    assert_eq!(config.Size, 104);
    assert_eq!(config.SpinLock, GuestPtr(0x1234));
    assert_eq!(config.ShareVector, WDF_TRI_STATE::WdfUseDefault);
    assert_eq!(config.EvtInterruptIsr.to_string(), "0xfffff80000001000");
    assert!(config.EvtInterruptDpc.is_null());
    assert_eq!(config.as_bytes(), bytes);
}

#[test]
fn a_value_the_headers_do_not_define_keeps_its_number() {
    assert_eq!(format!("{:?}", WDF_TRI_STATE::WdfTrue), "WdfTrue");
    assert_eq!(format!("{:?}", WDF_TRI_STATE(77)), "WDF_TRI_STATE(77)");
    assert_eq!(WDF_TRI_STATE(77).name(), None);
}

#[test]
fn a_message_interrupts_raw_and_translated_forms_share_their_bytes() {
    let mut descriptor = CM_PARTIAL_RESOURCE_DESCRIPTOR {
        Flags: u16::try_from(constants::CM_RESOURCE_INTERRUPT_MESSAGE).unwrap(),
        ..Default::default()
    };
    let mut interrupt = descriptor.u.MessageInterrupt();
    let mut raw = interrupt.anon_1.Raw();
    raw.MessageCount = 2;
    raw.Vector = 0x91;
    raw.Affinity = 0b11;
    interrupt.anon_1.set_Raw(raw);
    descriptor.u.set_MessageInterrupt(interrupt);

    let translated = descriptor.u.MessageInterrupt().anon_1.Translated();
    let (level, vector, affinity) = (translated.Level, translated.Vector, translated.Affinity);
    assert_eq!((level, vector, affinity), (2 << 16, 0x91, 0b11));
    assert_eq!(descriptor.as_bytes().len(), 20);
}

#[test]
fn a_memory_range_may_sit_at_any_multiple_of_four() {
    let mut descriptor = CM_PARTIAL_RESOURCE_DESCRIPTOR::default();
    let mut memory = descriptor.u.Memory();
    memory.Start = 0xFEB0_0000;
    memory.Length = 0x10_0000;
    descriptor.u.set_Memory(memory);
    let bytes = descriptor.as_bytes();
    assert_eq!(bytes[4..12], 0xFEB0_0000_u64.to_le_bytes());
    assert_eq!(bytes[12..16], 0x10_0000_u32.to_le_bytes());
}

#[test]
fn a_parallel_queues_limit_is_reached_through_its_union() {
    let mut config = WDF_IO_QUEUE_CONFIG::default();
    let mut parallel = config.Settings.Parallel();
    parallel.NumberOfPresentedRequests = u32::MAX;
    config.Settings.set_Parallel(parallel);
    let parallel = config.Settings.Parallel();
    assert_eq!(parallel.NumberOfPresentedRequests, u32::MAX);
}

#[test]
fn members_the_headers_align_by_hand_are_where_they_belong() {
    assert_eq!(
        std::mem::offset_of!(WDF_TIMER_CONFIG, UseHighResolutionTimer),
        32
    );
    assert_eq!(size_of::<WDF_TIMER_CONFIG>(), 40);
}

#[test]
fn the_newest_size_of_a_structure_is_the_rust_types_size() {
    let newest = |name: &str| {
        let all = structures()
            .iter()
            .find(|one| one.name == name)
            .unwrap()
            .sizes;
        all.last().unwrap().1
    };
    assert_eq!(
        newest("WDF_INTERRUPT_CONFIG"),
        size_of::<WDF_INTERRUPT_CONFIG>()
    );
    assert_eq!(
        newest("WDF_IO_QUEUE_CONFIG"),
        size_of::<WDF_IO_QUEUE_CONFIG>()
    );
    assert_eq!(newest("WDF_TIMER_CONFIG"), size_of::<WDF_TIMER_CONFIG>());
}
