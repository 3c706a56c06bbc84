//! Typed context space of framework objects.

use core::{ffi::CStr, marker::PhantomData, mem::needs_drop, ptr::NonNull};

use wdk_sys::{
    WDF_OBJECT_ATTRIBUTES, WDF_OBJECT_CONTEXT_TYPE_INFO, WDFOBJECT,
    call_unsafe_wdf_function_binding,
};

use super::{
    NtStatus, Result,
    init::{self, size_field},
};

/// A type that lives in the context space of framework objects. Implement it with
/// [`context_type!`](crate::context_type): that makes the one static that the framework knows the type by.
///
/// ```no_run
/// use core::sync::atomic::AtomicU32;
///
/// struct Counter(AtomicU32);
/// kmdf::context_type!(Counter, c"Counter");
/// ```
///
/// What works with any of them names the trait:
///
/// ```no_run
/// use kmdf::{Context, ContextType, Device, Result};
///
/// fn attach<C: Context>(device: Device<'_>, context: C) -> Result<&'static ContextType<C>> {
///     device.attach(context)?;
///     Ok(C::context_type())
/// }
/// ```
///
/// A context is shared as soon as it is there, so it is `Sync`: what changes in it is behind a lock or atomic.
///
/// ```compile_fail
/// struct Counter(core::cell::Cell<u32>);
/// kmdf::context_type!(Counter, c"Counter");
/// ```
pub trait Context: Sized + Sync + 'static {
    /// The type's identity.
    fn context_type() -> &'static ContextType<Self>;
}

/// `WDF_OBJECT_CONTEXT_TYPE_INFO` of a type, in the static that
/// [`context_type!`](crate::context_type) makes.
///
/// # Invariants
/// Whatever object has a context of this type, that context is a `T`.
#[repr(transparent)]
pub struct ContextType<T>(WDF_OBJECT_CONTEXT_TYPE_INFO, PhantomData<fn() -> T>);

// SAFETY: it is never written after its initialization, and its pointers lead to statics.
unsafe impl<T> Sync for ContextType<T> {}

impl<T> ContextType<T> {
    /// What `WDF_DECLARE_CONTEXT_TYPE` writes. `this` is the static that is initialized.
    ///
    /// No example: `context_type!` is the way to call it.
    #[must_use]
    pub const fn new(this: &'static Self, name: &'static CStr) -> Self {
        const {
            // The framework aligns context space for any pool allocation: 16 bytes.
            assert!(align_of::<T>() <= 16);
        }
        Self(
            WDF_OBJECT_CONTEXT_TYPE_INFO {
                Size: size_field::<WDF_OBJECT_CONTEXT_TYPE_INFO>(),
                ContextName: name.as_ptr().cast_mut(),
                ContextSize: size_of::<T>(),
                UniqueType: &raw const this.0,
                EvtDriverGetUniqueContextType: None,
            },
            PhantomData,
        )
    }

    /// The same static as the type of a generic `T`, which can have no static of its own.
    ///
    /// # Safety
    /// For each object, there is one `T` only that it is created with and looked at by.
    pub(crate) const unsafe fn of_one<U>(&'static self) -> &'static ContextType<U> {
        const {
            assert!(align_of::<U>() <= 16, "as in `new`");
        }
        // SAFETY: both are the same structure. That its context is a `U`, for every object that is looked at as one,
        // is this function's contract; `attributes_with` asks for the size of a `U`.
        unsafe { &*core::ptr::from_ref(self).cast() }
    }

    const fn as_ptr(&'static self) -> *const WDF_OBJECT_CONTEXT_TYPE_INFO {
        &raw const self.0
    }
}

/// Makes a type a [`Context`](crate::Context), under a name that debuggers show
/// (`WDF_DECLARE_CONTEXT_TYPE`).
#[macro_export]
macro_rules! context_type {
    ($type:ty, $name:literal) => {
        impl $crate::Context for $type {
            fn context_type() -> &'static $crate::ContextType<Self> {
                static TYPE: $crate::ContextType<$type> = $crate::ContextType::new(&TYPE, $name);
                &TYPE
            }
        }
    };
}

