//! What a block computes, read off the tensors that it has.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::super::flash_attention::{Kernels, has_kernel};
use super::super::placement::{Located, Place, Placement};
use super::super::settings::LlamaCpp;
use super::super::weights::allocated_bytes;
use super::altup::{self, AltupBlock};
use super::block_sparse::BlockIndexer;
use super::family::still_layers;
use super::hyper::Connections;
use super::passes;
use super::per_layer::PerLayerBlock;
use super::pooled::PooledIndexer;
use super::recurrent::CONVOLUTION_CHANNELS;
use super::residual_attention::ResidualBlock;
use super::rwkv;
use super::sample::{Keep, Sample, sample};
use super::shared_key::SharedKeyBlock;
use super::sparse::IndexerBlock;
use super::switch::SwitchBlock;
use crate::model::{Attention, Experts, Layer, Model, RecurrentState, Span, Tensor};

/// A tensor of the model as the graph needs it.
#[derive(Debug, Clone, Copy, Eq)]
pub(in super::super) struct Part {
    /// Elements of a row: columns of a matrix, or all of a vector.
    pub(super) columns: u64,
    /// Rows of a matrix: elements of its products.
    pub(super) rows: u64,
    /// Where the tensor lies.
    pub(super) place: Place,
    /// Bytes of a copy of it on a GPU, where it lies in host memory; 0 elsewhere.
    pub(super) bytes: u64,
}

impl PartialEq for Part {
    /// Not inlined: a block has some sixty parts, each of which would bring the comparison along.
    #[inline(never)]
    fn eq(&self, other: &Self) -> bool {
        (self.columns, self.rows, self.place, self.bytes)
            == (other.columns, other.rows, other.place, other.bytes)
    }
}

/// The tensors of a block.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Block {
    /// Where the block's layer is.
    pub(super) place: Place,
    /// What decides on the kernel of its attention.
    pub(super) kernels: Kernels,
    /// Where the cache is that the block reads, its own or another layer's.
    pub(super) cache_place: Place,
    /// Queries and keys are not rotated, whatever the other blocks do.
    pub(super) still: bool,
    /// Factors of the rotation by position, which every block reads.
    pub(super) rope_table: Option<Part>,
    pub(super) query: Option<Part>,
    pub(super) key: Option<Part>,
    pub(super) value: Option<Part>,
    /// Query, key and value in one matrix.
    pub(super) fused: Option<Part>,
    pub(super) query_bias: Option<Part>,
    pub(super) key_bias: Option<Part>,
    pub(super) value_bias: Option<Part>,
    pub(super) fused_bias: Option<Part>,
    pub(super) query_norm: Option<Part>,
    pub(super) query_norm_bias: Option<Part>,
    pub(super) key_norm: Option<Part>,
    pub(super) key_norm_bias: Option<Part>,
    /// A norm of what attention gives, before its output projection.
    pub(super) attended_norm: Option<Part>,
    pub(super) output: Option<Part>,
    pub(super) output_bias: Option<Part>,
    /// Scores that no key has, one for each head.
    pub(super) sinks: Option<Part>,
    /// A gate for the result of attention or recurrence.
    pub(super) gate: Option<Part>,
    pub(super) attention_norm: Option<Part>,
    pub(super) attention_norm_bias: Option<Part>,
    /// A norm of its own for attention, beside that of the network.
    pub(super) attention_norm_2: Option<Part>,
    pub(super) attention_norm_2_bias: Option<Part>,
    pub(super) post_attention_norm: Option<Part>,
    pub(super) feed_forward_norm: Option<Part>,
    pub(super) feed_forward_norm_bias: Option<Part>,
    pub(super) post_feed_forward_norm: Option<Part>,
    pub(super) output_scale: Option<Part>,
    pub(super) feed_forward: Dense,
    pub(super) experts: Option<ExpertBlock>,
    pub(super) latent: Option<LatentBlock>,
    pub(super) recurrent: Option<RecurrentBlock>,
    pub(super) per_layer: Option<PerLayerBlock>,
    pub(super) altup: Option<AltupBlock>,
    pub(super) indexer: Option<IndexerBlock>,
    pub(super) block_indexer: Option<BlockIndexer>,
    pub(super) residual: Option<ResidualBlock>,
    pub(super) pooled_indexer: Option<PooledIndexer>,
    pub(super) switch: Option<SwitchBlock>,
    pub(super) shared_key: Option<SharedKeyBlock>,
    pub(super) connections: Option<Connections>,
    /// A part of an image's features is added to what the block gives.
    pub(super) adds_features: bool,
    /// The residual stream is put aside and begun anew.
    pub(super) puts_aside: bool,
    /// The first block, whose values the others of RWKV 7 use.
    pub(super) first: bool,
    /// The layer's geometry.
    pub(super) attention: Attention,
}

