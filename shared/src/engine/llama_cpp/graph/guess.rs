//! Families for architectures never seen: what their tensors show, and what they leave open.

use super::family::{Family, Parallel, Projections, Selection, family};
use crate::model::{Model, Tensor};

/// How many graphs are built for an architecture never seen, of which the largest counts.
pub(in super::super) const GUESSES: usize = 4;

/// The family to build a graph of: the architecture's own, or one of the guesses.
pub(super) fn guessed(model: &Model, windowed: bool, guess: Option<usize>) -> Family {
    let known = family(model, windowed);
    let Some(guess) = guess else {
        return known;
    };
    let has = |name: &str| {
        let named = |tensor: &Tensor| {
            let rest = tensor.name.strip_prefix("blk.");
            let rest = rest.and_then(|rest| rest.split_once('.'));
            rest.is_some_and(|(_, rest)| rest == name)
        };
        model.tensors.iter().any(named)
    };
    let subtracts_mean = model.traits.subtracts_mean
        || has("attn_norm.bias")
        || model.tensor("output_norm.bias").is_some();
    let feeds_from_norm = has("ffn_norm.weight")
        || has("post_attention_norm.weight")
        || has("attn_output_norm.weight");
    let parallel = match (feeds_from_norm, guess) {
        (true, 0 | 2) => Parallel::No,
        (true, _) => Parallel::OwnNorm,
        (false, 0 | 1) => Parallel::NetworkThenAttention,
        (false, _) => Parallel::NetworkFirst,
    };
    // Networks that read the same as attention are as likely as not where norms are layer norms.
    let parallel = if subtracts_mean || !feeds_from_norm {
        parallel
    } else {
        Parallel::No
    };
    let later = guess >= 2;
    Family {
        layer_norm: subtracts_mean || guess == 1,
        norms_without_weight: !has("attn_norm.weight"),
        parallel,
        projections: if later {
            Projections::QueryKeyValue
        } else {
            known.projections
        },
        selection: if later {
            Selection::End
        } else {
            Selection::Attended
        },
        positions_per_token: 4,
        scales_residual: later,
        scales_embeddings: later,
        adds_to_residual: guess == 3,
        normalizes_keys: false,
        post_attention_norm_is_pre: !has("ffn_norm.weight"),
        ..known
    }
}
