/* EvtIoDeviceControl of the default queue and of the factorial engine's, with all that they call. */
#include "twin.h"

/* --- driver/core/src/ioctl.rs ------------------------------------------------------------------- */

typedef enum _COMMAND { Information, Liveness, Factorial, Raise, Statistics, WaitEvent } COMMAND;

/* Command::from_code: whether it is one. */
static BOOLEAN FromCode(ULONG code, COMMAND *command) {
    switch (code) {
    case IOCTL_INFORMATION:
        *command = Information;
        return TRUE;
    case IOCTL_LIVENESS:
        *command = Liveness;
        return TRUE;
    case IOCTL_FACTORIAL:
        *command = Factorial;
        return TRUE;
    case IOCTL_RAISE:
        *command = Raise;
        return TRUE;
    case IOCTL_STATISTICS:
        *command = Statistics;
        return TRUE;
    case IOCTL_WAIT_EVENT:
        *command = WaitEvent;
        return TRUE;
    default:
        return FALSE;
    }
}

/* Command::buffer_bytes */
static void BufferBytes(COMMAND command, size_t *input, size_t *output) {
    switch (command) {
    case Information:
        *input = 0, *output = sizeof(INFORMATION);
        break;
    case Liveness:
    case Factorial:
        *input = sizeof(ULONG), *output = sizeof(ULONG);
        break;
    case Raise:
        *input = sizeof(ULONG), *output = 0;
        break;
    case Statistics:
        *input = 0, *output = sizeof(STATISTICS);
        break;
    case WaitEvent:
        *input = sizeof(ULONG64), *output = sizeof(EVENT);
        break;
    }
}

/* Command::recognize */
static BOOLEAN Recognize(ULONG code, size_t input, size_t output, COMMAND *command) {
    size_t wantedInput, wantedOutput;
    if (!FromCode(code, command))
        return FALSE;
    BufferBytes(*command, &wantedInput, &wantedOutput);
    return input == wantedInput && output == wantedOutput;
}

/* Malformed::of, and refuse of driver/src/control.rs */
static __attribute__((noinline, cold)) void Refuse(
    WDFREQUEST request, ULONG code, size_t input, size_t output) {
    COMMAND command;
    size_t wantedInput, wantedOutput;
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    if (FromCode(code, &command)) {
        BufferBytes(command, &wantedInput, &wantedOutput);
        status = input < wantedInput || output < wantedOutput ? STATUS_BUFFER_TOO_SMALL
                                                              : STATUS_INVALID_BUFFER_SIZE;
    }
    WdfRequestCompleteWithInformation(request, status, 0);
}

/* --- driver/src/control.rs ---------------------------------------------------------------------- */

/* answer_now, which the twin does not translate. */
static __attribute__((noinline)) void AnswerNow(
    DEVICE *device, WDFREQUEST request, COMMAND command) {
    UNREFERENCED_PARAMETER(device);
    UNREFERENCED_PARAMETER(command);
    WdfRequestComplete(request, STATUS_NOT_SUPPORTED);
}

/* Request::forward_to */
static void ForwardTo(WDFREQUEST request, WDFQUEUE queue) {
    if (!NT_SUCCESS(WdfRequestForwardToIoQueue(request, queue)))
        WdfRequestCompleteWithInformation(request, STATUS_DEVICE_DOES_NOT_EXIST, 0);
}

/* EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL of the default queue: DefaultQueue::on_control */
void OnControl(WDFQUEUE queue, WDFREQUEST request, size_t output, size_t input, ULONG code) {
    DEVICE *device = GetDevice(WdfIoQueueGetDevice(queue));
    COMMAND command;
    if (!Recognize(code, input, output, &command)) {
        Refuse(request, code, input, output);
        return;
    }
    switch (command) {
    case Factorial:
        ForwardTo(request, device->FactorialQueue);
        break;
    case Liveness:
    case Raise:
        ForwardTo(request, device->RegisterQueue);
        break;
    default:
        AnswerNow(device, request, command);
        break;
    }
}

/* --- driver/src/factorial.rs, driver/core/src/engine.rs ----------------------------------------- */

/* EVT_WDF_REQUEST_CANCEL: Factorial::on_cancel */
static EVT_WDF_REQUEST_CANCEL OnCancel;
static void OnCancel(WDFREQUEST request) {
    DEVICE *device = GetDevice(WdfIoQueueGetDevice(WdfRequestGetIoQueue(request)));
    BOOLEAN taken;
    WdfSpinLockAcquire(device->Lock);
    taken = device->State->Factorial.Slot != Empty && device->State->Factorial.Request == request;
    if (taken)
        device->State->Factorial.Slot = Empty;
    WdfSpinLockRelease(device->Lock);
    if (taken) {
        ENDED ended = {request, STATUS_CANCELLED, 0};
        Complete(&ended);
    }
}

/* Engine::submit and Engine::place */
static NTSTATUS SubmitToEngine(STATE *state, WDFREQUEST request, ULONG operand) {
    ENGINE *engine = &state->Factorial;
    if (engine->Slot != Empty)
        return STATUS_INTERNAL_ERROR;
    ULONG status = Read(state->Registers, STATUS);
    if (status == ALL_ONES)
        return STATUS_DEVICE_DOES_NOT_EXIST;
    if (!NT_SUCCESS(WdfRequestMarkCancelableEx(request, OnCancel)))
        return STATUS_CANCELLED;
    engine->Jobs++;
    engine->Late = FALSE;
    engine->Request = request;
    engine->Job = operand;
    if (status & STATUS_COMPUTING) {
        engine->Slot = Waiting;
    } else {
        Write(state->Registers, FACTORIAL, operand);
        engine->Slot = Working;
    }
    return STATUS_SUCCESS;
}

/* EduDevice::watch */
static void Watch(DEVICE *device, STATE *state) {
    if (!state->Ticking) {
        state->Ticking = TRUE;
        WdfTimerStart(device->WatchdogTimer, WDF_REL_TIMEOUT_IN_MS(TICK_MS));
    }
}

/* submit, with a spin lock held around its second half */
static NTSTATUS Submit(DEVICE *device, WDFREQUEST request) {
    PULONG input;
    NTSTATUS status =
        WdfRequestRetrieveInputBuffer(request, sizeof(ULONG), (PVOID *)&input, NULL);
    if (!NT_SUCCESS(status))
        return status;
    ULONG operand = *input;
    TraceWrite(&FactorialStarted, operand);
    WdfSpinLockAcquire(device->Lock);
    STATE *state = device->State;
    status = state->Registers == NULL ? STATUS_DEVICE_NOT_READY
                                      : SubmitToEngine(state, request, operand);
    if (NT_SUCCESS(status))
        Watch(device, state);
    WdfSpinLockRelease(device->Lock);
    return status;
}

/* EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL of the factorial engine's queue: Factorial::on_control */
void OnFactorial(WDFQUEUE queue, WDFREQUEST request, size_t output, size_t input, ULONG code) {
    DEVICE *device = GetDevice(WdfIoQueueGetDevice(queue));
    UNREFERENCED_PARAMETER(output);
    UNREFERENCED_PARAMETER(input);
    UNREFERENCED_PARAMETER(code);
    NTSTATUS status = Submit(device, request);
    if (!NT_SUCCESS(status)) {
        ENDED ended = {request, status, 0};
        Complete(&ended);
    }
}
