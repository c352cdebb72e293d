//! Decoders of plain parts: what tells one from another is data.

use alloc::vec::Vec;

use crate::model::Span;
use crate::source::hf::draft::{Block, Draft};
use crate::source::hf::part::{
    Dense, Gate, Heads, Mixture, Norm, Part, Prediction, QueryKeyNorm, SharedExperts,
};
use crate::source::hf::{ConfigError, Fields, rope, window};

/// A decoder of plain parts.
#[derive(Debug, Clone, Copy)]
pub(in crate::source::hf) struct Recipe {
    /// The `model_type`s that it reads.
    pub model_types: &'static [&'static str],
    pub architecture: &'static str,
    /// The class defaults that sparse nested configurations rely on.
    pub nested_defaults: &'static [(&'static str, u64)],
    /// Norms over queries and keys.
    pub norm: QueryKeyNorm,
    /// Where norms stand.
    pub norms: Norms,
    /// Norms have biases.
    pub layer_norm: bool,
    /// A matrix of its own gates the output of attention.
    pub gate: Option<OutputGate>,
    /// A learned sink per query head.
    pub sinks: bool,
    /// Queries, keys and values come from one matrix.
    pub fused: bool,
    /// Biases of attention and of the dense network, where the configuration does not say.
    pub biases: bool,
    /// How the dense network is gated.
    pub network: Gate,
    /// A bias that only the choice of experts uses.
    pub selection_bias: bool,
    /// The converter writes the layers that predict further tokens.
    pub predicts: bool,
    /// The embedding is also the output matrix, where the configuration does not say.
    pub tied: bool,
    /// The output of attention may have a bias.
    pub output_bias: bool,
    /// A field with rows of the embedding beyond the vocabulary.
    pub added_rows: Option<&'static str>,
    /// Rank of what conditions the norm before the network.
    pub norm_ranks: Option<u64>,
    /// Entries of the vocabulary where the configuration is flat, which the class does not read.
    pub flat_vocabulary: Option<u64>,
}

/// Where norms stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source::hf) enum Norms {
    /// Before attention and network.
    Before,
    /// Before and after both.
    Around,
    /// After both.
    After,
    /// One before both, which work side by side.
    Shared,
    /// They have no weights.
    Weightless,
}

/// A matrix of its own that gates the output of attention.
#[derive(Debug, Clone, Copy)]
pub(in crate::source::hf) enum OutputGate {
    PerHead,
    PerElement,
}

impl Recipe {
    pub(super) const fn new(
        model_types: &'static [&'static str],
        architecture: &'static str,
    ) -> Self {
        Self {
            model_types,
            architecture,
            nested_defaults: &[],
            norm: QueryKeyNorm::None,
            norms: Norms::Before,
            layer_norm: false,
            gate: None,
            sinks: false,
            fused: false,
            biases: false,
            network: Gate::Separate,
            selection_bias: false,
            predicts: false,
            tied: false,
            output_bias: true,
            added_rows: None,
            norm_ranks: None,
            flat_vocabulary: None,
        }
    }
}

/// Heads and what gates their output.
pub(super) struct Gated {
    pub heads: Heads,
    pub gate: Option<OutputGate>,
}

impl Part for Gated {
    fn write(&self, block: &mut Block<'_>) {
        self.heads.write(block);
        let heads = self.heads.query_heads;
        let width = match self.gate {
            None => return,
            Some(OutputGate::PerHead) => heads,
            Some(OutputGate::PerElement) => heads.saturating_mul(self.heads.value_dim),
        };
        block.linear("attn_gate", block.embedding(), width, false);
    }
}

