//! One graph for all contexts that are long enough.
//!
//! Once a context exceeds the micro-batch and every window, a longer one only makes the tensors
//! over its cells longer, in proportion. So the graph is built for two contexts, and for all
//! others the extents that differ are moved along the line. The allocator, too, decides alike
//! for whole stretches of contexts: it runs once for each stretch that is asked for.

use alloc::vec::Vec;
use core::cell::RefCell;

use super::super::batch::{Batch, CONTEXT_STEP};
use super::node::{Graph, Memory, Node};
use super::sample::Run;
use super::schedule::{Origin, copy};
use super::simulate::{PeakLines, Peaks, Scheduled};

/// Tokens between the two contexts that the graph is built for.
const DISTANCE: u64 = 1 << 20;

/// A graph whose extents are functions of the context.
#[derive(Debug)]
pub(in super::super) struct EveryContext {
    graph: RefCell<Scheduled>,
    lines: Vec<Line>,
    /// The shortest context that the lines hold for.
    first: Batch,
    /// What the allocator has been run for.
    stretches: RefCell<Vec<Stretch>>,
}

/// Contexts for which the allocator does the same.
#[derive(Debug)]
struct Stretch {
    first: u64,
    last: u64,
    /// The context that the lines start from.
    at: u64,
    peaks: PeakLines,
}

impl Stretch {
    /// The stretch around this context.
    fn new(at: u64, peaks: PeakLines) -> Self {
        let distance = |steps: i64| steps.unsigned_abs().saturating_mul(CONTEXT_STEP);
        Self {
            first: at.saturating_sub(distance(peaks.scope.first)),
            last: at.saturating_add(distance(peaks.scope.last)),
            at,
            peaks,
        }
    }

    fn peaks(&self, context: u64) -> Option<Peaks> {
        if !(self.first..=self.last).contains(&context) {
            return None;
        }
        let steps = i64::try_from(context.abs_diff(self.at) / CONTEXT_STEP).ok()?;
        Some(
            self.peaks
                .after(if context < self.at { -steps } else { steps }),
        )
    }
}

/// An extent that grows with the context.
#[derive(Debug)]
struct Line {
    node: usize,
    extent: Extent,
    /// At the shortest context.
    first: u64,
    /// More for each further token.
    slope: u64,
}

impl Line {
    fn squares_with(&self, other: &Self) -> bool {
        let dimension = |line: &Self| matches!(line.extent, Extent::Dimension(_));
        self.node == other.node && dimension(self) && dimension(other)
    }
}

#[derive(Debug, Clone, Copy)]
enum Extent {
    Dimension(usize),
    Extra,
    GpuExtra,
}

impl Extent {
    const ALL: [Self; 6] = [
        Self::Dimension(0),
        Self::Dimension(1),
        Self::Dimension(2),
        Self::Dimension(3),
        Self::Extra,
        Self::GpuExtra,
    ];

    fn of(self, node: &mut Node) -> &mut u64 {
        match self {
            Self::Dimension(index) => &mut node.shape[index],
            Self::Extra => &mut node.extra,
            Self::GpuExtra => &mut node.gpu_extra,
        }
    }
}

/// The same batch at another context.
fn at(batch: &Batch, context_per_stream: u64) -> Batch {
    Batch {
        context: context_per_stream.saturating_mul(batch.streams),
        context_per_stream,
        ..*batch
    }
}

impl EveryContext {
    /// The graphs that `build` makes, from this context on; `None` where they differ in more
    /// than the lengths of tensors, or what was left out of the runs is not known.
    pub(super) fn new<E>(
        first: &Batch,
        runs: &[Run],
        pipeline: bool,
        build: impl Fn(&Batch) -> Result<Graph, E>,
    ) -> Option<Self> {
        let near = build(first).ok()?;
        let last = at(first, first.context_per_stream.checked_add(DISTANCE)?);
        let far = build(&last).ok()?;
        if !near.is_connected_like(&far) {
            return None;
        }
        let mut graph = Scheduled::new(&near, pipeline);
        let mut lines: Vec<Line> = Vec::new();
        for (index, near) in graph.nodes.iter_mut().enumerate() {
            if matches!(near.node.memory, Memory::Cache | Memory::Weight) {
                // Lies in a buffer of its own.
                continue;
            }
            let mut far = match near.origin {
                Origin::Node(id) => far.in_order(id)?.clone(),
                Origin::Reader(id) => {
                    let mut far = far.in_order(id)?.clone();
                    far.gpu_extra = far.gpu_extra.saturating_add(far.copied_extra);
                    far
                }
                Origin::Copy(id) => copy(far.in_order(id)?, near.node.memory),
                Origin::None => continue,
            };
            for extent in Extent::ALL {
                let (first, last) = (*extent.of(&mut near.node), *extent.of(&mut far));
                let growth = last.checked_sub(first)?;
                if growth == 0 {
                    continue;
                }
                if !growth.is_multiple_of(DISTANCE) {
                    return None;
                }
                lines.push(Line {
                    node: index,
                    extent,
                    first,
                    slope: growth / DISTANCE,
                });
            }
            let growth = far
                .bytes(near.place)
                .checked_sub(near.node.bytes(near.place))?;
            *graph.slopes.get_mut(index)? = growth / DISTANCE * CONTEXT_STEP;
        }
        // Two extents that grow would make a square of the bytes.
        if lines.windows(2).any(|pair| pair[0].squares_with(&pair[1])) {
            return None;
        }
        Some(Self {
            graph: RefCell::new(graph.repeating(runs)?),
            lines,
            first: *first,
            stretches: RefCell::default(),
        })
    }

