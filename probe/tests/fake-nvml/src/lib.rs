//! A stand-in for the NVML library, for tests on machines without an NVIDIA GPU.
//!
//! `cargo build -p fake-nvml` gives `libfake_nvml.so` (`fake_nvml.dll`) in the target's profile
//! folder; a build of the probe's tests leaves it in `deps` there. Start the probe with
//! `LLM_LANDER_NVML_LIBRARY=…/libfake_nvml.so` and `FAKE_NVML=…/state`, where `state` is a text
//! file of lines `key = value`. It is read anew at every call, so that to change it (best by
//! renaming a new file over it) is to change the machine:
//!
//! ```text
//! # what the functions return: an NVML return code, 0 or absent for success
//! init = 9                        nvmlInit (9: driver not loaded, 18: version mismatch, …)
//! count = 999                     nvmlDeviceGetCount
//! driver = 580.65.06
//! cuda = 13000
//! memory_v2 = 13                  nvmlDeviceGetMemoryInfo_v2 alone, as of an old driver
//! session = 1                     any change makes sessions that are open go stale
//! delay_ms = 5                    how long each reading of memory takes
//! log = /tmp/calls                a file that gets the name of every function called
//! gpu.0.name = NVIDIA GeForce RTX 4090
//! gpu.0.total = 25757220864       bytes; likewise free, used, reserved
//! gpu.0.cc = 8.9
//! gpu.0.handle = 15               nvmlDeviceGetHandleByIndex of this GPU (15: lost)
//! gpu.0.memory = 3                its memory, both versions (3: not supported, as on GB10)
//! gpu.0.mig = 1                   MIG mode on; instances are gpu.0.mig.0.name, .total, …
//! gpu.0.mig_slots = 7             instances that there may be; empty ones are not found
//! ```
//! There are as many GPUs as the file names, counted from 0; without the file, none.

mod state;

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::ptr;
use std::sync::Mutex;
use std::time::Duration;

use state::State;

type Return = c_uint;
type Handle = *mut c_void;

const SUCCESS: Return = 0;
const UNINITIALIZED: Return = 1;
const INVALID_ARGUMENT: Return = 2;
const NOT_SUPPORTED: Return = 3;
const NOT_FOUND: Return = 6;
const INSUFFICIENT_SIZE: Return = 7;

/// A MIG instance's handle is its GPU's times this, and its own number.
const MIG_STRIDE: usize = 1000;

/// The `session` of the state at the last initialisation; `None` before it.
static SESSION: Mutex<Option<u64>> = Mutex::new(None);

/// `nvmlMemory_t`.
#[repr(C)]
pub struct Memory {
    total: u64,
    free: u64,
    used: u64,
}

/// `nvmlMemory_v2_t`.
#[repr(C)]
pub struct MemoryV2 {
    version: c_uint,
    total: u64,
    reserved: u64,
    free: u64,
    used: u64,
}

/// What callers of the second version have to name: the version, and the struct's size.
const MEMORY_VERSION_2: c_uint = 2 << 24 | 40;
const _: () = assert!(size_of::<MemoryV2>() == 40);

fn called(function: &str) -> State {
    let state = State::load();
    state.log(function);
    state
}

/// The state, where there is a session and it has not gone stale.
fn in_session(function: &str) -> Result<State, Return> {
    let state = called(function);
    let session = SESSION.lock().map(|session| *session).ok().flatten();
    if session == Some(state.number("session")) {
        Ok(state)
    } else {
        Err(UNINITIALIZED)
    }
}

fn checked(code: Return) -> Result<(), Return> {
    if code == SUCCESS { Ok(()) } else { Err(code) }
}

fn returned(outcome: Result<(), Return>) -> Return {
    outcome.err().unwrap_or(SUCCESS)
}

/// The prefix of a device's keys: `gpu.0` or `gpu.0.mig.1`.
fn keys(device: Handle) -> Result<String, Return> {
    let handle = device.addr();
    let gpu = |number: usize| number.checked_sub(1).ok_or(INVALID_ARGUMENT);
    if handle < MIG_STRIDE {
        Ok(format!("gpu.{}", gpu(handle)?))
    } else {
        let instance = gpu(handle % MIG_STRIDE)?;
        Ok(format!("gpu.{}.mig.{instance}", gpu(handle / MIG_STRIDE)?))
    }
}