impl Block {
    /// Whether the block has a network after attention or recurrence.
    pub(super) fn feeds_forward(&self) -> bool {
        self.experts.is_some() || self.feed_forward.up.is_some()
    }
}

/// A dense network, or the expert that every token uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in super::super) struct Dense {
    pub(super) gate: Option<Part>,
    pub(super) gate_bias: Option<Part>,
    pub(super) up: Option<Part>,
    pub(super) up_bias: Option<Part>,
    pub(super) down: Option<Part>,
    pub(super) down_bias: Option<Part>,
    /// A norm of what the last matrix reads.
    pub(super) down_norm: Option<Part>,
}

/// A mixture of experts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct ExpertBlock {
    pub(super) experts: Experts,
    pub(super) router: Option<Part>,
    pub(super) router_bias: Option<Part>,
    /// A bias for the choice of experts only.
    pub(super) choice_bias: Option<Part>,
    /// A table that chooses them by the token alone.
    pub(super) by_token: Option<Part>,
    pub(super) gate: Option<Part>,
    pub(super) up: Option<Part>,
    /// Gate and up in one tensor.
    pub(super) gate_up: Option<Part>,
    pub(super) down: Option<Part>,
    /// Where no GPU can multiply with the last matrix: bytes of a copy of it in host memory.
    pub(super) down_copy: u64,
    pub(super) gate_bias: Option<Part>,
    pub(super) up_bias: Option<Part>,
    pub(super) down_bias: Option<Part>,
    pub(super) shared: Dense,
    /// The shared expert's matrices are of the same quantized type and shape as one of the others.
    pub(super) shared_alike: bool,
    /// Gemma 4: the router's input is scaled by this, and each expert's result.
    pub(super) router_scale: Option<Part>,
    pub(super) down_scale: Option<Part>,
    /// Arctic: a norm of the layer's own input, which the experts read beside the network.
    pub(super) input_norm: Option<Part>,
    /// Gemma 4: norms before and after the experts, and after the network beside them.
    pub(super) pre_norm: Option<Part>,
    pub(super) post_norm: Option<Part>,
    pub(super) beside_post_norm: Option<Part>,
    /// The shared expert's result is gated by this.
    pub(super) shared_gate: Option<Part>,
    /// From the residual stream to what the chosen experts read, narrower than it, and back.
    pub(super) compress: Option<Part>,
    pub(super) compressed_norm: Option<Part>,
    pub(super) decompress: Option<Part>,
}

/// Latent attention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct LatentBlock {
    pub(super) query_a: Option<Part>,
    pub(super) query_a_norm: Option<Part>,
    pub(super) query_b: Option<Part>,
    pub(super) compress: Option<Part>,
    pub(super) compress_norm: Option<Part>,
    pub(super) key_b: Option<Part>,
    pub(super) value_b: Option<Part>,
    /// From the latent to keys and values of every head, where those are cached.
    pub(super) decompress: Option<Part>,
    /// A norm of the rotary key.
    pub(super) rotary_norm: Option<Part>,
    /// Scores that no key has, one for each head.
    pub(super) sinks: Option<Part>,
}

/// A recurrent layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct RecurrentBlock {
    pub(super) state: RecurrentState,
    pub(super) parts: BTreeMap<&'static str, Part>,
}

/// Tensors that recurrent layers have, after `blk.N.`.
const RECURRENT_TENSORS: [&str; 29] = [
    "ssm_in.weight",
    "ssm_conv1d.weight",
    "ssm_conv1d.bias",
    "ssm_conv1d_q.weight",
    "ssm_conv1d_k.weight",
    "ssm_conv1d_v.weight",
    "ssm_dt.weight",
    "ssm_dt.bias",
    "ssm_dt_norm.weight",
    "ssm_b_norm.weight",
    "ssm_c_norm.weight",
    "ssm_x.weight",
    "ssm_a",
    "ssm_d",
    "ssm_norm.weight",
    "ssm_out.weight",
    "ssm_ba.weight",
    "ssm_alpha.weight",
    "ssm_beta.weight",
    "ssm_f_a.weight",
    "ssm_f_b.weight",
    "ssm_g_a.weight",
    "ssm_g_b.weight",
    "ssm_g.weight",
    "attn_qkv.weight",
    "attn_gate.weight",
    "shortconv.in_proj.weight",
    "shortconv.conv.weight",
    "shortconv.out_proj.weight",
];

