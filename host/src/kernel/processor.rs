//! IRQL, time and the end of the world.

use std::time::Duration;

use kmdf_rules::rules;

use crate::{
    check::Cost,
    cpu::{Irql, stub::Call},
    host::Host,
    service::services,
};

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
    KeBugCheckEx <= HIGH => bug_check;
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

fn current_irql(host: &Host, _: &Call) -> u8 {
    host.irql().level()
}

fn raise_irql(host: &Host, call: &Call) -> u8 {
    let before = host.irql();
    match Irql::new(call.arg8(0)) {
        Some(irql) if irql >= before => host.raise_irql(irql).level(),
        _ => host.violation(
            &rules::KMDF_IRQL,
            format!("KeRaiseIrql({}) is called at {before}", call.arg8(0)),
        ),
    }
}

fn lower_irql(host: &Host, call: &Call) {
    let before = host.irql();
    match Irql::new(call.arg8(0)) {
        Some(irql) if irql <= before => host.lower_irql(irql),
        _ => host.violation(
            &rules::KMDF_IRQL,
            format!("KeLowerIrql({}) is called at {before}", call.arg8(0)),
        ),
    }
}

fn bug_check(host: &Host, call: &Call) {
    host.violation(
        &rules::KE_BUG_CHECK,
        format!(
            "the driver ends the system: code {:#x}, parameters {:#x}, {:#x}, {:#x}, {:#x}",
            call.arg32(0),
            call.arg(1),
            call.arg(2),
            call.arg(3),
            call.arg(4)
        ),
    )
}

fn current_processor(host: &Host, call: &Call) -> u32 {
    let number = host.processor().number;
    let out = call.arg(0);
    if out != 0 {
        // PROCESSOR_NUMBER: group, number, reserved.
        host.memory.write_bytes(out, &[0, 0, number as u8, 0]);
    }
    number
}

fn processor_count(host: &Host, _: &Call) -> u32 {
    u32::try_from(host.scheduler.processors().len()).expect("at most 64")
}

/// The time in units of 100 ns.
fn ticks(host: &Host) -> u64 {
    host.pass(CLOCK_READ);
    host.now().as_ticks()
}

fn performance_counter(host: &Host, call: &Call) -> u64 {
    let out = call.arg(0);
    if out != 0 {
        host.memory.write(out, &PERFORMANCE_FREQUENCY);
    }
    ticks(host)
}

fn system_time(host: &Host, call: &Call) {
    let time = SWITCHED_ON + ticks(host);
    host.memory.write(call.arg(0), &time);
}

fn interrupt_time(host: &Host, _: &Call) -> u64 {
    ticks(host)
}

/// KeQueryInterruptTimePrecise(QpcTimeStamp)
fn interrupt_time_precise(host: &Host, call: &Call) -> u64 {
    let now = ticks(host);
    if call.arg(0) != 0 {
        host.memory.write(call.arg(0), &now);
    }
    now
}

/// KeQueryTimeIncrement(): 100 ns units between two interrupts of the clock.
fn time_increment(_: &Host, _: &Call) -> u32 {
    156_250
}

fn stall(host: &Host, call: &Call) {
    let time = Duration::from_micros(call.arg32(0).into());
    host.pass(time);
    host.charge(Cost::stall(time));
}
