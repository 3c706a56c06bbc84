//! A client of QEMU's qtest protocol: one line each way for a command, and lines about interrupt
//! pins whenever one changes.

use std::{
    collections::VecDeque,
    fmt::{self, Write as _},
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

/// No line of the protocol comes near this length.
const LONGEST_LINE: usize = 4096;

/// A change of an intercepted interrupt pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) pin: u32,
    pub(super) asserted: bool,
}

/// The answer to a command: its value, if it has one.
#[derive(Clone, Copy, Debug)]
struct Answer(Option<u64>);

/// One line from QEMU.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    /// A command was carried out, and may have given a value.
    Done(Option<u64>),
    /// An intercepted pin changed.
    Edge(Edge),
}

/// Why a command has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// QEMU closed the connection.
    Gone,
    /// QEMU did not answer in time.
    Silent(Duration),
    /// QEMU answered what it should not have.
    Protocol(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::UnexpectedEof => Self::Gone,
            _ => Self::Protocol(error.to_string()),
        }
    }
}

impl From<Errno> for Failure {
    fn from(error: Errno) -> Self {
        io::Error::from(error).into()
    }
}

/// A connection to QEMU.
#[derive(Debug)]
pub(super) struct Qtest {
    socket: UnixStream,
    limit: Duration,
    /// What came and is not a whole line yet.
    incoming: Vec<u8>,
    edges: VecDeque<Edge>,
    outgoing: String,
}

impl Qtest {
    /// A client at one end of a connection; it waits for an answer up to `limit`.
    pub(super) fn new(socket: UnixStream, limit: Duration) -> io::Result<Self> {
        socket.set_read_timeout(Some(limit))?;
        socket.set_write_timeout(Some(limit))?;
        Ok(Self {
            socket,
            limit,
            incoming: Vec::with_capacity(LONGEST_LINE),
            edges: VecDeque::new(),
            outgoing: String::new(),
        })
    }

    /// Has QEMU carry out a command, and gives its value if it has one. Edges that come before the
    /// answer are kept for [`Qtest::next_edge`].
    pub(super) fn command(&mut self, command: fmt::Arguments<'_>) -> Result<Option<u64>, Failure> {
        self.outgoing.clear();
        writeln!(self.outgoing, "{command}").expect("a String takes any text");
        let deadline = Instant::now() + self.limit;
        match self.socket.write_all(self.outgoing.as_bytes()) {
            Err(error) if is_timeout(&error) => return Err(Failure::Silent(self.limit)),
            result => result?,
        }
        loop {
            if let Some(Answer(value)) = self.sort()? {
                return Ok(value);
            }
            if Instant::now() >= deadline {
                return Err(Failure::Silent(self.limit));
            }
            self.receive()?;
        }
    }

    /// The oldest edge that came and was not taken yet.
    pub(super) fn next_edge(&mut self) -> Option<Edge> {
        self.edges.pop_front()
    }

    /// Waits up to `limit` for QEMU to say something by itself. Says whether it did.
    pub(super) fn listen(&mut self, limit: Duration) -> Result<bool, Failure> {
        let limit = Timespec::try_from(limit).unwrap_or(Timespec {
            tv_sec: i64::MAX,
            tv_nsec: 0,
        });
        let mut descriptors = [PollFd::new(&self.socket, PollFlags::IN)];
        match poll(&mut descriptors, Some(&limit)) {
            // A signal: the caller looks at the clock and comes back.
            Ok(0) | Err(Errno::INTR) => return Ok(false),
            result => result?,
        };
        self.receive()?;
        match self.sort()? {
            None => Ok(!self.edges.is_empty()),
            Some(_) => Err(Failure::Protocol(
                "an answer to a command that was not given".to_owned(),
            )),
        }
    }

    /// Sorts all whole lines that were received: keeps the edges, and gives the answer to a
    /// command if one is there. No line is left for later, where nobody might look for it.
    fn sort(&mut self) -> Result<Option<Answer>, Failure> {
        let mut answer = None;
        while let Some(line) = self.take_line()? {
            match line {
                Line::Edge(edge) => self.edges.push_back(edge),
                Line::Done(value) if answer.is_none() => answer = Some(Answer(value)),
                Line::Done(_) => {
                    return Err(Failure::Protocol("two answers to one command".to_owned()));
                }
            }
        }
        Ok(answer)
    }