/// `WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE`. The object drops its `T` when it is destroyed, so
/// the caller must [`initialize`] the context as soon as the object exists.
pub(crate) fn attributes_with<T: Context>() -> WDF_OBJECT_ATTRIBUTES {
    WDF_OBJECT_ATTRIBUTES {
        EvtDestroyCallback: if needs_drop::<T>() {
            Some(evt_destroy::<T>)
        } else {
            None
        },
        ContextTypeInfo: T::context_type().as_ptr(),
        ContextSizeOverride: size_of::<T>(),
        ..init::object_attributes()
    }
}

/// Adds a context to an object (`WdfObjectAllocateContext`). IRQL: <= DISPATCH_LEVEL.
///
/// # Safety
/// `object` is alive and belongs to this driver.
pub(crate) unsafe fn attach<T: Context>(object: WDFOBJECT, value: T) -> Result<()> {
    let mut attributes = attributes_with::<T>();
    let mut memory = core::ptr::null_mut();
    // SAFETY: the object is alive by this function's contract; attributes and memory are locals, which
    // outlive the call.
    let status = unsafe {
        call_unsafe_wdf_function_binding!(
            WdfObjectAllocateContext,
            object,
            &raw mut attributes,
            &raw mut memory
        )
    };
    NtStatus::check(status)?;
    // SAFETY: the call succeeded, so there is space of the size of `T`, aligned for any `T` that
    // `ContextType::new` accepts; nobody else has its address yet.
    unsafe { memory.cast::<T>().write(value) };
    Ok(())
}

/// Writes the context of an object that has just been created with [`attributes_with`].
///
/// # Safety
/// `object` was created with `attributes_with::<T>()`, and none of its callbacks can have run.
pub(crate) unsafe fn initialize<T: Context>(object: WDFOBJECT, value: T) -> Result<NonNull<T>> {
    // SAFETY: the object has just been created, so it is alive.
    let Some(context) = (unsafe { raw::<T>(object) }) else {
        return Err(NtStatus::INTERNAL_ERROR);
    };
    // SAFETY: it is space for a `T`, and no callback can have got a reference to it yet.
    unsafe { context.write(value) };
    Ok(context)
}

/// The context of an object. IRQL: any.
///
/// # Safety
/// `object` is alive for `'a`, and if it has a `T`, that is initialized.
#[inline]
pub(crate) unsafe fn of<'a, T: Context>(object: WDFOBJECT) -> Option<&'a T> {
    // SAFETY: the object is alive by this function's contract.
    let context = unsafe { raw::<T>(object) }?;
    // SAFETY: it is initialized by this function's contract, lives as long as the object, and all references
    // to it are shared.
    Some(unsafe { context.as_ref() })
}

/// The context that an object was created with. IRQL: any.
///
/// # Safety
/// `object` was created with [`attributes_with`] for a `T`, which is initialized, and is alive for `'a`.
#[inline]
pub(crate) unsafe fn own<'a, T: Context>(object: WDFOBJECT) -> &'a T {
    // SAFETY: the object is alive by this function's contract.
    let context = unsafe { raw::<T>(object) };
    // SAFETY: the object was created with room for a `T`, so the framework finds it.
    let context = unsafe { context.unwrap_unchecked() };
    // SAFETY: it is initialized by this function's contract, lives as long as the object, and all references
    // to it are shared.
    unsafe { context.as_ref() }
}

/// `WdfObjectGetTypedContextWorker`.
///
/// # Safety
/// `object` is alive.
#[inline]
unsafe fn raw<T: Context>(object: WDFOBJECT) -> Option<NonNull<T>> {
    // SAFETY: the object is alive by this function's contract, and the type information is a static.
    let context = unsafe {
        call_unsafe_wdf_function_binding!(
            WdfObjectGetTypedContextWorker,
            object,
            T::context_type().as_ptr()
        )
    };
    NonNull::new(context.cast())
}

/// `EVT_WDF_OBJECT_CONTEXT_DESTROY`. IRQL: <= DISPATCH_LEVEL.
///
/// # Safety
/// Only the framework calls it, for an object with an initialized `T`, once, when nothing refers to
/// the object any more.
unsafe extern "C" fn evt_destroy<T: Context>(object: WDFOBJECT) {
    // SAFETY: the object's memory is there until this callback returns.
    if let Some(context) = unsafe { raw::<T>(object) } {
        // SAFETY: it is initialized, and nothing refers to the object any more, so nobody uses it again.
        unsafe { context.drop_in_place() };
    }
}