/// SAFETY: `target` is null or writable.
unsafe fn store<T>(target: *mut T, value: T) -> Result<(), Return> {
    if target.is_null() {
        return Err(INVALID_ARGUMENT);
    }
    // SAFETY: not null, and the caller vouches for the rest.
    unsafe { target.write(value) };
    Ok(())
}

/// SAFETY: `target` is null or has `length` writable bytes.
unsafe fn store_text(target: *mut c_char, length: c_uint, text: &str) -> Result<(), Return> {
    if target.is_null() {
        return Err(INVALID_ARGUMENT);
    }
    if usize::try_from(length).is_ok_and(|length| text.len() >= length) {
        return Err(INSUFFICIENT_SIZE);
    }
    // SAFETY: shorter than `length` by at least the terminating zero.
    unsafe {
        ptr::copy_nonoverlapping(text.as_ptr().cast(), target, text.len());
        target.add(text.len()).write(0);
    }
    Ok(())
}

fn initialize(function: &str) -> Return {
    let state = called(function);
    let outcome = checked(state.code("init"));
    if outcome.is_ok()
        && let Ok(mut session) = SESSION.lock()
    {
        *session = Some(state.number("session"));
    }
    returned(outcome)
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlInit_v2() -> Return {
    initialize("nvmlInit_v2")
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlInitWithFlags(_flags: c_uint) -> Return {
    initialize("nvmlInitWithFlags")
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlShutdown() -> Return {
    let _ = called("nvmlShutdown");
    if let Ok(mut session) = SESSION.lock() {
        *session = None;
    }
    SUCCESS
}

/// # Safety
/// As NVML's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlSystemGetDriverVersion(text: *mut c_char, length: c_uint) -> Return {
    returned(in_session("nvmlSystemGetDriverVersion").and_then(|state| {
        let version = state.text("driver").unwrap_or("580.65.06");
        unsafe { store_text(text, length, version) }
    }))
}

/// # Safety
/// As NVML's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlSystemGetNVMLVersion(text: *mut c_char, length: c_uint) -> Return {
    returned(
        in_session("nvmlSystemGetNVMLVersion")
            .and_then(|_| unsafe { store_text(text, length, "13.580.65.06") }),
    )
}

/// # Safety
/// As NVML's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlSystemGetCudaDriverVersion_v2(version: *mut c_int) -> Return {
    returned(
        in_session("nvmlSystemGetCudaDriverVersion_v2").and_then(|state| {
            let cuda = state.text("cuda").and_then(|text| text.parse().ok());
            unsafe { store(version, cuda.unwrap_or(13000)) }
        }),
    )
}

/// # Safety
/// As NVML's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetCount_v2(count: *mut c_uint) -> Return {
    returned(in_session("nvmlDeviceGetCount_v2").and_then(|state| {
        checked(state.code("count"))?;
        unsafe { store(count, state.gpus()) }
    }))
}

/// # Safety
/// As NVML's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetHandleByIndex_v2(
    index: c_uint,
    device: *mut Handle,
) -> Return {
    returned(
        in_session("nvmlDeviceGetHandleByIndex_v2").and_then(|state| {
            if index >= state.gpus() {
                return Err(INVALID_ARGUMENT);
            }
            checked(state.code(&format!("gpu.{index}.handle")))?;
            let handle = ptr::without_provenance_mut(index as usize + 1);
            unsafe { store(device, handle) }
        }),
    )
}

/// # Safety
/// As NVML's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetName(
    device: Handle,
    text: *mut c_char,
    length: c_uint,
) -> Return {
    returned(in_session("nvmlDeviceGetName").and_then(|state| {
        let name = state.text(&format!("{}.name", keys(device)?));
        unsafe { store_text(text, length, name.unwrap_or("NVIDIA Fake GPU")) }
    }))
}

/// # Safety
/// As NVML's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetMemoryInfo(device: Handle, memory: *mut Memory) -> Return {
    returned(in_session("nvmlDeviceGetMemoryInfo").and_then(|state| {
        let keys = keys(device)?;
        let bytes = |name: &str| state.number(&format!("{keys}.{name}"));
        checked(state.code(&format!("{keys}.memory")))?;
        std::thread::sleep(Duration::from_millis(state.number("delay_ms")));
        let value = Memory {
            total: bytes("total"),
            free: bytes("free"),
            used: bytes("used") + bytes("reserved"),
        };
        unsafe { store(memory, value) }
    }))
}

