//! What a rule is.

use std::fmt;

/// A family of rules: what they are about. Each has a file of its own here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// At which IRQL what may be called, and with which a callback returns.
    Irql,
    /// Locks and waiting: taken once, given back by the flow that took them, in one order.
    Locks,
    /// A request is completed once, and not touched afterwards.
    Completion,
    /// Cancelable requests.
    Cancel,
    /// The states of queues, and what is retrieved from them.
    Queues,
    /// Requests that are sent to an I/O target.
    Sending,
    /// Stopping, power and removal.
    Power,
    /// Handles, parents, references, lifetimes.
    Objects,
    /// Pool, buffers, mappings, stacks.
    Memory,
    /// ISRs, DPCs of interrupts, lines and messages.
    Interrupts,
    /// Register accesses, as far as a device says what it does not take.
    Registers,
    /// DMA: the framework's objects, and what a device says of its transfers.
    Dma,
    /// What is asked of a function of framework or kernel beside all that.
    Calls,
    /// Instructions that end a system.
    Processor,
    /// Callbacks and requests come to their end, and in time.
    Progress,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Irql => "irql",
            Self::Locks => "locks",
            Self::Completion => "completion",
            Self::Cancel => "cancel",
            Self::Queues => "queues",
            Self::Sending => "sending",
            Self::Power => "power",
            Self::Objects => "objects",
            Self::Memory => "memory",
            Self::Interrupts => "interrupts",
            Self::Registers => "registers",
            Self::Dma => "dma",
            Self::Calls => "calls",
            Self::Processor => "processor",
            Self::Progress => "progress",
        })
    }
}

/// Whose a rule is: what, of Microsoft's, stops a driver that breaks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// KMDF itself: it ends the system with bug check 0x10D, WDF_VIOLATION, or breaks into the
    /// debugger; some of it only under KMDF Verifier.
    Framework,
    /// A DDI compliance rule, of Static Driver Verifier or of Driver Verifier.
    Compliance,
    /// The processor, the kernel or Driver Verifier: it ends the system with a bug check.
    System,
    /// Nothing: this host's own. The demand may be that of a function's documentation.
    Own,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Framework => "KMDF",
            Self::Compliance => "DDI compliance",
            Self::System => "Windows",
            Self::Own => "own",
        })
    }
}

/// What a driver must do. A run in which it does not ends with a report.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub struct Rule {
    /// Its name: Microsoft's where there is one.
    pub name: &'static str,
    /// What it is about.
    pub family: Family,
    /// What a driver must do, in one sentence.
    pub statement: &'static str,
    /// Whose it is.
    pub origin: Origin,
    /// Where it comes from: Microsoft's rule of that name, the code of a bug check and what ends in it,
    /// the documentation of a function, or `kmdf-host` for what only this host can see.
    pub source: &'static str,
}

/// Declares the rules of a family: `STATIC = Origin "Name", "source", "statement";`
macro_rules! declare {
    ($family:ident: $($rule:ident = $origin:ident $name:literal, $source:literal, $statement:literal;)*) => {
        $(
            #[doc = $statement]
            pub static $rule: $crate::Rule = $crate::Rule {
                name: $name,
                family: $crate::Family::$family,
                statement: $statement,
                origin: $crate::Origin::$origin,
                source: $source,
            };
        )*
        pub(crate) static RULES: &[&$crate::Rule] = &[$(&$rule),*];
    };
}
pub(crate) use declare;
