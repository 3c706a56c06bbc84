//! The whole way: app, queue, device, interrupt, ISR, DPC, completion.

use std::fs;

use edu_tests::{
    Bench,
    bench::{EVERYWHERE, Kind, factorial},
    for_each_seed, found, program,
};
use kmdf_host::Interrupts;

#[test]
fn twelve_factorial_is_right_on_model_and_qemu_by_message_and_by_line() {
    for (kind, interrupts) in EVERYWHERE {
        for processors in [1, 2, 4] {
            let seeds = if kind == Kind::Model { 8 } else { 2 };
            for_each_seed(seeds, |seed| {
                one_factorial(kind, interrupts, processors, seed);
            });
        }
    }
}

fn one_factorial(kind: Kind, interrupts: Interrupts, processors: u32, seed: u64) {
    let run = format!("{kind:?}, {interrupts:?}, {processors} processors");
    let lab = Bench::of(kind)
        .interrupts(interrupts)
        .processors(processors)
        .seed(seed)
        .boot();
    let file = lab.open();
    assert_eq!(lab.factorial(&file, 12), Ok(479_001_600), "{run}");

    let information = lab.information(&file);
    assert_eq!(information.interrupt_count, 1, "{run}");
    let by_message = u32::from(interrupts == Interrupts::AsInstalled);
    assert_eq!(
        information.interrupts[0].message_signaled, by_message,
        "{run}"
    );

    let statistics = lab.statistics(&file);
    assert_eq!(statistics.interrupts, 1, "{run}");
    assert_eq!(statistics.factorial_causes, 1, "{run}");
    assert_eq!(statistics.factorials_completed, 1, "{run}");
    assert_eq!(statistics.dpc_calls, 1, "{run}");
    assert_eq!(statistics.snapshots_taken, 1, "{run}");

    let counts = lab.shut_down().summary.counts;
    assert_eq!(counts.interrupts, 1, "{run}");
    assert_eq!(counts.isr_calls, 1, "{run}");
    assert_eq!(counts.isr_claims, 1, "{run}");
    assert_eq!(counts.dpc_calls, 1, "{run}");
    // The factorial, the information, the statistics.
    assert_eq!(counts.completions, 3, "{run}");
}

#[test]
fn factorials_in_flight_at_once_are_all_right_and_the_counts_agree() {
    for (kind, interrupts) in EVERYWHERE {
        for processors in [1, 2, 4] {
            let seeds = if kind == Kind::Model { 4 } else { 1 };
            for_each_seed(seeds, |seed| {
                let run = format!("{kind:?}, {interrupts:?}, {processors} processors");
                let lab = Bench::of(kind)
                    .interrupts(interrupts)
                    .processors(processors)
                    .seed(seed)
                    .boot();
                let file = lab.open();
                let operands: Vec<u32> = (0..40).collect();
                let irps: Vec<_> = operands
                    .iter()
                    .map(|&n| lab.submit_factorial(&file, n))
                    .collect();
                lab.wait_for(&irps);
                for (irp, &n) in irps.iter().zip(&operands) {
                    let outcome = irp.outcome().expect("it has ended");
                    assert!(
                        outcome.status.is_success(),
                        "{run}, {n}!: {:?}",
                        outcome.status
                    );
                    assert_eq!(outcome.output, factorial(n).to_le_bytes(), "{run}, {n}!");
                }
                let requests = operands.len() as u64;
                let statistics = lab.statistics(&file);
                assert_eq!(statistics.factorials_completed, requests, "{run}");
                assert_eq!(statistics.stray_factorials, 0, "{run}");
                assert_eq!(statistics.factorial_causes, requests, "{run}");
                assert_eq!(
                    statistics.snapshots_taken + statistics.snapshots_overwritten,
                    statistics.interrupts,
                    "{run}"
                );

                let counts = lab.shut_down().summary.counts;
                assert_eq!(counts.completions, requests + 1, "{run}");
                assert_eq!(counts.isr_calls, statistics.isr_calls, "{run}");
                assert_eq!(counts.isr_claims, statistics.interrupts, "{run}");
                assert_eq!(counts.dpc_calls, statistics.dpc_calls, "{run}");
            });
        }
    }
}

#[test]
fn a_person_sees_the_answer_and_the_counts() {
    for device in ["model", "qemu:edu"] {
        for interrupts in ["auto", "line"] {
            program::Run::on(device)
                .arguments(["--interrupts", interrupts])
                .eductl(["factorial", "12"])
                .end()
                .exits(0)
                .says("factorial 12 = 479001600")
                .says("1 interrupts taken, 1 ISR calls (1 TRUE), 1 DPCs, 1 requests, 1 completions")
                .says("nothing left behind");
        }
    }
}

#[test]
fn the_documents_show_what_a_person_sees() {
    // As scripts/run.sh does it, whose end docs/run.md quotes, and some lines of it the README.
    let script = r#"for words in info "factorial 12" "raise 0x2" stats; do
        printf "\n\$ eductl %s\n" "$words"; "$0" $words || exit; done"#;
    let ended = program::Run::on("qemu:edu").shell(script).end().exits(0);
    let read = |file| fs::read_to_string(found::root().join(file)).expect("there is one");
    let document = read("docs/run.md");
    let quoted: Vec<&str> = document.lines().map(str::trim).collect();
    for line in ended.stdout.lines().map(str::trim) {
        // Paths differ; the interrupts that were granted do not.
        let shown = match line.split_once(", started: ") {
            Some((_, granted)) => document.contains(&format!(", started: {granted}\n")),
            None => line.starts_with("driver   ") || quoted.contains(&line),
        };
        assert!(shown, "docs/run.md lacks {line:?}{ended}");
    }
    // The README's quotes: of the run, and of the driver.
    let readme = read("README.md");
    let mut blocks = readme.split("```").skip(1).step_by(2);
    let mut next_block = |kind| {
        blocks
            .find_map(|block| block.strip_prefix(kind))
            .expect("it quotes")
    };
    for (kind, source) in [
        ("\n", document.as_str()),
        ("rust\n", &read("driver/minimal/src/lib.rs")),
        ("rust\n", &read("driver/minimal/src/lib.rs")),
    ] {
        let lines: Vec<&str> = source.lines().map(str::trim).collect();
        for line in next_block(kind).lines().map(str::trim) {
            assert!(lines.contains(&line), "README.md quotes {line:?}");
        }
    }
}

/// A record with its addresses masked: where the system puts a run's memory is its own business.
fn without_addresses(record: &str) -> String {
    record
        .split(' ')
        .map(
            |word| match word.trim_end_matches(|end: char| !end.is_ascii_hexdigit()) {
                address if address.starts_with("0x") && address.len() == "0x7fffffffffff".len() => {
                    "(address)"
                }
                _ => word,
            },
        )
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn a_seed_replays_a_run_record_by_record() {
    let run = |seed| {
        let lab = Bench::of(Kind::Model).processors(4).seed(seed).boot();
        let file = lab.open();
        let irps: Vec<_> = (0..10).map(|n| lab.submit_factorial(&file, n)).collect();
        lab.wait_for(&irps);
        lab.shut_down()
            .records
            .iter()
            .map(|record| without_addresses(&record.to_string()))
            .collect::<Vec<_>>()
    };
    for_each_seed(3, |seed| {
        let (first, second) = (run(seed), run(seed));
        let different = first.iter().zip(&second).position(|(a, b)| a != b);
        if let Some(at) = different {
            panic!("record {at}: {} <> {}", first[at], second[at]);
        }
        assert_eq!(first.len(), second.len());
    });
    assert_ne!(run(1), run(2), "seeds make a difference");
}
