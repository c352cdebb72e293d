//! Rounds of layers that the graph leaves out, and that the allocator goes through all the same.
//!
//! Of a run of equal rounds the graph has the first, the last and some between them. Where two in
//! the middle are the same node by node, each using what the one before it made, so would be all
//! that are left out: the first of the two is gone through once more for each. As soon as a round
//! begins from what an earlier one began from, all that follows is known.

use alloc::vec::Vec;
use core::ops::Range;

use super::allocator::Block;
use super::node::{Id, Memory};
use super::sample::Run;
use super::schedule::Placed;
use super::simulate::State;

/// Begins of rounds that are remembered.
const REMEMBERED: usize = 16;

/// A round that stands for more of them.
#[derive(Debug)]
pub(super) struct Repeat {
    /// Its nodes. As many before them are those of the round before.
    pub(super) nodes: Range<usize>,
    /// How many more of it there are.
    times: usize,
    /// Nodes of the round before that it uses, in order.
    carried: Vec<usize>,
    /// Other nodes before it, as often as it uses them.
    used: Vec<usize>,
    /// The same with those that it views.
    viewed: Vec<usize>,
}

impl Repeat {
    /// Notes that the round uses, or views, a node where the next one uses another.
    fn note(&mut self, one: usize, other: usize, views: bool) -> Option<()> {
        if one != other {
            if one < self.nodes.start {
                self.carried.push(one);
            }
            return Some(());
        }
        let stays = if views {
            &mut self.viewed
        } else {
            &mut self.used
        };
        stays.push(one);
        // Made once, here: nothing that repeats.
        (one < self.nodes.start).then_some(())
    }

    fn sort_carried(&mut self) {
        self.carried.sort_unstable();
        self.carried.dedup();
    }
}

/// Graphs as the allocator sees them: nodes, what each is larger by for each step of the context,
/// and what uses each.
#[derive(Clone, Copy)]
pub(super) struct Rounds<'a> {
    pub(super) nodes: &'a [Placed],
    pub(super) slopes: &'a [u64],
    pub(super) states: &'a [State],
}

