//! Images that run: what their call stacks are walked as.

use super::*;

thread_local! {
    /// The image whose code runs on this thread, and the call stacks seen by its import.
    static RUNNING: RefCell<Option<Arc<MappedImage>>> = const { RefCell::new(None) };
    static STACKS: RefCell<Vec<(CallStack, u64)>> = const { RefCell::new(Vec::new()) };
}

/// What the fixture imports: notes the call stack and the value that the argument points to.
#[unsafe(naked)]
unsafe extern "win64" fn imported(value: *const u64) {
    naked_asm!("mov rdx, rsp", "jmp {note}", note = sym note)
}

extern "win64" fn note(value: *const u64, stack: *const u64) {
    let read = |address: u64| {
        let address = usize::try_from(address).ok()?;
        // SAFETY: a test's thread has more than 64 KiB of stack above the driver's frames, and
        // the walk does not come as far as that.
        Some(unsafe { std::ptr::with_exposed_provenance::<u64>(address).read() })
    };
    let mut registers = Registers::default();
    let stack = stack.expose_provenance() as u64;
    registers.gpr[Registers::RSP] = stack + 8;
    registers.rip = read(stack).expect("a return address");
    // SAFETY: the fixture passes the address of its cookie.
    let value = unsafe { value.read() };
    RUNNING.with_borrow(|image| {
        let image = image.as_ref().expect("an image runs");
        let walked = image.call_stack_after_return(&registers, read);
        STACKS.with_borrow_mut(|stacks| stacks.push((walked, value)));
    });
}

/// Runs the fixture's entry on this thread; the call stacks that its import saw.
fn run(image: &Arc<MappedImage>, argument: u32) -> (u32, Vec<(CallStack, u64)>) {
    RUNNING.set(Some(Arc::clone(image)));
    let entry: *const () =
        std::ptr::with_exposed_provenance(usize::try_from(image.entry()).expect("64 bits"));
    // SAFETY: `FxDriverEntry` of the fixture has this signature.
    let entry: extern "win64" fn(u32) -> u32 = unsafe { std::mem::transmute(entry) };
    let result = entry(argument);
    RUNNING.set(None);
    (result, STACKS.take())
}

fn runnable() -> Arc<MappedImage> {
    let address =
        (imported as unsafe extern "win64" fn(*const u64) as *const ()).expose_provenance() as u64;
    Arc::new(fixture().map(|_, _| Ok(address)).expect("a mapping"))
}

#[test]
fn a_mapped_image_runs() {
    let image = runnable();
    let (result, stacks) = run(&image, 7);
    assert_eq!(result, 7);
    let cookie = image.read(COOKIE).map(u64::from_le_bytes);
    assert_eq!(stacks.len(), 2);
    assert!(stacks.iter().all(|(_, value)| Some(*value) == cookie));
}

#[test]
fn patched_code_runs_at_once() {
    let image = runnable();
    assert_eq!(run(&image, 7).0, 7);
    // mov eax, 42; ret
    image
        .write_code(ENTRY, &[0xb8, 42, 0, 0, 0, 0xc3])
        .expect("code");
    assert_eq!(run(&image, 7).0, 42);
}

#[test]
fn a_call_stack_leads_from_the_import_to_the_entry_and_has_names_and_lines() {
    let image = runnable();
    let symbols = Symbols::load(image.image(), None).expect("the fixture's PDB");
    let (_, stacks) = run(&image, 7);
    let (first, second) = (&stacks[0].0, &stacks[1].0);
    assert_eq!(first.frames, [0x1033, 0x100c]);
    assert!(matches!(first.end, StackEnd::Outside(_)));
    // A tail call leaves no frame.
    assert_eq!(second.frames, [0x1033]);

    let frames: Vec<_> = first
        .lookups()
        .flat_map(|rva| symbols.frames(rva))
        .collect();
    let functions: Vec<_> = frames
        .iter()
        .map(|frame| (frame.function.as_str(), frame.is_inlined()))
        .collect();
    assert_eq!(
        functions,
        [
            ("fixture::interrupt::acknowledge", true),
            ("fixture::interrupt::isr", false),
            ("fixture::FxDriverEntry", false)
        ]
    );
    let line_of = |text: &str| {
        let source = fs::read_to_string(testdata("fixture.rs")).expect("its source");
        let line = source.lines().position(|line| line.trim() == text);
        u32::try_from(line.expect("a line") + 1).ok()
    };
    assert_eq!(
        frames[0].line,
        line_of("unsafe { crate::imported(&crate::__security_cookie) };")
    );
    assert_eq!(frames[1].line, line_of("acknowledge(value)"));
    assert_eq!(frames[2].line, line_of("interrupt::isr(value);"));
    assert!(
        frames[2]
            .file
            .as_deref()
            .is_some_and(|f| f.ends_with("fixture.rs"))
    );
}

#[test]
fn a_call_stack_is_right_at_every_instruction_of_a_function() {
    const RETURN: u64 = 0xffff_0000;
    const SAVED: u64 = 0x5151;
    let image = map(fixture());
    let function = image.address(ENTRY);
    // push rsi; sub rsp, 32; mov; call; mov; add rsp, 32; pop rsi; jmp
    // What each instruction finds: how far the stack pointer is below the return address.
    for (offset, depth) in [
        (0, 0),
        (1, 8),
        (5, 40),
        (7, 40),
        (12, 40),
        (14, 40),
        (18, 8),
        (19, 0),
    ] {
        let top = 0x8000;
        let mut registers = Registers {
            rip: function + offset,
            ..Registers::default()
        };
        registers.gpr[Registers::RSP] = top - depth;
        let walked = image.call_stack(&registers, |address| match address {
            _ if address == top => Some(RETURN),
            _ if address == top - 8 => Some(SAVED),
            _ => None,
        });
        assert_eq!(walked.end, StackEnd::Outside(RETURN), "at +{offset}");
        assert_eq!(walked.frames.len(), 1);
    }
}

#[test]
fn a_stack_that_cannot_be_read_ends_the_walk_with_its_address() {
    let image = map(fixture());
    let mut registers = Registers {
        rip: image.entry(),
        ..Registers::default()
    };
    registers.gpr[Registers::RSP] = 0x7000;
    let walked = image.call_stack(&registers, |_| None);
    assert_eq!(walked.frames, [ENTRY]);
    assert_eq!(walked.end, StackEnd::Unreadable(0x7000));
}

#[test]
fn a_stack_that_returns_into_itself_ends() {
    let image = map(fixture());
    let registers = Registers {
        rip: image.entry(),
        ..Registers::default()
    };
    let address = image.address(EXPORTED);
    let walked = image.call_stack(&registers, |_| Some(address));
    assert_eq!(walked.end, StackEnd::TooDeep);
}
