//! The devices that `edu-lab` offers beside QEMU's.

use std::sync::Arc;

use edu_model::{Config, Faults, Messages};
use kmdf_host::{
    cli::{Devices, number},
    device::{DeviceError, PciFunction, trace::RegisterNames},
    explore::Scenario,
};

use crate::{EduModel, parse_fault, register_name, scenarios};

/// The edu model, as `model` or `model,OPTION,…` on a command line.
#[derive(Clone, Copy, Debug, Default)]
pub struct EduDevices;

impl Devices for EduDevices {
    fn make(&self, spec: &str) -> Option<Result<Box<dyn PciFunction>, DeviceError>> {
        let (kind, options) = spec.split_once(',').unwrap_or((spec, ""));
        (kind == "model").then(|| {
            let config = parse_config(options).map_err(|hint| DeviceError::Missing {
                what: format!("the device {spec}"),
                hint,
            })?;
            Ok(Box::new(EduModel::new(config)) as Box<dyn PciFunction>)
        })
    }

    fn help(&self) -> &'static str {
        "  model[,OPTION...]  the edu device in software, with virtual time. Options:\n    \
           messages=1|2         messages that it can send\n    \
           dma_mask=MASK        as QEMU's property: address bits that it masters, by default 0xfffffff\n    \
           and these faults: wrong-factorial[=XOR], factorial-hangs, dma-hangs, mute,\n    \
           extra-causes=MASK, spurious-every=NS, removed-at=NS, stuck=OFFSET:ONES:ZEROS\n"
    }

    fn register_names(&self) -> RegisterNames {
        register_name
    }

    fn scenarios(&self) -> Vec<Arc<dyn Scenario>> {
        scenarios::all()
    }
}

/// The model that the options behind `model,` describe. The error says what to do.
fn parse_config(options: &str) -> Result<Config, String> {
    let mut config = Config::default();
    let mut faults = Faults::default();
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("messages", "1")) => config.messages = Messages::One,
            Some(("messages", "2")) => config.messages = Messages::Two,
            Some(("dma_mask", mask)) => {
                config.dma_mask = number(mask).map_err(|_| {
                    format!("{option}: a mask is a number, as in dma_mask=0xffffffff")
                })?;
            }
            Some(("messages", _)) => return Err(format!("{option}: it can send 1 or 2 messages")),
            _ => parse_fault(option, &mut faults).map_err(|error| error.to_string())?,
        }
    }
    config.faults = faults;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_faults_mix() {
        let config = parse_config("messages=2,factorial-hangs,dma_mask=0xffffffff").unwrap();
        assert_eq!(config.messages, Messages::Two);
        assert_eq!(config.dma_mask, 0xFFFF_FFFF);
        assert!(config.faults.factorial_hangs);
    }

    #[test]
    fn a_wrong_option_is_named() {
        assert!(
            parse_config("messages=3")
                .unwrap_err()
                .contains("messages=3")
        );
        assert!(
            parse_config("dma_mask=wide")
                .unwrap_err()
                .contains("dma_mask=wide")
        );
        assert!(parse_config("nonsense").unwrap_err().contains("nonsense"));
    }

    #[test]
    fn another_kind_of_device_is_left_to_others() {
        assert!(EduDevices.make("qemu:edu").is_none());
    }
}
