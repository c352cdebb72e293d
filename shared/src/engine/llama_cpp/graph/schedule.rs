//! Where each node runs, and the copies of what lies elsewhere.
//!
//! Source: ggml 0.25.3 and 0.26.0, `ggml-backend.cpp` (`ggml_backend_sched_split_graph`).

use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::super::placement::Place;
use super::hyper::Fused;
use super::node::{Id, Memory, Node};

/// Copies of what each split starts with while several GPUs work as a pipeline
/// (`GGML_SCHED_MAX_COPIES`).
const PIPELINE_COPIES: usize = 4;

/// A node at its place, in the order of computation, copies included.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) node: Node,
    pub(super) place: Place,
    /// What the node is, or is a copy of, in the graph that was cut.
    pub(super) origin: Origin,
}

/// Where a node of the cut graph comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It is this node.
    Node(Id),
    /// It is this node, which reads copies of caches.
    Reader(Id),
    /// It is a copy of this node.
    Copy(Id),
    /// It only keeps others.
    None,
}

impl Placed {
    /// The layer, counted from 1, of a node that is computed for it; 0 for others.
    pub(super) fn layer(&self) -> usize {
        match self.origin {
            Origin::Node(_) | Origin::Reader(_) if !is_passive(&self.node) => {
                usize::from(self.node.layer)
            }
            _ => 0,
        }
    }
}

/// The graph cut into splits, each of which runs at one place and starts with copies of what it
/// uses from elsewhere.
pub(super) fn schedule(nodes: &[Node], pipeline: bool) -> Vec<Placed> {
    let places = places(nodes);
    Splitter {
        nodes,
        places: &places,
        result: Vec::with_capacity(nodes.len() + 64),
        renumbered: vec![None; nodes.len()],
        splits: vec![0; nodes.len()],
        copies: Vec::new(),
        last_copies: vec![None; nodes.len()],
        pipeline,
    }
    .split()
}

/// Whether the fused operation of every layer runs where the layer is.
pub(super) fn is_with_layers(nodes: &[Node], operation: Fused) -> bool {
    let mut pairs = nodes.iter().zip(places(nodes));
    pairs.all(|(node, place)| {
        let layer = node.fused.filter(|&(fused, _)| fused == operation);
        layer.is_none_or(|(_, layer)| layer == place)
    })
}

/// Whether the node only gives another shape to memory, or is not computed at all.
fn is_passive(node: &Node) -> bool {
    matches!(
        node.memory,
        Memory::View(_)
            | Memory::Input
            | Memory::Pinned
            | Memory::Leaf
            | Memory::Weight
            | Memory::Cache
            | Memory::Dependency
            | Memory::Fusion(_)
    )
}

/// The place of every node: as assigned, else spread from the neighbours, GPUs first, else where
/// most of its sources are.
fn places(nodes: &[Node]) -> Vec<Place> {
    let mut places: Vec<Option<Place>> = nodes.iter().map(|node| node.assigned).collect();
    let gpu = |place: Place| (place != Place::Host).then_some(place);
    let any = |place: Place| Some(place);
    spread(nodes, &mut places, 0..nodes.len(), gpu);
    spread(nodes, &mut places, (0..nodes.len()).rev(), gpu);
    spread(nodes, &mut places, 0..nodes.len(), any);
    spread(nodes, &mut places, (0..nodes.len()).rev(), any);
    for index in 0..nodes.len() {
        if places[index].is_none() && !is_passive(&nodes[index]) {
            places[index] = Some(nearest(nodes, &places, index));
        }
    }
    for (index, node) in nodes.iter().enumerate() {
        if let Memory::View(root) = node.memory {
            places[index] = places[root as usize];
        }
        for &source in node.sources() {
            // Made by nothing: where it is used first.
            let source = source as usize;
            if nodes[source].memory == Memory::Leaf && places[source].is_none() {
                places[source] = places[index];
            }
        }
    }
    places
        .into_iter()
        .map(|place| place.unwrap_or(Place::Host))
        .collect()
}

/// Gives nodes without a place that of the node before them, where `keeps` takes it and the node
/// can run there.
fn spread(
    nodes: &[Node],
    places: &mut [Option<Place>],
    order: impl Iterator<Item = usize>,
    keeps: impl Fn(Place) -> Option<Place>,
) {
    let mut current = None;
    for index in order {
        if is_passive(&nodes[index]) {
            continue;
        }
        match places[index] {
            Some(place) => current = keeps(place),
            None => places[index] = current.filter(|&place| runs_at(nodes, index, place)),
        }
    }
}

/// The node that a view is of, or the node itself.
fn root(nodes: &[Node], id: Id) -> usize {
    match nodes[id as usize].memory {
        Memory::View(root) => root as usize,
        _ => id as usize,
    }
}

