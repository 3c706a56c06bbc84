//! The timeline as an SVG: a lane for each processor, callbacks as bars nested as they nest, IRQL
//! as a line below them.

use std::{collections::BTreeMap, fmt::Write};

use kmdf_devices::trace::RegisterNames;
use kmdf_machine::{Event, Record};

use super::{Work, is_shown, register};

/// Width of one event.
const STEP: usize = 30;
/// Left of the first event.
const LEFT: usize = 96;
/// Above the first lane: the title, the legend and the times.
const TOP: usize = 92;
/// Height of a callback's bar.
const BAR: usize = 24;
/// Height of the IRQL line's room.
const IRQL: usize = 44;
/// Height of the room for the names of register accesses and completions.
const NOTES: usize = 118;

/// A callback that ran from one event to another.
struct Bar {
    name: &'static str,
    depth: usize,
    from: usize,
    to: usize,
}

/// What one processor did.
#[derive(Default)]
struct Lane {
    bars: Vec<Bar>,
    /// Bars that have not ended, by flow.
    open: Vec<usize>,
    depth: usize,
    /// IRQL from each event on.
    levels: Vec<(usize, u8)>,
    /// Marks: where, color, text.
    notes: Vec<(usize, &'static str, String)>,
    interrupts: Vec<usize>,
}

/// Draws the records of a run. `title` says what it is.
#[must_use]
pub fn svg(title: &str, records: &[Record], names: RegisterNames) -> String {
    let shown: Vec<&Record> = records.iter().filter(|record| is_shown(record)).collect();
    let lanes = lanes(&shown, names);
    let width = LEFT + STEP * (shown.len() + 2).max(30);
    let height = lanes.values().fold(TOP, |sum, lane| sum + lane.height()) + 16;
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = draw(&mut out, title, &shown, &lanes, (width, height));
    out
}

fn lanes(shown: &[&Record], names: RegisterNames) -> BTreeMap<u32, Lane> {
    let mut lanes: BTreeMap<u32, Lane> = BTreeMap::new();
    for (at, record) in shown.iter().enumerate() {
        let Some(processor) = record.processor else {
            continue;
        };
        let lane = lanes.entry(processor).or_default();
        lane.add(at, record, names);
    }
    for lane in lanes.values_mut() {
        while let Some(open) = lane.open.pop() {
            lane.bars[open].to = shown.len();
        }
    }
    lanes
}

impl Lane {
    fn add(&mut self, at: usize, record: &Record, names: RegisterNames) {
        let level = record.irql.level();
        if self.levels.last().is_none_or(|&(_, last)| last != level) {
            self.levels.push((at, level));
        }
        match &record.event {
            Event::Interrupt { .. } => self.interrupts.push(at),
            Event::Enter { callback, .. } => {
                self.open.push(self.bars.len());
                self.depth = self.depth.max(self.open.len());
                self.bars.push(Bar {
                    name: callback,
                    depth: self.open.len() - 1,
                    from: at,
                    to: at + 1,
                });
            }
            Event::Leave { callback, .. } => {
                // The innermost of that name: another thread's may be open around it.
                let found = self
                    .open
                    .iter()
                    .rposition(|&bar| self.bars[bar].name == *callback);
                if let Some(index) = found {
                    let bar = self.open.remove(index);
                    self.bars[bar].to = at;
                }
            }
            Event::Read { address, value, .. } => {
                let text = format!("{} = {value:#x}", register(*address, names));
                self.notes.push((at, "#1e8449", text));
            }
            Event::Write { address, value, .. } => {
                let text = format!("{} := {value:#x}", register(*address, names));
                self.notes.push((at, "#c0392b", text));
            }
            Event::Complete { status, .. } => {
                let text = format!("completed {:#010x}", status.cast_unsigned());
                self.notes.push((at, "#2471a3", text));
            }
            _ => {}
        }
    }

    const fn bars_height(&self) -> usize {
        (self.depth + 1) * (BAR + 3)
    }

