//! What `run` says.

use std::{path::Path, process::ExitStatus};

use kmdf_session::{Session, Summary};
use serde_json::json;

use super::run::Failure;

/// The driver runs.
pub(super) fn started(session: &Session, driver: &Path, inf: Option<&Path>, json: bool) {
    if json {
        return;
    }
    say!("driver   {} loaded", driver.display());
    for device in session.installed() {
        let service = &device.installation.service.name;
        let slot = device.slot;
        let interrupts = session.host().granted_interrupts(slot);
        say!(
            "device   slot {slot} installed from {} as service {service}, started: {interrupts}",
            inf.unwrap_or(Path::new("")).display()
        );
        for finding in &device.installation.not_isolated {
            let line = finding
                .line
                .map_or_else(String::new, |line| format!("line {line}: "));
            say!(
                "note     no Windows Driver: {line}{} {}",
                finding.rule,
                finding.text
            );
        }
    }
}

/// Apps can come.
pub(super) fn serving(socket: &Path, json: bool) {
    if json {
        say!("{}", json!({ "serving": socket }));
    } else {
        say!("serving  at {} until SIGINT or SIGTERM", socket.display());
    }
}

/// The driver was unloaded.
pub(super) fn ended(summary: &Summary, program: Option<ExitStatus>, json: bool) {
    let counts = &summary.counts;
    if json {
        let program = program.map(|status| status.code());
        say!("{}", json!({ "counts": counts, "program": program }));
        return;
    }
    say!(
        "counts   {} interrupts taken, {} ISR calls ({} TRUE), {} DPCs, {} requests, {} completions",
        counts.interrupts,
        counts.isr_calls,
        counts.isr_claims,
        counts.dpc_calls,
        counts.requests,
        counts.completions
    );
    say!(
        "         {} register reads, {} register writes, {} calls of framework and kernel, {} pool \
         allocations",
        counts.register_reads,
        counts.register_writes,
        counts.services,
        counts.pool_allocations
    );
    say!("unloaded nothing left behind");
}

/// Something failed; `replay` is the command that shows it again.
pub(super) fn failure(failure: &Failure, replay: Option<&str>, json: bool) {
    let text = failure.to_string();
    if json {
        let mut failed = json!({ "error": text.trim_end(), "exit": failure.exit() as u8 });
        if let Some(report) = failure.report() {
            failed["rule"] = json!(report.rule);
            failed["stack"] = json!(report.stack);
        }
        if let Some(replay) = replay {
            failed["replay"] = json!(replay);
        }
        say!("{failed}");
    } else {
        eprintln!("error: {}", text.trim_end());
        if let Some(replay) = replay {
            eprintln!("replay: {replay}");
        }
    }
}
