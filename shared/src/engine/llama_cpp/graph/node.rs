//! The graph that llama.cpp plans its compute buffers for, as far as memory is concerned.
//!
//! A node is computed when something that needs it is, or when the builder asks for it:
//! [`Graph::expand`] stands wherever the engine's builder calls `ggml_build_forward_expand`.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::super::placement::Place;
use super::block::Part;
use super::hyper::Fused;

/// A node of the graph.
pub(super) type Id = u32;

/// Elements along each dimension, the contiguous one first.
pub(super) type Shape = [u64; 4];

/// Most sources that a node has (`GGML_MAX_SRC`).
const MAX_SOURCES: usize = 10;

/// What becomes of a node's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
    /// Allocated before the graph runs, in host memory.
    Input,
    /// Allocated before the graph runs, and never free.
    Pinned,
    /// Allocated before the graph runs, where it is used.
    Leaf,
    /// Lies in a buffer of its own: a weight.
    Weight,
    /// Lies in a buffer of its own: a cache.
    Cache,
    /// Its own.
    Own,
    /// Its own, or that of a source of the same layout that nobody else needs.
    InPlace,
    /// Part of another node's.
    View(Id),
    /// Another node's, written into.
    Written(Id),
    /// None: written into a cache.
    Store,
    /// None: there only to keep its sources until now.
    Dependency,
    /// None: keeps its sources until now where all nodes from this one on are computed as one
    /// operation, on one GPU without a break.
    Fusion(Id),
}

impl Memory {
    /// Whether it is allocated before the graph runs.
    pub(super) fn is_laid_out_first(self) -> bool {
        matches!(self, Self::Input | Self::Pinned | Self::Leaf)
    }
}

/// One node.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) memory: Memory,
    /// Where the node is computed, as far as that is given.
    pub(super) assigned: Option<Place>,
    pub(super) shape: Shape,
    /// Bytes of an element: 4 for `f32` and `i32`, 2 for `f16`, 8 for `i64`.
    pub(super) element: u64,
    /// Bytes between the rows of a view, beyond its elements.
    pub(super) extra: u64,
    /// Whether the rows are those of a view that are apart, however few there are: nothing else is
    /// laid out so.
    pub(super) apart: bool,
    /// Bytes beyond the elements that GPUs ask for.
    pub(super) gpu_extra: u64,
    /// Bytes more where the caches that the node reads are copied for it.
    pub(super) copied_extra: u64,
    /// Whether no GPU can compute the node.
    pub(super) host_only: bool,
    /// Which fused operation this is, and where the layer is that it belongs to.
    pub(super) fused: Option<(Fused, Place)>,
    /// The layer that the node is part of, counted from 1.
    pub(super) layer: u16,
    sources: [Id; MAX_SOURCES],
    source_count: usize,
}

impl Node {
    pub(super) fn new(memory: Memory, shape: Shape, element: u64, from: &[Id]) -> Self {
        let mut sources = [0; MAX_SOURCES];
        let source_count = from.len().min(MAX_SOURCES);
        sources[..source_count].copy_from_slice(&from[..source_count]);
        Self {
            memory,
            assigned: None,
            shape,
            element,
            extra: 0,
            apart: false,
            gpu_extra: 0,
            copied_extra: 0,
            host_only: false,
            fused: None,
            layer: 0,
            sources,
            source_count,
        }
    }

    pub(super) fn sources(&self) -> &[Id] {
        &self.sources[..self.source_count]
    }

    /// Whether the node is one of the engine's graph, not only something that it uses.
    fn is_computed(&self) -> bool {
        !matches!(
            self.memory,
            Memory::Input
                | Memory::Leaf
                | Memory::Weight
                | Memory::Cache
                | Memory::Dependency
                | Memory::Fusion(_)
        )
    }

    fn reverse_sources(&mut self) {
        self.sources[..self.source_count].reverse();
    }

