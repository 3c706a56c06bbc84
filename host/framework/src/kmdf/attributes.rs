//! WDF_OBJECT_ATTRIBUTES, and what is allowed in those of each kind of object.

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_WDF_EXECUTION_LEVEL_INVALID,
        STATUS_WDF_OBJECT_ATTRIBUTES_INVALID, STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED,
        STATUS_WDF_PARENT_NOT_SPECIFIED, STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID,
    },
    types::{WDF_OBJECT_ATTRIBUTES, WDF_OBJECT_CONTEXT_TYPE_INFO},
};

use crate::host::Host;

/// The attributes that a driver passes for a new object.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Attributes {
    pub(crate) parent: u64,
    /// `WDF_SYNCHRONIZATION_SCOPE`
    pub(crate) scope: i32,
    /// `WDF_EXECUTION_LEVEL`
    pub(crate) execution_level: i32,
    pub(super) unique_type: u64,
    pub(super) context_bytes: u64,
    pub(super) cleanup: u64,
    pub(super) destroy: u64,
}

/// What the attributes of a kind of object may say, beyond context, callbacks and parent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed {
    parent: bool,
    scope: bool,
    level: bool,
}

impl Allowed {
    /// Nothing more.
    pub(crate) const PLAIN: Self = Self {
        parent: true,
        scope: false,
        level: false,
    };
    /// An execution level.
    pub(crate) const LEVEL: Self = Self {
        level: true,
        ..Self::PLAIN
    };
    /// An execution level and a synchronization scope.
    pub(crate) const LEVEL_AND_SCOPE: Self = Self {
        scope: true,
        ..Self::LEVEL
    };

    /// The same, but the framework decides what the parent is.
    pub(crate) const fn without_parent(self) -> Self {
        Self {
            parent: false,
            ..self
        }
    }
}

/// `WdfExecutionLevelInheritFromParent` to `WdfExecutionLevelDispatch`
const LEVELS: std::ops::RangeInclusive<i32> = 1..=3;
/// `WdfSynchronizationScopeInheritFromParent` to `WdfSynchronizationScopeNone`
const SCOPES: std::ops::RangeInclusive<i32> = 1..=4;

impl Attributes {
    /// Whether they name a type of context.
    pub(super) const fn has_context(&self) -> bool {
        self.unique_type != 0
    }

    /// How long the context space is.
    pub(super) const fn context_bytes(&self) -> u64 {
        self.context_bytes
    }
}

impl Host {
    /// Reads the attributes of an object whose attributes say nothing about its callbacks; NULL
    /// (`WDF_NO_OBJECT_ATTRIBUTES`) gives the defaults.
    pub(crate) fn attributes(&self, address: u64) -> Result<Attributes, NtStatus> {
        self.attributes_with(address, Allowed::PLAIN)
    }

    /// The parent that attributes have to name.
    pub(crate) fn required_parent(&self, address: u64) -> Result<u64, NtStatus> {
        if address == 0 {
            return Err(STATUS_WDF_PARENT_NOT_SPECIFIED);
        }
        match self.raw_attributes(address)?.ParentObject.0 {
            0 => Err(STATUS_WDF_PARENT_NOT_SPECIFIED),
            parent => Ok(parent),
        }
    }

    fn raw_attributes(&self, address: u64) -> Result<WDF_OBJECT_ATTRIBUTES, NtStatus> {
        let attributes: WDF_OBJECT_ATTRIBUTES = self.memory.read(address);
        if attributes.Size as usize != size_of::<WDF_OBJECT_ATTRIBUTES>() {
            return Err(STATUS_INFO_LENGTH_MISMATCH);
        }
        Ok(attributes)
    }

    /// Reads the attributes at an address, which may say what is allowed.
    ///
    /// # Errors
    /// They say something else. Which error comes first is as in `FxValidateObjectAttributes`.
    pub(crate) fn attributes_with(
        &self,
        address: u64,
        allowed: Allowed,
    ) -> Result<Attributes, NtStatus> {
        if address == 0 {
            return Ok(Attributes::default());
        }
        let attributes = self.raw_attributes(address)?;
        let (unique_type, context_bytes) = self.context_of(&attributes)?;
        let result = Attributes {
            parent: attributes.ParentObject.0,
            scope: attributes.SynchronizationScope.0,
            execution_level: attributes.ExecutionLevel.0,
            unique_type,
            context_bytes,
            cleanup: attributes.EvtCleanupCallback.0,
            destroy: attributes.EvtDestroyCallback.0,
        };
        if !allowed.parent && result.parent != 0 {
            return Err(STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
        }
        if !LEVELS.contains(&result.execution_level) || !SCOPES.contains(&result.scope) {
            return Err(STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
        }
        // The first of each is to inherit, the last of the scopes none.
        if !allowed.scope && ![*SCOPES.start(), *SCOPES.end()].contains(&result.scope) {
            return Err(STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID);
        }
        if !allowed.level && result.execution_level != *LEVELS.start() {
            return Err(STATUS_WDF_EXECUTION_LEVEL_INVALID);
        }
        Ok(result)
    }

    /// The type of the context that attributes ask for, and how many bytes it has; zeros for none.
    fn context_of(&self, attributes: &WDF_OBJECT_ATTRIBUTES) -> Result<(u64, u64), NtStatus> {
        let (info, bytes) = (attributes.ContextTypeInfo.0, attributes.ContextSizeOverride);
        if info == 0 {
            return match bytes {
                0 => Ok((0, 0)),
                _ => Err(STATUS_WDF_OBJECT_ATTRIBUTES_INVALID),
            };
        }
        let context: WDF_OBJECT_CONTEXT_TYPE_INFO = self.memory.read(info);
        if context.Size as usize != size_of::<WDF_OBJECT_CONTEXT_TYPE_INFO>() {
            return Err(STATUS_INFO_LENGTH_MISMATCH);
        }
        let is_nameless = context.ContextSize > 0 && context.ContextName.0 == 0;
        let is_too_small = bytes > 0 && bytes < context.ContextSize;
        if is_nameless || is_too_small {
            return Err(STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
        }
        let bytes = if bytes == 0 {
            context.ContextSize
        } else {
            bytes
        };
        Ok((self.unique_type(info), bytes))
    }
}
