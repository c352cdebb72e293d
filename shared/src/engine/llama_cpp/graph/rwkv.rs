//! RWKV 6 and 7, and the hybrids of their time mixing with a transformer's network.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `models/rwkv6-base.cpp`, `models/rwkv7-base.cpp`,
//! `models/rwkv6.cpp`, `models/rwkv7.cpp`, `models/rwkv6qwen2.cpp` and `models/arwkv7.cpp`.

use super::block::{Block, Part, RecurrentBlock};
use super::decoder::Decoder;
use super::node::Id;

/// Tensors that these layers have, after `blk.N.`.
pub(super) const TENSORS: &[&str] = &[
    "attn_norm_2.weight",
    "attn_norm_2.bias",
    "time_mix_w0.weight",
    "time_mix_w1.weight",
    "time_mix_w2.weight",
    "time_mix_a0.weight",
    "time_mix_a1.weight",
    "time_mix_a2.weight",
    "time_mix_v0.weight",
    "time_mix_v1.weight",
    "time_mix_v2.weight",
    "time_mix_g1.weight",
    "time_mix_g2.weight",
    "time_mix_k_k.weight",
    "time_mix_k_a.weight",
    "time_mix_r_k.weight",
    "time_mix_lerp_x.weight",
    "time_mix_lerp_w.weight",
    "time_mix_lerp_k.weight",
    "time_mix_lerp_v.weight",
    "time_mix_lerp_r.weight",
    "time_mix_lerp_g.weight",
    "time_mix_lerp_fused.weight",
    "time_mix_first.weight",
    "time_mix_decay.weight",
    "time_mix_decay_w1.weight",
    "time_mix_decay_w2.weight",
    "time_mix_key.weight",
    "time_mix_key.bias",
    "time_mix_value.weight",
    "time_mix_value.bias",
    "time_mix_receptance.weight",
    "time_mix_receptance.bias",
    "time_mix_gate.weight",
    "time_mix_ln.weight",
    "time_mix_ln.bias",
    "time_mix_output.weight",
    "channel_mix_lerp_k.weight",
    "channel_mix_lerp_r.weight",
    "channel_mix_key.weight",
    "channel_mix_value.weight",
    "channel_mix_receptance.weight",
];

/// What the time mixing of a layer works on.
#[derive(Clone, Copy)]
struct Mixed<'a> {
    block: &'a Block,
    recurrent: &'a RecurrentBlock,
    head_dim: u64,
    heads: u64,
    /// The normalised stream.
    from: Id,
    /// The same, one token earlier.
    previous: Id,
}

impl Mixed<'_> {
    fn part(&self, name: &str) -> Option<Part> {
        self.recurrent.part(name)
    }
}

