//! Authenticode's own structures ("SPC"), which a signed image and a catalog's member share.

use der::{
    Any, Sequence, Tag,
    asn1::{Null, ObjectIdentifier, OctetString},
};
use sha2::{Digest, Sha256};
use spki::AlgorithmIdentifierOwned;

use crate::Error;

/// `SPC_INDIRECT_DATA`: a hash of something elsewhere.
pub const INDIRECT_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.4");
/// `SPC_PE_IMAGE_DATA`: that something is an image.
const PE_IMAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.15");
/// `SPC_CAB_DATA`, by which catalogs mean any other file.
const FLAT_FILE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.25");
/// SHA-256.
pub const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// A link to no file: `[2] { [0] "" }`.
const NO_FILE: [u8; 4] = [0xa2, 2, 0x80, 0];

/// What is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An image, in its own signature.
    Image,
    /// An image, in a catalog.
    ImageMember,
    /// Any file, in a catalog.
    FlatMember,
}

/// `SpcIndirectDataContent`
#[derive(Clone, Debug, Sequence)]
pub struct IndirectData {
    data: TypedValue,
    digest: DigestInfo,
}

#[derive(Clone, Debug, Sequence)]
struct TypedValue {
    kind: ObjectIdentifier,
    value: Any,
}

#[derive(Clone, Debug, Sequence)]
struct DigestInfo {
    algorithm: AlgorithmIdentifierOwned,
    digest: OctetString,
}

impl IndirectData {
    /// That a file has that hash.
    ///
    /// # Errors
    /// Never, of a hash of SHA-256.
    pub fn new(kind: Kind, digest: &[u8; 32]) -> Result<Self, Error> {
        // The flags are a BIT STRING: none in a signature, and in a catalog those that inf2cat sets.
        let image = |flags: &[u8]| {
            let link = [&[0xa0, 4][..], &NO_FILE].concat();
            Any::new(Tag::Sequence, [flags, &link].concat())
        };
        let (kind, value) = match kind {
            Kind::Image => (PE_IMAGE, image(&[3, 1, 0])?),
            Kind::ImageMember => (PE_IMAGE, image(&[3, 2, 5, 0xa0])?),
            Kind::FlatMember => (FLAT_FILE, der::Decode::from_der(&NO_FILE)?),
        };
        Ok(Self {
            data: TypedValue { kind, value },
            digest: DigestInfo {
                algorithm: algorithm(SHA256)?,
                digest: OctetString::new(digest.as_slice())?,
            },
        })
    }
}

/// An algorithm without parameters.
pub fn algorithm(oid: ObjectIdentifier) -> Result<AlgorithmIdentifierOwned, Error> {
    Ok(AlgorithmIdentifierOwned {
        oid,
        parameters: Some(Any::encode_from(&Null)?),
    })
}

/// The hash of a file.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}