/// A tensor of a block: its name after `blk.N.`.
struct Entry<'a> {
    name: &'a str,
    tensor: &'a Tensor,
    part: Part,
}

/// What a block is made from. Blocks of equal kinds are equal but for their index.
struct Kind<'a> {
    layer: &'a Layer,
    place: Place,
    cache_place: Place,
    entries: &'a [Entry<'a>],
    /// What the position in the model decides.
    position: usize,
    /// Queries and keys are not rotated.
    still: bool,
    /// A part of an image's features is added to what the block gives.
    adds_features: bool,
    /// The residual stream is put aside and begun anew.
    puts_aside: bool,
    /// Bytes of a copy of the experts' last matrix in host memory, where it is needed.
    down_copy: u64,
}

impl Kind<'_> {
    fn is(&self, other: &Self) -> bool {
        // What a shared expert has in common with the others depends on the types.
        let mixed = self.layer.feed_forward.experts.is_some();
        let same = |(one, other): (&Entry<'_>, &Entry<'_>)| {
            one.part == other.part
                && one.name == other.name
                && (!mixed || one.tensor.tensor_type == other.tensor.tensor_type)
        };
        self.layer == other.layer
            && self.place == other.place
            && self.cache_place == other.cache_place
            && self.position == other.position
            && self.still == other.still
            && self.adds_features == other.adds_features
            && self.puts_aside == other.puts_aside
            && self.down_copy == other.down_copy
            && self.entries.len() == other.entries.len()
            && self.entries.iter().zip(other.entries).all(same)
    }
}

/// The decoder blocks of a model.
#[derive(Debug)]
pub(in super::super) struct Blocks {
    /// Those that make different graphs. Weights on GPUs are not part of it.
    distinct: Vec<Block>,
    /// Of each decoder layer its index in the model and which of the blocks it is.
    layers: Vec<(usize, usize)>,
    sampling: Sampling,
}

/// Which layers can stand for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sampling {
    /// None.
    None,
    /// The first of a run for the rest of it, which leaves the allocator as it found it.
    Settled {
        /// There are recurrent layers.
        recurrent: bool,
    },
    /// Some in the middle of a run for the others there, which the allocator goes through as
    /// often as there are.
    Repeated,
}

impl Blocks {
    /// The layers to build the graph of, best first; the last are all.
    pub(super) fn samples(&self) -> impl Iterator<Item = Sample> {
        let keeps: &[Keep] = match self.sampling {
            Sampling::None => &[Keep::All],
            Sampling::Settled { recurrent: false } => &[Keep::Settled(4)],
            Sampling::Settled { recurrent: true } => &[Keep::Settled(8)],
            Sampling::Repeated => &[Keep::Rounds(3), Keep::Rounds(4), Keep::All],
        };
        keeps.iter().map(|&keep| self.sample(keep))
    }

    /// Whether the residual streams are several that are mixed.
    pub(super) fn have_connections(&self) -> bool {
        let mut blocks = self.distinct.iter();
        blocks.any(|block| block.connections.is_some())
    }

    pub(super) fn sample(&self, keep: Keep) -> Sample {
        let kinds: Vec<usize> = self.layers.iter().map(|&(_, kind)| kind).collect();
        sample(&kinds, keep)
    }

    /// The layer at this position among the decoder's: its index in the model and its block.
    pub(super) fn layer(&self, position: usize) -> Option<(usize, &Block)> {
        let &(index, kind) = self.layers.get(position)?;
        Some((index, self.distinct.get(kind)?))
    }
}

