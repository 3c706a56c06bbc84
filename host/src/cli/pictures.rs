//! `--timeline` and `--trace`: pictures of a run.

use std::{cell::RefCell, fs, path::PathBuf, rc::Rc};

use clap::Args;
use kmdf_devices::trace::RegisterNames;
use kmdf_machine::{Observer, Record};

use super::run::Failure;
use crate::picture;

/// At most this many events are drawn: the last ones.
const MOST_EVENTS: usize = 100_000;

/// Where pictures go.
#[derive(Clone, Debug, Args)]
pub(super) struct Pictures {
    /// Draw the run: interrupts, callbacks, register accesses and IRQL of each processor
    #[arg(long, value_name = "FILE.svg")]
    timeline: Option<PathBuf>,
    /// Write the run as a trace for ui.perfetto.dev
    #[arg(long, value_name = "FILE.json")]
    trace: Option<PathBuf>,
}

/// The events of a run as they come.
pub(super) type Records = Rc<RefCell<std::collections::VecDeque<Record>>>;

impl Pictures {
    /// Keeps the events, if there is a picture to draw, and hands each on to `next`.
    pub(super) fn observer(
        &self,
        records: &Records,
        mut next: Option<Observer>,
    ) -> Option<Observer> {
        if self.timeline.is_none() && self.trace.is_none() {
            return next;
        }
        let records = Rc::clone(records);
        Some(Box::new(move |record| {
            let mut records = records.borrow_mut();
            if records.len() >= MOST_EVENTS {
                records.pop_front();
            }
            records.push_back(record.clone());
            if let Some(next) = &mut next {
                next(record);
            }
        }))
    }

    /// Draws them.
    pub(super) fn write(
        &self,
        title: &str,
        records: &Records,
        names: RegisterNames,
    ) -> Result<(), Failure> {
        let mut records = records.borrow_mut();
        let records = records.make_contiguous();
        let put = |path: &PathBuf, text: String| {
            fs::write(path, text).map_err(|error| Failure::file(&path.display().to_string(), error))
        };
        if let Some(path) = &self.timeline {
            put(path, picture::svg(title, records, names))?;
        }
        if let Some(path) = &self.trace {
            put(path, picture::trace(records, names).to_string())?;
        }
        Ok(())
    }
}
