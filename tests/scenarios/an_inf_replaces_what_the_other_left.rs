//! The hardware key lives as long as the device: each INF writes every value that the other writes.

use std::path::Path;

use edu_tests::found;
use kmdf_host::install::{DeviceIds, Inf, Installation, Platform, RegistryKey, Stamp};

fn installed(inf: &Path, over: &RegistryKey) -> Installation {
    let stamp = Stamp {
        architecture: "amd64".to_owned(),
        kmdf_version: "1.15".to_owned(),
        date: "01/01/2026".to_owned(),
        version: "1.0.0.0".to_owned(),
    };
    let ids = DeviceIds {
        hardware: vec![r"PCI\VEN_1234&DEV_11E8".to_owned()],
        compatible: Vec::new(),
    };
    let inf = Inf::read(inf, &stamp).expect("the INF");
    Installation::plan_over(over, &inf, &ids, &Platform::default()).expect("an installation")
}

#[test]
fn either_inf_after_the_other_leaves_what_it_leaves_on_a_new_device() {
    let nothing = RegistryKey::default();
    let (usual, passive) = (found::inf(), found::passive_inf());
    for (first, second) in [(&usual, &passive), (&passive, &usual)] {
        let before = installed(first, &nothing);
        let alone = installed(second, &nothing);
        assert_eq!(installed(second, &before.hardware_key), alone);
        assert_ne!(before.msi.is_some(), alone.msi.is_some());
    }
}