    /// The buffers' sizes for this context; `None` where it is too short or of another batch.
    pub(super) fn peaks(&self, batch: &Batch, gpus: usize) -> Option<Peaks> {
        let further = batch
            .context_per_stream
            .checked_sub(self.first.context_per_stream)?;
        if at(&self.first, batch.context_per_stream) != *batch {
            return None;
        }
        let context = batch.context_per_stream;
        let mut stretches = self.stretches.try_borrow_mut().ok()?;
        if let Some(peaks) = stretches.iter().find_map(|stretch| stretch.peaks(context)) {
            return Some(peaks);
        }
        let mut graph = self.graph.try_borrow_mut().ok()?;
        for line in &self.lines {
            if let Some(placed) = graph.nodes.get_mut(line.node) {
                *line.extent.of(&mut placed.node) = line
                    .slope
                    .saturating_mul(further)
                    .saturating_add(line.first);
            }
        }
        let stretch = Stretch::new(context, graph.peaks(gpus));
        let peaks = stretch.peaks(context);
        stretches.push(stretch);
        peaks
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::super::super::settings::FlashAttention;
    use super::super::{Fusions, Parts, blocks, output};
    use super::*;
    use crate::catalogue;
    use crate::engine::llama_cpp::LlamaCpp;
    use crate::engine::llama_cpp::placement::Placement;
    use crate::gpu::Device;
    use crate::quant::TensorType;

    /// Contexts for which the lines hold, and those for which they differ from a graph built anew.
    fn compare(settings: &LlamaCpp, gpus: usize) -> (usize, usize) {
        let devices: Vec<Device> = (0..gpus)
            .map(|_| Device::with_free("GPU".into(), 1 << 34))
            .collect();
        let (mut held, mut different) = (0, 0);
        for entry in catalogue::entries() {
            let model = entry.model(None).unwrap();
            let placement = Placement::new(settings, &model, &devices).unwrap();
            let tensors = placement.locate(&model);
            let blocks = blocks(&model, &placement, &tensors, settings);
            let output = output(&model, &placement, &tensors);
            let parts = Parts {
                settings,
                model: &model,
                placement: &placement,
                blocks: &blocks,
                output: &output,
                gpus,
                values_by_rows: settings.uses_flash_attention(),
                guess: None,
                fusions: Fusions::ALL,
            };
            let batch = Batch::new(settings, 1 << 17).unwrap();
            let graph = parts.every_context(&batch).unwrap();
            for context in [4_096, 5_120, 9_216, 40_960, 131_072, 1 << 20, 1 << 31] {
                let batch = Batch::new(settings, context).unwrap();
                if let Some(bytes) = graph.compute(&batch, gpus) {
                    held += 1;
                    different += usize::from(parts.compute(&batch).unwrap() != bytes);
                }
            }
        }
        (held, different)
    }

    #[test]
    fn a_graph_on_the_lines_is_the_graph_built_anew() {
        let plain = LlamaCpp::default();
        let quantized = LlamaCpp {
            cache_type_k: TensorType::Q8_0,
            cache_type_v: TensorType::Q4_0,
            parallel: 4,
            outputs_max: Some(0),
            ..LlamaCpp::default()
        };
        let scores = LlamaCpp {
            flash_attention: FlashAttention::Off,
            parallel: 3,
            kv_unified: true,
            gpu_layers: Some(20),
            ..LlamaCpp::default()
        };
        for (settings, gpus) in [(plain, 2), (quantized, 1), (scores, 1)] {
            let (held, different) = compare(&settings, gpus);
            assert_eq!(different, 0, "of {held}");
            assert!(held > 400, "{held}");
        }
    }
}
