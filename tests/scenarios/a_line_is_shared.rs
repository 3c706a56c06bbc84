//! Two edu functions, one interrupt line: each ISR says FALSE to the other's interrupt.

use edu_lab::EduModel;
use edu_model::Config;
use edu_spec::registers::offset;
use edu_tests::{
    Bench, Lab,
    bench::{factorial, qemu},
    for_each_seed,
    program::Run,
    timeline::calls_of,
};
use kmdf_host::{Interrupts, device::PciFunction};

fn both_work(functions: Vec<Box<dyn PciFunction>>, processors: u32, seed: u64) -> Lab {
    let lab = Bench::with(functions)
        .shared_line()
        .interrupts(Interrupts::Line)
        .processors(processors)
        .seed(seed)
        .boot();
    let files = [0, 1].map(|instance| lab.open_as(instance, 3).expect("both are started"));
    let operands: Vec<u32> = (0..20).collect();
    let irps: Vec<_> = operands
        .iter()
        .flat_map(|&n| {
            files
                .iter()
                .map(|file| lab.submit_factorial(file, n))
                .collect::<Vec<_>>()
        })
        .collect();
    lab.wait_for(&irps);
    for (irp, n) in irps.iter().zip(operands.iter().flat_map(|&n| [n, n])) {
        let outcome = irp.outcome().expect("it has ended");
        assert_eq!(outcome.output, factorial(n).to_le_bytes(), "{n}!");
    }
    for file in &files {
        let statistics = lab.statistics(file);
        assert_eq!(statistics.factorials_completed, 20);
        assert_eq!(statistics.factorial_causes, 20);
        assert_eq!(
            statistics.isr_calls,
            statistics.interrupts + statistics.not_ours
        );
    }
    lab
}

#[test]
fn both_of_two_models_on_one_line_are_served() {
    for processors in [1, 2, 4] {
        for_each_seed(6, |seed| {
            let model = || Box::new(EduModel::new(Config::default())) as Box<dyn PciFunction>;
            let records = both_work(vec![model(), model()], processors, seed)
                .shut_down()
                .records;
            let isrs = calls_of(&records, "EvtInterruptIsr");
            let foreign: Vec<_> = isrs
                .iter()
                .filter(|call| call.claimed() == Some(false))
                .collect();
            assert!(
                !foreign.is_empty(),
                "the second on the line is behind the first"
            );
            for call in foreign {
                assert_eq!(call.reads, [offset::INTERRUPT_STATUS as u64]);
                assert!(
                    call.writes.is_empty(),
                    "nothing of the other's is acknowledged"
                );
            }
        });
    }
}

#[test]
fn a_model_and_qemus_device_on_one_line_are_both_served() {
    for_each_seed(2, |seed| {
        let model = Box::new(EduModel::new(Config::default()));
        let _ = both_work(vec![model, qemu()], 2, seed).shut_down();
    });
}

#[test]
fn two_of_qemus_devices_on_one_line_are_both_served() {
    for_each_seed(2, |seed| {
        let _ = both_work(vec![qemu(), qemu()], 2, seed).shut_down();
    });
}

#[test]
fn eductl_reaches_both() {
    for index in ["0", "1"] {
        Run::on("model")
            .arguments(["--device", "model", "--shared-line", "--interrupts", "line"])
            .eductl(["--device", index, "factorial", "12"])
            .end()
            .exits(0)
            .says("factorial 12 = 479001600")
            .says("nothing left behind");
    }
}