    const fn height(&self) -> usize {
        self.bars_height() + NOTES + IRQL + 20
    }
}

fn x(at: usize) -> usize {
    LEFT + STEP * at
}

/// A callback's name without what its color says already.
fn short(callback: &str) -> &str {
    let name = callback.strip_prefix("Evt").unwrap_or(callback);
    ["Interrupt", "Device"]
        .into_iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn draw(
    out: &mut String,
    title: &str,
    shown: &[&Record],
    lanes: &BTreeMap<u32, Lane>,
    (width, height): (usize, usize),
) -> std::fmt::Result {
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"12\" y=\"22\" font-size=\"15\" font-weight=\"bold\">{}</text>",
        escape(title)
    )?;
    for (index, work) in Work::ALL.iter().enumerate() {
        let left = 12 + index * 128;
        writeln!(
            out,
            "<rect x=\"{left}\" y=\"34\" width=\"12\" height=\"12\" rx=\"2\" fill=\"{}\"/>\
             <text x=\"{}\" y=\"44\">{}</text>",
            work.color(),
            left + 17,
            work.name()
        )?;
    }
    let mut top = TOP;
    for (processor, lane) in lanes {
        draw_lane(out, *processor, lane, top, (width, shown.len()))?;
        top += lane.height();
    }
    times(out, shown, height)?;
    writeln!(out, "</svg>")
}

/// A dashed line wherever the clock moved.
fn times(out: &mut String, shown: &[&Record], height: usize) -> std::fmt::Result {
    let mut last = None;
    let mut free = 0;
    for (at, record) in shown.iter().enumerate() {
        if last.replace(record.time) == Some(record.time) {
            continue;
        }
        let left = x(at);
        writeln!(
            out,
            "<line x1=\"{left}\" y1=\"74\" x2=\"{left}\" y2=\"{height}\" stroke=\"#d5d8dc\" \
             stroke-dasharray=\"3 3\"/>"
        )?;
        if left >= free {
            writeln!(
                out,
                "<text x=\"{left}\" y=\"70\" fill=\"#566573\">{}</text>",
                record.time
            )?;
            free = left + 88;
        }
    }
    Ok(())
}

fn draw_lane(
    out: &mut String,
    processor: u32,
    lane: &Lane,
    top: usize,
    (width, end): (usize, usize),
) -> std::fmt::Result {
    writeln!(
        out,
        "<rect x=\"0\" y=\"{top}\" width=\"{width}\" height=\"{}\" fill=\"#f8f9f9\"/>\
         <text x=\"12\" y=\"{}\" font-size=\"13\" font-weight=\"bold\">CPU {processor}</text>",
        lane.height() - 10,
        top + 18
    )?;
    for &at in &lane.interrupts {
        let left = x(at);
        writeln!(
            out,
            "<path d=\"M{} {} l-7 12 h5 l-3 10 l9 -13 h-5 l4 -9 z\" fill=\"#c0392b\">\
             <title>interrupt</title></path>",
            left + 9,
            top + 2
        )?;
    }
    for bar in &lane.bars {
        let (left, up) = (x(bar.from), top + 4 + bar.depth * (BAR + 3));
        let length = STEP * (bar.to - bar.from) + STEP - 4;
        let name = short(bar.name);
        // About 6 units for each character.
        let room = length / 6;
        let label: String = name.chars().take(room.saturating_sub(1)).collect();
        writeln!(
            out,
            "<rect x=\"{left}\" y=\"{up}\" width=\"{length}\" height=\"{BAR}\" rx=\"3\" \
             fill=\"{}\"><title>{}</title></rect>\
             <text x=\"{}\" y=\"{}\" fill=\"#ffffff\">{}</text>",
            Work::of(bar.name).color(),
            escape(bar.name),
            left + 4,
            up + 16,
            escape(&label)
        )?;
    }
    let notes = top + lane.bars_height();
    for (at, color, text) in &lane.notes {
        let left = x(*at) + STEP / 2;
        writeln!(
            out,
            "<circle cx=\"{left}\" cy=\"{notes}\" r=\"3.5\" fill=\"{color}\"/>\
             <text transform=\"translate({},{}) rotate(38)\" fill=\"{color}\" \
             font-size=\"10\">{}</text>",
            left + 2,
            notes + 13,
            escape(text)
        )?;
    }
    draw_irql(out, lane, notes + NOTES, end)
}

/// The IRQL as a line of steps: higher is higher.
fn draw_irql(out: &mut String, lane: &Lane, top: usize, end: usize) -> std::fmt::Result {
    let bottom = top + IRQL - 8;
    let y = |level: u8| bottom - usize::from(level.min(11)) * 3;
    writeln!(
        out,
        "<text x=\"12\" y=\"{bottom}\" fill=\"#566573\">IRQL</text>"
    )?;
    let mut path = String::new();
    let mut last = None;
    for &(at, level) in &lane.levels {
        match last {
            None => write!(path, "M{} {}", x(at), y(level))?,
            Some(before) if before != level => {
                write!(path, " H{} V{}", x(at), y(level))?;
            }
            Some(_) => {}
        }
        if last.is_none_or(|before| before < level) && level > 1 {
            writeln!(
                out,
                "<text x=\"{}\" y=\"{}\" font-size=\"9\" fill=\"#566573\">{}</text>",
                x(at) + 2,
                y(level) - 3,
                if level == 2 {
                    "DISPATCH".to_owned()
                } else {
                    format!("DIRQL {level}")
                }
            )?;
        }
        last = Some(level);
    }
    writeln!(
        out,
        "<path d=\"{path} H{}\" fill=\"none\" stroke=\"#34495e\" stroke-width=\"1.5\"/>",
        x(end)
    )
}