pub(super) fn build(fields: &Fields<'_>, recipe: &Recipe) -> Result<Draft, ConfigError> {
    let mut draft = match recipe.flat_vocabulary {
        Some(vocabulary) if !fields.is_nested() => {
            Draft::with_vocabulary(fields, recipe.architecture, vocabulary)?
        }
        _ => match recipe.added_rows {
            Some(field) => with_added_rows(fields, recipe.architecture, field)?,
            None => Draft::new(fields, recipe.architecture)?,
        },
    };
    let layers = fields.layers()?;
    let heads = heads(fields, recipe)?;
    let gate = match fields.text("gating") {
        Some("per-element" | "per_element") => Some(OutputGate::PerElement),
        _ => recipe.gate,
    };
    let query_heads = match fields.value("num_attention_heads_per_layer") {
        Some(_) => fields.width_per_layer("num_attention_heads_per_layer", layers)?,
        None => alloc::vec![heads.query_heads; layers],
    };
    let mixture = mixture(fields, recipe.selection_bias)?;
    let sparse = sparse_layers(fields, layers)?;
    let dense = match mixture.is_some() && sparse.iter().all(|&sparse| sparse) {
        true => None,
        false => Some(dense(fields, recipe)?),
    };
    let spans = spans(fields, layers)?;
    let norm = |name| match recipe.layer_norm {
        true => Norm::layer(name),
        false => Norm::rms(name),
    };
    let norms = match fields.flag("use_post_norm")? {
        Some(false) => Norms::Before,
        _ => recipe.norms,
    };
    let before = !matches!(norms, Norms::After | Norms::Weightless);
    let after = matches!(norms, Norms::After | Norms::Around);
    let attention_norm = before.then_some(norm("attn_norm"));
    let network_norm = (before && norms != Norms::Shared).then_some(norm("ffn_norm"));
    let after_attention = after.then_some(norm("post_attention_norm"));
    let after_network = after.then_some(norm("post_ffw_norm"));
    let conditioned = recipe.norm_ranks.map(Conditioned);
    let by_layer = fields.object("per_layer_config").is_some();
    let per_layer = spans.into_iter().zip(query_heads).zip(sparse).zip(0..);
    for (((span, query_heads), sparse), index) in per_layer {
        let heads = match by_layer {
            true => self::heads(&fields.at_layer(index), recipe)?,
            false => Heads {
                query_heads,
                ..heads
            },
        };
        let attention = Gated {
            heads: heads.with_span(span),
            gate,
        };
        let mixture = mixture.as_ref().filter(|_| sparse);
        let dense = dense.as_ref().filter(|_| mixture.is_none());
        draft.block(&[
            &attention_norm.as_ref(),
            &attention,
            &after_attention.as_ref(),
            &network_norm.as_ref(),
            &conditioned.as_ref(),
            &mixture,
            &dense,
            &after_network.as_ref(),
        ]);
    }
    let predictions = match recipe.predicts {
        true => fields.prediction_layers("num_nextn_predict_layers")?,
        false => 0,
    };
    for _ in 0..predictions {
        draft.prediction_block(&[
            &attention_norm.as_ref(),
            &heads,
            &network_norm.as_ref(),
            &mixture.as_ref(),
            &Prediction::default(),
        ]);
    }
    rope::add_llama3_table(&mut draft, fields, heads.key_dim);
    let tied = fields.tied(recipe.tied)?;
    match (norms, recipe.layer_norm) {
        (Norms::Weightless, _) => draft.output_matrix(tied),
        (_, true) => draft.output_with_layer_norm(tied),
        (_, false) => draft.output(tied),
    }
    Ok(draft)
}

/// A draft whose embedding has rows for more than is predicted.
fn with_added_rows(
    fields: &Fields<'_>,
    architecture: &str,
    added: &'static str,
) -> Result<Draft, ConfigError> {
    let vocabulary = fields.width("vocab_size")?;
    let rows = vocabulary.saturating_add(fields.width_or(added, 0)?);
    let shape = [fields.width("hidden_size")?, rows];
    Draft::with_embedding(fields, architecture, vocabulary, shape)
}

/// What conditions the norm before the network, of this rank.
struct Conditioned(u64);