/// Whether a node can run at a place: not on a GPU with a weight of another GPU. Caches are read
/// through views, of which the engine does not see where they lie.
fn runs_at(nodes: &[Node], index: usize, place: Place) -> bool {
    let node = &nodes[index];
    let is_reached = |&source: &Id| {
        let source = &nodes[root(nodes, source)];
        source.memory != Memory::Weight
            || matches!(source.assigned, Some(at) if at == Place::Host || at == place)
    };
    place == Place::Host || (!node.host_only && node.sources().iter().all(is_reached))
}

/// The first place with most of the node's sources.
fn nearest(nodes: &[Node], places: &[Option<Place>], index: usize) -> Place {
    let sources: Vec<Place> = nodes[index]
        .sources()
        .iter()
        .filter_map(|&source| places[root(nodes, source)])
        .collect();
    let count = |place| sources.iter().filter(|&&at| at == place).count();
    // Of those with as many, the first GPU, and the host last.
    let gpus = sources.iter().copied();
    gpus.filter(|&at| at != Place::Host && runs_at(nodes, index, at))
        .max_by_key(|&place| (count(place), Reverse(place)))
        .filter(|&place| count(place) >= count(Place::Host))
        .unwrap_or(Place::Host)
}

/// A copy of a node for another place, of the same layout.
pub(super) fn copy(original: &Node, memory: Memory) -> Node {
    let mut node = Node::new(memory, original.shape, original.element, &[]);
    match original.memory {
        Memory::View(_) => {
            node.extra = original.extra;
            node.apart = original.apart;
        }
        Memory::Cache => node.gpu_extra = original.gpu_extra,
        _ => {}
    }
    node
}

fn id_of(index: usize) -> Id {
    Id::try_from(index).unwrap_or(Id::MAX)
}

/// A copy of a node.
struct CopyAt {
    place: Place,
    /// Its number in the result.
    number: Id,
    /// The copy made of the same node before, among all copies.
    before: Option<Id>,
}

struct Splitter<'a> {
    nodes: &'a [Node],
    places: &'a [Place],
    result: Vec<Placed>,
    /// The number of each node in the result.
    renumbered: Vec<Option<Id>>,
    /// The split of each node that has been entered.
    splits: Vec<usize>,
    /// Copies made so far.
    copies: Vec<CopyAt>,
    /// The last copy made of each node.
    last_copies: Vec<Option<Id>>,
    /// Several GPUs work on several micro-batches at once.
    pipeline: bool,
}

