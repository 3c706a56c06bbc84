//! The entropy driver on QEMU's virtio-rng-pci: I/O ports, configuration space, messages and DMA of a real device.

use kmdf_host::{
    Interrupts, Machine, Operation, Session,
    device::{
        PciFunction,
        qemu::{Qemu, QemuOptions},
    },
    ntstatus::STATUS_SUCCESS,
};
use kmdf_samples::{READ_WRITE, driver, guid};

const INTERFACE: [u8; 16] = guid(
    0x0d0c_6d2e,
    0x8f7e,
    0x4b59,
    [0x9d, 0x6a, 0x7e, 0xf4, 0xb0, 0xb3, 0xc2, 0xa5],
);
const LENGTH: usize = 64;

fn session(interrupts: Interrupts) -> Session {
    let device = Qemu::start(QemuOptions::new("virtio-rng-pci"));
    let device = device.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(device.identity().most_messages(), 2);
    let machine = Machine {
        functions: vec![Box::new(device)],
        ..Machine::default()
    };
    Session::boot(&driver("entropy"), machine, interrupts).unwrap_or_else(|error| panic!("{error}"))
}

/// What a read gives.
fn read(session: &Session) -> Vec<u8> {
    let file = session.open(INTERFACE, READ_WRITE).expect("it opens");
    let operation = Operation::Read {
        offset: 0,
        length: LENGTH,
    };
    let outcome = session.request(&file, operation);
    let outcome = outcome.unwrap_or_else(|stop| panic!("{stop}"));
    session.host().close(&file);
    assert_eq!(outcome.status, STATUS_SUCCESS);
    assert!(!outcome.output.is_empty());
    outcome.output
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn random_bytes_come_with_two_messages_with_one_and_with_the_line() {
    for interrupts in [
        Interrupts::AsInstalled,
        Interrupts::OneMessage,
        Interrupts::Line,
    ] {
        let session = session(interrupts);
        let (first, second) = (read(&session), read(&session));
        assert_ne!(first, second, "{interrupts:?}");
        let summary = session.shut_down().unwrap_or_else(|stop| panic!("{stop}"));
        assert!(summary.counts.interrupts >= 2, "{interrupts:?}");
    }
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn messages_come_after_sleep_and_after_a_rebalance_to_the_line() {
    let session = session(Interrupts::AsInstalled);
    let host = session.host();
    read(&session);
    host.sleep(0).unwrap_or_else(|stop| panic!("{stop}"));
    host.resume(0).unwrap_or_else(|stop| panic!("{stop}"));
    read(&session);
    for grant in [kmdf_host::Grant::Line, session.installed()[0].grant] {
        host.rebalance(0, grant)
            .unwrap_or_else(|stop| panic!("{stop}"));
        read(&session);
    }
    session.shut_down().unwrap_or_else(|stop| panic!("{stop}"));
}