    /// Gives every source, and the node viewed, a new number.
    pub(super) fn renumber(&mut self, number: impl Fn(Id) -> Id) {
        for source in &mut self.sources[..self.source_count] {
            *source = number(*source);
        }
        if let Memory::View(of) | Memory::Written(of) | Memory::Fusion(of) = &mut self.memory {
            *of = number(*of);
        }
    }

    /// Bytes of an allocation for the node at this place; saturating.
    pub(super) fn bytes(&self, place: Place) -> u64 {
        let extra = match place {
            Place::Host => self.extra,
            Place::Gpu(_) => self.extra.saturating_add(self.gpu_extra),
        };
        self.shape
            .iter()
            .fold(self.element, |product, &extent| {
                product.saturating_mul(extent)
            })
            .saturating_add(extra)
    }

    /// Whether both are the same but for their sizes.
    fn is_connected_like(&self, other: &Self) -> bool {
        self.memory == other.memory
            && self.element == other.element
            && self.apart == other.apart
            && self.assigned == other.assigned
            && self.host_only == other.host_only
            && self.sources() == other.sources()
    }

    /// Whether one node's memory can serve for the other.
    pub(super) fn same_layout(&self, other: &Self) -> bool {
        let apart = self.apart || other.apart;
        !apart && self.shape == other.shape && self.element == other.element
    }
}

/// A graph under construction.
#[derive(Debug)]
pub(super) struct Graph {
    nodes: Vec<Node>,
    /// Nodes in the order of computation.
    order: Vec<Id>,
    /// Whether a node is in `order`.
    entered: Vec<bool>,
    /// Nodes being entered, each with how many of its sources have been.
    entering: Vec<(Id, usize)>,
    /// Where large batches with a weight in host memory run, if not there.
    offload_to: Option<Place>,
    /// What is to be kept until the next node is computed.
    keeping: Vec<Id>,
    /// Weights of tensors that are used again, in the order of their use.
    used: BTreeMap<usize, Vec<Id>>,
    /// Whose weights are being used, how many of them have been, and whether for the first time.
    using: Option<(usize, usize, bool)>,
    /// The layer that is being built, counted from 1.
    layer: u16,
}

/// Batches of this many rows run on the GPU even where the weight is in host memory
/// (`GGML_OP_OFFLOAD_MIN_BATCH`).
const OP_OFFLOAD_MIN_BATCH: u64 = 32;

impl Graph {
    pub(super) fn new(offload_to: Option<Place>) -> Self {
        Self {
            nodes: Vec::with_capacity(1024),
            order: Vec::with_capacity(1024),
            entered: Vec::with_capacity(1024),
            entering: Vec::new(),
            offload_to,
            keeping: Vec::new(),
            used: BTreeMap::new(),
            using: None,
            layer: 0,
        }
    }

    /// From now on nodes are part of the layer at this position among those of the graph.
    pub(super) fn begin_layer(&mut self, position: usize) {
        self.layer = u16::try_from(position)
            .unwrap_or(u16::MAX)
            .saturating_add(1);
    }

    /// Whether both graphs are the same but for the sizes of their nodes.
    pub(super) fn is_connected_like(&self, other: &Self) -> bool {
        let mut pairs = self.nodes.iter().zip(&other.nodes);
        self.nodes.len() == other.nodes.len()
            && self.order == other.order
            && pairs.all(|(node, other)| node.is_connected_like(other))
    }

    /// The node at this place in the order of computation.
    pub(super) fn in_order(&self, number: Id) -> Option<&Node> {
        let id = *self.order.get(number as usize)?;
        self.nodes.get(id as usize)
    }

    /// From now on weights are those of this number: the same ones, in the same order, each time.
    pub(super) fn begin_weights(&mut self, number: usize) {
        let first = !self.used.contains_key(&number);
        self.used.entry(number).or_default();
        self.using = Some((number, 0, first));
    }

