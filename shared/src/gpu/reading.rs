//! Live readings of GPUs: the wire types of the probe.

/// One GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuReading {}

/// All GPUs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuReport {}

/// Why there is no reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeProblem {}