/// The decoder blocks of a model.
pub(in super::super) fn blocks(
    model: &Model,
    placement: &Placement,
    tensors: &[Located<'_>],
    settings: &LlamaCpp,
) -> Blocks {
    let kv_offload = settings.kv_offload;
    let entries = entries(model, placement, tensors);
    let table = tensors.iter().find(|located| located.is_rope_table());
    let table = table.map(|located| located.tensor);
    let positions = match model.architecture.as_str() {
        "gemma3n" => altup::SPARSE_LAYERS,
        "rwkv7" | "arwkv7" => 1,
        _ => 0,
    };
    // Images bring features for the first blocks beside the embeddings.
    let parts = model
        .input_length
        .checked_div(model.embedding_length)
        .unwrap_or(0);
    // Streams put aside stay, so that each layer finds less room than the one before.
    let every = usize::try_from(model.traits.residual_block_length);
    let grows = model.traits.residual_block_length > 0;
    // Norms and sums stand between their passes.
    let repeats = passes::repeats(model);
    // Sparse layers hold memory from the start until their turn: none can stand for another.
    let sparse = model.layers.iter().any(|layer| layer.indexer.is_some());
    let still = still_layers(&model.architecture);
    let mut cached: [Option<Place>; 2] = [None; 2];
    let mut known: Vec<(Kind<'_>, usize)> = Vec::new();
    let mut distinct: Vec<Block> = Vec::new();
    let mut layers = Vec::with_capacity(model.layers.len());
    for (index, layer) in model.decoder_layers() {
        let place = placement.layer(index);
        let full = layer.attention.span() == Some(Span::Full);
        // Shared caches are those of the last layer of the kind that has one.
        let last = &mut cached[usize::from(full)];
        let shares = matches!(layer.attention, Attention::Heads(heads) if heads.shares_cache);
        if !shares {
            *last = Some(place);
        }
        let cache_place = if kv_offload {
            last.unwrap_or(place)
        } else {
            Place::Host
        };
        let kind = Kind {
            layer,
            place,
            cache_place,
            entries: entries
                .get(passes::tensors_of(model, index))
                .map_or(&[], Vec::as_slice),
            down_copy: down_copy(model, passes::tensors_of(model, index)),
            position: index.min(positions),
            adds_features: u64::try_from(index).is_ok_and(|index| index + 1 < parts),
            puts_aside: every.is_ok_and(|every| index.checked_rem(every) == Some(0)),
            still: still.is_some_and(|round| (index + 1).is_multiple_of(round)),
        };
        // Layers that only read a cache elsewhere are one stretch of work with others, before
        // which the caches of all of them are copied.
        let alone = sparse || (shares && cache_place != place);
        let same = known.iter().find(|(known, _)| !alone && known.is(&kind));
        if let Some(&(_, number)) = same {
            layers.push((index, number));
            continue;
        }
        let kernels = Kernels::new(model, placement, place);
        let block = block(index, &kind, kernels, table);
        let same = distinct.iter().position(|known| !alone && *known == block);
        let number = same.unwrap_or(distinct.len());
        if same.is_none() {
            distinct.push(block);
        }
        layers.push((index, number));
        known.push((kind, number));
    }
    let all_on_gpus = kv_offload && placement.is_all_on_gpus(model);
    // Between GPUs what is copied shifts the rest of the way through the allocator.
    let settles = all_on_gpus && !placement.has_several_gpus();
    let sampling = if repeats || grows {
        Sampling::None
    } else if settles && !counts_each(settings, model) {
        let recurrent = model.layers.iter().any(|layer| layer.recurrent.is_some());
        Sampling::Settled { recurrent }
    } else {
        Sampling::Repeated
    };
    Blocks {
        distinct,
        layers,
        sampling,
    }
}

/// Bytes of a copy of the experts' last matrix in host memory where no GPU can multiply with it:
/// that of Mistral 4, which reads values beyond those of `f16` (`build_moe_ffn`).
fn down_copy(model: &Model, index: usize) -> u64 {
    if model.architecture != "mistral4" {
        return 0;
    }
    let name = alloc::format!("blk.{index}.ffn_down_exps.weight");
    let tensor = model.tensor(&name);
    tensor.map_or(0, |tensor| allocated_bytes(tensor, Place::Host))
}

/// Whether layers do not leave the allocator as they found it: the CPU does part of their work
/// wherever they are.
fn counts_each(settings: &LlamaCpp, model: &Model) -> bool {
    let flash = settings.uses_flash_attention();
    let leaves = |layer: &Layer| {
        let recurrent = match layer.recurrent {
            Some(RecurrentState::Mamba { inner, state, .. }) => {
                state != 16 || !inner.is_multiple_of(CONVOLUTION_CHANNELS)
            }
            Some(RecurrentState::Mamba2 { state, .. }) => !matches!(state, 96 | 128 | 256),
            // Work on GPUs, but do not leave the allocator as they found it.
            Some(RecurrentState::Lightning { .. } | RecurrentState::Rwkv { .. }) => true,
            _ => false,
        };
        recurrent || (flash && !has_kernel(settings, &layer.attention))
    };
    model.architecture == "mistral4" || model.layers.iter().any(leaves)
}

/// The tensors of each block.
fn entries<'a>(
    model: &Model,
    placement: &Placement,
    tensors: &[Located<'a>],
) -> Vec<Vec<Entry<'a>>> {
    let mut entries: Vec<Vec<Entry<'_>>> = Vec::new();
    entries.resize_with(model.layers.len(), || Vec::with_capacity(16));
    for located in tensors {
        let Some(index) = located.block else {
            continue;
        };
        if let Some(entries) = entries.get_mut(index) {
            let place = located.overridden;
            let place = place.unwrap_or_else(|| placement.layer(index));
            entries.push(Entry {
                name: located.name,
                tensor: located.tensor,
                part: part(located.tensor, place),
            });
        }
    }
    entries
}

/// A tensor outside the blocks, as the graph needs it.
pub(super) fn part(tensor: &Tensor, place: Place) -> Part {
    Part {
        columns: tensor.dimensions[0],
        rows: tensor.dimensions[1],
        place,
        bytes: if place == Place::Host {
            allocated_bytes(tensor, Place::Gpu(0))
        } else {
            0
        },
    }
}

/// Whether gate and up of the shared expert are of the same quantized type and shape as those of
/// the others.
fn are_alike(tensors: &BTreeMap<&str, &Entry<'_>>) -> bool {
    let names = [
        "ffn_up_exps.weight",
        "ffn_gate_exps.weight",
        "ffn_up_shexp.weight",
        "ffn_gate_shexp.weight",
    ];
    let kind = |name: &str| {
        let tensor = tensors.get(name)?.tensor;
        let [columns, rows, ..] = tensor.dimensions;
        let quantized = tensor.tensor_type.is_quantized();
        quantized.then_some((tensor.tensor_type, columns, rows))
    };
    let first = kind(names[0]);
    first.is_some() && names.iter().all(|name| kind(name) == first)
}

fn block(index: usize, kind: &Kind<'_>, kernels: Kernels, rope_table: Option<&Tensor>) -> Block {
    let (layer, place) = (kind.layer, kind.place);
    let mut tensors = BTreeMap::new();
    for entry in kind.entries {
        tensors.insert(entry.name, entry);
    }
    // Some files leave the last part of the name out.
    let is_bare = kind.entries.iter().any(|entry| !entry.name.contains('.'));
    let bare = |name: &str| tensors.get(name.strip_suffix(".weight").filter(|_| is_bare)?);
    let get = |name: &str| Some(tensors.get(name).or_else(|| bare(name))?.part);
    let experts = layer.feed_forward.experts.map(|experts| ExpertBlock {
        experts,
        router: get("ffn_gate_inp.weight"),
        router_bias: get("ffn_gate_inp.bias"),
        choice_bias: get("exp_probs_b.bias").or_else(|| get("exp_probs_b")),
        by_token: get("ffn_gate_tid2eid.weight"),
        gate: get("ffn_gate_exps.weight"),
        up: get("ffn_up_exps.weight"),
        gate_up: get("ffn_gate_up_exps.weight"),
        down: get("ffn_down_exps.weight"),
        down_copy: kind.down_copy,
        gate_bias: get("ffn_gate_exps.bias"),
        up_bias: get("ffn_up_exps.bias"),
        down_bias: get("ffn_down_exps.bias"),
        shared: Dense {
            gate: get("ffn_gate_shexp.weight"),
            up: get("ffn_up_shexp.weight"),
            down: get("ffn_down_shexp.weight"),
            ..Dense::default()
        },
        shared_alike: are_alike(&tensors),
        router_scale: get("ffn_gate_inp.scale"),
        down_scale: get("ffn_down_exps.scale"),
        input_norm: get("ffn_norm_exps.weight"),
        pre_norm: get("pre_ffw_norm_2.weight"),
        post_norm: get("post_ffw_norm_2.weight"),
        beside_post_norm: get("post_ffw_norm_1.weight"),
        shared_gate: get("ffn_gate_inp_shexp.weight"),
        compress: get("ffn_routed_down.weight"),
        compressed_norm: get("ffn_routed_norm.weight"),
        decompress: get("ffn_routed_up.weight"),
    });
    let recurring = layer
        .recurrent
        .filter(|state| !matches!(state, RecurrentState::Compressor { .. }));
    let recurrent = recurring.map(|state| RecurrentBlock {
        state,
        parts: RECURRENT_TENSORS
            .iter()
            .chain(rwkv::TENSORS)
            .filter_map(|&name| Some((name, get(name)?)))
            .collect(),
    });
    let latent = get("attn_kv_a_mqa.weight").map(|compress| LatentBlock {
        query_a: get("attn_q_a.weight"),
        query_a_norm: get("attn_q_a_norm.weight"),
        query_b: get("attn_q_b.weight"),
        compress: Some(compress),
        compress_norm: get("attn_kv_a_norm.weight"),
        key_b: get("attn_k_b.weight"),
        value_b: get("attn_v_b.weight"),
        decompress: get("attn_kv_b.weight"),
        rotary_norm: get("attn_k_norm.weight"),
        sinks: get("attn_sinks.weight"),
    });
    let per_layer = get("inp_gate.weight")
        .zip(get("proj.weight"))
        .map(|(gate, projection)| PerLayerBlock {
            gate,
            projection,
            norm: get("post_norm.weight"),
        });
    let feed_forward_norm = get("ffn_norm.weight");
    // DBRX calls the norm before the network so, Grok the one after attention.
    let post_attention_norm = feed_forward_norm.and_then(|_| get("attn_output_norm.weight"));
    Block {
        place,
        kernels,
        still: kind.still,
        cache_place: kind.cache_place,
        rope_table: rope_table.map(|table| part(table, place)),
        query: get("attn_q.weight"),
        key: get("attn_k.weight"),
        value: get("attn_v.weight"),
        fused: get("attn_qkv.weight"),
        query_bias: get("attn_q.bias"),
        key_bias: get("attn_k.bias"),
        value_bias: get("attn_v.bias"),
        fused_bias: get("attn_qkv.bias"),
        query_norm: get("attn_q_norm.weight"),
        query_norm_bias: get("attn_q_norm.bias"),
        key_norm: get("attn_k_norm.weight"),
        key_norm_bias: get("attn_k_norm.bias"),
        attended_norm: get("attn_sub_norm.weight"),
        output: get("attn_output.weight"),
        output_bias: get("attn_output.bias"),
        sinks: get("attn_sinks.weight"),
        gate: get("attn_gate.weight"),
        attention_norm: get("attn_norm.weight"),
        attention_norm_bias: get("attn_norm.bias"),
        attention_norm_2: get("attn_norm_2.weight"),
        attention_norm_2_bias: get("attn_norm_2.bias"),
        post_attention_norm: get("post_attention_norm.weight").or(post_attention_norm),
        feed_forward_norm: feed_forward_norm.or_else(|| get("attn_output_norm.weight")),
        feed_forward_norm_bias: get("ffn_norm.bias"),
        post_feed_forward_norm: get("post_ffw_norm.weight")
            .or_else(|| get("layer_output_norm.weight")),
        output_scale: get("layer_output_scale.weight"),
        feed_forward: Dense {
            gate: get("ffn_gate.weight"),
            gate_bias: get("ffn_gate.bias"),
            up: get("ffn_up.weight"),
            up_bias: get("ffn_up.bias"),
            down: get("ffn_down.weight"),
            down_bias: get("ffn_down.bias"),
            down_norm: get("ffn_sub_norm.weight"),
        },
        experts,
        latent,
        recurrent,
        per_layer,
        altup: AltupBlock::new(index, get),
        indexer: IndexerBlock::new(layer.indexer, get),
        block_indexer: BlockIndexer::new(layer.indexer, get),
        residual: ResidualBlock::new(get),
        pooled_indexer: PooledIndexer::new(layer.indexer, get),
        switch: SwitchBlock::new(get),
        shared_key: SharedKeyBlock::new(layer, get),
        connections: Connections::new(get),
        adds_features: kind.adds_features,
        puts_aside: kind.puts_aside,
        first: index == 0 && get("time_mix_v0.weight").is_some(),
        attention: layer.attention,
    }
}