impl Splitter<'_> {
    fn split(mut self) -> Vec<Placed> {
        self.enter_inputs();
        let mut start = 0;
        while start < self.nodes.len() {
            let end = self.end_of_split(start);
            self.emit(start, end);
            start = end;
        }
        self.result
    }

    /// A split ends where the place changes, and before a weight that has to be copied if
    /// something was copied for this split already.
    fn end_of_split(&self, start: usize) -> usize {
        let mut place = None;
        let mut copied: Vec<Id> = Vec::new();
        for (index, node) in self.nodes.iter().enumerate().skip(start) {
            if is_passive(node) {
                continue;
            }
            let here = self.places[index];
            let foreign = |&&source: &&Id| self.places[source as usize] != here;
            match place {
                None => place = Some(here),
                Some(place) if place != here => return index,
                Some(_) => {
                    let mut sources = node.sources().iter().filter(foreign);
                    if !copied.is_empty() && sources.any(|&source| self.is_weight(source)) {
                        return self.first_of(index);
                    }
                }
            }
            for &source in node.sources().iter().filter(foreign) {
                if !copied.contains(&source) && !self.is_copied(source, here) {
                    copied.push(source);
                }
            }
        }
        self.nodes.len()
    }

    fn is_weight(&self, id: Id) -> bool {
        self.nodes[id as usize].memory == Memory::Weight
    }

    /// Weights stand right before the node that uses them.
    fn first_of(&self, index: usize) -> usize {
        let mut first = index;
        while first > 0 && self.nodes[first - 1].memory == Memory::Weight {
            first -= 1;
        }
        first
    }

    fn is_copied(&self, id: Id, place: Place) -> bool {
        self.copy_at(id, place).is_some()
    }

    /// The number of the copy of a node at a place.
    fn copy_at(&self, id: Id, place: Place) -> Option<Id> {
        let mut last = self.last_copies[id as usize];
        while let Some(index) = last {
            let copy = &self.copies[index as usize];
            if copy.place == place {
                return Some(copy.number);
            }
            last = copy.before;
        }
        None
    }

    fn emit(&mut self, start: usize, end: usize) {
        for index in start..end {
            let node = &self.nodes[index];
            if is_passive(node) {
                continue;
            }
            let place = self.places[index];
            for &source in node.sources() {
                let from = self.places[source as usize];
                if from == place || self.is_copied(source, place) {
                    continue;
                }
                let original = &self.nodes[source as usize];
                let number = self.number_of(source);
                // Reads the original, which is free after its last copy.
                let read = Node::new(Memory::Dependency, [0; 4], 0, &[number]);
                self.result.push(Placed {
                    node: read,
                    place: from,
                    origin: Origin::None,
                });
                let made = Id::try_from(self.copies.len()).ok();
                let before = core::mem::replace(&mut self.last_copies[source as usize], made);
                self.copies.push(CopyAt {
                    place,
                    number: self.next(),
                    before,
                });
                if self.pipeline {
                    self.pin(source, place, PIPELINE_COPIES);
                } else {
                    self.result.push(Placed {
                        node: copy(original, Memory::Own),
                        place,
                        origin: Origin::Copy(source),
                    });
                }
            }
        }
        for index in start..end {
            let place = self.places[index];
            self.splits[index] = start;
            let mut node = self.nodes[index].clone();
            if self.renumbered[index].is_some() {
                if matches!(node.memory, Memory::View(_)) {
                    // Its copy came first; what it is a view of stays until here.
                    let of = node.sources().iter();
                    let of: Vec<Id> = of.map(|&of| self.number_of(of)).collect();
                    self.result.push(Placed {
                        node: Node::new(Memory::Dependency, [0; 4], 0, &of),
                        place,
                        origin: Origin::None,
                    });
                }
                continue;
            }
            let mut place = place;
            let mut passive = is_passive(&node);
            if let Memory::Fusion(first) = node.memory {
                place = self.places[first as usize];
                if place == Place::Host || !self.is_in_one_piece(first, &node) {
                    continue;
                }
                node.memory = Memory::Dependency;
                passive = false;
            }
            node.renumber(|source| {
                let copy = self.copy_at(source, place).filter(|_| !passive);
                copy.or(self.renumbered[source as usize]).unwrap_or(0)
            });
            let mut origin = Origin::Node(id_of(index));
            let is_copied = |&source: &Id| {
                let at = self.places[source as usize];
                self.nodes[source as usize].memory == Memory::Cache && at != place
            };
            if self.nodes[index].sources().iter().any(is_copied) {
                node.gpu_extra = node.gpu_extra.saturating_add(node.copied_extra);
                origin = Origin::Reader(id_of(index));
            }
            self.renumbered[index] = Some(self.next());
            self.result.push(Placed {
                node,
                place,
                origin,
            });
        }
    }

    /// Whether all that is computed as one operation is in one split.
    fn is_in_one_piece(&self, first: Id, fusion: &Node) -> bool {
        let split = self.splits[first as usize];
        let mut inside = fusion.sources().iter().filter(|&&source| source >= first);
        inside.all(|&source| self.splits[source as usize] == split)
    }

    /// Inputs come first, in a pipeline as many times as it has copies.
    fn enter_inputs(&mut self) {
        for (id, node) in (0..).zip(self.nodes) {
            if node.memory == Memory::Input {
                self.number_of(id);
                if self.pipeline {
                    self.pin(id, Place::Host, PIPELINE_COPIES - 1);
                }
            }
        }
    }

    /// Enters copies of a node that nothing overwrites.
    fn pin(&mut self, source: Id, place: Place, count: usize) {
        let original = &self.nodes[source as usize];
        for _ in 0..count {
            self.result.push(Placed {
                node: copy(original, Memory::Pinned),
                place,
                origin: Origin::Copy(source),
            });
        }
    }

    fn next(&self) -> Id {
        id_of(self.result.len())
    }

    /// The number of a source in the result. A source that follows in this split is a weight
    /// or a cache, or a view of what is there already: it is entered now.
    fn number_of(&mut self, source: Id) -> Id {
        let index = source as usize;
        if let Some(id) = self.renumbered[index] {
            return id;
        }
        let mut node = self.nodes[index].clone();
        for &of in self.nodes[index].sources() {
            self.number_of(of);
        }
        if let Memory::View(_) = node.memory {
            // What it is a view of is used where the view stands, not here.
            let (shape, element) = (node.shape, node.element);
            let (extra, apart) = (node.extra, node.apart);
            node = Node::new(node.memory, shape, element, &[]);
            node.extra = extra;
            node.apart = apart;
        }
        node.renumber(|of| self.renumbered[of as usize].unwrap_or(0));
        let id = self.next();
        self.result.push(Placed {
            node,
            place: self.places[index],
            origin: Origin::Node(source),
        });
        self.renumbered[index] = Some(id);
        id
    }
}