    /// Takes what there is from the socket, waiting for it if need be.
    fn receive(&mut self) -> Result<(), Failure> {
        let mut bytes = [0; LONGEST_LINE];
        match self.socket.read(&mut bytes) {
            Ok(0) => Err(Failure::Gone),
            Ok(count) => {
                self.incoming.extend_from_slice(&bytes[..count]);
                Ok(())
            }
            Err(error) if is_timeout(&error) => Err(Failure::Silent(self.limit)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The next whole line that was received.
    fn take_line(&mut self) -> Result<Option<Line>, Failure> {
        let Some(end) = self.incoming.iter().position(|&byte| byte == b'\n') else {
            if self.incoming.len() > LONGEST_LINE {
                return Err(Failure::Protocol("a line without an end".to_owned()));
            }
            return Ok(None);
        };
        let line = parse(&self.incoming[..end]);
        self.incoming.drain(..=end);
        line.map(Some)
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

fn parse(line: &[u8]) -> Result<Line, Failure> {
    let strange = || Failure::Protocol(String::from_utf8_lossy(line).into_owned());
    let text = str::from_utf8(line).map_err(|_| strange())?;
    let mut words = text.split_ascii_whitespace();
    let parsed = match (words.next(), words.next(), words.next()) {
        (Some("OK"), None, None) => Line::Done(None),
        (Some("OK"), Some(value), None) => Line::Done(Some(number(value).ok_or_else(strange)?)),
        (Some("IRQ"), Some(change), Some(pin)) => Line::Edge(Edge {
            pin: pin.parse().map_err(|_| strange())?,
            asserted: match change {
                "raise" => true,
                "lower" => false,
                _ => return Err(strange()),
            },
        }),
        _ => return Err(strange()),
    };
    match words.next() {
        None => Ok(parsed),
        Some(_) => Err(strange()),
    }
}

fn number(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Far longer than anything here takes.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// A client, and a QEMU that answers each command with the next of some texts.
    fn client(answers: &'static [&'static str], limit: Duration) -> Qtest {
        let (ours, mut theirs) = UnixStream::pair().expect("sockets can be made");
        thread::spawn(move || {
            for answer in answers {
                let mut command = Vec::new();
                while !command.ends_with(b"\n") {
                    let mut byte = [0];
                    if theirs.read(&mut byte).expect("the client writes") == 0 {
                        return;
                    }
                    command.extend(byte);
                }
                theirs
                    .write_all(answer.as_bytes())
                    .expect("the client reads");
            }
        });
        Qtest::new(ours, limit).expect("limits can be set")
    }

    fn patient(answers: &'static [&'static str]) -> Qtest {
        client(answers, PATIENCE)
    }

    #[test]
    fn edges_before_the_answer_are_kept_in_order() {
        let mut qtest = patient(&["IRQ raise 21\nIRQ lower 21\nOK 0x00ff\n", "OK\n"]);
        assert_eq!(qtest.command(format_args!("readl 0x0")), Ok(Some(0xFF)));
        assert_eq!(qtest.command(format_args!("writel 0x0 0x0")), Ok(None));
        let edge = |asserted| Some(Edge { pin: 21, asserted });
        assert_eq!(qtest.next_edge(), edge(true));
        assert_eq!(qtest.next_edge(), edge(false));
        assert_eq!(qtest.next_edge(), None);
    }

    #[test]
    fn an_edge_in_one_piece_with_the_answer_before_it_is_there_at_once() {
        let mut qtest = patient(&["OK\nIRQ raise 3\n"]);
        assert_eq!(qtest.command(format_args!("a")), Ok(None));
        assert_eq!(
            qtest.next_edge(),
            Some(Edge {
                pin: 3,
                asserted: true
            })
        );
    }

    #[test]
    fn an_edge_that_comes_in_pieces_is_put_together() {
        let mut qtest = patient(&["OK\nIRQ rai", "se 3\nOK 0x1\nIRQ low"]);
        assert_eq!(qtest.command(format_args!("a")), Ok(None));
        assert_eq!(qtest.next_edge(), None);
        assert_eq!(qtest.command(format_args!("b")), Ok(Some(1)));
        assert!(qtest.next_edge().is_some_and(|edge| edge.asserted));
        assert_eq!(qtest.next_edge(), None);
    }

    #[test]
    fn an_edge_by_itself_ends_the_listening() {
        let (ours, mut theirs) = UnixStream::pair().expect("sockets can be made");
        let mut qtest = Qtest::new(ours, PATIENCE).expect("limits can be set");
        theirs
            .write_all(b"IRQ raise 3\nIRQ lower 3\n")
            .expect("the client reads");
        assert_eq!(qtest.listen(PATIENCE), Ok(true));
        assert!(qtest.next_edge().is_some_and(|edge| edge.asserted));
        assert!(qtest.next_edge().is_some_and(|edge| !edge.asserted));
    }

    #[test]
    fn an_answer_that_nobody_asked_for_is_an_error() {
        let (ours, mut theirs) = UnixStream::pair().expect("sockets can be made");
        let mut qtest = Qtest::new(ours, PATIENCE).expect("limits can be set");
        theirs.write_all(b"OK\n").expect("the client reads");
        assert!(matches!(qtest.listen(PATIENCE), Err(Failure::Protocol(_))));
        let mut twice = patient(&["OK\nOK\n"]);
        assert!(matches!(
            twice.command(format_args!("a")),
            Err(Failure::Protocol(_))
        ));
    }

    #[test]
    fn listening_ends_with_its_limit() {
        let (ours, _theirs) = UnixStream::pair().expect("sockets can be made");
        let mut qtest = Qtest::new(ours, PATIENCE).expect("limits can be set");
        assert_eq!(qtest.listen(Duration::from_millis(1)), Ok(false));
    }

    #[test]
    fn a_qemu_that_is_gone_is_told_from_one_that_is_silent() {
        let mut gone = patient(&[]);
        assert_eq!(gone.command(format_args!("a")), Err(Failure::Gone));
        let limit = Duration::from_millis(10);
        let (ours, _theirs) = UnixStream::pair().expect("sockets can be made");
        let mut silent = Qtest::new(ours, limit).expect("limits can be set");
        assert_eq!(
            silent.command(format_args!("a")),
            Err(Failure::Silent(limit))
        );
    }

    #[test]
    fn what_the_protocol_does_not_know_is_handed_on_word_for_word() {
        for text in [
            "FAIL Unknown device",
            "OK 12",
            "OK 0x1 0x2",
            "IRQ toggle 1",
            "IRQ raise one",
            "IRQ raise 1 2",
            "IRQ raise",
            "",
        ] {
            assert_eq!(
                parse(text.as_bytes()),
                Err(Failure::Protocol(text.to_owned()))
            );
        }
        assert!(parse(b"OK \xFF").is_err());
    }
}
