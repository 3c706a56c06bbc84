//! The checksum of a PE image, which Windows compares for every driver it loads at boot.

/// The file offset of the headers' checksum field; `None` if the headers are cut short.
pub(super) fn field_offset(data: &[u8]) -> Option<usize> {
    // e_lfanew, then the signature (4), the file header (20) and 64 bytes of optional header.
    let headers = data
        .get(0x3c..0x40)?
        .try_into()
        .ok()
        .map(u32::from_le_bytes)?;
    let field = usize::try_from(headers).ok()?.checked_add(4 + 20 + 64)?;
    (field.checked_add(4)? <= data.len()).then_some(field)
}

/// What the checksum must be: the one's complement sum of the file's 16-bit words without the
/// field itself, plus the file's length.
pub(super) fn of(data: &[u8]) -> Option<u32> {
    let field = field_offset(data)?;
    let words = data
        .chunks(2)
        .enumerate()
        .filter(|(at, _)| !(field..field + 4).contains(&(at * 2)));
    let sum = words.fold(0_u32, |sum, (_, word)| {
        let sum = sum + u32::from(word[0]) + (u32::from(word.get(1).copied().unwrap_or(0)) << 8);
        (sum & 0xffff) + (sum >> 16)
    });
    u32::try_from(data.len())
        .ok()
        .map(|length| sum.wrapping_add(length))
}