impl Part for Conditioned {
    fn write(&self, block: &mut Block<'_>) {
        let embedding = block.embedding();
        block.linear("ffn_norm_down", embedding, self.0, false);
        block.linear("ffn_norm_up", self.0, embedding, false);
    }
}

fn heads(fields: &Fields<'_>, recipe: &Recipe) -> Result<Heads, ConfigError> {
    let bias = fields.flag_or("attention_bias", recipe.biases)?;
    Ok(Heads {
        norm: recipe.norm,
        sinks: recipe.sinks,
        fused: recipe.fused,
        input_bias: bias,
        output_bias: bias && recipe.output_bias,
        ..Heads::read(fields)?
    })
}

fn dense(fields: &Fields<'_>, recipe: &Recipe) -> Result<Dense, ConfigError> {
    let usual = "intermediate_size";
    let own = "prefix_dense_intermediate_size";
    Ok(Dense {
        length: match fields.optional_width(own)? {
            Some(length) => length,
            None => fields.width(usual)?,
        },
        gate: recipe.network,
        bias: fields.flag_or("mlp_bias", recipe.biases)?,
    })
}

/// The experts, where there are any.
pub(super) fn mixture(
    fields: &Fields<'_>,
    selection_bias: bool,
) -> Result<Option<Mixture>, ConfigError> {
    let most = |names: &[&'static str]| -> Result<u64, ConfigError> {
        let mut count = 0;
        for name in names {
            count = count.max(fields.count_or(name, 0)?);
        }
        Ok(count)
    };
    let count = most(&[
        "num_experts",
        "n_routed_experts",
        "num_local_experts",
        "moe_num_experts",
    ])?;
    if count == 0 {
        return Ok(None);
    }
    let length = fields.width_of(&["moe_intermediate_size", "intermediate_size"])?;
    let experts = most(&[
        "num_shared_experts",
        "n_shared_experts",
        "moe_num_shared_experts",
    ])?;
    let mut shared = experts.saturating_mul(length);
    for field in [
        "shared_expert_intermediate_size",
        "shared_intermediate_size",
        "share_expert_dim",
    ] {
        shared = fields.width_or(field, shared)?;
    }
    let used = fields.count_of(&["num_experts_per_tok", "moe_topk", "num_experts_per_token"])?;
    Ok(Some(Mixture {
        selection_bias,
        shared: match SharedExperts::of(shared) {
            Some(shared) => Some(SharedExperts {
                bias: fields.flag_or("mlp_bias", false)?,
                ..shared
            }),
            None => None,
        },
        ..Mixture::new(count, used, length)
    }))
}

/// Which layers have experts: by name, by a list of 0 and 1, by a list of those without, or all
/// after the first.
pub(super) fn sparse_layers(fields: &Fields<'_>, layers: usize) -> Result<Vec<bool>, ConfigError> {
    if let Some(kinds) = fields.texts("mlp_layer_types", layers)? {
        return Ok(kinds.iter().map(|&kind| kind == "sparse").collect());
    }
    if fields
        .value("moe_layer_freq")
        .is_some_and(serde_json::Value::is_array)
    {
        let flags = fields
            .integers("moe_layer_freq", layers)?
            .unwrap_or_default();
        return Ok(flags.into_iter().map(|flag| flag > 0).collect());
    }
    let dense_only = fields.indices("mlp_only_layers")?.unwrap_or_default();
    let dense = fields
        .count_or("first_k_dense_replace", 0)?
        .max(fields.count_or("num_dense_layers", 0)?);
    Ok((0..layers as u64)
        .map(|index| index >= dense && !dense_only.contains(&index))
        .collect())
}

/// The windows by name; without names every layer attends in full.
fn spans(fields: &Fields<'_>, layers: usize) -> Result<Vec<Span>, ConfigError> {
    let sliding_window = fields.optional_width("sliding_window")?;
    let listed = window::listed(fields, layers, sliding_window)?;
    Ok(listed.unwrap_or_else(|| alloc::vec![Span::Full; layers]))
}