    /// From now on weights are nobody's in particular.
    pub(super) fn end_weights(&mut self) {
        self.using = None;
    }

    /// The weight that comes next where it has been used before, or this one.
    fn used_weight(&mut self, node: Node) -> Id {
        let Some((number, position, first)) = self.using else {
            return self.push(node);
        };
        self.using = Some((number, position + 1, first));
        let known = self.used.get(&number).and_then(|used| used.get(position));
        if let Some(&known) = known.filter(|_| !first) {
            return known;
        }
        let id = self.push(node);
        self.used.entry(number).or_default().push(id);
        id
    }

    fn push(&mut self, mut node: Node) -> Id {
        let id = Id::try_from(self.nodes.len()).unwrap_or(Id::MAX);
        node.layer = self.layer;
        self.nodes.push(node);
        self.entered.push(false);
        id
    }

    /// Enters the node, and before it what it needs, into the order of computation.
    pub(super) fn expand(&mut self, id: Id) {
        // Not by recursion: a file can have a chain of any length.
        if !self.enter(id) {
            return;
        }
        while let Some((id, position)) = self.entering.last_mut() {
            let id = *id;
            match self.nodes[id as usize].sources().get(*position) {
                Some(&source) => {
                    *position += 1;
                    self.enter(source);
                }
                None => {
                    self.order.push(id);
                    self.entering.pop();
                    if self.nodes[id as usize].is_computed() {
                        self.order.append(&mut self.keeping);
                    }
                }
            }
        }
    }

    /// Notes a node whose sources are to be entered; `false` where it is there already.
    fn enter(&mut self, id: Id) -> bool {
        let known = core::mem::replace(&mut self.entered[id as usize], true);
        if !known {
            self.entering.push((id, 0));
        }
        !known
    }

    /// The nodes in the order of computation.
    pub(super) fn nodes(&self) -> Vec<Node> {
        let mut numbers: Vec<Id> = alloc::vec![0; self.nodes.len()];
        for (number, &id) in (0..).zip(&self.order) {
            numbers[id as usize] = number;
        }
        self.order
            .iter()
            .map(|&id| {
                let mut node = self.nodes[id as usize].clone();
                node.renumber(|source| numbers[source as usize]);
                node
            })
            .collect()
    }

    fn node(&mut self, id: Id) -> &mut Node {
        // Ids come from `push` alone.
        &mut self.nodes[id as usize]
    }

    pub(super) fn shape(&self, id: Id) -> Shape {
        self.nodes[id as usize].shape
    }

    /// An input of the graph, which is there once something needs it.
    pub(super) fn input(&mut self, shape: Shape, element: u64) -> Id {
        let mut node = Node::new(Memory::Input, shape, element, &[]);
        node.assigned = Some(Place::Host);
        self.push(node)
    }

    /// A cache: `bytes` of it take part, and a GPU that copies it adds `padding`.
    pub(super) fn cache(&mut self, place: Place, bytes: u64, padding: u64) -> Id {
        let mut node = Node::new(Memory::Cache, [bytes, 1, 1, 1], 1, &[]);
        node.assigned = Some(place);
        node.gpu_extra = padding;
        self.push(node)
    }

    /// A result of its own memory.
    pub(super) fn own(&mut self, shape: Shape, from: &[Id]) -> Id {
        self.push(Node::new(Memory::Own, shape, 4, from))
    }

    /// A result of its own memory in `f16`.
    pub(super) fn half(&mut self, shape: Shape, from: &[Id]) -> Id {
        self.push(Node::new(Memory::Own, shape, 2, from))
    }

    /// A copy of a cache in another order of elements.
    pub(super) fn transposed(&mut self, shape: Shape, element: u64, from: &[Id]) -> Id {
        self.push(Node::new(Memory::Own, shape, element, from))
    }

