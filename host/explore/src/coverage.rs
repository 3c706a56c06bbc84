//! What was covered: instruction boundaries and call sites, by their place in the image.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
};

use iced_x86::FlowControl;
use kmdf_image::Frame;

use super::{sum::Explored, target::Target};

/// A call of the kernel or the framework in the driver's code: its return address's RVA.
pub(crate) type Site = u32;

/// What one run, or many, covered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Covered {
    /// RVAs of instructions that were stopped at.
    pub(crate) boundaries: BTreeSet<u32>,
    /// Calls, with the name of what was called.
    pub(crate) sites: BTreeMap<Site, &'static str>,
    /// Those of them that were made to fail.
    pub(crate) failed: BTreeSet<Site>,
}

impl Covered {
    /// Adds what another run covered.
    pub(crate) fn add(&mut self, other: Self) {
        self.boundaries.extend(other.boundaries);
        self.sites.extend(other.sites);
        self.failed.extend(other.failed);
    }
}

/// Takes down what a run covers.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    on: Cell<bool>,
    covered: RefCell<Covered>,
}

impl Coverage {
    /// Begins.
    pub(crate) fn begin(&self) {
        self.on.set(true);
    }

    pub(crate) fn boundary(&self, rva: u32) {
        if self.on.get() {
            self.covered.borrow_mut().boundaries.insert(rva);
        }
    }

    pub(crate) fn call(&self, site: Site, service: &'static str) {
        if self.on.get() {
            self.covered.borrow_mut().sites.insert(site, service);
        }
    }

    pub(crate) fn failure(&self, site: Site) {
        if self.on.get() {
            self.covered.borrow_mut().failed.insert(site);
        }
    }

    /// What there is.
    pub(crate) fn take(&self) -> Covered {
        self.covered.take()
    }
}

/// How much of a driver was covered, in its own words.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct CoverageReport {
    /// Each function of the driver: boundaries stopped at, and boundaries it has.
    pub functions: BTreeMap<String, (usize, usize)>,
    /// Boundaries stopped at, in the whole image.
    pub boundaries: usize,
    /// Boundaries that there are.
    pub all_boundaries: usize,
    /// Call sites stopped at: instructions that call through a pointer, as every call of the kernel
    /// or the framework is.
    pub call_sites: usize,
    /// Call sites that there are.
    pub all_call_sites: usize,
    /// Call sites that can fail, reached.
    pub fallible_sites: usize,
    /// Call sites that failed.
    pub failed_sites: usize,
    /// Call sites that can fail, were reached and never failed.
    pub never_failed: Vec<String>,
    /// Source lines none of whose instructions was stopped at, by function.
    pub never_reached: BTreeMap<String, Vec<String>>,
}

impl Target {
    /// What an exploration covered.
    #[must_use]
    pub fn coverage(&self, explored: &Explored) -> CoverageReport {
        let covered = &explored.covered;
        let symbols = &self.package.symbols;
        let mut functions: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        let mut reached = BTreeSet::new();
        let mut missed: BTreeMap<String, BTreeSet<(String, u32)>> = BTreeMap::new();
        for function in self.package.image.functions() {
            let code = function.code.clone();
            let name = symbols.function(code.start).map_or_else(
                || format!("+{:#x}", code.start),
                |(name, _)| name.to_owned(),
            );
            let entry = functions.entry(name.clone()).or_default();
            entry.0 += covered.boundaries.range(code.clone()).count();
            entry.1 += self.code.count(code.clone());
            for rva in code.filter(|&rva| self.code.at(rva).is_some()) {
                let Some(line) = self.line(rva) else { continue };
                if covered.boundaries.contains(&rva) {
                    reached.insert(line);
                } else {
                    missed.entry(name.clone()).or_default().insert(line);
                }
            }
        }
        for lines in missed.values_mut() {
            lines.retain(|line| !reached.contains(line));
        }
        let fallible: Vec<_> = covered
            .sites
            .iter()
            .filter(|(_, service)| super::failing::failure_of(service).is_some())
            .collect();
        let calls = self.code.instructions().filter(|instruction| {
            matches!(
                instruction.flow_control(),
                FlowControl::IndirectCall | FlowControl::IndirectBranch
            )
        });
        CoverageReport {
            functions,
            boundaries: covered.boundaries.len(),
            all_boundaries: self.code.instructions().count(),
            call_sites: calls
                .clone()
                .filter(|call| covered.boundaries.contains(&(call.ip() as u32)))
                .count(),
            all_call_sites: calls.count(),
            fallible_sites: fallible.len(),
            failed_sites: covered.failed.len(),
            never_failed: fallible
                .iter()
                .filter(|(site, _)| !covered.failed.contains(site))
                .map(|&(&site, service)| {
                    // A return address belongs to the call before it.
                    let line = self.line(site.saturating_sub(1));
                    line.map_or_else(
                        || format!("{service} before +{site:#x}"),
                        |(file, line)| format!("{service} at {file}:{line}"),
                    )
                })
                .collect(),
            never_reached: missed
                .into_iter()
                .filter(|(_, lines)| !lines.is_empty())
                .map(|(name, lines)| {
                    let lines = lines.iter().map(|(file, line)| format!("{file}:{line}"));
                    (name, lines.collect())
                })
                .collect(),
        }
    }

    /// Where in the source an instruction comes from, innermost in the driver's own.
    fn line(&self, rva: u32) -> Option<(String, u32)> {
        let frames = self.package.symbols.frames(rva);
        let frame = Frame::place(&frames)?;
        Some((frame.file.clone()?, frame.line?))
    }
}
