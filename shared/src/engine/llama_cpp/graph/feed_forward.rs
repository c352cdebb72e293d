//! Dense feed-forward networks and mixtures of experts.

use alloc::vec::Vec;

use super::super::placement::Place;
use super::super::settings::Version;
use super::block::{Block, Dense, ExpertBlock, Part};
use super::decoder::Decoder;
use super::family::Saturates;
use super::node::Id;

/// Most experts whose results CUDA adds up in one operation
/// (`MOE_WEIGHTED_REDUCTION_MAX_EXPERTS`).
const MOST_REDUCED_EXPERTS: u64 = 15;

impl Decoder<'_> {
    /// The feed-forward part of a block.
    pub(super) fn feed_forward(&mut self, block: &Block, from: Id) -> Id {
        match &block.experts {
            Some(experts) => {
                let mixed = self.experts(experts, from, None);
                if !self.family.sums_network_and_experts || block.feed_forward.up.is_none() {
                    return mixed;
                }
                let fed = self.dense(&block.feed_forward, from);
                let sum = self.graph.map(&[fed, mixed]);
                self.graph.map(&[sum])
            }
            None => self.dense(&block.feed_forward, from),
        }
    }

    /// Up, gate and activation are three tensors: the activation is not done in place.
    pub(super) fn dense(&mut self, dense: &Dense, from: Id) -> Id {
        let mut activated = self.activation(dense, from);
        if dense.down_norm.is_some() {
            activated = self.norm(activated, dense.down_norm, None);
        }
        self.projected(dense.down, dense.down_bias, activated)
    }

    fn activation(&mut self, dense: &Dense, from: Id) -> Id {
        if dense.gate.is_some() {
            let gate = self.projected(dense.gate, dense.gate_bias, from);
            let up = self.projected(dense.up, dense.up_bias, from);
            return self.gated_by(gate, up);
        }
        let up = self.projected(dense.up, dense.up_bias, from);
        let [rows, columns, ..] = self.graph.shape(up);
        let kept = dense.down.map_or(rows, |down| down.columns);
        if kept < rows {
            // Gate and up in one matrix: the activation halves it.
            return self.graph.own([kept, columns, 1, 1], &[up]);
        }
        self.graph.map(&[up])
    }

    pub(super) fn experts(&mut self, block: &ExpertBlock, from: Id, router: Option<Id>) -> Id {
        let input = from;
        if block.compress.is_some() {
            self.router_logits = Some(self.projected(block.router, None, input));
        }
        let from = self.projected(block.compress, None, input);
        let [width, tokens, ..] = self.graph.shape(from);
        let used = block.experts.used;
        let shared = block.shared.up.is_some();
        let (chosen, weights) = self.route(block, router.unwrap_or(from), tokens);
        let weights = self.graph.view(weights, [1, used, tokens, 1]);
        let mut row = self.graph.view(from, [width, 1, tokens, 1]);
        if self.family.weighs_experts_input {
            row = self.graph.own([width, used, tokens, 1], &[row]);
            row = self.graph.map(&[row, weights]);
        }
        let activated = self.expert_activation(block, row, chosen, tokens);
        let early = self.starts_shared_expert_early(block).then(|| {
            let shared = self.activation(&block.shared, from);
            self.graph.expand(activated);
            self.graph.expand(shared);
            // `from` is the row's own memory.
            self.graph.keep(&[row, chosen]);
            shared
        });
        let Some(down) = block.down else {
            return from;
        };
        let shape = [width, used, tokens, 1];
        let down = match block.down_copy {
            0 => self.graph.expert_matrix(down, shape, activated, chosen),
            bytes => {
                let weight = self.graph.table(Part { bytes, ..down });
                let product = self.graph.own(shape, &[weight, activated, chosen]);
                self.graph.keep_from_gpus(product);
                product
            }
        };
        let down = self.expert_bias(down, block.down_bias, chosen);
        let scales = block.down_scale.map(|scale| {
            let scale = self.graph.reshaped(scale);
            let count = block.experts.count;
            let every = self.graph.own([1, count, tokens, 1], &[scale]);
            self.graph.own([1, used, tokens, 1], &[every, chosen])
        });
        let mut routed = self.weighted_sum(down, scales, weights, [width, used, tokens, 1]);
        if block.compressed_norm.is_some() {
            routed = self.norm(routed, block.compressed_norm, None);
        }
        routed = self.projected(block.decompress, None, routed);
        if !shared {
            return routed;
        }
        let shared = self.shared(block, input, early);
        let sum = self.graph.map(&[routed, shared]);
        if self.family.scales_shared_sum {
            return self.graph.map(&[sum]);
        }
        sum
    }

    /// Whether the shared expert's activation is computed along with the chosen experts', which
    /// 0.6.0 does where the two have the same quantized shape.
    fn starts_shared_expert_early(&self, block: &ExpertBlock) -> bool {
        let weights = [block.gate, block.up, block.shared.gate, block.shared.up];
        // What runs elsewhere in between, or with weights that are copied, breaks the two apart.
        let between = [block.down, block.down_bias, block.down_scale];
        let place = block.gate.map(|weight| weight.place);
        let together = place != Some(Place::Host)
            && weights.iter().all(Option::is_some)
            && weights
                .iter()
                .chain(&between)
                .flatten()
                .all(|weight| Some(weight.place) == place);
        self.settings.version >= Version::V0_6_0
            && block.gate_up.is_none()
            && together
            && block.shared_alike
            && block.down_copy == 0
            && !self.family.weighs_experts_input
            && self.family.saturates == Saturates::None
            && !self.family.clamps_experts_alone
            && block.compress.is_none()
    }

    /// The expert that every token uses.
    fn shared(&mut self, block: &ExpertBlock, from: Id, activated: Option<Id>) -> Id {
        let activated = match activated {
            Some(activated) => activated,
            None => self.activation(&block.shared, from),
        };
        let shared = self.projected(block.shared.down, None, activated);
        let Some(gate) = block.shared_gate else {
            return shared;
        };
        // A vector in the file, a matrix of one row here.
        let gate = self.graph.matrix(Part { rows: 1, ..gate }, from);
        let gate = self.graph.map(&[gate]);
        self.graph.map(&[shared, gate])
    }

    /// The experts chosen for each token and their weights.
    fn route(&mut self, block: &ExpertBlock, from: Id, tokens: u64) -> (Id, Id) {
        let (count, used) = (block.experts.count, block.experts.used);
        // gpt-oss takes the softmax over the chosen experts alone.
        let softmax_of_chosen = block.router_bias.is_some();
        let logits = match self.router_logits.take() {
            Some(logits) => logits,
            None => self.projected(block.router, None, from),
        };
        let logits_and_bias = self.graph.weigh(logits, block.router_bias);
        let mut probabilities = logits_and_bias;
        let mut kept = Vec::from([logits]);
        if !softmax_of_chosen {
            probabilities = self.graph.map(&[logits_and_bias]);
        }
        let first = probabilities;
        if self.family.scores_by_root {
            kept.push(probabilities);
            probabilities = self.graph.map(&[probabilities]);
        }
        let weighs_input = self.family.weighs_experts_input;
        let mut choice = if weighs_input { logits } else { probabilities };
        if block.choice_bias.is_some() {
            choice = self.graph.weigh(probabilities, block.choice_bias);
        }
        kept.extend([probabilities, choice]);
        if block.experts.routing.groups > 1 {
            choice = self.best_groups(block, choice, tokens);
        }
        let shape = [used, tokens, 1, 1];
        let chosen = match block.by_token {
            Some(table) => self.graph.lookup(table, shape, &[self.token_ids]),
            None => {
                let sorted = self.graph.own([count, tokens, 1, 1], &[choice]);
                kept.push(sorted);
                self.graph.slice(sorted, shape, used, count)
            }
        };
        let rows = self.graph.view(probabilities, [1, count, tokens, 1]);
        let mut weights = self.graph.own([1, used, tokens, 1], &[rows, chosen]);
        kept.push(weights);
        if softmax_of_chosen {
            let flat = self.graph.view(weights, [used, tokens, 1, 1]);
            weights = self.graph.map(&[flat]);
        } else if self
            .family
            .normalizes_experts
            .unwrap_or(block.experts.routing.normalizes)
        {
            let flat = self.graph.view(weights, [used, tokens, 1, 1]);
            let sum = self.graph.own([1, tokens, 1, 1], &[flat]);
            let clamped = self.graph.map(&[sum]);
            weights = self.graph.map(&[flat, clamped]);
            kept.extend([sum, clamped, weights]);
            weights = self.graph.view(weights, [1, used, tokens, 1]);
        }
        if block.experts.routing.scales {
            weights = self.graph.map(&[weights]);
            kept.push(weights);
        }
        self.graph.expand(weights);
        let fuses = count.is_power_of_two() && count <= 512 || matches!(count, 288 | 576);
        let sorts = !softmax_of_chosen && block.by_token.is_none();
        if fuses && sorts && !weighs_input && block.experts.routing.groups <= 1 {
            // Computed as one operation, so that nothing on the way may be reused.
            self.graph.fuse_with_next(first, &kept);
        }
        (chosen, weights)
    }

    /// The scores of the experts in the best groups; those of the others do not count.
    fn best_groups(&mut self, block: &ExpertBlock, choice: Id, tokens: u64) -> Id {
        let groups = block.experts.routing.groups;
        let each = block.experts.count / groups;
        let kept = block.experts.routing.kept_groups;
        let grouped = self.graph.view(choice, [each, groups, tokens, 1]);
        let best = self.graph.own([each, groups, tokens, 1], &[grouped]);
        let best = self.graph.view(best, [2, groups, tokens, 1]);
        let rows = self.graph.view(grouped, [1, each, groups, tokens]);
        let scores = self.graph.own([1, 2, groups, tokens], &[rows, best]);
        let scores = self.graph.view(scores, [2, groups, tokens, 1]);
        let scores = self.graph.own([1, groups, tokens, 1], &[scores]);
        let scores = self.graph.view(scores, [groups, tokens, 1, 1]);
        let sorted = self.graph.own([groups, tokens, 1, 1], &[scores]);
        let chosen = self.graph.view(sorted, [kept, tokens, 1, 1]);
        let scores = self.graph.own([each, kept, tokens, 1], &[grouped, chosen]);
        let none = self.graph.map(&[grouped]);
        let scores = self.graph.written(none, &[scores, chosen]);
        self.graph.view(scores, [block.experts.count, tokens, 1, 1])
    }

    fn expert_activation(&mut self, block: &ExpertBlock, row: Id, chosen: Id, tokens: u64) -> Id {
        let (length, used) = (block.experts.length, block.experts.used);
        let shape = [length, used, tokens, 1];
        if let Some(gate_up) = block.gate_up {
            let both =
                self.graph
                    .expert_matrix(gate_up, [length * 2, used, tokens, 1], row, chosen);
            let gate = self.graph.view(both, shape);
            let up = self.graph.view(both, shape);
            return self.graph.own(shape, &[gate, up]);
        }
        let gate = block.gate.map(|gate| {
            let gate = self.graph.expert_matrix(gate, shape, row, chosen);
            self.expert_bias(gate, block.gate_bias, chosen)
        });
        let Some(up) = block.up else {
            return row;
        };
        let up = self.graph.expert_matrix(up, shape, row, chosen);
        let up = self.expert_bias(up, block.up_bias, chosen);
        match gate {
            Some(gate) => self.gated_by(gate, up),
            None => self.graph.map(&[up]),
        }
    }

    /// The activation of a gate by what it gates.
    fn gated_by(&mut self, gate: Id, up: Id) -> Id {
        if self.family.saturates == Saturates::None {
            let shape = self.graph.shape(up);
            return self.graph.own(shape, &[gate, up]);
        }
        let bounded = self.bounded(gate);
        let open = self.graph.map(&[gate]);
        let gate = self.graph.map(&[bounded, open]);
        let up = if self.family.saturates == Saturates::Both {
            self.bounded(up)
        } else {
            up
        };
        self.graph.map(&[gate, up])
    }

    /// Scaled down, within one and minus one, and scaled up.
    fn bounded(&mut self, mut value: Id) -> Id {
        for _ in 0..3 {
            value = self.graph.map(&[value]);
        }
        value
    }

    /// Adds the biases of the chosen experts, where they have any.
    fn expert_bias(&mut self, from: Id, bias: Option<Part>, chosen: Id) -> Id {
        match bias {
            Some(bias) => self.graph.weigh_with(&[from], bias, &[chosen]),
            None => from,
        }
    }

    /// The experts' results by their weights, added up.
    fn weighted_sum(
        &mut self,
        experts: Id,
        scales: Option<Id>,
        weights: Id,
        shape: [u64; 4],
    ) -> Id {
        let [width, used, tokens, _] = shape;
        let mut kept = Vec::from([experts, weights]);
        let mut weighted = experts;
        let mut first = None;
        if let Some(scales) = scales {
            weighted = self.graph.map(&[experts, scales]);
            kept.push(scales);
            first = Some(weighted);
        }
        if !self.family.weighs_experts_input {
            weighted = self.graph.map(&[weighted, weights]);
        }
        let first = first.unwrap_or(weighted);
        self.graph.expand(weighted);
        let part = |decoder: &mut Self| decoder.graph.view(weighted, [width, tokens, 1, 1]);
        let parts: Vec<Id> = (0..used).map(|_| part(self)).collect();
        let mut sum = parts.first().copied().unwrap_or(weighted);
        if used == 1 {
            return self.graph.own([width, tokens, 1, 1], &[sum]);
        }
        for &part in parts.iter().skip(1) {
            sum = self.graph.map(&[sum, part]);
        }
        self.graph.expand(sum);
        if self.settings.version.reduces_experts()
            && used <= MOST_REDUCED_EXPERTS
            && !self.family.weighs_experts_input
        {
            // Computed as one operation: what goes in stays until it is done.
            self.graph.fuse(first, &kept);
        }
        sum
    }
}
