//! The structures, unions and enumerations of KMDF and of NT, with the layout x64 gives them.
//!
//! They keep their C names and are made to be read out of, and written into, a driver's memory:
//!
//! - every bit pattern is valid, padding is a member, so all of them are `FromBytes` and
//!   `IntoBytes`; `Default` is all zeros, as C's `RtlZeroMemory` leaves them;
//! - pointers, handles and function pointers are [`GuestPtr`], numbers of the driver's world;
//! - an enumeration holds whatever the driver wrote and knows the names of the values it has;
//! - a union is its bytes, with a method to read and one to write each member;
//! - a flexible array is not a member: its elements follow at the structure's size;
//! - `LARGE_INTEGER` is `i64`, `PHYSICAL_ADDRESS` `u64`;
//! - structures that grew are in their newest form: read as many bytes as their `Size` member
//!   says, [`structure_size`](crate::structure_size) has the sizes of every version.
#![allow(
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    reason = "the names are those of the C headers, where people look them up"
)]
#![allow(
    clippy::pub_underscore_fields,
    reason = "padding is a member so that structures have no uninitialised bytes"
)]
#![allow(
    clippy::doc_markdown,
    clippy::struct_field_names,
    clippy::too_many_lines,
    reason = "generated"
)]

use std::mem::offset_of;

use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes};

pub use crate::guest::GuestPtr;
pub use crate::ntstatus::NtStatus;

/// Defines an enumeration of C: a number, of which some values have names.
macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($value:ident = $number:expr,)* }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default,
            FromBytes, IntoBytes, Immutable,
        )]
        #[repr(transparent)]
        pub struct $name(pub i32);

        impl $name {
            $(
                #[doc = concat!("`", stringify!($number), "`")]
                pub const $value: Self = Self($number);
            )*

            /// The value's name in the headers; `None` for a value they do not define.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                let names = [$((stringify!($value), $number),)*];
                names.into_iter().find(|&(_, number)| number == self.0).map(|(name, _)| name)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => formatter.write_str(name),
                    None => write!(formatter, concat!(stringify!($name), "({})"), self.0),
                }
            }
        }
    };
}

fn read_member<T: FromBytes>(storage: &[u8]) -> T {
    match T::read_from_prefix(storage) {
        Ok((member, _)) => member,
        Err(_) => unreachable!("an assertion beside the union says that its members fit"),
    }
}

fn write_member<T: IntoBytes + Immutable>(storage: &mut [u8], member: &T) {
    let bytes = member.as_bytes();
    storage[..bytes.len()].copy_from_slice(bytes);
}

include!(concat!(env!("OUT_DIR"), "/types.rs"));