    /// An element-wise operation: the result has the shape of the first source and may take
    /// its memory.
    pub(super) fn map(&mut self, from: &[Id]) -> Id {
        let (shape, element) = from.first().map_or(([1; 4], 4), |&id| {
            let first = &self.nodes[id as usize];
            (first.shape, first.element)
        });
        self.push(Node::new(Memory::InPlace, shape, element, from))
    }

    /// An element-wise operation with a weight, where there is one.
    pub(super) fn weigh(&mut self, from: Id, weight: Option<Part>) -> Id {
        match weight {
            Some(weight) => self.weigh_with(&[from], weight, &[]),
            None => from,
        }
    }

    /// An element-wise operation with a weight between its other sources: the result has the
    /// shape of the first and may take its memory.
    pub(super) fn weigh_with(&mut self, before: &[Id], weight: Part, after: &[Id]) -> Id {
        let shape = before.first().map_or([1; 4], |&id| self.shape(id));
        let rows = shape[1].saturating_mul(shape[2]).saturating_mul(shape[3]);
        let (place, copy) = self.weight(weight, rows);
        let mut sources = Vec::from(before);
        sources.extend(copy);
        sources.extend_from_slice(after);
        self.weighted(Memory::InPlace, shape, place, &sources)
    }

    /// An element-wise operation with the weight of an earlier one.
    pub(super) fn weigh_like(&mut self, from: Id, earlier: Id) -> Id {
        let known = self.nodes[earlier as usize].clone();
        let mut sources = Vec::from([from]);
        let is_weight = |&&id: &&Id| self.nodes[id as usize].memory == Memory::Weight;
        sources.extend(known.sources().iter().filter(is_weight));
        let mut node = Node::new(Memory::InPlace, self.shape(from), 4, &sources);
        node.assigned = known.assigned;
        self.push(node)
    }

    /// The product with the weight of an earlier one.
    pub(super) fn matrix_like(&mut self, from: Id, earlier: Id) -> Id {
        let id = self.weigh_like(from, earlier);
        let known = self.shape(earlier);
        let node = self.node(id);
        node.memory = Memory::Own;
        node.shape[0] = known[0];
        // Weights come first.
        node.reverse_sources();
        id
    }

    /// A weight as a source that does not decide where the node runs.
    pub(super) fn table(&mut self, weight: Part) -> Id {
        let mut node = Node::new(Memory::Weight, [weight.bytes, 1, 1, 1], 1, &[]);
        node.assigned = Some(weight.place);
        self.used_weight(node)
    }

    /// A weight in another shape as a source: its copy is no reason for the engine to begin a
    /// new stretch of work.
    pub(super) fn reshaped(&mut self, weight: Part) -> Id {
        self.cache(weight.place, weight.bytes, 0)
    }

    /// Elements of a weight as a source, which is copied like [`Self::reshaped`].
    pub(super) fn part_of(&mut self, weight: Part, elements: u64) -> Id {
        self.cache(weight.place, elements.saturating_mul(4), 0)
    }

    /// A result of its own memory, of elements like those of the first source.
    pub(super) fn own_like(&mut self, shape: Shape, from: &[Id]) -> Id {
        let element = from
            .first()
            .map_or(4, |&id| self.nodes[id as usize].element);
        self.push(Node::new(Memory::Own, shape, element, from))
    }

    /// As [`Self::leaf`], of elements like those of another node.
    pub(super) fn leaf_like(&mut self, shape: Shape, like: Id) -> Id {
        let element = self.nodes[like as usize].element;
        self.push(Node::new(Memory::Leaf, shape, element, &[]))
    }

    /// A result of its own memory from another and two weights, with a batch of `rows`.
    pub(super) fn own_by_weights(
        &mut self,
        weights: [Part; 2],
        rows: u64,
        shape: Shape,
        from: Id,
    ) -> Id {
        let [(place, first), (_, second)] = weights.map(|weight| self.weight(weight, rows));
        let mut sources = Vec::from([from]);
        sources.extend(first.into_iter().chain(second));
        self.weighted(Memory::Own, shape, place, &sources)
    }

