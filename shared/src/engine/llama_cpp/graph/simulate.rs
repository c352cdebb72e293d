//! Runs the graph allocator over a graph: the size of each compute buffer.
//!
//! Source: ggml 0.25.3 and 0.26.0, `ggml-alloc.c` (`ggml_gallocr_alloc_graph_impl`).

use alloc::vec;
use alloc::vec::Vec;

use super::super::placement::Place;
use super::super::weights::{CUDA_ALIGNMENT, HOST_ALIGNMENT};
use super::allocator::Allocator;
use super::node::{Graph, Memory};
use super::schedule::{Placed, schedule};

/// The sizes of the compute buffers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peaks {
    pub(super) gpus: Vec<u64>,
    pub(super) host: u64,
}

/// What the allocator knows of a node.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    children: u32,
    views: u32,
    offset: u64,
    bytes: u64,
    allocated: bool,
}

/// A graph whose nodes each run at their own place, ready to be allocated again and again.
#[derive(Debug)]
pub(super) struct Scheduled {
    pub(super) nodes: Vec<Placed>,
    states: Vec<State>,
    pipeline: bool,
}

impl Scheduled {
    pub(super) fn new(graph: Graph, pipeline: bool) -> Self {
        let nodes = schedule(&graph.into_nodes(), pipeline);
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
            nodes,
            states,
            pipeline,
        }
    }

    /// The buffers' sizes.
    pub(super) fn peaks(&self, gpus: usize) -> Peaks {
        let mut simulation = Simulation {
            states: self.states.clone(),
            host: Allocator::new(HOST_ALIGNMENT),
            gpus: vec![Allocator::new(CUDA_ALIGNMENT); gpus],
            nodes: &self.nodes,
            pipeline: self.pipeline,
        };
        for (id, placed) in self.nodes.iter().enumerate() {
            if matches!(placed.node.memory, Memory::Input | Memory::Pinned) {
                simulation.allocate(id);
            }
        }
        for (id, placed) in self.nodes.iter().enumerate() {
            if placed.node.memory == Memory::Leaf {
                simulation.allocate(id);
            }
        }
        for id in 0..self.nodes.len() {
            simulation.run(id);
        }
        Peaks {
            gpus: simulation.gpus.iter().map(Allocator::peak).collect(),
            host: simulation.host.peak(),
        }
    }
}

struct Simulation<'a> {
    nodes: &'a [Placed],
    states: Vec<State>,
    host: Allocator,
    gpus: Vec<Allocator>,
    /// Inputs stay for the micro-batches that follow.
    pipeline: bool,
}

impl Simulation<'_> {
    fn buffer(&mut self, place: Place) -> Option<&mut Allocator> {
        match place {
            Place::Host => Some(&mut self.host),
            Place::Gpu(index) => self.gpus.get_mut(index),
        }
    }

    fn allocate(&mut self, id: usize) {
        let Placed { node, place } = &self.nodes[id];
        let bytes = node.bytes(*place);
        let offset = self
            .buffer(*place)
            .map_or(0, |buffer| buffer.allocate(bytes));
        let state = &mut self.states[id];
        state.offset = offset;
        state.bytes = bytes;
        state.allocated = true;
    }

    fn release(&mut self, id: usize) {
        let State { offset, bytes, .. } = self.states[id];
        self.states[id].allocated = false;
        if let Some(buffer) = self.buffer(self.nodes[id].place) {
            buffer.release(offset, bytes);
        }
    }

    /// Whether nothing ever overwrites the node.
    fn stays(&self, id: usize) -> bool {
        match self.nodes[id].node.memory {
            Memory::Pinned => true,
            Memory::Input => self.pipeline,
            _ => false,
        }
    }

    fn run(&mut self, id: usize) {
        let node = &self.nodes[id].node;
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
        let Placed { node, place } = &self.nodes[id];
        for &source in node.sources() {
            let parent = &self.nodes[source as usize];
            let state = self.states[source as usize];
            let free = state.allocated
                && state.children == 1
                && state.views == 0
                && !self.stays(source as usize);
            if free && parent.node.same_layout(node) && parent.place == *place {
                let bytes = node.bytes(*place);
                self.states[source as usize].allocated = false;
                let own = &mut self.states[id];
                own.offset = state.offset;
                own.bytes = bytes;
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
        let root = match self.nodes[id].node.memory {
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
        if !self.stays(root) && children == 0 && views == 0 && allocated {
            self.release(root);
        }
    }
}
