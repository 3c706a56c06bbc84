//! PKCS #7 signed data as Authenticode has it.

use cms::{
    cert::{CertificateChoices, IssuerAndSerialNumber},
    content_info::{CmsVersion, ContentInfo},
    signed_data::{
        CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo,
        SignerInfos,
    },
};
use der::{
    Any, Encode, EncodeValue, Tag, Tagged,
    asn1::{ObjectIdentifier, OctetString, SetOfVec},
};
use rsa::{
    pkcs1v15::SigningKey,
    signature::{SignatureEncoding, Signer},
};
use sha2::Sha256;
use x509_cert::{Certificate, attr::Attribute};

use crate::{
    Error,
    spc::{SHA256, algorithm, sha256},
};

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// `SPC_STATEMENT_TYPE`, with the key purpose of an individual.
const STATEMENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.11");
const INDIVIDUAL: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.21");
/// `SPC_SP_OPUS_INFO`: a program's name and address; empty here.
const OPUS_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.12");

/// Signs a content, which is embedded. No timestamp: the certificate is a test's and outlives it.
pub fn sign(
    content_type: ObjectIdentifier,
    content: &(impl EncodeValue + Tagged),
    certificate: &Certificate,
    key: &SigningKey<Sha256>,
) -> Result<Vec<u8>, Error> {
    let content = Any::encode_from(content)?;
    // The content's value is signed, without its tag and length.
    let digest = OctetString::new(sha256(&[content.value()]))?;
    let attributes = SetOfVec::try_from(vec![
        attribute(CONTENT_TYPE, &content_type)?,
        attribute(MESSAGE_DIGEST, &digest)?,
        attribute(STATEMENT_TYPE, &vec![INDIVIDUAL])?,
        Attribute {
            oid: OPUS_INFO,
            values: SetOfVec::try_from(vec![Any::new(Tag::Sequence, [])?])?,
        },
    ])?;
    let signature = key.try_sign(&attributes.to_der()?)?;
    let tbs = &certificate.tbs_certificate;
    let signer = SignerInfo {
        version: CmsVersion::V1,
        sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
            issuer: tbs.issuer.clone(),
            serial_number: tbs.serial_number.clone(),
        }),
        digest_alg: algorithm(SHA256)?,
        signed_attrs: Some(attributes),
        signature_algorithm: algorithm(RSA)?,
        signature: OctetString::new(signature.to_vec())?,
        unsigned_attrs: None,
    };
    let certificates = vec![CertificateChoices::Certificate(certificate.clone())];
    let data = SignedData {
        version: CmsVersion::V1,
        digest_algorithms: SetOfVec::try_from(vec![algorithm(SHA256)?])?,
        encap_content_info: EncapsulatedContentInfo {
            econtent_type: content_type,
            econtent: Some(content),
        },
        certificates: Some(CertificateSet(SetOfVec::try_from(certificates)?)),
        crls: None,
        signer_infos: SignerInfos(SetOfVec::try_from(vec![signer])?),
    };
    let info = ContentInfo {
        content_type: SIGNED_DATA,
        content: Any::encode_from(&data)?,
    };
    Ok(info.to_der()?)
}

/// An attribute with one value.
pub fn attribute(
    oid: ObjectIdentifier,
    value: &(impl EncodeValue + Tagged),
) -> Result<Attribute, Error> {
    Ok(Attribute {
        oid,
        values: SetOfVec::try_from(vec![Any::encode_from(value)?])?,
    })
}
