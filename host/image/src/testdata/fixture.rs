//! A driver image for the tests of this module, as small as rustc and lld make one:
//! ./build.sh builds fixture.sys and fixture.pdb.
#![feature(no_core, lang_items)]
#![no_core]
#![allow(internal_features)]

#[lang = "pointee_sized"]
pub trait PointeeSized {}
#[lang = "meta_sized"]
pub trait MetaSized: PointeeSized {}
#[lang = "sized"]
pub trait Sized: MetaSized {}
#[lang = "copy"]
pub trait Copy {}
impl Copy for u32 {}
#[lang = "freeze"]
trait Freeze {}
#[lang = "drop_in_place"]
fn drop_in_place<T: PointeeSized>(_: *mut T) {}
#[lang = "sync"]
pub trait Sync {}
impl Sync for LoadConfig {}
impl Sync for u64 {}
impl Sync for fn() {}

unsafe extern "C" {
    fn imported(value: &u64) -> u32;
}

pub mod interrupt {
    /// Inlined into its caller.
    #[inline(always)]
    fn acknowledge(value: u32) -> u32 {
        unsafe { crate::imported(&crate::__security_cookie) };
        value
    }

    #[inline(never)]
    pub fn isr(value: u32) -> u32 {
        acknowledge(value)
    }
}

/// Calls the import twice, through two functions of which one is inlined, and returns its
/// argument. The second call is a tail call: it leaves no frame of this function.
#[unsafe(no_mangle)]
pub extern "C" fn FxDriverEntry(value: u32) -> u32 {
    interrupt::isr(value);
    interrupt::isr(value)
}

/// What the linker exports.
#[unsafe(no_mangle)]
pub extern "C" fn exported() {}

fn nothing() {}

#[unsafe(no_mangle)]
#[unsafe(link_section = ".data")]
static __security_cookie: u64 = 0x2b99_2ddf_a232;

#[unsafe(link_section = ".00cfg")]
static GUARD_CHECK: fn() = nothing;
#[unsafe(link_section = ".00cfg")]
static GUARD_DISPATCH: fn() = nothing;

#[repr(C)]
struct LoadConfig {
    size: u64,
    before: (u64, u64, u64, u64, u64, u64, u64, u64, u64, u64),
    security_cookie: &'static u64,
    between: (u64, u64),
    guard_check: &'static fn(),
    guard_dispatch: &'static fn(),
}

#[unsafe(no_mangle)]
static _load_config_used: LoadConfig = LoadConfig {
    size: 128,
    before: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    security_cookie: &__security_cookie,
    between: (0, 0),
    guard_check: &GUARD_CHECK,
    guard_dispatch: &GUARD_DISPATCH,
};
