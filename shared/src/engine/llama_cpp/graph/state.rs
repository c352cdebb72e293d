//! How recurrent layers read the states of their sequences.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `llama-graph.cpp` (`build_rs`, `build_rs_inp_impl`).

use super::super::placement::Place;
use super::super::settings::Version;
use super::block::{Block, RecurrentBlock};
use super::decoder::Decoder;
use super::node::{Graph, Id};

/// Bytes of an element of a state: always `f32`.
const ELEMENT_BYTES: u64 = 4;

/// Which states the sequences read: all, those of the batch, and the others.
#[derive(Debug, Clone, Copy)]
pub(super) struct StateCopies {
    all: Id,
    main: Id,
    others: Id,
    /// Sequences that are not in the batch, as far as memory is set aside for them.
    other_count: u64,
    /// The batch's states and the others are read in one step.
    at_once: bool,
}

impl StateCopies {
    pub(super) fn new(graph: &mut Graph, version: Version, sequences: u64) -> Self {
        let at_once = version >= Version::V0_6_0;
        let other_count = if at_once { sequences - 1 } else { 0 };
        let all = graph.input([sequences, 1, 1, 1], 4);
        Self {
            all,
            main: graph.view(all, [sequences, 1, 1, 1]),
            others: graph.view(all, [other_count, 1, 1, 1]),
            other_count,
            at_once,
        }
    }
}

impl Decoder<'_> {
    /// The states of the batch's sequences.
    pub(super) fn state_rows(&mut self, block: &Block, elements: Option<u64>) -> Id {
        let elements = elements.unwrap_or(0);
        let Some(copies) = self.state_copies else {
            return self.output_rows;
        };
        let (place, cache) = self.cleared(block, elements);
        let sequences = self.batch.sequences;
        let ids = if copies.at_once {
            copies.all
        } else {
            copies.main
        };
        let rows = self.graph.own([elements, sequences, 1, 1], &[cache, ids]);
        let (states, others) = if copies.at_once {
            let states = self.graph.view(rows, [elements, sequences, 1, 1]);
            (states, self.graph.view(rows, [elements, 0, 1, 1]))
        } else {
            let others = [elements, copies.other_count, 1, 1];
            (rows, self.graph.own(others, &[cache, copies.others]))
        };
        self.graph.expand(states);
        self.graph.store(place, &[others]);
        states
    }

    /// A scan, which reads the batch's states straight from the cache, and the last states
    /// stored. `reshaped`: its decay is a weight in another shape.
    pub(super) fn scanned(
        &mut self,
        block: &Block,
        recurrent: &RecurrentBlock,
        inputs: [Id; 4],
        on_gpu: bool,
        reshaped: bool,
    ) -> Id {
        let elements = recurrent.state.state_elements().unwrap_or(0);
        let Some(copies) = self.state_copies else {
            return self.output_rows;
        };
        let (place, cache) = self.cleared(block, elements);
        let sequences = self.batch.sequences;
        let others = [elements, copies.other_count, 1, 1];
        let again = self.states(place, elements);
        let others = self.graph.own(others, &[again, copies.others]);
        let [x, step, b, c] = inputs;
        let results = self.graph.shape(x).iter().product::<u64>();
        let last = self.kept_states * elements * sequences;
        let shape = [results + last, 1, 1, 1];
        let decay = recurrent.part("ssm_a");
        let (before, after) = ([cache, x, step], [b, c, copies.main]);
        let scanned = match decay.filter(|_| reshaped) {
            Some(decay) => {
                let decay = self.graph.reshaped(decay);
                let sources = [cache, x, step, decay, b, c, copies.main];
                let scanned = self.graph.own(shape, &sources);
                if !on_gpu {
                    self.graph.keep_from_gpus(scanned);
                }
                scanned
            }
            None => self
                .graph
                .own_weighted(decay, 1, on_gpu, shape, &before, &after),
        };
        self.graph.expand(scanned);
        self.graph.store(place, &[others]);
        let last = self.graph.view(scanned, [last, 1, 1, 1]);
        self.graph.store(place, &[last]);
        scanned
    }

    /// A cache of states, of which one may be cleared first.
    fn cleared(&mut self, block: &Block, elements: u64) -> (Place, Id) {
        let place = if self.settings.kv_offload {
            block.place
        } else {
            Place::Host
        };
        self.graph.store(place, &[]);
        (place, self.states(place, elements))
    }

    /// The states of all sequences in the cache.
    fn states(&mut self, place: Place, elements: u64) -> Id {
        let bytes = elements
            .saturating_mul(self.batch.sequences)
            .saturating_mul(ELEMENT_BYTES);
        self.graph.cache(place, bytes, 0)
    }
}
