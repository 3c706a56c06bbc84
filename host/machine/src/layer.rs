//! Layers: what is played on a machine, as the machine itself with more to it.
//!
//! A layer's type is the one below it in a transparent wrapper, and derefs to it: whoever has a kernel
//! has a machine. What a layer keeps hangs on the machine, which cannot look into it
//! ([`crate::Machine::state`]). So the way up is a cast, and what runs on the machine's flows, at its
//! alarms or in its services sees the layer that it was started by.

use crate::Machine;

/// A layer above the machine.
pub trait Layer: Sized + 'static {
    /// The layer on that machine.
    fn of(machine: &Machine) -> &Self;
}

/// The lowest.
impl Layer for Machine {
    fn of(machine: &Machine) -> &Self {
        machine
    }
}

/// Makes a layer of a type that wraps the one below it: `layer!(Kernel over Machine)`.
#[macro_export]
macro_rules! layer {
    ($layer:ident over $below:ty) => {
        impl std::ops::Deref for $layer {
            type Target = $below;

            fn deref(&self) -> &$below {
                &self.0
            }
        }

        impl $crate::Layer for $layer {
            fn of(machine: &$crate::Machine) -> &Self {
                // SAFETY: the layers are transparent wrappers of the machine.
                unsafe { &*std::ptr::from_ref(machine).cast() }
            }
        }

        impl $layer {
            /// The layer on that machine.
            #[must_use]
            pub fn of(machine: &$crate::Machine) -> &Self {
                $crate::Layer::of(machine)
            }

            /// As [`Machine::spawn`](kmdf_machine::Machine::spawn).
            pub fn spawn(&self, name: impl Into<String>, body: impl FnOnce(&Self) + 'static) {
                self.0.spawn(name, move |below| body(Self::of(below)));
            }

            /// As [`Machine::run_to_end`](kmdf_machine::Machine::run_to_end).
            ///
            /// # Errors
            /// The run stopped.
            pub fn run_to_end<R: 'static>(
                &self,
                name: &str,
                body: impl FnOnce(&Self) -> R + 'static,
            ) -> Result<R, $crate::Stop> {
                self.0.run_to_end(name, move |below| body(Self::of(below)))
            }

            /// As [`Machine::run_until`](kmdf_machine::Machine::run_until).
            ///
            /// # Errors
            /// The run stopped before.
            pub fn run_until(&self, done: impl Fn(&Self) -> bool) -> Result<(), $crate::Stop> {
                self.0.run_until(|below| done(Self::of(below)))
            }

            /// As [`Machine::spin_until`](kmdf_machine::Machine::spin_until).
            pub fn spin_until(&self, condition: impl Fn(&Self) -> bool + 'static) {
                self.0.spin_until(move |below| condition(Self::of(below)));
            }

            /// As [`Machine::block_until`](kmdf_machine::Machine::block_until).
            pub fn block_until(&self, condition: impl Fn(&Self) -> bool + 'static) {
                self.0.block_until(move |below| condition(Self::of(below)));
            }

            /// As [`Machine::block_until_or`](kmdf_machine::Machine::block_until_or).
            pub fn block_until_or(
                &self,
                deadline: $crate::VirtualTime,
                condition: impl Fn(&Self) -> bool + 'static,
            ) {
                self.0
                    .block_until_or(deadline, move |below| condition(Self::of(below)));
            }

            /// As [`Machine::at`](kmdf_machine::Machine::at).
            pub fn at(
                &self,
                time: $crate::VirtualTime,
                action: impl Fn(&Self) + 'static,
            ) -> $crate::Alarm {
                self.0.at(time, move |below| action(Self::of(below)))
            }
        }
    };
}
