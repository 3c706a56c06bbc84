//! Names for the device's registers.

use edu_spec::registers::offset;

/// The name of the register at an offset of BAR 0, for traces; none where no register is.
#[must_use]
pub fn register_name(bar: u8, offset: u64) -> Option<&'static str> {
    if bar != 0 {
        return None;
    }
    Some(match usize::try_from(offset).ok()? {
        offset::IDENTIFICATION => "identification",
        offset::LIVENESS => "liveness",
        offset::FACTORIAL => "factorial",
        offset::STATUS => "status",
        offset::INTERRUPT_STATUS => "interrupt_status",
        offset::INTERRUPT_RAISE => "interrupt_raise",
        offset::INTERRUPT_ACKNOWLEDGE => "interrupt_acknowledge",
        offset::DMA_SOURCE => "dma_source",
        offset::DMA_DESTINATION => "dma_destination",
        offset::DMA_COUNT => "dma_count",
        offset::DMA_COMMAND => "dma_command",
        _ => return None,
    })
}