/// # Safety
/// As NVML's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetMemoryInfo_v2(
    device: Handle,
    memory: *mut MemoryV2,
) -> Return {
    returned(in_session("nvmlDeviceGetMemoryInfo_v2").and_then(|state| {
        let keys = keys(device)?;
        let bytes = |name: &str| state.number(&format!("{keys}.{name}"));
        checked(state.code("memory_v2"))?;
        checked(state.code(&format!("{keys}.memory")))?;
        std::thread::sleep(Duration::from_millis(state.number("delay_ms")));
        let value = MemoryV2 {
            version: MEMORY_VERSION_2,
            total: bytes("total"),
            reserved: bytes("reserved"),
            free: bytes("free"),
            used: bytes("used"),
        };
        if memory.is_null() || unsafe { (*memory).version } != value.version {
            return Err(INVALID_ARGUMENT);
        }
        unsafe { store(memory, value) }
    }))
}

/// # Safety
/// As NVML's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetCudaComputeCapability(
    device: Handle,
    major: *mut c_int,
    minor: *mut c_int,
) -> Return {
    returned(
        in_session("nvmlDeviceGetCudaComputeCapability").and_then(|state| {
            let key = format!("{}.cc", keys(device)?);
            let capability = state.text(&key).and_then(|text| text.split_once('.'));
            let (whole, part) = capability.ok_or(NOT_SUPPORTED)?;
            unsafe {
                store(major, whole.parse().map_err(|_| INVALID_ARGUMENT)?)?;
                store(minor, part.parse().map_err(|_| INVALID_ARGUMENT)?)
            }
        }),
    )
}

/// # Safety
/// As NVML's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetMigMode(
    device: Handle,
    current: *mut c_uint,
    pending: *mut c_uint,
) -> Return {
    returned(in_session("nvmlDeviceGetMigMode").and_then(|state| {
        let key = format!("{}.mig", keys(device)?);
        state.text(&key).ok_or(NOT_SUPPORTED)?;
        let mode = state.code(&key);
        unsafe {
            store(current, mode)?;
            store(pending, mode)
        }
    }))
}

/// # Safety
/// As NVML's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetMaxMigDeviceCount(
    device: Handle,
    count: *mut c_uint,
) -> Return {
    returned(
        in_session("nvmlDeviceGetMaxMigDeviceCount").and_then(|state| {
            let slots = state.code(&format!("{}.mig_slots", keys(device)?));
            unsafe { store(count, slots) }
        }),
    )
}

/// # Safety
/// As NVML's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetMigDeviceHandleByIndex(
    device: Handle,
    index: c_uint,
    instance: *mut Handle,
) -> Return {
    returned(
        in_session("nvmlDeviceGetMigDeviceHandleByIndex").and_then(|state| {
            let prefix = format!("{}.mig.{index}", keys(device)?);
            state.text(&format!("{prefix}.total")).ok_or(NOT_FOUND)?;
            let handle = device.addr() * MIG_STRIDE + index as usize + 1;
            unsafe { store(instance, ptr::without_provenance_mut(handle)) }
        }),
    )
}

/// What identifies: exported so that a call of it shows in the log.
///
/// # Safety
/// As NVML's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetUUID(
    _device: Handle,
    text: *mut c_char,
    length: c_uint,
) -> Return {
    returned(in_session("nvmlDeviceGetUUID").and_then(|_| unsafe {
        store_text(text, length, "GPU-00000000-0000-0000-0000-000000000000")
    }))
}

/// What identifies: exported so that a call of it shows in the log.
///
/// # Safety
/// As NVML's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetSerial(
    _device: Handle,
    text: *mut c_char,
    length: c_uint,
) -> Return {
    returned(
        in_session("nvmlDeviceGetSerial")
            .and_then(|_| unsafe { store_text(text, length, "0000000000000") }),
    )
}

fn no_processes(function: &str, count: *mut c_uint) -> Return {
    // SAFETY: the caller of either function below passes it a writable count.
    returned(in_session(function).and_then(|_| unsafe { store(count, 0) }))
}

/// What identifies: exported so that a call of it shows in the log.
///
/// # Safety
/// As NVML's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetComputeRunningProcesses_v3(
    _device: Handle,
    count: *mut c_uint,
    _processes: *mut c_void,
) -> Return {
    no_processes("nvmlDeviceGetComputeRunningProcesses_v3", count)
}

/// What identifies: exported so that a call of it shows in the log.
///
/// # Safety
/// As NVML's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetGraphicsRunningProcesses_v3(
    _device: Handle,
    count: *mut c_uint,
    _processes: *mut c_void,
) -> Return {
    no_processes("nvmlDeviceGetGraphicsRunningProcesses_v3", count)
}