    /// A tensor that no operation makes: it lies where it is used first.
    pub(super) fn leaf(&mut self, shape: Shape) -> Id {
        self.push(Node::new(Memory::Leaf, shape, 4, &[]))
    }

    /// Another shape of the same memory.
    pub(super) fn view(&mut self, of: Id, shape: Shape) -> Id {
        let node = &self.nodes[of as usize];
        let root = match node.memory {
            Memory::View(root) | Memory::Written(root) => root,
            _ => of,
        };
        let same = |other: &Shape| shape.iter().product::<u64>() == other.iter().product::<u64>();
        // The same elements in another shape have the same gaps.
        let extra = match node.memory {
            Memory::View(_) if same(&node.shape) => node.extra,
            _ => 0,
        };
        let mut view = Node::new(Memory::View(root), shape, node.element, &[of]);
        view.extra = extra;
        view.apart = extra > 0;
        self.push(view)
    }

    /// `part` elements of each row of another node's memory, whose rows are `stride` elements
    /// apart.
    pub(super) fn slice(&mut self, of: Id, shape: Shape, part: u64, stride: u64) -> Id {
        let id = self.view(of, shape);
        let elements = shape
            .iter()
            .fold(1, |product: u64, &extent| product.saturating_mul(extent));
        let rows = elements.checked_div(part).unwrap_or(0);
        let node = self.node(id);
        node.apart = stride > part;
        node.extra = stride
            .saturating_sub(part)
            .saturating_mul(rows.saturating_sub(1))
            .saturating_mul(node.element);
        id
    }

    /// Whether the rows of a node follow each other without a gap.
    pub(super) fn is_contiguous(&self, id: Id) -> bool {
        let node = &self.nodes[id as usize];
        !matches!(node.memory, Memory::View(_)) || node.extra == 0
    }

    /// Writes the sources into another node's memory.
    pub(super) fn written(&mut self, into: Id, from: &[Id]) -> Id {
        let Node { shape, element, .. } = self.nodes[into as usize];
        let mut sources = Vec::from(from);
        sources.push(into);
        self.push(Node::new(Memory::Written(into), shape, element, &sources))
    }

    /// Writes the first source into a cache at `place`, or, without one, clears part of it.
    pub(super) fn store(&mut self, place: Place, from: &[Id]) {
        let mut node = Node::new(Memory::Store, [0; 4], 0, from);
        node.assigned = Some(place);
        let id = self.push(node);
        self.expand(id);
    }

    /// Keeps the sources until now.
    pub(super) fn keep(&mut self, sources: &[Id]) {
        self.enter_keeping(Memory::Dependency, sources);
    }

    /// Keeps the sources until now if all from `first` on is computed as one operation.
    pub(super) fn fuse(&mut self, first: Id, sources: &[Id]) {
        self.enter_keeping(Memory::Fusion(first), sources);
    }

    /// As [`Self::fuse`], but until the next node is computed.
    pub(super) fn fuse_with_next(&mut self, first: Id, sources: &[Id]) {
        for sources in sources.chunks(MAX_SOURCES) {
            let id = self.push(Node::new(Memory::Fusion(first), [0; 4], 0, sources));
            self.entered[id as usize] = true;
            self.keeping.push(id);
        }
    }

    fn enter_keeping(&mut self, memory: Memory, sources: &[Id]) {
        for sources in sources.chunks(MAX_SOURCES) {
            let id = self.push(Node::new(memory, [0; 4], 0, sources));
            self.expand(id);
        }
    }

