//! `eductl factorial`

use std::fmt;

use serde::Serialize;

use crate::{
    device::Error,
    edu::{self, Edu},
    exit::Exit,
    number::parse_u32,
    report::Finding,
};

/// Arguments of `eductl factorial`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The operand n; decimal, or hexadecimal after 0x. Above 12 the result is modulo 2^32; the
    /// device loops n times
    #[arg(value_parser = parse_u32)]
    n: u32,
}

/// The device's result and ours.
#[derive(Debug, Serialize)]
pub struct Found {
    n: u32,
    result: u32,
    expected: u32,
    exact: bool,
    right: bool,
}

pub fn run(args: &Args, edu: &Edu) -> Result<Found, Error> {
    let transfer = edu.submit_factorial(args.n)?.wait(edu.timeout())?;
    let result = Edu::factorial_result(&transfer)?;
    let expected = edu::factorial(args.n);
    Ok(Found {
        n: args.n,
        result,
        expected,
        exact: args.n <= edu::LARGEST_EXACT,
        right: result == expected,
    })
}

impl Finding for Found {
    fn exit(&self) -> Exit {
        Exit::of_result(self.right)
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let modulo = if self.exact { "" } else { " modulo 2^32" };
        write!(f, "factorial {} = {}{modulo}", self.n, self.result)?;
        if !self.right {
            write!(f, ": WRONG, it is {}{modulo}", self.expected)?;
        }
        Ok(())
    }
}
