//! The test certificate and its key.

use std::{fs, path::Path, str::FromStr, time::Duration};

use der::{
    Decode, Encode, EncodeValue, Tagged,
    asn1::{ObjectIdentifier, UtcTime},
};
use rsa::{
    RsaPrivateKey,
    pkcs1v15::SigningKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey},
    rand_core::{OsRng, RngCore},
};
use sha2::Sha256;
use spki::SubjectPublicKeyInfoOwned;
use x509_cert::{
    Certificate,
    builder::{Builder, CertificateBuilder, Profile},
    ext::pkix::ExtendedKeyUsage,
    name::Name,
    serial_number::SerialNumber,
    time::{Time, Validity},
};

use crate::{Error, signed};

/// What install.ps1 and uninstall.ps1 know it by.
const SUBJECT: &str = "CN=edu_kmdf test certificate";
/// Extended key usage: code signing.
const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");
const KEY_BITS: usize = 2048;
/// Test machines do not live longer.
const LIFE: Duration = Duration::from_hours(10 * 365 * 24);
const DAY: Duration = Duration::from_hours(24);

/// A certificate and the key that signs with it.
pub struct Identity {
    certificate: Certificate,
    key: SigningKey<Sha256>,
}

impl Identity {
    /// The identity that is kept in a directory; made there if there is none. Whoever reads the key can
    /// sign drivers that a machine loads which trusts the certificate: nobody but the owner can.
    ///
    /// # Errors
    /// The directory or what is in it cannot be used.
    pub fn in_directory(directory: &Path, now: Duration) -> Result<Self, Error> {
        let key_file = directory.join("test-key.der");
        let certificate_file = directory.join("test-certificate.cer");
        if key_file.exists() && certificate_file.exists() {
            let key = fs::read(&key_file).map_err(Error::io(&key_file))?;
            let certificate = fs::read(&certificate_file).map_err(Error::io(&certificate_file))?;
            return Ok(Self {
                certificate: Certificate::from_der(&certificate)?,
                key: SigningKey::new(RsaPrivateKey::from_pkcs8_der(&key)?),
            });
        }
        let key = RsaPrivateKey::new(&mut OsRng, KEY_BITS)?;
        let identity = Self::new(key.clone(), now)?;
        fs::create_dir_all(directory).map_err(Error::io(directory))?;
        write_secret(&key_file, key.to_pkcs8_der()?.as_bytes()).map_err(Error::io(&key_file))?;
        fs::write(&certificate_file, identity.certificate()?)
            .map_err(Error::io(&certificate_file))?;
        Ok(identity)
    }

    /// A self-signed certificate for a key.
    ///
    /// # Errors
    /// The time is not one of a certificate.
    pub fn new(key: RsaPrivateKey, now: Duration) -> Result<Self, Error> {
        let public = key.to_public_key().to_public_key_der();
        let public = public.map_err(|error| Error::Signature(error.to_string()))?;
        let key = SigningKey::<Sha256>::new(key);
        let mut serial = [0; 16];
        OsRng.fill_bytes(&mut serial);
        // Positive, and not shorter for a leading zero.
        serial[0] = serial[0] & 0x7f | 0x40;
        let time = |time| UtcTime::from_unix_duration(time).map(Time::UtcTime);
        let name = Name::from_str(SUBJECT)?;
        let mut builder = CertificateBuilder::new(
            // Signed by itself: for a test machine it is root and publisher at once.
            Profile::Leaf {
                issuer: name.clone(),
                enable_key_agreement: false,
                enable_key_encipherment: false,
            },
            SerialNumber::new(&serial)?,
            Validity {
                // The clock of a test machine may be behind.
                not_before: time(now.saturating_sub(DAY))?,
                not_after: time(now + LIFE)?,
            },
            name,
            SubjectPublicKeyInfoOwned::from_der(public.as_bytes())?,
            &key,
        )?;
        builder.add_extension(&ExtendedKeyUsage(vec![CODE_SIGNING]))?;
        let certificate = builder.build::<rsa::pkcs1v15::Signature>()?;
        Ok(Self { certificate, key })
    }

    /// The certificate, as a `.cer` has it.
    ///
    /// # Errors
    /// Never, of a certificate that was read or made.
    pub fn certificate(&self) -> Result<Vec<u8>, Error> {
        Ok(self.certificate.to_der()?)
    }

    /// Signed data with a content.
    pub(crate) fn sign(
        &self,
        content_type: ObjectIdentifier,
        content: &(impl EncodeValue + Tagged),
    ) -> Result<Vec<u8>, Error> {
        signed::sign(content_type, content, &self.certificate, &self.key)
    }
}

#[cfg(unix)]
fn write_secret(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt};
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)?;
    file.write_all(bytes)
}

#[cfg(not(unix))]
fn write_secret(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    fs::write(file, bytes)
}
