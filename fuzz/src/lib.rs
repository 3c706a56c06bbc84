//! What is fuzzed. Each target is a function of bytes that panics where something is wrong;
//! `fuzz/run` hands them to libFuzzer, and this package's test runs them on the kept corpora and on
//! some fresh bytes.
//!
//! | target | bytes | what must hold |
//! | --- | --- | --- |
//! | `image` | a PE file | read or refused; what is read can be looked at |
//! | `inf` | an INF file | read or refused |
//! | `protocol` | what an app sends to the host's socket | understood or refused, in pieces of any size |
//! | `instruction` | registers and an instruction | an outcome, and a bounded number of accesses |
//! | `hostile` | what a device answers and an app sends | the driver breaks no rule, ends every request and leaves nothing behind |
//!
//! The emulator's results are compared with the processor's in `host/src/access/tests.rs`.
#![forbid(unsafe_code)]

use std::{cell::OnceCell, convert::Infallible, path::PathBuf, sync::Arc};

use edu_lab::EduDevices;
use kmdf_host::{
    Driver,
    access::{Bus, Registers, emulate},
    cli::Devices,
    device::Width,
    explore::{Scenario, Target, Way},
    image::{Image, Symbols},
    install::Inf,
    needs::Needs,
};
use kmdf_host_client::{framing::FrameReader, protocol::Request};

/// A target: a name, and what is done with bytes.
pub type Fuzzed = (&'static str, fn(&[u8]));

/// The targets that need nothing but bytes.
pub const PARSERS: [Fuzzed; 4] = [
    ("image", image),
    ("inf", inf),
    ("protocol", protocol),
    ("instruction", instruction),
];

/// Reads a PE image, and everything that is read of it later.
pub fn image(bytes: &[u8]) {
    let Ok(image) = Image::parse("fuzzed.sys", bytes) else {
        return;
    };
    let symbols = Symbols::of_exports(&image);
    for function in image.functions() {
        let _ = symbols.frames(function.code.start);
    }
    let _ = image.bind_info();
    let _ = Needs::of(&image);
}

/// Reads an INF.
pub fn inf(bytes: &[u8]) {
    let _ = Inf::parse("fuzzed.inf", bytes, None);
}

/// Reads what an app sends. The first byte says in pieces of which size it arrives.
///
/// # Panics
/// The size of the pieces makes a difference.
pub fn protocol(bytes: &[u8]) {
    let Some((&size, bytes)) = bytes.split_first() else {
        return;
    };
    let in_pieces = requests(bytes, usize::from(size).max(1));
    let at_once = requests(bytes, bytes.len().max(1));
    assert_eq!(in_pieces, at_once, "in pieces of {size}, and at once");
}

/// The requests in bytes that arrive in pieces, up to the first that is none.
fn requests(bytes: &[u8], size: usize) -> Vec<Request> {
    let mut reader = FrameReader::<Request>::new();
    let mut requests = Vec::new();
    for piece in bytes.chunks(size) {
        reader.push(piece);
        for request in reader.by_ref() {
            match request {
                Ok(request) => requests.push(request),
                Err(_) => return requests,
            }
        }
    }
    requests
}

/// Carries out the instruction behind 17 registers.
///
/// # Panics
/// It makes more accesses than one step may.
pub fn instruction(bytes: &[u8]) {
    /// More than any instruction makes, and than one call does of a repeated one.
    const MOST: usize = 1 << 16;
    let mut words = bytes.chunks(8).map(|word| {
        let mut eight = [0; 8];
        eight[..word.len()].copy_from_slice(word);
        u64::from_le_bytes(eight)
    });
    let mut registers = Registers::default();
    for register in &mut registers.gpr {
        *register = words.next().unwrap_or(0);
    }
    registers.rflags = words.next().unwrap_or(0);
    let code = bytes.get(17 * 8..).unwrap_or_default();
    let mut bus = Counting::default();
    let Ok(_) = emulate(code, &mut registers, &mut bus);
    assert!(bus.accesses <= MOST, "{} accesses", bus.accesses);
}

/// A bus that answers with the address.
#[derive(Default)]
struct Counting {
    accesses: usize,
}

impl Bus for Counting {
    type Fault = Infallible;

    fn load(&mut self, address: u64, width: Width) -> Result<u64, Infallible> {
        self.accesses += 1;
        Ok(address & width.all_ones())
    }

    fn store(&mut self, _: u64, _: Width, _: u64) -> Result<(), Infallible> {
        self.accesses += 1;
        Ok(())
    }
}

thread_local! {
    static HOSTILE: OnceCell<(Target, Arc<dyn Scenario>)> = const { OnceCell::new() };
}

/// Runs the driver on the device and under the app that the bytes make. Gives the call sites of the
/// driver that were reached.
///
/// # Panics
/// The driver has not been built, or something is wrong with it. The bytes are in the message.
#[must_use]
pub fn hostile(bytes: &[u8]) -> Vec<u32> {
    HOSTILE.with(|once| {
        let (target, scenario) = once.get_or_init(prepared);
        let shaped = scenario.with_input(bytes).expect("bytes shape it");
        let replayed = target.replay(&shaped, Way::default(), None);
        if let Err(wrong) = replayed.result {
            panic!(
                "{wrong}\nto replay: edu-lab replay --driver {DRIVER} --inf {INF} --scenario hostile \
                 --input FILE, with these bytes in the file: {bytes:02x?}"
            );
        }
        replayed.sites
    })
}

const DRIVER: &str = "target/cross/x86_64/edu_kmdf.sys";
const INF: &str = "inf/edu_kmdf.inx";

fn prepared() -> (Target, Arc<dyn Scenario>) {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let driver = Driver {
        image: root.join(DRIVER),
        symbols: None,
        inf: root.join(INF),
    };
    let target = Target::read(driver, 2, Vec::new())
        .unwrap_or_else(|error| panic!("{error}; `sh scripts/build-driver.sh` builds the driver"));
    let scenario = EduDevices
        .scenarios()
        .into_iter()
        .find(|scenario| scenario.name() == "hostile")
        .expect("there is a scenario of that name");
    (target, scenario)
}
