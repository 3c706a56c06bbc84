//! Which control requests are well formed.

use edu_driver_core::ioctl::{Command, Malformed};
use edu_spec::ioctl;
use proptest::prelude::*;

const CODES: [(u32, Command); 6] = [
    (ioctl::INFORMATION, Command::Information),
    (ioctl::LIVENESS, Command::Liveness),
    (ioctl::FACTORIAL, Command::Factorial),
    (ioctl::RAISE, Command::Raise),
    (ioctl::STATISTICS, Command::Statistics),
    (ioctl::WAIT_EVENT, Command::WaitEvent),
];

#[test]
fn each_code_with_its_documented_lengths_is_accepted() {
    for (code, command) in CODES {
        let (input, output) = command.buffer_bytes();
        assert_eq!(Command::parse(code, input, output), Ok(command));
    }
}

#[test]
fn each_wrong_length_of_each_code_is_told() {
    for (code, command) in CODES {
        let (input, output) = command.buffer_bytes();
        let long = Err(Malformed::TooLong);
        assert_eq!(Command::parse(code, input + 1, output), long);
        assert_eq!(Command::parse(code, input, output + 1), long);
        let short = Err(Malformed::TooShort);
        if input > 0 {
            assert_eq!(Command::parse(code, input - 1, output), short);
            assert_eq!(Command::parse(code, 0, output + 1), short);
        }
        if output > 0 {
            assert_eq!(Command::parse(code, input, output - 1), short);
            assert_eq!(Command::parse(code, input + 1, 0), short);
        }
    }
}

proptest! {
    #[test]
    fn every_other_code_is_unknown_whatever_its_lengths(
        code in any::<u32>(),
        input in 0_usize..256,
        output in 0_usize..256,
    ) {
        prop_assume!(CODES.iter().all(|(known, _)| *known != code));
        prop_assert_eq!(Command::parse(code, input, output), Err(Malformed::UnknownCode));
    }
}
