//! What is at an address, for people.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One function at an address. Several where functions were inlined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The function's name, readable.
    pub function: String,
    /// The address's distance from the function's first byte. Of the outermost function only: an
    /// inlined one has no address of its own.
    pub offset: Option<u32>,
    /// Source file.
    pub file: Option<String>,
    /// Line in it.
    pub line: Option<u32>,
}

impl Frame {
    /// Whether the function was inlined into the next frame's.
    #[must_use]
    pub const fn is_inlined(&self) -> bool {
        self.offset.is_none()
    }

    /// Whether somebody wrote its source for this driver: it is neither of the compiler's library, nor
    /// of a registry's package, nor made by a build script.
    fn is_own(&self) -> bool {
        self.file.as_ref().is_some_and(|file| {
            let file = file.replace('\\', "/");
            let made = file.contains("/build/") && file.contains("/out/");
            !(file.starts_with("/rustc/") || file.contains("/registry/src/") || made)
        })
    }

    /// The frame that says best where in the source an address is: the innermost of the driver's own
    /// source, or the innermost that has a source at all.
    #[must_use]
    pub fn place(frames: &[Self]) -> Option<&Self> {
        let with_source = || frames.iter().filter(|frame| frame.file.is_some());
        with_source()
            .find(|frame| frame.is_own())
            .or_else(|| with_source().next())
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.function)?;
        match self.offset {
            Some(0) => {}
            Some(offset) => write!(f, "+{offset:#x}")?,
            None => f.write_str(" (inlined)")?,
        }
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, " at {file}:{line}"),
            (Some(file), None) => write!(f, " in {file}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Frame;

    fn inlined(file: Option<&str>) -> Frame {
        Frame {
            function: "function".to_owned(),
            offset: None,
            file: file.map(str::to_owned),
            line: Some(1),
        }
    }

    #[test]
    fn a_place_is_in_the_source_that_was_written_for_the_driver() {
        let made = inlined(Some(
            r"C:\edu\target\release\build\wdk-sys-1\out\binding.rs",
        ));
        let library = inlined(Some("/rustc/5980/library/core/src/result.rs"));
        let package = inlined(Some("/cargo/registry/src/index-1/zerocopy-0.8/src/lib.rs"));
        let own = inlined(Some("/edu/driver/src/wdf/queue.rs"));
        let outer = inlined(Some("/edu/driver/src/device.rs"));
        let nothing = inlined(None);
        let frames = [&nothing, &made, &library, &package, &own, &outer].map(Clone::clone);
        assert_eq!(Frame::place(&frames), Some(&own));
        assert_eq!(Frame::place(&frames[..4]), Some(&made));
        assert_eq!(Frame::place(&frames[..1]), None);
    }
}
