//! IRQL, time and the end of the world.

use std::time::Duration;

use kmdf_machine::{Cost, Irql, cpu::stub::Call};
use kmdf_rules::rules;

use crate::{Kernel, services};

/// Ticks of the performance counter each second, as on every current Windows.
const PERFORMANCE_FREQUENCY: u64 = 10_000_000;
/// What reading the clock costs, so that a driver that polls it gets somewhere.
const CLOCK_READ: Duration = Duration::from_nanos(100);
/// 1601-01-01 to 2026-01-01 in units of 100 ns: when every virtual machine is switched on.
pub(crate) const SWITCHED_ON: u64 = 134_116_992_000_000_000;

services! {
    KeGetCurrentIrql <= HIGH => current_irql;
    KfRaiseIrql <= HIGH => raise_irql;
    KeLowerIrql <= HIGH => lower_irql;
    KeGetCurrentProcessorNumberEx <= HIGH => current_processor;
    KeQueryActiveProcessorCountEx <= DISPATCH => processor_count;
    KeQueryPerformanceCounter <= HIGH => performance_counter;
    KeQuerySystemTimePrecise <= HIGH => system_time;
    KeQueryInterruptTime <= HIGH => interrupt_time;
    KeQueryInterruptTimePrecise <= HIGH => interrupt_time_precise;
    KeQueryUnbiasedInterruptTime <= HIGH => interrupt_time;
    KeQueryTimeIncrement <= HIGH => time_increment;
    KeStallExecutionProcessor <= HIGH => stall;
}

fn current_irql(kernel: &Kernel, _: &Call) -> u8 {
    kernel.irql().level()
}

fn raise_irql(kernel: &Kernel, call: &Call) -> u8 {
    let before = kernel.irql();
    match Irql::new(call.arg8(0)) {
        Some(irql) if irql >= before => kernel.raise_irql(irql).level(),
        _ => kernel.violation(
            &rules::KMDF_IRQL,
            format!("KeRaiseIrql({}) is called at {before}", call.arg8(0)),
        ),
    }
}

fn lower_irql(kernel: &Kernel, call: &Call) {
    let before = kernel.irql();
    match Irql::new(call.arg8(0)) {
        Some(irql) if irql <= before => kernel.lower_irql(irql),
        _ => kernel.violation(
            &rules::KMDF_IRQL,
            format!("KeLowerIrql({}) is called at {before}", call.arg8(0)),
        ),
    }
}

fn current_processor(kernel: &Kernel, call: &Call) -> u32 {
    let number = kernel.processor().number;
    let out = call.arg(0);
    if out != 0 {
        // PROCESSOR_NUMBER: group, number, reserved.
        kernel.memory.write_bytes(out, &[0, 0, number as u8, 0]);
    }
    number
}

fn processor_count(kernel: &Kernel, _: &Call) -> u32 {
    u32::try_from(kernel.scheduler.processors().len()).expect("at most 64")
}

/// The time in units of 100 ns.
fn ticks(kernel: &Kernel) -> u64 {
    kernel.pass(CLOCK_READ);
    kernel.now().as_ticks()
}

fn performance_counter(kernel: &Kernel, call: &Call) -> u64 {
    let out = call.arg(0);
    if out != 0 {
        kernel.memory.write(out, &PERFORMANCE_FREQUENCY);
    }
    ticks(kernel)
}

fn system_time(kernel: &Kernel, call: &Call) {
    let time = SWITCHED_ON + ticks(kernel);
    kernel.memory.write(call.arg(0), &time);
}

fn interrupt_time(kernel: &Kernel, _: &Call) -> u64 {
    ticks(kernel)
}

/// KeQueryInterruptTimePrecise(QpcTimeStamp)
fn interrupt_time_precise(kernel: &Kernel, call: &Call) -> u64 {
    let now = ticks(kernel);
    if call.arg(0) != 0 {
        kernel.memory.write(call.arg(0), &now);
    }
    now
}

/// KeQueryTimeIncrement(): 100 ns units between two interrupts of the clock.
fn time_increment(_: &Kernel, _: &Call) -> u32 {
    156_250
}

fn stall(kernel: &Kernel, call: &Call) {
    let time = Duration::from_micros(call.arg32(0).into());
    kernel.pass(time);
    kernel.charge(Cost::stall(time));
}
