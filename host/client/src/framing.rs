//! Messages to bytes and back.
//!
//! A frame is the length of its body (4 bytes, little-endian) and the body: one message in
//! [postcard](https://postcard.jamesmunns.com/wire-format)'s format. A body has at least one and at
//! most [`MAX_FRAME_BYTES`] bytes.

use std::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use crate::protocol::{Greeting, MAX_TRANSFER_BYTES, Reply, Request};

/// The longest body of a frame: the longest transfer and room for the message around it.
pub const MAX_FRAME_BYTES: usize = MAX_TRANSFER_BYTES as usize + 64;

/// The length of the prefix that holds a body's length.
const PREFIX_BYTES: usize = size_of::<u32>();

/// Why bytes are no message, or a message cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// A length prefix of 0.
    #[error("an empty frame: the other side does not speak this protocol")]
    Empty,
    /// A length above the limit.
    #[error("a frame of {length} bytes, above the limit of {MAX_FRAME_BYTES}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// The body is not a message of this version.
    #[error("a frame of {length} bytes that is not a message: {reason}")]
    Malformed {
        /// Length of the body in bytes.
        length: usize,
        /// What the decoder found.
        reason: String,
    },
    /// A transfer above [`MAX_TRANSFER_BYTES`].
    #[error("a transfer of {bytes} bytes, above the limit of {MAX_TRANSFER_BYTES}")]
    TransferTooLong {
        /// How many bytes were asked for or sent.
        bytes: usize,
    },
    /// A greeting without this protocol's magic bytes.
    #[error("a greeting of another protocol")]
    ForeignGreeting,
}

/// What travels in a frame: [`Request`] or [`Reply`].
pub trait Message: Serialize + DeserializeOwned {
    /// Checks the limits that the message's types alone do not keep. [`encode`] and [`FrameReader`]
    /// call it, so neither side ever sees a message that breaks one.
    ///
    /// # Errors
    /// [`FrameError::TransferTooLong`], [`FrameError::ForeignGreeting`].
    fn check(&self) -> Result<(), FrameError>;
}

impl Message for Request {
    fn check(&self) -> Result<(), FrameError> {
        match self {
            Self::Hello(greeting) => check_greeting(greeting),
            Self::Control {
                input,
                output_length,
                ..
            } => check_transfer(input.len()).and(check_transfer(*output_length as usize)),
            Self::Read { length, .. } => check_transfer(*length as usize),
            Self::Write { data, .. } => check_transfer(data.len()),
            Self::Open { .. } | Self::Cancel { .. } | Self::Close { .. } => Ok(()),
        }
    }
}

impl Message for Reply {
    fn check(&self) -> Result<(), FrameError> {
        match self {
            Self::Hello(greeting) => check_greeting(greeting),
            Self::Completed { output, .. } => check_transfer(output.len()),
            Self::Opened { .. } | Self::Closed { .. } | Self::Goodbye { .. } => Ok(()),
        }
    }
}

fn check_greeting(greeting: &Greeting) -> Result<(), FrameError> {
    if *greeting == Greeting::of(greeting.version) {
        Ok(())
    } else {
        Err(FrameError::ForeignGreeting)
    }
}

fn check_transfer(bytes: usize) -> Result<(), FrameError> {
    if bytes <= MAX_TRANSFER_BYTES as usize {
        Ok(())
    } else {
        Err(FrameError::TransferTooLong { bytes })
    }
}

/// The frame of a message.
///
/// # Errors
/// A message that breaks a limit: see [`FrameError`].
pub fn encode<M: Message>(message: &M) -> Result<Vec<u8>, FrameError> {
    message.check()?;
    let frame = postcard::to_extend(message, vec![0; PREFIX_BYTES])
        .map_err(|error| malformed(0, &error))?;
    let length = frame.len().saturating_sub(PREFIX_BYTES);
    if length > MAX_FRAME_BYTES {
        return Err(FrameError::TooLong { length });
    }
    let mut frame = frame;
    let prefix = u32::try_from(length).map_err(|_| FrameError::TooLong { length })?;
    for (byte, value) in frame.iter_mut().zip(prefix.to_le_bytes()) {
        *byte = value;
    }
    Ok(frame)
}

/// The message in a frame's body.
fn decode<M: Message>(body: &[u8]) -> Result<M, FrameError> {
    let (message, rest) =
        postcard::take_from_bytes::<M>(body).map_err(|error| malformed(body.len(), &error))?;
    if !rest.is_empty() {
        return Err(malformed(
            body.len(),
            &format_args!("{} bytes follow the message", rest.len()),
        ));
    }
    message.check()?;
    Ok(message)
}

fn malformed(length: usize, reason: &dyn std::fmt::Display) -> FrameError {
    FrameError::Malformed {
        length,
        reason: reason.to_string(),
    }
}

/// Puts messages together from pieces of a stream, wherever it was cut.
///
/// Push what was read, then take messages until there is none:
///
/// ```
/// # use kmdf_host_client::{framing::{FrameReader, encode}, protocol::{Request, Tag}};
/// # let bytes = encode(&Request::Cancel { tag: Tag(7) }).unwrap();
/// let mut reader = FrameReader::<Request>::new();
/// reader.push(&bytes);
/// for message in reader.by_ref() {
///     println!("{:?}", message?);
/// }
/// # Ok::<(), kmdf_host_client::framing::FrameError>(())
/// ```
///
/// An error ends the stream, for nothing tells where the next frame would begin: it is given once,
/// then there is no message any more and what is pushed is dropped. What one frame and one push
/// need is all the memory it takes when messages are taken after each push.
#[derive(Debug)]
pub struct FrameReader<M> {
    buffer: Vec<u8>,
    /// What of `buffer` was taken already.
    taken: usize,
    broken: bool,
    message: PhantomData<fn() -> M>,
}

impl<M> Default for FrameReader<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M> FrameReader<M> {
    /// A reader at the start of a stream.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            buffer: Vec::new(),
            taken: 0,
            broken: false,
            message: PhantomData,
        }
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.broken {
            return;
        }
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether the stream may end here: no frame has been begun. Ask when no message is left.
    #[must_use]
    pub const fn is_between_frames(&self) -> bool {
        self.taken == self.buffer.len()
    }
}

impl<M: Message> FrameReader<M> {
    /// The body of the next frame, once it is whole.
    fn next_body(&mut self) -> Option<Result<&[u8], FrameError>> {
        let (prefix, rest) = self
            .buffer
            .get(self.taken..)?
            .split_first_chunk::<PREFIX_BYTES>()?;
        let length = u32::from_le_bytes(*prefix) as usize;
        if length == 0 {
            return Some(Err(FrameError::Empty));
        }
        if length > MAX_FRAME_BYTES {
            return Some(Err(FrameError::TooLong { length }));
        }
        let body = rest.get(..length)?;
        self.taken += PREFIX_BYTES + length;
        Some(Ok(body))
    }
}

impl<M: Message> Iterator for FrameReader<M> {
    type Item = Result<M, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        let message = self.next_body()?.and_then(decode);
        if message.is_err() {
            self.broken = true;
            self.buffer = Vec::new();
            self.taken = 0;
        }
        Some(message)
    }
}

#[cfg(test)]
mod tests;
