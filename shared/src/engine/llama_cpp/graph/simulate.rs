//! Runs the graph allocator over a graph: the size of each compute buffer.
//!
//! Source: ggml 0.25.3 and 0.26.0, `ggml-alloc.c` (`ggml_gallocr_alloc_graph_impl`).

use alloc::vec;
use alloc::vec::Vec;

use super::super::placement::Place;
use super::super::weights::{CUDA_ALIGNMENT, HOST_ALIGNMENT};
use super::allocator::{Allocator, Peak};
use super::line::{Line, Scope};
use super::node::{Graph, Memory};
use super::repeat::{Progress, Repeat, Rounds};
use super::sample::Run;
use super::schedule::{Placed, schedule};

/// The sizes of the compute buffers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peaks {
    pub(super) gpus: Vec<u64>,
    pub(super) host: u64,
}

/// The same for a stretch of contexts.
#[derive(Debug)]
pub(super) struct PeakLines {
    gpus: Vec<Peak>,
    host: Peak,
    pub(super) scope: Scope,
}

impl PeakLines {
    /// The sizes so many steps of the context further on.
    pub(super) fn after(&self, steps: i64) -> Peaks {
        Peaks {
            gpus: self.gpus.iter().map(|peak| peak.after(steps)).collect(),
            host: self.host.after(steps),
        }
    }
}

/// What the allocator knows of a node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) children: u32,
    pub(super) views: u32,
    offset: Line,
    size: Line,
    allocated: bool,
}

/// A graph whose nodes each run at their own place, ready to be allocated again and again.
#[derive(Debug)]
pub(super) struct Scheduled {
    pub(super) nodes: Vec<Placed>,
    /// Bytes that each node takes more for each step of the context.
    pub(super) slopes: Vec<u64>,
    states: Vec<State>,
    /// Rounds that stand for more of them, in order.
    repeats: Vec<Repeat>,
    pipeline: bool,
}

impl Scheduled {
    pub(super) fn new(graph: &Graph, pipeline: bool) -> Self {
        let nodes = schedule(&graph.nodes(), pipeline);
        let mut states = vec![State::default(); nodes.len()];
        for Placed { node, .. } in &nodes {
            if let Memory::View(root) | Memory::Written(root) = node.memory {
                states[root as usize].views += 1;
            }
            for &source in node.sources() {
                states[source as usize].children += 1;
            }
        }
        Self {
            slopes: vec![0; nodes.len()],
            nodes,
            states,
            repeats: Vec::new(),
            pipeline,
        }
    }

    /// The same with the rounds that were left out of these runs; `None` where it cannot be told
    /// what those are.
    pub(super) fn repeating(mut self, runs: &[Run]) -> Option<Self> {
        let rounds = Rounds {
            nodes: &self.nodes,
            slopes: &self.slopes,
            states: &self.states,
        };
        self.repeats = rounds.repeats(runs)?;
        Some(self)
    }

    /// Whether nothing ever overwrites the node.
    fn stays(&self, id: usize) -> bool {
        match self.nodes[id].node.memory {
            Memory::Pinned => true,
            Memory::Input => self.pipeline,
            _ => false,
        }
    }

    /// The buffers' sizes.
    pub(super) fn peaks(&self, gpus: usize) -> PeakLines {
        let mut simulation = Simulation {
            graph: self,
            states: self.states.clone(),
            host: Allocator::new(HOST_ALIGNMENT),
            gpus: vec![Allocator::new(CUDA_ALIGNMENT); gpus],
            scope: Scope::ALL,
        };
        let first = |memory| matches!(memory, Memory::Input | Memory::Pinned);
        for (id, placed) in self.nodes.iter().enumerate() {
            if first(placed.node.memory) {
                simulation.allocate(id);
            }
        }
        for (id, placed) in self.nodes.iter().enumerate() {
            if placed.node.memory == Memory::Leaf {
                simulation.allocate(id);
            }
        }
        let mut next = 0;
        for repeat in &self.repeats {
            for id in next..repeat.nodes.start {
                simulation.run(id);
            }
            simulation.repeat(repeat);
            next = repeat.nodes.end;
        }
        for id in next..self.nodes.len() {
            simulation.run(id);
        }
        let gpus = simulation.gpus.into_iter();
        PeakLines {
            gpus: gpus.map(Allocator::into_peak).collect(),
            host: simulation.host.into_peak(),
            scope: simulation.scope,
        }
    }
}

