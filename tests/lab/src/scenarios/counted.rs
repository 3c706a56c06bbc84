//! What every scenario on a sound device ends with: a look at what the driver has counted.

use edu_spec::{interface::DEVICE_INTERFACE, wire::Statistics};
use kmdf_host::explore::{Stage, Wrong};
use zerocopy::FromBytes;

use super::requests::{READ_WRITE, read_statistics};
use crate::counters;

/// Compares the counters of that many devices with what the host and the app have seen. Those of devices
/// that cannot be asked any more are left alone.
pub(crate) fn nothing_hides(stage: &Stage<'_>, devices: usize) -> Result<(), Wrong> {
    let mut files = Vec::new();
    for instance in (0..).take(devices) {
        let Some(file) = stage.try_open(DEVICE_INTERFACE.to_bytes(), instance, READ_WRITE)? else {
            return Ok(());
        };
        files.push(file);
    }
    stage.rest()?;
    let before = stage.host().counts();
    let mut counted = Vec::new();
    for file in &files {
        let irp = stage.submit(file, read_statistics());
        let outcome = stage.wait(&irp)?;
        // One that is on its way out may refuse.
        if !outcome.status.is_success() {
            return Ok(());
        }
        let statistics = Statistics::read_from_bytes(&outcome.output);
        counted.push(statistics.map_err(|_| Wrong::Unexpected("half the statistics".to_owned()))?);
    }
    let after = stage.host().counts();
    if (0..devices).any(|slot| stage.is_removed(slot)) {
        return Ok(());
    }
    let sent = stage.sent();
    counters::agree(&counted, &before, &after, sent.iter().map(AsRef::as_ref))
        .and_then(|()| counters::nothing_made_good(&counted))
        .map_err(Wrong::Unexpected)
}
