//! Callbacks for the states of a device's machines: when one leaves a state, enters the next one, and has done the
//! work of that (`PnpEnterNewState` and its relatives).

use kmdf_abi::ntstatus::{NtStatus, STATUS_INVALID_PARAMETER};
use kmdf_machine::cpu::stub::Call;

use super::{
    device::Device,
    states::{Machine, Pnp, Policy, Power, Told},
};
use crate::host::{Host, services};

services! {
    WdfDeviceInitRegisterPnpStateChangeCallback <= PASSIVE => register_pnp;
    WdfDeviceInitRegisterPowerStateChangeCallback <= PASSIVE => register_power;
    WdfDeviceInitRegisterPowerPolicyStateChangeCallback <= PASSIVE => register_policy;
}

/// `StateNotificationEnterState` and the other types.
const ENTER: u32 = 1;
const POST_PROCESS: u32 = 2;
const LEAVE: u32 = 4;

fn register_pnp(host: &Host, call: &Call) -> Result<(), NtStatus> {
    register(host, call, Machine::Pnp)
}

fn register_power(host: &Host, call: &Call) -> Result<(), NtStatus> {
    register(host, call, Machine::Power)
}

fn register_policy(host: &Host, call: &Call) -> Result<(), NtStatus> {
    register(host, call, Machine::Policy)
}

/// WdfDeviceInitRegisterPnpStateChangeCallback(DeviceInit, PnpState, EvtDevicePnpStateChange, CallbackTypes), and
/// for the other machines
fn register(host: &Host, call: &Call, machine: Machine) -> Result<(), NtStatus> {
    /// `WdfDevStateNP`
    const NOT_PAGEABLE: u32 = 0x8000;
    let told = Told {
        machine,
        state: call.arg32(1) & !NOT_PAGEABLE,
        callback: call.arg(2),
        types: call.arg32(3),
    };
    host.known_device_init(call.arg(0));
    host.require(told.callback != 0, "a callback for states is NULL");
    let has_type = told.types != 0 && told.types & !(ENTER | POST_PROCESS | LEAVE) == 0;
    if !machine.states().contains(&told.state) || !has_type {
        return Err(STATUS_INVALID_PARAMETER);
    }
    host.device_init(call.arg(0), |init| {
        init.told
            .retain(|other| (other.machine, other.state) != (machine, told.state));
        init.told.push(told);
    });
    Ok(())
}

impl Host {
    /// Takes a device's PnP machine through states. The work of the last one is then to be done.
    pub(crate) fn pass_pnp(&self, device: &Device, states: &[Pnp]) {
        for &state in states {
            self.end_state(device, Machine::Pnp);
            let change = device.states.set_pnp(state);
            self.change_state(device, Machine::Pnp, change);
        }
    }

    /// The same for its power machine.
    pub(crate) fn pass_power(&self, device: &Device, states: &[Power]) {
        for &state in states {
            self.end_state(device, Machine::Power);
            let change = device.states.set_power(state);
            self.change_state(device, Machine::Power, change);
        }
    }

    /// The same for its power policy machine.
    pub(crate) fn pass_policy(&self, device: &Device, states: &[Policy]) {
        for &state in states {
            self.end_state(device, Machine::Policy);
            let change = device.states.set_policy(state);
            self.change_state(device, Machine::Policy, change);
        }
    }

    /// The work of the state that a device's machine is in is done: it waits for what comes next.
    pub(crate) fn end_state(&self, device: &Device, machine: Machine) {
        if device.states.replace_busy(machine, false) {
            let state = device.states.number(machine);
            self.tell_state(device, machine, state, POST_PROCESS, [state, 0]);
        }
    }

    fn change_state(&self, device: &Device, machine: Machine, change: [u32; 2]) {
        let [before, state] = change;
        // The state itself changes between these and its work, but nothing of this thread could see that.
        self.tell_state(device, machine, before, LEAVE, change);
        self.tell_state(device, machine, state, ENTER, change);
        device.states.replace_busy(machine, true);
    }

    /// Tells the callback of a state, if it has one: WDF_DEVICE_PNP_NOTIFICATION_DATA and its relatives are the same.
    fn tell_state(&self, device: &Device, machine: Machine, state: u32, of: u32, data: [u32; 2]) {
        let Some(callback) = device.states.told(machine, state, of) else {
            return;
        };
        let address = self.lend("the data of a state change", 12);
        self.memory.write(address, &of);
        self.memory.write(address + 4, &data);
        let arguments = [device.handle, address];
        self.call_driver(machine.callback(), device.handle, callback, &arguments);
        // Lent for the call only.
        let _ = self.memory.free(address);
    }
}