struct Simulation<'a> {
    graph: &'a Scheduled,
    states: Vec<State>,
    host: Allocator,
    gpus: Vec<Allocator>,
    /// For which contexts everything goes the same way.
    scope: Scope,
}

impl Simulation<'_> {
    fn allocate(&mut self, id: usize) {
        let Placed { node, place, .. } = &self.graph.nodes[id];
        let size = self.scope.bytes(node.bytes(*place), self.graph.slopes[id]);
        let buffer = match *place {
            Place::Host => Some(&mut self.host),
            Place::Gpu(index) => self.gpus.get_mut(index),
        };
        let offset = buffer.map_or(Line::default(), |buffer| {
            buffer.allocate(size, &mut self.scope)
        });
        let state = &mut self.states[id];
        state.offset = offset;
        state.size = size;
        state.allocated = true;
    }

    fn release(&mut self, id: usize) {
        let State { offset, size, .. } = self.states[id];
        self.states[id].allocated = false;
        let buffer = match self.graph.nodes[id].place {
            Place::Host => Some(&mut self.host),
            Place::Gpu(index) => self.gpus.get_mut(index),
        };
        if let Some(buffer) = buffer {
            buffer.release(offset, size);
        }
    }

    /// A round, and all that it stands for.
    fn repeat(&mut self, repeat: &Repeat) {
        let mut progress = Progress::new(repeat);
        loop {
            let buffers = self.gpus.iter().chain([&self.host]);
            let free = buffers.map(|buffer| buffer.free().into()).collect();
            progress.begin(free, &self.states);
            for id in repeat.nodes.clone() {
                self.run(id);
            }
            if !progress.again(&mut self.states, &self.graph.states) {
                return;
            }
        }
    }

    fn run(&mut self, id: usize) {
        let graph = self.graph;
        let node = &graph.nodes[id].node;
        match node.memory {
            Memory::Own => self.allocate(id),
            Memory::InPlace => {
                if !self.take_over(id) {
                    self.allocate(id);
                }
            }
            Memory::Input
            | Memory::Pinned
            | Memory::Leaf
            | Memory::Weight
            | Memory::Cache
            | Memory::View(_)
            | Memory::Written(_)
            | Memory::Store
            | Memory::Dependency
            | Memory::Fusion(_) => {}
        }
        for &source in node.sources() {
            self.used(source as usize);
        }
    }

    /// Takes the memory of the first source that nobody else needs.
    fn take_over(&mut self, id: usize) -> bool {
        let graph = self.graph;
        let Placed { node, place, .. } = &graph.nodes[id];
        for &source in node.sources() {
            let source = source as usize;
            let parent = &graph.nodes[source];
            let state = self.states[source];
            let free =
                state.allocated && state.children == 1 && state.views == 0 && !graph.stays(source);
            if !free || parent.place != *place {
                continue;
            }
            let same = parent.node.same_layout(node);
            if graph.slopes[source] != graph.slopes[id] {
                // As large as each other at the context at hand, if at all.
                self.scope.narrow();
            }
            if same {
                self.states[source].allocated = false;
                let own = &mut self.states[id];
                own.offset = state.offset;
                own.size = state.size;
                own.allocated = true;
                return true;
            }
        }
        false
    }

    /// One use of a node is over: its memory is free after the last.
    fn used(&mut self, id: usize) {
        let state = &mut self.states[id];
        state.children -= 1;
        if state.children > 0 || state.views > 0 {
            return;
        }
        let root = match self.graph.nodes[id].node.memory {
            Memory::View(root) | Memory::Written(root) => {
                let root = root as usize;
                self.states[root].views -= 1;
                root
            }
            _ => id,
        };
        let State {
            children,
            views,
            allocated,
            ..
        } = self.states[root];
        if !self.graph.stays(root) && children == 0 && views == 0 && allocated {
            self.release(root);
        }
    }
}