impl Decoder<'_> {
    /// One layer: from the residual stream to the next.
    pub(super) fn rwkv_layer(
        &mut self,
        block: &Block,
        recurrent: &RecurrentBlock,
        head_dim: u64,
        residual: Id,
        last: bool,
    ) -> Id {
        let [width, ..] = self.graph.shape(residual);
        let (tokens, sequences) = (self.tokens, self.batch.sequences);
        let per_sequence = tokens / sequences;
        let shape = [width, per_sequence, sequences, 1];
        let flat = [width, tokens, 1, 1];
        let residual = self.graph.view(residual, shape);
        let shifted = self.state_rows(block, recurrent.state.conv_elements());
        let normalized = self.norm(residual, block.attention_norm, block.attention_norm_bias);
        let previous = self.shifted(shifted, normalized);
        let mixed = Mixed {
            block,
            recurrent,
            head_dim,
            heads: width.checked_div(head_dim).unwrap_or(0),
            from: normalized,
            previous,
        };
        let attended = if recurrent.part("time_mix_k_k.weight").is_some() {
            self.time_mix_7(mixed)
        } else {
            self.time_mix_6(mixed)
        };
        let attended = self.graph.view(attended, shape);
        let place = self.state_place(block);
        let row = width.saturating_mul(per_sequence);
        let last_of = |decoder: &mut Self, id| {
            decoder
                .graph
                .slice(id, [width, 1, sequences, 1], width, row)
        };
        if recurrent.part("channel_mix_key.weight").is_none() {
            // A transformer's network: only the time mixing looks at the token before.
            let stored = last_of(self, normalized);
            self.graph.store(place, &[stored]);
            let middle = self.graph.map(&[attended, residual]);
            let mut middle = self.graph.view(middle, flat);
            if last {
                middle = self.selected(middle);
            }
            let normalized = self.norm(middle, block.feed_forward_norm, None);
            let fed = self.feed_forward(block, normalized);
            return self.graph.map(&[fed, middle]);
        }
        let middle = self.graph.map(&[attended, residual]);
        let network_in = self.norm(
            middle,
            recurrent.part("attn_norm_2.weight"),
            recurrent.part("attn_norm_2.bias"),
        );
        let network_previous = self.shifted(shifted, network_in);
        let ends = [last_of(self, normalized), last_of(self, network_in)];
        let stored = self.graph.own([width, 2, sequences, 1], &ends);
        self.graph.store(place, &[stored]);
        let mut flattened = [middle, network_in, network_previous].map(|id| {
            let view = self.graph.view(id, flat);
            if last { self.selected(view) } else { view }
        });
        let mixed = self.channel_mix(recurrent, flattened[1], flattened[2]);
        flattened[0] = self.graph.map(&[mixed, flattened[0]]);
        flattened[0]
    }

    /// The tokens before: the last of the batch before, and all but the last.
    fn shifted(&mut self, state: Id, from: Id) -> Id {
        let shape = self.graph.shape(from);
        let [width, per_sequence, sequences, _] = shape;
        let shifts = self.graph.shape(state)[0];
        let first = self
            .graph
            .slice(state, [width, 1, sequences, 1], width, shifts);
        let before = per_sequence.saturating_sub(1);
        let rest = [width, before, sequences, 1];
        let (part, row) = (
            width.saturating_mul(before),
            width.saturating_mul(per_sequence),
        );
        let rest = self.graph.slice(from, rest, part, row);
        self.graph.own(shape, &[first, rest])
    }

    fn channel_mix(&mut self, recurrent: &RecurrentBlock, from: Id, previous: Id) -> Id {
        let difference = self.graph.map(&[previous, from]);
        let lerp = |decoder: &mut Self, name| {
            let weighed = decoder.graph.weigh(difference, recurrent.part(name));
            decoder.graph.map(&[weighed, from])
        };
        let key = lerp(self, "channel_mix_lerp_k.weight");
        let key = self.projected(recurrent.part("channel_mix_key.weight"), None, key);
        let key = self.graph.map(&[key]);
        let key = self.graph.map(&[key]);
        let value = self.projected(recurrent.part("channel_mix_value.weight"), None, key);
        let Some(receptance) = recurrent.part("channel_mix_receptance.weight") else {
            return value;
        };
        let gate = lerp(self, "channel_mix_lerp_r.weight");
        let gate = self.graph.matrix(receptance, gate);
        let gate = self.graph.map(&[gate]);
        self.graph.map(&[gate, value])
    }

    fn time_mix_6(&mut self, mixed: Mixed<'_>) -> Id {
        let tokens = self.tokens;
        let [width, ..] = self.graph.shape(mixed.from);
        let flat = [width, tokens, 1, 1];
        let part = |name: &str| mixed.part(name);
        let hybrid = part("time_mix_first.weight").is_none();
        let difference = self.graph.map(&[mixed.previous, mixed.from]);
        let difference = self.graph.view(difference, flat);
        let from = self.graph.view(mixed.from, flat);
        let lerped = self.graph.weigh(difference, part("time_mix_lerp_x.weight"));
        let lerped = self.graph.map(&[lerped, from]);
        let lerped = self.projected(part("time_mix_w1.weight"), None, lerped);
        let lerped = self.graph.map(&[lerped]);
        let rank = self.graph.shape(lerped)[0] / 5;
        let lerped = self.graph.own([rank, 1, tokens, 5], &[lerped]);
        let mut sources = alloc::vec::Vec::new();
        sources.extend(part("time_mix_w2.weight").map(|weight| self.graph.reshaped(weight)));
        sources.push(lerped);
        let mut lerped = self.graph.own([width, 1, tokens, 5], &sources);
        let fused = part("time_mix_lerp_fused.weight");
        if fused.is_some() {
            lerped = self.graph.weigh(lerped, fused);
            lerped = self.graph.map(&[lerped, difference]);
            lerped = self.graph.map(&[lerped, from]);
        }
        let [decay, key, value, receptance, gate] = ["w", "k", "v", "r", "g"].map(|kind| {
            let view = self.graph.view(lerped, flat);
            if fused.is_some() {
                return view;
            }
            let weight = alloc::format!("time_mix_lerp_{kind}.weight");
            let sum = self.graph.weigh(view, part(&weight));
            let product = self.graph.map(&[sum, difference]);
            self.graph.map(&[product, from])
        });
        let per_head = [mixed.head_dim, mixed.heads, tokens, 1];
        let receptance = self.projected(
            part("time_mix_receptance.weight"),
            part("time_mix_receptance.bias"),
            receptance,
        );
        let [mut key, value] = [("key", key), ("value", value)].map(|(name, from)| {
            let weight = alloc::format!("time_mix_{name}.weight");
            let bias = alloc::format!("time_mix_{name}.bias");
            let projected = self.projected(part(&weight), part(&bias), from);
            let rows = self.graph.shape(projected)[0];
            if rows == width {
                return self.graph.view(projected, per_head);
            }
            // Grouped: each head of keys and values serves several.
            let repeated = self.graph.own(per_head, &[projected]);
            self.graph.view(repeated, per_head)
        });
        let receptance = self.graph.view(receptance, per_head);
        let gate = self.projected(part("time_mix_gate.weight"), None, gate);
        let gate = self.graph.map(&[gate]);
        let decay = self.projected(part("time_mix_decay_w1.weight"), None, decay);
        let decay = self.graph.map(&[decay]);
        let decay = self.projected(part("time_mix_decay_w2.weight"), None, decay);
        let mut decay = self.graph.weigh(decay, part("time_mix_decay.weight"));
        for _ in 0..3 {
            decay = self.graph.map(&[decay]);
        }
        let decay = self.graph.view(decay, per_head);
        if hybrid {
            let product = self.graph.map(&[key, decay]);
            key = self.graph.map(&[key, product]);
        }
        let output = self.scanned_heads(mixed, &[key, value, receptance, decay]);
        let output = if hybrid {
            self.graph.view(output, flat)
        } else {
            self.normalized_heads(mixed, output)
        };
        let gated = self.graph.map(&[output, gate]);
        self.projected(part("time_mix_output.weight"), None, gated)
    }

    fn time_mix_7(&mut self, mixed: Mixed<'_>) -> Id {
        let tokens = self.tokens;
        let [width, per_sequence, sequences, _] = self.graph.shape(mixed.from);
        let flat = [width, tokens, 1, 1];
        let part = |name: &str| mixed.part(name);
        let gated = part("time_mix_g1.weight").is_some() && part("time_mix_g2.weight").is_some();
        let lerps = if gated { 6 } else { 5 };
        let difference = self.graph.map(&[mixed.previous, mixed.from]);
        let repeated = [width, per_sequence, sequences, lerps];
        let repeated = self.graph.own(repeated, &[difference]);
        let lerped = self
            .graph
            .weigh(repeated, part("time_mix_lerp_fused.weight"));
        let lerped = self.graph.map(&[lerped, mixed.from]);
        let [for_r, for_w, for_k, for_v, for_a, for_g] =
            [(); 6].map(|()| self.graph.view(lerped, flat));
        let per_head = [mixed.head_dim, mixed.heads, tokens, 1];

        let receptance = self.projected(part("time_mix_receptance.weight"), None, for_r);
        let decay = self.projected(part("time_mix_w1.weight"), None, for_w);
        let decay = self.graph.map(&[decay]);
        let decay = self.projected(part("time_mix_w2.weight"), None, decay);
        let mut decay = self.graph.weigh(decay, part("time_mix_w0.weight"));
        for _ in 0..3 {
            decay = self.graph.map(&[decay]);
        }
        let key = self.projected(part("time_mix_key.weight"), None, for_k);
        let mut value = self.projected(part("time_mix_value.weight"), None, for_v);
        match self.first_value {
            None => self.first_value = Some(value),
            Some(first) => {
                let difference = self.graph.map(&[first, value]);
                let share = self.projected(part("time_mix_v1.weight"), None, for_v);
                let share = self.projected(part("time_mix_v2.weight"), None, share);
                let share = self.graph.weigh(share, part("time_mix_v0.weight"));
                let share = self.graph.map(&[share]);
                let added = self.graph.map(&[difference, share]);
                value = self.graph.map(&[value, added]);
            }
        }
        let rate = self.projected(part("time_mix_a1.weight"), None, for_a);
        let rate = self.projected(part("time_mix_a2.weight"), None, rate);
        let rate = self.graph.weigh(rate, part("time_mix_a0.weight"));
        let rate = self.graph.map(&[rate]);
        let removed = self.graph.weigh(key, part("time_mix_k_k.weight"));
        let removed = self.graph.view(removed, per_head);
        let removed = self.graph.own(per_head, &[removed]);
        let scaled = self.graph.weigh(key, part("time_mix_k_a.weight"));
        let product = self.graph.map(&[rate, scaled]);
        let product = self.graph.map(&[product, scaled]);
        let key = self.graph.map(&[key, product]);
        let [receptance, decay, key, value, rate] =
            [receptance, decay, key, value, rate].map(|id| self.graph.view(id, per_head));
        let negated = self.graph.map(&[removed]);
        let replaced = self.graph.map(&[removed, rate]);
        let sources = [receptance, decay, key, value, negated, replaced];
        let output = self.scanned_heads(mixed, &sources);
        let output = if part("time_mix_ln.weight").is_some() {
            self.normalized_heads(mixed, output)
        } else {
            self.graph.view(output, flat)
        };
        let bonus = self.graph.map(&[key, receptance]);
        let bonus = self.weighed_by_reshaped(bonus, part("time_mix_r_k.weight"));
        let bonus = self.graph.own([1, mixed.heads, tokens, 1], &[bonus]);
        let bonus = self.graph.map(&[value, bonus]);
        let bonus = self.graph.view(bonus, flat);
        let mut output = self.graph.map(&[output, bonus]);
        if gated {
            let gate = self.projected(part("time_mix_g1.weight"), None, for_g);
            let gate = self.graph.map(&[gate]);
            let gate = self.projected(part("time_mix_g2.weight"), None, gate);
            output = self.graph.map(&[output, gate]);
        }
        self.projected(part("time_mix_output.weight"), None, output)
    }

    /// The recurrence over all heads, which stores the last state and gives the outputs.
    fn scanned_heads(&mut self, mixed: Mixed<'_>, sources: &[Id]) -> Id {
        let (tokens, sequences) = (self.tokens, self.batch.sequences);
        let width = mixed.head_dim * mixed.heads;
        let elements = mixed.recurrent.state.state_elements();
        let states = self.state_rows(mixed.block, elements);
        let mut sources = alloc::vec::Vec::from(sources);
        sources.push(states);
        let rows = tokens + mixed.head_dim * sequences;
        let result = self.graph.own([width, rows, 1, 1], &sources);
        let output = self.graph.view(result, [width, tokens, 1, 1]);
        let last = [elements.unwrap_or(0), sequences, 1, 1];
        let last = self.graph.view(result, last);
        self.graph.store(self.state_place(mixed.block), &[last]);
        output
    }

    /// A norm over each head.
    fn normalized_heads(&mut self, mixed: Mixed<'_>, output: Id) -> Id {
        let flat = self.graph.shape(output);
        let per_head = [mixed.head_dim, mixed.heads, self.tokens, 1];
        let view = self.graph.view(output, per_head);
        let normalized = self.graph.own(per_head, &[view]);
        let normalized = self.graph.view(normalized, flat);
        let weighed = self
            .graph
            .weigh(normalized, mixed.part("time_mix_ln.weight"));
        self.graph.weigh(weighed, mixed.part("time_mix_ln.bias"))
    }
}