impl Rounds<'_> {
    /// The rounds that stand for those left out of each run; `None` where some do not.
    pub(super) fn repeats(self, runs: &[Run]) -> Option<Vec<Repeat>> {
        if runs.is_empty() {
            return Some(Vec::new());
        }
        // Where the first node of each layer stands.
        let mut starts: Vec<usize> = Vec::new();
        for (index, placed) in self.nodes.iter().enumerate() {
            while starts.len() <= placed.layer() {
                starts.push(index);
            }
        }
        runs.iter().map(|run| self.repeat(&starts, run)).collect()
    }

    /// Any round from the second layer on whose next one is there, too.
    fn repeat(self, starts: &[usize], run: &Run) -> Option<Repeat> {
        let last = (run.round * run.kept).checked_sub(2 * run.round)?;
        (1..=last).find_map(|layer| {
            // Layers are counted from 1.
            let start = |further: usize| starts.get(1 + run.first + layer + further).copied();
            let nodes = start(0)?..start(run.round)?;
            let next = nodes.end..start(2 * run.round)?;
            (nodes.len() == next.len())
                .then(|| self.equal(nodes, run.left_out))
                .flatten()
        })
    }

    /// The round of these nodes, if the next one is the same.
    fn equal(self, nodes: Range<usize>, times: usize) -> Option<Repeat> {
        let distance = nodes.len();
        let before = nodes.start.checked_sub(distance)?;
        let mut repeat = Repeat {
            nodes: nodes.clone(),
            times,
            carried: Vec::new(),
            used: Vec::new(),
            viewed: Vec::new(),
        };
        for index in nodes.clone() {
            if !self.are_alike(index, index + distance) {
                return None;
            }
            let (one, other) = (self.nodes.get(index)?, self.nodes.get(index + distance)?);
            if one.node.memory.is_laid_out_first() {
                // Each round that is left out would have its own.
                return None;
            }
            let sources = one.node.sources().iter().zip(other.node.sources());
            for (&one, &other) in sources {
                repeat.note(one as usize, other as usize, false)?;
            }
            if let (Some(one), Some(other)) = (root(one), root(other)) {
                repeat.note(one, other, true)?;
            }
        }
        // What is carried may be a view of something that is carried with it.
        repeat.sort_carried();
        let mut index = 0;
        while let Some(&one) = repeat.carried.get(index) {
            index += 1;
            if one < before || !self.are_alike(one, one + distance) {
                return None;
            }
            let other = root(self.nodes.get(one + distance)?);
            if let Some(root) = root(self.nodes.get(one)?)
                && other != Some(root)
            {
                repeat.carried.push(root);
            }
        }
        repeat.sort_carried();
        let stays = repeat.used.iter().chain(&repeat.viewed);
        let is_both = stays
            .filter(|&&node| node >= before)
            .any(|node| repeat.carried.binary_search(node).is_ok());
        // Nothing that a round makes is used after the next one.
        let later = self.nodes.get(nodes.end + distance..)?;
        let is_kept = later.iter().any(|placed| {
            let sources = placed.node.sources().iter().map(|&source| source as usize);
            let mut sources = sources.chain(root(placed));
            sources.any(|source| nodes.contains(&source))
        });
        (!is_both && !is_kept).then_some(repeat)
    }

    /// Whether two nodes, one a round after the other, are the same.
    fn are_alike(self, one: usize, other: usize) -> bool {
        let distance = other - one;
        let (Some(first), Some(second)) = (self.nodes.get(one), self.nodes.get(other)) else {
            return false;
        };
        let follows = |one: Id, other: Id| {
            let (one, other) = (one as usize, other as usize);
            other == one + distance || other == one
        };
        let memory = match (first.node.memory, second.node.memory) {
            (Memory::View(one), Memory::View(other))
            | (Memory::Written(one), Memory::Written(other)) => follows(one, other),
            (one, other) => one == other,
        };
        let (sources, others) = (first.node.sources(), second.node.sources());
        let mut pairs = sources.iter().zip(others);
        memory
            && first.place == second.place
            && first.node.shape == second.node.shape
            && first.node.element == second.node.element
            && first.node.apart == second.node.apart
            && first.node.bytes(first.place) == second.node.bytes(second.place)
            && self.slopes.get(one) == self.slopes.get(other)
            && self.states.get(one) == self.states.get(other)
            && sources.len() == others.len()
            && pairs.all(|(&one, &other)| follows(one, other))
    }
}

/// The node whose memory a node has.
fn root(placed: &Placed) -> Option<usize> {
    match placed.node.memory {
        Memory::View(root) | Memory::Written(root) => Some(root as usize),
        _ => None,
    }
}

/// What a round begins from.
#[derive(PartialEq, Eq)]
struct Begin {
    free: Vec<Vec<Block>>,
    carried: Vec<State>,
}

