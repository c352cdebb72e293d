//! What PyTorch takes on a GPU beyond the tensors: estimated.
//!
//! The context of a process with PyTorch's kernels: 250 to 350 MiB on consumer cards, 400 to 550
//! on the larger ones, before any tensor; the workspace of cuBLAS is PyTorch's default. What the
//! allocator keeps in free pieces depends on the order of sizes; it was not measured.

use crate::engine::{Basis, Figure};
use crate::gpu::Device;

const MIB: u64 = 1024 * 1024;
/// The context on consumer and workstation cards.
const CONTEXT: u64 = 320 * MIB;
/// The context on those for data centres: A100, H100 and after.
const LARGE_CONTEXT: u64 = 500 * MIB;
/// cuBLAS workspace before and from compute capability 9.0 on.
const CUBLAS_WORKSPACE: u64 = 8 * MIB;
const CUBLAS_WORKSPACE_HOPPER: u64 = 32 * MIB;
/// The allocator takes memory from the driver in pieces of this size.
const SEGMENT: u64 = 20 * MIB;

/// The CUDA context and workspaces.
pub(super) fn start(device: &Device) -> Figure {
    let capability = device.compute_capability.unwrap_or_default();
    let context = match capability {
        (8, 0) | (9 | 10, _) => LARGE_CONTEXT,
        _ => CONTEXT,
    };
    let workspace = if capability.0 >= 9 {
        CUBLAS_WORKSPACE_HOPPER
    } else {
        CUBLAS_WORKSPACE
    };
    Figure {
        bytes: context + workspace,
        basis: Basis::Estimate {
            below_permille: 300,
            above_permille: 400,
        },
    }
}

/// Pieces that the allocator keeps free: one in sixteen of what a prompt and its cache take, and
/// two segments.
pub(super) fn slack(cache: u64, compute: u64) -> Figure {
    Figure {
        bytes: (cache.saturating_add(compute) / 16).saturating_add(2 * SEGMENT),
        basis: Basis::Estimate {
            below_permille: 1_000,
            above_permille: 1_000,
        },
    }
}
