//! The catalog: a list of the package's files by their hashes, which the signature is over.
//!
//! Written is what inf2cat writes for Windows 10: each member by its SHA-256 hash, with its name, the
//! version of Windows it is for, and the hash once more as Authenticode has it; and for all of them the
//! systems and the hardware ids that the INF names. Without the SHA-1 members that inf2cat adds for
//! older systems.

use std::time::Duration;

use der::{
    Any, Encode, Sequence, Tag, TagNumber,
    asn1::{BmpString, ObjectIdentifier, OctetString, SetOfVec, UtcTime},
};
use spki::AlgorithmIdentifierOwned;
use x509_cert::attr::Attribute;

use crate::{
    Error, Identity,
    signed::attribute,
    spc::{INDIRECT_DATA, IndirectData, Kind, algorithm, sha256},
};

const CERTIFICATE_TRUST_LIST: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.10.1");
const CATALOG_LIST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.12.1.1");
const CATALOG_LIST_MEMBER_2: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.12.1.3");
const NAME_VALUE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.12.2.1");
const MEMBER_INFO_2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.12.2.3");
/// An authenticated attribute, its value plain text that must not be changed.
const TEXT: u32 = 0x1001_0001;
/// Windows 10 and later, on a client or a server.
const ANY_WINDOWS_10: &str = "2:10.0";

/// A file of the package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Whether its hash is that of an image, or of all its bytes.
    pub is_image: bool,
    /// The hash.
    pub digest: [u8; 32],
}

impl Member {
    /// An image; a signature in it does not count.
    ///
    /// # Errors
    /// It is no image.
    pub fn image(name: &str, bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self {
            name: name.to_owned(),
            is_image: true,
            digest: crate::image::digest(bytes)?,
        })
    }

    /// Any other file.
    #[must_use]
    pub fn flat(name: &str, bytes: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            is_image: false,
            digest: sha256(&[bytes]),
        }
    }

    fn subject(&self) -> Result<Subject, Error> {
        let kind = if self.is_image {
            Kind::ImageMember
        } else {
            Kind::FlatMember
        };
        let tag = Tag::ContextSpecific {
            constructed: false,
            number: TagNumber::new(2),
        };
        Ok(Subject {
            identifier: OctetString::new(self.digest.as_slice())?,
            attributes: SetOfVec::try_from(vec![
                Attribute {
                    oid: MEMBER_INFO_2,
                    values: SetOfVec::try_from(vec![Any::new(tag, [])?])?,
                },
                attribute(NAME_VALUE, &NameValue::new("OSAttr", ANY_WINDOWS_10)?)?,
                attribute(NAME_VALUE, &NameValue::new("File", &self.name)?)?,
                attribute(INDIRECT_DATA, &IndirectData::new(kind, &self.digest)?)?,
            ])?,
        })
    }
}

#[derive(Clone, Debug, Sequence)]
struct Subject {
    identifier: OctetString,
    attributes: SetOfVec<Attribute>,
}

#[derive(Clone, Debug, Sequence)]
struct NameValue {
    name: BmpString,
    flags: u32,
    value: OctetString,
}

impl NameValue {
    fn new(name: &str, value: &str) -> Result<Self, Error> {
        let units = value.encode_utf16().chain([0]);
        Ok(Self {
            name: BmpString::from_utf8(name)?,
            flags: TEXT,
            value: OctetString::new(units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>())?,
        })
    }
}

#[derive(Clone, Debug, Sequence)]
struct Extension {
    oid: ObjectIdentifier,
    value: OctetString,
}

#[derive(Clone, Debug, Sequence)]
struct TrustList {
    usage: Vec<ObjectIdentifier>,
    identifier: OctetString,
    made: UtcTime,
    algorithm: AlgorithmIdentifierOwned,
    subjects: Vec<Subject>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

/// A signed catalog of the members, for the systems (`_v100_X64`) and hardware ids.
///
/// # Errors
/// The time is not one of a catalog.
pub fn signed(
    members: &[Member],
    systems: &[String],
    hardware_ids: &[String],
    made: Duration,
    identity: &Identity,
) -> Result<Vec<u8>, Error> {
    let mut members = members.to_vec();
    members.sort_by_key(|member| member.digest);
    let mut extensions = Vec::new();
    for system in systems {
        extensions.push(extension("OS", system)?);
    }
    for (number, id) in (1..).zip(hardware_ids) {
        extensions.push(extension(&format!("HWID{number}"), &id.to_lowercase())?);
    }
    let digests: Vec<&[u8]> = members
        .iter()
        .map(|member| member.digest.as_slice())
        .collect();
    let identifier = sha256(&digests);
    let list = TrustList {
        usage: vec![CATALOG_LIST],
        // inf2cat takes a random one: the same members give the same here.
        identifier: OctetString::new(identifier.get(..16).unwrap_or_default())?,
        made: UtcTime::from_unix_duration(made)?,
        algorithm: algorithm(CATALOG_LIST_MEMBER_2)?,
        subjects: members
            .iter()
            .map(Member::subject)
            .collect::<Result<_, _>>()?,
        extensions: Some(extensions),
    };
    identity.sign(CERTIFICATE_TRUST_LIST, &list)
}

fn extension(name: &str, value: &str) -> Result<Extension, Error> {
    Ok(Extension {
        oid: NAME_VALUE,
        value: OctetString::new(NameValue::new(name, value)?.to_der()?)?,
    })
}