/// The rounds of one kind that are still to come.
pub(super) struct Progress<'a> {
    repeat: &'a Repeat,
    left: usize,
    begins: Vec<Begin>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(repeat: &'a Repeat) -> Self {
        Self {
            repeat,
            left: repeat.times,
            begins: Vec::new(),
        }
    }

    /// Notes what a round begins from.
    pub(super) fn begin(&mut self, free: Vec<Vec<Block>>, states: &[State]) {
        let carried = self.repeat.carried.iter().map(|&node| states[node]);
        let begin = Begin {
            free,
            carried: carried.collect(),
        };
        match self.begins.iter().position(|earlier| *earlier == begin) {
            Some(earlier) => {
                self.left %= self.begins.len() - earlier;
                // From here to the end there is nothing to compare with.
                self.begins.clear();
            }
            None if self.begins.len() < REMEMBERED => self.begins.push(begin),
            None => {}
        }
    }

    /// Whether the round comes once more; turns the states back to its begin.
    pub(super) fn again(&mut self, states: &mut [State], fresh: &[State]) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        let Repeat { nodes, carried, .. } = self.repeat;
        let distance = nodes.len();
        for &node in carried {
            states[node] = states[node + distance];
        }
        for node in nodes.clone() {
            states[node] = fresh[node];
        }
        for &node in &self.repeat.used {
            states[node].children += 1;
        }
        for &node in &self.repeat.viewed {
            states[node].views += 1;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::super::hyper::Fused;
    use super::super::sample::{Keep, Sample};
    use super::super::simulate::{Peaks, Scheduled};
    use super::super::{Fusions, Parts, blocks, output, schedule};
    use crate::catalogue;
    use crate::engine::llama_cpp::LlamaCpp;
    use crate::engine::llama_cpp::batch::Batch;
    use crate::engine::llama_cpp::flash_attention;
    use crate::engine::llama_cpp::placement::Placement;
    use crate::engine::llama_cpp::settings::FlashAttention;
    use crate::gpu::Device;
    use crate::quant::TensorType;

    /// How many graphs of the catalogue's models leave layers out; each has the buffers of the
    /// whole graph.
    fn shorter(settings: &LlamaCpp, gpus: usize, context: u64) -> usize {
        let devices: Vec<Device> = (0..gpus)
            .map(|_| Device::with_free("GPU".into(), 1 << 34))
            .collect();
        let mut shorter = 0;
        for entry in catalogue::entries() {
            let model = entry.model(None).unwrap();
            let placement = Placement::new(settings, &model, &devices).unwrap();
            let values_by_rows = flash_attention::lays_values_by_rows(settings, &model);
            let settings = &flash_attention::decided(settings, &model, &placement);
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
                values_by_rows,
                guess: None,
                fusions: Fusions::ALL,
            };
            let batch = Batch::new(settings, context).unwrap();
            let peaks = |sample: &Sample| -> Option<Peaks> {
                let graph = parts.planned(&batch, sample).unwrap();
                let scheduled = Scheduled::new(&graph, parts.is_pipeline());
                Some(scheduled.repeating(&sample.runs)?.peaks(gpus).after(0))
            };
            let first = blocks.samples().next().unwrap();
            let whole = blocks.sample(Keep::All);
            let told = |sample: Sample| Some((peaks(&sample)?, sample.layers.len()));
            let (of_sample, layers) = blocks.samples().find_map(told).unwrap();
            assert_eq!(Some(of_sample), peaks(&whole), "{}", model.architecture);
            let attends = |sample| {
                let graph = parts.graph(&batch, sample, Fusions::ALL, true).unwrap();
                schedule::is_with_layers(&graph.nodes(), Fused::Attention)
            };
            assert_eq!(attends(&first), attends(&whole));
            shorter += usize::from(layers < whole.layers.len());
        }
        shorter
    }

    #[test]
    fn layers_that_are_left_out_change_nothing() {
        let plain = LlamaCpp::default();
        let on_the_host = LlamaCpp {
            gpu_layers: Some(0),
            flash_attention: FlashAttention::Off,
            ..plain.clone()
        };
        let in_part = LlamaCpp {
            gpu_layers: Some(20),
            op_offload: false,
            ..plain.clone()
        };
        let experts = LlamaCpp {
            cpu_moe_layers: 13,
            cache_type_k: TensorType::Q8_0,
            cache_type_v: TensorType::Q8_0,
            ..plain.clone()
        };
        let caches = LlamaCpp {
            kv_offload: false,
            parallel: 3,
            ..plain.clone()
        };
        let cases = [
            (plain, 2, 65_536),
            (on_the_host, 1, 9_216),
            (in_part, 1, 65_536),
            (experts, 1, 1_024),
            (caches, 2, 9_216),
        ];
        for (settings, gpus, context) in cases {
            let shorter = shorter(&settings, gpus, context);
            assert!(shorter > 80, "{gpus} {context}: {shorter}");
        }
    }
}
