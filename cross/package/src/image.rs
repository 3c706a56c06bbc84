//! A PE image: its hash as Authenticode takes it, and its signature.

use crate::{
    Error, Identity,
    spc::{self, IndirectData, Kind, sha256},
};

/// `WIN_CERT_REVISION_2_0` and `WIN_CERT_TYPE_PKCS_SIGNED_DATA`.
const CERTIFICATE_KIND: [u8; 4] = [0, 2, 2, 0];
/// Certificates begin at multiples of this.
const ALIGNMENT: usize = 8;
/// The PE32+ optional header's magic number.
const PE32_PLUS: u16 = 0x20b;
/// Offsets in the headers.
const CHECKSUM: usize = 24 + 64;
const SECURITY_DIRECTORY: usize = 24 + 112 + 4 * 8;

/// Where in the file the fields are that its signature changes.
struct Places {
    checksum: usize,
    directory: usize,
    /// Where the signature begins, or the end of the file.
    certificates: usize,
}

impl Places {
    fn of(image: &[u8]) -> Result<Self, Error> {
        let header = number(image, 0x3c)? as usize;
        let magic = image.get(header + 24..header + 26);
        if image.get(header..header + 4) != Some(b"PE\0\0")
            || magic != Some(PE32_PLUS.to_le_bytes().as_slice())
        {
            return Err(Error::Image("it is not a 64-bit PE image"));
        }
        let directory = header + SECURITY_DIRECTORY;
        let (at, size) = (
            number(image, directory)? as usize,
            number(image, directory + 4)? as usize,
        );
        if at != 0 && at.checked_add(size) != Some(image.len()) {
            return Err(Error::Image("its signature is not at the end"));
        }
        let certificates = if at == 0 { image.len() } else { at };
        if certificates < directory + 8 {
            return Err(Error::Image("its signature is within its headers"));
        }
        Ok(Self {
            checksum: header + CHECKSUM,
            directory,
            certificates,
        })
    }
}

fn number(image: &[u8], at: usize) -> Result<u32, Error> {
    let bytes = image.get(at..).and_then(<[u8]>::first_chunk);
    let bytes = bytes.ok_or(Error::Image("it ends within its headers"))?;
    Ok(u32::from_le_bytes(*bytes))
}

/// The image's hash: of everything but checksum, signature, and where that is. What a signature adds to
/// an unsigned image does not change it.
///
/// # Errors
/// It is no image.
pub fn digest(image: &[u8]) -> Result<[u8; 32], Error> {
    let places = Places::of(image)?;
    let slice = |from, to| image.get(from..to).unwrap_or_default();
    let padding = places.certificates.next_multiple_of(ALIGNMENT) - places.certificates;
    Ok(sha256(&[
        slice(0, places.checksum),
        slice(places.checksum + 4, places.directory),
        slice(places.directory + 8, places.certificates),
        [0; ALIGNMENT].get(..padding).unwrap_or_default(),
    ]))
}

/// The image with a signature.
///
/// # Errors
/// It is no image, or has one.
pub fn sign(image: &[u8], identity: &Identity) -> Result<Vec<u8>, Error> {
    let places = Places::of(image)?;
    if places.certificates != image.len() {
        return Err(Error::Image("it is signed already"));
    }
    let content = IndirectData::new(Kind::Image, &digest(image)?)?;
    let mut certificate = identity.sign(spc::INDIRECT_DATA, &content)?;
    certificate.resize((certificate.len() + 8).next_multiple_of(ALIGNMENT) - 8, 0);
    let too_large = |_| Error::Image("it is too large");
    let size = u32::try_from(certificate.len() + 8).map_err(too_large)?;
    let mut signed = image.to_vec();
    signed.resize(image.len().next_multiple_of(ALIGNMENT), 0);
    let at = u32::try_from(signed.len()).map_err(too_large)?;
    signed.extend(size.to_le_bytes());
    signed.extend(CERTIFICATE_KIND);
    signed.extend(certificate);
    put(&mut signed, places.directory, at);
    put(&mut signed, places.directory + 4, size);
    let sum = checksum(&signed, places.checksum);
    put(&mut signed, places.checksum, sum);
    Ok(signed)
}

fn put(image: &mut [u8], at: usize, number: u32) {
    if let Some(bytes) = image.get_mut(at..at + 4) {
        bytes.copy_from_slice(&number.to_le_bytes());
    }
}

/// The checksum that the loader checks of a driver: 16-bit words added with carry, then the length.
fn checksum(image: &[u8], field: usize) -> u32 {
    let words = image.chunks(2).enumerate().filter(|(at, _)| {
        let at = at * 2;
        at + 2 <= field || at >= field + 4
    });
    let sum = words.fold(0_u32, |sum, (_, word)| {
        let word = u16::from_le_bytes([word[0], word.get(1).copied().unwrap_or(0)]);
        let sum = sum + u32::from(word);
        (sum & 0xffff) + (sum >> 16)
    });
    let length = u32::try_from(image.len()).unwrap_or(u32::MAX);
    sum.wrapping_add(length)
}
