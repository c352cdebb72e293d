//! NVML's errors in the probe's terms.

use nvml_wrapper::error::NvmlError;
use shared::gpu::{ProbeProblem, ProblemCode};

/// What an error of NVML means to the person at the machine.
pub(super) fn problem(error: &NvmlError) -> ProbeProblem {
    let code = code(error);
    match code {
        ProblemCode::Unknown | ProblemCode::NvmlUnusable => {
            ProbeProblem::with_detail(code, error.to_string())
        }
        _ => ProbeProblem::new(code),
    }
}

/// The code of an error of NVML.
pub(super) fn code(error: &NvmlError) -> ProblemCode {
    match error {
        NvmlError::LibloadingError(_) => ProblemCode::NvmlNotFound,
        NvmlError::FailedToLoadSymbol(_)
        | NvmlError::FunctionNotFound
        | NvmlError::LibraryNotFound => ProblemCode::NvmlUnusable,
        NvmlError::DriverNotLoaded => ProblemCode::DriverNotLoaded,
        NvmlError::LibRmVersionMismatch => ProblemCode::DriverMismatch,
        // The second is what a container's device rules look like from inside.
        NvmlError::NoPermission | NvmlError::OperatingSystem => ProblemCode::Permission,
        NvmlError::GpuLost => ProblemCode::GpuLost,
        NvmlError::ResetRequired => ProblemCode::GpuResetRequired,
        NvmlError::NotSupported => ProblemCode::MemoryNotReported,
        _ => ProblemCode::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn return_codes_keep_their_meaning() {
        for (returned, expected) in [
            (3, ProblemCode::MemoryNotReported),
            (4, ProblemCode::Permission),
            (9, ProblemCode::DriverNotLoaded),
            (12, ProblemCode::NvmlUnusable),
            (15, ProblemCode::GpuLost),
            (16, ProblemCode::GpuResetRequired),
            (17, ProblemCode::Permission),
            (18, ProblemCode::DriverMismatch),
            (999, ProblemCode::Unknown),
            (4321, ProblemCode::Unknown),
        ] {
            assert_eq!(code(&NvmlError::from(returned)), expected, "{returned}");
        }
    }

    #[test]
    fn the_unexpected_keeps_its_number() {
        let problem = problem(&NvmlError::from(4321));
        assert!(problem.detail.is_some_and(|detail| detail.contains("4321")));
    }
}