    /// The product with a weight: one result row per source row.
    pub(super) fn matrix(&mut self, weight: Part, from: Id) -> Id {
        let [_, columns, depth, batch] = self.shape(from);
        let shape = [weight.rows, columns, depth, batch];
        match self.weight(weight, columns) {
            (place, None) => self.weighted(Memory::Own, shape, place, &[from]),
            (place, Some(copy)) => self.weighted(Memory::Own, shape, place, &[copy, from]),
        }
    }

    /// The product with the weights of the experts chosen.
    pub(super) fn expert_matrix(&mut self, weight: Part, shape: Shape, row: Id, chosen: Id) -> Id {
        match self.weight(weight, shape[2]) {
            (place, None) => self.weighted(Memory::Own, shape, place, &[row, chosen]),
            (place, Some(copy)) => self.weighted(Memory::Own, shape, place, &[copy, row, chosen]),
        }
    }

    /// An operation of its own memory that uses a weight between its other sources, with a batch
    /// of `rows`. `on_gpu`: GPUs can compute it.
    pub(super) fn own_weighted(
        &mut self,
        weight: Option<Part>,
        rows: u64,
        on_gpu: bool,
        shape: Shape,
        before: &[Id],
        after: &[Id],
    ) -> Id {
        let mut sources = Vec::from(before);
        let mut assigned = None;
        if let Some(weight) = weight {
            if on_gpu {
                let (place, copy) = self.weight(weight, rows);
                assigned = Some(place);
                sources.extend(copy);
            } else {
                if weight.place == Place::Host {
                    assigned = Some(Place::Host);
                }
                sources.push(self.table(weight));
            }
        }
        sources.extend_from_slice(after);
        let mut node = Node::new(Memory::Own, shape, 4, &sources);
        node.assigned = assigned;
        node.host_only = !on_gpu;
        self.push(node)
    }

    /// Bytes beyond the elements that a GPU asks for.
    pub(super) fn add_extra(&mut self, id: Id, bytes: u64) {
        let node = self.node(id);
        node.gpu_extra = node.gpu_extra.saturating_add(bytes);
    }

    /// Bytes more that a GPU asks for where the caches that the node reads are copied for it.
    pub(super) fn add_extra_of_copies(&mut self, id: Id, bytes: u64) {
        let node = self.node(id);
        node.copied_extra = node.copied_extra.saturating_add(bytes);
    }

    /// The node is a fused operation of a layer at this place.
    pub(super) fn fused(&mut self, id: Id, operation: Fused, place: Place) {
        self.node(id).fused = Some((operation, place));
    }

    /// The node is computed at this place, whatever it uses.
    pub(super) fn assign(&mut self, id: Id, place: Place) {
        self.node(id).assigned = Some(place);
    }

    /// No GPU can compute the node.
    pub(super) fn keep_from_gpus(&mut self, id: Id) {
        self.node(id).host_only = true;
    }

    /// Rows of a table: looked up where the table is, whatever the batch.
    pub(super) fn lookup(&mut self, table: Part, shape: Shape, from: &[Id]) -> Id {
        self.weighted(Memory::Own, shape, table.place, from)
    }

    /// Where an operation with this weight runs, and the weight as a source if it has to be
    /// copied there.
    fn weight(&mut self, weight: Part, batch_rows: u64) -> (Place, Option<Id>) {
        if weight.place != Place::Host {
            return (weight.place, None);
        }
        let place = self.place_of_offloaded(batch_rows);
        (place, (place != Place::Host).then(|| self.table(weight)))
    }

    /// Where an operation with a weight in host memory runs.
    pub(super) fn place_of_offloaded(&self, batch_rows: u64) -> Place {
        self.offload_to
            .filter(|_| batch_rows >= OP_OFFLOAD_MIN_BATCH)
            .unwrap_or(Place::Host)
    }

    fn weighted(&mut self, memory: Memory, shape: Shape, place: Place, from: &[Id]) -> Id {
        let mut node = Node::new(memory, shape, 4, from);
        node.assigned = Some(place);
        self.push(node)
    }
}
